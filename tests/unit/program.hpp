// SPDX-License-Identifier: Apache-2.0
// A real process that runs a copy of /bin/cat under a name of its own, with the one argument `-`.
#pragma once

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "common/process.hpp"
#include "common/sys/pid_ref.hpp"
#include "tests/unit/child_process.hpp"

namespace banken::test {

class Program {
public:
    enum class Stage { forked, executed };

    explicit Program(const std::string& path, Stage stage = Stage::executed) {
        if (!std::filesystem::exists(path)) std::filesystem::copy_file("/bin/cat", path);
        pid_ = ::fork();
        REQUIRE(pid_ >= 0);
        if (pid_ == 0) become(path);
        id_ = sys::read_stat(pid_).value().id();
        if (stage == Stage::executed) execute();
    }
    Program(Program&&) = delete;
    Program& operator=(Program&&) = delete;
    ~Program() { end(); }

    [[nodiscard]] ProcessId id() const { return id_; }
    // Returns when the new image runs: while the kernel sets it up, /proc shows neither the old one nor the new one.
    void execute() const {
        in_.put('g');
        in_.put('x');
        await(out_.read_end.get());
        CHECK(out_.take<char>() == 'x');
    }
    // Killed and reaped.
    void end() {
        if (pid_ == 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }

private:
    [[noreturn]] void become(const std::string& path) const {
        char byte = 0;
        if (::read(in_.read_end.get(), &byte, 1) == 1 && ::dup2(in_.read_end.get(), STDIN_FILENO) >= 0 &&
            ::dup2(out_.write_end.get(), STDOUT_FILENO) >= 0) {
            ::execl(path.c_str(), path.c_str(), "-", nullptr);
        }
        ::_exit(127);
    }

    Pipe in_, out_;
    pid_t pid_ = 0;
    ProcessId id_;
};

}  // namespace banken::test
