// SPDX-License-Identifier: Apache-2.0
// A real process that runs a copy of /bin/sleep under a name of its own.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>

#include "common/process.hpp"
#include "common/sys/pid_ref.hpp"
#include "common/sys/unique_fd.hpp"

namespace banken::test {

class Program {
public:
    // Returns when it has exec'ed.
    explicit Program(const std::string& path) {
        if (!std::filesystem::exists(path)) std::filesystem::copy_file("/bin/sleep", path);
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        sys::UniqueFd read_end(ends[0]), write_end(ends[1]);
        pid_ = ::fork();
        REQUIRE(pid_ >= 0);
        if (pid_ == 0) {
            ::execl(path.c_str(), path.c_str(), "600", nullptr);
            ::_exit(127);
        }
        write_end.reset();
        char byte = 0;
        REQUIRE(::read(read_end.get(), &byte, 1) == 0);
        id_ = sys::read_stat(pid_).value().id();
    }
    Program(Program&&) = delete;
    Program& operator=(Program&&) = delete;
    ~Program() { end(); }

    [[nodiscard]] ProcessId id() const { return id_; }
    // Killed and reaped.
    void end() {
        if (pid_ == 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }

private:
    pid_t pid_ = 0;
    ProcessId id_;
};

}  // namespace banken::test
