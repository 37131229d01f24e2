// SPDX-License-Identifier: Apache-2.0
#include "padmin/render_json.hpp"

#include <nlohmann/json.hpp>

#include "common/sys/clock.hpp"

namespace banken {
namespace {

using Json = nlohmann::ordered_json;

// Names may hold bytes that are no UTF-8: they are replaced, the document stays valid.
std::string document(std::string_view name, Json content) {
    const Json whole{{"schema", 1}, {std::string(name), std::move(content)}};
    return whole.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

template <class Value>
Json or_null(const std::optional<Value>& value) {
    return value ? Json(*value) : Json();
}
Json or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }
Json or_null(pid_t pid) { return pid == 0 ? Json() : Json(pid); }

void add_time(Json& object, const std::string& name, std::optional<WallTime> time) {
    object[name] = time ? Json(sys::rfc3339_text(*time)) : Json();
    object[name + "_epoch"] = time ? Json(std::chrono::floor<std::chrono::seconds>(*time).time_since_epoch().count()) : Json();
}

Json pent_object(const View& view, const EntryRecord& entry) {
    const auto wall = [&](const std::optional<Instant>& instant) {
        return instant ? std::optional(wall_of(view, *instant)) : std::nullopt;
    };
    Json object{{"pname", entry.name},
                {"pid", or_null(entry.shown_pid)},
                {"retry_count", entry.attempts},
                {"restart_count", entry.window.count},
                {"proc_sts", text_of(entry.state)},
                {"retry_over_act", text_of(entry.action)}};
    add_time(object, "rerun_time", entry.window.first ? std::optional(entry.window.first_wall) : std::nullopt);
    object["pent_id"] = entry.pent_id;
    object["monitor_sts"] = entry.paused ? "off" : "on";
    add_time(object, "state_since", entry.since_wall);
    object["waits_for"] = or_null(waits_for(entry));
    object["last_cause"] = or_null(entry.last_cause);
    object["restart_total"] = entry.total;
    add_time(object, "window_ends", wall(entry.window_ends));
    add_time(object, "next_attempt", wall(entry.next_attempt));
    object["proc_count"] = or_null(entry.proc_count);
    object["group"] = or_null(entry.group);
    object["script_pid"] = or_null(entry.script.process.pid);
    object["health"] = or_null(entry.health);
    object["cpu"] = entry.cpu_permille ? Json(static_cast<double>(*entry.cpu_permille) / 10) : Json();
    object["rss"] = or_null(entry.rss_bytes);
    object["fds"] = or_null(entry.fds);
    return object;
}

}  // namespace

std::string list_json(std::span<const View> views) {
    Json list = Json::array();
    for (const View& view : views) {
        list.push_back({{"ipckey", fmt::format("0x{:08x}", view.key)},
                        {"mypid", view.header.owner.id.pid},
                        {"myname", "pcheck"},
                        {"pfile", view.header.pfile},
                        {"message", message_of(view)},
                        {"owner", view.alive ? "alive" : "dead"}});
    }
    return document("pchecks", std::move(list));
}

std::string param_json(const View& view) {
    using std::chrono::duration_cast, std::chrono::seconds;
    const Counts counts = counts_of(view);
    return document("param", {{"MSG_CHECK_INTERVAL", duration_cast<seconds>(view.param.msg_check_interval).count()},
                              {"MONITOR_INTERVAL", duration_cast<seconds>(view.param.monitor_interval).count()},
                              {"MONITOR_TRY_COUNT", view.param.monitor_try_count},
                              {"SHM_DUMP_FILE", view.param.shm_dump_file},
                              {"PFILE", view.header.pfile},
                              {"MESSAGE_BOX", message_of(view)},
                              {"MONITOR_STOP_COUNT", counts.stopped},
                              {"FAIL_PROC_COUNT", counts.failed},
                              {"ALL_PROC_COUNT", counts.all},
                              {"file_is_newer", view.file_is_newer}});
}

std::string pent_json(const View& view, std::span<const EntryRecord* const> entries) {
    Json list = Json::array();
    for (const EntryRecord* entry : entries) list.push_back(pent_object(view, *entry));
    return document("pent", std::move(list));
}

}  // namespace banken
