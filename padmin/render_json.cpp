// SPDX-License-Identifier: Apache-2.0
#include "padmin/render_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/sys/clock.hpp"
#include "common/text.hpp"
#include "padmin/losses.hpp"
#include "padmin/resource_outlook.hpp"
#include "padmin/resource_words.hpp"

namespace banken {
namespace {

using Json = nlohmann::ordered_json;

// What JSON lets stand as it is although a terminal obeys it (U+007f to U+009f), which is within strings only: as \u009b.
std::string without_controls(const std::string& json) {
    std::string text;
    text.reserve(json.size());
    for (std::size_t at = 0; at < json.size(); ++at) {
        const auto byte = static_cast<unsigned char>(json[at]), next = static_cast<unsigned char>(json[std::min(at + 1, json.size() - 1)]);
        if (byte == 0x7f) {
            text += "\\u007f";
        } else if (byte == 0xc2 && next < 0xa0) {
            text += fmt::format("\\u{:04x}", next);
            ++at;
        } else {
            text += json[at];
        }
    }
    return text;
}

// Names may hold bytes that are no UTF-8: they are replaced, the document stays valid.
std::string text_of(const Json& document) { return without_controls(document.dump(2, ' ', false, Json::error_handler_t::replace)) + "\n"; }

std::string document(std::string_view name, Json content) { return text_of(Json{{"schema", 1}, {std::string(name), std::move(content)}}); }

Json split_lines(const std::string& text) {
    Json lines = Json::array();
    for (const std::string_view line : split(text, '\n')) lines.push_back(line);
    if (!lines.empty()) lines.erase(lines.size() - 1);  // behind the last newline
    return lines;
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
    add_time(object, "paused_since", entry.paused && entry.paused_since != WallTime{} ? std::optional(entry.paused_since) : std::nullopt);
    add_time(object, "paused_until", wall(entry.paused_until));
    object["waits_for"] = or_null(waits_for(entry));
    object["last_cause"] = or_null(entry.last_cause);
    object["restart_total"] = entry.total;
    add_time(object, "window_ends", wall(entry.window_ends));
    add_time(object, "next_attempt", wall(entry.next_attempt));
    object["proc_count"] = or_null(entry.proc_count);
    object["seen"] = or_null(entry.seen.pid);
    object["group"] = or_null(entry.group);
    object["script_pid"] = or_null(entry.script.process.pid);
    object["health"] = or_null(entry.health);
    object["cpu"] = entry.cpu_permille ? Json(static_cast<double>(*entry.cpu_permille) / 10) : Json();
    object["rss"] = or_null(entry.rss_bytes);
    object["fds"] = or_null(entry.fds);
    return object;
}

Json param_object(const View& view) {
    using std::chrono::duration_cast, std::chrono::seconds;
    const auto decimal = [](Duration duration) { return std::chrono::duration<double>(duration).count(); };
    const Counts counts = counts_of(view);
    return {{"MSG_CHECK_INTERVAL", duration_cast<seconds>(view.param.msg_check_interval).count()},
            {"MONITOR_INTERVAL", duration_cast<seconds>(view.param.monitor_interval).count()},
            {"MONITOR_TRY_COUNT", view.param.monitor_try_count},
            {"SHM_DUMP_FILE", view.param.shm_dump_file},
            {"PFILE", view.header.pfile},
            {"MESSAGE_BOX", message_of(view)},
            {"MONITOR_STOP_COUNT", counts.stopped},
            {"FAIL_PROC_COUNT", counts.failed},
            {"ALL_PROC_COUNT", counts.all},
            {"DETECT", view.param.detect_event ? "event" : "poll"},
            {"CONFIRM_WAIT", decimal(view.param.confirm_wait)},
            {"SCRIPT_TIMEOUT", duration_cast<seconds>(view.param.script_timeout).count()},
            {"SCRIPT_KILL_WAIT", duration_cast<seconds>(view.param.script_kill_wait).count()},
            {"SCRIPT_PARALLEL", view.param.script_parallel},
            {"SCRIPT_OUTPUT", or_null(view.param.script_output_file)},
            {"SCRIPT_CHECK", view.param.script_check_strict ? "strict" : "off"},
            {"REMIND_INTERVAL", duration_cast<seconds>(view.param.remind_interval).count()},
            {"file_is_newer", view.file_is_newer},
            {"dry_run", is_dry_run(view)}};
}

Json pent_array(const View& view, std::span<const EntryRecord* const> entries) {
    Json list = Json::array();
    for (const EntryRecord* entry : entries) list.push_back(pent_object(view, *entry));
    return list;
}

Json resource_object(const View& view, const ResourceRecord& resource) {
    const auto wall = [&](const std::optional<Instant>& at) { return at ? std::optional(wall_of(view, *at)) : std::nullopt; };
    Json depends = Json::array();
    for (const std::string_view tag : split(resource.depends, ',')) {
        if (!tag.empty()) depends.push_back(tag);
    }
    Json object{{"tag", resource.tag},
                {"kind", resource.kind == 0 ? "generic" : "cmdline"},
                {"state", banken::text_of(resource.shown)},
                {"reason", or_null(resource.reason)},
                {"depends", std::move(depends)},
                {"last_check", or_null(resource.last_check)},
                {"check_count", resource.checks},
                {"fail_count", resource.bad_checks},
                {"recover_count", resource.recovered}};
    add_time(object, "next_check", wall(next_check_of(resource)));
    object["resource_id"] = resource.resource_id;
    add_time(object, "state_since", resource.since_wall);
    object["goal"] = banken::text_of(resource.goal);
    object["report"] = resource.kind == 0 ? Json() : Json(banken::text_of(resource.report));
    object["script"] = or_null(script_words(resource.run));
    object["script_pid"] = or_null(resource.run.process.pid);
    add_time(object, "script_limit", wall(resource.run.deadline));
    object["monitor_sts"] = resource.paused ? "off" : "on";
    add_time(object, "paused_until", wall(resource.paused_until));
    object["definition"] = or_null(resource.file);
    return object;
}

Json resource_array(const View& view, std::span<const ResourceRecord* const> resources) {
    Json list = Json::array();
    for (const ResourceRecord* resource : resources) list.push_back(resource_object(view, *resource));
    return list;
}

Json group_array(const View& view, std::span<const Group> groups) {
    Json list = Json::array();
    for (const Group& group : groups) {
        const EntryRecord& any = *group.members.front();
        Json object{{"group", group.name}, {"members", Json::array()}};
        for (const EntryRecord* member : group.members) {
            object["members"].push_back({{"pname", member->name},
                                         {"pent_id", member->pent_id},
                                         {"proc_sts", text_of(member->state)},
                                         {"monitor_sts", member->paused ? "off" : "on"}});
        }
        object["turn"] = any.group_turn == 0 ? Json() : Json(any.group_turn);
        object["restart_count"] = any.group_window.count;
        add_time(object, "rerun_time", any.group_window.first ? std::optional(any.group_window.first_wall) : std::nullopt);
        object["waits_for"] = or_null(std::string(text_of(any.group_wait)));
        add_time(object, "next_attempt", any.group_timer ? std::optional(wall_of(view, *any.group_timer)) : std::nullopt);
        list.push_back(std::move(object));
    }
    return list;
}

Json capabilities_object(const View& view) {
    Json object = Json::object();
    for (const auto& [name, value] : capabilities_of(view)) object[std::string(name)] = value;
    return object;
}

// A moment that is foretold: `NAME`, `NAME_epoch`, and how far it is from now.
void add_moment(Json& object, const View& view, const std::string& name, const std::string& distance, std::optional<Instant> instant) {
    add_time(object, name, instant ? std::optional(wall_of(view, *instant)) : std::nullopt);
    object[distance] = instant ? Json(std::chrono::duration<double>(*instant - view.now.instant).count()) : Json();
}

void add_forecast(Json& object, const View& view, const Forecast& forecast) {
    object["next_action"] = text_of(forecast.next);
    add_moment(object, view, "next_time", "next_in", forecast.at);
    add_moment(object, view, "reminder_time", "reminder_in", forecast.reminder);
    object["retries"] = or_null(forecast.rule.retries);
    object["attempts_left"] = or_null(forecast.left);
    add_time(object, "window_ends", forecast.window_ends ? std::optional(wall_of(view, *forecast.window_ends)) : std::nullopt);
    object["held_up_by"] = forecast.held_up_by;
    Json table = Json::array();
    const Timetable timetable = forecast.timed ? forecast.timetable : Timetable();
    for (const Attempt& attempt : timetable.attempts) {
        Json row{{"attempt", attempt.number}};
        add_moment(row, view, "time", "in", attempt.at);
        table.push_back(std::move(row));
    }
    object["timetable"] = std::move(table);
    object["timetable_more"] = timetable.more;
    add_moment(object, view, "retry_over_time", "retry_over_in", timetable.retry_over);
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
                        {"owner", owner_of(view)}});
    }
    return document("pchecks", std::move(list));
}

std::string param_json(const View& view) { return document("param", param_object(view)); }

std::string pent_json(const View& view, std::span<const EntryRecord* const> entries) { return document("pent", pent_array(view, entries)); }

std::string resource_json(const View& view, std::span<const ResourceRecord* const> resources) {
    return document("resource", resource_array(view, resources));
}

std::string explain_json(const View& view, const ResourceRecord& resource, const Findings& findings) {
    Json object = resource_object(view, resource);
    const ResourceNext next = next_of(view, resource);
    object["next_action"] = next.action;
    add_moment(object, view, "next_time", "next_in", next.at);
    object["recoveries_left"] = or_null(recoveries_left(view, resource));
    object["script_output"] = findings.output;
    object["text"] = split_lines(text_of(explain(view, resource, findings)));
    return document("explain", std::move(object));
}

std::string group_json(const View& view, std::span<const Group> groups) { return document("group", group_array(view, groups)); }

std::string trace_json(const View& view, std::span<const TraceRecord> records) {
    const EntriesByKey entries(view);
    Json list = Json::array();
    for (const TraceRecord& record : records) {
        const EntryRecord* entry = entries.of(record);
        Json object{{"number", record.number}};
        add_time(object, "time", record.wall);
        object["pname"] = entry ? Json(entry->name) : Json();
        object["pent_id"] = entry ? Json(entry->pent_id) : Json();
        const ResourceRecord* resource = resource_of(view, record);
        object["tag"] = resource ? Json(resource->tag) : Json();
        object["pid"] = or_null(record.pid);
        object["event"] = record.event;
        object["detail"] = or_null(record.detail);
        list.push_back(std::move(object));
    }
    return document("trace", std::move(list));
}

std::string capabilities_json(const View& view) { return document("capabilities", capabilities_object(view)); }

std::string all_json(const View& view) {
    std::vector<const EntryRecord*> entries;
    for (const EntryRecord& entry : view.entries) entries.push_back(&entry);
    std::vector<const ResourceRecord*> resources;
    for (const ResourceRecord& resource : view.resources) resources.push_back(&resource);
    return text_of(Json{{"schema", 1},
                        {"param", param_object(view)},
                        {"pent", pent_array(view, entries)},
                        {"resource", resource_array(view, resources)},
                        {"group", group_array(view, groups_of(view))},
                        {"capabilities", capabilities_object(view)}});
}

std::string explain_json(const View& view, const EntryRecord& entry, const Result<Pent>& pent, const Findings& findings) {
    Json object = pent_object(view, entry);
    object["state"] = text_of(entry.state);
    object["wait"] = or_null(std::string(text_of(entry.wait)));
    object["reason"] = or_null(std::string(text_of(entry.reason)));
    object["paused"] = entry.paused;
    if (pent) add_forecast(object, view, forecast(view, entry, *pent));
    object["trouble"] = or_null(entry.trouble);
    object["last_loss"] = or_null(loss_words(entry));
    object["last_failure"] = or_null(entry.last_failure);
    object["refused"] = or_null(findings.refused);
    object["process"] = findings.process;
    object["script_output"] = findings.output;
    object["text"] = split_lines(text_of(explain(view, entry, pent, findings)));
    return document("explain", std::move(object));
}

std::string match_json(const EntryRecord& entry, const Matching& matching) {
    Json processes = Json::array();
    for (const JudgedProcess& process : matching.processes) {
        Json misses = Json::array();
        for (const JudgedProcess::Miss& miss : process.misses) misses.push_back({{"filter", miss.filter}, {"text", miss.is}});
        processes.push_back({{"pid", process.id.pid},
                             {"standing", text_of(process.standing)},
                             {"ppid", process.parent},
                             {"user", or_null(process.user)},
                             {"command_line", process.command_line},
                             {"misses", std::move(misses)}});
    }
    return document("match", {{"pname", entry.name},
                              {"pent_id", entry.pent_id},
                              {"proc_sts", text_of(entry.state)},
                              {"pid", or_null(entry.main.pid)},
                              {"rule", matching.rule},
                              {"named_pid", or_null(matching.named)},
                              {"processes", std::move(processes)},
                              {"notes", matching.notes}});
}

}  // namespace banken
