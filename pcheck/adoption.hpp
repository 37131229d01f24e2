// SPDX-License-Identifier: Apache-2.0
// What a pcheck that was killed has left in its segment, as the core goes on with it (spec/shared-memory.md, Life; spec/state-table.md, row
// "pcheck adopted"). Pure but for the question whether a process still runs.
#pragma once

#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "common/segment_records.hpp"
#include "pcheck/core/supervisor.hpp"

namespace banken {

// A script that was begun, and whose end is to come.
struct AdoptedScript {
    core::RunId run = 0;
    core::EntryKey entry = 0;
    core::ScriptKind kind{};
    ProcessId process;
};

struct Adoption {
    core::Recorded recorded;
    core::Adopted event;  // to be told first, before anything is swept
    std::vector<AdoptedScript> scripts;
    std::vector<core::EntryKey> places;  // whose records lay where
};

// What is asked about processes that were left.
struct Fates {
    std::function<bool(ProcessId)> is_running;    // or may
    std::function<bool(ProcessId)> is_awaitable;  // a script that runs, or whose end can still be read
};

// `param` is what the entries' lines take their defaults from. An entry whose line this program cannot read is left out: it starts anew.
// `leaving`: of entries that a reload had removed, whose script may still run.
[[nodiscard]] Adoption adoption_of(std::span<const EntryRecord> entries, std::span<const EntryRecord> leaving, const ParamRecord& param,
                                   const Fates& fates);

}  // namespace banken
