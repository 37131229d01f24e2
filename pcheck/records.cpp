// SPDX-License-Identifier: Apache-2.0
#include "pcheck/records.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace banken {
namespace {

// The same in both, as it is.
constexpr std::tuple alike{
    std::pair{&core::Watch::key, &EntryRecord::key},
    std::pair{&core::Watch::pent_id, &EntryRecord::pent_id},
    std::pair{&core::Watch::state, &EntryRecord::state},
    std::pair{&core::Watch::wait, &EntryRecord::wait},
    std::pair{&core::Watch::since, &EntryRecord::since},
    std::pair{&core::Watch::since_wall, &EntryRecord::since_wall},
    std::pair{&core::Watch::reason, &EntryRecord::reason},
    std::pair{&core::Watch::shown_pid, &EntryRecord::shown_pid},
    std::pair{&core::Watch::logged_pid, &EntryRecord::logged_pid},
    std::pair{&core::Watch::attempts, &EntryRecord::attempts},
    std::pair{&core::Watch::total, &EntryRecord::total},
    std::pair{&core::Watch::losses, &EntryRecord::losses},
    std::pair{&core::Watch::retry_overs, &EntryRecord::retry_overs},
    std::pair{&core::Watch::stalls, &EntryRecord::stalls},
    std::pair{&core::Watch::begun, &EntryRecord::begun},
    std::pair{&core::Watch::paused, &EntryRecord::paused},
    std::pair{&core::Watch::paused_until, &EntryRecord::paused_until},
    std::pair{&core::Watch::paused_since, &EntryRecord::paused_since},
    std::pair{&core::Watch::timer, &EntryRecord::timer},
    std::pair{&core::Watch::stop_only, &EntryRecord::stop_only},
    std::pair{&core::Watch::last_beat, &EntryRecord::last_beat},
    std::pair{&core::Watch::trouble, &EntryRecord::trouble},
    std::pair{&core::Watch::last_failure, &EntryRecord::last_failure},
    std::pair{&core::Watch::last_failure_at, &EntryRecord::last_failure_at},
    std::pair{&core::Watch::waits_for, &EntryRecord::waits_for},
    std::pair{&core::Watch::last_cause, &EntryRecord::cause},
    std::pair{&core::Watch::lost_at, &EntryRecord::lost_at},
    std::pair{&core::Watch::lost_pid, &EntryRecord::lost_pid},
    std::pair{&core::Watch::lost_by, &EntryRecord::lost_by},
    std::pair{&core::Watch::lost_why, &EntryRecord::lost_why},
};

ScriptRecord record_of(const core::ScriptRun& run) {
    ScriptRecord record;
    record.kind = run.kind == core::ScriptKind::stop ? ScriptRecord::Kind::stop : ScriptRecord::Kind::restart;
    record.process = run.process.value_or(ProcessId{});
    record.group = record.process.pid;  // a script leads its own session
    if (run.limit > Duration{}) record.deadline = run.begun + run.limit;
    record.attempt = run.attempt;
    return record;
}

EndingPhase ending_of(const core::Watch& watch) {
    using Phase = core::ScriptRun::Phase;
    if (watch.state == EntryState::stall) return watch.killed ? EndingPhase::killed : EndingPhase::asked;
    if (!watch.script || watch.script->phase == Phase::running) return EndingPhase::none;
    return watch.script->phase == Phase::killed ? EndingPhase::killed : EndingPhase::asked;
}

void set_memory(EntryRecord& record, const core::FollowMemory& memory) {
    record.death = memory.death;
    record.orphans = memory.orphans;
    if (!memory.last) return;
    record.last_uid = memory.last->user;
    record.last_argv0 = memory.last->argv0;
}

void set_group(EntryRecord& record, const core::Group& group, const core::Supervisor& core) {
    record.group = group.name;
    record.group_window = group.window;
    record.group_begun = group.begun;
    record.group_timer = group.timer;
    record.group_wait = group.wait;
    record.stable_at = group.stable_at;
    const core::Watch* turn = core.find(group.turn);
    if (turn) record.group_turn = turn->pent_id;
    if (record.wait != EntryWait::group) return;
    if (group.wait == EntryWait::delay) record.next_attempt = group.timer;
    if (group.wait == EntryWait::dependency) record.waits_for = group.waits_for;
}

std::string health_of(const core::Watch& watch) {
    if (watch.pent.check.none()) return {};
    if (watch.state != EntryState::avail) return watch.bad_check.empty() ? "" : fmt::format("the last check failed: {}", watch.bad_check);
    if (!watch.was_checked) return "not checked yet";
    const std::string how = watch.bad_check.empty() ? "" : fmt::format(" ({})", watch.bad_check);
    if (watch.bad_checks > 0) return fmt::format("{} of {} checks failed{}", watch.bad_checks, watch.pent.check_failures, how);
    if (watch.told_stalled.check) return "stalled" + how;
    return how.empty() ? "good" : "the check could not be run" + how;
}

// When the first of those that were not told has lasted.
std::optional<Instant> excess_at(const core::Watch& watch) {
    std::optional<Instant> first;
    const auto consider = [&first](const core::Excess& excess, const std::optional<Limit>& limit) {
        if (!limit || !excess.since || excess.told) return;
        const Instant at = *excess.since + limit->lasting;
        if (!first || at < *first) first = at;
    };
    consider(watch.cpu, watch.pent.cpu);
    consider(watch.rss, watch.pent.rss);
    consider(watch.fds, watch.pent.fds);
    return first;
}

void set_signs_of_life(EntryRecord& record, const core::Watch& watch) {
    record.health = health_of(watch);
    record.bad_checks = watch.bad_checks;
    record.next_check = watch.check_at;
    record.beat_at = watch.beat_at;
    if (watch.hung.since && watch.pent.hung > Duration{}) record.hung_at = *watch.hung.since + watch.pent.hung;
    record.stable_at = watch.stable_at;
    const auto& told = watch.told_stalled;
    record.stall_told = (told.check ? EntryRecord::check_told : 0) | (told.heartbeat ? EntryRecord::heartbeat_told : 0) |
                        (told.hung ? EntryRecord::hung_told : 0);
    if (watch.check) record.check = record_of(*watch.check);
    if (!watch.figures) return;
    record.excess_at = excess_at(watch);
    if (watch.figures->permille) record.cpu_permille = *watch.figures->permille;
    record.rss_bytes = watch.figures->rss;
    record.fds = watch.figures->fds;
}

std::optional<ProcessId> process_of(ProcessId recorded) { return recorded.pid == 0 ? std::nullopt : std::optional(recorded); }

core::FollowMemory memory_of(const EntryRecord& record) {
    core::FollowMemory memory;
    memory.orphans = record.orphans;
    memory.death = record.death;
    if (!record.last_uid) return memory;
    core::Candidate& last = memory.last.emplace();
    last.id = record.main;
    last.user = *record.last_uid;
    last.argv0 = record.last_argv0;
    return memory;
}

}  // namespace

EntryRecord record_of(const core::Watch& watch, const core::Supervisor& core) {
    EntryRecord record;
    std::apply([&](const auto&... both) { ((record.*both.second = watch.*both.first), ...); }, alike);
    record.action = core.head_of(watch).pent.action;
    record.main = watch.main.value_or(ProcessId{});
    record.seen = watch.seen.value_or(ProcessId{});
    record.window = core.window_of(watch);
    if (watch.script) record.script = record_of(*watch.script);
    if (record.window.first) record.window_ends = *record.window.first + core.head_of(watch).pent.grace;
    if (watch.wait == EntryWait::delay) record.next_attempt = watch.timer;
    record.ending = ending_of(watch);
    record.remind_at = watch.remind_at;
    record.looked_for = watch.given_up() && watch.question == core::Question::fresh;
    if (!watch.paused) record.paused_since = {};
    record.proc_count = static_cast<std::uint32_t>(watch.matching);
    record.name = watch.pent.name;
    record.line = watch.pent.text;
    if (watch.last_cause) record.last_cause = text_of(*watch.last_cause);
    set_memory(record, watch.memory);
    set_signs_of_life(record, watch);
    if (const core::Group* group = core.group_of(watch.key)) set_group(record, *group, core);
    return record;
}

core::Watch watch_of(const EntryRecord& record, Pent pent) {
    core::Watch watch;
    std::apply([&](const auto&... both) { ((watch.*both.first = record.*both.second), ...); }, alike);
    watch.pent = std::move(pent);
    watch.main = process_of(record.main);
    watch.seen = process_of(record.seen);
    watch.matching = record.proc_count.value_or(0);
    watch.memory = memory_of(record);
    if (record.group.empty()) watch.window = record.window;  // else it is the group's that is recorded
    watch.killed = record.state == EntryState::stall && record.ending == EndingPhase::killed;
    if (record.looked_for) watch.question = core::Question::fresh;
    return watch;
}

// It was begun with the state that it belongs to; one that could not be ended has outlived that.
core::ScriptRun script_of(const EntryRecord& record, core::RunId run) {
    using Phase = core::ScriptRun::Phase;
    core::ScriptRun script;
    script.run = run;
    script.kind = record.script.kind == ScriptRecord::Kind::stop ? core::ScriptKind::stop : core::ScriptKind::restart;
    script.process = process_of(record.script.process);
    script.begun = record.since;
    script.attempt = record.script.attempt;
    if (record.script.deadline) script.limit = std::max(*record.script.deadline - script.begun, Duration{});
    const bool ending = record.ending == EndingPhase::killed ||  // KILL for a process that is being stopped is for its script too
                        (record.ending == EndingPhase::asked && record.state != EntryState::stall);
    if (ending) script.phase = record.ending == EndingPhase::killed ? Phase::killed : Phase::terminated;
    return script;
}

TraceRecord record_of(const core::Trace& trace, Now now) {
    TraceRecord record;
    record.instant = now.instant;
    record.wall = now.wall;
    record.key = trace.entry;
    record.pid = trace.pid;
    record.event = trace.event;
    record.detail = trace.detail;
    return record;
}

}  // namespace banken
