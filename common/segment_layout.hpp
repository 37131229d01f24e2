// SPDX-License-Identifier: Apache-2.0
// Where everything lies in the shared segment, and how a record is written so that it can be read at any moment (spec/shared-memory.md).
// Pure: it works on words, wherever they are. Every place and size is counted in words of 64 bits, little-endian, from the beginning.
//
//   word 0        magic; written last, so a segment that is half made is nobody's
//   word 1        layout version: major in the high half, minor in the low half
//   word 2        size of everything
//   word 3        IPCKEY
//   word 4        how many trace records were ever written; the last of them lies at (that − 1) modulo the ring's capacity
//   word 8 + 4·i  of table i (enum Table): its place, the distance of its records, the size of one copy, how many records it has room for
//   word 64       the tables
//
// A record of every table but `slots` is a sequence word and two copies. The low bit of the sequence names the valid copy. In a dump the second copy
// may be missing where the first is valid, and only used records are there.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace banken {

inline constexpr std::uint64_t segment_magic = 0x31304e454b4e4142;  // "BANKEN01"
inline constexpr std::uint32_t layout_major = 1, layout_minor = 3;

namespace preamble {
inline constexpr std::size_t magic = 0, version = 1, size = 2, key = 3, traced = 4, tables = 8, words = 64;
}

enum class Table : std::uint8_t { header, heartbeat, param, entries, resources, slots, trace };
inline constexpr std::size_t table_count = static_cast<std::size_t>(Table::trace) + 1;
static_assert(preamble::tables + 4 * table_count <= preamble::words);

struct TablePlace {
    std::uint64_t place = 0, distance = 0, copy = 0, capacity = 0;

    friend bool operator==(const TablePlace&, const TablePlace&) = default;
};
using TablePlaces = std::array<TablePlace, table_count>;

// A slot of the message box: an order of at most 4 KiB, its answer of at most 64 KiB.
namespace slot {
inline constexpr std::size_t count = 16, order_bytes = 4096, answer_bytes = 65536;
inline constexpr std::size_t claimant = 0;       // pid in the low 22 bits, start ticks in the upper 42
inline constexpr std::size_t state = 1;          // SlotState in the low 8 bits, generation above; the futex is the low half
inline constexpr std::size_t order_length = 2;   // bytes
inline constexpr std::size_t answer_status = 3;  // exit status for padmin
inline constexpr std::size_t answer_length = 4;  // bytes
inline constexpr std::size_t order = 8;
inline constexpr std::size_t answer = order + order_bytes / 8;
inline constexpr std::size_t words = answer + answer_bytes / 8;
}  // namespace slot

// The largest configuration, 1024 resources included, with a trace ring of `history` records.
[[nodiscard]] TablePlaces live_places(std::uint32_t history);
// No segment of this major version is shorter: 1.0's, without a trace ring.
inline constexpr std::uint64_t least_live_words = 33977297;
// Behind the last table.
[[nodiscard]] std::uint64_t end_of(const TablePlaces& places);
// Whether live_places() of some history end there.
[[nodiscard]] bool is_live_size(std::uint64_t words);

// `word` of a segment is always touched by these two: no fence is needed, and TSan agrees.
[[nodiscard]] inline std::uint64_t load(const std::uint64_t& word) {
    return std::atomic_ref(const_cast<std::uint64_t&>(word)).load(std::memory_order_acquire);
}
inline void store(std::uint64_t& word, std::uint64_t value) { std::atomic_ref(word).store(value, std::memory_order_release); }
// Whether `word` was `expected` and is now `desired`.
[[nodiscard]] inline bool exchange(std::uint64_t& word, std::uint64_t expected, std::uint64_t desired) {
    return std::atomic_ref(word).compare_exchange_strong(expected, desired, std::memory_order_acq_rel);
}
static_assert(std::atomic_ref<std::uint64_t>::is_always_lock_free, "64-bit platforms only");

// Fills the copy that is not valid, then increases the sequence, in this order of stores: store_word(reference to the word, value).
// content must fit a copy. The caller is the segment's only writer.
template <class StoreWord>
void write_record(std::span<std::uint64_t> record, std::size_t copy, std::span<const std::uint64_t> content, StoreWord store_word) {
    const std::uint64_t sequence = load(record[0]);
    std::uint64_t* word = &record[1 + (sequence & 1 ? 0 : copy)];
    for (const std::uint64_t value : content) store_word(*word++, value);
    store_word(record[0], sequence + 1);
}

// The valid copy as it was at one moment, its used words only. Never waits for a writer, alive or dead; fails when the words cannot be a record, or
// when one copy after another was overwritten while it was read.
[[nodiscard]] Result<std::vector<std::uint64_t>> read_record(std::span<const std::uint64_t> record, std::size_t copy);

void write_places(std::span<std::uint64_t> segment, const TablePlaces& places);
// What stands in the preamble, with every bound checked against the words that are there.
[[nodiscard]] Result<TablePlaces> read_places(std::span<const std::uint64_t> segment);

// The words of record `index`, which must be within the capacity.
template <class Word>
[[nodiscard]] std::span<Word> record_at(std::span<Word> segment, const TablePlace& table, std::uint64_t index) {
    return segment.subspan(table.place + index * table.distance, table.distance);
}

// Text in words of a slot.
void store_text(std::span<std::uint64_t> words, std::string_view text);
[[nodiscard]] std::string load_text(std::span<const std::uint64_t> words, std::size_t bytes);

}  // namespace banken
