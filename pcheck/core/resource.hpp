// SPDX-License-Identifier: Apache-2.0
// What is kept of one resource (spec/state-table.md, "Kept per resource"). Data only: Resources alone changes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "common/definition.hpp"
#include "common/resource_state.hpp"
#include "pcheck/core/types.hpp"

namespace banken::core {

// A script of a resource that was begun and whose end has not been heard of.
struct ResourceRun {
    enum class Phase : std::uint8_t { running, terminated, killed };  // TERM sent, KILL sent
    RunId run = 0;
    ResourceScript script{};
    std::optional<ProcessId> process;  // unset until its child exists
    Instant begun{};
    Duration limit{};  // 0: none
    Phase phase = Phase::running;
    std::optional<Instant> deadline;  // of the limit, then of TERM, then of KILL
    bool unwanted = false;            // a check: its result means nothing any more
    bool recovery = false;            // a Start
    std::uint64_t stage = 0;          // a Check: Resource::stage when it began
    bool told_long = false;           // a check: that it takes over two intervals
};

// What a cmdline resource is doing about its goal.
enum class Step : std::uint8_t {
    none,
    asked,     // ON: a Check is to say whether Start is needed
    starting,  // Start runs
    started,   // Start has ended well, Check is to say so
    stopping,  // Stop runs
    stopped,   // Stop has ended well, or there is none: Check is to say so
};

// Why it is taken out: HV_OFFLINE_REASON.
enum class OfflineReason : std::uint8_t { stop, fault, shut };

struct Resource {
    ResourceKey key = 0;
    unsigned resource_id = 0;  // 1..n, the order of the file
    Definition definition;

    ResourceState state = ResourceState::illstate;
    std::string reason;
    Instant since{};  // of the state as it is shown
    WallTime since_wall{};
    Goal goal = Goal::none;
    Instant goal_since{};
    OfflineReason why_out = OfflineReason::stop;  // of a goal `out`, `failed`
    std::string because;                          // whose failure takes it out; not kept across a kill
    bool ordered = false;                         // the recovery that is the goal: neither limited nor counted

    std::optional<ResourceRun> run;    // restore, remove, recover, Start, Stop; generic: or a check
    std::optional<ResourceRun> check;  // cmdline's Check, beside it
    std::vector<ResourceRun> unended;  // killed, and still there

    unsigned bad_quick = 0, bad_deep = 0;  // in a row; cmdline counts in the first
    std::deque<Instant> recoveries;        // begins of those that were not ordered, where they are limited
    std::string failure;                   // why its recovery failed, or was none, while that is what OSF means
    bool fault = false;                    // not cleared
    std::uint64_t checks = 0, bad_checks = 0, recovered = 0;
    std::string last_check;  // "ok", "status=1"; empty: none yet

    bool paused = false;
    std::optional<Instant> paused_until;
    WallTime paused_since{};

    std::optional<Instant> quick_at, deep_at;  // generic: the next check of a kind
    bool deep_follows = false;                 // the deep check is due while another one runs
    std::optional<Instant> remind_at;          // a script without a limit runs for long
    std::optional<Instant> remind_state_at;    // it has failed or is paused, and stays so

    // cmdline
    Step step = Step::none;
    bool to_standby = false;  // Standby, not Online, is wanted by the goal or by Start
    bool recovering = false;  // Wait: the Start of a recovery
    bool was_in = false;      // Wait: it was in service when Stop began
    Report report = Report::none;
    std::uint64_t stage = 0;  // a number for each state and step; a Check's report counts in the one in which it began
    std::optional<Instant> tick_at, wait_at;
    std::optional<Instant> stop_begun;  // of a Stop whose end was missed: the next one has no more time than was left
    bool told_report = false;           // a report that is at odds with the state was told, and none has agreed since
    bool told_status = false;           // a status that has no meaning
    bool autorecovered = false;         // since it was last re-armed

    [[nodiscard]] bool is_generic() const { return definition.kind == ResourceKind::generic; }
    // As `show resource` says it: paused is ISU, Deact.
    [[nodiscard]] ResourceState shown() const;
    [[nodiscard]] bool runs(ResourceScript script) const { return run && run->script == script; }
    [[nodiscard]] bool checks_run() const { return run && is_check(run->script); }
    // It or what it protects may be up, wanted or not.
    [[nodiscard]] bool in_service() const;
    // restore, recover or Start, or waiting for what Start was to bring.
    [[nodiscard]] bool coming_in() const;
    [[nodiscard]] bool is_recovering() const { return goal == Goal::recover || runs(ResourceScript::recover) || recovering; }
    [[nodiscard]] bool is_leaving() const { return goal == Goal::out || goal == Goal::failed; }
    // One that was killed and is still there, other than a check.
    [[nodiscard]] bool cannot_be_ended() const;
    // Shown as out: nothing protects it, and nothing is known to be up.
    [[nodiscard]] bool out() const;
    // Neither up nor on its way: there is nothing to remove.
    [[nodiscard]] bool is_removed() const;
    [[nodiscard]] bool failed() const { return is_failed(state); }
    // Null: no such one is still there.
    [[nodiscard]] const ResourceRun* find_run(RunId number) const;
    // A script of it is still there.
    [[nodiscard]] bool busy() const { return run || check || !unended.empty(); }
    [[nodiscard]] std::optional<Instant> next_deadline() const;
};

}  // namespace banken::core
