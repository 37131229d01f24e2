// SPDX-License-Identifier: Apache-2.0
// sendevent at work.
#pragma once

#include <string>
#include <vector>

#include "sendevent/options.hpp"

namespace banken {

// `environment` is the program's own. The exit status.
[[nodiscard]] int run_sendevent(const SendeventOptions& options, std::vector<std::string> environment);

}  // namespace banken
