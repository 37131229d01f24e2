// SPDX-License-Identifier: Apache-2.0
// The words of a Reminder line: the same for the daemon and the simulator, which print times differently.
#pragma once

#include <functional>
#include <string>

#include "pcheck/core/watch.hpp"

namespace banken::core {

// "given up since Thu Jan 18 13:34:43 2007" (spec/messages.md). `time` prints a moment.
[[nodiscard]] std::string text_of(const Remind& reminder, const Watch& watch, const std::function<std::string(WallTime)>& time);

}  // namespace banken::core
