// SPDX-License-Identifier: Apache-2.0
// The words of a record's detail: `key=value`, or a key alone. Pure text; what they mean is for record.*
#pragma once

#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "common/text.hpp"

namespace banken::core {

struct RecordWord {
    std::string key, value;
    bool has_value = false;
};

// Appends ` key=value`. In quotes where the value is empty or holds a blank, a quote, a backslash or what is not printable ASCII.
void add_word(std::string& text, std::string_view key, std::string_view value);

// All words; fails at the first that is none.
[[nodiscard]] Result<std::vector<RecordWord>> words_of(std::string_view text);

// A decimal number, all of the text.
template <class Number>
[[nodiscard]] Result<Number> record_number(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return fail("{} is no number", quoted(text));
    return number;
}

}  // namespace banken::core
