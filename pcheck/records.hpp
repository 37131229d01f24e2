// SPDX-License-Identifier: Apache-2.0
// What is kept of an entry as the segment carries it.
#pragma once

#include "common/segment_records.hpp"
#include "pcheck/core/watch.hpp"

namespace banken {

[[nodiscard]] EntryRecord record_of(const core::Watch& watch);
[[nodiscard]] TraceRecord record_of(const core::Trace& trace, Now now);

}  // namespace banken
