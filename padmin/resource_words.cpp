// SPDX-License-Identifier: Apache-2.0
#include "padmin/resource_words.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "common/definition.hpp"
#include "common/sys/clock.hpp"
#include "common/text.hpp"
#include "padmin/words.hpp"

namespace banken {
namespace {

constexpr std::string_view none = "-----";

std::string_view kind_of(const ResourceRecord& resource) { return resource.kind == 0 ? "generic" : "cmdline"; }
bool is_generic(const ResourceRecord& resource) { return resource.kind == 0; }

std::string line_of(std::string_view label, std::string_view value) { return fmt::format("{:<15} = {}\n", label, printable(value)); }

std::string time_text(const View& view, const std::optional<Instant>& at) {
    return at ? sys::local_time_text(wall_of(view, *at)) : std::string(none);
}

std::string or_none(const std::string& text) { return text.empty() ? std::string(none) : text; }

std::string ours(const View& view, const ResourceRecord& resource) {
    std::string text = line_of("state_since", sys::local_time_text(resource.since_wall));
    if (resource.goal != Goal::none) text += line_of("goal", text_of(resource.goal));
    if (!is_generic(resource)) text += line_of("report", text_of(resource.report));
    for (const auto* run : {&resource.run, &resource.check}) {
        if (run->script == 0) continue;
        text += line_of("script", script_words(*run));
        if (run->process.pid != 0) text += line_of("script_pid", std::to_string(run->process.pid));
        if (run->deadline) text += line_of("script_limit", time_text(view, run->deadline));
    }
    for (const ProcessId& process : resource.unended) text += line_of("not_ended", std::to_string(process.pid));
    text += line_of("monitor_sts", resource.paused ? "off" : "on");
    if (resource.paused_until) text += line_of("paused_until", time_text(view, resource.paused_until));
    return text;
}

// What it waits for: those above or below it that a goal of its own, or of theirs, concerns.
std::vector<std::string> others_with(const View& view, Goal goal, const ResourceRecord& but) {
    std::vector<std::string> tags;
    for (const ResourceRecord& other : view.resources) {
        if (other.resource_id != 0 && other.goal == goal && other.key != but.key) tags.push_back(printable(other.tag));
    }
    return tags;
}

std::string goal_words(const View& view, const ResourceRecord& resource) {
    const auto behind = [&](Goal goal) {
        const auto tags = others_with(view, goal, resource);
        return tags.empty() ? std::string() : fmt::format(", after {}", fmt::join(tags, ", "));
    };
    switch (resource.goal) {
        case Goal::in: return "it is put in service" + behind(Goal::in);
        case Goal::out: return "it is taken out of service" + behind(Goal::out);
        case Goal::failed: return "it has failed and is taken out of service" + behind(Goal::out);
        case Goal::recover: return "its recovery begins";
        case Goal::none: break;
    }
    return {};
}

std::vector<std::string> next_words(const View& view, const ResourceRecord& resource) {
    std::vector<std::string> lines;
    const auto at = [&](const Instant& instant) { return moment_words(view, instant); };
    if (resource.run.script != 0) {
        std::string line = fmt::format("{} runs", script_words(resource.run));
        if (resource.run.process.pid != 0) line += fmt::format(" as process {}", resource.run.process.pid);
        line += fmt::format(" since {}", at(resource.run.begun));
        if (resource.run.ending != EndingPhase::none)
            line += ", and is being ended";
        else if (resource.run.deadline)
            line += fmt::format("; {} it is ended", at(*resource.run.deadline));
        else
            line += "; it has no time limit";
        lines.push_back(line);
    } else if (const std::string goal = goal_words(view, resource); !goal.empty()) {
        lines.push_back(goal);
    }
    if (resource.wait_at) lines.push_back(fmt::format("Check has until {} to agree, else it has failed", at(*resource.wait_at)));
    if (resource.paused_until) lines.push_back(fmt::format("{} its pause ends", at(*resource.paused_until)));
    if (const auto check = next_check_of(resource)) lines.push_back(fmt::format("{} it is checked", at(*check)));
    if (lines.empty()) lines.push_back(resource.paused ? "nothing: it is paused" : "nothing by itself");
    return lines;
}

std::vector<std::string> advice(const View& view, const ResourceRecord& resource) {
    std::vector<std::string> lines;
    const auto say = [&](std::string_view order, std::string_view what) {
        lines.push_back(fmt::format("{} {}  {}", command_words(view, order), printable(resource.tag), what));
    };
    if (resource.paused) say("start", "ends the pause; it is checked at once");
    switch (resource.shown) {
        case ResourceState::osf: say("clear", "when mended: forgets the failure"); [[fallthrough]];
        case ResourceState::osu:
        case ResourceState::offline: say("restore", "puts it and what it depends on in service"); break;
        case ResourceState::faulted:
        case ResourceState::offline_fault: say("clear", "when mended: runs Stop and forgets the failure; then restore"); break;
        case ResourceState::isp:
        case ResourceState::online:
        case ResourceState::warning:
        case ResourceState::standby:
            say("check", "checks it now");
            say("remove", "takes it and what depends on it out of service");
            break;
        case ResourceState::illstate:
        case ResourceState::isu:
        case ResourceState::unknown:
        case ResourceState::wait:
        case ResourceState::deact: break;
    }
    return lines;
}

}  // namespace

std::string script_words(const ResourceRunRecord& run) {
    if (run.script == 0 || run.script > resource_scripts) return {};
    return std::string(text_of(static_cast<ResourceScript>(run.script - 1)));
}

std::optional<Instant> next_check_of(const ResourceRecord& resource) {
    std::optional<Instant> next;
    for (const auto& at : {resource.quick_at, resource.deep_at, resource.tick_at}) {
        if (at && (!next || *at < *next)) next = at;
    }
    return next;
}

std::string resource_text(const View& view, std::span<const ResourceRecord* const> resources, bool verbose) {
    std::string text;
    for (const ResourceRecord* resource : resources) {
        if (!text.empty()) text += '\n';
        text += line_of("tag", resource->tag);
        text += line_of("kind", kind_of(*resource));
        text += line_of("state", text_of(resource->shown));
        text += line_of("reason", or_none(resource->reason));
        text += line_of("depends", or_none(resource->depends));
        text += line_of("last_check", or_none(resource->last_check));
        text += line_of("check_count", std::to_string(resource->checks));
        text += line_of("fail_count", std::to_string(resource->bad_checks));
        text += line_of("recover_count", std::to_string(resource->recovered));
        text += line_of("next_check", time_text(view, next_check_of(*resource)));
        if (verbose) text += ours(view, *resource);
    }
    return text;
}

Explanation explain(const View& view, const ResourceRecord& resource) {
    Explanation explanation;
    const auto add = [&explanation](std::string_view label, std::vector<std::string> lines) {
        if (!lines.empty()) explanation.sections.push_back({label, std::move(lines)});
    };
    std::string state = fmt::format("{} ({}) is {} since {}", printable(resource.tag), kind_of(resource), text_of(resource.shown),
                                    sys::local_time_text(resource.since_wall));
    if (resource.paused) state += ", paused";
    add("state", {state});
    std::vector<std::string> why;
    if (!resource.reason.empty()) why.push_back(printable(resource.reason));
    if (resource.bad_quick + resource.bad_deep > 0)
        why.push_back(fmt::format("bad checks in a row: {}", std::max(resource.bad_quick, resource.bad_deep)));
    if (!is_generic(resource) && resource.report != Report::none)
        why.push_back(fmt::format("Check last said {}", text_of(resource.report)));
    for (const ProcessId& process : resource.unended)
        why.push_back(fmt::format("process {} was killed and is still there: none of its scripts begins beside it", process.pid));
    add("why", std::move(why));
    const bool ended = has_ended(view);
    add("next", ended ? std::vector<std::string>{"nothing: pcheck has ended, and nobody watches it"} : next_words(view, resource));
    if (!ended) add("you can", advice(view, resource));
    return explanation;
}

}  // namespace banken
