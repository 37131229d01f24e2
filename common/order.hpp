// SPDX-License-Identifier: Apache-2.0
// What the message box carries: the words of an order as bytes of a slot, the words of its slot, and what the words mean (spec/padmin.md, Orders).
// Pure; padmin and pcheck share it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/process.hpp"
#include "common/result.hpp"
#include "common/time.hpp"

namespace banken {

// ---- the words of a slot (common/segment_layout.hpp, namespace slot) ----

// free → claimed → posted → taken → done → free. padmin: claims, posts, and frees what it claimed, posted or has read; pcheck: takes, answers,
// and frees what was left behind. Every step is a compare-and-swap of the state word, and whoever frees a slot increases its generation, so that a
// late one finds out instead of touching a stranger's order. A slot is claimed by its claimant word first (0: nobody), then by its state.
enum class SlotState : std::uint8_t { free, claimed, posted, taken, done };

[[nodiscard]] constexpr SlotState state_of(std::uint64_t word) { return static_cast<SlotState>(word & 0xff); }
// The same generation in another state.
[[nodiscard]] constexpr std::uint64_t with_state(std::uint64_t word, SlotState state) {
    return (word & ~std::uint64_t{0xff}) | static_cast<std::uint64_t>(state);
}
// Free, in the next generation.
[[nodiscard]] constexpr std::uint64_t freed(std::uint64_t word) { return with_state(word + 0x100, SlotState::free); }

// pid in 22 bits, start ticks in 42: a start time beyond that (1394 years) is cut.
[[nodiscard]] constexpr std::uint64_t claimant_word(ProcessId process) {
    return (process.start << 22) | (static_cast<std::uint64_t>(process.pid) & 0x3fffff);
}
[[nodiscard]] constexpr ProcessId claimant_of(std::uint64_t word) { return {static_cast<pid_t>(word & 0x3fffff), word >> 22}; }

// Frees a slot whose words were these two; false: it has gone on meanwhile and is left alone.
bool free_slot(std::span<std::uint64_t> slot, std::uint64_t state, std::uint64_t claimant);

// ---- the words of an order ----

// A NUL behind every word. Fails when they are more than 4 KiB together or a word holds a NUL.
[[nodiscard]] Result<std::string> pack_words(std::span<const std::string> words);
[[nodiscard]] Result<std::vector<std::string>> unpack_words(std::string_view bytes);

// At most 64 KiB; where more was said, the end tells how much is missing: "... (1234 bytes more)".
[[nodiscard]] std::string cut_answer(std::string_view text);

// ---- what an order means ----

// Those that padmin answers by itself, from the segment.
inline constexpr std::array<std::string_view, 4> reading_orders{"show", "explain", "match", "wait"};

enum class OrderVerb : std::uint8_t {
    stop,
    start,
    reload,
    clear,
    restart,
    event,
    dump,
    reexec,
    shutdown,
    restore,
    remove,
    check,
    recover,
    standby,
    update
};
[[nodiscard]] std::string_view text_of(OrderVerb verb);
// restore, remove, …: those that no entry knows.
[[nodiscard]] bool is_for_resources(OrderVerb verb);
[[nodiscard]] std::optional<OrderVerb> verb_of(std::string_view word);

struct ParsedOrder {
    OrderVerb verb{};
    std::string target;                // name or pent_id; empty: all, with stop and start
    std::optional<Duration> duration;  // stop … for 30m
    bool difference = false;           // reload -t: nothing is changed
    std::string event{};               // event class/event NAME: the target is a name, never an id
    bool remove = false;               // shutdown remove
    bool deep = false;                 // check TAG deep

    friend bool operator==(const ParsedOrder&, const ParsedOrder&) = default;
};

// {"stop", "crond", "for", "30m"}. The error is a usage error, written for people; orders of later versions are refused by name.
[[nodiscard]] Result<ParsedOrder> parse_order(std::span<const std::string> words);

}  // namespace banken
