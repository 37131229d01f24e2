// SPDX-License-Identifier: Apache-2.0
#include "common/exit_status.hpp"

#include <doctest/doctest.h>

#include <csignal>

using namespace banken;

namespace {

constexpr int core_bit = 0x80;
constexpr int exited(int code) { return code << 8; }
constexpr Cause with_status(int status) { return {Cause::Kind::status, status}; }

}  // namespace

TEST_CASE("a cause is told in the words of the log") {
    CHECK(text_of(with_status(SIGKILL)) == "killed by signal 9 (KILL)");
    CHECK(text_of(with_status(SIGTERM)) == "killed by signal 15 (TERM)");
    CHECK(text_of(with_status(exited(0))) == "exited with status 0");
    CHECK(text_of(with_status(exited(255))) == "exited with status 255");
    CHECK(text_of(with_status(SIGSEGV | core_bit)) == "core dumped by signal 11 (SEGV)");
    CHECK(text_of({Cause::Kind::oom, SIGKILL}) == "killed by the OOM killer");
    CHECK(text_of({Cause::Kind::gone, 0}) == "unknown (gone before it could be read)");
    CHECK(text_of({Cause::Kind::not_asked, 0}) == "unknown (gone before it could be read)");
    CHECK(text_of({Cause::Kind::not_permitted, 0}) == "unknown (not permitted)");
}

TEST_CASE("a crash is any signal but TERM, INT and HUP, and any exit status but 0") {
    for (const int signal : {SIGKILL, SIGSEGV, SIGABRT, SIGQUIT, SIGPIPE, SIGSEGV | core_bit}) {
        CHECK(ending_of(with_status(signal)) == Ending::crash);
    }
    CHECK(ending_of(with_status(exited(1))) == Ending::crash);
    CHECK(ending_of({Cause::Kind::oom, SIGKILL}) == Ending::crash);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) CHECK(ending_of(with_status(signal)) == Ending::orderly);
    CHECK(ending_of(with_status(exited(0))) == Ending::orderly);
}

TEST_CASE("a cause that nobody knows is unknown, whatever its status field holds") {
    for (const auto kind : {Cause::Kind::gone, Cause::Kind::not_permitted, Cause::Kind::not_asked}) {
        CHECK(ending_of({kind, SIGKILL}) == Ending::unknown);
    }
}

TEST_CASE("a script's bad end is told in short") {
    CHECK(short_text_of_status(exited(3)) == "status=3");
    CHECK(short_text_of_status(SIGKILL) == "signal=9");
    CHECK(short_text_of_status(SIGABRT | core_bit) == "signal=6");
}

TEST_CASE("a signal without a name is told by its number") {
    CHECK(signal_name(SIGHUP) == "HUP");
    CHECK(signal_name(SIGRTMIN) == "RTMIN+0");
    CHECK(signal_name(SIGRTMIN + 1) == "RTMIN+1");
    CHECK(signal_name(0) == "0");
    CHECK(signal_name(9999) == "9999");
}
