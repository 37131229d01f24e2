// SPDX-License-Identifier: Apache-2.0
// `pcheck -t`: the daemon's own loader, and what it does not refuse but an operator would want to know before the night (spec/pfile.md, last part).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "pcheck/loader.hpp"

namespace banken {

struct Findings {
    std::vector<std::string> errors, warnings;  // as they are printed
};

// What is wrong around a pfile that loads: scripts, directories, keys in use. `named` is the file as it was given.
[[nodiscard]] Findings lint(const LoadedPfile& loaded, const std::string& named);

// Prints all there is to say on stderr, and one line on stdout when nothing is wrong. The exit status of `pcheck -t`.
[[nodiscard]] int test_pfile(const std::string& named, const tl::expected<Config, LoadFailure>& config);

}  // namespace banken
