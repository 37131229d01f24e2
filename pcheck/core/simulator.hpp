// SPDX-License-Identifier: Apache-2.0
// A host that exists only here, and the core on it: at first every process runs, a script succeeds at once and its process appears, a health check
// is good, a heartbeat comes in time (spec/pcheck.md, --simulate). Time is a number: days take milliseconds.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pcheck/core/scenario.hpp"
#include "pcheck/core/supervisor.hpp"

namespace banken::core {

// "day 2 03:04:05" after the start.
[[nodiscard]] std::string simulated_time(Duration since_start);

class Simulator {
public:
    // Gets every line as it is logged, with the time since the start; also refused orders and the end, which have no line of the log.
    using Print = std::function<void(Duration since_start, std::string_view line)>;

    Simulator(Pfile pfile, Print print);
    Simulator(const Simulator&) = delete;  // what is to be done next holds its address
    Simulator& operator=(const Simulator&) = delete;

    // The first sweep.
    void start();
    // Plays it from the start to its end, or to pcheck's end.
    void play(const Scenario& scenario);

    // Step by step, as play() does it.
    void happen(const Happening& happening);
    void pass(Duration duration);

    [[nodiscard]] const Supervisor& core() const { return core_; }
    [[nodiscard]] Now now() const { return now_; }
    [[nodiscard]] bool ended() const { return ended_; }

private:
    struct Host {  // what an entry is about
        std::vector<Candidate> processes;
        Behaviour script = Behaviour::works, check = Behaviour::works;
        std::optional<Instant> beats_stopped;
        Instant beaten{};   // when the last WATCHDOG=1 was told
        bool news = false;  // the next sweep has something to tell
    };

    void tell(const Event& event);
    void perform(const Action& action);
    void do_next();
    [[nodiscard]] Host& host_of(EntryKey entry) { return hosts_[entry]; }

    void bring_up(EntryKey entry);
    void end_process(EntryKey entry, ProcessId process, int signal);
    void end_oldest(EntryKey entry, int signal);
    void run_script(const RunScript& action);
    void end_script(RunId run, int wait_status);
    void order(const ParsedOrder& order);
    void signal_process(const SignalProcess& action);
    void remind(const Remind& action);
    void beat();
    void sweep();
    [[nodiscard]] std::optional<Instant> next_sweep() const;
    void advance_to(Instant instant);

    Pfile pfile_;
    Print print_;
    Now now_;
    Instant begun_;
    Supervisor core_;
    std::map<EntryKey, Host> hosts_;
    std::map<RunId, RunScript> hanging_;      // scripts that end only when they are ended
    std::deque<std::function<void()>> next_;  // follows in the same instant
    EntryKey swept_ = 0;                      // whose news of a sweep is being told
    pid_t last_pid_ = 1000;
    OrderId last_order_ = 0;
    bool ended_ = false;
};

}  // namespace banken::core
