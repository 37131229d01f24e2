// SPDX-License-Identifier: Apache-2.0
// The names in records of what was told: writer and reader share them. In the order of the types they name; never changed once released.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "pcheck/core/types.hpp"

namespace banken::core::record_words {

inline constexpr std::array<std::string_view, std::variant_size_v<Event>> events{
    "looked", "swept",     "died",           "started",  "ended",   "ordered", "reloaded",
    "dumped", "heartbeat", "heartbeat_read", "measured", "adopted", "deadline"};
inline constexpr std::array<std::string_view, 5> causes{"status", "oom", "gone", "not_permitted", "not_asked"};  // Cause::Kind
inline constexpr std::array<std::string_view, 4> ends{"exited", "refused", "not_executed", "unknown"};           // ScriptEnded::How

// The values of all parameters by their keys, as a pfile has them; empty ones are left out.
[[nodiscard]] std::vector<std::pair<std::string_view, std::string>> of_param(const Param& param);

}  // namespace banken::core::record_words
