// SPDX-License-Identifier: Apache-2.0
// What the dump file of the pcheck before says about its resources (spec/resources.md, initial=last).
#pragma once

#include <string>

#include "common/result.hpp"
#include "pcheck/core/resources.hpp"

namespace banken {

// Nothing recorded where there is no dump yet, or one of another pfile. Error: it cannot be read or believed; then nothing is known either.
[[nodiscard]] Result<core::RecordedStates> last_dump(const std::string& path, const std::string& pfile);

}  // namespace banken
