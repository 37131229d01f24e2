// SPDX-License-Identifier: Apache-2.0
// How padmin answers: to stdout what was asked for, to stderr why not. Both give the exit status.
#pragma once

#include <string>

#include "padmin/target.hpp"

namespace banken {

int print(const std::string& text);
int refuse(const Refusal& refusal);
int refuse(ExitCode code, std::string text);

}  // namespace banken
