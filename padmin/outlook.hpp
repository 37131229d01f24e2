// SPDX-License-Identifier: Apache-2.0
// What comes next, and what the limits still allow, in words: the part of `explain` that looks ahead. Pure.
#pragma once

#include <string>
#include <vector>

#include "padmin/forecast.hpp"
#include "padmin/view.hpp"

namespace banken {

// What pcheck does next if nothing new happens, and beside an event that is waited for also the reminder.
[[nodiscard]] std::vector<std::string> next_lines(const View& view, const EntryRecord& entry, const Pent& pent, const Forecast& forecast);
// Restarts used and left, the pace, the time limits, not without a script; what counts as stalled, and what it may use.
[[nodiscard]] std::vector<std::string> limit_lines(const View& view, const EntryRecord& entry, const Pent& pent, const Forecast& forecast);
// When the attempts would begin if each failed at once; of one that runs and has none left, what follows a loss. Nothing where the times are not
// known.
[[nodiscard]] std::vector<std::string> timetable_lines(const View& view, const EntryRecord& entry, const Forecast& forecast);

}  // namespace banken
