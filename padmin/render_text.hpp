// SPDX-License-Identifier: Apache-2.0
// The blocks of `-l`, `show param` and `show pent`, compatible with the original to the byte; ours follow only with `verbose` (spec/padmin.md).
// Every block ends with a newline; between blocks stands an empty line.
#pragma once

#include <span>
#include <string>

#include "padmin/view.hpp"

namespace banken {

[[nodiscard]] std::string list_text(std::span<const View> views, bool verbose);
[[nodiscard]] std::string param_text(const View& view, bool verbose);
// entries: of `view`.
[[nodiscard]] std::string pent_text(const View& view, std::span<const EntryRecord* const> entries, bool verbose);

// Ours, for people: no script should read them.
[[nodiscard]] std::string group_text(const View& view, std::span<const Group> groups);
// One line a record: when, entry (pent_id), pid, event, detail.
[[nodiscard]] std::string trace_text(const View& view, std::span<const TraceRecord> records);
[[nodiscard]] std::string capabilities_text(const View& view);
// Everything but the trace.
[[nodiscard]] std::string all_text(const View& view);

}  // namespace banken
