// SPDX-License-Identifier: Apache-2.0
// A world for the pure core: processes that appear and die, scripts that end, and a clock that only tests move.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "pcheck/core/supervisor.hpp"

namespace banken::core {

class World {
public:
    using seconds = std::chrono::seconds;

    // PENT lines beside IPCKEY, SHM_DUMP_FILE and the PARAM lines given.
    static Pfile pfile(std::string_view pents, std::string_view params = {});

    explicit World(std::string_view pents, std::string_view params = {}, bool as_root = false);

    // ---- what happens ----
    void step(const Event& event);
    // A process that matches from now on; start ticks follow the clock.
    ProcessId run(EntryKey entry, pid_t pid);
    void add(EntryKey entry, const Candidate& candidate);
    // It is gone; if an entry follows it, its death is told with this cause.
    void die(EntryKey entry, Cause cause);
    void crash(EntryKey entry) { die(entry, {Cause::Kind::status, 9}); }
    void end_orderly(EntryKey entry) { die(entry, {Cause::Kind::status, 15}); }
    void vanish(EntryKey entry) { matches_[entry].clear(); }
    // Looks that are out are answered; repeated until none is out.
    void answer_looks();
    // A sweep: every entry that is not AVAIL, or whose matches changed, is told.
    void sweep();
    void start_up();  // the first sweep
    // Time passes; deadlines come in their order, each followed by the answers to its looks.
    void pass(Duration duration);
    void pass_unseen(Duration duration) { advance(duration); }  // nobody looks at the clock
    void script_exits(EntryKey entry, int code);
    void forget_scripts() { runs_.clear(); }  // nobody hears of their end
    void script_ends(EntryKey entry, ScriptEnded::How how, std::string reason);
    void check_ends(EntryKey entry, int code);
    void check_ends(EntryKey entry, ScriptEnded::How how, std::string reason);
    void order(Verb verb, std::string target = {}, std::optional<Duration> duration = {});
    void event(std::string event, std::string target);
    void reload(std::string_view pents, std::string_view params = {});

    // ---- what came of it ----
    [[nodiscard]] const Watch& entry(EntryKey key) const { return *core.find(key); }
    [[nodiscard]] std::string state(EntryKey key) const;  // "DOWN delay"
    // The log since the last call, pids and all.
    [[nodiscard]] std::vector<std::string> log() { return std::exchange(lines_, {}); }
    [[nodiscard]] std::vector<Answer> answers() { return std::exchange(answers_, {}); }
    [[nodiscard]] const std::vector<SignalProcess>& signals() const { return signals_; }
    [[nodiscard]] const std::vector<SignalScript>& script_signals() const { return script_signals_; }
    [[nodiscard]] const std::vector<Remind>& reminders() const { return reminders_; }
    [[nodiscard]] bool script_runs(EntryKey key) const { return runs_.contains(key); }
    [[nodiscard]] bool check_runs(EntryKey key) const { return checks_.contains(key); }
    [[nodiscard]] std::vector<Measure> measures() { return std::exchange(measures_, {}); }
    [[nodiscard]] std::vector<ReadHeartbeat> heartbeats_read() { return std::exchange(heartbeats_read_, {}); }
    [[nodiscard]] std::size_t scripts() const { return runs_.size(); }
    [[nodiscard]] const std::optional<End>& end() const { return end_; }

    Now now{Instant(std::chrono::hours(1)), WallTime(std::chrono::hours(400000)), 360000};
    Supervisor core;
    bool answer_at_once = true;  // looks are answered by step() itself
    bool hold_starts = false;    // children of scripts do not come to exist

private:
    void perform(const std::vector<Action>& actions);
    void advance(Duration duration);

    std::map<EntryKey, std::vector<Candidate>> matches_;
    std::map<EntryKey, RunId> runs_, checks_;
    std::vector<Measure> measures_;
    std::vector<ReadHeartbeat> heartbeats_read_;
    std::vector<Look> looks_;
    std::vector<std::string> lines_;
    std::vector<Answer> answers_;
    std::vector<SignalProcess> signals_;
    std::vector<SignalScript> script_signals_;
    std::vector<Remind> reminders_;
    std::optional<End> end_;
    pid_t last_script_ = 50000;
};

// Every entry runs, as pid 100, 101, …, and was told Up `ago`; the log is empty.
World running(std::string_view pents, std::string_view params = {}, Duration ago = std::chrono::seconds(100));

}  // namespace banken::core
