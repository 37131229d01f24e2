// SPDX-License-Identifier: Apache-2.0
// What is kept of an entry as the segment carries it. The window of a group is shown as that of each of its members.
#pragma once

#include "common/segment_records.hpp"
#include "pcheck/core/supervisor.hpp"

namespace banken {

[[nodiscard]] EntryRecord record_of(const core::Watch& watch, const core::Supervisor& core);
[[nodiscard]] TraceRecord record_of(const core::Trace& trace, Now now);

}  // namespace banken
