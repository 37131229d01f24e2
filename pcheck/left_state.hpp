// SPDX-License-Identifier: Apache-2.0
// What a pcheck that ended without an end has left in its segment, loaded before anything is published (spec/shared-memory.md, Life).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/resource_record.hpp"
#include "common/result.hpp"
#include "common/segment_reader.hpp"
#include "common/segment_records.hpp"

namespace banken {

struct LeftState {
    HeaderRecord header;
    ParamRecord param;
    std::vector<EntryRecord> entries, leaving;
    std::vector<ResourceRecord> resources;
    std::vector<std::uint32_t> resource_places;  // whose records lie where, by their keys
};

// What `self` can go on with, or why it cannot. Nothing: an end by order, even one that was cut short, has left nothing.
[[nodiscard]] Result<std::optional<LeftState>> left_in(const SegmentReader& reader, const OwnerRecord& self);

}  // namespace banken
