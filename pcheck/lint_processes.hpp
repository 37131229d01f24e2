// SPDX-License-Identifier: Apache-2.0
// What the processes that run now say about a pfile (spec/pfile.md, Matching): names that only comm knows, two entries on one process, a
// person's process that would be watched, a service that systemd restarts too.
#pragma once

#include <vector>

#include "pcheck/loader.hpp"

namespace banken {

// Of a pfile without errors. Reads every process, and may wait for a command line or for systemd: -t alone can afford that.
[[nodiscard]] std::vector<Diagnostic> lint_processes(const LoadedPfile& loaded);

}  // namespace banken
