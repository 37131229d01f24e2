// SPDX-License-Identifier: Apache-2.0
// Starts event responders and ends those that take too long: TERM, after 5 s KILL, both to the process group (spec/events.md). It waits for none.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/sys/pidfd_set.hpp"
#include "common/sys/spawn.hpp"

namespace banken::sys {

class ResponderKeeper {
public:
    static constexpr Duration kill_wait = std::chrono::seconds(5), give_up_wait = std::chrono::seconds(10);

    struct Ended {
        std::string path;
        std::string
            failure;  // empty: exit status 0. "status=3", "signal=9", "timeout=300s", "refused: …", "cannot execute: …", "cannot be ended"
    };

    // `limit`: how long a responder may run.
    [[nodiscard]] static Result<ResponderKeeper> open(Duration limit);

    // It runs from now on, whatever comes of its exec.
    [[nodiscard]] Result<> start(Spawner& spawner, const ScriptStart& start, Instant now);

    // Readable: call turn().
    [[nodiscard]] int fd() const { return set_.fd(); }
    [[nodiscard]] std::optional<Instant> next_deadline() const;
    // What has ended since, each told once; and what has reached its limit is signalled. One that outlives KILL is told as ended, but stays counted.
    [[nodiscard]] std::vector<Ended> turn(Instant now);
    // For a program without a loop: returns at the next end or deadline.
    void wait_for_turn() const;

    [[nodiscard]] std::size_t running() const { return runs_.size(); }
    // Those that have not been told as ended.
    [[nodiscard]] std::size_t awaited() const;
    [[nodiscard]] std::vector<ProcessId> processes() const;

private:
    enum class Phase { running, terminated, killed, given_up };
    struct Run {
        std::string path;
        WaitingScript script;
        PidRef child;
        Phase phase = Phase::running;
        std::optional<Instant> deadline;  // of the phase
        bool polled = false;              // the kernel does not watch it for us
    };
    ResponderKeeper(PidfdSet set, Duration limit) : set_(std::move(set)), limit_(limit) {}
    [[nodiscard]] std::string failure_of(const Run& run, int wait_status) const;
    void end(std::uint64_t token, std::vector<Ended>& ended);
    void pass_deadline(Run& run, Instant now, std::vector<Ended>& ended);

    PidfdSet set_;
    Duration limit_;
    std::map<std::uint64_t, Run> runs_;
    std::uint64_t last_ = 0;
};

}  // namespace banken::sys
