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

#include "pcheck/core/group.hpp"
#include "pcheck/core/slots.hpp"
#include "pcheck/core/types.hpp"
#include "pcheck/core/watch.hpp"

namespace banken::core {

struct Counts {
    std::size_t all = 0, paused = 0, given_up = 0, available = 0;
};

// How pcheck runs.
struct Manner {
    bool as_root = false;  // system users go before people when a main process is chosen for the first time
    bool dry_run = false;  // as if every script were `-` and nothing had a health check, but `Would restart` is logged
};

// What is known of a pcheck that ended without an end: its segment's records, as far as they concern entries of the new pfile too.
struct Recorded {
    std::vector<Watch> watches;  // in file order; `pent` holds at least the identity
    std::vector<Group> groups;   // members by the keys of these watches
    std::vector<Watch> leaving;  // of entries that a reload had removed
};

class Supervisor {
public:
    Supervisor(Pfile pfile, Manner manner, Now now);
    // Adopts: entries that are the same keep everything; what has become of their processes is told by Adopted.
    Supervisor(Pfile pfile, Manner manner, Recorded recorded, Now now);

    // What `event` means. The actions are to be performed in their order; their results come back as events.
    [[nodiscard]] std::vector<Action> step(const Event& event, Now now);

    // When a Deadline event is wanted next.
    [[nodiscard]] std::optional<Instant> next_deadline() const;

    [[nodiscard]] const Param& param() const { return param_; }
    // The entries in the order of the file. A removed one whose script still runs is found by its key, but not listed here.
    [[nodiscard]] std::span<const EntryKey> entries() const { return order_; }
    [[nodiscard]] const std::set<EntryKey>& leaving() const { return leaving_; }
    [[nodiscard]] const Watch* find(EntryKey entry) const;
    // The group that the entry is a member of; null: none.
    [[nodiscard]] const Group* group_of(EntryKey entry) const;
    [[nodiscard]] std::vector<const Group*> groups() const;
    // Whose grace, retries, delay, stable and action count for the entry, and the window its attempts are counted in: its group's, or its own.
    [[nodiscard]] const Watch& head_of(const Watch& watch) const;
    [[nodiscard]] const RetryWindow& window_of(const Watch& watch) const;
    // The entry that a running script or check belongs to; 0 when it has ended.
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
    void on(const Adopted& event);
    void on(const Deadline& event);
    void one_died(Watch& watch, const Died& event);
    [[nodiscard]] BootTicks death_of(const Watch& watch, BootTicks noticed) const;
    // looks.cpp: what a look's answer, or a sweep's news, means
    void found(Watch& watch, const Looked& event, Question question);
    void looked_in_vain(Watch& watch, Question question);
    void looked_while_available(Watch& watch, const Looked& event, Question question);
    void gone(Watch& watch, const Looked& event, bool handing_over);
    void main_is_gone(Watch& watch);
    void note_gone(Watch& watch);
    [[nodiscard]] Cause unseen_cause() const { return {param_.detect_event ? Cause::Kind::gone : Cause::Kind::not_asked, 0}; }
    void counted(Watch& watch, const Looked& event, Question question);
    void counted_while_available(Watch& watch, const Looked& event);
    void script_became(Watch& watch, const Candidate& process);
    // supervisor.cpp: ends of scripts
    void restart_script_ended(Watch& watch, const ScriptRun& run, const ScriptEnded& event);
    void stop_script_ended(Watch& watch, const ScriptRun& run, const ScriptEnded& event);
    [[nodiscard]] static std::string failure_text(const ScriptRun& run, const ScriptEnded& event);
    // deadlines.cpp
    void due(Watch& watch);
    void due(Group& group);
    void timer_due(Watch& watch);
    void not_appeared(Watch& watch);
    void script_limit_due(Watch& watch);
    void end_script(Watch& watch);
    void stop_limit_due(Watch& watch);

    // procedures.cpp: the procedures of the table
    enum class BeginBy { gate, order, turn };
    void up(Watch& watch, const Candidate& process, const Choice& choice);
    void up_with(Watch& watch, std::span<const Candidate> matches);
    bool came_up(Watch& watch, pid_t pid);
    void absent(Watch& watch);
    void fresh(Watch& watch);
    void lost(Watch& watch, EntryReason reason);
    void gate(Watch& watch);
    void begin(Watch& watch, BeginBy by);
    void run(const Watch& watch, ScriptRun& script);
    void await_process(Watch& watch, Instant since);
    void failed(Watch& watch);
    void attempt_failed(Watch& watch);
    void clear(Watch& watch);
    void over(Watch& watch);
    void give_up(Watch& watch, RetryOverAction action, Instant hold_ends);
    void down(Watch& watch, pid_t pid, bool brought_back);
    void note_loss(Watch& watch, pid_t pid);
    void confirm(Watch& watch);
    void finish(int exit_status, std::string reason, OrderId order);

    // groups.cpp: GROUP and TURN, and who depends on whom
    void regroup(Group& group);
    void take_turn(Group& group);
    void pass_turn(Group& group);
    void next_turn(Group& group);
    void end_turn(Group& group);
    void group_goes_on(const Watch& watch);
    void wait_over(Group& group);
    void open_gates();
    void looked_for_group(Group& group);
    [[nodiscard]] bool group_waits(Group& group, const Watch& first, const Watch& first_lost);
    void arm_stable(Group& group);
    void make_groups();
    [[nodiscard]] Group* group(const Watch& watch);
    [[nodiscard]] std::optional<std::string> missing_dependency(const Watch& watch) const;
    void wake_dependants(std::string_view name);

    // alive.cpp: STOP, and what leads to it
    [[nodiscard]] bool stop_waits(const Watch& watch);
    void stop(Watch& watch, EntryReason reason, std::string why, bool* told = nullptr);
    static void good_again(Watch& watch, bool& told);
    void begin_stop(Watch& watch, EntryReason reason);
    void signal_main(const Watch& watch, int signal);
    void stopped(Watch& watch);
    void arm_alive(Watch& watch);
    void rest(Watch& watch);
    void check_due(Watch& watch);
    void check_ended(Watch& watch, const ScriptEnded& event);
    void not_checked(Watch& watch, const std::string& why);
    void bad_check(Watch& watch, std::string outcome);
    void beat_due(Watch& watch);
    void no_heartbeat(Watch& watch);
    void beat(Watch& watch, Instant at);
    void measure_due(Watch& watch);
    void judge(Watch& watch, const Measured& event);
    void judge_limit(Watch& watch, Excess& excess, const std::optional<Limit>& limit, std::string_view what, std::uint64_t value);

    // procedures.cpp: what they share
    void enter(Watch& watch, EntryState state, EntryWait wait = EntryWait::none);
    void since_now(Watch& watch);
    void ask(Watch& watch, Question question);
    void look_again(Watch& watch);
    void follow(Watch& watch, ProcessId process);
    void follow_all(Watch& watch, std::span<const Candidate> matches);
    static void show_oldest(Watch& watch);
    void unfollow(Watch& watch);
    void arm_reminder(Watch& watch);
    void remind(Watch& watch);
    void announce(const Watch& watch, bool& told, const std::string& reason);
    void announce_delay(const Watch& watch, bool& told, Instant until);
    [[nodiscard]] std::string dependency_text(const std::string& name) const;
    [[nodiscard]] Scope scope_of(const Watch& watch, Question question) const;
    [[nodiscard]] Duration confirm_of(const Watch& watch) const;
    // Script `-`, or nothing is to be run at all.
    [[nodiscard]] bool only_reports(const Watch& watch) const { return watch.pent.script.none() || manner_.dry_run; }
    [[nodiscard]] bool leaving_script_of(std::string_view name) const;
    // One of this entry, or of a removed one of its name.
    [[nodiscard]] bool script_lives(const Watch& watch) const { return watch.script || leaving_script_of(watch.pent.name); }
    [[nodiscard]] bool may_begin(const Watch& watch);
    void serve_slots();

    // orders.cpp
    void carry_out(const Order& order);
    bool pause(Watch& watch, std::optional<Duration> duration);
    void go_on_without(const Watch& watch);
    void resume(Watch& watch);
    void order_restart(Watch& watch, const Order& order);
    void order_clear(Watch& watch);
    void order_event(const Order& order);
    [[nodiscard]] std::string recover(Watch& watch, std::string_view event);
    void for_one(const Order& order, Watch& watch);
    void for_all(const Order& order);
    void fresh_given_up(Watch& watch);
    [[nodiscard]] std::vector<EntryKey> named(std::string_view target) const;
    void answer(OrderId order, int exit_status = 0, std::string text = {});

    // reload.cpp
    using Members = std::map<std::string, std::vector<EntryKey>>;
    void add(Pent pent);
    void remove(Watch& watch);
    void forget(EntryKey entry);
    void script_of_before_ended(Watch& watch);
    void change(Watch& watch, Pent pent);
    void regroup_changed(const Members& before);

    // adopt.cpp
    void adopt(Recorded recorded);
    void adopt_leaving(Watch watch);
    void adopt(Watch& watch, const AdoptedEntry& entry);
    void adopt_available(Watch& watch, bool main_lives);
    void adopt_script(Watch& watch, const AdoptedEntry& entry);
    void adopt_restart(Watch& watch, const AdoptedEntry& entry);
    void adopt_stall(Watch& watch);

    Watch* get(EntryKey entry);
    void emit(Action action) { actions_.push_back(std::move(action)); }
    void log(Message message) { emit(Log{std::move(message)}); }
    void touch(const Watch& watch) { touched_.push_back(watch.key); }
    void settle();

    Param param_;
    Manner manner_;
    std::unordered_map<EntryKey, Watch> watches_;
    std::vector<EntryKey> order_;
    std::map<std::string, Group> groups_;
    std::map<RunId, EntryKey> runs_;                 // scripts and checks whose end has not been heard of
    std::set<EntryKey> leaving_;                     // removed, their script still runs
    std::set<EntryKey> dependent_;                   // DOWN `dependency`
    std::unordered_map<pid_t, EntryKey> followers_;  // who followed this pid last
    Slots slots_;
    std::vector<Order> early_;  // orders that wait for the first sweep
    bool swept_ = false, ending_ = false;
    bool group_looks_ = false;  // of some group, a wait has ended and its looks are out
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
