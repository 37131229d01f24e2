// SPDX-License-Identifier: Apache-2.0
#include "padmin/answer.hpp"

#include <cstdio>

namespace banken {

int print(const std::string& text) {
    fmt::print("{}", text);
    return number_of(ExitCode::ok);
}

int refuse(const Refusal& refusal) {
    fmt::print(stderr, "padmin: {}\n", refusal.text);
    return number_of(refusal.code);
}

int refuse(ExitCode code, std::string text) { return refuse({code, std::move(text)}); }

}  // namespace banken
