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
enum class Question {
    none,
    first,
    hand_over,
    confirm,
    confirm_over,
    start,
    start_over,
    script_limit,
    wait_over,
    group_wait_over,
    failed,
    again,
    fresh,
    adopted
};

// A limit that is exceeded, since when, and whether that was told.
struct Excess {
    std::optional<Instant> since;
    bool told = false;
};

// What the last Measured told.
struct Figures {
    Instant at{};
    Duration cpu{};                         // since its start
    std::optional<std::uint64_t> permille;  // of one core, since the measure before
    std::uint64_t rss = 0, fds = 0;         // bytes; descriptors
};

struct Watch {
    static constexpr std::size_t most_counted = 4096;  // beyond it the sweep finds who died

    EntryKey key = 0;
    unsigned pent_id = 0;  // 1..n, the order of the file
    Pent pent;

    EntryState state = EntryState::unknown;
    EntryWait wait = EntryWait::none;
    Instant since{};  // of the state
    WallTime since_wall{};
    EntryReason reason = EntryReason::none;

    std::optional<ProcessId> main;
    pid_t shown_pid = 0;             // the last known; 0 before any was seen
    pid_t logged_pid = 0;            // of the last `Up`; 0: none yet, or `Down` was logged since
    std::optional<ProcessId> seen;   // runs while the entry is given up
    std::size_t matching = 0;        // processes that match now
    std::vector<ProcessId> counted;  // count mode: those that are followed
    FollowMemory memory;
    std::optional<Cause> last_cause;
    // The last loss or stop, also when it is up again: `explain` names it.
    std::optional<Instant> lost_at;
    pid_t lost_pid = 0;
    EntryReason lost_by = EntryReason::none;
    std::string lost_why;

    RetryWindow window;                                     // first = rerun_time, count = restart_count
    unsigned attempts = 0;                                  // retry_count: since the last Up
    std::uint64_t total = 0;                                // scripts begun since ever
    std::uint64_t losses = 0, retry_overs = 0, stalls = 0;  // since ever
    std::optional<Instant> begun;                           // when the last script began
    std::optional<ScriptRun> script;                        // restart or stop script

    // While it is AVAIL and not paused.
    std::optional<ScriptRun> check;  // the health check that runs; ended, but still alive, when its phase is not running
    unsigned bad_checks = 0;         // in a row
    bool was_checked = false;        // since Up
    std::string bad_check;           // how the last one failed, "status=1": until one was good, or Up
    std::optional<Instant> check_at, beat_at, measure_at, stable_at;
    std::optional<Instant> last_beat;  // unset: none since Up
    bool beat_asked = false;           // a ReadHeartbeat is out
    std::optional<Figures> figures;
    Excess hung, cpu, rss, fds;
    struct {
        bool check = false, heartbeat = false, hung = false;
    } told_stalled;  // of an entry that only reports: this stall was logged, and it has not been good since

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

    std::string trouble;       // why it was stopped, given up, or told as stalled or over a limit, as logged; since the last Up
    std::string last_failure;  // of an attempt since the last Up, as logged; empty: none has failed
    WallTime last_failure_at{};
    std::string waits_for;        // with EntryWait::dependency: whose
    bool stop_only = false;       // STALL: paused meanwhile, no script after the stop
    bool told_waiting = false;    // `Waiting` was logged for this loss
    bool told_too_many = false;   // `Too many processes` was logged, and it has not been less since
    bool told_ambiguous = false;  // `Ambiguous match` was logged for this crowd
    unsigned handed_over = 0;     // in a row, each taking over before start_timeout was over

    [[nodiscard]] EntryRef ref() const { return {pent.name, pent_id}; }
    [[nodiscard]] pid_t main_pid() const { return main ? main->pid : shown_pid; }
    // RESTART before its script's end; afterwards only a look is out.
    [[nodiscard]] bool script_runs() const { return state == EntryState::restart && script; }
    [[nodiscard]] bool given_up() const { return state == EntryState::retry_over || state == EntryState::hold; }
    [[nodiscard]] RetryRule rule() const { return {pent.grace, pent.retries}; }
    [[nodiscard]] Pacing pacing() const { return {pent.delay, pent.delay_max}; }
    // Paused, an entry does not leave HOLD by itself; the other timers that run then are those of a script or a stop.
    [[nodiscard]] bool timer_rests() const { return paused && state == EntryState::hold; }
    // The earliest of all that it waits for; unset: nothing that time brings.
    [[nodiscard]] std::optional<Instant> next_deadline() const;
    void remember_loss(Instant at, pid_t pid, EntryReason by, std::string why);
    // Nothing of what is measured or awaited of a living process counts any more; a check that runs is another matter.
    void forget_signs_of_life();
};

}  // namespace banken::core
