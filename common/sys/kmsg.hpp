// SPDX-License-Identifier: Apache-2.0
// The kernel's log, read for the one proof that a process killed by signal 9 fell to the OOM killer.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <deque>
#include <optional>
#include <string_view>

#include "common/result.hpp"
#include "common/sys/unique_fd.hpp"

namespace banken::sys {

// The pid in a record of /dev/kmsg "6,339,5140900,-;Memory cgroup out of memory: Killed process 4711 (name) …".
// Records that a user wrote into the kernel's log (facility other than 0) prove nothing.
[[nodiscard]] std::optional<pid_t> oom_victim(std::string_view record);

class Kmsg {
public:
    static constexpr std::size_t remembered = 1024;

    // Only what is logged from now on is read. Needs CAP_SYSLOG where dmesg_restrict is set, and the initial PID namespace, whose
    // pids the kernel logs; fails elsewhere.
    [[nodiscard]] static Result<Kmsg> open();

    // A live process has this pid now: a victim that had it before is forgotten.
    void forget(pid_t pid);
    // The record is written before the victim dies, so it is there when the death is seen.
    [[nodiscard]] bool was_oom_killed(pid_t pid);

private:
    explicit Kmsg(UniqueFd file) : file_(std::move(file)) {}
    void drain();
    UniqueFd file_;
    std::deque<pid_t> victims_;
};

}  // namespace banken::sys
