// SPDX-License-Identifier: Apache-2.0
#include "common/sys/pid_ref.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/child_process.hpp"

using namespace banken;
using namespace banken::sys;
using banken::test::await;
using banken::test::Child;
using banken::test::dies_by;
using banken::test::exits_with;
using banken::test::Grandchild;
using banken::test::Pipe;

namespace {

// As spawn gives it: the pidfd of our own child.
PidRef as_child(const Child& child) {
    auto ref = PidRef::open(child.id());
    REQUIRE(ref);
    return *std::move(ref);
}

}  // namespace

TEST_CASE("a stat is read of a live process and not of one that is gone") {
    CHECK(read_stat(::getpid()).value().pid == ::getpid());
    const Grandchild gone(exits_with(0));
    gone.end();
    const auto stat = read_stat(gone.id().pid);
    REQUIRE_FALSE(stat);
    CHECK(is_gone(stat.error()));
}

TEST_CASE("a process with another start time is gone, whoever has its pid now") {
    const Child child(exits_with(0));
    const auto ref = PidRef::open({.pid = child.id().pid, .start = child.id().start - 1});
    REQUIRE_FALSE(ref);
    CHECK(is_gone(ref.error()));
}

TEST_CASE("a zombie can still be referred to, a reaped process cannot") {
    const Child child(exits_with(0));
    child.end();
    const auto zombie = PidRef::open(child.id());
    REQUIRE(zombie);
    CHECK(zombie->exited());
    CHECK_FALSE(zombie->shown().has_value());
    child.reap();
    const auto reaped = PidRef::open(child.id());
    REQUIRE_FALSE(reaped);
    CHECK(reaped.error().text == "pidfd_open: No such process");
}

TEST_CASE("a live process is shown to root") {
    if (::getuid() != 0) return;
    const Child child(exits_with(0));
    CHECK(as_child(child).shown() == true);
}

TEST_CASE("a signal reaches the process and never its successor") {
    const Child child(exits_with(0));
    const PidRef ref = as_child(child);
    CHECK_FALSE(ref.exited());
    REQUIRE(ref.signal(SIGKILL));
    await(ref.fd());
    CHECK(ref.exited());
    child.reap();
    const auto late = ref.signal(SIGKILL);
    REQUIRE_FALSE(late);
    CHECK(late.error().number == ESRCH);
}

TEST_CASE("a child's status can be looked at before it is reaped") {
    const struct {
        test::Ending ending;
        int status;
    } cases[] = {{exits_with(37), 37 << 8}, {exits_with(0), 0}, {dies_by(SIGTERM), SIGTERM}};
    for (const auto& one : cases) {
        const Child child(one.ending);
        const PidRef ref = as_child(child);
        CHECK(ref.peek_child().value() == std::nullopt);
        child.end();
        CHECK(ref.peek_child().value() == one.status);
        CHECK(ref.peek_child().value() == one.status);
        CHECK(ref.reap_child().value() == one.status);
        CHECK_FALSE(ref.reap_child());
    }
}

TEST_CASE("a core dump may add its bit to the status, nothing else") {
    const Child child(dies_by(SIGQUIT));
    const PidRef ref = as_child(child);
    child.end();
    const int status = ref.reap_child().value().value();
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGQUIT);
    CHECK((status & ~WCOREFLAG) == SIGQUIT);
}

TEST_CASE("a stranger's status is known after its reap where the kernel tells it") {
    if (!kernel_tells_exit_status()) {
        MESSAGE("this kernel tells no exit status by pidfd: skipped");
        return;
    }
    const Child child(exits_with(7));
    const PidRef ref = as_child(child);
    CHECK(ref.exit_status_from_kernel().value() == std::nullopt);
    child.end();
    CHECK(ref.exit_status_from_kernel().value() == std::nullopt);
    child.reap();
    CHECK(ref.exit_status_from_kernel().value() == 7 << 8);

    const Grandchild stranger(dies_by(SIGKILL));
    const auto strange = PidRef::open(stranger.id());
    REQUIRE(strange);
    stranger.end();
    CHECK(strange->exit_status_from_kernel().value() == SIGKILL);
}

TEST_CASE("a descriptor that is no pidfd tells no status") {
    Pipe pipe;
    CHECK_FALSE(PidRef::of_child(std::move(pipe.read_end), {}).exit_status_from_kernel());
}

TEST_CASE("a dead leader's process group can be ended until the leader is reaped") {
    const Pipe born;
    const Child leader(test::leaves_a_member(born));
    const PidRef ref = as_child(leader);
    leader.end();
    const auto member = PidRef::open(read_stat(born.take<pid_t>()).value().id());
    REQUIRE(member);
    CHECK_FALSE(member->exited());
    REQUIRE(ref.signal_group(SIGHUP));
    await(member->fd());
}

TEST_CASE("a child that has not made its group yet is signalled alone") {
    const Child child(exits_with(0));
    const PidRef ref = as_child(child);
    REQUIRE(ref.signal_group(SIGKILL));
    await(ref.fd());
    CHECK(ref.reap_child().value() == SIGKILL);
}
