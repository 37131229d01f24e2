// SPDX-License-Identifier: Apache-2.0
#include "common/segment_reader.hpp"

#include <algorithm>
#include <unordered_set>

#include "common/segment_codec.hpp"

namespace banken {

bool SegmentReader::is_ours(std::span<const std::uint64_t> words) {
    return words.size() >= preamble::words && load(words[preamble::magic]) == segment_magic;
}

Result<SegmentReader> SegmentReader::open(std::span<const std::uint64_t> words) {
    if (!is_ours(words)) return fail("it is not a segment of pcheck");
    const std::uint64_t version = load(words[preamble::version]);
    if (version >> 32 != layout_major)
        return fail("its layout is version {}.{}, this program knows {}.x", version >> 32, version & 0xffffffff, layout_major);
    const std::uint64_t size = load(words[preamble::size]);
    if (size < preamble::words || size > words.size()) return fail("it is damaged: {} words of {} are there", words.size(), size);
    words = words.first(size);
    auto places = read_places(words);
    if (!places) return Failure(places.error().in("it is damaged"));
    SegmentReader reader(words, *places);
    reader.minor_ = static_cast<std::uint32_t>(version);
    return reader;
}

std::uint32_t SegmentReader::key() const { return static_cast<std::uint32_t>(load(words_[preamble::key])); }

template <class Record>
Result<Record> SegmentReader::read(Table table, std::uint64_t index) const {
    const TablePlace& place = places_[static_cast<std::size_t>(table)];
    if (index >= place.capacity) return fail("it is damaged: table {} has no record {}", static_cast<int>(table), index);
    auto words = read_record(record_at(words_, place, index), place.copy);
    if (!words) return Failure(words.error().in("it is damaged"));
    auto record = decode<Record>(*words);
    if (!record) return Failure(record.error().in(fmt::format("it is damaged: table {}, record {}", static_cast<int>(table), index)));
    return record;
}

Result<HeaderRecord> SegmentReader::header() const { return read<HeaderRecord>(Table::header, 0); }
Result<HeartbeatRecord> SegmentReader::heartbeat() const { return read<HeartbeatRecord>(Table::heartbeat, 0); }
Result<ParamRecord> SegmentReader::param() const { return read<ParamRecord>(Table::param, 0); }

// While entries change their places each of them is at every moment somewhere in the table, but one that we pass may move to where we have been:
// the header tells that, being written before and after.
Result<std::vector<EntryRecord>> SegmentReader::entries() const {
    constexpr int most_tries = 100;
    const std::uint64_t& writes = record_at(words_, places_[static_cast<std::size_t>(Table::header)], 0).front();
    for (int tried = 1;; ++tried) {
        const std::uint64_t before = load(writes);
        auto entries = entries_as_they_are();
        if (!entries || load(writes) == before || tried == most_tries) return entries;
    }
}

Result<std::vector<EntryRecord>> SegmentReader::entries_as_they_are() const {
    const auto head = header();
    if (!head) return Failure(head.error());
    auto left = leaving(*head);
    if (!left) return left;
    std::vector<EntryRecord> entries;
    std::unordered_set<std::uint32_t> known;
    for (const EntryRecord& entry : *left) known.insert(entry.key);
    for (std::uint32_t i = 0; i < head->entries; ++i) {
        auto entry = read<EntryRecord>(Table::entries, i);
        if (!entry) return Failure(entry.error());
        if (entry->key != 0 && !known.insert(entry->key).second) continue;
        entries.push_back(*std::move(entry));
    }
    return entries;
}

Result<std::vector<EntryRecord>> SegmentReader::leaving() const {
    const auto head = header();
    return head ? leaving(*head) : Failure(head.error());
}

Result<std::vector<EntryRecord>> SegmentReader::leaving(const HeaderRecord& head) const {
    std::vector<EntryRecord> entries;
    for (std::uint64_t i = 0; i < head.leaving; ++i) {
        auto entry = read<EntryRecord>(Table::entries, head.entries + i);
        if (!entry) return Failure(entry.error());
        entries.push_back(*std::move(entry));
    }
    return entries;
}

Result<std::vector<ResourceRecord>> SegmentReader::resources() const {
    const auto head = header();
    if (!head) return Failure(head.error());
    std::vector<ResourceRecord> resources;
    for (std::uint32_t i = 0; i < head->resources; ++i) {
        auto resource = read<ResourceRecord>(Table::resources, i);
        if (!resource) return Failure(resource.error());
        if (resource->key != 0) resources.push_back(*std::move(resource));
    }
    std::ranges::stable_sort(resources, {}, &ResourceRecord::resource_id);
    return resources;
}

Result<std::vector<std::uint32_t>> SegmentReader::resource_places() const {
    const auto head = header();
    if (!head) return Failure(head.error());
    std::vector<std::uint32_t> keys;
    for (std::uint32_t i = 0; i < head->resources; ++i) {
        const auto resource = read<ResourceRecord>(Table::resources, i);
        if (!resource) return Failure(resource.error());
        keys.push_back(resource->key);
    }
    return keys;
}

Result<std::vector<TraceRecord>> SegmentReader::trace(std::size_t most) const {
    const std::uint64_t capacity = places_[static_cast<std::size_t>(Table::trace)].capacity;
    const std::uint64_t end = load(words_[preamble::traced]);
    const std::uint64_t count = std::min({end, capacity, std::uint64_t{most}});
    std::vector<TraceRecord> records;
    for (std::uint64_t number = end - count; number < end; ++number) {
        auto record = read<TraceRecord>(Table::trace, number % capacity);
        if (!record) return Failure(record.error());
        if (record->number == number) records.push_back(*std::move(record));
    }
    return records;
}

}  // namespace banken
