// SPDX-License-Identifier: Apache-2.0
#include "pcheck/core/supervisor.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <csignal>

#include "common/exit_code.hpp"

namespace banken::core {
namespace {

constexpr unsigned hand_overs_in_a_row = 5;  // a chain of children that each go away at once is no daemon

BootTicks ticks_of(Duration duration) { return static_cast<BootTicks>(duration / std::chrono::milliseconds(10)); }

// Somebody's init script often has the name of the daemon that it is about to start: until the confirm deadline only a process with the
// argv[0] of the last main process is the replacement.
bool too_early_for(const Watch& watch, const Candidate& candidate, Question question) {
    const bool confirming = watch.wait == EntryWait::confirm && (question == Question::none || question == Question::confirm);
    return confirming && watch.memory.last && candidate.argv0 != watch.memory.last->argv0;
}

bool lets_hand_over(const Cause& cause) {
    return ending_of(cause) == Ending::unknown || (cause.kind == Cause::Kind::status && cause.status == 0);
}

}  // namespace

Supervisor::Supervisor(Pfile pfile, bool as_root, Now now) : param_(std::move(pfile.param)), as_root_(as_root), now_(now) {
    slots_.set_capacity(param_.script_parallel);
    for (Pent& pent : pfile.pents) add(std::move(pent));
    settle();
    actions_.clear();
}

std::vector<Action> Supervisor::step(const Event& event, Now now) {
    now_ = now;
    if (ending_) {
        refuse_while_ending(event);
        return std::exchange(actions_, {});
    }
    std::visit([this](const auto& what) { on(what); }, event);
    if (!ending_) serve_slots();
    settle();
    return std::exchange(actions_, {});
}

// Whoever waits for an answer gets one, also when the end has overtaken the order.
void Supervisor::refuse_while_ending(const Event& event) {
    OrderId order = 0;
    if (const auto* given = std::get_if<Order>(&event)) order = given->id;
    if (const auto* reloaded = std::get_if<Reloaded>(&event)) order = reloaded->order;
    if (const auto* dumped = std::get_if<DumpDone>(&event)) order = dumped->order;
    answer(order, number_of(ExitCode::refused), "pcheck is ending");
}

std::optional<Instant> Supervisor::next_deadline() const {
    std::optional<Instant> next = slots_.next_expiry();
    if (!deadlines_.empty() && (!next || deadlines_.begin()->first < *next)) next = deadlines_.begin()->first;
    return next;
}

const Watch* Supervisor::find(EntryKey entry) const {
    const auto found = watches_.find(entry);
    return found == watches_.end() ? nullptr : &found->second;
}

Watch* Supervisor::get(EntryKey entry) {
    const auto found = watches_.find(entry);
    return found == watches_.end() ? nullptr : &found->second;
}

EntryKey Supervisor::entry_of(RunId run) const {
    const auto found = runs_.find(run);
    return found == runs_.end() ? 0 : found->second;
}

Counts Supervisor::counts() const {
    Counts counts;
    for (const EntryKey key : order_) {
        const Watch& watch = watches_.at(key);
        ++counts.all;
        counts.paused += watch.paused;
        counts.given_up += watch.given_up();
        counts.available += watch.state == EntryState::avail;
    }
    return counts;
}

// Every entry that was touched gets its place among the deadlines and its record in the segment.
void Supervisor::settle() {
    std::ranges::sort(touched_);
    touched_.erase(std::unique(touched_.begin(), touched_.end()), touched_.end());
    for (const EntryKey key : touched_) {
        if (const auto armed = armed_.find(key); armed != armed_.end()) {
            deadlines_.erase({armed->second, key});
            armed_.erase(armed);
        }
        const Watch* watch = find(key);
        if (!watch) continue;
        if (const auto next = watch->next_deadline()) {
            deadlines_.insert({*next, key});
            armed_[key] = *next;
        }
        if (!leaving_.contains(key)) emit(Publish{key});
    }
    touched_.clear();
}

void Supervisor::on(const Looked& event) {
    Watch* watch = get(event.entry);
    if (!watch || leaving_.contains(event.entry)) return;
    touch(*watch);
    watch->matching = event.matches.size();
    forget_gone_orphans(watch->memory, event.matches);
    if (watch->state == EntryState::avail) return looked_while_available(*watch, event);
    const bool answers = event.number != 0 && event.number == watch->asked;  // an older look's answer is news, no more
    const Question question = answers ? std::exchange(watch->question, Question::none) : Question::none;
    if (watch->state == EntryState::restart && watch->script && watch->script->process) {
        // A script that ends in `exec daemon`: its own process has become the match, the script is over.
        const auto became = std::ranges::find(event.matches, *watch->script->process, &Candidate::id);
        if (became != event.matches.end()) return script_became(*watch, *became);
        if (question == Question::script_limit) return end_script(*watch);
    }
    const Choice choice = choose(event.matches, watch->memory, scope_of(*watch, question), as_root_);
    const bool fresh_look = question == Question::fresh;
    if (watch->given_up() && !fresh_look) {
        watch->seen = choice.chosen && watch->main != choice.chosen->id ? std::optional(choice.chosen->id) : std::nullopt;
    } else if (choice.chosen && watch->state != EntryState::stall && !watch->script_runs() &&
               !too_early_for(*watch, *choice.chosen, question)) {
        up(*watch, *choice.chosen, choice);
        note_known(watch->memory, event.matches);
    } else if (!watch->script_runs()) {
        looked_in_vain(*watch, question);
    }
}

void Supervisor::looked_in_vain(Watch& watch, Question question) {
    switch (question) {
        case Question::none:
            if (watch.state == EntryState::unknown) absent(watch);
            return;
        case Question::first: return absent(watch);
        case Question::confirm:
        case Question::start: return look_again(watch);
        case Question::confirm_over:
            if (watch.reason == EntryReason::absent) log(messages::set_pid_fail(watch.ref()));
            return lost(watch, watch.reason);
        case Question::wait_over: return gate(watch);
        case Question::failed: return lost(watch, watch.reason);
        case Question::fresh:
            if (!watch.paused) log(messages::set_pid_fail(watch.ref()));
            return lost(watch, EntryReason::absent);
        case Question::script_limit:
        case Question::hand_over: return;  // answered ahead of this
    }
}

void Supervisor::looked_while_available(Watch& watch, const Looked& event) {
    if (watch.question == Question::hand_over && event.number != watch.asked) return;  // a pass from before the death
    const bool handing_over = std::exchange(watch.question, Question::none) == Question::hand_over;
    const auto main = std::ranges::find(event.matches, *watch.main, &Candidate::id);
    if (!handing_over && main != event.matches.end()) {
        watch.memory.last = *main;
        note_known(watch.memory, event.matches);
        const std::size_t others = rivals(event.matches, watch.memory, *watch.main);
        if (others > 0 && !watch.told_ambiguous && !watch.paused) log(messages::ambiguous(watch.ref(), others + 1, watch.main->pid));
        watch.told_ambiguous = others > 0 && (watch.told_ambiguous || !watch.paused);
        return;
    }
    if (!handing_over) {  // the sweep says gone: it exec'ed into something else, or nobody told us
        watch.last_cause = Cause{param_.detect_event ? Cause::Kind::gone : Cause::Kind::not_asked, 0};
        note_death(watch.memory, now_.ticks);
    }
    const bool young = watch.memory.death && *watch.memory.death < watch.main->start + ticks_of(watch.pent.start_timeout);
    const bool in_a_row = young && watch.handed_over >= hand_overs_in_a_row;
    const Candidate* taker = in_a_row ? nullptr : taker_over(event.matches, watch.memory, young);
    if (!taker) return down(watch, *watch.last_cause);
    watch.handed_over = young ? watch.handed_over + 1 : 0;
    std::erase(watch.memory.orphans, taker->id);
    up(watch, *taker, {});
    note_known(watch.memory, event.matches);
}

void Supervisor::script_became(Watch& watch, const Candidate& process) {
    emit(ReleaseScript{watch.script->run});
    runs_.erase(watch.script->run);
    slots_.free(watch.script->run);
    watch.script.reset();
    up(watch, process, {});
}

void Supervisor::on(const FirstSweepDone&) {
    swept_ = true;
    for (const Order& order : std::exchange(early_, {})) carry_out(order);
}

void Supervisor::on(const Died& event) {
    Watch* watch = get(event.entry);
    if (!watch || watch->main != event.process) return;
    touch(*watch);
    emit(Trace{watch->key, event.process.pid, "died", text_of(event.cause)});
    watch->last_cause = event.cause;
    note_death(watch->memory, event.noticed);
    if (watch->state == EntryState::avail) {
        if (!lets_hand_over(event.cause)) return down(*watch, event.cause);
        return ask(*watch, Question::hand_over);
    }
    emit(Unfollow{watch->key});
    watch->main.reset();
    if (watch->state == EntryState::stall) stopped(*watch);
}

void Supervisor::on(const ScriptStarted& event) {
    Watch* watch = get(entry_of(event.run));
    if (!watch || !watch->script || watch->script->run != event.run) return;
    touch(*watch);
    watch->script->process = event.process;
    emit(Publish{watch->key});  // before the edge lets the child go on
}

void Supervisor::on(const ScriptEnded& event) {
    const EntryKey key = entry_of(event.run);
    runs_.erase(event.run);
    slots_.free(event.run);
    Watch* watch = get(key);
    if (!watch || !watch->script || watch->script->run != event.run) return;
    const ScriptRun run = *std::exchange(watch->script, std::nullopt);
    touch(*watch);
    emit(
        Trace{key, run.process ? run.process->pid : 0, "script", event.reason.empty() ? short_text_of_status(event.status) : event.reason});
    if (run.phase != ScriptRun::Phase::running) emit(SignalScript{event.run, SIGKILL});  // what the script left of its group ends with it
    if (leaving_.erase(key) > 0) return forget(key);
    if (watch->state == EntryState::down && watch->wait == EntryWait::slot) return ask(*watch, Question::wait_over);
    if (watch->state != EntryState::restart) return;
    const bool well = event.how == ScriptEnded::How::exited && WIFEXITED(event.status) && run.phase == ScriptRun::Phase::running &&
                      std::ranges::find(watch->pent.success_exit, WEXITSTATUS(event.status)) != watch->pent.success_exit.end();
    if (well) {
        enter(*watch, EntryState::start);
        watch->timer = now_.instant + watch->pent.start_timeout;
        if (param_.detect_event) ask(*watch, Question::start);  // DETECT poll: only sweeps find anything
        return;
    }
    say_script_failure(*watch, run, event);
    failed(*watch);
}

void Supervisor::say_script_failure(const Watch& watch, const ScriptRun& run, const ScriptEnded& event) {
    if (run.phase != ScriptRun::Phase::running) {
        const auto limit = std::chrono::duration_cast<std::chrono::seconds>(run.limit).count();
        return log(messages::script_failed(watch.ref(), fmt::format("timeout={}s", limit)));
    }
    switch (event.how) {
        case ScriptEnded::How::exited: return log(messages::script_failed(watch.ref(), short_text_of_status(event.status)));
        case ScriptEnded::How::refused: return log(messages::script_refused(watch.ref(), event.reason));
        case ScriptEnded::How::not_executed:
            return log(messages::script_failed(watch.ref(), fmt::format("cannot execute: {}", event.reason)));
    }
}

void Supervisor::on(const Order& order) {
    const bool waits = !swept_ && order.verb != Verb::shutdown;
    if (waits) {
        early_.push_back(order);
    } else {
        carry_out(order);
    }
}

void Supervisor::on(const DumpDone& event) {
    if (!event.error.empty()) log(messages::dump_not_written(event.error));
    answer(event.order, event.error.empty() ? 0 : 1, event.error);
}

void Supervisor::on(const Heartbeat&) {}
void Supervisor::on(const HeartbeatRead&) {}
void Supervisor::on(const Measured&) {}
void Supervisor::on(const Deadline&) {
    while (!deadlines_.empty() && deadlines_.begin()->first <= now_.instant && !ending_) {
        const EntryKey key = deadlines_.begin()->second;
        deadlines_.erase(deadlines_.begin());
        armed_.erase(key);
        if (Watch* watch = get(key)) {
            touch(*watch);
            due(*watch);
        }
    }
    slots_.expire(now_.instant);
}

}  // namespace banken::core
