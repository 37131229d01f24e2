// SPDX-License-Identifier: Apache-2.0
// `pcheck -t`: the daemon's own loader, and what it does not refuse but an operator would want to know before the night (spec/pfile.md, last
// part).
#pragma once

#include <string>
#include <vector>

#include "pcheck/loader.hpp"

namespace banken {

// What is wrong around a pfile that can be read: scripts, directories, keys in use, and (of a pfile without errors) what runs now. With these
// errors the daemon itself would start.
[[nodiscard]] std::vector<Diagnostic> lint(const LoadedPfile& loaded);

// Prints all there is to say on stderr, in the order of the file, and one line on stdout when nothing is wrong. The exit status of
// `pcheck -t`.
[[nodiscard]] int test_pfile(const std::string& named, const tl::expected<Config, LoadFailure>& config);

}  // namespace banken
