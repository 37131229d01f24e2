// SPDX-License-Identifier: Apache-2.0
// What pcheck cannot do without, and an old kernel or the seccomp filter of an old container may lack.
#pragma once

#include <string>

#include "common/result.hpp"

namespace banken::sys {

// The call that is refused for good, and what would help. What is only short for now (EMFILE, EAGAIN) lacks nothing.
[[nodiscard]] Result<> kernel_suffices();

// What scripts are cloned by where no thread for them can be had: "clone3", or "fork: Function not implemented".
[[nodiscard]] std::string clone_found();

}  // namespace banken::sys
