// SPDX-License-Identifier: Apache-2.0
#include "pcheck/core/supervisor.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <csignal>

#include "common/exit_code.hpp"

namespace banken::core {
namespace {

bool lets_hand_over(const Cause& cause) {
    return ending_of(cause) == Ending::unknown || (cause.kind == Cause::Kind::status && cause.status == 0);
}

}  // namespace

Supervisor::Supervisor(Pfile pfile, Manner manner, Now now) : Supervisor(std::move(pfile), manner, {}, now) {}

Supervisor::Supervisor(Pfile pfile, Manner manner, Recorded recorded, Now now)
    : param_(std::move(pfile.param)), manner_(manner), now_(now) {
    slots_.set_capacity(param_.script_parallel);
    for (const Watch& watch : recorded.watches) last_key_ = std::max(last_key_, watch.key);
    for (const Watch& watch : recorded.leaving) last_key_ = std::max(last_key_, watch.key);
    for (Pent& pent : pfile.pents) add(std::move(pent));
    make_groups();
    adopt(std::move(recorded));
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
    if (group_looks_) open_gates();
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
    const auto consider = [&next](const std::optional<Instant>& at) {
        if (at && (!next || *at < *next)) next = at;
    };
    if (!deadlines_.empty()) consider(deadlines_.begin()->first);
    for (const auto& [name, group] : groups_) {
        consider(group.timer);
        consider(group.stable_at);
    }
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
        if (Group* of = group(*watch)) arm_stable(*of);
        if (!leaving_.contains(key)) emit(Publish{key});
    }
    touched_.clear();
}

void Supervisor::on(const FirstSweepDone&) {
    swept_ = true;
    for (const Order& order : std::exchange(early_, {})) {
        if (ending_) {
            answer(order.id, number_of(ExitCode::refused), "pcheck is ending");
        } else {
            carry_out(order);
        }
    }
}

void Supervisor::on(const Died& event) {
    Watch* watch = get(event.entry);
    if (!watch) return;
    touch(*watch);
    if (watch->main != event.process) return one_died(*watch, event);
    watch->last_cause = event.cause;
    note_death(watch->memory, death_of(*watch, event.noticed), event.noticed);
    if (watch->state == EntryState::avail) {
        if (!lets_hand_over(event.cause)) return down(*watch, event.process.pid, event.brought_back);
        return ask(*watch, Question::hand_over);
    }
    unfollow(*watch);
    if (watch->state == EntryState::stall && !watch->script) stopped(*watch);
}

// A script stops the old process and starts the new one, which may run before the death is noticed: what is younger than the attempt counts.
BootTicks Supervisor::death_of(const Watch& watch, BootTicks noticed) const {
    const Group* of = group_of(watch.key);
    const bool in_attempt = watch.state == EntryState::restart || watch.state == EntryState::start;
    const auto begun = of && of->turn != 0 ? of->begun : in_attempt ? watch.begun : std::nullopt;
    if (!begun) return noticed;
    const auto age = static_cast<BootTicks>((now_.instant - *begun) / std::chrono::milliseconds(10));
    return std::min(noticed, now_.ticks - std::min(age, now_.ticks));
}

// Count mode: the one whose death takes it below min is named.
void Supervisor::one_died(Watch& watch, const Died& event) {
    if (std::erase(watch.counted, event.process) == 0) return;
    watch.last_cause = event.cause;
    if (watch.matching > 0) --watch.matching;  // more may match than are followed
    if (watch.matching <= watch.pent.max.value_or(0)) watch.told_too_many = false;
    const bool too_few = watch.matching < watch.pent.min.value_or(0);  // a reload may have changed it to one that does not count
    if (watch.state != EntryState::avail) return;
    if (too_few) return down(watch, event.process.pid, event.brought_back);
    show_oldest(watch);
}

void Supervisor::on(const ScriptStarted& event) {
    Watch* watch = get(entry_of(event.run));
    if (!watch) return;
    touch(*watch);
    if (watch->check && watch->check->run == event.run) watch->check->process = event.process;
    if (!watch->script || watch->script->run != event.run) return;
    watch->script->process = event.process;
    emit(Publish{watch->key});  // before the edge lets the child go on
}

void Supervisor::on(const ScriptEnded& event) {
    const EntryKey key = entry_of(event.run);
    runs_.erase(event.run);
    slots_.free(event.run);
    Watch* watch = get(key);
    if (!watch) return;
    touch(*watch);
    if (watch->check && watch->check->run == event.run) return check_ended(*watch, event);
    if (!watch->script || watch->script->run != event.run) return;
    const ScriptRun run = *std::exchange(watch->script, std::nullopt);
    if (run.phase != ScriptRun::Phase::running) emit(SignalScript{event.run, SIGKILL});  // what the script left of its group ends with it
    if (leaving_.erase(key) > 0) return forget(key);
    if (watch->state == EntryState::down || watch->state == EntryState::avail) return script_of_before_ended(*watch);
    if (run.kind == ScriptKind::stop) return stop_script_ended(*watch, run, event);
    if (watch->state == EntryState::restart) restart_script_ended(*watch, run, event);
}

void Supervisor::restart_script_ended(Watch& watch, const ScriptRun& run, const ScriptEnded& event) {
    const bool well = event.how == ScriptEnded::How::exited && WIFEXITED(event.status) && run.phase == ScriptRun::Phase::running &&
                      std::ranges::find(watch.pent.success_exit, WEXITSTATUS(event.status)) != watch.pent.success_exit.end();
    watch.last_failure = well ? std::string() : event.how == ScriptEnded::How::refused ? event.reason : failure_text(run, event);
    watch.last_failure_at = now_.wall;
    if (well) return await_process(watch, now_.instant);
    if (event.how == ScriptEnded::How::refused) {
        log(messages::script_refused(watch.ref(), watch.last_failure));
    } else {
        log(messages::script_failed(watch.ref(), watch.last_failure));
    }
    failed(watch);
}

// While the process lives a good end changes nothing; a bad one is followed by TERM. Its deadline stays what it was.
void Supervisor::stop_script_ended(Watch& watch, const ScriptRun& run, const ScriptEnded& event) {
    if (watch.state != EntryState::stall) return;
    const bool well = event.how == ScriptEnded::How::exited && event.status == 0;
    if (event.how == ScriptEnded::How::refused) {
        log(messages::script_refused(watch.ref(), event.reason, "Stop script"));
    } else if (!well) {
        log(messages::script_failed(watch.ref(), failure_text(run, event), "Stop script"));
    }
    if (!watch.main) return stopped(watch);
    if (well || run.phase != ScriptRun::Phase::running) return;
    signal_main(watch, SIGTERM);
}

std::string Supervisor::failure_text(const ScriptRun& run, const ScriptEnded& event) {
    if (run.phase != ScriptRun::Phase::running) {
        return fmt::format("timeout={}s", std::chrono::duration_cast<std::chrono::seconds>(run.limit).count());
    }
    if (event.how == ScriptEnded::How::not_executed) return fmt::format("cannot execute: {}", event.reason);
    return short_text_of_status(event.status);
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
    for (auto& [name, group] : groups_) {
        if (!ending_) due(group);
    }
    slots_.expire(now_.instant);
}

}  // namespace banken::core
