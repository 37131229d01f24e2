// SPDX-License-Identifier: Apache-2.0
// A segment that a pcheck has made, attached for reading, and whether it may be believed (spec/shared-memory.md, Ownership). padmin and sendevent
// find pchecks by these.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "common/refusal.hpp"
#include "common/resource_record.hpp"
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

// BANKEN_IPCKEY, by which a script knows its pcheck; unset: it is not there, or no key.
[[nodiscard]] std::optional<std::uint32_t> key_in_environment();

// A resource of a pcheck that lives.
struct HostedResource {
    SegmentStat stat;
    Duration check_interval{};
    ResourceRecord resource;
};
// Those of the pcheck at this key, else of all; with a tag only those of that name. Only root's and this user's own are believed: a script decides by
// what it is told here, and another user's pcheck may say anything.
[[nodiscard]] std::vector<HostedResource> hosted_resources(std::optional<std::uint32_t> key, std::string_view tag);

}  // namespace banken::sys
