// SPDX-License-Identifier: Apache-2.0
// Goals of resources, and what they wait for: RESTORE, REMOVE, RECOVER, FAILED and the end that follows (spec/state-table.md).
#include <algorithm>

#include "common/exit_code.hpp"
#include "pcheck/core/resources.hpp"

namespace banken::core {

RecordedState recorded_state(const Resource& resource) {
    switch (resource.goal) {
        case Goal::in: return resource.to_standby ? RecordedState::standby : RecordedState::in;
        case Goal::out: return resource.fault && !resource.is_generic() ? RecordedState::failed : RecordedState::out;
        case Goal::failed: return RecordedState::failed;
        case Goal::none:
        case Goal::recover: break;
    }
    const bool standby = resource.state == ResourceState::standby || (resource.to_standby && resource.coming_in());
    if (standby) return RecordedState::standby;
    if (resource.in_service() || resource.coming_in()) return RecordedState::in;
    return resource.failed() ? RecordedState::failed : RecordedState::out;
}

Resources::Keys Resources::walk(ResourceKey from, const std::map<ResourceKey, Keys>& edges) const {
    std::set<ResourceKey> seen;
    Keys next{from}, found;
    while (!next.empty()) {
        const auto of = edges.find(next.back());
        next.pop_back();
        if (of == edges.end()) continue;
        for (const ResourceKey key : of->second) {
            if (!seen.insert(key).second) continue;
            found.push_back(key);
            next.push_back(key);
        }
    }
    return found;
}

Resources::Keys Resources::below(ResourceKey resource) const { return walk(resource, children_); }
Resources::Keys Resources::above(ResourceKey resource) const { return walk(resource, parents_); }

// A script of a removed resource of its tag is still there.
bool Resources::has_hidden(const Resource& resource) const {
    return std::ranges::any_of(leaving_, [&](ResourceKey key) { return resources_.at(key).definition.tag == resource.definition.tag; });
}

// No script of it begins, but a check beside one that cannot be ended.
bool Resources::blocked(const Resource& resource) const { return resource.cannot_be_ended() || has_hidden(resource); }

// Until nothing moves: what one has reached another may have waited for. Each turn reaches a goal, drops it, passes it on or begins a script.
void Resources::pursue_all() {
    for (bool moved = true; moved;) {
        moved = false;
        for (const ResourceKey key : order_) moved = pursue(at(key)) || moved;
    }
}

bool Resources::pursue(Resource& resource) {
    if (dry_run_) return false;
    if (resource.run && !resource.checks_run()) return false;
    switch (resource.goal) {
        case Goal::none: return false;
        case Goal::in: return pursue_in(resource);
        case Goal::out:
        case Goal::failed: return pursue_out(resource);
        case Goal::recover: return pursue_recover(resource);
    }
    return false;
}

void Resources::set_goal(Resource& resource, Goal goal) {
    if (resource.goal == goal) return;
    resource.goal = goal;
    resource.goal_since = now_.instant;
    resource.stop_begun.reset();
    touch(resource);
}

// For a parent that goes Online, or (only those that are STANDBYCAPABLE are asked) Standby.
bool Resources::is_up(const Resource& child, bool for_standby) {
    if (for_standby && !child.definition.flags.standby_capable) return true;
    if (!child.in_service() || child.is_leaving() || child.is_recovering()) return false;
    return for_standby || child.state != ResourceState::standby;
}

bool Resources::children_up(const Resource& resource) const {
    const auto children = children_.find(resource.key);
    return children == children_.end() ||
           std::ranges::all_of(children->second, [&](ResourceKey key) { return is_up(resources_.at(key), resource.to_standby); });
}

bool Resources::pursue_in(Resource& resource) {
    const bool unheard = resource.step == Step::asked && !resource.check && !resource.unended.empty();
    if (unheard && children_up(resource)) {
        begin_start(resource, false);  // a Check that cannot be ended keeps others from beginning: as if it were Unknown
        return true;
    }
    if (unheard) take_step(resource, Step::none);
    if (resource.step != Step::none) return false;
    const bool reached = resource.in_service() && (resource.state != ResourceState::standby || resource.to_standby);
    if (reached) {
        set_goal(resource, Goal::none);
        return true;
    }
    bool waits = false;
    for (const ResourceKey key : children_[resource.key]) {
        const Resource& child = at(key);
        if (is_up(child, resource.to_standby)) continue;
        if (child.goal != Goal::in && !child.is_recovering()) {
            set_goal(resource, Goal::none);
            resource.reason = fmt::format("child {} {}", child.definition.tag, text_of(child.shown()));
            return true;
        }
        waits = true;
    }
    if (waits || blocked(resource)) return false;
    if (!resource.is_generic()) {
        go_online(resource);
        return true;
    }
    resource.reason = "restore action is running";
    (void)run(resource, ResourceScript::restore);
    return true;
}

bool Resources::pursue_out(Resource& resource) {
    if (resource.step == Step::stopping || resource.step == Step::stopped) return false;
    bool moved = false, waits = false;
    const std::string_view because = resource.goal == Goal::failed ? std::string_view(resource.definition.tag) : resource.because;
    for (const ResourceKey key : parents_[resource.key]) {
        Resource& parent = at(key);
        if (!parent.in_service() && !parent.coming_in() && !parent.is_leaving()) continue;
        waits = true;
        if (parent.is_leaving()) continue;
        take_out(parent, Goal::out, resource.why_out, because);
        moved = true;
    }
    if (waits) return moved;
    if (resource.checks_run()) {
        resource.run->unwanted = true;
        end(resource, *resource.run);
        return false;
    }
    rest_checks(resource);
    if (resource.out() && !resource.coming_in()) {
        set_goal(resource, Goal::none);
        return true;
    }
    if (blocked(resource)) {
        removed(resource, false, "a script that cannot be ended");
        return true;
    }
    if (!resource.is_generic()) {
        go_offline(resource);
        return true;
    }
    set_state(resource, ResourceState::isu, "remove action is running");
    (void)run(resource, ResourceScript::remove);
    return true;
}

bool Resources::pursue_recover(Resource& resource) {
    if (resource.checks_run()) {
        resource.run->unwanted = true;
        end(resource, *resource.run);
        return false;
    }
    set_goal(resource, Goal::none);
    const bool gone = resource.is_generic() && !resource.definition.has(ResourceScript::recover);  // by a reload
    if (gone || (!resource.ordered && !may_recover(resource))) {
        const std::string why = "its recovery was taken away by a reload";
        if (!resource.ordered) failed(resource, why, resource.definition.on_failure);
        if (resource.ordered) arm_checks(resource);
        touch(resource);
        return true;
    }
    if (!resource.ordered) {
        if (resource.definition.recover_limit) resource.recoveries.push_back(now_.instant);
        resource.autorecovered = true;
    }
    if (!resource.is_generic()) {
        begin_start(resource, true);
        return true;
    }
    rest_checks(resource);
    resource.reason = "recover action is running";
    (void)run(resource, ResourceScript::recover);
    return true;
}

// Its remove, Stop or what stands for it has ended.
void Resources::removed(Resource& resource, bool well, const std::string& why) {
    const bool generic = resource.is_generic(), after_failure = resource.goal == Goal::failed || (!generic && resource.fault);
    set_goal(resource, Goal::none);
    resource.recovering = resource.was_in = false;
    take_step(resource, Step::none);
    if (well) {
        if (ending_ && ending_->stay == resource.key) ending_->stay = 0;
        if (!after_failure) resource.fault = false;
        const ResourceState bad = generic ? ResourceState::osf : ResourceState::offline_fault;
        const ResourceState good = generic ? ResourceState::osu : ResourceState::offline;
        const bool stopped = generic || resource.definition.has(ResourceScript::stop);
        std::string done = generic   ? "remove action has succeeded"
                           : stopped ? "Stop has succeeded"
                                     : "it counts as Offline: there is no stop script";
        if (!resource.because.empty()) done += fmt::format(", {} has failed", resource.because);
        return set_state(resource, after_failure ? bad : good, after_failure && !resource.failure.empty() ? resource.failure : done);
    }
    resource.fault = true;
    if (resource.definition.stay_when_not_removed && ending_) ending_->stay = resource.key;
    set_state(resource, generic ? ResourceState::osf : ResourceState::faulted,
              fmt::format("{} has failed: {}", generic ? "remove action" : "Stop", why));
    raise("remove_failed", messages::resource_state({resource.definition.tag}, text_of(resource.shown()), resource.reason, true));
}

// Why RESTORE is refused; empty: it is not.
std::string Resources::restore_refusal(const Resource& resource, bool to_standby) const {
    for (const ResourceKey key : to_restore(resource, to_standby)) {
        const Resource& one = resources_.at(key);
        const std::string& tag = one.definition.tag;
        if (one.is_leaving()) return fmt::format("{} is being removed", tag);
        if (blocked(one)) return fmt::format("{} has a script that cannot be ended", tag);
        if (one.state == ResourceState::faulted || one.state == ResourceState::offline_fault)
            return fmt::format("{} is {}: clear it first", tag, text_of(one.state));
        if (!to_standby && one.to_standby && one.step != Step::none) return fmt::format("{} is going to Standby", tag);
    }
    return {};
}

// It, and all below that are not up.
Resources::Keys Resources::to_restore(const Resource& resource, bool to_standby) const {
    Keys keys = below(resource.key);
    std::erase_if(keys, [&](ResourceKey key) { return is_up(resources_.at(key), to_standby); });
    keys.push_back(resource.key);
    return keys;
}

void Resources::restore(Resource& resource, bool to_standby) {
    for (const ResourceKey key : to_restore(resource, to_standby)) want_in(at(key), to_standby);
    if (resource.paused) resume_and_tell(resource);
}

// Online is more than Standby: who wants the one already is not asked for the other.
void Resources::want_in(Resource& resource, bool to_standby) {
    if (resource.is_recovering()) return;
    const bool wants_online = resource.goal == Goal::in && !resource.to_standby;
    if (resource.step == Step::none && !wants_online && resource.to_standby != to_standby) {
        resource.to_standby = to_standby;
        touch(resource);
    }
    set_goal(resource, Goal::in);
}

void Resources::take_out(Resource& resource, Goal goal, OfflineReason why, std::string_view because) {
    if (resource.step == Step::asked) take_step(resource, Step::none);
    resource.why_out = why;
    resource.because = because;
    set_goal(resource, goal);
}

void Resources::remove(Resource& resource, Goal goal, OfflineReason why) {
    for (const ResourceKey key : above(resource.key)) {
        Resource& parent = at(key);
        if (parent.is_leaving()) continue;
        const bool is_in = parent.in_service() || parent.coming_in();
        const std::string_view because = goal == Goal::failed ? std::string_view(resource.definition.tag) : std::string_view();
        if (is_in || parent.goal == Goal::in) take_out(parent, is_in ? Goal::out : Goal::none, why, because);
    }
    take_out(resource, goal, why);
}

// Not waited for any longer.
void Resources::end_coming_in(Resource& resource) {
    if (resource.run && resource.coming_in()) end(resource, *resource.run);
}

bool Resources::may_recover(Resource& resource) {
    const Definition& definition = resource.definition;
    const bool able = resource.is_generic() ? definition.has(ResourceScript::recover) : definition.flags.auto_recover;
    if (!able || blocked(resource) || dry_run_) return false;
    const auto& limit = definition.recover_limit;
    if (!limit) return resource.is_generic() || !resource.autorecovered;
    const Instant oldest = now_.instant - limit->period;
    std::erase_if(resource.recoveries, [oldest](Instant begun) { return begun <= oldest; });
    return resource.recoveries.size() < limit->count;
}

// Why there is none, where there was one before.
std::string Resources::used_up_words(const Resource& resource) const {
    const Definition& definition = resource.definition;
    const auto& limit = definition.recover_limit;
    if (limit && resource.recoveries.size() >= limit->count)
        return fmt::format(", recover_limit {}/{} is used up", limit->count,
                           std::chrono::duration_cast<std::chrono::seconds>(limit->period).count());
    return !limit && !resource.is_generic() && resource.autorecovered ? ", AUTORECOVER was used before" : "";
}

// RECOVER.
void Resources::recover(Resource& resource, const std::string& why) {
    if (!may_recover(resource)) return failed(resource, why + used_up_words(resource), resource.definition.on_failure);
    resource.ordered = false;
    set_goal(resource, Goal::recover);
}

// FAILED.
void Resources::failed(Resource& resource, std::string why, OnFailure on_failure) {
    touch(resource);
    resource.reason = resource.failure = std::move(why);
    if (resource.paused) return;  // its check at `start` judges it again
    raise("recovery_failed", messages::resource_state({resource.definition.tag}, text_of(resource.shown()), resource.reason, true));
    resource.fault = true;
    if (on_failure != OnFailure::continue_ && !ending_) {
        const std::string_view how = on_failure == OnFailure::exit ? "exit" : "shutdown";
        ending_ = ResourceEnding{.exit_status = on_failure == OnFailure::exit ? 1 : 0,
                                 .reason = fmt::format("on_failure {} ({})", how, resource.definition.tag),
                                 .order = 0,
                                 .stay = 0,
                                 .by = resource.key};
    }
    take_out_tree(resource, on_failure != OnFailure::continue_);
}

// It failed: with all above, `whole`: and below.
void Resources::take_out_tree(Resource& resource, bool whole) {
    remove(resource, Goal::failed, OfflineReason::fault);
    for (const ResourceKey key : above(resource.key)) end_coming_in(at(key));
    if (whole) drop_tree(resource);
}

// It, all above it, and every child below any of these.
Resources::Keys Resources::tree_of(const Resource& resource) const {
    Keys tops = above(resource.key);
    tops.push_back(resource.key);
    std::set<ResourceKey> tree(tops.begin(), tops.end());
    for (const ResourceKey top : tops) {
        for (const ResourceKey child : below(top)) tree.insert(child);
    }
    return {tree.begin(), tree.end()};
}

// Its whole tree, but children that another resource, in service or to be, needs.
void Resources::drop_tree(const Resource& resource) {
    const Keys tree = tree_of(resource);
    std::set<ResourceKey> needed;
    for (const ResourceKey key : order_) {
        const Resource& other = at(key);
        const bool stays = (other.in_service() || other.goal == Goal::in) && !other.is_leaving();
        if (!stays || std::ranges::binary_search(tree, key)) continue;
        for (const ResourceKey child : below(key)) needed.insert(child);
    }
    for (const ResourceKey key : tree) {
        Resource& one = at(key);
        if (needed.contains(key) || one.is_leaving()) continue;
        take_out(one, one.is_removed() ? Goal::none : Goal::out, OfflineReason::fault, resource.definition.tag);
        end_coming_in(one);
    }
}

void Resources::end_if_done() {
    if (!ending_) return;
    for (const ResourceKey key : order_) {
        if (at(key).is_leaving()) return;
    }
    const ResourceEnding ending = *std::exchange(ending_, std::nullopt);
    const bool by_failure = ending.by != 0 && ending.order == 0;
    if (ending.stay == 0 && by_failure)
        log(messages::warning(fmt::format("pcheck ends with status {}: {}", ending.exit_status, ending.reason)));
    if (ending.stay == 0) return emit(EndAfterRemove{ending.exit_status, ending.reason, ending.order});
    const Resource* const left = find(ending.stay);
    const std::string why = fmt::format("{} could not be removed, pcheck goes on", left ? left->definition.tag : "a resource");
    log(messages::warning(why));
    answer(ending.order, number_of(ExitCode::refused), why);
}

}  // namespace banken::core
