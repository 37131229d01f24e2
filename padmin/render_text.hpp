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

}  // namespace banken
