// SPDX-License-Identifier: Apache-2.0
// The states of a resource and the words for them (spec/resources.md): the same in pcheck, in the segment and in padmin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace banken {

// generic has the first five, cmdline the others. The numbers stand in the segment and never change.
enum class ResourceState : std::uint8_t {
    illstate,  // not looked at yet
    isp,       // in service, protected
    isu,       // in service, unprotected: being removed, or (shown) paused
    osu,       // out of service
    osf,       // out of service, failed
    unknown,
    wait,  // going Online, Standby or Offline
    offline,
    online,
    standby,
    faulted,
    offline_fault,  // Offline, and its fault is not cleared
    warning,        // Online with a warning
    deact,          // only shown: paused
};
inline constexpr std::size_t resource_states = static_cast<std::size_t>(ResourceState::deact) + 1;
// "ISP", "OfflineFault".
[[nodiscard]] std::string_view text_of(ResourceState state);
// OSF, Faulted, OfflineFault.
[[nodiscard]] constexpr bool is_failed(ResourceState state) {
    return state == ResourceState::osf || state == ResourceState::faulted || state == ResourceState::offline_fault;
}
// It, or what it protects, may be up. `wait_counts`: of Wait, whether it was in service when that began, or is being recovered.
[[nodiscard]] bool is_in_service(ResourceState state, bool wait_counts);
// As text_of() writes it, letter case aside.
[[nodiscard]] std::optional<ResourceState> resource_state_of(std::string_view word);

// What is wanted of a resource and not reached yet.
enum class Goal : std::uint8_t { none, in, out, failed, recover };
[[nodiscard]] std::string_view text_of(Goal goal);

// What a cmdline Check says.
enum class Report : std::uint8_t { none, online, offline, faulted, standby, warning, offline_fault, unknown };
inline constexpr std::size_t reports = static_cast<std::size_t>(Report::unknown) + 1;
// "Online", "NoReport": HV_LAST_DET_REPORT.
[[nodiscard]] std::string_view text_of(Report report);
// Of its exit status (reference/primecluster.md, 2.1).
[[nodiscard]] Report report_of(int exit_status, bool all_exit_codes);

}  // namespace banken
