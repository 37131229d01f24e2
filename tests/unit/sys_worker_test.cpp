// SPDX-License-Identifier: Apache-2.0
#include "common/sys/worker.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <csignal>
#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <vector>

using namespace banken;
using sys::Worker;

namespace {

void wait_and_drain(Worker& worker) {
    pollfd readable{.fd = worker.fd(), .events = POLLIN, .revents = 0};
    REQUIRE(::poll(&readable, 1, 20'000) == 1);
    worker.drain();
}

bool readable_now(const Worker& worker) {
    pollfd readable{.fd = worker.fd(), .events = POLLIN, .revents = 0};
    return ::poll(&readable, 1, 0) == 1;
}

// A call that hangs until it is let go.
struct Hang {
    std::promise<void> go;
    std::shared_future<void> gone = go.get_future().share();
    std::promise<void> began;

    Worker::Work work(std::function<void()> then) {
        return [this, then = std::move(then), released = gone] {
            began.set_value();
            released.wait();
            return then;
        };
    }
};

}  // namespace

TEST_CASE("a result is delivered in the loop's thread") {
    Worker worker = *Worker::open(1, 4);
    CHECK_FALSE(readable_now(worker));
    std::thread::id worked, delivered;
    REQUIRE(worker.submit([&] {
        worked = std::this_thread::get_id();
        return [&] { delivered = std::this_thread::get_id(); };
    }));
    wait_and_drain(worker);
    CHECK(delivered == std::this_thread::get_id());
    CHECK(worked != delivered);
    CHECK_FALSE(readable_now(worker));
}

TEST_CASE("a program without a loop waits for what is out, but not for a call that hangs") {
    Worker worker = *Worker::open(2, 2);
    int answers = 0;
    REQUIRE(worker.submit([&] { return [&] { ++answers; }; }));
    worker.drain_within(std::chrono::seconds(20));
    CHECK(answers == 1);
    Hang hang;
    REQUIRE(worker.submit(hang.work([&] { ++answers; })));
    worker.drain_within(std::chrono::milliseconds(1));
    CHECK(answers == 1);
    hang.go.set_value();
    worker.drain_within(std::chrono::seconds(20));
    CHECK(answers == 2);
}

TEST_CASE("one thread works in order, and a result may ask for more") {
    Worker worker = *Worker::open(1, 3);
    std::vector<int> order;
    const auto append = [&](int number) { return [&order, number] { return [&order, number] { order.push_back(number); }; }; };
    REQUIRE(worker.submit(append(1)));
    REQUIRE(worker.submit([&] {
        return [&] {
            order.push_back(2);
            REQUIRE(worker.submit(append(4)));
        };
    }));
    REQUIRE(worker.submit(append(3)));
    while (order.size() < 4) wait_and_drain(worker);
    CHECK(order == std::vector{1, 2, 3, 4});
}

TEST_CASE("requests are bounded, those that hang included") {
    Hang hang;
    bool done = false;
    Worker worker = *Worker::open(1, 2);
    const auto first = worker.submit(hang.work([&] { done = true; }));
    REQUIRE(first);
    const auto nothing = [] { return Worker::Then(); };
    REQUIRE(worker.submit(nothing));
    worker.forget(*first);
    CHECK(worker.submit(nothing).error().text == "all 2 requests are out");
    hang.go.set_value();
    wait_and_drain(worker);
    CHECK(worker.submit(nothing));
    CHECK_FALSE(done);  // a late answer is dropped by its number
}

TEST_CASE("one that hangs does not hold up the others of the pool") {
    Hang hang;
    Worker worker = *Worker::open(2, 8);
    REQUIRE(worker.submit(hang.work({})));
    hang.began.get_future().wait();
    bool done = false;
    REQUIRE(worker.submit([&] { return [&] { done = true; }; }));
    wait_and_drain(worker);
    CHECK(done);
    hang.go.set_value();
}

TEST_CASE("the end does not wait for a call that hangs, and drops what is queued") {
    auto hang = std::make_unique<Hang>();
    auto dropped = std::make_shared<int>();
    const std::weak_ptr<int> left = dropped;
    {
        Worker worker = *Worker::open(1, 8);
        REQUIRE(worker.submit(hang->work({})));
        hang->began.get_future().wait();
        REQUIRE(worker.submit([dropped = std::move(dropped)] { return [] {}; }));
    }
    CHECK(left.expired());
    hang->go.set_value();
}

TEST_CASE("helpers have every signal blocked, the loop's thread keeps its mask") {
    sigset_t before, after, inside;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
    Worker worker = *Worker::open(1, 1);
    REQUIRE(worker.submit([&] {
        ::pthread_sigmask(SIG_SETMASK, nullptr, &inside);
        return Worker::Then();
    }));
    wait_and_drain(worker);
    ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
    for (const int signal : {SIGTERM, SIGHUP, SIGUSR1, SIGCHLD}) {
        CHECK(sigismember(&inside, signal) == 1);
        CHECK(sigismember(&after, signal) == sigismember(&before, signal));
    }
}
