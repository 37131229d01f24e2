// SPDX-License-Identifier: Apache-2.0
#include "common/sys/event_loop.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/epoll.h>

#include <string>
#include <vector>

#include "tests/unit/child_process.hpp"

using namespace banken;
using namespace banken::sys;
using namespace std::chrono_literals;
using banken::test::Pipe;

namespace {

EventLoop open_loop() {
    auto loop = EventLoop::open();
    REQUIRE(loop);
    return *std::move(loop);
}

// Every turn that is ready now.
void run_ready(EventLoop& loop) {
    for (auto turn = loop.turn(0ns); turn && *turn;) turn = loop.turn(0ns);
}

class Blocked {
public:
    explicit Blocked(int signal) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, signal);
        ::pthread_sigmask(SIG_BLOCK, &set, &before_);
    }
    Blocked(Blocked&&) = delete;
    Blocked& operator=(Blocked&&) = delete;
    ~Blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_{};
};

}  // namespace

TEST_CASE("what is pending is dispatched in the order of the priorities, not of its coming") {
    EventLoop loop = open_loop();
    const Pipe heartbeat, death, order;
    std::string seen;
    const auto o = loop.add_io(order.read_end.get(), EPOLLIN, SourcePriority::orders, [&](auto) { seen += order.take<char>(); });
    const auto d = loop.add_io(death.read_end.get(), EPOLLIN, SourcePriority::deaths, [&](auto) { seen += death.take<char>(); });
    const auto h =
        loop.add_io(heartbeat.read_end.get(), EPOLLIN, SourcePriority::heartbeats, [&](auto) { seen += heartbeat.take<char>(); });
    loop.on_deadline([&] { seen += 't'; });
    loop.set_deadline(Instant{});
    loop.post([&] { seen += 'p'; });
    order.put('o');
    death.put('d');
    heartbeat.put('h');
    run_ready(loop);
    CHECK(seen == "hdotp");
}

TEST_CASE("a source that yields once lets one other be served and then has its priority again") {
    EventLoop loop = open_loop();
    const Pipe death, order;
    std::string seen;
    EventSource storm;
    auto added = loop.add_io(death.read_end.get(), EPOLLIN, SourcePriority::deaths, [&](auto) {
        seen += death.take<char>();
        if (seen == "d") EventLoop::yield_once(*storm);
    });
    storm = *std::move(added);
    const auto o = loop.add_io(order.read_end.get(), EPOLLIN, SourcePriority::orders, [&](auto) { seen += order.take<char>(); });
    for (int i = 0; i < 3; ++i) {
        death.put('d');
        order.put('o');
    }
    run_ready(loop);
    CHECK(seen == "doddoo");
}

TEST_CASE("a source that yields alone goes on") {
    EventLoop loop = open_loop();
    const Pipe death;
    std::string seen;
    EventSource storm;
    auto added = loop.add_io(death.read_end.get(), EPOLLIN, SourcePriority::deaths, [&](auto) {
        seen += death.take<char>();
        EventLoop::yield_once(*storm);
    });
    storm = *std::move(added);
    for (int i = 0; i < 3; ++i) death.put('d');
    run_ready(loop);
    CHECK(seen == "ddd");
}

TEST_CASE("a source may end itself and others in its own callback") {
    EventLoop loop = open_loop();
    const Pipe a, b;
    int calls = 0;
    EventSource first, second;
    const auto end_both = [&](auto) {
        ++calls;
        EventLoop::yield_once(*first);
        first.reset();
        second.reset();
    };
    first = *loop.add_io(a.read_end.get(), EPOLLIN, SourcePriority::orders, end_both);
    second = *loop.add_io(b.read_end.get(), EPOLLIN, SourcePriority::orders, end_both);
    a.put();
    b.put();
    run_ready(loop);
    CHECK(calls == 1);
}

TEST_CASE("a source listens for what it was last set to") {
    EventLoop loop = open_loop();
    const Pipe pipe;
    std::string seen;
    const auto source = loop.add_io(pipe.read_end.get(), 0, SourcePriority::orders, [&](auto) { seen += pipe.take<char>(); });
    pipe.put('x');
    run_ready(loop);
    CHECK(seen.empty());
    EventLoop::set_io_events(**source, EPOLLIN);
    run_ready(loop);
    CHECK(seen == "x");
}

TEST_CASE("a descriptor that cannot be polled is refused") {
    EventLoop loop = open_loop();
    const auto source = loop.add_io(9999, EPOLLIN, SourcePriority::orders, [](auto) {});
    REQUIRE_FALSE(source);
    CHECK(source.error().text == "sd_event_add_io: Bad file descriptor");
}

TEST_CASE("a signal tells who sent it") {
    const Blocked blocked(SIGHUP);
    EventLoop loop = open_loop();
    signalfd_siginfo seen{};
    const auto source = loop.add_signal(SIGHUP, SourcePriority::orders, [&](const signalfd_siginfo& info) { seen = info; });
    REQUIRE(source);
    ::kill(::getpid(), SIGHUP);
    run_ready(loop);
    CHECK(seen.ssi_signo == SIGHUP);
    CHECK(seen.ssi_code == SI_USER);
    CHECK(seen.ssi_pid == static_cast<std::uint32_t>(::getpid()));
}

TEST_CASE("a signal that is not blocked is refused") {
    EventLoop loop = open_loop();
    const auto source = loop.add_signal(SIGUSR2, SourcePriority::orders, [](auto&) {});
    REQUIRE_FALSE(source);
    CHECK(source.error().number == EBUSY);
}

TEST_CASE("the timer comes once, not before its instant, and not after it was set off") {
    EventLoop loop = open_loop();
    int calls = 0;
    Instant seen{};
    loop.on_deadline([&] {
        ++calls;
        seen = loop.now().instant;
    });
    const Instant due = loop.now().instant + 2'345'678ns;
    loop.set_deadline(due);
    while (calls == 0) REQUIRE(loop.turn(20s).value());
    CHECK(seen >= due);
    CHECK(seen < due + 100ms);
    run_ready(loop);
    CHECK(calls == 1);
    loop.set_deadline(Instant{});
    loop.set_deadline(std::nullopt);
    run_ready(loop);
    CHECK(calls == 1);
}

TEST_CASE("a turn has one now") {
    EventLoop loop = open_loop();
    std::vector<Now> seen;
    loop.post([&] {
        seen.push_back(loop.now());
        timespec time{};
        for (const Instant before = loop.now().instant; Instant(std::chrono::seconds(time.tv_sec) + 1ns * time.tv_nsec) <= before + 1ms;)
            ::clock_gettime(CLOCK_MONOTONIC, &time);
        seen.push_back(loop.now());
    });
    run_ready(loop);
    REQUIRE(seen.size() == 2);
    CHECK(seen[0].instant == seen[1].instant);
    CHECK(seen[0].wall == seen[1].wall);
    CHECK(std::chrono::abs(seen[0].wall - std::chrono::system_clock::now()) < 20s);
    const auto started = read_stat(::getpid()).value().fingerprint.start;
    CHECK(seen[0].ticks >= started);
    CHECK(seen[0].ticks < started + 100 * 600);
}

TEST_CASE("work posted by posted work comes in a later turn") {
    EventLoop loop = open_loop();
    int calls = 0;
    loop.post([&] {
        ++calls;
        loop.post([&] { ++calls; });
    });
    CHECK(loop.turn(0ns).value());
    CHECK(calls == 1);
    CHECK(loop.turn(0ns).value());
    CHECK(calls == 2);
    CHECK_FALSE(loop.turn(0ns).value());
}

TEST_CASE("the loop runs until it is told to end, and gives the code") {
    EventLoop loop = open_loop();
    loop.post([&] { loop.exit(69); });
    CHECK(loop.run().value() == 69);
    CHECK_FALSE(loop.turn(0ns).value());
}

TEST_CASE("a callback without memory ends the process with 70 and one line") {
    const Pipe standard_error;
    const test::Child child([&] {
        ::dup2(standard_error.write_end.get(), STDERR_FILENO);
        EventLoop loop = open_loop();
        loop.post([] { throw std::bad_alloc(); });
        std::ignore = loop.run();
    });
    child.end();
    CHECK(read_stat(child.id().pid).value().exit_code == 70 << 8);
    std::array<char, 256> line{};
    const auto size = ::read(standard_error.read_end.get(), line.data(), line.size());
    CHECK(std::string(line.data(), static_cast<std::size_t>(size)) == "out of memory, ending; the next start goes on from here\n");
}
