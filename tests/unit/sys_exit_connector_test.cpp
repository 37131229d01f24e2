// SPDX-License-Identifier: Apache-2.0
#include "common/sys/exit_connector.hpp"

#include <doctest/doctest.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>

#include "tests/unit/child_process.hpp"

using namespace banken;
using namespace banken::sys;
using banken::test::Child;
using banken::test::dies_by;
using banken::test::exits_with;
using banken::test::Grandchild;

namespace {

std::optional<ExitConnector> open_or_skip() {
    auto connector = ExitConnector::open();
    if (connector) return *std::move(connector);
    MESSAGE("no process-event connector here, skipped: ", connector.error().text);
    return std::nullopt;
}

}  // namespace

TEST_CASE("the connector knows the bad ends of processes that are reaped already") {
    auto connector = open_or_skip();
    if (!connector) return;
    const Grandchild one(exits_with(3)), two(dies_by(SIGKILL)), good(exits_with(0));
    CHECK(connector->status_of(one.id()) == std::nullopt);
    one.end();
    two.end();
    good.end();
    test::await(connector->fd());
    CHECK(connector->status_of(one.id()) == 3 << 8);
    CHECK(connector->status_of(two.id()) == SIGKILL);
    CHECK(connector->status_of(good.id()) == std::nullopt);
}

TEST_CASE("the end of an earlier process with the same pid is not taken for that of a later one") {
    auto connector = open_or_skip();
    if (!connector) return;
    const Child child(exits_with(3));
    child.end();
    CHECK(connector->status_of(child.id()) == 3 << 8);
    CHECK(connector->status_of({.pid = child.id().pid, .start = child.id().start + 100 * 3600}) == std::nullopt);
}

TEST_CASE("only so many ends are remembered") {
    auto connector = open_or_skip();
    if (!connector) return;
    const Child first(exits_with(3));
    first.end();
    connector->drain();
    for (std::size_t i = 0; i < ExitConnector::remembered; ++i) {
        const Child next(exits_with(1));
        next.end();
        if (i % 64 == 0) connector->drain();
    }
    CHECK(connector->status_of(first.id()) == std::nullopt);
}

TEST_CASE("a full socket loses ends and goes on") {
    auto connector = open_or_skip();
    if (!connector) return;
    const int tiny = 1;
    REQUIRE(::setsockopt(connector->fd(), SOL_SOCKET, SO_RCVBUF, &tiny, sizeof tiny) == 0);
    for (int i = 0; i < 20; ++i) {
        const Child lost(exits_with(1));
        lost.end();
    }
    connector->drain();
    const Child child(exits_with(3));
    child.end();
    CHECK(connector->status_of(child.id()) == 3 << 8);
}

TEST_CASE("in another network namespace the connector says why it is not there") {
    const Child child([] { ::_exit(::unshare(CLONE_NEWNET) != 0 ? 2 : ExitConnector::open() ? 1 : 0); });
    child.end();
    const int status = read_stat(child.id().pid).value().exit_code;
    CHECK((status == 0 || status == 2 << 8));
}
