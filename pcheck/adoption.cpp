// SPDX-License-Identifier: Apache-2.0
#include "pcheck/adoption.hpp"

#include <algorithm>
#include <map>
#include <string>

#include "common/pfile.hpp"

namespace banken {
namespace {

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
    const bool ending = record.state == EntryState::restart && record.ending != EndingPhase::none;
    if (ending) script.phase = record.ending == EndingPhase::killed ? Phase::killed : Phase::terminated;
    return script;
}

core::Watch watch_of(const EntryRecord& record, Pent pent) {
    core::Watch watch;
    watch.key = record.key;
    watch.pent_id = record.pent_id;
    watch.pent = std::move(pent);
    watch.state = record.state;
    watch.wait = record.wait;
    watch.since = record.since;
    watch.since_wall = record.since_wall;
    watch.reason = record.reason;
    watch.main = process_of(record.main);
    watch.shown_pid = record.shown_pid;
    watch.logged_pid = record.logged_pid;
    watch.seen = process_of(record.seen);
    watch.matching = record.proc_count.value_or(0);
    watch.memory = memory_of(record);
    watch.last_cause = record.cause;
    if (record.group.empty()) watch.window = record.window;  // else it is the group's that is recorded
    watch.attempts = record.attempts;
    watch.total = record.total;
    watch.losses = record.losses;
    watch.retry_overs = record.retry_overs;
    watch.stalls = record.stalls;
    watch.begun = record.begun;
    watch.paused = record.paused;
    watch.paused_until = record.paused_until;
    watch.paused_since = record.paused_since;
    watch.timer = record.timer;
    watch.killed = record.state == EntryState::stall && record.ending == EndingPhase::killed;
    watch.stop_only = record.stop_only;
    watch.last_beat = record.last_beat;
    watch.last_failure = record.last_failure;
    watch.last_failure_at = record.last_failure_at;
    watch.waits_for = record.waits_for;
    return watch;
}

// Of an attempt that is under way: members that came up in it, and the one whose turn it is, have had their scripts run.
core::Group group_of(const std::vector<core::Watch>& watches, const EntryRecord& first) {
    core::Group group;
    group.name = first.group;
    group.window = first.group_window;
    group.begun = first.group_begun;
    for (const core::Watch& watch : watches) {
        if (watch.pent.group != group.name) continue;
        group.members.push_back(watch.key);
        if (first.group_turn == 0 || !group.begun) continue;
        if (watch.pent_id == first.group_turn) group.turn = watch.key;
        const bool ran = watch.since >= *group.begun && watch.state != EntryState::down && !watch.paused;
        if (ran) group.ran.push_back(watch.pent.script.text);
    }
    return group;
}

}  // namespace

Adoption adoption_of(std::span<const EntryRecord> entries, const ParamRecord& param, const Fates& fates) {
    Adoption adoption;
    std::map<std::string, const EntryRecord*> groups;
    for (const EntryRecord& record : entries) {
        auto pent = parse_pent(record.line, param);
        if (!pent) continue;
        core::Watch watch = watch_of(record, *std::move(pent));
        core::AdoptedEntry fate{.entry = watch.key, .main_lives = watch.main && fates.is_running(*watch.main), .script_lives = false};
        if (record.script.kind != ScriptRecord::Kind::none) {
            watch.script = script_of(record, adoption.recorded.watches.size() + 1);
            fate.script_lives = watch.script->process && fates.is_awaitable(*watch.script->process);
            if (fate.script_lives) adoption.scripts.push_back({watch.script->run, watch.key, watch.script->kind, *watch.script->process});
        }
        if (!record.group.empty()) groups.try_emplace(record.group, &record);
        adoption.recorded.watches.push_back(std::move(watch));
        adoption.event.entries.push_back(fate);
    }
    for (const auto& [name, first] : groups) adoption.recorded.groups.push_back(group_of(adoption.recorded.watches, *first));
    return adoption;
}

}  // namespace banken
