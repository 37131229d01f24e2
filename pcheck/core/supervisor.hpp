// SPDX-License-Identifier: Apache-2.0
// Every decision of pcheck about PENT entries: spec/state-table.md as code. Pure: (state, event, now) → actions; no clock, no system call.
// One procedure of the table is one function of the same name. A reader who looks for a cell finds on_EVENT, then the state in its switch.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "pcheck/core/slots.hpp"
#include "pcheck/core/types.hpp"
#include "pcheck/core/watch.hpp"

namespace banken::core {

struct Counts {
    std::size_t all = 0, paused = 0, given_up = 0, available = 0;
};

class Supervisor {
public:
    // as_root: pcheck runs as root, so that system users go before people when a main process is chosen for the first time.
    Supervisor(Pfile pfile, bool as_root, Now now);

    // What `event` means. The actions are to be performed in their order; their results come back as events.
    [[nodiscard]] std::vector<Action> step(const Event& event, Now now);

    // When a Deadline event is wanted next.
    [[nodiscard]] std::optional<Instant> next_deadline() const;

    [[nodiscard]] const Param& param() const { return param_; }
    // The entries in the order of the file. A removed one whose script still runs is found by its key, but not listed.
    [[nodiscard]] std::span<const EntryKey> entries() const { return order_; }
    [[nodiscard]] const Watch* find(EntryKey entry) const;
    // The entry that a running script belongs to; 0 when the script has ended.
    [[nodiscard]] EntryKey entry_of(RunId run) const;
    [[nodiscard]] Counts counts() const;

private:
    // supervisor.cpp: events
    void refuse_while_ending(const Event& event);
    void on(const Looked& event);
    void on(const FirstSweepDone& event);
    void on(const Died& event);
    void on(const ScriptStarted& event);
    void on(const ScriptEnded& event);
    void on(const Order& event);
    void on(const Reloaded& event);
    void on(const DumpDone& event);
    void on(const Heartbeat& event);
    void on(const HeartbeatRead& event);
    void on(const Measured& event);
    void on(const Deadline& event);
    void looked_in_vain(Watch& watch, Question question);
    void looked_while_available(Watch& watch, const Looked& event);
    void script_became(Watch& watch, const Candidate& process);
    void say_script_failure(const Watch& watch, const ScriptRun& run, const ScriptEnded& event);
    // deadlines.cpp
    void due(Watch& watch);
    void timer_due(Watch& watch);
    void script_limit_due(Watch& watch);
    void end_script(Watch& watch);
    void stop_limit_due(Watch& watch);

    // procedures.cpp: the procedures of the table
    void up(Watch& watch, const Candidate& process, const Choice& choice);
    void absent(Watch& watch);
    void fresh(Watch& watch);
    void lost(Watch& watch, EntryReason reason);
    void gate(Watch& watch);
    void begin(Watch& watch, bool by_order);
    void failed(Watch& watch);
    void stop(Watch& watch);
    void stopped(Watch& watch);
    static void clear(Watch& watch);
    void over(Watch& watch);
    void down(Watch& watch, Cause cause);
    void confirm(Watch& watch);
    void finish(int exit_status, std::string reason, OrderId order);

    // procedures.cpp: what they share
    void enter(Watch& watch, EntryState state, EntryWait wait = EntryWait::none);
    void since_now(Watch& watch);
    void ask(Watch& watch, Question question);
    void look_again(Watch& watch);
    void arm_reminder(Watch& watch);
    void remind(Watch& watch);
    void announce_delay(Watch& watch, Instant until);
    [[nodiscard]] Scope scope_of(const Watch& watch, Question question) const;
    [[nodiscard]] bool leaving_script_of(std::string_view name) const;
    void serve_slots();

    // orders.cpp
    void carry_out(const Order& order);
    void pause(Watch& watch, std::optional<Duration> duration);
    void resume(Watch& watch);
    void order_restart(Watch& watch, const Order& order);
    void order_clear(Watch& watch);
    void for_one(const Order& order, Watch& watch);
    void for_all(const Order& order);
    [[nodiscard]] std::vector<EntryKey> named(std::string_view target) const;
    void answer(OrderId order, int exit_status = 0, std::string text = {});

    // reload.cpp
    void add(Pent pent);
    void remove(Watch& watch);
    void forget(EntryKey entry);
    void change(Watch& watch, Pent pent);

    Watch* get(EntryKey entry);
    void emit(Action action) { actions_.push_back(std::move(action)); }
    void log(Message message) { emit(Log{std::move(message)}); }
    void touch(const Watch& watch) { touched_.push_back(watch.key); }
    void settle();

    Param param_;
    bool as_root_;
    std::unordered_map<EntryKey, Watch> watches_;
    std::vector<EntryKey> order_;
    std::map<RunId, EntryKey> runs_;  // scripts whose end has not been heard of
    std::set<EntryKey> leaving_;      // removed, their script still runs
    Slots slots_;
    std::vector<Order> early_;  // orders that wait for the first sweep
    bool swept_ = false, ending_ = false;
    EntryKey last_key_ = 0;
    RunId last_run_ = 0;
    std::uint64_t last_look_ = 0;

    std::set<std::pair<Instant, EntryKey>> deadlines_;  // the heap of the design: one place for each entry
    std::unordered_map<EntryKey, Instant> armed_;       // where an entry stands in it

    Now now_;  // of the step that is running
    std::vector<Action> actions_;
    std::vector<EntryKey> touched_;
};

}  // namespace banken::core
