// SPDX-License-Identifier: Apache-2.0
// What padmin shows of one pcheck: read once from a segment or a dump, then only looked at.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "common/segment_reader.hpp"
#include "common/segment_records.hpp"

namespace banken {

struct View {
    std::uint32_t key = 0;
    bool alive = true;           // its owner lives
    bool file_is_newer = false;  // the pfile was changed after it was loaded
    HeaderRecord header;
    ParamRecord param;
    std::vector<EntryRecord> entries;  // in the order of the file
    Now now;                           // when it was read; of a dump: when it was written
};

// now: unset for a dump.
[[nodiscard]] Result<View> read_view(const SegmentReader& reader, std::optional<Now> now);

// "start", "stop" (every entry is paused), "reload", "shutdown": MESSAGE_BOX and message.
[[nodiscard]] std::string_view message_of(const View& view);

struct Counts {
    std::size_t stopped = 0, failed = 0, all = 0;
};
[[nodiscard]] Counts counts_of(const View& view);

// The entries that a NAME or an ID names, all for an empty one. Digits only: an id.
[[nodiscard]] std::vector<const EntryRecord*> entries_of(const View& view, std::string_view target);

// `instant` as printed.
[[nodiscard]] WallTime wall_of(const View& view, Instant instant);

// The window of the entry has ended: its count starts anew at the next loss.
[[nodiscard]] bool window_has_passed(const View& view, const EntryRecord& entry);

// "delay", "dependency db": what a DOWN entry waits for; empty for others.
[[nodiscard]] std::string waits_for(const EntryRecord& entry);

}  // namespace banken
