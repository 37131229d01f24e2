// SPDX-License-Identifier: Apache-2.0
// banken.conf: what all programs of the suite share (spec/pcheck.md, banken.conf; the keys are in common/schema.hpp).
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "common/diagnostic.hpp"
#include "common/messages.hpp"
#include "common/time.hpp"

namespace banken {

enum class LogTarget { automatic, syslog, journal, stderr_ };

struct LogConfig {
    LogTarget target = LogTarget::automatic;  // journal if its socket is there, else syslog
    std::string socket = "/dev/log";          // of syslog
    unsigned facility = 3;                    // number of syslog(3), not shifted: daemon
    Priority level = Priority::info;          // the least important that is written
    std::size_t burst_lines = 20;             // per text and entry in burst_period; 0: no limit
    Duration burst_period = std::chrono::seconds(10);

    friend bool operator==(const LogConfig&, const LogConfig&) = default;
};

// The sources of causes that may be asked (spec/pcheck.md, the cycle, step 2).
struct DetectConfig {
    bool stat = true, pidfd = true, connector = true, oom = true;
    bool connector_always = false;  // false: only where the kernel gives no exit information by pidfd

    friend bool operator==(const DetectConfig&, const DetectConfig&) = default;
};

// Without a file: the defaults.
struct Config {
    LogConfig log;
    DetectConfig detect;
    std::string state_dir = "/var/lib/banken";
    std::string events_dir = "/etc/banken/events";
    Duration events_timeout = std::chrono::seconds(300);

    friend bool operator==(const Config&, const Config&) = default;
};

struct ParsedConfig {
    Config config;                        // meaningful only without errors
    std::vector<Diagnostic> diagnostics;  // all of them, in the order of the file
};

[[nodiscard]] ParsedConfig parse_config(std::string_view text);

}  // namespace banken
