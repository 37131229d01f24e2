// SPDX-License-Identifier: Apache-2.0
// The records of the segment as words and back (segment_records.hpp says where each value lies). Pure. Decoding takes hostile words: what is out of
// its range is an error with the word's number, never undefined.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "common/segment_records.hpp"

namespace banken {

// Record: HeaderRecord, HeartbeatRecord, ParamRecord, EntryRecord, ResourceRecord, TraceRecord.
template <class Record>
[[nodiscard]] std::vector<std::uint64_t> encode(const Record& record);

template <class Record>
[[nodiscard]] Result<Record> decode(std::span<const std::uint64_t> words);

// The most words that encode() can give.
template <class Record>
[[nodiscard]] std::size_t longest();

}  // namespace banken
