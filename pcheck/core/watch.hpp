// SPDX-License-Identifier: Apache-2.0
// What is kept of one entry (spec/state-table.md, "Kept per entry"). Data only: the supervisor alone changes it.
#pragma once

#include <optional>
#include <string>

#include "common/entry_state.hpp"
#include "common/retry_window.hpp"
#include "pcheck/core/follow.hpp"
#include "pcheck/core/types.hpp"

namespace banken::core {

// A script that was begun and whose end has not been heard of.
struct ScriptRun {
    enum class Phase { running, terminated, killed };  // TERM sent, KILL sent
    RunId run = 0;
    ScriptKind kind = ScriptKind::restart;
    std::optional<ProcessId> process;  // unset until its child exists
    Instant begun{};
    unsigned attempt = 0;  // of the window; 0 by order
    Duration limit{};      // 0: none
    Phase phase = Phase::running;
};

// What a Look that is out was asked for; its answer is judged by this. A state that changes meanwhile drops the question.
enum class Question { none, first, hand_over, confirm, confirm_over, start, script_limit, wait_over, failed, fresh };

struct Watch {
    EntryKey key = 0;
    unsigned pent_id = 0;  // 1..n, the order of the file
    Pent pent;

    EntryState state = EntryState::unknown;
    EntryWait wait = EntryWait::none;
    Instant since{};  // of the state
    WallTime since_wall{};
    EntryReason reason = EntryReason::none;

    std::optional<ProcessId> main;
    pid_t shown_pid = 0;            // the last known; 0 before any was seen
    pid_t logged_pid = 0;           // of the last `Up`
    std::optional<ProcessId> seen;  // runs while the entry is given up
    std::size_t matching = 0;       // processes that match now
    FollowMemory memory;
    std::optional<Cause> last_cause;

    RetryWindow window;                         // first = rerun_time, count = restart_count
    unsigned attempts = 0;                      // retry_count: since the last Up
    std::uint64_t total = 0;                    // scripts begun since ever
    std::uint64_t losses = 0, retry_overs = 0;  // since ever
    std::optional<Instant> begun;               // when the last script began
    std::optional<ScriptRun> script;

    bool paused = false;
    std::optional<Instant> paused_until;
    WallTime paused_since{};

    Question question = Question::none;
    std::uint64_t asked = 0;         // number of the look whose answer it waits for
    std::optional<Instant> timer;    // what it means is the state's affair
    bool killed = false;             // STALL: the stop was not obeyed, KILL was sent
    std::optional<Instant> look_at;  // the next look between two sweeps
    Duration look_gap{};
    std::optional<Instant> remind_at;

    bool told_waiting = false;    // `Waiting` was logged for this loss
    bool told_ambiguous = false;  // `Ambiguous match` was logged for this crowd
    unsigned handed_over = 0;     // in a row, each taking over before start_timeout was over

    [[nodiscard]] EntryRef ref() const { return {pent.name, pent_id}; }
    // RESTART before its script's end; afterwards only a look is out.
    [[nodiscard]] bool script_runs() const { return state == EntryState::restart && script; }
    [[nodiscard]] bool given_up() const { return state == EntryState::retry_over || state == EntryState::hold; }
    [[nodiscard]] RetryRule rule() const { return {pent.grace, pent.retries}; }
    [[nodiscard]] Pacing pacing() const { return {pent.delay, pent.delay_max}; }
    // The earliest of all that it waits for; unset: nothing that time brings.
    [[nodiscard]] std::optional<Instant> next_deadline() const;
};

}  // namespace banken::core
