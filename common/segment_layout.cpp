// SPDX-License-Identifier: Apache-2.0
#include "common/segment_layout.hpp"

#include <algorithm>
#include <cstring>

#include "common/pfile.hpp"

namespace banken {
namespace {

// Sizes of one copy, with room for what later minor versions add. They may grow in a later segment: readers take them from the preamble.
constexpr std::uint64_t header_copy = 640, heartbeat_copy = 7, param_copy = 1280, entry_copy = 1280, resource_copy = 1536, trace_copy = 64;
constexpr std::uint64_t most_records = 65536, most_distance = 65536;
constexpr int most_tries = 1000;

constexpr std::uint64_t two_copies(std::uint64_t copy) { return 1 + 2 * copy; }

constexpr TablePlaces places_for(std::uint32_t history) {
    TablePlaces tables{};
    tables[0] = {0, two_copies(header_copy), header_copy, 1};
    tables[1] = {0, two_copies(heartbeat_copy), heartbeat_copy, 1};
    tables[2] = {0, two_copies(param_copy), param_copy, 1};
    tables[3] = {0, two_copies(entry_copy), entry_copy, pfile_max_pents};
    tables[4] = {0, two_copies(resource_copy), resource_copy, pfile_max_resources};
    tables[5] = {0, slot::words, 0, slot::count};
    tables[6] = {0, two_copies(trace_copy), trace_copy, history};
    std::uint64_t next = preamble::words;
    for (TablePlace& table : tables) {
        table.place = next;
        next += table.distance * table.capacity;
    }
    return tables;
}

// The format as released (major version 1). A change here is a new minor version, a smaller number a new major one.
constexpr TablePlaces released = places_for(1024);
static_assert(released[0] == TablePlace{64, 1281, 640, 1});
static_assert(released[1] == TablePlace{1345, 15, 7, 1});
static_assert(released[2] == TablePlace{1360, 2561, 1280, 1});
static_assert(released[3] == TablePlace{3921, 2561, 1280, 16384});
static_assert(released[4] == TablePlace{41963345, 3073, 1536, 1024});
static_assert(released[5] == TablePlace{45110097, 8712, 0, 16});
static_assert(released[6] == TablePlace{45249489, 129, 64, 1024});
static_assert(released[6].place >= least_live_words);
static_assert(slot::order == 8 && slot::answer == 520 && slot::words == 8712);

}  // namespace

TablePlaces live_places(std::uint32_t history) { return places_for(history); }

std::uint64_t end_of(const TablePlaces& places) {
    const TablePlace& last = places.back();
    return last.place + last.distance * last.capacity;
}

bool is_live_size(std::uint64_t words) {
    const TablePlace trace = live_places(0).back();
    return words > trace.place && (words - trace.place) % trace.distance == 0;
}

Result<std::vector<std::uint64_t>> read_record(std::span<const std::uint64_t> record, std::size_t copy) {
    std::vector<std::uint64_t> words;
    for (int tried = 0; tried < most_tries; ++tried) {
        const std::uint64_t sequence = load(record[0]);
        const std::size_t begin = 1 + (sequence & 1 ? copy : 0);
        if (begin + copy > record.size()) return fail("a copy lies outside of its record");
        const std::uint64_t used = load(record[begin]) >> 32;
        // An absurd length is damage only if the copy has stayed valid while it was read.
        words.resize(std::min<std::uint64_t>(used, copy));
        for (std::size_t i = 0; i < words.size(); ++i) words[i] = load(record[begin + i]);
        if (load(record[0]) != sequence) continue;
        if (used > copy) return fail("a record says it is longer than its copy");
        return words;
    }
    return fail("a record changes faster than it can be read");
}

void write_places(std::span<std::uint64_t> segment, const TablePlaces& places) {
    std::size_t word = preamble::tables;
    for (const TablePlace& table : places) {
        for (const std::uint64_t value : {table.place, table.distance, table.copy, table.capacity}) store(segment[word++], value);
    }
}

Result<TablePlaces> read_places(std::span<const std::uint64_t> segment) {
    TablePlaces places{};
    std::size_t word = preamble::tables;
    for (TablePlace& table : places) {
        for (std::uint64_t* value : {&table.place, &table.distance, &table.copy, &table.capacity}) *value = load(segment[word++]);
        const bool slots = &table == &places[static_cast<std::size_t>(Table::slots)];
        const bool bounded = table.capacity <= most_records && table.distance <= most_distance && table.copy < most_distance;
        const bool roomy = slots ? table.distance >= slot::words : table.copy > 0 && table.distance > table.copy;
        if (table.capacity == 0 && bounded) continue;
        if (!bounded || !roomy || table.place < preamble::words || table.place > segment.size() ||
            table.distance * table.capacity > segment.size() - table.place) {
            return fail("table {} does not lie within the segment", &table - places.data());
        }
    }
    return places;
}

void store_text(std::span<std::uint64_t> words, std::string_view text) {
    for (std::size_t place = 0; place < text.size(); place += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, &text[place], std::min<std::size_t>(8, text.size() - place));
        store(words[place / 8], word);
    }
}

std::string load_text(std::span<const std::uint64_t> words, std::size_t bytes) {
    std::string text((bytes + 7) / 8 * 8, '\0');
    for (std::size_t place = 0; place < text.size(); place += 8) {
        const std::uint64_t word = load(words[place / 8]);
        std::memcpy(&text[place], &word, 8);
    }
    text.resize(bytes);
    return text;
}

}  // namespace banken
