// SPDX-License-Identifier: Apache-2.0
#include "common/resource_state.hpp"

#include <algorithm>
#include <array>

#include "common/text.hpp"

namespace banken {
namespace {

constexpr std::array<std::string_view, resource_states> state_words{"ILLSTATE", "ISP",          "ISU",     "OSU",    "OSF",
                                                                    "Unknown",  "Wait",         "Offline", "Online", "Standby",
                                                                    "Faulted",  "OfflineFault", "Warning", "Deact"};
constexpr std::array<std::string_view, 5> goal_words{"none", "in", "out", "failed", "recover"};
constexpr std::array<std::string_view, reports> report_words{"NoReport", "Online",  "Offline",      "Faulted",
                                                             "Standby",  "Warning", "OfflineFault", "Unknown"};

}  // namespace

std::string_view text_of(ResourceState state) { return state_words[static_cast<std::size_t>(state)]; }

bool is_in_service(ResourceState state, bool wait_counts) {
    switch (state) {
        case ResourceState::isp:
        case ResourceState::isu:
        case ResourceState::online:
        case ResourceState::warning:
        case ResourceState::standby: return true;
        case ResourceState::wait: return wait_counts;
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

std::optional<ResourceState> resource_state_of(std::string_view word) {
    const auto found = std::ranges::find(state_words, lower_case(word), [](std::string_view name) { return lower_case(name); });
    if (found == state_words.end()) return std::nullopt;
    return static_cast<ResourceState>(found - state_words.begin());
}

std::string_view text_of(Goal goal) { return goal_words[static_cast<std::size_t>(goal)]; }

std::string_view text_of(Report report) { return report_words[static_cast<std::size_t>(report)]; }

Report report_of(int exit_status, bool all_exit_codes) {
    if (!all_exit_codes) return exit_status == 0 ? Report::online : Report::offline;
    constexpr std::array by_code{Report::online,  Report::offline, Report::faulted,      Report::unknown,
                                 Report::standby, Report::warning, Report::offline_fault};
    const auto code = static_cast<std::size_t>(exit_status);
    return code < by_code.size() ? by_code[code] : Report::unknown;
}

}  // namespace banken
