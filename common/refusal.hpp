// SPDX-License-Identifier: Apache-2.0
// Why a program cannot do what it was asked for, in the words of its user.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "common/exit_code.hpp"

namespace banken {

// For stderr, and the exit status.
struct Refusal {
    ExitCode code{};
    std::string text;
};
template <class T>
using Outcome = tl::expected<T, Refusal>;

}  // namespace banken
