// SPDX-License-Identifier: Apache-2.0
#include "pcheck/records.hpp"

namespace banken {
namespace {

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
    if (watch.pent.check.none() || watch.state != EntryState::avail) return {};
    if (!watch.was_checked) return "not checked yet";
    if (watch.bad_checks == 0) return "good";
    return fmt::format("{} of {} checks failed", watch.bad_checks, watch.pent.check_failures);
}

void set_signs_of_life(EntryRecord& record, const core::Watch& watch) {
    record.stalls = watch.stalls;
    record.health = health_of(watch);
    record.bad_checks = watch.bad_checks;
    record.last_beat = watch.last_beat;
    record.next_check = watch.check_at;
    record.beat_at = watch.beat_at;
    record.stable_at = watch.stable_at;
    if (watch.check) record.check = record_of(*watch.check);
    if (!watch.figures) return;
    if (watch.figures->permille) record.cpu_permille = *watch.figures->permille;
    record.rss_bytes = watch.figures->rss;
    record.fds = watch.figures->fds;
}

}  // namespace

EntryRecord record_of(const core::Watch& watch, const core::Supervisor& core) {
    EntryRecord record;
    record.pent_id = watch.pent_id;
    record.key = watch.key;
    record.state = watch.state;
    record.wait = watch.wait;
    record.reason = watch.reason;
    record.action = core.head_of(watch).pent.action;
    record.main = watch.main.value_or(ProcessId{});
    record.shown_pid = watch.shown_pid;
    record.logged_pid = watch.logged_pid;
    record.seen = watch.seen.value_or(ProcessId{});
    record.window = core.window_of(watch);
    record.attempts = watch.attempts;
    record.total = watch.total;
    record.losses = watch.losses;
    record.retry_overs = watch.retry_overs;
    record.begun = watch.begun;
    if (watch.script) record.script = record_of(*watch.script);
    record.paused = watch.paused;
    record.paused_until = watch.paused_until;
    record.timer = watch.timer;
    record.since = watch.since;
    record.since_wall = watch.since_wall;
    if (record.window.first) record.window_ends = *record.window.first + core.head_of(watch).pent.grace;
    if (watch.wait == EntryWait::delay) record.next_attempt = watch.timer;
    record.ending = ending_of(watch);
    record.remind_at = watch.remind_at;
    if (watch.paused) record.paused_since = watch.paused_since;
    record.proc_count = static_cast<std::uint32_t>(watch.matching);
    record.name = watch.pent.name;
    record.line = watch.pent.text;
    if (watch.last_cause) record.last_cause = text_of(*watch.last_cause);
    record.cause = watch.last_cause;
    record.stop_only = watch.stop_only;
    record.waits_for = watch.waits_for;
    record.last_failure = watch.last_failure;
    record.last_failure_at = watch.last_failure_at;
    set_memory(record, watch.memory);
    set_signs_of_life(record, watch);
    if (const core::Group* group = core.group_of(watch.key)) set_group(record, *group, core);
    return record;
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
