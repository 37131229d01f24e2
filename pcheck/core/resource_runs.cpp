// SPDX-License-Identifier: Apache-2.0
// Scripts of resources, their limits, and what is told about a resource.
#include <algorithm>
#include <csignal>

#include "pcheck/core/due.hpp"
#include "pcheck/core/resources.hpp"

namespace banken::core {

ResourceRun& Resources::run(Resource& resource, ResourceScript script, CmdlineFacts facts) {
    auto& place = script == ResourceScript::check ? resource.check : resource.run;
    ResourceRun& run = place.emplace();
    run.run = ++last_run_;
    run.script = script;
    run.begun = now_.instant;
    run.limit = resource.definition.limit(script);
    run.recovery = facts.autorecover;
    run.stage = resource.stage;
    if (run.limit != Duration{})
        run.deadline = now_.instant + run.limit;
    else if (param_.remind_interval != Duration{} && !resource.remind_at)
        resource.remind_at = now_.instant + script_runs_long;
    if (script == ResourceScript::check) resource.tick_at.reset();
    runs_[run.run] = resource.key;
    touch(resource);
    emit(RunResourceScript{run.run, resource.key, script, facts});
    return run;
}

// END: once; what a check has to say is not waited for.
void Resources::end(Resource& resource, ResourceRun& run) {
    touch(resource);
    if (run.phase != ResourceRun::Phase::running) return;
    const bool check = is_check(run.script);
    run.phase = check ? ResourceRun::Phase::killed : ResourceRun::Phase::terminated;
    run.deadline = now_.instant + (check ? after_kill : param_.script_kill_wait);
    emit(SignalScript{run.run, check ? SIGKILL : SIGTERM});
}

void Resources::limit_due(Resource& resource, std::optional<ResourceRun>& run) {
    switch (run->phase) {
        case ResourceRun::Phase::running: return end(resource, *run);
        case ResourceRun::Phase::terminated:
            run->phase = ResourceRun::Phase::killed;
            run->deadline = now_.instant + after_kill;
            return emit(SignalScript{run->run, SIGKILL});
        case ResourceRun::Phase::killed: break;
    }
    log(messages::cannot_end({resource.definition.tag}, run->process ? run->process->pid : 0));
    resource.unended.push_back(*run);
    const ResourceRun gone = *std::exchange(run, std::nullopt);
    if (!leaving_.contains(resource.key)) ended(resource, judge_end(resource, gone, {gone.run, ScriptEnded::How::exited, 0, {}}));
}

void Resources::tell_long_run(Resource& resource) {
    resource.remind_at.reset();
    if (param_.remind_interval == Duration{}) return;
    for (const auto* run : {&resource.run, &resource.check}) {
        if (!*run || (*run)->limit != Duration{}) continue;
        Instant next = (*run)->begun + script_runs_long;
        if (next <= now_.instant) {
            const auto since = std::chrono::duration_cast<std::chrono::seconds>(now_.instant - (*run)->begun);
            const pid_t pid = (*run)->process ? (*run)->process->pid : 0;
            log(messages::action_running({resource.definition.tag}, pid, text_of((*run)->script), since));
            next = now_.instant + param_.remind_interval;
        }
        resource.remind_at = std::min(resource.remind_at.value_or(next), next);
    }
}

// One that has failed, or is paused, is not forgotten.
void Resources::keep_reminder(Resource& resource) {
    const bool waits = (resource.paused || resource.failed()) && !leaving_.contains(resource.key) && param_.remind_interval != Duration{};
    if (!waits) resource.remind_state_at.reset();
    if (waits && !resource.remind_state_at) resource.remind_state_at = now_.instant + param_.remind_interval;
}

void Resources::remind(Resource& resource) {
    resource.remind_state_at = now_.instant + param_.remind_interval;
    const auto since = std::chrono::duration_cast<std::chrono::seconds>(now_.instant - resource.since).count();
    const std::string_view what = resource.paused ? "paused" : text_of(resource.state);
    log(messages::reminder({resource.definition.tag}, fmt::format("{} for {}s: {}", what, since, resource.reason)));
}

void Resources::set_state(Resource& resource, ResourceState state, std::string reason) {
    const ResourceState before = resource.shown();
    if (resource.state != state) {
        ++resource.stage;
        resource.told_report = false;
    }
    resource.state = state;
    resource.reason = std::move(reason);
    tell_state(resource, before);
}

// `event`: what the change is called; a state that is not another one is told when it is an event of its own.
void Resources::tell_state(Resource& resource, ResourceState before, std::string_view event) {
    touch(resource);
    const ResourceState shown = resource.shown();
    if (shown != before) {
        resource.since = now_.instant;
        resource.since_wall = now_.wall;
    } else if (event == "state") {
        return;
    }
    Message line = messages::resource_state({resource.definition.tag}, text_of(shown), resource.reason, is_failed(shown));
    log(line);
    raise(event, std::move(line));
}

void Resources::set_paused(Resource& resource, bool paused) {
    const ResourceState before = resource.shown();
    resource.paused = paused;
    tell_state(resource, before);
}

void Resources::raise(std::string_view event, Message message, bool recovering) { emit(Raise{event, std::move(message), recovering}); }

void Resources::tell_bad_check(Resource& resource, ResourceScript script, const std::string& outcome, bool timed_out, bool recovering) {
    Message line = messages::check_failed({resource.definition.tag}, text_of(script), outcome);
    log(line);
    raise(timed_out ? "check_timeout" : "check_failed", std::move(line), recovering);
}

}  // namespace banken::core
