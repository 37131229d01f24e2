// SPDX-License-Identifier: Apache-2.0
#include "tests/fake/resource_coverage.hpp"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <span>

namespace banken::core {
namespace {

using Script = ResourceScript;

// '.': met often; 'x': cannot happen.
struct Line {
    std::string_view name, cells;
};
constexpr std::array generic_columns{"OSU", "OSF", "ISP", "restoring", "checking", "recovering", "removing", "paused"};
constexpr std::array generic_lines{
    Line{"order check", "........"},
    Line{"order recover", "........"},
    Line{"event", "........"},
    Line{"order clear", "........"},
    Line{"order start", "........"},
    Line{"order stop", "........"},
    Line{"order restore", "........"},
    Line{"order remove", "........"},
    Line{"shutdown remove", "........"},
    Line{"interval due", "xx.x.xxx"},
    Line{"script 0",
         "xxx...."
         "x"},
    Line{"script other", "xxx....x"},
    Line{"script time-out", "xxx....x"},
    Line{"script gone", "xxx....x"},
    Line{"adopted", "........"},
    Line{"reload changed", "........"},
    Line{"reload removed", "........"},
};
constexpr std::array cmdline_columns{"Unknown", "Offline", "Wait+", "Online", "Standby", "Wait-", "Faulted", "OfflineFault", "Deact"};
constexpr std::array cmdline_lines{
    Line{"Check Online", "........."},    Line{"Check Offline", "........."},  Line{"Check Faulted", "........."},
    Line{"Check Standby", "........."},   Line{"Check Warning", "........."},  Line{"Check OfflineFault", "........."},
    Line{"Check Unknown", "........."},   Line{"Check hung", "........."},     Line{"Start 0", "xx.xxxxxx"},
    Line{"Start other", "xx.xxxxxx"},     Line{"Stop 0", "xxxxx.xxx"},         Line{"Stop other", "xxxxx.xxx"},
    Line{"order check", "........."},     Line{"order recover", "........."},  Line{"event", "........."},
    Line{"order clear", "........."},     Line{"order start", "........."},    Line{"order stop", "........."},
    Line{"order restore", "........."},   Line{"order standby", "........."},  Line{"order remove", "........."},
    Line{"shutdown remove", "........."}, Line{"script gone", "xx.xx.xxx"},    Line{"adopted", "........."},
    Line{"reload changed", "........."},  Line{"reload removed", "........."},
};

std::size_t generic_column(const Resource& resource) {
    if (resource.run && is_check(resource.run->script)) return 4;
    if (resource.runs(Script::restore)) return 3;
    if (resource.runs(Script::recover)) return 5;
    if (resource.runs(Script::remove)) return 6;
    if (resource.paused) return 7;
    return resource.state == ResourceState::osu ? 0 : resource.state == ResourceState::osf ? 1 : 2;
}

std::size_t cmdline_column(const Resource& resource) {
    if (resource.step == Step::stopping || resource.step == Step::stopped) return 5;
    if (resource.state == ResourceState::wait) return 2;
    if (resource.paused) return 8;
    switch (resource.state) {
        case ResourceState::offline: return 1;
        case ResourceState::online:
        case ResourceState::warning: return 3;
        case ResourceState::standby: return 4;
        case ResourceState::faulted: return 6;
        case ResourceState::offline_fault: return 7;
        case ResourceState::unknown:
        case ResourceState::illstate:
        case ResourceState::isp:
        case ResourceState::isu:
        case ResourceState::osu:
        case ResourceState::osf:
        case ResourceState::wait:
        case ResourceState::deact: break;
    }
    return 0;
}

std::string_view row_of(const Order& order) {
    switch (order.verb) {
        case Verb::check: return "order check";
        case Verb::recover: return "order recover";
        case Verb::event: return "event";
        case Verb::clear: return "order clear";
        case Verb::start: return "order start";
        case Verb::stop: return "order stop";
        case Verb::restore: return "order restore";
        case Verb::standby: return "order standby";
        case Verb::remove: return "order remove";
        case Verb::shutdown: return "shutdown remove";
        case Verb::update:
        case Verb::restart:
        case Verb::reload:
        case Verb::dump:
        case Verb::reexec: break;
    }
    return {};
}

template <class Rows>
std::string table_of(const Rows& rows, std::span<const char* const> columns, std::span<const Line> lines) {
    std::string text = fmt::format("{:<19}", "");
    for (const char* column : columns) text += fmt::format("{:>13}", column);
    for (const Line& line : lines) {
        text += fmt::format("\n{:<19}", line.name);
        const auto row = rows.find(line.name);
        for (std::size_t i = 0; i < columns.size(); ++i) {
            const std::uint64_t met = row == rows.end() ? 0 : row->second[i];
            text += met == 0 && line.cells[i] == 'x' ? fmt::format("{:>13}", 'x') : fmt::format("{:>13}", met);
        }
    }
    return text + "\n";
}

template <class Rows>
void complain(const Rows& rows, std::span<const char* const> columns, std::span<const Line> lines, std::uint64_t least,
              std::vector<std::string>& all) {
    for (const Line& line : lines) {
        const auto row = rows.find(line.name);
        for (std::size_t i = 0; i < columns.size(); ++i) {
            const std::uint64_t met = row == rows.end() ? 0 : row->second[i];
            const bool wrong = line.cells[i] == 'x' ? met > 0 : met < least;
            if (wrong) all.push_back(fmt::format("{} in {}: met {} times", line.name, columns[i], met));
        }
    }
}

}  // namespace

void ResourceCoverage::add(const Resource& resource, std::string_view row) {
    auto& rows = resource.is_generic() ? generic_ : cmdline_;
    if (resource.is_generic() && row == "order standby") return;
    ++rows[std::string(row)][resource.is_generic() ? generic_column(resource) : cmdline_column(resource)];
}

void ResourceCoverage::note(const std::map<ResourceKey, Resource>& before, const Event& event, const Resources& core) {
    for (const auto& [key, resource] : before) {
        if (resource.resource_id == 0) continue;  // removed
        if (const auto* order = std::get_if<Order>(&event)) note_order(resource, *order);
        if (const auto* ended = std::get_if<ScriptEnded>(&event)) note_end(resource, *ended);
        const Resource* after = core.find(key);
        const bool due = after && ((resource.quick_at && resource.quick_at != after->quick_at) ||
                                   (resource.deep_at && resource.deep_at != after->deep_at));
        if (std::holds_alternative<Deadline>(event) && due) add(resource, "interval due");
    }
    if (std::holds_alternative<Reloaded>(event)) note_reload(before, core);
}

void ResourceCoverage::note_order(const Resource& resource, const Order& order) {
    const bool its = order.target == resource.definition.tag || (order.verb == Verb::shutdown && order.remove);
    if (const std::string_view row = row_of(order); its && !row.empty()) add(resource, row);
}

void ResourceCoverage::note_end(const Resource& resource, const ScriptEnded& event) {
    const bool checked = resource.check && resource.check->run == event.run;
    const auto& run = checked ? resource.check : resource.run;
    if (!run || run->run != event.run) return;
    const bool late = run->phase != ResourceRun::Phase::running, good = event.how == ScriptEnded::How::exited && event.status == 0;
    if (resource.is_generic()) return add(resource, late ? "script time-out" : good ? "script 0" : "script other");
    if (!checked)
        return add(resource, fmt::format("{} {}", run->script == Script::start ? "Start" : "Stop", good && !late ? "0" : "other"));
    if (run->unwanted) return;
    const bool exited = event.how == ScriptEnded::How::exited && WIFEXITED(event.status);
    const Report report = exited ? report_of(WEXITSTATUS(event.status), resource.definition.flags.all_exit_codes) : Report::unknown;
    add(resource, late ? std::string("Check hung") : fmt::format("Check {}", text_of(report)));
}

void ResourceCoverage::note_reload(const std::map<ResourceKey, Resource>& before, const Resources& core) {
    for (const auto& [key, resource] : before) {
        if (resource.resource_id == 0) continue;
        const auto listed = core.resources();
        if (std::ranges::find(listed, key) == listed.end())
            add(resource, "reload removed");
        else if (!(core.find(key)->definition == resource.definition))
            add(resource, "reload changed");
    }
}

void ResourceCoverage::note_adoption(const std::vector<Resource>& before, const std::vector<RunId>& live) {
    for (const Resource& resource : before) {
        if (resource.resource_id == 0) continue;
        add(resource, "adopted");
        if (resource.run && std::ranges::find(live, resource.run->run) == live.end()) add(resource, "script gone");
    }
}

std::string ResourceCoverage::table() const {
    return table_of(generic_, generic_columns, generic_lines) + "\n" + table_of(cmdline_, cmdline_columns, cmdline_lines);
}

std::vector<std::string> ResourceCoverage::complaints(std::uint64_t least) const {
    std::vector<std::string> all;
    complain(generic_, generic_columns, generic_lines, least, all);
    complain(cmdline_, cmdline_columns, cmdline_lines, least, all);
    return all;
}

}  // namespace banken::core
