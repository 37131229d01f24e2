// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>

#include "common/time.hpp"

namespace banken::core {

inline constexpr Duration after_kill = std::chrono::seconds(10);  // what is still there then cannot be ended
inline constexpr std::size_t most_a_step = 16;  // scripts that become due together: a death is not to wait until all are begun
inline constexpr Duration script_runs_long = std::chrono::seconds(300);  // then it is told for the first time

// True once, when the deadline has come; it is off then.
inline bool is_due(std::optional<Instant>& deadline, Instant now) {
    if (!deadline || *deadline > now) return false;
    deadline.reset();
    return true;
}

}  // namespace banken::core
