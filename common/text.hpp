// SPDX-License-Identifier: Apache-2.0
// Small words about text that every parser and message needs. Blank = space or tab. Views point into what was passed in.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "common/time.hpp"

namespace banken {

[[nodiscard]] constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

// Without the blanks around it.
[[nodiscard]] std::string_view trimmed(std::string_view text);

// With A-Z as a-z.
[[nodiscard]] std::string lower_case(std::string_view text);

// The parts between separators: one more than there are separators, empty ones too.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

// The bytes of the well-formed UTF-8 sequence at the beginning of `text` (RFC 3629: no overlong forms, no surrogates); 0: there is none.
[[nodiscard]] std::size_t utf8_length(std::string_view text);

// The place of the first byte that is no UTF-8, or of the first control character (U+0000..1f, 7f..9f) other than tab.
[[nodiscard]] std::optional<std::size_t> find_invalid_utf8(std::string_view text);
[[nodiscard]] std::optional<std::size_t> find_control(std::string_view text);

// Safe in logs and on terminals: bytes of control characters (C1 too) and of invalid UTF-8 as \xNN, tab as \t, newline as \n. A backslash stays.
[[nodiscard]] std::string printable(std::string_view text);

// Printable, cut at 80 bytes; and the same in double quotes: how a message repeats what it was given.
[[nodiscard]] std::string shortened(std::string_view text);
[[nodiscard]] std::string quoted(std::string_view text);

// Of an absolute path: "/etc" of "/etc/passwd", "/" of "/passwd".
[[nodiscard]] std::string directory_of(std::string_view path);

// The one of `known` that `word` was probably meant to be: at most a third of its bytes, rounded up, must be inserted, deleted, changed or swapped
// with their neighbour, letter case aside. Empty: none is near enough.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

// ", did you mean NAME?", or nothing: the end of a message about an unknown word.
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string_view> known);
// Where none is near enough: ", see PAGE", the man page that lists them.
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string_view> known, std::string_view page);

// Both ends allowed.
struct Range {
    std::uint64_t min = 0, max = 0;
};

// Decimal digits alone. The error has the whole story: `"x" is not a number, 0..100 expected`, `"101" is out of range, 0..100 expected`.
[[nodiscard]] Result<std::uint64_t> number_of(std::string_view text, Range range);
// The same, or hexadecimal after 0x. `expected` is the range as the error shall name it.
[[nodiscard]] Result<std::uint64_t> hex_or_decimal_of(std::string_view text, Range range, std::string_view expected);

// Whole seconds.
[[nodiscard]] Result<Duration> seconds_of(std::string_view text, Range seconds);
// Seconds with up to nine decimals: 0.5
[[nodiscard]] Result<Duration> decimal_seconds_of(std::string_view text, Range seconds);

// The parts between commas, without the blanks around them, each as `parse` understands it. An empty one, and one that is there twice, is an error.
template <class T, class Parse>
[[nodiscard]] Result<std::vector<T>> comma_list_of(std::string_view text, Parse parse) {
    std::vector<T> list;
    for (const auto part : split(text, ',')) {
        const auto word = trimmed(part);
        if (word.empty()) return fail("{} has an empty part", quoted(text));
        const Result<T> value = parse(word);
        if (!value) return Failure(value.error());
        if (std::find(list.begin(), list.end(), *value) != list.end()) return fail("{} is given twice", quoted(word));
        list.push_back(*value);
    }
    return list;
}

}  // namespace banken
