// SPDX-License-Identifier: Apache-2.0
// The states of a PENT entry and their words (spec/state-table.md): the core decides them, the segment carries them, padmin prints them.
// The numbers are part of the segment's format: never reordered, new ones only at the end.
#pragma once

#include <cstdint>
#include <string_view>

namespace banken {

enum class EntryState : std::uint8_t { unknown, avail, down, restart, start, stall, retry_over, hold };
inline constexpr std::size_t entry_states = static_cast<std::size_t>(EntryState::hold) + 1;

// Why an entry is DOWN; none in every other state.
enum class EntryWait : std::uint8_t { none, confirm, delay, dependency, slot, group, script, operator_ };
inline constexpr std::size_t entry_waits = static_cast<std::size_t>(EntryWait::operator_) + 1;

// Why the script runs: PCHECK_REASON (spec/pcheck.md, Script environment).
enum class EntryReason : std::uint8_t { none, down, absent, stall, limit, operator_, group };
inline constexpr std::size_t entry_reasons = static_cast<std::size_t>(EntryReason::group) + 1;

// "AVAIL", "RETRY_OVER": proc_sts of `show pent`.
[[nodiscard]] std::string_view text_of(EntryState state);
// "confirm", "operator": waits_for of `show pent -v`; empty for none.
[[nodiscard]] std::string_view text_of(EntryWait wait);
// "down", "operator"; empty for none.
[[nodiscard]] std::string_view text_of(EntryReason reason);

}  // namespace banken
