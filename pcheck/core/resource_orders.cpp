// SPDX-License-Identifier: Apache-2.0
// Orders for resources, answered at once: they only set goals. `shutdown remove` alone is answered at the end.
#include <algorithm>

#include "common/exit_code.hpp"
#include "common/text.hpp"
#include "pcheck/core/resources.hpp"

namespace banken::core {

void Resources::answer(OrderId order, int exit_status, std::string text) {
    if (order != 0) emit(Answer{order, exit_status, std::move(text)});
}

void Resources::refuse(const Resource& resource, const Order& order, std::string_view why) {
    answer(order.id, number_of(ExitCode::refused), fmt::format("{}: {}", resource.definition.tag, why));
}

// What it is busy with, and since when; empty: nothing but a check.
std::string Resources::occupation(const Resource& resource) const {
    const auto seconds = [this](Instant since) { return std::chrono::duration_cast<std::chrono::seconds>(now_.instant - since).count(); };
    if (resource.run && !is_check(resource.run->script))
        return fmt::format("its {} has been running for {}s", text_of(resource.run->script), seconds(resource.run->begun));
    if (resource.goal == Goal::none) return {};
    return fmt::format("it has had the goal {} for {}s", text_of(resource.goal), seconds(resource.goal_since));
}

void Resources::on(const Order& order) {
    if (order.verb == Verb::shutdown) return order.remove ? order_shutdown_remove(order) : void();  // else left_behind()
    const auto found = by_tag_.find(order.target);
    if (found == by_tag_.end()) return answer(order.id, number_of(ExitCode::no_such_entry), "no resource " + quoted(order.target));
    Resource& resource = at(found->second);
    switch (order.verb) {
        case Verb::restore:
        case Verb::standby: return order_restore(resource, order);
        case Verb::remove: return order_remove(resource, order);
        case Verb::check: return order_check(resource, order);
        case Verb::recover: return order_recover(resource, order);
        case Verb::clear: return order_clear(resource, order);
        case Verb::update: return order_update(resource, order);
        case Verb::event: return order_event(resource, order);
        case Verb::stop: return order_stop(resource, order);
        case Verb::start: resume_and_tell(resource); return answer(order.id);
        case Verb::restart: return refuse(resource, order, "restart is for entries: remove and restore, or recover");
        case Verb::reload:
        case Verb::dump:
        case Verb::reexec:
        case Verb::shutdown: return;
    }
}

void Resources::order_restore(Resource& resource, const Order& order) {
    const bool standby = order.verb == Verb::standby;
    if (ending_) return refuse(resource, order, "pcheck is ending");
    if (dry_run_) return refuse(resource, order, "nothing is run with --dry-run");
    if (standby && !resource.definition.flags.standby_capable) return refuse(resource, order, "it is not STANDBYCAPABLE");
    if (resource.is_leaving()) return refuse(resource, order, occupation(resource));
    if (resource.in_service() && (standby || resource.state != ResourceState::standby)) {
        if (standby) return refuse(resource, order, fmt::format("it is {}", text_of(resource.shown())));
        if (resource.paused) resume_and_tell(resource);
        return answer(order.id, 0, fmt::format("{} is in service", resource.definition.tag));
    }
    if (const std::string busy = occupation(resource); !busy.empty() || resource.coming_in())
        return refuse(resource, order, busy.empty() ? resource.reason : busy);
    if (const std::string why = restore_refusal(resource, standby); !why.empty()) return refuse(resource, order, why);
    restore(resource, standby);
    answer(order.id);
}

void Resources::order_remove(Resource& resource, const Order& order) {
    if (dry_run_) return refuse(resource, order, "nothing is run with --dry-run");
    if (resource.is_leaving()) return answer(order.id, 0, fmt::format("{} is being removed", resource.definition.tag));
    const Keys parents = above(resource.key);
    const bool needed = std::ranges::any_of(parents, [this](ResourceKey key) { return at(key).in_service() || at(key).coming_in(); });
    if (resource.is_removed() && !needed && resource.goal == Goal::none && occupation(resource).empty())
        return answer(order.id, 0, fmt::format("{} is out of service", resource.definition.tag));
    remove(resource, Goal::out, OfflineReason::stop);
    answer(order.id);
}

void Resources::order_check(Resource& resource, const Order& order) {
    const Definition& definition = resource.definition;
    const bool generic = resource.is_generic();
    const bool has_quick = definition.has(ResourceScript::quick_check), has_deep = definition.has(ResourceScript::deep_check);
    const bool able =
        generic ? (has_quick && !order.deep) || has_deep : definition.has(ResourceScript::check) && !definition.flags.null_detector;
    if (!able) return refuse(resource, order, order.deep && generic ? "it has no deepCheck" : "it has no check");
    if (dry_run_) return refuse(resource, order, "nothing is run with --dry-run");
    if (const std::string busy = occupation(resource); generic && !busy.empty()) return refuse(resource, order, busy);
    if (generic && (resource.state != ResourceState::isp || resource.paused))
        return refuse(resource, order, fmt::format("it is {}", text_of(resource.shown())));
    if (resource.checks_run() || resource.check) {  // it joins the one that runs
        if (order.deep && resource.run && resource.run->script == ResourceScript::quick_check) resource.deep_follows = true;
        return answer(order.id);
    }
    if (!resource.unended.empty() || has_hidden(resource)) return refuse(resource, order, "a script of it cannot be ended");
    if (generic && order.deep)
        begin_check(resource, ResourceScript::deep_check);
    else if (generic)
        check_at_once(resource);
    else
        (void)run(resource, ResourceScript::check);
    answer(order.id);
}

// Why it cannot be recovered now, its script aside; empty: it can.
std::string Resources::recover_refusal(const Resource& resource) const {
    if (std::string busy = occupation(resource); !busy.empty()) return busy;
    const bool in =
        resource.state == ResourceState::isp || resource.state == ResourceState::online || resource.state == ResourceState::warning;
    if (!in || resource.step != Step::none) return fmt::format("it is {}", text_of(resource.shown()));
    if (resource.paused) return "it is paused";
    return {};
}

void Resources::order_recover(Resource& resource, const Order& order) {
    if (dry_run_) return refuse(resource, order, "nothing is run with --dry-run");
    const bool joins = resource.is_generic() && resource.is_recovering() && !resource.is_leaving() && !resource.paused;
    if (joins) return answer(order.id);
    if (const std::string why = recover_refusal(resource); !why.empty()) return refuse(resource, order, why);
    if (resource.is_generic() && !resource.definition.has(ResourceScript::recover))
        return refuse(resource, order, "it has no recover script");
    if (blocked(resource)) return refuse(resource, order, "a script of it cannot be ended");
    resource.ordered = true;
    set_goal(resource, Goal::recover);
    answer(order.id);
}

// As with entries: 0 a recovery begins, 1 it is handled, but none begins, 4 nobody handles it.
void Resources::order_event(Resource& resource, const Order& order) {
    const auto& handled = resource.definition.events;
    if (!handled.empty() && std::ranges::find(handled, order.event) == handled.end())
        return answer(order.id, number_of(ExitCode::no_such_entry),
                      fmt::format("{} does not handle {}", resource.definition.tag, order.event));
    if (ending_) return refuse(resource, order, "pcheck is ending");
    if (const std::string busy = recover_refusal(resource); !busy.empty()) return refuse(resource, order, busy);
    const std::string why = "event " + order.event;
    Message line = messages::resource_state({resource.definition.tag}, text_of(resource.shown()), why, false);
    log(line);  // nothing else tells who asked
    if (resource.definition.flags.monitor_only) {
        if (!std::exchange(resource.told_report, true)) raise("state", std::move(line));
        resource.reason = why;
        touch(resource);
        return refuse(resource, order, "it is only watched (MONITORONLY)");
    }
    recover(resource, why);
    if (resource.goal == Goal::recover) return answer(order.id, 0, fmt::format("{}: recovery was begun", resource.definition.tag));
    refuse(resource, order, "it has no recovery left and is taken out of service");
}

void Resources::order_clear(Resource& resource, const Order& order) {
    const bool at_work = resource.is_generic() ? resource.run && !is_check(resource.run->script) : resource.state == ResourceState::wait;
    if (at_work || resource.is_leaving())
        return refuse(resource, order, occupation(resource).empty() ? resource.reason : occupation(resource));
    const bool stops = resource.state == ResourceState::faulted || resource.state == ResourceState::offline_fault;
    if (stops && dry_run_) return refuse(resource, order, "nothing is run with --dry-run");
    resource.bad_quick = resource.bad_deep = 0;
    resource.recoveries.clear();
    resource.autorecovered = false;
    touch(resource);
    if (stops) {
        resource.fault = false;
        resource.failure.clear();
        take_out(resource, Goal::out, OfflineReason::stop);
    }
    if (resource.state == ResourceState::osf && resource.goal == Goal::none) {
        resource.fault = false;
        resource.failure.clear();
        set_state(resource, ResourceState::osu, "cleared");
    }
    answer(order.id);
}

void Resources::order_update(Resource& resource, const Order& order) {
    if (!resource.definition.copy) return refuse(resource, order, "its scripts are not copied (copy=no)");
    emit(CopyScripts{resource.key, order.id});
}

void Resources::order_stop(Resource& resource, const Order& order) {
    pause(resource, order.duration);
    log(messages::monitoring(false, {resource.definition.tag}));
    answer(order.id);
}

// A script in progress goes on, a check is ended, and so is a recovery that has not begun.
void Resources::pause(Resource& resource, std::optional<Duration> duration) {
    touch(resource);
    resource.paused_until = duration ? std::optional(now_.instant + *duration) : std::nullopt;
    if (resource.paused) return;
    resource.paused_since = now_.wall;
    set_paused(resource, true);
    rest_checks(resource);
    if (resource.goal == Goal::recover) set_goal(resource, Goal::none);
    auto& check = resource.is_generic() ? resource.run : resource.check;
    if (!check || !is_check(check->script) || resource.step != Step::none) return;
    check->unwanted = true;
    end(resource, *check);
}

// Checked at once, and judged by its state.
void Resources::resume(Resource& resource) {
    touch(resource);
    resource.paused_until.reset();
    if (!resource.paused) return;
    set_paused(resource, false);
    const Definition& definition = resource.definition;
    if (!resource.is_generic()) return ask_check(resource);
    arm_checks(resource);
    check_at_once(resource);
    const bool unjudged = resource.state == ResourceState::isp && resource.goal == Goal::none && !resource.failure.empty();
    const bool has_check = definition.has(ResourceScript::quick_check) || definition.has(ResourceScript::deep_check);
    if (unjudged && !has_check) failed(resource, resource.failure, definition.on_failure);
}

void Resources::resume_and_tell(Resource& resource) {
    resume(resource);
    log(messages::monitoring(true, {resource.definition.tag}));
}

std::vector<Action> Resources::pause_all(std::optional<Duration> duration, Now now) {
    now_ = now;
    for (const ResourceKey key : order_) pause(at(key), duration);
    return finish_step();
}

std::vector<Action> Resources::resume_all(Now now) {
    now_ = now;
    for (const ResourceKey key : order_) resume(at(key));
    return finish_step();
}

void Resources::order_shutdown_remove(const Order& order) {
    if (ending_ && ending_->order != 0) return answer(order.id, number_of(ExitCode::refused), "pcheck is ending");
    if (dry_run_) return emit(EndAfterRemove{0, "order", order.id});
    if (ending_) {
        ending_->order = order.id;
    } else {
        ending_ = ResourceEnding{.exit_status = 0, .reason = "order", .order = order.id, .stay = 0, .by = 0};
    }
    remove_all();
}

// REMOVE of all.
void Resources::remove_all() {
    for (const ResourceKey key : order_) {
        Resource& resource = at(key);
        if (resource.is_leaving()) continue;
        take_out(resource, resource.is_removed() ? Goal::none : Goal::out, OfflineReason::shut);
    }
}

}  // namespace banken::core
