// SPDX-License-Identifier: Apache-2.0
// A sweep with its daemon, for tests.
#pragma once

#include <doctest/doctest.h>
#include <poll.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "pcheck/sweep.hpp"
#include "tests/unit/fake_proc.hpp"

namespace banken::test {

using Pids = std::vector<pid_t>;

// The clock is ours, only answers of helper threads are waited for.
class Watcher {
public:
    explicit Watcher(const std::string& proc, std::vector<EntryRule> rules = {})
        : sweep(*Sweep::open({.on_looked = [this](core::Looked news) { looked.push_back(std::move(news)); },
                              .on_sweep_done = [this] { ++sweeps; },
                              .on_unreadable = [this](std::size_t count) { unreadable.push_back(count); },
                              .on_stuck_pidfile = [](const std::string&) {}},
                             proc)) {
        sweep.set_rules(std::move(rules));
    }
    Watcher(Watcher&&) = delete;
    Watcher& operator=(Watcher&&) = delete;

    // One whole sweep; what it told is in `looked`.
    void run_sweep(bool lacking = true) {
        looked.clear();
        const int before = sweeps;
        sweep.sweep(lacking, now);
        until([&] { return sweeps > before; });
    }
    // What matches, looked at once more. With a sweep's pass, since a look's own is paced.
    Pids look(core::EntryKey entry) {
        sweep.look({entry, 1, true});
        run_sweep();
        std::erase_if(looked, [](const core::Looked& news) { return news.number == 0; });
        REQUIRE(looked.size() == 1);
        CHECK(looked.front().entry == entry);
        return pids();
    }
    void until(const std::function<bool()>& done) {
        for (;;) {
            for (auto due = sweep.wake_at(); due && *due <= now && !done(); due = sweep.wake_at()) sweep.wake(now);
            if (done()) return;
            pollfd readable{.fd = sweep.fd(), .events = POLLIN, .revents = 0};
            REQUIRE(::poll(&readable, 1, 20'000) == 1);
            sweep.drain(now);
        }
    }
    [[nodiscard]] Pids pids() const {
        Pids all;
        for (const auto& news : looked) {
            for (const auto& match : news.matches) all.push_back(match.id.pid);
        }
        return all;
    }
    [[nodiscard]] std::vector<core::EntryKey> told() const {
        std::vector<core::EntryKey> all;
        for (const auto& news : looked) all.push_back(news.entry);
        return all;
    }

    std::vector<core::Looked> looked;
    int sweeps = 0;
    std::vector<std::size_t> unreadable;
    Instant now = Instant(std::chrono::hours(1));
    Sweep sweep;
};

inline FakeProcess daemon_of(pid_t pid, const std::string& name) {
    return {.pid = pid, .comm = name, .exe = "/usr/sbin/" + name, .command_line = name + std::string("\0-n\0", 4)};
}

}  // namespace banken::test
