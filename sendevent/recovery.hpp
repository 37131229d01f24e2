// SPDX-License-Identifier: Apache-2.0
// Asks the running pchecks whether they handle an event (spec/events.md, Recovery).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace banken {

struct RecoveryAnswer {
    bool begun = false;                   // somewhere a recovery was started
    std::vector<std::string> unanswered;  // pchecks that were there and did not answer, and why
};

// Every pcheck that this user may order and that has an entry or resource of this name that handles it, one after the other: root's and his own
// first; those of others, who may never answer, are waited for 10 s together.
[[nodiscard]] RecoveryAnswer ask_for_recovery(const std::string& event, const std::string& instance);

// What would be asked for: "crond pfile=/etc/banken/pfile_cron".
[[nodiscard]] std::vector<std::string> recoveries_of(const std::string& event, const std::string& instance);

}  // namespace banken
