// SPDX-License-Identifier: Apache-2.0
// How a process ended: the one decoder of wait statuses, and the words for a cause.
#pragma once

#include <string>

namespace banken {

// What is known of a process's end. `status` is a wait status (waitpid(2), field 52 of /proc/PID/stat) where `kind` says so.
struct Cause {
    enum class Kind {
        status,         // `status` is true
        oom,            // signal 9 by the OOM killer, with proof; `status` is true too
        gone,           // unknown: gone before it could be read
        not_permitted,  // unknown: the kernel would not tell us
        not_asked,      // unknown: all sources are switched off, or strict polling
    };
    Kind kind = Kind::gone;
    int status = 0;

    friend bool operator==(const Cause&, const Cause&) = default;
};

// What a cause means for the next step (spec/pcheck.md, the cycle, step 2).
enum class Ending { crash, orderly, unknown };

// A crash: a signal other than TERM, INT, HUP, or an exit status that is not 0.
[[nodiscard]] Ending ending_of(const Cause& cause);

// The text after `Cause [name, pid=N] `: "killed by signal 9 (KILL)" (spec/messages.md).
[[nodiscard]] std::string text_of(const Cause& cause);

// "status=3" or "signal=9": how a script's bad end is written (spec/messages.md, `Restart script failed`).
[[nodiscard]] std::string short_text_of_status(int wait_status);

// "KILL" for 9, "RTMIN+1" for 35; the number as text where there is no name.
[[nodiscard]] std::string signal_name(int signal);

}  // namespace banken
