// SPDX-License-Identifier: Apache-2.0
#include "padmin/resource_words.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "common/definition.hpp"
#include "common/sys/clock.hpp"
#include "common/text.hpp"
#include "padmin/resource_outlook.hpp"
#include "padmin/words.hpp"

namespace banken {
namespace {

constexpr std::string_view none = "-----";

std::string_view kind_of(const ResourceRecord& resource) { return resource.kind == 0 ? "generic" : "cmdline"; }

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
    text += line_of("definition", resource.file);
    return text;
}

// A script that runs, or others that are waited for: orders would be refused.
std::vector<std::string> advice_while_busy(const View& view, const ResourceRecord& resource) {
    std::vector<std::string> lines;
    const pid_t pid = resource.run.process.pid;
    if (operates(resource) && pid != 0)
        lines.push_back(fmt::format("ps f -g {0}  what it does; kill -- -{0} ends it, then it has failed", pid));
    if (operates(resource)) return lines;
    for (const ResourceRecord* other : waited_for(view, resource))
        lines.push_back(fmt::format("{} {}  why that is so", command_words(view, "explain"), printable(other->tag)));
    return lines;
}

std::vector<std::string> advice(const View& view, const ResourceRecord& resource) {
    if (operates(resource) || resource.goal != Goal::none) return advice_while_busy(view, resource);
    std::vector<std::string> lines;
    const auto say = [&](std::string_view order, const ResourceRecord& whom, std::string_view what) {
        lines.push_back(fmt::format("{} {}  {}", command_words(view, order), printable(whom.tag), what));
    };
    if (is_dry_run(view)) return lines;
    if (resource.paused) say("start", resource, "ends the pause; it is checked at once");
    for (const ResourceRecord* child : uncleared_below(view, resource))
        say("clear", *child, "when mended: it is needed, and keeps this one from a restore");
    switch (resource.state) {
        case ResourceState::osf: say("clear", resource, "when mended: forgets the failure and its recoveries"); [[fallthrough]];
        case ResourceState::osu:
        case ResourceState::offline: say("restore", resource, "puts it and what it depends on in service"); break;
        case ResourceState::faulted:
        case ResourceState::offline_fault: say("clear", resource, "when mended: runs Stop and forgets the failure; then restore"); break;
        case ResourceState::isp:
        case ResourceState::isu:
        case ResourceState::online:
        case ResourceState::warning:
        case ResourceState::standby:
            if (is_checked(resource) && !resource.paused) say("check", resource, "checks it now");
            say("remove", resource, "takes it and what depends on it out of service");
            break;
        case ResourceState::illstate:
        case ResourceState::unknown:
        case ResourceState::wait:
        case ResourceState::deact: break;
    }
    return lines;
}

}  // namespace

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

Explanation explain(const View& view, const ResourceRecord& resource, const Findings& findings) {
    Explanation explanation;
    const auto add = [&explanation](std::string_view label, std::vector<std::string> lines) {
        if (!lines.empty()) explanation.sections.push_back({label, std::move(lines)});
    };
    std::vector<std::string> state{fmt::format("{} ({}) is {} since {}", printable(resource.tag), kind_of(resource),
                                               text_of(resource.shown), moment_words(view, std::min(resource.since_wall, view.now.wall)))};
    if (resource.paused) state.push_back(pause_words(view, resource.paused_since, resource.paused_until));
    const auto condition = condition_lines(view);
    state.insert(state.end(), condition.begin(), condition.end());
    add("state", std::move(state));
    std::vector<std::string> why;
    if (!resource.reason.empty()) why.push_back(printable(resource.reason));
    if (!is_generic(resource) && resource.report != Report::none)
        why.push_back(fmt::format("Check last said {}", text_of(resource.report)));
    for (const ProcessId& process : resource.unended)
        why.push_back(fmt::format("process {} was killed and is still there: none of its scripts begins beside it", process.pid));
    add("why", std::move(why));
    const bool ended = has_ended(view);
    add("next", ended ? std::vector<std::string>{"nothing: pcheck has ended, and nobody watches it"} : next_words(view, resource));
    add("tree", tree_words(view, resource));
    if (!ended) add("if it failed:", failure_words(view, resource));
    add("output", output_lines(view, findings));
    add("you can", ended ? std::vector{start_words(view) + "  watches again"} : advice(view, resource));
    return explanation;
}

}  // namespace banken
