// SPDX-License-Identifier: Apache-2.0
#include "common/sys/notify_socket.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>

#include "tests/unit/datagram_reader.hpp"
#include "tests/unit/temporary_directory.hpp"

using namespace banken;
using namespace banken::sys;
using namespace std::chrono_literals;
using banken::test::DatagramReader;
using banken::test::TemporaryDirectory;

namespace {

constexpr pid_t self = 42;
const Instant t0{1000s};

NotifySocket open_notify(const std::string& path) {
    auto notify = NotifySocket::open(std::vector{"NOTIFY_SOCKET=" + path}, self);
    REQUIRE(notify);
    return *std::move(notify);
}

std::optional<Duration> interval_of(std::vector<std::string> environment) {
    environment.emplace_back("NOTIFY_SOCKET=/run/notify");
    auto notify = NotifySocket::open(environment, self);
    REQUIRE(notify);
    return notify->watchdog_interval();
}

}  // namespace

TEST_CASE("a service manager is told what sd_notify would tell it") {
    const TemporaryDirectory place;
    const DatagramReader manager(place / "notify");
    auto notify = open_notify(place / "notify");
    notify.ready(t0);
    CHECK(manager.take() == "READY=1\n");
    notify.status("3 entries,\n1 down", t0);
    CHECK(manager.take() == "STATUS=3 entries,\\n1 down\n");
    notify.watchdog(t0);
    CHECK(manager.take() == "WATCHDOG=1\n");
    notify.reloading(t0);
    CHECK(manager.take() == "RELOADING=1\nMONOTONIC_USEC=1000000000\n");
    notify.stopping(t0);
    CHECK(manager.take() == "STOPPING=1\n");
    CHECK_FALSE(manager.take());
    CHECK_FALSE(notify.wants_write());
}

TEST_CASE("an abstract socket is one after an at sign") {
    const auto name = "@banken-test-" + std::to_string(::getpid());
    const DatagramReader manager(name);
    auto notify = open_notify(name);
    notify.ready(t0);
    CHECK(manager.take() == "READY=1\n");
}

TEST_CASE("a stuck manager stops nothing and hears the latest once") {
    const TemporaryDirectory place;
    const DatagramReader manager(place / "notify");
    auto notify = open_notify(place / "notify");
    while (!notify.wants_write()) notify.status("old", t0);
    notify.reloading(t0);
    notify.ready(t0);
    notify.watchdog(t0);
    notify.status("older", t0);
    notify.watchdog(t0);
    notify.status("newest", t0);
    CHECK(notify.wants_write());
    for (const auto& told : manager.take_all()) CHECK(told == "STATUS=old\n");
    notify.flush(t0);
    CHECK_FALSE(notify.wants_write());
    CHECK(manager.take() == "READY=1\nSTATUS=newest\nWATCHDOG=1\n");
    CHECK_FALSE(manager.take());
}

TEST_CASE("a manager that was restarted hears of us at the next call") {
    const TemporaryDirectory place;
    std::optional<DatagramReader> manager(place / "notify");
    auto notify = open_notify(place / "notify");
    notify.ready(t0);
    manager.reset();
    notify.status("up", t0);
    manager.emplace(place / "notify");
    notify.watchdog(t0 + 2s);
    CHECK(manager->take() == "STATUS=up\nWATCHDOG=1\n");
}

TEST_CASE("without a manager nothing happens") {
    auto notify = NotifySocket::open({}, self);
    REQUIRE(notify);
    notify->ready(t0);
    notify->status("x", t0);
    CHECK_FALSE(notify->wants_write());
    CHECK(notify->fd() == -1);
    CHECK_FALSE(notify->watchdog_interval());
}

TEST_CASE("an address that is none is told") {
    CHECK(NotifySocket::open(std::vector<std::string>{"NOTIFY_SOCKET=vsock:2:1"}, self).error().text ==
          "NOTIFY_SOCKET: vsock:2:1: no absolute path");
    CHECK_FALSE(NotifySocket::open(std::vector{"NOTIFY_SOCKET=/" + std::string(200, 'x')}, self));
}

TEST_CASE("the watchdog is ours when it names us or nobody") {
    CHECK(interval_of({"WATCHDOG_USEC=30000000"}) == 30s);
    CHECK(interval_of({"WATCHDOG_USEC=30000000", "WATCHDOG_PID=42"}) == 30s);
    CHECK_FALSE(interval_of({"WATCHDOG_USEC=30000000", "WATCHDOG_PID=43"}));
    CHECK_FALSE(interval_of({"WATCHDOG_USEC=30000000", "WATCHDOG_PID=x"}));
    CHECK_FALSE(interval_of({"WATCHDOG_USEC=0"}));
    CHECK_FALSE(interval_of({"WATCHDOG_USEC=x"}));
    CHECK_FALSE(interval_of({"WATCHDOG_USEC=18446744073709551615"}));
    CHECK_FALSE(interval_of({}));
}
