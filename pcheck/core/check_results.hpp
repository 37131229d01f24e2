// SPDX-License-Identifier: Apache-2.0
// What a cmdline Check's report means in each stage: the original's table is not public, so it is data here, to be corrected without touching code
// (spec/state-table.md, cmdline; the numbers of the stages are those of reference/primecluster.md, 3.3).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "common/resource_state.hpp"

namespace banken::core {

enum class Stage : std::uint8_t {
    unknown,        // 1
    offline,        // 1, 7
    starting,       // 2
    started,        // 3
    online,         // 4, Warning too
    standby,        // 4
    stopping,       // 5
    stopped,        // 6
    faulted,        // 1, 7
    offline_fault,  // 1, 7
    deact,          // paused, whatever the state below is
};
inline constexpr std::size_t stages = static_cast<std::size_t>(Stage::deact) + 1;

enum class Meaning : std::uint8_t {
    note,           // it is the last report, and nothing else
    agree,          // it is as it is shown
    tell,           // at odds with what is wanted: told once, shown, not acted on
    becomes,        // found in this state
    fault,          // FAULT
    came_in,        // Start is confirmed, if this is what was wanted
    start_failed,   // as a Start that ends badly
    done,           // Offline processing is confirmed
    stop_failed,    // as a Stop that ends badly
    initial_fault,  // found Faulted at the start
};

namespace check_results {
using enum Meaning;
using Row = std::array<Meaning, stages>;
// unknown offline starting started online standby stopping stopped faulted offline_fault deact
inline constexpr std::array<Row, reports> table{{
    {note, note, note, note, note, note, note, note, note, note, note},                                 // none
    {becomes, tell, note, came_in, becomes, tell, note, note, note, tell, note},                        // online: R1, R2
    {becomes, agree, note, note, fault, fault, note, done, becomes, agree, note},                       // offline: R4
    {initial_fault, becomes, note, start_failed, fault, fault, note, stop_failed, agree, agree, note},  // faulted: R5, R9
    {becomes, tell, note, came_in, fault, agree, note, note, note, note, note},                         // standby: R2
    {becomes, note, note, came_in, becomes, note, note, note, note, note, note},                        // warning
    {becomes, note, note, note, fault, fault, note, done, note, note, note},                            // offline_fault
    {tell, note, note, note, note, note, note, note, note, note, note},                                 // unknown
}};
}  // namespace check_results

[[nodiscard]] constexpr Meaning meaning_of(Report report, Stage stage) {
    return check_results::table[static_cast<std::size_t>(report)][static_cast<std::size_t>(stage)];
}

}  // namespace banken::core
