// SPDX-License-Identifier: Apache-2.0
#include "pcheck/gauges.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

#include "tests/unit/child_process.hpp"

using namespace banken;
using namespace std::chrono_literals;
using banken::test::Child;
using banken::test::Pipe;

namespace {

constexpr std::uint64_t plenty = 1024;  // of descriptors

void wait_for_state(pid_t pid, char state) {
    while (sys::read_stat(pid).value().state != state) {}
}

[[noreturn]] void wait_for_ever() {
    while (true) ::pause();
}

// Its first thread leaves and another one goes on, with 16 MiB touched and three descriptors more.
[[noreturn]] void leave_the_first_thread() {
    std::thread([] {
        void* const memory = ::mmap(nullptr, 16u << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (memory == MAP_FAILED) ::_exit(1);
        wait_for_ever();
    }).detach();
    ::syscall(SYS_exit, 0);
    ::_exit(1);
}

}  // namespace

TEST_CASE("a process that sleeps shows its state, memory and descriptors") {
    const Child child(wait_for_ever);
    child.let_go();
    wait_for_state(child.id().pid, 'S');
    const auto first = measure(7, child.id(), plenty);
    REQUIRE(first);
    CHECK(first->entry == 7);
    CHECK(first->process == child.id());
    CHECK(first->state == 'S');
    CHECK(first->rss > 0);
    CHECK(first->rss % static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) == 0);
    CHECK(first->fds >= 3);
}

TEST_CASE("our own descriptors are counted one by one") {
    const auto before = measure(1, sys::read_stat(::getpid()).value().id(), plenty);
    const Pipe two;
    const auto after = measure(1, sys::read_stat(::getpid()).value().id(), plenty);
    REQUIRE(before);
    REQUIRE(after);
    CHECK(after->fds == before->fds + 2);
}

TEST_CASE("time on the processor is that of all threads") {
    const Child child([] {
        std::thread([] {
            while (true) ::getppid();
        }).detach();
        wait_for_ever();
    });
    child.let_go();
    while (measure(1, child.id(), 0).value().cpu < 30ms) {}
    CHECK(measure(1, child.id(), 0)->cpu < 20s);
}

TEST_CASE("a stopped process is in state T") {
    const Child child(wait_for_ever);
    child.let_go();
    REQUIRE(sys::PidRef::open(child.id()).value().signal(SIGSTOP));
    wait_for_state(child.id().pid, 'T');
    CHECK(measure(1, child.id(), 0)->state == 'T');
}

TEST_CASE("a process whose first thread has left is judged by those that live") {
    const Child child(leave_the_first_thread);
    child.let_go();
    wait_for_state(child.id().pid, 'Z');
    while (measure(1, child.id(), plenty).value().rss < (16u << 20)) {}
    while (measure(1, child.id(), plenty).value().state != 'S') {}
    CHECK(measure(1, child.id(), plenty)->fds >= 3);
    REQUIRE(sys::PidRef::open(child.id()).value().signal(SIGSTOP));
    while (measure(1, child.id(), 0).value().state != 'T') {}
}

TEST_CASE("a process that is gone, dead, or another one of that pid is not measured") {
    const Child child(test::exits_with(0));
    const ProcessId other{child.id().pid, child.id().start + 1};
    CHECK_FALSE(measure(1, other, plenty));
    child.end();
    CHECK_FALSE(measure(1, child.id(), plenty));
    child.reap();
    CHECK_FALSE(measure(1, child.id(), plenty));
}
