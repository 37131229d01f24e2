// SPDX-License-Identifier: Apache-2.0
// A segment that a pcheck has made, attached for reading, and whether it may be believed (spec/shared-memory.md, Ownership). padmin and sendevent
// find pchecks by these.
#pragma once

#include <optional>
#include <vector>

#include "common/refusal.hpp"
#include "common/segment_reader.hpp"
#include "common/segment_records.hpp"
#include "common/sys/shm.hpp"

namespace banken::sys {

struct PcheckSegment {
    SegmentStat stat;
    Segment segment;
    SegmentReader reader;  // of `segment`
    HeaderRecord header;
    bool alive = false;  // its owner lives
};

// Believed if root, this user or the pfile's owner made it. Where `pfile_owner` is not known, the pfile that the segment names must belong to him itself.
[[nodiscard]] Outcome<PcheckSegment> open_pcheck_segment(const SegmentStat& stat, std::optional<uid_t> pfile_owner);

// Those that could be pcheck's by what the kernel says of them; none is attached for that.
[[nodiscard]] std::vector<SegmentStat> possible_segments();

}  // namespace banken::sys
