// SPDX-License-Identifier: Apache-2.0
// sendevent's command line (spec/events.md).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace banken {

struct SendeventOptions {
    std::string event_class, event, monitor, instance;  // -C, -E, -m, -n
    std::string severity, text;                         // -s, -x
    std::string digits;                                 // -t YYMMDDHHMMSS; empty: not given
    std::optional<std::int64_t> epoch;                  // -T
    bool notify_only = false;                           // -o
    bool print_only = false;                            // -z
    bool wait = false;                                  // -w
    std::string list_file;                              // -O; empty: none
    std::string conf;                                   // --conf or BANKEN_CONF; empty: the usual place
    std::vector<std::string> given;                     // all that responders are handed: the arguments as typed, less --conf
};

// -h, -V and usage errors: what is to be printed, and the exit status (0 goes to stdout, 64 to stderr).
struct SendeventOptionsEnd {
    int exit_status = 0;
    std::string text;
};

// Without the program's name. BANKEN_CONF is read from the environment.
[[nodiscard]] std::variant<SendeventOptions, SendeventOptionsEnd> parse_sendevent_options(std::span<const std::string> arguments);

}  // namespace banken
