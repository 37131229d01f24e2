// SPDX-License-Identifier: Apache-2.0
// What padmin was asked to do, done. Answers go to stdout, refusals to stderr.
#pragma once

#include "padmin/options.hpp"

namespace banken {

// The exit status (spec/padmin.md, Manners).
[[nodiscard]] int run_padmin(const PadminOptions& options);

}  // namespace banken
