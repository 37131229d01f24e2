// SPDX-License-Identifier: Apache-2.0
// Why an entry is as it is, in words: the part of `explain` that looks back. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "padmin/forecast.hpp"
#include "padmin/view.hpp"

namespace banken {

struct Findings;

// One line for each thing that led here, what came first ahead.
[[nodiscard]] std::vector<std::string> reasons(const View& view, const EntryRecord& entry, const Pent& pent, const Forecast& forecast,
                                               const Findings& findings);

// ---- words that what comes next is said in, too ----

// "RETRY_OVER: it is left alone, all other entries go on".
[[nodiscard]] std::string over_words(const EntryRecord& entry);
// "attempt 2 of 3".
[[nodiscard]] std::string attempt_words(const Forecast& forecast, unsigned number);
// "DOWN"; "not there" for a name that no entry has.
[[nodiscard]] std::string state_words_of(const View& view, std::string_view name);
// "db", "db and cache"; "that" where no name is known.
[[nodiscard]] std::string awaited_words(const EntryRecord& entry, const Forecast& forecast);

}  // namespace banken
