// SPDX-License-Identifier: Apache-2.0
// With what pcheck and padmin end, and what each number means to their callers (spec/pcheck.md, exit; spec/padmin.md, Manners). From 64 on the numbers
// are those of <sysexits.h>. tests/docs/man.sh holds the tables below against the EXIT STATUS of the man pages.
#pragma once

#include <array>
#include <string_view>

namespace banken {

enum class ExitCode {
    ok = 0,
    retry_over_exit = 1,   // pcheck
    responder_failed = 1,  // sendevent -w
    refused = 1,           // padmin
    down = 1,              // padmin show pent NAME -q
    given_up = 2,          // padmin show pent NAME -q
    not_running = 3,
    no_such_entry = 4,
    usage = 64,
    no_input = 66,
    unavailable = 69,
    internal = 70,
    system = 71,
    temp_fail = 75,
    not_permitted = 77,
    config = 78,
};

// For exit(3) and `return` of main.
[[nodiscard]] constexpr int number_of(ExitCode code) { return static_cast<int>(code); }

struct ExitMeaning {
    ExitCode code;
    std::string_view meaning;
};

inline constexpr std::array pcheck_exits{
    ExitMeaning{ExitCode::ok, "ended by order or signal, or by the retry-over action shutdown; with -t: the pfile is good"},
    ExitMeaning{ExitCode::retry_over_exit, "ended by the retry-over action exit"},
    ExitMeaning{ExitCode::usage, "wrong options or arguments"},
    ExitMeaning{ExitCode::no_input, "the pfile or a named banken.conf is missing, unreadable or no regular file"},
    ExitMeaning{ExitCode::unavailable, "IPCKEY is in use, or its segment cannot be adopted"},
    ExitMeaning{ExitCode::internal, "internal error"},
    ExitMeaning{ExitCode::system, "the system refused something essential"},
    ExitMeaning{ExitCode::config, "the pfile, a file that it names or banken.conf has errors or fails Trust"},
};

inline constexpr std::array padmin_exits{
    ExitMeaning{ExitCode::ok, "done"},
    ExitMeaning{ExitCode::refused, "the order was refused"},
    ExitMeaning{ExitCode::not_running, "pcheck is not running"},
    ExitMeaning{ExitCode::no_such_entry, "no such entry"},
    ExitMeaning{ExitCode::usage, "wrong options or arguments"},
    ExitMeaning{ExitCode::no_input, "the pfile, the dump file or a named banken.conf is missing, unreadable or no regular file"},
    ExitMeaning{ExitCode::unavailable, "the segment is not ours, cannot be believed, or has its owner in another PID namespace"},
    ExitMeaning{ExitCode::internal, "internal error"},
    ExitMeaning{ExitCode::temp_fail, "no answer, or interrupted"},
    ExitMeaning{ExitCode::not_permitted, "not permitted"},
    ExitMeaning{ExitCode::config, "the pfile or banken.conf has errors"},
};

// Where several apply: the greatest.
inline constexpr std::array sendevent_exits{
    ExitMeaning{ExitCode::ok, "the event was accepted, even if nobody answers it"},
    ExitMeaning{ExitCode::responder_failed, "a responder failed; with -w only"},
    ExitMeaning{ExitCode::usage, "wrong options or arguments"},
    ExitMeaning{ExitCode::no_input, "a named banken.conf is missing, unreadable or no regular file"},
    ExitMeaning{ExitCode::unavailable, "a pcheck was there and did not answer"},
    ExitMeaning{ExitCode::system, "nothing could be started, or the file of -O not be written"},
    ExitMeaning{ExitCode::config, "banken.conf has errors or fails Trust"},
};

// `padmin … -c show pent NAME -q`.
inline constexpr std::array padmin_quiet_exits{
    ExitMeaning{ExitCode::ok, "AVAIL"},
    ExitMeaning{ExitCode::down, "lost, or being restarted or stopped"},
    ExitMeaning{ExitCode::given_up, "RETRY_OVER or HOLD"},
    ExitMeaning{ExitCode::not_running, "pcheck is not running"},
    ExitMeaning{ExitCode::no_such_entry, "no such entry"},
};

}  // namespace banken
