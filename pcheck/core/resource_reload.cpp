// SPDX-License-Identifier: Apache-2.0
// Resources that come and go: at the start, by a reload, and from a pcheck that was killed.
#include <algorithm>

#include "pcheck/core/resources.hpp"

namespace banken::core {

ResourceKey Resources::add(Definition definition) {
    const ResourceKey key = ++last_key_;
    Resource& resource = resources_[key];
    resource.key = key;
    resource.state = definition.kind == ResourceKind::generic ? ResourceState::illstate : ResourceState::unknown;
    resource.definition = std::move(definition);
    resource.since = now_.instant;
    resource.since_wall = now_.wall;
    order_.push_back(key);
    return key;
}

// OSF and OfflineFault stay so until they are cleared, also below one that is restored.
void Resources::start_added(const Keys& added, const RecordedStates& recorded) {
    const std::set<ResourceKey> fresh(added.begin(), added.end());
    const auto recorded_of = [&](ResourceKey key) -> std::optional<RecordedState> {
        const auto found = recorded.find(at(key).definition.tag);
        return found == recorded.end() ? std::nullopt : std::optional(found->second);
    };
    const auto may_come = [&](ResourceKey key) {
        return fresh.contains(key) ? recorded_of(key) != RecordedState::failed : !at(key).failed() && !at(key).is_leaving();
    };
    std::set<ResourceKey> wanted, standby;
    for (const ResourceKey key : added) {
        const Definition& definition = at(key).definition;
        const RecordedState was = recorded_of(key).value_or(RecordedState::in);
        const bool last = definition.initial == InitialState::last;
        const bool waits = last && was == RecordedState::standby && definition.flags.standby_capable;
        if (waits && may_come(key)) standby.insert(key);
        if (waits || !(last ? was == RecordedState::in : definition.initial == InitialState::restore) || !may_come(key)) continue;
        wanted.insert(key);
        std::ranges::copy_if(below(key), std::inserter(wanted, wanted.end()), may_come);
    }
    for (const ResourceKey key : added) {
        const bool comes = wanted.contains(key) || standby.contains(key);
        const bool had_failed = recorded_of(key) == RecordedState::failed;
        start_added(at(key), had_failed ? RecordedState::failed : comes ? RecordedState::in : RecordedState::out);
    }
    if (dry_run_ || ending_) return;
    for (const ResourceKey key : standby) {
        if (!at(key).in_service()) want_in(at(key), true);
    }
    for (const ResourceKey key : wanted) {
        if (!is_up(at(key), false)) want_in(at(key), false);
    }
}

void Resources::start_added(Resource& resource, RecordedState recorded) {
    touch(resource);
    const bool generic = resource.is_generic();
    switch (recorded) {
        case RecordedState::failed:
            resource.fault = true;
            return set_state(resource, generic ? ResourceState::osf : ResourceState::offline_fault, "had failed before pcheck ended");
        case RecordedState::in:
        case RecordedState::standby:
            if (generic) resource.state = ResourceState::osu;
            if (resource.definition.flags.null_detector) resource.state = ResourceState::offline;
            resource.reason = "not restored yet";
            return;
        case RecordedState::out: break;
    }
    if (generic) return set_state(resource, ResourceState::osu, "not asked to be in service");
    if (resource.definition.flags.null_detector) return set_state(resource, ResourceState::offline, "not asked to be in service");
    resource.reason = "not checked yet";
}

void Resources::on(const Reloaded& event) {
    std::map<std::string_view, const Definition*> wanted;
    for (const Definition& definition : event.pfile.resources) wanted[definition.tag] = &definition;
    for (const ResourceKey key : Keys(order_)) {
        const auto found = wanted.find(at(key).definition.tag);
        const bool stays = found != wanted.end() && found->second->kind == at(key).definition.kind;
        if (!stays) take_away(at(key));
    }
    param_ = event.pfile.param;
    order_.clear();
    Keys added;
    for (const Definition& definition : event.pfile.resources) {
        const auto known = by_tag_.find(definition.tag);
        if (known != by_tag_.end()) {
            order_.push_back(known->second);
            change(at(known->second), definition);
        } else {
            added.push_back(add(definition));
        }
    }
    index();
    start_added(added, {});
    for (const ResourceKey key : order_) touch(at(key));
}

void Resources::take_away(Resource& resource) {
    const EntryRef ref{resource.definition.tag};
    if (resource.in_service()) log(messages::application_left(ref));
    by_tag_.erase(resource.definition.tag);
    if (!resource.busy()) {
        resources_.erase(resource.key);
        return;
    }
    hide(resource);
}

// It is no resource any more, but a script of it is still there.
void Resources::hide(Resource& resource) {
    touch(resource);
    leaving_.insert(resource.key);
    rest_checks(resource);
    resource.resource_id = 0;
    resource.goal = Goal::none;
    resource.paused_until.reset();
    resource.tick_at.reset();
    resource.wait_at.reset();
    for (auto* run : {&resource.run, &resource.check}) {
        if (*run && is_check((*run)->script)) end(resource, **run);  // nobody asks any more, and a new one of this tag waits
    }
}

void Resources::change(Resource& resource, Definition definition) {
    if (resource.definition == definition) return;
    const bool lines_only = [&] {
        Definition same = definition;
        same.line = resource.definition.line;
        return same == resource.definition;
    }();
    const bool had_detector = !resource.definition.flags.null_detector;
    resource.definition = std::move(definition);
    touch(resource);
    if (!lines_only && resource.is_generic()) arm_checks(resource);
    if (had_detector && resource.definition.flags.null_detector) detector_gone(resource);
}

// ---- adoption ----

// A resource keeps the number under which records and trace know it; the others get numbers of their own.
void Resources::take_keys(const std::vector<Resource>& recorded) {
    std::map<std::string_view, ResourceKey> known;
    for (const Resource& old : recorded) {
        last_key_ = std::max(last_key_, old.key);
        const auto found = by_tag_.find(old.definition.tag);
        const bool listed = old.resource_id != 0 && found != by_tag_.end();
        if (listed && at(found->second).definition.kind == old.definition.kind) known[old.definition.tag] = old.key;
    }
    auto fresh = std::exchange(resources_, {});
    for (ResourceKey& key : order_) {
        Resource resource = std::move(fresh.at(key));
        const auto found = known.find(resource.definition.tag);
        key = found != known.end() && !resources_.contains(found->second) ? found->second : ++last_key_;
        resource.key = key;
        resources_.emplace(key, std::move(resource));
    }
    index();
}

void Resources::adopt(RecordedResources recorded, Now now) {
    now_ = now;
    ending_ = std::move(recorded.ending);
    if (ending_) ending_->order = 0;                                             // it was answered "interrupted"
    if (ending_) last_key_ = std::max({last_key_, ending_->by, ending_->stay});  // perhaps of one that is not recorded any more
    take_keys(recorded.resources);
    for (Resource& old : recorded.resources) {
        const auto found = by_tag_.find(old.definition.tag);
        const bool listed = old.resource_id != 0;  // else a reload had removed it already
        const bool same = listed && found != by_tag_.end() && found->second == old.key;
        if (!same && resources_.contains(old.key)) old.key = ++last_key_;
        const ResourceKey key = old.key;
        if (same) {
            old.definition = std::move(at(key).definition);
            old.resource_id = at(key).resource_id;
        } else {
            if (listed && old.in_service()) log(messages::application_left({old.definition.tag}));
            hide(old);
        }
        for (auto* run : {&old.run, &old.check}) {
            if (*run) last_run_ = std::max(last_run_, (*run)->run);
        }
        for (const ResourceRun& run : old.unended) last_run_ = std::max(last_run_, run.run);
        adopted_keys_.insert(key);
        resources_[key] = std::move(old);
    }
}

void Resources::on(const Adopted& event) {
    std::map<ResourceKey, std::vector<RunId>> live;
    for (const AdoptedResource& one : event.resources) live[one.resource] = one.live;
    for (const ResourceKey key : adopted_keys_) {
        const auto found = resources_.find(key);
        if (found != resources_.end()) adopted(found->second, live[key]);
    }
    Keys added;
    std::ranges::copy_if(order_, std::back_inserter(added), [this](ResourceKey key) { return !adopted_keys_.contains(key); });
    adopted_keys_.clear();
    start_added(added, {});
    for (const ResourceKey key : order_) {
        if (at(key).goal == Goal::failed) take_out_tree(at(key), ending_ && ending_->by == key);
    }
    fail_unrecorded();
    if (ending_ && ending_->reason == "order") remove_all();
}

// The ending is recorded ahead of the failure that asks for it: a kill in between leaves one in service whose failure is still to come.
void Resources::fail_unrecorded() {
    if (!ending_ || !resources_.contains(ending_->by) || leaving_.contains(ending_->by)) return;
    Resource& resource = at(ending_->by);
    if (resource.is_leaving() || !(resource.in_service() || resource.coming_in())) return;
    failed(resource, "had failed before pcheck was killed", ending_->exit_status == 1 ? OnFailure::exit : OnFailure::shutdown);
}

void Resources::adopted(Resource& resource, const std::vector<RunId>& live) {
    touch(resource);
    const auto lives = [&live](const ResourceRun& run) { return std::ranges::find(live, run.run) != live.end(); };
    std::erase_if(resource.unended, [&](const ResourceRun& run) { return !lives(run); });
    for (const ResourceRun& run : resource.unended) runs_[run.run] = resource.key;
    std::optional<ResourceRun> gone;
    for (auto* place : {&resource.run, &resource.check}) {
        if (!*place) continue;
        if (lives(**place)) {
            runs_[(*place)->run] = resource.key;
            continue;
        }
        const ResourceRun run = *std::exchange(*place, std::nullopt);
        if (!is_check(run.script)) gone = run;
    }
    if (resource.run || resource.check) tell_long_run(resource);
    if (leaving_.contains(resource.key)) {
        if (resource.busy()) return;
        leaving_.erase(resource.key);
        resources_.erase(resource.key);
        return;
    }
    ended_unseen(resource, gone);
}

// Goes on after the end of a script (none, or a check: nothing but its result is missing) whose status nobody tells.
void Resources::ended_unseen(Resource& resource, const std::optional<ResourceRun>& run) {
    if (!resource.run && !resource.check) resource.remind_at.reset();
    if (run && !is_check(run->script)) adopted_run(resource, *run);
    if (!resource.is_generic()) return resource.definition.flags.null_detector ? detector_gone(resource) : ask_check(resource);
    const auto quick = resource.quick_at, deep = resource.deep_at;  // however often pcheck is killed, they come
    arm_checks(resource);
    if (quick && resource.quick_at) resource.quick_at = std::min(*quick, *resource.quick_at);
    if (deep && resource.deep_at) resource.deep_at = std::min(*deep, *resource.deep_at);
    check_at_once(resource);
}

// Its end was missed. What never had a process was never started; the others must bear a second run, but Start.
void Resources::adopted_run(Resource& resource, const ResourceRun& run) {
    switch (run.script) {
        case ResourceScript::restore:
            if (resource.is_leaving() && run.process) set_state(resource, ResourceState::osf, "restore action has ended unseen");
            return;
        case ResourceScript::recover:
            if (!run.process && !resource.paused && !resource.is_leaving()) {
                resource.ordered = true;
                return set_goal(resource, Goal::recover);
            }
            resource.reason = "recover action has ended unseen";
            return;
        case ResourceScript::start:
            if (run.process) return start_ended(resource, {run, Outcome::good, {}, {}});
            take_step(resource, Step::none);
            if (!std::exchange(resource.recovering, false)) return set_state(resource, ResourceState::unknown, "Start was not run");
            set_state(resource, ResourceState::online, "Start was not run");
            if (resource.paused || resource.is_leaving()) return;
            resource.ordered = true;
            return set_goal(resource, Goal::recover);
        case ResourceScript::stop:
            take_step(resource, Step::none);
            resource.stop_begun = run.begun;
            return;
        case ResourceScript::remove:
        case ResourceScript::quick_check:
        case ResourceScript::deep_check:
        case ResourceScript::check: return;
    }
}

}  // namespace banken::core
