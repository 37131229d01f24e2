// SPDX-License-Identifier: Apache-2.0
// The procedures of spec/state-table.md: UP, FRESH, LOST, GATE, BEGIN, FAIL, CLEAR, OVER. GROUP and TURN are in groups.cpp, STOP in alive.cpp.
#include <algorithm>
#include <csignal>

#include "common/exit_code.hpp"
#include "pcheck/core/supervisor.hpp"

namespace banken::core {
namespace {

constexpr Duration first_look_gap = std::chrono::milliseconds(10);  // then doubled, until the sweep is as often
constexpr Duration worth_a_line = std::chrono::seconds(1);

constexpr auto by_age = [](const ProcessId& id) { return std::pair(id.start, id.pid); };

}  // namespace

void Supervisor::enter(Watch& watch, EntryState state, EntryWait wait) {
    const bool queued = state == EntryState::down && wait == EntryWait::slot;
    if (!queued) slots_.leave(watch.key);
    watch.question = Question::none;
    watch.timer.reset();
    watch.look_at.reset();
    watch.look_gap = {};
    watch.killed = false;
    watch.waits_for.clear();
    if (watch.state == EntryState::avail) rest(watch);
    if (state != watch.state || wait != watch.wait) {
        emit(Trace{watch.key, watch.main ? watch.main->pid : 0, text_of(state), std::string(text_of(wait))});
        watch.state = state;
        watch.wait = wait;
        dependent_.erase(watch.key);
        if (wait == EntryWait::dependency) dependent_.insert(watch.key);
        since_now(watch);
    }
    touch(watch);
}

void Supervisor::since_now(Watch& watch) {
    watch.since = now_.instant;
    watch.since_wall = now_.wall;
    arm_reminder(watch);
}

void Supervisor::ask(Watch& watch, Question question) {
    // Looks that come one after another wait for what has just begun to run; the others decide, and so do late ones, which are rare.
    constexpr Duration soon = std::chrono::milliseconds(500);
    const bool repeated = question == Question::confirm || question == Question::start;
    watch.question = question;
    watch.asked = ++last_look_;
    watch.look_at.reset();
    emit(Look{watch.key, watch.asked, !repeated || watch.look_gap > soon});
}

// Looks of confirm and START: at once, then after 10, 20, 40 … ms, then at the sweeps (spec/pcheck.md, the cycle, step 4).
void Supervisor::look_again(Watch& watch) {
    watch.look_gap = watch.look_gap == Duration{} ? first_look_gap : watch.look_gap * 2;
    if (watch.look_gap < param_.monitor_interval) watch.look_at = now_.instant + watch.look_gap;
}

Scope Supervisor::scope_of(const Watch& watch, Question question) const {
    const bool waits_for_a_person = watch.wait == EntryWait::operator_ || watch.wait == EntryWait::script;
    const bool after =
        (watch.state == EntryState::down && !waits_for_a_person) || watch.state == EntryState::restart || watch.state == EntryState::start;
    const bool fresh = question == Question::fresh || question == Question::adopted;  // nobody knows when it ended
    return after && !fresh ? Scope::after_the_loss : Scope::any_age;
}

// With DETECT poll the sweep is so late that nobody is waited for.
Duration Supervisor::confirm_of(const Watch& watch) const { return param_.detect_event ? watch.pent.confirm : Duration{}; }

// Two entries that follow one process restart it against each other: told when the second one begins.
void Supervisor::follow(Watch& watch, ProcessId process) {
    emit(Follow{watch.key, process, false});
    watch.main = process;
    const auto [at, is_new] = followers_.try_emplace(process.pid, watch.key);
    const Watch* other = is_new || at->second == watch.key ? nullptr : find(at->second);
    if (other && other->main == process) {
        log(messages::warning(fmt::format("entries {} (pent_id {}) and {} (pent_id {}) follow the same process, pid={}", other->pent.name,
                                          other->pent_id, watch.pent.name, watch.pent_id, process.pid)));
    }
    at->second = watch.key;
}

void Supervisor::unfollow(Watch& watch) {
    emit(Unfollow{watch.key});
    if (watch.main) {
        const auto at = followers_.find(watch.main->pid);
        if (at != followers_.end() && at->second == watch.key) followers_.erase(at);
    }
    watch.main.reset();
    watch.counted.clear();
}

void Supervisor::up(Watch& watch, const Candidate& process, const Choice& choice) {
    follow(watch, process.id);
    watch.memory.last = process;
    const bool told = came_up(watch, process.id.pid);
    watch.told_ambiguous = told && (choice.by_age_alone || choice.a_persons);
    if (watch.told_ambiguous) log(messages::ambiguous(watch.ref(), choice.roots, process.id.pid));
}

// Count mode: all that match are followed, the oldest is shown.
void Supervisor::up_with(Watch& watch, std::span<const Candidate> matches) {
    follow_all(watch, matches);
    const auto oldest = std::ranges::min_element(matches, {}, [](const Candidate& match) { return by_age(match.id); });
    came_up(watch, oldest == matches.end() ? 0 : oldest->id.pid);
}

// One that could be spared may have been the one that was shown.
void Supervisor::show_oldest(Watch& watch) {
    const auto oldest = std::ranges::min_element(watch.counted, {}, by_age);
    if (oldest == watch.counted.end()) return;
    if (watch.logged_pid == watch.shown_pid) watch.logged_pid = oldest->pid;
    watch.shown_pid = oldest->pid;
}

void Supervisor::follow_all(Watch& watch, std::span<const Candidate> matches) {
    unfollow(watch);
    for (const Candidate& match : matches.first(std::min(matches.size(), Watch::most_counted))) {
        watch.counted.push_back(match.id);
        emit(Follow{watch.key, match.id, true});
    }
}

// True: `Up` was logged.
bool Supervisor::came_up(Watch& watch, pid_t pid) {
    const bool script_led_here = watch.state == EntryState::restart || watch.state == EntryState::start;
    watch.shown_pid = pid;
    watch.memory.death.reset();
    watch.seen.reset();
    watch.reason = EntryReason::none;
    watch.trouble.clear();
    watch.last_failure.clear();
    watch.attempts = 0;
    watch.told_waiting = false;
    watch.last_beat.reset();
    watch.was_checked = false;
    watch.bad_check.clear();
    watch.bad_checks = 0;
    enter(watch, EntryState::avail);
    if (!watch.paused) arm_alive(watch);
    const bool told = !watch.paused || script_led_here;
    if (told) {
        watch.logged_pid = pid;
        log(messages::up(watch.ref(), pid));
    }
    wake_dependants(watch.pent.name);
    group_goes_on(watch);
    return told;
}

// The first look found nothing: somebody may be starting it at this moment.
void Supervisor::absent(Watch& watch) {
    watch.reason = EntryReason::absent;
    if (!watch.paused && confirm_of(watch) > Duration{}) return confirm(watch);
    if (!watch.paused) log(messages::set_pid_fail(watch.ref()));
    lost(watch, EntryReason::absent);
}

void Supervisor::confirm(Watch& watch) {
    enter(watch, EntryState::down, EntryWait::confirm);
    watch.timer = now_.instant + confirm_of(watch);
    ask(watch, Question::confirm);
}

void Supervisor::fresh(Watch& watch) { ask(watch, Question::fresh); }

// The followed process `pid` has ended, by last_cause, and nobody took over; in count mode too few are left.
void Supervisor::down(Watch& watch, pid_t pid, bool brought_back) {
    note_loss(watch, pid);
    if (watch.paused) return enter(watch, EntryState::down, EntryWait::operator_);
    const Group* of = group(watch);
    const bool crashed = ending_of(*watch.last_cause) == Ending::crash;
    const bool at_once = crashed ? !watch.pent.confirm_always && !brought_back : of && of->turn != 0;
    if (at_once || confirm_of(watch) == Duration{}) return lost(watch, EntryReason::down);
    confirm(watch);
}

// What every loss of a process does, whatever it leads to.
void Supervisor::note_loss(Watch& watch, pid_t pid) {
    unfollow(watch);
    watch.reason = EntryReason::down;
    watch.remember_loss(now_.instant, pid, EntryReason::down, text_of(*watch.last_cause));
    watch.handed_over = 0;
    if (watch.paused) return;
    ++watch.losses;
    watch.logged_pid = 0;  // the same one may be back, unpaused
    log(messages::down(watch.ref(), pid));
    if (param_.detect_event) log(messages::cause(watch.ref(), pid, *watch.last_cause));
}

void Supervisor::lost(Watch& watch, EntryReason reason) {
    watch.reason = reason;
    if (reason == EntryReason::absent) watch.remember_loss(now_.instant, 0, reason, {});
    if (watch.main) unfollow(watch);  // one that was left running and is found no more, its death not told yet
    Group* const of = group(watch);
    const bool in_turn = of && of->turn == watch.key;
    if (watch.paused || only_reports(watch)) {
        const bool would = !watch.paused && !watch.pent.script.none() && watch.wait != EntryWait::script;
        enter(watch, EntryState::down, watch.paused ? EntryWait::operator_ : EntryWait::script);
        if (would) log(messages::would_restart(watch.ref()));
        if (in_turn) pass_turn(*of);
        return;
    }
    if (!of) return gate(watch);
    enter(watch, EntryState::down, EntryWait::group);
    if (in_turn) {
        take_turn(*of);
    } else {
        regroup(*of);
    }
}

void Supervisor::gate(Watch& watch) {
    // A wait of its own, from before a reload took it into the group, ends there.
    if (Group* of = group(watch)) return of->turn == watch.key ? take_turn(*of) : lost(watch, watch.reason);
    if (watch.paused) return enter(watch, EntryState::down, EntryWait::operator_);
    if (has_passed(watch.window, watch.rule(), now_.instant)) watch.window = {};
    if (used_up(watch.window, watch.rule())) return over(watch);
    if (auto missing = missing_dependency(watch)) {
        enter(watch, EntryState::down, EntryWait::dependency);
        watch.waits_for = *missing;
        return announce(watch, watch.told_waiting, dependency_text(*missing));
    }
    const Duration delay = delay_before(watch.pacing(), watch.window.count, watch.pent.name);
    if (watch.begun && now_.instant < *watch.begun + delay) {
        const Instant until = *watch.begun + delay;
        enter(watch, EntryState::down, EntryWait::delay);
        watch.timer = until;
        return announce_delay(watch, watch.told_waiting, until);
    }
    if (!may_begin(watch)) return enter(watch, EntryState::down, EntryWait::slot);
    begin(watch, BeginBy::gate);
}

// GATE 6. While the end of a script is waited for, a slot serves others.
bool Supervisor::may_begin(const Watch& watch) {
    if (!script_lives(watch)) return slots_.admit(watch.key);
    slots_.leave(watch.key);
    return false;
}

void Supervisor::announce(const Watch& watch, bool& told, const std::string& reason) {
    if (!std::exchange(told, true)) log(messages::waiting(watch.ref(), reason));
}

void Supervisor::announce_delay(const Watch& watch, bool& told, Instant until) {
    const Duration delay = until - now_.instant;
    if (delay <= worth_a_line) return;
    announce(watch, told, fmt::format("delay {}s", std::chrono::round<std::chrono::seconds>(delay).count()));
}

// By order nothing is counted and the window is left as it is; in a turn the group has counted.
void Supervisor::begin(Watch& watch, BeginBy by) {
    if (by == BeginBy::gate) {
        if (!watch.window.first) watch.window = {now_.instant, now_.wall, 0};
        ++watch.window.count;
    }
    if (by != BeginBy::order) ++watch.attempts;
    if (by != BeginBy::turn) watch.begun = now_.instant;
    if (by == BeginBy::turn) watch.reason = EntryReason::group;
    ++watch.total;
    enter(watch, EntryState::restart);
    since_now(watch);  // also when one attempt follows another in the same state
    ScriptRun& script = watch.script.emplace();
    script.begun = now_.instant;
    script.attempt = by == BeginBy::order ? 0 : window_of(watch).count;
    script.limit = watch.pent.script_timeout;
    if (script.limit > Duration{}) watch.timer = now_.instant + script.limit;
    log(messages::try_to_restart(watch.ref()));
    run(watch, script);
    slots_.take(script.run, now_.instant);
}

// A script, stop script or check, also one that an earlier pcheck recorded and did not come to begin.
void Supervisor::run(const Watch& watch, ScriptRun& script) {
    script.run = ++last_run_;
    runs_[script.run] = watch.key;
    emit(Publish{watch.key});  // what is about to be done is recorded before it is done
    emit(RunScript{script.run, watch.key, script.kind});
}

// START: its script has ended well, or has been run for another of its group.
void Supervisor::await_process(Watch& watch, Instant since) {
    if (watch.main) unfollow(watch);  // restarted in its group's turn: what runs now is to be found
    enter(watch, EntryState::start);
    watch.timer = std::max(now_.instant, since + watch.pent.start_timeout);
    if (param_.detect_event) ask(watch, Question::start);  // DETECT poll: only sweeps find anything
}

void Supervisor::failed(Watch& watch) {
    watch.timer.reset();
    ask(watch, Question::failed);
}

// After the look of FAIL.
void Supervisor::attempt_failed(Watch& watch) {
    watch.told_waiting = false;
    Group* const of = group(watch);
    if (of && of->turn == watch.key) {
        if (watch.paused) return lost(watch, watch.reason);  // passes the turn on
        end_turn(*of);
    }
    lost(watch, watch.reason);
}

void Supervisor::clear(Watch& watch) {
    watch.window = {};
    watch.attempts = 0;
    watch.begun.reset();
    if (Group* of = group(watch)) {
        of->window = {};
        of->begun.reset();
        for (const EntryKey key : of->members) touch(watches_.at(key));
    }
}

// In a group with it all unpaused members that are AVAIL or DOWN; the others meet the gate at their own end.
void Supervisor::over(Watch& watch) {
    std::vector<EntryKey> all{watch.key};
    const Pent& head = head_of(watch).pent;
    const Instant hold_ends = window_of(watch).first.value_or(now_.instant) + head.grace;
    if (Group* of = group(watch)) {
        end_turn(*of);
        of->wait = EntryWait::none;
        of->timer.reset();
        of->stable_at.reset();
        for (const EntryKey key : of->members) {
            const Watch& member = watches_.at(key);
            const bool goes = member.state == EntryState::avail || member.state == EntryState::down;
            if (goes && !member.paused && key != watch.key) all.push_back(key);
        }
    }
    for (const EntryKey key : all) give_up(watches_.at(key), head.action, hold_ends);
    const std::string reason = fmt::format("retry-over {} ({})", text_of(head.action), watch.pent.name);
    switch (head.action) {
        case RetryOverAction::continue_:
        case RetryOverAction::hold: return;
        case RetryOverAction::exit: return finish(1, reason, 0);
        case RetryOverAction::shutdown: return finish(0, reason, 0);
    }
}

// A process that still runs is left running, and watched for its end.
void Supervisor::give_up(Watch& watch, RetryOverAction action, Instant hold_ends) {
    enter(watch, action == RetryOverAction::hold ? EntryState::hold : EntryState::retry_over);
    if (action == RetryOverAction::hold) watch.timer = hold_ends;
    watch.seen.reset();
    watch.told_waiting = false;
    ++watch.retry_overs;
    log(messages::retry_over(watch.ref(), action));
}

void Supervisor::finish(int exit_status, std::string reason, OrderId order) {
    ending_ = true;
    std::erase_if(actions_, [](const Action& action) { return std::holds_alternative<RunScript>(action); });  // not begun yet
    for (const auto& [run, key] : runs_) {
        const Watch* watch = find(key);
        if (!watch || !watch->script || watch->script->run != run) {
            emit(SignalScript{run, SIGKILL});  // a health check, which nobody would hear; its entry may be gone
        } else if (watch->script->process) {
            log(messages::left_running(watch->ref(), watch->script->process->pid));
        }
    }
    if (exit_status == 0) log(messages::shutdown());
    for (const Order& early : std::exchange(early_, {})) answer(early.id, number_of(ExitCode::refused), "pcheck is ending");
    for (const EntryKey key : order_) touched_.push_back(key);
    settle();
    emit(End{exit_status, std::move(reason), order});
}

bool Supervisor::leaving_script_of(std::string_view name) const {
    return std::ranges::any_of(leaving_, [&](EntryKey key) { return watches_.at(key).pent.name == name; });
}

// A slot that has come free is kept for the next in the queue, who is looked for once more before its script runs.
void Supervisor::serve_slots() {
    while (const auto next = slots_.call_next()) {
        Watch& watch = *get(*next);
        if (watch.state == EntryState::avail) {
            take_turn(*group(watch));
        } else {
            ask(watch, Question::wait_over);
        }
    }
}

}  // namespace banken::core
