// SPDX-License-Identifier: Apache-2.0
// How an entry, or a member of its group, was lost, and what brought it back, in words. Pure.
#pragma once

#include <string>

#include "padmin/forecast.hpp"
#include "padmin/view.hpp"

namespace banken {

// The last loss or stop, also when it is up again: "process 200 ended: killed by signal 9 (KILL)". Empty: none is known.
[[nodiscard]] std::string loss_words(const EntryRecord& entry);
// Of a group, with what its present or last restart began: "ha: process 200 ended: killed by signal 9 (KILL)", of itself
// "ha itself: …". Empty: not known.
[[nodiscard]] std::string culprit_words(const View& view, const EntryRecord& entry);
// Why one that runs was restarted, as long as that counts in the window; by order, until the next loss.
[[nodiscard]] std::string restarted_words(const View& view, const EntryRecord& entry, const Forecast& forecast);
// Why one that does not run is not there.
[[nodiscard]] std::string reason_words(const View& view, const EntryRecord& entry);

}  // namespace banken
