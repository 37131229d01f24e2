// SPDX-License-Identifier: Apache-2.0
// Finds the processes of all entries (spec/pfile.md, Matching; spec/pcheck.md, Scale and cost).
//
// The daemon calls sweep() every MONITOR_INTERVAL and look() for every Look of the core; it adds fd() to its loop (drain) and keeps its
// timer at wake_at() (wake). All looks asked for share one pass over /proc, at most one per 10 ms and 20 % of the loop's time. What a pass
// finds new or changed is read and judged by all rules in helper threads, since reading a command line may hang. An answer waits until
// all that its pass has found is decided; a read that takes more than a second decides by comm and executable alone. The pidfile of an entry
// is read for each of its answers, and with every sweep.
//
// Handlers are called from sweep, wake and drain. They may call everything here but these three.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/matcher.hpp"
#include "common/process.hpp"
#include "common/result.hpp"
#include "common/time.hpp"
#include "pcheck/core/types.hpp"
#include "pcheck/rule_index.hpp"

namespace banken {

class Sweep {
public:
    struct Handlers {
        std::function<void(core::Looked)> on_looked;
        std::function<void()> on_sweep_done;                   // all that the sweep had to tell is told
        std::function<void(std::size_t count)> on_unreadable;  // command lines of so many processes; again only after all were readable
        std::function<void(const std::string& path)> on_stuck_pidfile;  // again only after none was stuck
    };
    // A script of ours that runs now.
    struct Script {
        ProcessId process;
        std::optional<Fingerprint> first_image;  // as read right after its exec, complete (start_code not 0); unset: not read yet
    };
    static constexpr Duration pass_distance = std::chrono::milliseconds(10);
    static constexpr int pass_share = 5;  // a pass of d is followed by the next after 5 d at the earliest

    // Fails when /proc is of another PID namespace or hides processes (exit status 71). `proc` is for tests.
    [[nodiscard]] static Result<Sweep> open(Handlers handlers, const std::string& proc = "/proc");
    Sweep(Sweep&&) noexcept;
    Sweep& operator=(Sweep&&) noexcept;
    ~Sweep();

    // After load and reload. What an entry matched before it keeps, as long as it has its key.
    void set_rules(std::vector<EntryRule> rules);
    // The entry is not AVAIL, or counts: told at every sweep. Else only when its matches have changed.
    void set_wanted(core::EntryKey entry, bool every_sweep);
    // All scripts that run now. What is below one never matches; nor does a script's own process, unless it has exec'ed away from its
    // first image (a script that ends in `exec daemon`).
    void set_scripts(std::vector<Script> scripts);

    // One pass, begun at once; over a large table it goes on with wake(), so that what is more urgent comes between, and is not begun anew
    // meanwhile. With `something_lacking`, or an entry that is to be told at every sweep, it reads every fingerprint, else of one eighth.
    void sweep(bool something_lacking, Instant now);
    // Answered by a Looked with the number, unless the entry is gone by then. A look that has not begun is replaced.
    void look(const core::Look& look);

    // When wake() wants to be called; a past instant: at once.
    [[nodiscard]] std::optional<Instant> wake_at() const;
    void wake(Instant now);
    // Readable when drain() has something to take.
    [[nodiscard]] int fd() const;
    void drain(Instant now);
    // A helper thread may be reading a command line or a pidfile.
    [[nodiscard]] bool busy() const;

private:
    struct State;
    explicit Sweep(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace banken
