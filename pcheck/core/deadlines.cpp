// SPDX-License-Identifier: Apache-2.0
// What time brings: waits that end, limits that are reached, looks and reminders that are due.
#include <csignal>

#include "pcheck/core/due.hpp"
#include "pcheck/core/supervisor.hpp"

namespace banken::core {

void Supervisor::due(Watch& watch) {
    if (is_due(watch.paused_until, now_.instant)) {
        resume(watch);
        log(messages::monitoring(true, watch.ref()));
    }
    if (is_due(watch.look_at, now_.instant)) ask(watch, watch.state == EntryState::start ? Question::start : Question::confirm);
    if (is_due(watch.remind_at, now_.instant)) remind(watch);
    if (is_due(watch.stable_at, now_.instant)) clear(watch);
    if (is_due(watch.measure_at, now_.instant)) measure_due(watch);
    if (!watch.timer_rests() && is_due(watch.timer, now_.instant)) timer_due(watch);
    if (!ending_ && is_due(watch.beat_at, now_.instant)) beat_due(watch);
    if (!ending_ && is_due(watch.check_at, now_.instant)) check_due(watch);
}

void Supervisor::due(Group& group) {
    if (is_due(group.timer, now_.instant)) wait_over(group);
    if (!is_due(group.stable_at, now_.instant)) return;
    for (const EntryKey key : group.members) clear(watches_.at(key));
}

void Supervisor::timer_due(Watch& watch) {
    switch (watch.state) {
        case EntryState::down: return ask(watch, watch.wait == EntryWait::confirm ? Question::confirm_over : Question::wait_over);
        case EntryState::restart: return script_limit_due(watch);
        case EntryState::start:
            if (watch.look_gap == Duration{}) return ask(watch, Question::start_over);  // no look was answered yet: adopted late
            not_appeared(watch);
            return failed(watch);
        case EntryState::stall: return stop_limit_due(watch);
        case EntryState::hold:
            log(messages::hold_ended(watch.ref()));
            clear(watch);
            return fresh(watch);
        case EntryState::unknown:
        case EntryState::avail:
        case EntryState::retry_over: return;
    }
}

void Supervisor::not_appeared(Watch& watch) {
    if (!watch.paused) log(messages::set_pid_fail(watch.ref()));
    watch.last_failure = "ended well, but the process has not appeared";
    watch.last_failure_at = now_.wall;
}

void Supervisor::script_limit_due(Watch& watch) {
    ScriptRun& script = *watch.script;
    switch (script.phase) {
        case ScriptRun::Phase::running: return ask(watch, Question::script_limit);  // it may have become the daemon meanwhile
        case ScriptRun::Phase::terminated:
            script.phase = ScriptRun::Phase::killed;
            watch.timer = now_.instant + after_kill;
            return emit(SignalScript{script.run, SIGKILL});
        case ScriptRun::Phase::killed: log(messages::cannot_end(watch.ref(), script.process ? script.process->pid : 0)); return over(watch);
    }
}

void Supervisor::end_script(Watch& watch) {
    watch.script->phase = ScriptRun::Phase::terminated;
    watch.timer = now_.instant + param_.script_kill_wait;
    emit(SignalScript{watch.script->run, SIGTERM});
}

// The stop was not obeyed: the script's group and the process are killed. What is there 10 s later cannot be ended.
void Supervisor::stop_limit_due(Watch& watch) {
    if (watch.killed) {
        log(messages::cannot_end(watch.ref(), watch.main                              ? watch.main->pid
                                              : watch.script && watch.script->process ? watch.script->process->pid
                                                                                      : 0));
        return over(watch);
    }
    watch.killed = true;
    watch.timer = now_.instant + after_kill;
    if (watch.script) {
        watch.script->phase = ScriptRun::Phase::killed;
        emit(SignalScript{watch.script->run, SIGKILL});
    }
    if (watch.main) emit(SignalProcess{*watch.main, SIGKILL});
}

void Supervisor::arm_reminder(Watch& watch) {
    watch.remind_at.reset();
    if (param_.remind_interval == Duration{}) return;
    const bool held = watch.state == EntryState::down && watch.wait != EntryWait::confirm && watch.wait != EntryWait::delay;
    const bool unlimited_stop = watch.state == EntryState::stall && !watch.timer;
    const bool idle = held || watch.given_up() || unlimited_stop || (watch.state == EntryState::avail && watch.paused);
    if (idle) watch.remind_at = now_.instant + param_.remind_interval;
    if (watch.state == EntryState::restart) watch.remind_at = now_.instant + script_runs_long;
}

void Supervisor::remind(Watch& watch) {
    if (param_.remind_interval == Duration{}) return;
    watch.remind_at = now_.instant + param_.remind_interval;
    switch (watch.state) {
        case EntryState::restart: {
            if (!watch.script || !watch.script->process) return;
            const auto since = std::chrono::duration_cast<std::chrono::seconds>(now_.instant - watch.script->begun);
            return log(messages::script_running(watch.ref(), watch.script->process->pid, since));
        }
        case EntryState::avail: return emit(Remind{watch.key, Remind::What::paused, watch.paused_since});
        case EntryState::down:
            if (watch.wait == EntryWait::operator_) return emit(Remind{watch.key, Remind::What::paused, watch.paused_since});
            if (watch.wait == EntryWait::script) return emit(Remind{watch.key, Remind::What::without_script, watch.since_wall});
            return emit(Remind{watch.key, Remind::What::waiting, watch.since_wall});
        case EntryState::hold: return emit(Remind{watch.key, Remind::What::on_hold, watch.since_wall});
        case EntryState::retry_over:
            return emit(Remind{watch.key, watch.seen ? Remind::What::running_again : Remind::What::given_up, watch.since_wall});
        case EntryState::stall: return emit(Remind{watch.key, Remind::What::not_ended, watch.since_wall});
        case EntryState::unknown:
        case EntryState::start: return;
    }
}

}  // namespace banken::core
