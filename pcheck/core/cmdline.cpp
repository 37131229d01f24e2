// SPDX-License-Identifier: Apache-2.0
// The machine of cmdline resources: Start, Stop and what Check says meanwhile (spec/state-table.md, cmdline).
#include <algorithm>

#include "pcheck/core/check_results.hpp"
#include "pcheck/core/resources.hpp"

namespace banken::core {
namespace {

constexpr Duration quick = std::chrono::milliseconds(250);

Stage stage_of(const Resource& resource) {
    switch (resource.step) {
        case Step::starting: return Stage::starting;
        case Step::started: return Stage::started;
        case Step::stopping: return Stage::stopping;
        case Step::stopped: return Stage::stopped;
        case Step::asked:
        case Step::none: break;
    }
    if (resource.paused) return Stage::deact;
    switch (resource.state) {
        case ResourceState::offline: return Stage::offline;
        case ResourceState::online:
        case ResourceState::warning: return Stage::online;
        case ResourceState::standby: return Stage::standby;
        case ResourceState::faulted: return Stage::faulted;
        case ResourceState::offline_fault: return Stage::offline_fault;
        case ResourceState::wait: return Stage::starting;  // it has failed, and waits for its parents
        case ResourceState::unknown:
        case ResourceState::illstate:
        case ResourceState::isp:
        case ResourceState::isu:
        case ResourceState::osu:
        case ResourceState::osf:
        case ResourceState::deact: break;
    }
    return Stage::unknown;
}

ResourceState state_of(Report report) {
    switch (report) {
        case Report::online: return ResourceState::online;
        case Report::offline: return ResourceState::offline;
        case Report::faulted: return ResourceState::faulted;
        case Report::standby: return ResourceState::standby;
        case Report::warning: return ResourceState::warning;
        case Report::offline_fault: return ResourceState::offline_fault;
        case Report::none:
        case Report::unknown: break;
    }
    return ResourceState::unknown;
}

std::string within(const Resource& resource, std::string_view what) {
    const auto limit = std::chrono::duration_cast<std::chrono::seconds>(resource.definition.limit(ResourceScript::start));
    return fmt::format("Check has not said {} within {}s", what, limit.count());
}

}  // namespace

// Without a detector the state is all that is known.
CmdlineFacts Resources::facts_of(const Resource& resource) {
    CmdlineFacts facts{.last_report = resource.report, .intended = {}, .offline_reason = {}, .autorecover = false};
    if (resource.definition.flags.null_detector) facts.last_report = resource.in_service() ? Report::online : Report::offline;
    return facts;
}

void Resources::take_step(Resource& resource, Step step) {
    if (resource.step == step) return;
    resource.step = step;
    resource.wait_at.reset();
    ++resource.stage;
    touch(resource);
}

bool Resources::may_check(const Resource& resource) const {
    const bool rests = resource.paused && resource.step == Step::none;
    return resource.definition.has(ResourceScript::check) && !resource.definition.flags.null_detector && resource.unended.empty() &&
           !resource.check && !rests && !dry_run_ && !has_hidden(resource);
}

// CHECK, at the end of this step. While one runs: it is the answer if it began in this stage, else another follows it.
void Resources::ask_check(Resource& resource) { resource.tick_at.reset(); }

// From pcheck's start to its end, in every state.
// Whether one was begun.
bool Resources::keep_checking(Resource& resource, bool may_begin) {
    if (resource.is_generic() || resource.tick_at || !may_check(resource)) return false;
    if (!may_begin) resource.tick_at = now_.instant;  // with the next step
    if (may_begin) (void)run(resource, ResourceScript::check);
    return may_begin;
}

// ON.
void Resources::go_online(Resource& resource) {
    if (resource.definition.flags.null_detector) return begin_start(resource, false);
    take_step(resource, Step::asked);
    ask_check(resource);
}

void Resources::asked(Resource& resource, const Ended& end) {
    const bool there =
        end.report == (resource.to_standby ? Report::standby : Report::online) || (!resource.to_standby && end.report == Report::warning);
    if (there) return came_in(resource, state_of(end.report));
    if (end.report != Report::faulted && children_up(resource)) return begin_start(resource, false);
    take_step(resource, Step::none);
    if (end.report != Report::faulted) return;  // a child went meanwhile: waited for anew, or given up
    set_goal(resource, Goal::none);
    resource.fault = true;
    set_state(resource, ResourceState::faulted, "Check says Faulted, Start was not run");
}

void Resources::begin_start(Resource& resource, bool recovery) {
    CmdlineFacts facts = facts_of(resource);
    if (recovery) resource.to_standby = false;
    if (!recovery) resource.autorecovered = false;
    facts.intended = resource.to_standby ? Report::standby : Report::online;
    facts.autorecover = recovery;
    resource.recovering = recovery;
    take_step(resource, Step::starting);
    set_state(resource, ResourceState::wait, recovery ? "Start is running, to recover" : "Start is running");
    (void)run(resource, ResourceScript::start, facts);
}

// OFF.
void Resources::go_offline(Resource& resource) {
    CmdlineFacts facts = facts_of(resource);
    constexpr std::array reasons{std::string_view("STOP"), std::string_view("FAULT"), std::string_view("SHUT")};
    facts.intended = Report::offline;
    facts.offline_reason = reasons[static_cast<std::size_t>(resource.why_out)];
    resource.was_in = resource.in_service();
    resource.recovering = false;
    const Definition& definition = resource.definition;
    if (definition.has(ResourceScript::stop)) {
        take_step(resource, Step::stopping);
        set_state(resource, ResourceState::wait, "Stop is running");
        ResourceRun& stop = run(resource, ResourceScript::stop, facts);
        stop.begun = std::exchange(resource.stop_begun, std::nullopt).value_or(stop.begun);
        if (stop.deadline) stop.deadline = stop.begun + stop.limit;
        return;
    }
    if (definition.flags.null_detector || definition.flags.lie_offline) return removed(resource, true, {});
    take_step(resource, Step::stopped);
    set_state(resource, ResourceState::wait, "Check is to say Offline");
    resource.wait_at = now_.instant + definition.limit(ResourceScript::stop);
    ask_check(resource);
}

void Resources::cmdline_ended(Resource& resource, const Ended& end) {
    if (end.run.script == ResourceScript::check) return reported(resource, end);
    if (end.outcome != Outcome::good) log(messages::action_failed({resource.definition.tag}, text_of(end.run.script), end.text));
    if (end.run.script == ResourceScript::start) return start_ended(resource, end);
    stop_ended(resource, end);
}

// Of one that is to be taken out nothing is wanted but its end: until Stop it counts as coming in.
void Resources::start_ended(Resource& resource, const Ended& end) {
    if (resource.is_leaving()) return;
    if (end.outcome != Outcome::good) return start_failed(resource, end.text);
    if (resource.definition.flags.null_detector)
        return came_in(resource, resource.to_standby ? ResourceState::standby : ResourceState::online);
    take_step(resource, Step::started);
    resource.reason = fmt::format("Check is to say {}", text_of(resource.to_standby ? Report::standby : Report::online));
    resource.wait_at = end.run.begun + end.run.limit;
    ask_check(resource);
}

void Resources::stop_ended(Resource& resource, const Ended& end) {
    if (end.outcome != Outcome::good) return removed(resource, false, end.text);
    if (resource.definition.flags.null_detector) return removed(resource, true, {});
    take_step(resource, Step::stopped);
    resource.reason = "Check is to say Offline";
    resource.wait_at = end.run.begun + end.run.limit;
    ask_check(resource);
}

// What it was to bring is in; paused meanwhile, a recovery is judged again at `start`.
void Resources::start_failed(Resource& resource, const std::string& why) {
    resource.wait_at.reset();
    if (resource.is_leaving()) return;
    take_step(resource, Step::none);
    std::string reason = "Start has failed: " + why;
    if (!resource.recovering) {
        set_goal(resource, Goal::none);
        resource.fault = true;
        return set_state(resource, ResourceState::faulted, std::move(reason));
    }
    if (resource.paused) {
        resource.recovering = false;
        set_state(resource, ResourceState::online, reason);
    }
    failed(resource, std::move(reason), resource.definition.on_failure);
}

void Resources::came_in(Resource& resource, ResourceState state) {
    const bool recovered = std::exchange(resource.recovering, false),
               started = resource.step == Step::started || resource.step == Step::starting;
    take_step(resource, Step::none);
    resource.bad_quick = 0;
    resource.fault = false;
    resource.failure.clear();
    resource.told_report = false;
    set_state(resource, state, started ? "Start has succeeded" : fmt::format("Check says {}", text_of(resource.report)));
    if (!recovered) return;
    ++resource.recovered;
    raise("recovered", messages::resource_state({resource.definition.tag}, text_of(resource.shown()), resource.reason, false));
}

// A reload took its Check away: what it was to say is as if it had.
void Resources::detector_gone(Resource& resource) {
    if (resource.check) {
        resource.check->unwanted = true;
        end(resource, *resource.check);
    }
    switch (resource.step) {
        case Step::asked: return take_step(resource, Step::none);
        case Step::started: return came_in(resource, resource.to_standby ? ResourceState::standby : ResourceState::online);
        case Step::stopped: return removed(resource, true, {});
        case Step::none:
            if (resource.state == ResourceState::unknown) set_state(resource, ResourceState::offline, "not checked any more");
            return;
        case Step::starting:
        case Step::stopping: return;
    }
}

void Resources::wait_due(Resource& resource) {
    if (resource.step == Step::started)
        return start_failed(resource, within(resource, text_of(resource.to_standby ? Report::standby : Report::online)));
    if (resource.step == Step::stopped) removed(resource, false, within(resource, text_of(Report::offline)));
}

// A report counts only in the state and step in which its Check began; an older one is noted, and CHECK follows.
void Resources::reported(Resource& resource, const Ended& end) {
    const bool slow = now_.instant - end.run.begun > quick;
    Instant next = end.run.begun + (slow ? 2 * check_tick : check_tick);
    while (next <= now_.instant) next += check_tick;
    resource.tick_at = next;
    if (end.run.unwanted) return ask_check(resource);  // ended by a pause: at its end
    ++resource.checks;
    resource.last_check = end.outcome == Outcome::good ? "ok" : end.text;
    resource.report = end.outcome == Outcome::timed_out ? Report::unknown : end.report;
    if (end.outcome == Outcome::timed_out) tell_bad_check(resource, end.run.script, end.text, true, false);
    tell_odd_status(resource, end);
    if (end.run.stage != resource.stage) return ask_check(resource);
    Ended judged = end;
    judged.report = resource.report;
    if (resource.step == Step::asked) return asked(resource, judged);
    take_report(resource, judged);
}

// A status that has no meaning is logged once.
void Resources::tell_odd_status(Resource& resource, const Ended& end) {
    const bool odd = end.report == Report::unknown && end.outcome == Outcome::bad && end.text != "status=3";
    if (odd && !resource.told_status) log(messages::check_failed({resource.definition.tag}, text_of(end.run.script), end.text));
    resource.told_status = odd;
}

void Resources::take_report(Resource& resource, const Ended& end) {
    const ResourceState found = state_of(end.report);
    const auto says = [&end] { return fmt::format("Check says {}", text_of(end.report)); };
    switch (meaning_of(end.report, stage_of(resource))) {
        case Meaning::note: return;
        case Meaning::agree:
            resource.told_report = false;
            resource.bad_quick = 0;
            return;
        case Meaning::tell:
            return tell_report(resource, end.report == Report::unknown ? says() : fmt::format("unexpected {}", text_of(end.report)));
        case Meaning::fault: return resource.is_leaving() ? void() : fault(resource, end);
        case Meaning::start_failed: return start_failed(resource, says());
        case Meaning::done: return removed(resource, true, {});
        case Meaning::stop_failed: return removed(resource, false, says());
        case Meaning::came_in:
            if ((end.report == Report::standby) == resource.to_standby) came_in(resource, found);
            return;
        case Meaning::initial_fault:
        case Meaning::becomes: break;
    }
    if (end.report == Report::online || end.report == Report::warning) resource.bad_quick = 0;
    resource.told_report = false;
    const bool after_fault = resource.state == ResourceState::faulted, initial = resource.state == ResourceState::unknown;
    const ResourceState next = after_fault && found == ResourceState::offline ? ResourceState::offline_fault : found;
    if (next == resource.state) return;
    set_state(resource, next, after_fault ? resource.reason : initial && next == ResourceState::faulted ? "initial fault" : says());
    if (!resource.failed()) return;
    resource.fault = true;
    if (resource.goal == Goal::in) set_goal(resource, Goal::none);  // until it is cleared
}

void Resources::tell_report(Resource& resource, std::string what) {
    const Definition& definition = resource.definition;
    const bool lies = definition.flags.lie_offline && !definition.has(ResourceScript::stop) && resource.state == ResourceState::offline;
    if (std::exchange(resource.told_report, true) || lies) return;
    resource.reason = std::move(what);
    log(messages::resource_state({resource.definition.tag}, text_of(resource.shown()), resource.reason, false));
}

// FAULT.
void Resources::fault(Resource& resource, const Ended& end) {
    std::string why = fmt::format("Check says {}", text_of(end.report));
    const bool only_shown = resource.definition.flags.monitor_only;
    if (only_shown && resource.told_report) return;
    ++resource.bad_checks;
    const bool enough = ++resource.bad_quick >= resource.definition.check_failures;
    const bool cut_off = resource.state == ResourceState::standby;
    tell_bad_check(resource, end.run.script, end.text, false, enough && !only_shown && !cut_off && may_recover(resource));
    if (!enough) return;
    resource.bad_quick = 0;
    if (only_shown) {
        resource.told_report = true;  // once, until a Check agrees again
        resource.reason = std::move(why);
        return;
    }
    if (cut_off) return failed(resource, std::move(why), OnFailure::continue_);
    recover(resource, why);
}

}  // namespace banken::core
