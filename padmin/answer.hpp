// SPDX-License-Identifier: Apache-2.0
// How padmin answers: to stdout what was asked for, to stderr why not. Both give the exit status, and nothing of what others wrote (segments, the
// answers in their slots, paths) reaches a terminal unescaped.
#pragma once

#include <string>
#include <string_view>

#include "padmin/target.hpp"

namespace banken {

int print(const std::string& text);
int refuse(const Refusal& refusal);
int refuse(ExitCode code, std::string text);
// To stderr, beside an answer.
void note(std::string_view text);

}  // namespace banken
