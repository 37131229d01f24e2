// SPDX-License-Identifier: Apache-2.0
// What is kept of a group of entries that fail and recover together (spec/state-table.md, "Kept per group"). Data only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/entry_state.hpp"
#include "common/retry_window.hpp"
#include "pcheck/core/types.hpp"

namespace banken::core {

struct Group {
    std::string name;
    std::vector<EntryKey> members;  // in the order of the file; the first one's grace, retries, delay, stable and action count for all

    RetryWindow window;
    std::optional<Instant> begun;  // of the last attempt
    EntryWait wait = EntryWait::none;
    std::string waits_for;         // with EntryWait::dependency: whose
    std::optional<Instant> timer;  // of the wait
    EntryKey turn = 0;             // whose turn it is in the attempt; 0: nobody's
    std::vector<std::string> ran;  // scripts run in this attempt, as written
    bool told_waiting = false;     // `Waiting` was logged for this attempt
    bool looking = false;          // a wait has ended, its looks are out
    std::optional<Instant> stable_at;
};

}  // namespace banken::core
