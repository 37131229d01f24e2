// SPDX-License-Identifier: Apache-2.0
// What pcheck will do with an entry, foretold from its record and its line alone (spec/state-table.md): the rules of the gate and the arithmetic of
// common/retry_window, run ahead of time. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/pfile.hpp"
#include "padmin/view.hpp"

namespace banken {

// What happens to the entry next if nothing new happens. Those of the first group have a time, those of the second wait for an event.
// The words of text_of() are for scripts: none is renamed, new ones may come.
enum class NextAction : std::uint8_t {
    confirm_deadline,    // the last look for a replacement, then the gate
    attempt,             // the delay is over: one more look, then the restart script
    script_limit,        // the restart script gets TERM
    kill_script,         // it gets KILL
    start_deadline,      // the process has not appeared: the attempt has failed
    kill,                // the process that is being stopped gets KILL
    give_up,             // what was killed is still there: `Cannot be ended`, retry-over
    hold_end,            // counters are cleared, a fresh look
    resume,              // a timed pause ends
    stable,              // the window is cleared early
    check,               // the next health check begins
    check_limit,         // the health check that runs counts as bad
    heartbeat_deadline,  // stalled unless a heartbeat has come
    reminder,            // a line in the log, nothing else

    first_look,    // pcheck has not looked yet
    slot,          // a free place among the running scripts, or the end of a script that still lives
    dependency,    // an entry that this one comes after
    group_turn,    // the members of its group ahead of it; also of one that runs while its group is being restarted
    script_end,    // the restart script runs without limit
    process_end,   // the process is being stopped without limit
    process_seen,  // somebody must start it: it has no script, or is paused
    order,         // nothing happens by itself
    none,          // it runs, and nothing is due
    excess,        // stopped by the next look at it after this time, unless it is within its limits again
    hung,          // stalled by the next look at it after this time, unless it uses the processor
};
inline constexpr std::size_t next_actions = static_cast<std::size_t>(NextAction::hung) + 1;
// Whether a limit is set and this is beyond it.
[[nodiscard]] inline bool is_beyond(const std::optional<Limit>& limit, std::optional<std::uint64_t> value) {
    return limit && value > limit->value;
}

// "confirm_deadline".
[[nodiscard]] std::string_view text_of(NextAction action);

struct Attempt {
    Instant at{};
    unsigned number = 0;  // of its window, from 1
};

// The attempts that follow if each fails as soon as it has begun.
struct Timetable {
    static constexpr std::size_t most = 10;

    std::vector<Attempt> attempts;      // the first `most` of them
    std::size_t more = 0;               // not listed, ahead of retry_over
    std::optional<Instant> retry_over;  // unset: never, since retries are unlimited or the window passes before they are used up
};

struct Forecast {
    NextAction next = NextAction::none;
    std::optional<Instant> at;
    std::optional<Instant> reminder;  // beside `next`

    // Of the entry's window, or of its group's, as it would be judged now.
    RetryRule rule;
    Pacing pacing;
    RetryWindow window;                   // empty when it has passed
    std::optional<Instant> window_ends;   // unset: no window is running
    std::optional<unsigned> left;         // attempts; unset: unlimited
    std::optional<Instant> gate;          // when it is asked next whether an attempt may begin; unset: not before somebody acts
    std::vector<std::string> held_up_by;  // entries of `after` that are not AVAIL

    Timetable timetable;
    bool timed = false;  // the times of the timetable hold: nothing is waited for that has none
};

// Another member of its group, ahead of it, has the same script: that runs once in a round.
[[nodiscard]] bool shares_script(const View& view, const EntryRecord& entry, const Pent& pent);

// How long a replacement is waited for after a crash, ahead of the gate.
[[nodiscard]] Duration confirm_after_crash(const View& view, const Pent& pent);

// `pent` is the entry's line, read with the defaults of view.param.
[[nodiscard]] Forecast forecast(const View& view, const EntryRecord& entry, const Pent& pent);

}  // namespace banken
