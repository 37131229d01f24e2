// SPDX-License-Identifier: Apache-2.0
// A process as its /proc texts tell it. Pure: texts in, values out; common/sys/proc_table reads them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "common/time.hpp"

namespace banken {

// A bare pid is a label; a pid with its start time is a process (until the next boot).
struct ProcessId {
    pid_t pid = 0;
    BootTicks start = 0;

    friend auto operator<=>(const ProcessId&, const ProcessId&) = default;
};

// What an exec changes although pid and start time stay (spec/pcheck.md, Scale): all from one read of /proc/PID/stat.
struct Fingerprint {
    BootTicks start = 0;
    std::string comm;
    bool fork_no_exec = false;  // PF_FORKNOEXEC: forked and has not exec'ed since
    std::uint64_t start_code = 0, end_code = 0;
    std::uint64_t start_stack = 0, arg_start = 0;  // 0: the kernel does not show us the addresses

    friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

// The fields of /proc/PID/stat that we use.
struct ProcessStat {
    pid_t pid = 0, parent = 0, session = 0;
    char state = '?';
    bool kernel_thread = false;
    long threads = 0;
    std::uint64_t cpu_ticks = 0;  // utime + stime
    std::uint64_t resident_pages = 0;
    int exit_code = 0;  // field 52: the wait status while it is a zombie; 0 also where not permitted
    Fingerprint fingerprint;

    [[nodiscard]] ProcessId id() const { return {pid, fingerprint.start}; }
    // State Z or X and no thread left: a leader that is a zombie with live threads is alive (reference/platform.md 1.5).
    [[nodiscard]] bool dead() const { return (state == 'Z' || state == 'X') && threads <= 1; }
};

// One line of /proc/PID/stat; comm may hold blanks, parentheses and newlines.
[[nodiscard]] Result<ProcessStat> parse_stat(std::string_view text);

// /proc/PID/cmdline cut at its NULs; a trailing NUL ends the last argument.
[[nodiscard]] std::vector<std::string> split_cmdline(std::string_view text);

// The target of /proc/PID/exe without a trailing " (deleted)", so that an upgraded program keeps matching.
[[nodiscard]] std::string_view without_deleted(std::string_view exe);

// The lines of /proc/PID/status that we use.
struct ProcessStatus {
    uid_t user = 0;                     // real uid
    bool in_own_pid_namespace = false;  // in that of the /proc it was read from; false: in one below it, a container's

    friend bool operator==(const ProcessStatus&, const ProcessStatus&) = default;
};

// NSpid has one number for each namespace the process lives in, and unlike /proc/PID/ns everyone may read it. A kernel without namespaces has
// no such line.
[[nodiscard]] Result<ProcessStatus> parse_status(std::string_view text);

// The paths of /proc/PID/cgroup, of the v2 hierarchy and of every v1 hierarchy.
[[nodiscard]] std::vector<std::string> parse_cgroups(std::string_view text);

// The pid that a pidfile names: the number in its first line, blanks around it. Unset: anything else, as 0, a sign or more than a pid can be.
[[nodiscard]] std::optional<pid_t> parse_pidfile(std::string_view text);

// A process and what has been read of it so far. What is unset was not read yet; an empty value was read and is empty or hidden.
struct Process {
    ProcessStat stat;
    std::optional<std::string> exe;                        // without " (deleted)"
    std::optional<std::vector<std::string>> command_line;  // argv
    std::optional<ProcessStatus> status;
    std::optional<std::vector<std::string>> cgroups;

    [[nodiscard]] ProcessId id() const { return stat.id(); }
};

}  // namespace banken
