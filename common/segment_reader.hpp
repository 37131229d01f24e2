// SPDX-License-Identifier: Apache-2.0
// Reads a segment, or the image of one in a dump. Trusts nothing in it: every count, place and length is bounded before use, one wrong byte is an error
// or another value, never a crash. Reads beside a writer, alive, stopped or dead, without waiting for it. Records beyond the used ones are not touched.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/resource_record.hpp"
#include "common/result.hpp"
#include "common/segment_layout.hpp"
#include "common/segment_records.hpp"

namespace banken {

class SegmentReader {
public:
    // Fails when it is not ours, of another major version, or damaged. `words` must outlive the reader; more of them than used is allowed.
    [[nodiscard]] static Result<SegmentReader> open(std::span<const std::uint64_t> words);
    // Whether they begin with our magic: anything else belongs to somebody else.
    [[nodiscard]] static bool is_ours(std::span<const std::uint64_t> words);

    [[nodiscard]] std::uint32_t minor_version() const { return minor_; }
    [[nodiscard]] std::uint32_t key() const;
    [[nodiscard]] const TablePlaces& places() const { return places_; }

    [[nodiscard]] Result<HeaderRecord> header() const;
    [[nodiscard]] Result<HeartbeatRecord> heartbeat() const;
    [[nodiscard]] Result<ParamRecord> param() const;
    // All of them, in the order of the file.
    [[nodiscard]] Result<std::vector<EntryRecord>> entries() const;
    // Those that are no entries any more, but whose script may still run: for a pcheck that goes on with what was left.
    [[nodiscard]] Result<std::vector<EntryRecord>> leaving() const;
    // In the order of the file; ahead of them, with resource_id 0, those that were removed while a script of them ran.
    [[nodiscard]] Result<std::vector<ResourceRecord>> resources() const;
    // Whose record, by its key, lies at each place of their table; 0: nobody's.
    [[nodiscard]] Result<std::vector<std::uint32_t>> resource_places() const;
    // The newest `most` that are still there, oldest first. What is being overwritten just now is left out.
    [[nodiscard]] Result<std::vector<TraceRecord>> trace(std::size_t most) const;

private:
    SegmentReader(std::span<const std::uint64_t> words, const TablePlaces& places) : words_(words), places_(places) {}
    template <class Record>
    [[nodiscard]] Result<Record> read(Table table, std::uint64_t index) const;
    [[nodiscard]] Result<std::vector<EntryRecord>> entries_as_they_are() const;
    [[nodiscard]] Result<std::vector<EntryRecord>> leaving(const HeaderRecord& head) const;

    std::span<const std::uint64_t> words_;
    TablePlaces places_;
    std::uint32_t minor_ = 0;
};

}  // namespace banken
