// SPDX-License-Identifier: Apache-2.0
#include "common/sys/responder_keeper.hpp"

#include <poll.h>

#include <algorithm>
#include <csignal>

#include "common/exit_status.hpp"
#include "common/sys/clock.hpp"

namespace banken::sys {
namespace {

constexpr Duration poll_gap = std::chrono::seconds(1);

}  // namespace

Result<ResponderKeeper> ResponderKeeper::open(Duration limit) {
    auto set = PidfdSet::open();
    if (!set) return Failure(set.error());
    return ResponderKeeper(*std::move(set), limit);
}

Result<> ResponderKeeper::start(Spawner& spawner, const ScriptStart& start, Instant now) {
    auto script = spawner.start(start);
    if (!script) return Failure(script.error());
    PidRef child = script->take_child();
    const std::uint64_t token = ++last_;
    const bool watched = set_.add(child.fd(), token).has_value();
    Run run{start.command.argv.front(), *std::move(script), std::move(child), Phase::running, now + limit_, !watched};
    run.script.release();
    runs_.emplace(token, std::move(run));
    return {};
}

std::optional<Instant> ResponderKeeper::next_deadline() const {
    std::optional<Instant> next;
    const auto consider = [&next](Instant instant) { next = next ? std::min(*next, instant) : instant; };
    for (const auto& [token, run] : runs_) {
        if (run.deadline) consider(*run.deadline);
        if (run.polled) consider(read_instant() + poll_gap);
    }
    return next;
}

std::vector<ResponderKeeper::Ended> ResponderKeeper::turn(Instant now) {
    std::vector<Ended> ended;
    std::vector<std::uint64_t> tokens;
    for (const PidfdSet::Ready& ready : set_.take()) tokens.push_back(ready.token);
    for (const auto& [token, run] : runs_) {
        if (run.polled && run.child.exited()) tokens.push_back(token);
    }
    for (const std::uint64_t token : tokens) end(token, ended);
    for (auto& [token, run] : runs_) {
        if (run.deadline && *run.deadline <= now) pass_deadline(run, now, ended);
    }
    return ended;
}

// What it has left in its process group goes on; unless it took too long: then that would have been ended too.
void ResponderKeeper::end(std::uint64_t token, std::vector<Ended>& ended) {
    const auto found = runs_.find(token);
    if (found == runs_.end()) return;
    Run& run = found->second;
    if (run.phase != Phase::running) static_cast<void>(run.child.signal_group(SIGKILL));
    set_.remove(run.child.fd());
    const auto status = run.child.reap_child();
    if (run.phase != Phase::given_up) ended.push_back({run.path, failure_of(run, status && *status ? **status : 0)});
    runs_.erase(found);
}

void ResponderKeeper::pass_deadline(Run& run, Instant now, std::vector<Ended>& ended) {
    switch (run.phase) {
        case Phase::running:
            run.phase = Phase::terminated;
            run.deadline = now + kill_wait;
            static_cast<void>(run.child.signal_group(SIGTERM));
            return;
        case Phase::terminated:
            run.phase = Phase::killed;
            run.deadline = now + give_up_wait;
            static_cast<void>(run.child.signal_group(SIGKILL));
            return;
        case Phase::killed:
            run.phase = Phase::given_up;
            run.deadline.reset();
            ended.push_back({run.path, "cannot be ended"});
            return;
        case Phase::given_up: return;
    }
}

std::string ResponderKeeper::failure_of(const Run& run, int wait_status) const {
    if (const auto not_run = run.script.reports().not_run) {
        return (not_run->refused ? "refused: " : "cannot execute: ") + not_run->reason;
    }
    if (run.phase != Phase::running) return fmt::format("timeout={}s", std::chrono::duration_cast<std::chrono::seconds>(limit_).count());
    return wait_status == 0 ? std::string() : short_text_of_status(wait_status);
}

void ResponderKeeper::wait_for_turn() const {
    const auto due = next_deadline();
    const Duration left = due ? std::max(*due - read_instant(), Duration{}) : Duration{};
    pollfd ready{.fd = fd(), .events = POLLIN, .revents = 0};
    ::poll(&ready, 1, due ? static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()) : -1);
}

std::size_t ResponderKeeper::awaited() const {
    return static_cast<std::size_t>(std::ranges::count_if(runs_, [](const auto& run) { return run.second.phase != Phase::given_up; }));
}

std::vector<ProcessId> ResponderKeeper::processes() const {
    std::vector<ProcessId> all;
    for (const auto& [token, run] : runs_) all.push_back(run.child.process());
    return all;
}

}  // namespace banken::sys
