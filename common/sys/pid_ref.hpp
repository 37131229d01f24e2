// SPDX-License-Identifier: Apache-2.0
// One process by its pidfd: signals and waits can never reach another process that was given the same pid later.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "common/process.hpp"
#include "common/result.hpp"
#include "common/sys/unique_fd.hpp"

namespace banken::sys {

// /proc/PID/stat now. number ENOENT or ESRCH: there is no such process.
[[nodiscard]] Result<ProcessStat> read_stat(pid_t pid);
// /proc/PID/cgroup now, at most 64 KiB of it. Errors as read_stat.
[[nodiscard]] Result<std::string> read_cgroup(pid_t pid);
[[nodiscard]] inline bool is_gone(const Error& error) { return error.number == ENOENT || error.number == ESRCH; }

class PidRef {
public:
    // Any process, also a zombie; no right is needed. Start times are compared: number ESRCH says that this process is gone,
    // whoever has its pid now. EMFILE, ENFILE: out of descriptors; EPERM, ENOSYS: an old seccomp filter or kernel.
    [[nodiscard]] static Result<PidRef> open(ProcessId process);
    // A child of ours, whose pidfd came with its birth (CLONE_PIDFD).
    [[nodiscard]] static PidRef of_child(UniqueFd pidfd, ProcessId process) { return {std::move(pidfd), process}; }

    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] const ProcessId& process() const { return process_; }
    // Whether /proc showed where its stack is, and so will show its true exit code: without the right both are 0.
    // Nothing: it was not alive any more at open(), or is a child.
    [[nodiscard]] std::optional<bool> shown() const { return shown_; }

    [[nodiscard]] Result<> signal(int number) const;
    // Only for a child that leads its own session and has not been reaped: as long as it is a zombie at most, the kernel gives its pid
    // to nobody else, and so the number of its process group cannot come to name another group. A child that has not made its group
    // yet is signalled alone.
    [[nodiscard]] Result<> signal_group(int number) const;

    // Every thread has ended; a leader that left its threads running has not.
    [[nodiscard]] bool exited() const;
    // The wait status as PIDFD_GET_INFO tells it (kernel 6.15 and later), for any process once it has been reaped.
    // Nothing: not reaped yet. An error: this kernel does not tell it.
    [[nodiscard]] Result<std::optional<int>> exit_status_from_kernel() const;

    // Only for a child: its wait status once it has ended, leaving it a zombie, or reaping it. Nothing: it still runs.
    [[nodiscard]] Result<std::optional<int>> peek_child() const;
    [[nodiscard]] Result<std::optional<int>> reap_child() const;

private:
    PidRef(UniqueFd fd, ProcessId process) : fd_(std::move(fd)), process_(process) {}
    UniqueFd fd_;
    ProcessId process_;
    std::optional<bool> shown_;
};

// Whether exit_status_from_kernel works here. No version and no dry question tells (the reply to a live process says nothing of it),
// so a child is sent to its end and asked about: call it at start, while the process is small.
[[nodiscard]] bool kernel_tells_exit_status();

}  // namespace banken::sys
