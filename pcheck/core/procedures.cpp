// SPDX-License-Identifier: Apache-2.0
// The procedures of spec/state-table.md: UP, FRESH, LOST, GATE, BEGIN, FAIL, STOP, CLEAR, OVER.
#include <algorithm>
#include <csignal>

#include "common/exit_code.hpp"
#include "pcheck/core/supervisor.hpp"

namespace banken::core {
namespace {

constexpr Duration first_look_gap = std::chrono::milliseconds(10);  // then doubled, until the sweep is as often
constexpr Duration stop_limit = std::chrono::seconds(60);           // TERM/60, how a process is stopped
constexpr Duration worth_a_line = std::chrono::seconds(1);

std::chrono::seconds round_up(Duration duration) { return std::chrono::ceil<std::chrono::seconds>(duration); }

}  // namespace

void Supervisor::enter(Watch& watch, EntryState state, EntryWait wait) {
    const bool queued = state == EntryState::down && wait == EntryWait::slot;
    if (!queued) slots_.leave(watch.key);
    watch.question = Question::none;
    watch.timer.reset();
    watch.look_at.reset();
    watch.look_gap = {};
    watch.killed = false;
    if (state != watch.state || wait != watch.wait) {
        emit(Trace{watch.key, watch.main ? watch.main->pid : 0, text_of(state), std::string(text_of(wait))});
        watch.state = state;
        watch.wait = wait;
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
    const bool repeated = question == Question::confirm || question == Question::start || question == Question::hand_over;
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
    return after && question != Question::fresh ? Scope::after_the_loss : Scope::any_age;
}

void Supervisor::up(Watch& watch, const Candidate& process, const Choice& choice) {
    const bool script_led_here = watch.state == EntryState::restart || watch.state == EntryState::start;
    emit(Follow{watch.key, process.id});
    watch.main = process.id;
    watch.shown_pid = process.id.pid;
    watch.memory.last = process;
    watch.memory.death.reset();
    watch.seen.reset();
    watch.reason = EntryReason::none;
    watch.attempts = 0;
    watch.told_waiting = false;
    enter(watch, EntryState::avail);
    if (watch.paused && !script_led_here) return;
    watch.logged_pid = process.id.pid;
    log(messages::up(watch.ref(), process.id.pid));
    watch.told_ambiguous = choice.by_age_alone || choice.a_persons;
    if (watch.told_ambiguous) log(messages::ambiguous(watch.ref(), choice.roots, process.id.pid));
}

// The first look found nothing: somebody may be starting it at this moment.
void Supervisor::absent(Watch& watch) {
    watch.reason = EntryReason::absent;
    if (!watch.paused && watch.pent.confirm > Duration{}) return confirm(watch);
    if (!watch.paused) log(messages::set_pid_fail(watch.ref()));
    lost(watch, EntryReason::absent);
}

void Supervisor::confirm(Watch& watch) {
    enter(watch, EntryState::down, EntryWait::confirm);
    watch.timer = now_.instant + watch.pent.confirm;
    ask(watch, Question::confirm);
}

void Supervisor::fresh(Watch& watch) { ask(watch, Question::fresh); }

// The followed process has ended and nobody took over.
void Supervisor::down(Watch& watch, Cause cause) {
    emit(Unfollow{watch.key});
    const pid_t pid = std::exchange(watch.main, std::nullopt)->pid;
    watch.reason = EntryReason::down;
    watch.handed_over = 0;
    if (watch.paused) return enter(watch, EntryState::down, EntryWait::operator_);
    ++watch.losses;
    log(messages::down(watch.ref(), pid));
    if (param_.detect_event) log(messages::cause(watch.ref(), pid, cause));
    if (ending_of(cause) == Ending::crash || watch.pent.confirm == Duration{}) return lost(watch, EntryReason::down);
    confirm(watch);
}

void Supervisor::lost(Watch& watch, EntryReason reason) {
    watch.reason = reason;
    watch.told_waiting = false;
    if (watch.paused) return enter(watch, EntryState::down, EntryWait::operator_);
    if (watch.pent.script.none()) return enter(watch, EntryState::down, EntryWait::script);
    gate(watch);
}

void Supervisor::gate(Watch& watch) {
    if (watch.paused) return enter(watch, EntryState::down, EntryWait::operator_);
    if (has_passed(watch.window, watch.rule(), now_.instant)) watch.window = {};
    if (used_up(watch.window, watch.rule())) return over(watch);
    const Duration delay = delay_before(watch.pacing(), watch.window.count, watch.pent.name);
    if (watch.begun && now_.instant < *watch.begun + delay) {
        enter(watch, EntryState::down, EntryWait::delay);
        watch.timer = *watch.begun + delay;
        return announce_delay(watch, *watch.timer);
    }
    const bool script_lives = watch.script || leaving_script_of(watch.pent.name);
    if (script_lives || !slots_.admit(watch.key)) return enter(watch, EntryState::down, EntryWait::slot);
    begin(watch, false);
}

void Supervisor::announce_delay(Watch& watch, Instant until) {
    if (watch.told_waiting || until - now_.instant <= worth_a_line) return;
    watch.told_waiting = true;
    log(messages::waiting(watch.ref(), fmt::format("delay {}s", round_up(until - now_.instant).count())));
}

// By order nothing is counted, and the window is left as it is.
void Supervisor::begin(Watch& watch, bool by_order) {
    if (!by_order) {
        if (!watch.window.first) watch.window = {now_.instant, now_.wall, 0};
        ++watch.window.count;
        ++watch.attempts;
    }
    ++watch.total;
    watch.begun = now_.instant;
    const RunId run = ++last_run_;
    runs_[run] = watch.key;
    slots_.take(run, now_.instant);
    enter(watch, EntryState::restart);
    since_now(watch);  // also when one attempt follows another in the same state
    ScriptRun& script = watch.script.emplace();
    script.run = run;
    script.begun = now_.instant;
    script.attempt = by_order ? 0 : watch.window.count;
    script.limit = watch.pent.script_timeout;
    if (script.limit > Duration{}) watch.timer = now_.instant + script.limit;
    log(messages::try_to_restart(watch.ref()));
    emit(Publish{watch.key});  // what is about to be done is recorded before it is done
    emit(RunScript{run, watch.key, ScriptKind::restart});
}

void Supervisor::failed(Watch& watch) {
    watch.timer.reset();
    ask(watch, Question::failed);
}

// By order: TERM, and KILL when it is not obeyed. A stopped process gets CONT, or it could not act on the TERM.
void Supervisor::stop(Watch& watch) {
    enter(watch, EntryState::stall);
    watch.reason = EntryReason::operator_;
    watch.timer = now_.instant + stop_limit;
    emit(SignalProcess{*watch.main, SIGTERM});
    emit(SignalProcess{*watch.main, SIGCONT});
}

void Supervisor::stopped(Watch& watch) {
    if (watch.reason == EntryReason::operator_) return begin(watch, true);
    lost(watch, watch.reason);
}

void Supervisor::clear(Watch& watch) {
    watch.window = {};
    watch.attempts = 0;
    watch.begun.reset();
}

void Supervisor::over(Watch& watch) {
    enter(watch, EntryState::retry_over);
    watch.seen.reset();
    ++watch.retry_overs;
    log(messages::retry_over(watch.ref(), watch.pent.action));
    const std::string reason = fmt::format("retry-over {} ({})", text_of(watch.pent.action), watch.pent.name);
    switch (watch.pent.action) {
        case RetryOverAction::continue_:
        case RetryOverAction::hold: return;
        case RetryOverAction::exit: return finish(1, reason, 0);
        case RetryOverAction::shutdown: return finish(0, reason, 0);
    }
}

void Supervisor::finish(int exit_status, std::string reason, OrderId order) {
    ending_ = true;
    for (const auto& [run, key] : runs_) {
        const Watch& watch = watches_.at(key);
        if (watch.script && watch.script->process) log(messages::left_running(watch.ref(), watch.script->process->pid));
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
        Watch* watch = get(*next);
        ask(*watch, Question::wait_over);
    }
}

}  // namespace banken::core
