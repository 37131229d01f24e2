// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>

#include "common/sys/program.hpp"

using namespace banken::sys;
using namespace std::chrono_literals;

namespace {

FinishedProgram run(const std::vector<std::string>& arguments, std::chrono::nanoseconds limit = 1h) {
    auto finished = run_program(arguments.front(), arguments, {"NAME=value"}, limit);
    REQUIRE(finished);
    return *finished;
}

}  // namespace

TEST_CASE("a program's end, its output and its environment are told") {
    const auto finished = run({"/bin/sh", "-c", "echo out; echo $NAME >&2; exit 7"});
    CHECK(WEXITSTATUS(finished.status) == 7);
    CHECK(finished.output == "out\nvalue\n");
}

TEST_CASE("a program that ignores signals and takes too long is killed with its group") {
    const auto finished = run({"/bin/sh", "-c", "trap '' TERM; echo begun; sleep 1000 & wait"}, 300ms);
    CHECK(WIFSIGNALED(finished.status));
    CHECK(WTERMSIG(finished.status) == SIGKILL);
}

TEST_CASE("a program has no signal blocked or ignored, and nothing to read") {
    const auto finished = run({"/bin/sh", "-c", "grep -E '^Sig(Blk|Ign)' /proc/self/status; cat"});
    INFO(finished.output);
    CHECK(finished.output.find("SigBlk:\t0000000000000000") != std::string::npos);
    const std::size_t ignored = finished.output.find("SigIgn:\t");
    REQUIRE(ignored != std::string::npos);
    CHECK((std::stoull(finished.output.substr(ignored + 8, 16), nullptr, 16) & 0x7fffffff) == 0);  // glibc ignores its own two, 32 and 33
    CHECK(finished.status == 0);
}

TEST_CASE("a program that cannot be started is an error with its name") {
    const auto finished = run_program("/nowhere/program", {"program"}, {}, 1s);
    REQUIRE_FALSE(finished);
    CHECK(finished.error().text == "/nowhere/program: No such file or directory");
}
