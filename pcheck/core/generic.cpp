// SPDX-License-Identifier: Apache-2.0
// The machine of generic resources: its scripts' ends and its checks (spec/state-table.md, generic).
#include <algorithm>

#include "pcheck/core/due.hpp"
#include "pcheck/core/resources.hpp"

namespace banken::core {

void Resources::enter_service(Resource& resource, std::string reason) {
    resource.bad_quick = resource.bad_deep = 0;
    resource.fault = false;
    resource.failure.clear();
    rest_checks(resource);
    set_state(resource, ResourceState::isp, std::move(reason));
    arm_checks(resource);
}

// Intervals from now.
void Resources::arm_checks(Resource& resource) {
    const Definition& definition = resource.definition;
    rest_checks(resource);
    const bool rests = resource.paused || (resource.run && !resource.checks_run());
    if (resource.state != ResourceState::isp || rests || dry_run_) return;
    const auto arm = [this, &definition](ResourceScript script, Duration interval) -> std::optional<Instant> {
        if (!definition.has(script) || interval == Duration{}) return std::nullopt;
        return now_.instant + interval;
    };
    resource.quick_at = arm(ResourceScript::quick_check, definition.quick_interval);
    resource.deep_at = arm(ResourceScript::deep_check, definition.deep_interval);
}

void Resources::rest_checks(Resource& resource) {
    resource.quick_at.reset();
    resource.deep_at.reset();
    resource.deep_follows = false;
}

// Both due: deep. A quick check that is due while one runs is left out, a deep one follows a quick one.
void Resources::check_due(Resource& resource) {
    const bool quick = is_due(resource.quick_at, now_.instant), deep = is_due(resource.deep_at, now_.instant);
    if (quick) resource.quick_at = now_.instant + resource.definition.quick_interval;
    if (deep) resource.deep_at = now_.instant + resource.definition.deep_interval;
    if (!quick && !deep) return;
    if (resource.state != ResourceState::isp || resource.goal != Goal::none) return;
    if (!resource.run) return begin_check(resource, deep ? ResourceScript::deep_check : ResourceScript::quick_check);
    if (!resource.checks_run()) return;
    ResourceRun& check = *resource.run;
    if (deep && check.script != ResourceScript::deep_check) resource.deep_follows = true;
    const Duration interval =
        check.script == ResourceScript::deep_check ? resource.definition.deep_interval : resource.definition.quick_interval;
    if (check.told_long || interval == Duration{} || now_.instant - check.begun < 2 * interval) return;
    check.told_long = true;
    const auto since = std::chrono::duration_cast<std::chrono::seconds>(now_.instant - check.begun);
    log(messages::action_running({resource.definition.tag}, check.process ? check.process->pid : 0, text_of(check.script), since));
}

// One that was killed and is still there keeps others from beginning.
void Resources::begin_check(Resource& resource, ResourceScript script) {
    if (resource.unended.empty() && !has_hidden(resource)) (void)run(resource, script);
}

// The quick one, if there is one: what paused it, or kept it from being watched, is over.
void Resources::check_at_once(Resource& resource) {
    if (resource.state != ResourceState::isp || resource.paused || resource.goal != Goal::none || resource.run || dry_run_) return;
    for (const auto script : {ResourceScript::quick_check, ResourceScript::deep_check}) {
        if (resource.definition.has(script)) return begin_check(resource, script);
    }
}

void Resources::generic_ended(Resource& resource, const Ended& end) {
    const bool good = end.outcome == Outcome::good;
    if (is_check(end.run.script)) return generic_checked(resource, end);
    if (!good) log(messages::action_failed({resource.definition.tag}, text_of(end.run.script), end.text));
    switch (end.run.script) {
        case ResourceScript::restore:
            if (good) return enter_service(resource, "restore action has succeeded");
            if (resource.goal == Goal::in) set_goal(resource, Goal::none);
            resource.fault = true;
            return set_state(resource, ResourceState::osf, "restore action has failed: " + end.text);
        case ResourceScript::remove: return removed(resource, good, end.text);
        case ResourceScript::recover:
            if (good) {
                ++resource.recovered;
                enter_service(resource, "recover action has succeeded");
                return tell_state(resource, resource.shown(), "recovered");
            }
            if (resource.is_leaving()) return;
            return failed(resource, "recover action has failed: " + end.text, resource.definition.on_failure);
        case ResourceScript::quick_check:
        case ResourceScript::deep_check:
        case ResourceScript::start:
        case ResourceScript::stop:
        case ResourceScript::check: return;
    }
}

// A result counts only while the resource is in service, unpaused and without a goal.
void Resources::generic_checked(Resource& resource, const Ended& end) {
    if (resource.state != ResourceState::isp || resource.paused || resource.goal != Goal::none) return;
    if (end.run.unwanted) return check_at_once(resource);  // ended by a pause that is over
    const bool deep = end.run.script == ResourceScript::deep_check;
    const bool late = end.outcome == Outcome::timed_out;
    const bool bad = late ? resource.definition.check_timeout_is_bad : end.outcome == Outcome::bad;
    ++resource.checks;
    resource.last_check = end.outcome == Outcome::good ? "ok" : end.text;
    unsigned& in_row = deep ? resource.bad_deep : resource.bad_quick;
    in_row = bad ? in_row + 1 : 0;
    const bool enough = bad && in_row >= resource.definition.check_failures;
    if (bad) ++resource.bad_checks;
    if (end.outcome != Outcome::good) tell_bad_check(resource, end.run.script, end.text, late, enough && may_recover(resource));
    if (enough) {
        in_row = 0;
        return recover(resource, fmt::format("{} has failed: {}", text_of(end.run.script), end.text));
    }
    if (std::exchange(resource.deep_follows, false)) begin_check(resource, ResourceScript::deep_check);
}

}  // namespace banken::core
