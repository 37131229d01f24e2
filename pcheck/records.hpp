// SPDX-License-Identifier: Apache-2.0
// What is kept of an entry as the segment carries it, and back. The window of a group is shown as that of each of its members.
#pragma once

#include "common/segment_records.hpp"
#include "pcheck/core/supervisor.hpp"

namespace banken {

[[nodiscard]] EntryRecord record_of(const core::Watch& watch, const core::Supervisor& core);
// What the record tells of itself. Its window is not read where it is a group's; its script is script_of's.
[[nodiscard]] core::Watch watch_of(const EntryRecord& record, Pent pent);
// The one that the record names, as run `run`.
[[nodiscard]] core::ScriptRun script_of(const EntryRecord& record, core::RunId run);

[[nodiscard]] TraceRecord record_of(const core::Trace& trace, Now now);

}  // namespace banken
