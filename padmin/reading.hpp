// SPDX-License-Identifier: Apache-2.0
// The orders that only read: show, explain, match, wait. They need no answer from pcheck (spec/padmin.md, Manners).
#pragma once

#include <string_view>

#include "padmin/options.hpp"

namespace banken {

[[nodiscard]] bool is_reading(std::string_view order);

// The exit status.
[[nodiscard]] int run_reading(const PadminOptions& options);

}  // namespace banken
