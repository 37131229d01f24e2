// SPDX-License-Identifier: Apache-2.0
// `pcheck --simulate`: what a pfile would do, played on a host that exists only in memory (pcheck/core/simulator.hpp). No segment, no log, no root.
#pragma once

#include <string>

namespace banken {

// Prints the lines with their simulated times on stdout, mistakes on stderr. The exit status of `pcheck --simulate`.
[[nodiscard]] int simulate(const std::string& scenario, const std::string& pfile);

}  // namespace banken
