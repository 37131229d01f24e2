// SPDX-License-Identifier: Apache-2.0
// /proc, read one process at a time. All calls are safe in every thread. A process may vanish while it is read: number ENOENT or ESRCH.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

#include "common/matcher.hpp"
#include "common/process.hpp"
#include "common/result.hpp"
#include "common/sys/unique_fd.hpp"

namespace banken::sys {

class ProcDir {
public:
    static constexpr std::size_t max_command_line = 1u << 20;

    // Refuses a /proc that belongs to another PID namespace or hides processes from us (hidepid): nothing that it says could be
    // trusted. `root` is for tests.
    [[nodiscard]] static Result<ProcDir> open(const std::string& root = "/proc");

    [[nodiscard]] int fd() const { return dir_.get(); }

    [[nodiscard]] Result<ProcessStat> stat(pid_t pid) const;
    // Without " (deleted)"; empty when it is hidden from us.
    [[nodiscard]] Result<std::string> exe(pid_t pid) const;
    [[nodiscard]] Result<ProcessStatus> status(pid_t pid) const;
    [[nodiscard]] Result<std::vector<std::string>> cgroups(pid_t pid) const;
    // At most max_command_line bytes. Needs the target's mmap lock and can hang: only for helper threads.
    [[nodiscard]] Result<std::string> command_line(pid_t pid) const;

    // Whoever judges asks for it. What is hidden from us is read as empty; an error says that the process is gone.
    [[nodiscard]] Result<> read(Fact fact, Process& process) const;

private:
    explicit ProcDir(UniqueFd dir) : dir_(std::move(dir)) {}
    UniqueFd dir_;
};

}  // namespace banken::sys
