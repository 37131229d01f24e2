// SPDX-License-Identifier: Apache-2.0
// Starts scripts (spec/pcheck.md, Script environment) without ever waiting for one: the child, not we, walks the path, opens the output and
// executes, so a dead mount hangs the child only. The child waits until it is released, after it has been recorded, and ends by itself when
// we die before (spec/shared-memory.md).
#pragma once

#include <sys/resource.h>

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/pfile.hpp"
#include "common/result.hpp"
#include "common/sys/pid_ref.hpp"
#include "common/sys/spawn_child.hpp"
#include "common/sys/spawn_thread.hpp"
#include "common/sys/unique_fd.hpp"

namespace banken::sys {

// What a program was started with and gives to its scripts. Read in main, before anything of it is changed.
struct Inheritance {
    std::array<rlimit, RLIM_NLIMITS> limits{};
    int nice = 0;

    [[nodiscard]] static Inheritance of_this_process();
};

struct ScriptStart {
    Command command;
    std::vector<std::string> environment;  // NAME=value, all of it
    ScriptOutput output = ScriptOutput::inherit;
    std::string output_file;        // with ScriptOutput::file: absolute, appended to, made with mode 0640
    bool check_trust = true;        // SCRIPT_CHECK strict
    std::optional<RunAs> runner{};  // run_as: it runs as this user, who may own it
};

// Why a script was not run: refused by Trust ("/path is writable by others"), or not executable by the kernel ("Text file busy",
// "/var/log/x: Permission denied").
struct NotRun {
    bool refused = false;
    std::string reason;
};

// What the child reported.
struct ScriptReports {
    std::optional<NotRun> not_run;  // nothing if the script ran, whatever came of it
    std::string output_lost;        // "/var/log/app: No such file or directory": what the script prints goes nowhere; empty: it does not
};

// A child that leads its own session and waits. Never released: it ends by itself when this object dies, and is the owner's to reap.
class WaitingScript {
public:
    WaitingScript(PidRef child, UniqueFd control, bool has_runner)
        : child_(std::move(child)), control_(std::move(control)), has_runner_(has_runner) {}

    [[nodiscard]] const ProcessId& process() const { return child_.process(); }
    // The pidfd, for whoever waits for the end and reaps. To be taken once.
    [[nodiscard]] PidRef take_child() { return std::move(child_); }

    // Lets it execute the script. Never blocks; a child that is gone already tells so by its pidfd.
    void release();
    // Once the child has ended; to be asked once. Never blocks.
    [[nodiscard]] ScriptReports reports() const;

private:
    PidRef child_;
    UniqueFd control_;  // our end of a socket pair; the child's end is closed by its exec
    bool has_runner_;
    int release_error_ = 0;
};

class Spawner {
public:
    // `original` is what the scripts get back where it is something else now: made after the program has changed its own limits and signal
    // dispositions. Takes two low descriptors for good; 0, 1 and 2 are open and stay what they are.
    [[nodiscard]] static Result<Spawner> open(const Inheritance& original);
    // Not inline: out of a Result, g++ 12 sees a free in them that cannot happen.
    Spawner(Spawner&&) noexcept;
    Spawner& operator=(Spawner&&) noexcept;
    ~Spawner();

    // Not from two threads at once.
    [[nodiscard]] Result<WaitingScript> start(const ScriptStart& script);

    struct Birth {
        pid_t pid = 0;
        UniqueFd pidfd;  // where the birth gave one
    };

private:
    // Memory shared with a child that shares our descriptors too: it sets the flag when it has its own.
    struct Unmap {
        void operator()(std::atomic<int>* flag) const;
    };
    using SharedFlag = std::unique_ptr<std::atomic<int>, Unmap>;

    Spawner() = default;
    [[nodiscard]] bool place_is_free() const;
    [[nodiscard]] SpawnThread* idle_thread();
    // `memory` is what the plan points into.
    [[nodiscard]] Result<Birth> bear(ChildPlan& plan, const std::shared_ptr<const void>& memory);
    [[nodiscard]] Failure abandon(pid_t child, const Error& why);
    void reap_abandoned();

    UniqueFd null_;   // /dev/null, low
    UniqueFd place_;  // a low number: there lies the end of a child that shares our table, until it has its own
    std::vector<std::unique_ptr<SpawnThread>> threads_;
    SharedFlag own_table_;  // 0: the last such child may not have made its first call
    pid_t sharing_child_ = 0;
    std::vector<pid_t> abandoned_;  // children that nobody was told of: they end by themselves
    bool can_share_ = false;
    ChildPlan plan_;  // what is the same for every script
};

}  // namespace banken::sys
