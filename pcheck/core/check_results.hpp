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
    {becomes, tell, note, came_in, becomes, tell, note, note, note, tell, note},                        // online
    {becomes, agree, note, note, fault, fault, note, done, becomes, agree, note},                       // offline
    {initial_fault, becomes, note, start_failed, fault, fault, note, stop_failed, agree, agree, note},  // faulted
    {becomes, tell, note, came_in, fault, agree, note, note, note, note, note},                         // standby
    {becomes, note, note, came_in, becomes, note, note, note, note, note, note},                        // warning
    {becomes, note, note, note, fault, fault, note, done, note, note, note},                            // offline_fault
    {tell, note, note, note, note, note, note, note, note, note, note},                                 // unknown
}};
// Which of the documented rules R1..R9 (reference/primecluster.md, 3.2) says so; 0: none does, the cell is ours.
inline constexpr std::array<std::array<std::uint8_t, stages>, reports> rules{{
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},  // none
    {1, 7, 0, 2, 0, 0, 0, 0, 0, 0, 0},  // online: Start is skipped; shown beside Offline with LIEOFFLINE; Online needs Start and Check
    {0, 0, 0, 2, 4, 0, 0, 0, 0, 0, 0},  // offline: not Online yet; a fault without a request
    {9, 8, 0, 0, 5, 0, 0, 0, 0, 0, 0},  // faulted: initial fault; treated otherwise while it is offline; a fault
    {0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0},  // standby: Standby needs Start and Check
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},  // warning
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},  // offline_fault
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},  // unknown
}};
}  // namespace check_results

[[nodiscard]] constexpr Meaning meaning_of(Report report, Stage stage) {
    return check_results::table[static_cast<std::size_t>(report)][static_cast<std::size_t>(stage)];
}

// 4: R4; 0: ours.
[[nodiscard]] constexpr unsigned rule_of(Report report, Stage stage) {
    return check_results::rules[static_cast<std::size_t>(report)][static_cast<std::size_t>(stage)];
}

}  // namespace banken::core
