// SPDX-License-Identifier: Apache-2.0
// What is kept of a resource as the segment carries it, and back.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "common/resource_record.hpp"
#include "common/segment_records.hpp"
#include "pcheck/core/resources.hpp"

namespace banken {

// `resource_id` 0: it was removed, and a script of it still runs.
[[nodiscard]] ResourceRecord record_of(const core::Resource& resource, bool leaving);

[[nodiscard]] ResourceEnd end_of(const core::ResourceEnding& ending);

// A script that was begun, and whose end is to come.
struct AdoptedRun {
    core::RunId run = 0;
    ProcessId process;
};

struct ResourceAdoption {
    core::RecordedResources recorded;
    std::vector<AdoptedRun> lived;
    std::vector<core::ResourceKey> places;  // whose records lie where in the segment; 0: nobody's
};

// The resources of a pcheck that was killed. Runs get numbers of this program; `is_awaitable`: a script that runs, or whose end can still be read.
[[nodiscard]] ResourceAdoption resources_of(std::span<const ResourceRecord> records, const HeaderRecord& header,
                                            const std::function<bool(ProcessId)>& is_awaitable);

// What a dump says about resources, for initial=last; those that were removed tell nothing about another one of their tag.
[[nodiscard]] core::RecordedStates recorded_states(std::span<const ResourceRecord> records);

}  // namespace banken
