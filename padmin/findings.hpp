// SPDX-License-Identifier: Apache-2.0
// What explain finds out beside the segment: whether Trust would refuse the script, and what a failed one wrote.
#pragma once

#include "padmin/explain.hpp"

namespace banken {

// Files may lie on a dead mount: what is not known after two seconds stays unknown.
[[nodiscard]] Findings find_out(const View& view, const EntryRecord& entry, const Pent& pent);
[[nodiscard]] Findings find_out(const View& view, const ResourceRecord& resource);

}  // namespace banken
