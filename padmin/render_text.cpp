// SPDX-License-Identifier: Apache-2.0
#include "padmin/render_text.hpp"

#include <fmt/format.h>

#include <iterator>

#include "common/sys/clock.hpp"
#include "common/text.hpp"
#include "padmin/resource_words.hpp"
#include "padmin/words.hpp"

namespace banken {
namespace {

constexpr std::string_view none = "-----";

// Lines of `label = value`, the labels padded to one width.
class Block {
public:
    explicit Block(std::size_t width) : width_(width) {}

    template <class Value>
    void line(std::string_view label, const Value& value) {
        fmt::format_to(std::back_inserter(text_), "{:<{}} = {}\n", label, width_, value);
    }
    // Only where there is something to show.
    void known(std::string_view label, std::string_view value) {
        if (!value.empty()) line(label, printable(value));
    }
    template <class Value>
    void known(std::string_view label, const std::optional<Value>& value) {
        if (value) line(label, *value);
    }

    [[nodiscard]] std::string text() && { return std::move(text_); }

private:
    std::size_t width_;
    std::string text_;
};

std::string joined(std::string all, std::string block) { return all.empty() ? std::move(block) : std::move(all) + "\n" + block; }

std::string pid_text(pid_t pid) { return pid == 0 ? std::string(none) : std::to_string(pid); }

void add_ours(Block& block, const View& view, const EntryRecord& entry) {
    block.line("state_since", sys::local_time_text(entry.since_wall));
    if (entry.paused && entry.paused_since != WallTime{}) block.line("paused_since", sys::local_time_text(entry.paused_since));
    if (entry.paused_until) block.line("paused_until", sys::local_time_text(wall_of(view, *entry.paused_until)));
    block.known("waits_for", waits_for(entry));
    block.known("last_cause", entry.last_cause);
    block.line("restart_total", entry.total);
    if (window_has_passed(view, entry)) {
        block.line("window_ends", "passed");
    } else if (entry.window_ends) {
        block.line("window_ends", sys::local_time_text(wall_of(view, *entry.window_ends)));
    }
    if (entry.next_attempt) block.line("next_attempt", sys::local_time_text(wall_of(view, *entry.next_attempt)));
    block.known("proc_count", entry.proc_count);
    if (entry.seen.pid != 0) block.line("seen", entry.seen.pid);
    block.known("group", entry.group);
    if (entry.script.process.pid != 0) block.line("script_pid", entry.script.process.pid);
    block.known("health", health_words(entry));
    if (entry.cpu_permille) block.line("cpu", fmt::format("{}.{}%", *entry.cpu_permille / 10, *entry.cpu_permille % 10));
    block.known("rss", entry.rss_bytes);
    block.known("fds", entry.fds);
}

// The other settings that the segment tells.
std::string ours_of(const ParamRecord& param) {
    const auto seconds = [](Duration duration) { return std::chrono::duration<double>(duration).count(); };
    Block block(18);
    block.line("DETECT", param.detect_event ? "event" : "poll");
    block.line("CONFIRM_WAIT", seconds(param.confirm_wait));
    block.line("SCRIPT_TIMEOUT", seconds(param.script_timeout));
    block.line("SCRIPT_KILL_WAIT", seconds(param.script_kill_wait));
    block.line("SCRIPT_PARALLEL", param.script_parallel);
    block.known("SCRIPT_OUTPUT", param.script_output_file);
    block.line("SCRIPT_CHECK", param.script_check_strict ? "strict" : "off");
    block.line("REMIND_INTERVAL", seconds(param.remind_interval));
    return std::move(block).text();
}

}  // namespace

std::string list_text(std::span<const View> views, bool verbose) {
    std::string text;
    for (const View& view : views) {
        Block block(8);
        block.line("ipckey", fmt::format("0x{:08x}", view.key));
        block.line("mypid", view.header.owner.id.pid);
        block.line("myname", "pcheck");
        block.line("pfile", printable(view.header.pfile));
        block.line("message", message_of(view));
        if (verbose) block.line("owner", owner_of(view));
        text = joined(std::move(text), std::move(block).text());
    }
    return text;
}

std::string param_text(const View& view, bool verbose) {
    using std::chrono::duration_cast, std::chrono::seconds;
    const Counts counts = counts_of(view);
    Block block(18);
    block.line("MSG_CHECK_INTERVAL", duration_cast<seconds>(view.param.msg_check_interval).count());
    block.line("MONITOR_INTERVAL", duration_cast<seconds>(view.param.monitor_interval).count());
    block.line("MONITOR_TRY_COUNT", view.param.monitor_try_count);
    block.line("SHM_DUMP_FILE", printable(view.param.shm_dump_file));
    block.line("PFILE", printable(view.header.pfile));
    block.line("MESSAGE_BOX", message_of(view));
    block.line("MONITOR_STOP_COUNT", counts.stopped);
    block.line("FAIL_PROC_COUNT", counts.failed);
    block.line("ALL_PROC_COUNT", counts.all);
    std::string text = std::move(block).text();
    if (verbose) text += ours_of(view.param);
    if (verbose && is_dry_run(view)) text += "nothing is run or signalled: pcheck was started with --dry-run\n";
    if (verbose && view.file_is_newer) text += "file is newer than the running configuration\n";
    return text;
}

std::string pent_text(const View& view, std::span<const EntryRecord* const> entries, bool verbose) {
    std::string text;
    for (const EntryRecord* entry : entries) {
        Block block(15);
        block.line("pname", printable(entry->name));
        block.line("pid", pid_text(entry->shown_pid));
        block.line("retry_count", entry->attempts);
        block.line("restart_count", entry->window.count);
        block.line("proc_sts", text_of(entry->state));
        block.line("retry_over_act", text_of(entry->action));
        block.line("rerun_time", entry->window.first ? sys::local_time_text(entry->window.first_wall) : std::string(none));
        block.line("pent_id", entry->pent_id);
        block.line("monitor_sts", entry->paused ? "off" : "on");
        if (verbose) add_ours(block, view, *entry);
        if (!text.empty()) text += '\n';
        text += std::move(block).text();
    }
    return text;
}

std::string group_text(const View& view, std::span<const Group> groups) {
    std::string text;
    for (const Group& group : groups) {
        const EntryRecord& any = *group.members.front();
        Block block(15);
        block.line("group", printable(group.name));
        for (const EntryRecord* member : group.members) {
            const bool turn = any.group_turn == member->pent_id;
            block.line("member", fmt::format("{} (pent_id {}) {}{}{}", printable(member->name), member->pent_id, text_of(member->state),
                                             member->paused ? ", paused" : "", turn ? ", its turn" : ""));
        }
        block.line("restart_count", any.group_window.count);
        block.line("rerun_time", any.group_window.first ? sys::local_time_text(any.group_window.first_wall) : std::string(none));
        const bool named = any.group_wait == EntryWait::dependency;
        const auto waiting = std::ranges::find_if(group.members, [](const EntryRecord* member) { return !member->waits_for.empty(); });
        block.known("waits_for",
                    named && waiting != group.members.end() ? "dependency " + (*waiting)->waits_for : std::string(text_of(any.group_wait)));
        if (any.group_timer) block.line("next_attempt", sys::local_time_text(wall_of(view, *any.group_timer)));
        text = joined(std::move(text), std::move(block).text());
    }
    return text;
}

std::string trace_text(const View& view, std::span<const TraceRecord> records) {
    const EntriesByKey entries(view);
    std::string text;
    for (const TraceRecord& record : records) {
        const auto millis = std::chrono::floor<std::chrono::milliseconds>(record.wall.time_since_epoch()).count() % 1000;
        std::string line = fmt::format("{} +{:03}ms", sys::local_time_text(record.wall), millis);
        if (const EntryRecord* entry = entries.of(record)) {
            line += fmt::format(" {} ({})", printable(entry->name), entry->pent_id);
        } else if (const ResourceRecord* resource = resource_of(view, record)) {
            line += " " + printable(resource->tag);
        } else if (is_about_a_resource(record)) {
            line += " removed resource";
        } else if (record.key != 0) {
            line += fmt::format(" removed entry {}", record.key);
        }
        if (record.pid != 0) line += fmt::format(" pid={}", record.pid);
        line += " " + printable(record.event);
        if (!record.detail.empty()) line += " " + printable(record.detail);
        text += line + "\n";
    }
    return text;
}

std::string capabilities_text(const View& view) {
    if (view.header.capabilities.empty()) return "unknown: this pcheck does not tell\n";
    std::string text;
    for (const auto& [name, value] : capabilities_of(view)) text += fmt::format("{:<16} = {}\n", printable(name), printable(value));
    return text;
}

std::string all_text(const View& view) {
    std::string text = param_text(view, true);
    std::vector<const EntryRecord*> entries;
    for (const EntryRecord& entry : view.entries) entries.push_back(&entry);
    const auto groups = groups_of(view);
    std::vector<const ResourceRecord*> resources;
    for (const ResourceRecord& resource : view.resources) resources.push_back(&resource);
    for (std::string part :
         {pent_text(view, entries, true), resource_text(view, resources, true), group_text(view, groups), capabilities_text(view)}) {
        if (!part.empty()) text = joined(std::move(text), std::move(part));
    }
    return text;
}

}  // namespace banken
