// SPDX-License-Identifier: Apache-2.0
// What padmin says about resources (spec/resources.md, the end).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "padmin/explain.hpp"
#include "padmin/view.hpp"

namespace banken {

// Blocks as `show resource` prints them; `verbose` adds ours behind them.
[[nodiscard]] std::string resource_text(const View& view, std::span<const ResourceRecord* const> resources, bool verbose);

// State and since when, why, what happens next and when, what a failure leads to, what an operator can do.
[[nodiscard]] Explanation explain(const View& view, const ResourceRecord& resource, const Findings& findings);

}  // namespace banken
