// SPDX-License-Identifier: Apache-2.0
#include "tests/fake/resource_rules.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace banken::core {
namespace {

using Script = ResourceScript;

bool is_in(const Resource& resource) {
    switch (resource.state) {
        case ResourceState::isp:
        case ResourceState::isu:
        case ResourceState::online:
        case ResourceState::warning:
        case ResourceState::standby: return true;
        case ResourceState::wait: return resource.recovering || resource.was_in;
        case ResourceState::illstate:
        case ResourceState::osu:
        case ResourceState::osf:
        case ResourceState::unknown:
        case ResourceState::offline:
        case ResourceState::faulted:
        case ResourceState::offline_fault:
        case ResourceState::deact: return false;
    }
    return false;
}

bool has_failed(const Resource& resource) {
    return resource.state == ResourceState::osf || resource.state == ResourceState::faulted ||
           resource.state == ResourceState::offline_fault;
}

bool leaves(const Resource& resource) { return resource.goal == Goal::out || resource.goal == Goal::failed; }

bool comes(const Resource& resource) {
    return resource.runs(Script::restore) || resource.runs(Script::recover) || resource.runs(Script::start);
}

std::string shown(const Resource& resource) {
    return fmt::format("{} ({} goal {} step {}{})", resource.definition.tag, text_of(resource.state), text_of(resource.goal),
                       static_cast<int>(resource.step), resource.paused ? " paused" : "");
}

bool is_recovery(const RunResourceScript& run) {
    return run.script == Script::recover || (run.script == Script::start && run.facts.autorecover);
}

}  // namespace

void ResourceRules::fail(std::string why) {
    if (broken_.empty()) broken_ = std::move(why);
}

void ResourceRules::before(const Resources& core, const Event& event, const LiveScripts& live, Instant now) {
    event_ = event;
    now_ = now;
    before_.clear();
    ended_.reset();
    for (const ResourceKey key : core.all()) before_[key] = *core.find(key);
    if (const auto* ended = std::get_if<ScriptEnded>(&event)) {
        if (const auto found = live.find(ended->run); found != live.end()) ended_ = found->second;
    }
    const auto* order = std::get_if<Order>(&event);
    if (order) waiting_.insert(order->id);
    if (order && order->verb != Verb::check && order->verb != Verb::update) {
        for (auto& [tag, past] : past_) past.failed = false;
    }
    if (std::holds_alternative<Reloaded>(event)) {
        for (auto& [tag, past] : past_) past.failed = false;
        ended_by_ = 0;  // what it removes is left running, and that may be all that pcheck's end waited for
    }
}

std::vector<const Resource*> ResourceRules::beside(const Resources& core, const Resource& resource, bool below) const {
    std::vector<const Resource*> all;
    for (const ResourceKey key : core.resources()) {
        const Resource& other = *core.find(key);
        const auto& depends = below ? resource.definition.depends : other.definition.depends;
        const std::string& tag = below ? other.definition.tag : resource.definition.tag;
        if (std::ranges::find(depends, tag) != depends.end()) all.push_back(&other);
    }
    return all;
}

// 1: never two beside each other, but a check that could not be ended.
void ResourceRules::begins(const Resources& core, const RunResourceScript& action, const LiveScripts& live, bool again) {
    const Resource& resource = *core.find(action.resource);
    for (const auto& [run, other] : live) {
        if (other.tag != resource.definition.tag) continue;
        const bool check = action.script == Script::check, other_check = other.what.script == Script::check;
        const bool unended = std::ranges::any_of(resource.unended, [run = run](const ResourceRun& one) { return one.run == run; });
        if (check != other_check || (unended && is_check(other.what.script) && !is_check(action.script))) continue;
        fail(fmt::format("1: {} of {} beside its {}", text_of(action.script), shown(resource), text_of(other.what.script)));
    }
    judge_tree(core, resource, action);
    judge_recovery(resource, action, again);
}

// 3: bottom up, and top down.
void ResourceRules::judge_tree(const Resources& core, const Resource& resource, const RunResourceScript& action) {
    const bool brings_in = action.script == Script::restore || (action.script == Script::start && !action.facts.autorecover);
    if (brings_in) {
        const bool standby = action.facts.intended == Report::standby;
        for (const Resource* child : beside(core, resource, true)) {
            const bool up = is_in(*child) && !leaves(*child) && child->goal != Goal::recover && !child->runs(Script::recover) &&
                            !child->recovering && (standby || child->state != ResourceState::standby);
            const bool asked = !standby || child->definition.flags.standby_capable;
            if (asked && !up) fail(fmt::format("3: {} begins above {}", shown(resource), shown(*child)));
        }
    }
    if (action.script != Script::remove && action.script != Script::stop) return;
    for (const Resource* parent : beside(core, resource, false)) {
        if (is_in(*parent) || comes(*parent)) fail(fmt::format("3: {} is removed below {}", shown(resource), shown(*parent)));
    }
}

// 7: those that nobody ordered are limited.
void ResourceRules::judge_recovery(const Resource& resource, const RunResourceScript& action, bool again) {
    Past& past = past_[resource.definition.tag];
    const auto& limit = resource.definition.recover_limit;
    if (past.limit != limit) past.recoveries.clear();
    past.limit = limit;
    if (action.script == Script::start && !action.facts.autorecover) past.autorecovered = false;
    if (!is_recovery(action)) return;
    if (std::exchange(past.ordered, false) || again) return;
    if (limit) {
        std::erase_if(past.recoveries, [&](Instant begun) { return begun <= now_ - limit->period; });
        past.recoveries.push_back(now_);
        if (past.recoveries.size() > limit->count)
            fail(fmt::format("7: {} recovers for the {}th time", shown(resource), past.recoveries.size()));
    } else if (!resource.is_generic() && std::exchange(past.autorecovered, true)) {
        fail(fmt::format("7: AUTORECOVER of {} for a second time", shown(resource)));
    }
}

// What was removed, or has become of another kind, has no past.
void ResourceRules::forget_others(const Resources& core) {
    std::map<std::string, ResourceKind> listed;
    for (const ResourceKey key : core.resources()) {
        const Definition& definition = core.find(key)->definition;
        listed[definition.tag] = definition.kind;
        may_stay_ = may_stay_ || definition.stay_when_not_removed;
    }
    std::erase_if(past_, [&](const auto& one) { return !listed.contains(one.first) || one.second.kind != listed[one.first]; });
    for (const auto& [tag, kind] : listed) past_[tag].kind = kind;
}

void ResourceRules::after(const Resources& core, std::span<const Action> actions) {
    forget_others(core);
    judge_order(core, actions);
    judge_check(core);
    judge_failed(core, actions);
    for (const ResourceKey key : core.resources()) judge_silence(core, *core.find(key));
    const bool ended = std::ranges::any_of(actions, [](const Action& action) { return std::holds_alternative<EndAfterRemove>(action); });
    if (ended) ending_ = false;
}

void ResourceRules::answered(OrderId order) {
    if (waiting_.erase(order) == 0) fail(fmt::format("4: order {} is answered again", order));
}

// 4: every order is answered at once, but `shutdown remove` and `update`.
void ResourceRules::judge_order(const Resources& core, std::span<const Action> actions) {
    for (const Action& action : actions) {
        if (const auto* answer = std::get_if<Answer>(&action)) {
            answered(answer->order);
            const auto* order = std::get_if<Order>(&event_);
            if (!order || answer->exit_status != 0 || answer->order != order->id) continue;
            Past& past = past_[order->target];
            if (order->verb == Verb::recover) past.ordered = true;
            if (order->verb != Verb::clear) continue;
            past.recoveries.clear();  // one that was ordered may be still to begin
            past.autorecovered = false;
        }
    }
    std::vector<OrderId> done;
    for (const OrderId order : waiting_) {
        const bool at_end = core.ending() && core.ending()->order == order;
        const bool ends = std::ranges::any_of(actions, [&](const Action& action) {
            const auto* end = std::get_if<EndAfterRemove>(&action);
            const auto* copy = std::get_if<CopyScripts>(&action);
            return (end && end->order == order) || (copy && copy->order == order);
        });
        if (ends) done.push_back(order);
        if (!at_end && !ends) fail(fmt::format("4: order {} is not answered", order));
    }
    for (const OrderId order : done) answered(order);
}

// 2: what a check says means nothing in another state or phase than it was taken in, nor while paused.
void ResourceRules::judge_check(const Resources& core) {
    if (!ended_ || !is_check(ended_->what.script)) return;
    const auto found = before_.find(ended_->what.resource);
    const Resource* after = core.find(ended_->what.resource);
    if (found == before_.end() || !after) return;
    const Resource& was = found->second;
    const bool counts = was.is_generic() ? was.state == ResourceState::isp && was.goal == Goal::none && !was.paused
                                         : was.stage == ended_->stage && !(was.paused && was.step == Step::none);
    if (counts) return;
    const bool recovers = !was.is_recovering() && after->is_recovering() && was.goal != Goal::recover;
    const bool counted = after->bad_checks != was.bad_checks || after->bad_quick > was.bad_quick || after->bad_deep > was.bad_deep;
    const bool moved = !was.is_generic() && (after->state != was.state || after->goal != was.goal || after->step != was.step);
    if (recovers || counted || moved)
        fail(fmt::format("2: {} of {} means something: {}", text_of(ended_->what.script), shown(was), shown(*after)));
}

// 5: who is to move waits for something that comes.
void ResourceRules::judge_silence(const Resources& core, const Resource& resource) {
    const auto due = resource.next_deadline(), next = core.next_deadline();
    if (due && (!next || *next > *due)) fail(fmt::format("5: the deadline of {} will not come", shown(resource)));
    const bool is_checked = !resource.is_generic() && resource.definition.has(Script::check) && !resource.definition.flags.null_detector;
    const bool watched = resource.check || resource.tick_at || resource.paused || !resource.unended.empty();
    const bool hidden = core.all().size() > core.resources().size();
    if (is_checked && !watched && !hidden) fail(fmt::format("5: {} is not checked", shown(resource)));
    if (resource.goal == Goal::none && resource.step == Step::none) return;
    bool waits = resource.run || resource.check || resource.wait_at || hidden || (resource.step != Step::none && resource.tick_at);
    for (const bool below : {true, false}) {
        for (const Resource* other : beside(core, resource, below))
            waits = waits || other->goal != Goal::none || other->run || other->step != Step::none;
    }
    if (!waits && resource.unended.empty()) fail(fmt::format("5: {} is silent", shown(resource)));
}

// 6: what has failed is taken out, with all above.
void ResourceRules::judge_failed(const Resources& core, std::span<const Action> actions) {
    for (const ResourceKey key : core.resources()) {
        const Resource& resource = *core.find(key);
        Past& past = past_[resource.definition.tag];
        const auto was = before_.find(key);
        const bool newly = resource.goal == Goal::failed && was != before_.end() && was->second.goal != Goal::failed;
        if (newly) past.failed = !std::holds_alternative<Order>(event_);
        if (resource.goal == Goal::failed || !std::exchange(past.failed, false)) continue;
        if (!has_failed(resource)) fail(fmt::format("6: {} had failed", shown(resource)));
        for (const Resource* parent : beside(core, resource, false)) {
            const bool found = parent->reason.starts_with("Check says");  // in service by itself
            if (!found && (is_in(*parent) || comes(*parent)))
                fail(fmt::format("6: {} stands above {}, which has failed", shown(*parent), shown(resource)));
        }
    }
    for (const Action& action : actions) {
        if (!std::holds_alternative<EndAfterRemove>(action)) continue;
        for (const ResourceKey key : core.resources()) {
            if (leaves(*core.find(key))) fail(fmt::format("6: pcheck ends before {} is out", shown(*core.find(key))));
        }
        judge_end(core);
    }
    const bool over = std::ranges::any_of(actions, [](const Action& action) { return std::holds_alternative<EndAfterRemove>(action); });
    if (ending_ && !core.ending() && !over && !may_stay_) fail("6: the end is forgotten");
    if (core.ending() && !ending_) {
        ended_by_ = core.ending()->by;
        needed_.clear();
        if (ended_by_ != 0 && core.find(ended_by_)) note_needed(core);
    }
    ending_ = core.ending().has_value();
}

std::set<ResourceKey> ResourceRules::reach(const Resources& core, ResourceKey from, bool below) const {
    std::set<ResourceKey> found{from};
    std::vector<ResourceKey> next{from};
    while (!next.empty()) {
        const Resource& resource = *core.find(next.back());
        next.pop_back();
        for (const Resource* other : beside(core, resource, below)) {
            if (found.insert(other->key).second) next.push_back(other->key);
        }
    }
    return found;
}

std::set<ResourceKey> ResourceRules::tree_of(const Resources& core, ResourceKey of) const {
    std::set<ResourceKey> tree;
    for (const ResourceKey top : reach(core, of, false)) tree.merge(reach(core, top, true));
    return tree;
}

// What others, in service or to be, need of it now.
void ResourceRules::note_needed(const Resources& core) {
    const auto tree = tree_of(core, ended_by_);
    for (const ResourceKey key : core.resources()) {
        const Resource& other = *core.find(key);
        const bool stays = (is_in(other) || other.goal == Goal::in) && !leaves(other);
        if (!tree.contains(key) && stays) needed_.merge(reach(core, key, true));
    }
}

// With on_failure=exit, shutdown the whole tree goes, but what others needed when it failed.
void ResourceRules::judge_end(const Resources& core) {
    if (ended_by_ == 0 || !core.find(ended_by_)) return;
    note_needed(core);
    for (const ResourceKey key : tree_of(core, std::exchange(ended_by_, 0))) {
        const Resource& one = *core.find(key);
        const bool found = one.reason.starts_with("Check says");  // in service by itself
        if (!needed_.contains(key) && is_in(one) && !found) fail(fmt::format("6: pcheck ends, and {} of the tree stands", shown(one)));
    }
}

void ResourceRules::adopted(const Resources& before) {
    waiting_.clear();  // the edge answers them: interrupted
    ending_ = before.ending().has_value();
    for (auto& [tag, past] : past_) past.ordered = past.failed = false;
    for (const ResourceKey key : before.resources()) {
        const Resource& resource = *before.find(key);
        past_[resource.definition.tag].ordered = resource.goal == Goal::recover && resource.ordered;
    }
}

void ResourceRules::at_rest(const Resources& core) {
    for (const ResourceKey key : core.resources()) {
        const Resource& resource = *core.find(key);
        const bool still = resource.goal == Goal::none && resource.step == Step::none && (!resource.run || is_check(resource.run->script));
        if (!still) fail(fmt::format("5: {} does not come to rest", shown(resource)));
    }
    if (core.ending()) fail("5: the end does not come");
    if (!waiting_.empty()) fail(fmt::format("4: order {} is never answered", *waiting_.begin()));
}

}  // namespace banken::core
