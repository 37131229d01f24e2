// SPDX-License-Identifier: Apache-2.0
#include "padmin/answer.hpp"

#include <cstdio>

#include "common/text.hpp"

namespace banken {
namespace {

std::string printable_lines(std::string_view text) {
    std::string out;
    for (const std::string_view line : split(text, '\n')) out += printable(line) + '\n';
    out.pop_back();  // there is one line more than there are newlines
    return out;
}

}  // namespace

int print(const std::string& text) {
    fmt::print("{}", printable_lines(text));
    return number_of(ExitCode::ok);
}

int refuse(const Refusal& refusal) {
    note(refusal.text);
    return number_of(refusal.code);
}

int refuse(ExitCode code, std::string text) { return refuse({code, std::move(text)}); }

void note(std::string_view text) { fmt::print(stderr, "padmin: {}\n", printable_lines(text)); }

}  // namespace banken
