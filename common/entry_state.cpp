// SPDX-License-Identifier: Apache-2.0
#include "common/entry_state.hpp"

#include <array>

namespace banken {
namespace {

constexpr std::array<std::string_view, entry_states> state_words{"UNKNOWN", "AVAIL", "DOWN",       "RESTART",
                                                                 "START",   "STALL", "RETRY_OVER", "HOLD"};
constexpr std::array<std::string_view, entry_waits> wait_words{"", "confirm", "delay", "dependency", "slot", "group", "script", "operator"};
constexpr std::array<std::string_view, entry_reasons> reason_words{"", "down", "absent", "stall", "limit", "operator", "group"};

// A number from a hostile segment may be any: it gets an empty word, never a read beyond the table.
template <class Enum, std::size_t size>
std::string_view word(const std::array<std::string_view, size>& words, Enum value) {
    const auto index = static_cast<std::size_t>(value);
    return index < size ? words[index] : std::string_view{};
}

}  // namespace

std::string_view text_of(EntryState state) { return word(state_words, state); }
std::string_view text_of(EntryWait wait) { return word(wait_words, wait); }
std::string_view text_of(EntryReason reason) { return word(reason_words, reason); }

}  // namespace banken
