// SPDX-License-Identifier: Apache-2.0
#include "padmin/resource_outlook.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "common/definition.hpp"
#include "common/text.hpp"
#include "padmin/words.hpp"

namespace banken {
namespace {

using Lines = std::vector<std::string>;
using Several = std::vector<const ResourceRecord*>;

bool has(const ResourceRecord& resource, ResourceScript script) { return (resource.scripts >> static_cast<unsigned>(script) & 1) != 0; }
bool recovers(const ResourceRecord& resource) {
    return is_generic(resource) ? has(resource, ResourceScript::recover) : resource.auto_recover;
}
ResourceScript script_of(const ResourceRunRecord& run) { return static_cast<ResourceScript>(run.script - 1); }
bool is_leaving(const ResourceRecord& resource) { return resource.goal == Goal::out || resource.goal == Goal::failed; }

bool is_up(const ResourceRecord& resource) { return is_in_service(resource.state, resource.recovering || resource.was_in); }

Several children_of(const View& view, const ResourceRecord& resource) {
    const auto tags = split(resource.depends, ',');
    Several children;
    for (const ResourceRecord& other : view.resources) {
        if (other.resource_id != 0 && std::ranges::find(tags, other.tag) != tags.end()) children.push_back(&other);
    }
    return children;
}

std::unordered_map<std::string_view, Several> parents_by_tag(const View& view) {
    std::unordered_map<std::string_view, Several> parents;
    for (const ResourceRecord& resource : view.resources) {
        for (const std::string_view tag : split(resource.depends, ',')) {
            if (resource.resource_id != 0) parents[tag].push_back(&resource);
        }
    }
    return parents;
}

Several parents_of(const View& view, const ResourceRecord& resource) { return parents_by_tag(view)[resource.tag]; }

// All above it that are up, the next ones first.
Several above(const View& view, const ResourceRecord& resource) {
    auto parents = parents_by_tag(view);
    Several found;
    std::unordered_set<const ResourceRecord*> seen{&resource};
    std::vector<const ResourceRecord*> next{&resource};
    for (std::size_t i = 0; i < next.size(); ++i) {
        for (const ResourceRecord* parent : parents[next[i]->tag]) {
            if (!seen.insert(parent).second) continue;
            next.push_back(parent);
            if (is_up(*parent)) found.push_back(parent);
        }
    }
    return found;
}

std::string tags_of(const Several& resources) {
    Lines tags;
    for (const ResourceRecord* resource : resources) tags.push_back(printable(resource->tag));
    return fmt::format("{}", fmt::join(tags, ", "));
}

std::string tags_and_states_of(const Several& resources) {
    Lines words;
    for (const ResourceRecord* resource : resources)
        words.push_back(fmt::format("{} ({})", printable(resource->tag), text_of(resource->shown)));
    return fmt::format("{}", fmt::join(words, ", "));
}

std::string after_words(const View& view, const ResourceRecord& resource) {
    const Several others = waited_for(view, resource);
    return others.empty() ? std::string() : ", after " + tags_of(others);
}

std::string goal_words(const View& view, const ResourceRecord& resource) {
    const std::string after = after_words(view, resource);
    switch (resource.goal) {
        case Goal::in: return "it is put in service" + after;
        case Goal::out: return "it is taken out of service" + after;
        case Goal::failed: return "it has failed and is taken out of service" + after;
        case Goal::recover: return "its recovery begins";
        case Goal::none: break;
    }
    return {};
}

std::string run_words(const View& view, const ResourceRunRecord& run) {
    std::string line = fmt::format("{} runs", script_words(run));
    if (run.process.pid != 0) line += fmt::format(" as process {}", run.process.pid);
    line += fmt::format(" since {}", moment_words(view, run.begun));
    if (run.ending != EndingPhase::none) return line + ", and is being ended";
    if (run.deadline) return line + fmt::format("; {} it is ended", moment_words(view, *run.deadline));
    return line + "; it has no time limit";
}

std::string_view deadline_action(const ResourceRunRecord& run) {
    if (run.ending == EndingPhase::asked) return "kill_script";
    if (run.ending == EndingPhase::killed) return "give_up";
    return is_check(script_of(run)) ? "check_limit" : "script_limit";
}

std::string sign_words(const ResourceRecord& resource) {
    const std::string_view what = is_generic(resource) ? "checks of a kind" : "reports of Check";
    if (resource.check_failures <= 1) return is_generic(resource) ? "a bad check" : "Offline or Faulted said by Check";
    return fmt::format("{} bad {} in a row ({} so far)", resource.check_failures, what, std::max(resource.bad_quick, resource.bad_deep));
}

// "at most 2 in 1 h, 1 left"
std::string limit_words(const View& view, const ResourceRecord& resource) {
    const auto left = recoveries_left(view, resource);
    if (resource.recover_count > 0)
        return fmt::format(" (at most {} in {}, {} left)", resource.recover_count, span_words(resource.recover_period), left.value_or(0));
    return left ? " (once, until `clear` or a start by order)" : "";
}

std::string on_failure_words(const View& view, const ResourceRecord& resource, bool cut_off) {
    const Several needing = above(view, resource);
    const std::string with = needing.empty() ? "" : fmt::format(", {} before it", tags_of(needing));
    switch (cut_off ? OnFailure::continue_ : static_cast<OnFailure>(std::min(resource.on_failure, 2u))) {
        case OnFailure::continue_: return fmt::format("it is taken out of service{}; all others go on", with);
        case OnFailure::exit:
        case OnFailure::shutdown: break;
    }
    const int status = resource.on_failure == static_cast<std::uint32_t>(OnFailure::exit) ? 1 : 0;
    return fmt::format("its whole tree is taken out of service, then pcheck ends with status {}", status);
}

// What is tried first; empty: nothing.
std::string recovery_words(const View& view, const ResourceRecord& resource) {
    if (!recovers(resource)) return {};
    const std::string_view what = is_generic(resource) ? "recover runs" : "Start runs once more";
    return fmt::format("{}{}", what, limit_words(view, resource));
}

}  // namespace

bool is_checked(const ResourceRecord& resource) {
    if (!is_generic(resource)) return has(resource, ResourceScript::check) && !resource.null_detector;
    return (has(resource, ResourceScript::quick_check) && resource.quick_interval > Duration{}) ||
           (has(resource, ResourceScript::deep_check) && resource.deep_interval > Duration{});
}

bool operates(const ResourceRecord& resource) { return resource.run.script != 0 && !is_check(script_of(resource.run)); }

std::vector<const ResourceRecord*> waited_for(const View& view, const ResourceRecord& resource) {
    if (resource.goal == Goal::none || resource.goal == Goal::recover) return {};
    Several others = resource.goal == Goal::in ? children_of(view, resource) : parents_of(view, resource);
    std::erase_if(others, [&](const ResourceRecord* other) {
        if (resource.goal == Goal::in) return is_up(*other) && !is_leaving(*other) && !other->recovering && other->goal != Goal::recover;
        return !is_up(*other) && !is_leaving(*other) && other->run.script == 0;
    });
    return others;
}

std::vector<const ResourceRecord*> uncleared_below(const View& view, const ResourceRecord& resource) {
    Several children = is_up(resource) ? Several() : children_of(view, resource);
    std::erase_if(children, [](const ResourceRecord* child) {
        return child->state != ResourceState::faulted && child->state != ResourceState::offline_fault;
    });
    return children;
}

std::string script_words(const ResourceRunRecord& run) {
    if (run.script == 0 || run.script > resource_scripts) return {};
    return std::string(text_of(script_of(run)));
}

// Of kind generic no check begins beside another script, nor while a goal is waited for.
std::optional<Instant> next_check_of(const ResourceRecord& resource) {
    std::optional<Instant> next;
    if (is_generic(resource) ? resource.goal != Goal::none || resource.run.script != 0 : resource.check.script != 0) return next;
    for (const auto& at : {resource.quick_at, resource.deep_at, resource.tick_at}) {
        if (at && (!next || *at < *next)) next = at;
    }
    return next;
}

std::optional<unsigned> recoveries_left(const View& view, const ResourceRecord& resource) {
    if (!recovers(resource)) return 0;
    if (resource.recover_count > 0) {
        const auto counts =
            std::ranges::count_if(resource.recoveries, [&](Instant begun) { return begun > view.now.instant - resource.recover_period; });
        return resource.recover_count - std::min<unsigned>(resource.recover_count, static_cast<unsigned>(counts));
    }
    if (is_generic(resource)) return std::nullopt;
    return resource.autorecovered ? 0 : 1;
}

ResourceNext next_of(const View& view, const ResourceRecord& resource) {
    if (has_ended(view)) return {"none", {}};
    ResourceNext next;
    const auto consider = [&next](std::string_view action, const std::optional<Instant>& at) {
        if (at && (!next.at || *at < *next.at)) next = {action, at};
    };
    for (const auto* run : {&resource.run, &resource.check}) {
        if (!script_words(*run).empty()) consider(deadline_action(*run), run->deadline);
    }
    consider("confirm_deadline", resource.wait_at);
    consider("resume", resource.paused_until);
    consider("check", next_check_of(resource));
    if (next.at) return next;
    if (resource.run.script != 0 || resource.check.script != 0) return {"script_end", {}};
    if (resource.goal != Goal::none) return {"resources", {}};
    return {resource.paused || !is_up(resource) ? "order" : "none", {}};
}

std::vector<std::string> next_words(const View& view, const ResourceRecord& resource) {
    Lines lines;
    if (!script_words(resource.run).empty()) lines.push_back(run_words(view, resource.run));
    if (!script_words(resource.check).empty()) lines.push_back(run_words(view, resource.check));
    if (const std::string goal = goal_words(view, resource); !operates(resource) && !goal.empty()) lines.push_back(goal);
    const bool goes_now = script_of(resource.run) == ResourceScript::remove || script_of(resource.run) == ResourceScript::stop;
    const bool goes_then = operates(resource) && is_leaving(resource) && !goes_now;
    if (goes_then) lines.emplace_back("then it is taken out of service");
    if (resource.wait_at)
        lines.push_back(fmt::format("Check has until {} to agree, else it has failed", moment_words(view, *resource.wait_at)));
    if (resource.paused_until) lines.push_back(fmt::format("{} its pause ends", moment_words(view, *resource.paused_until)));
    if (const auto check = next_check_of(resource)) lines.push_back(fmt::format("{} it is checked", moment_words(view, *check)));
    if (lines.empty()) lines.emplace_back(resource.paused ? "nothing: it is paused" : "nothing by itself");
    if (view.header.ending != ResourceEnd::no) lines.emplace_back("pcheck ends when all that are to be taken out of service are out");
    return lines;
}

std::vector<std::string> tree_words(const View& view, const ResourceRecord& resource) {
    Lines lines;
    if (const Several children = children_of(view, resource); !children.empty()) lines.push_back("needs " + tags_and_states_of(children));
    if (const Several parents = parents_of(view, resource); !parents.empty()) lines.push_back("needed by " + tags_and_states_of(parents));
    return lines;
}

std::vector<std::string> failure_words(const View& view, const ResourceRecord& resource) {
    if (!is_up(resource) || resource.goal != Goal::none || resource.paused || resource.state == ResourceState::wait) return {};
    if (is_dry_run(view)) return {};
    if (!is_checked(resource)) return {"nobody would notice: no check of it is run"};
    if (resource.monitor_only) return {fmt::format("{} is only told (MONITORONLY)", sign_words(resource))};
    const bool cut_off = resource.state == ResourceState::standby;
    const std::string recovery = cut_off ? std::string() : recovery_words(view, resource);
    const std::string after = on_failure_words(view, resource, cut_off);
    if (recovery.empty()) return {fmt::format("{}: {}", sign_words(resource), after)};
    if (recoveries_left(view, resource) == 0u)
        return {fmt::format("{}: no recovery is left{}, so {}", sign_words(resource), limit_words(view, resource), after)};
    return {fmt::format("{}: {}", sign_words(resource), recovery), fmt::format("if that fails: {}", after)};
}

}  // namespace banken
