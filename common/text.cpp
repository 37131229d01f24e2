// SPDX-License-Identifier: Apache-2.0
#include "common/text.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>

namespace banken {
namespace {

constexpr std::size_t max_shortened = 80;  // bytes of a value that a message repeats
constexpr std::size_t short_word = 4;      // of which one letter may differ
constexpr std::size_t max_near_word = 64;  // a longer word is noise, and would cost the square of its length

unsigned char byte(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }
bool is_continuation(unsigned char c) { return (c & 0xc0) == 0x80; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Whether the sequence of `length` bytes at the beginning of `text`, a valid one, is a control character.
bool is_control(std::string_view text, std::size_t length) {
    const unsigned char first = byte(text, 0);
    if (length == 1) return first < 0x20 || first == 0x7f;
    return length == 2 && first == 0xc2 && byte(text, 1) < 0xa0;  // C1: terminals obey them too
}

void escape(std::string& out, char c) {
    if (c == '\t')
        out += "\\t";
    else if (c == '\n')
        out += "\\n";
    else
        out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
}

// Edit distance with swaps of neighbours (optimal string alignment), letter case aside.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    std::iota(row.begin(), row.end(), 0U);
    for (std::size_t i = 1; i <= a.size(); ++i) {
        before.swap(last);
        last.swap(row);
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const bool same = lower(a[i - 1]) == lower(b[j - 1]);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0U : 1U)});
            const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
            if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
        }
    }
    return row.back();
}

std::string expected(Range range) { return fmt::format("{}..{}", range.min, range.max); }

bool all_digits(std::string_view text, std::string_view digits = "0123456789") {
    return !text.empty() && text.find_first_not_of(digits) == text.npos;
}

Result<std::uint64_t> digits_in_range(std::string_view text, std::string_view digits, int base, Range range, std::string_view expected) {
    std::uint64_t value = 0;
    const auto error = std::from_chars(digits.data(), digits.data() + digits.size(), value, base).ec;
    if (error != std::errc{} || value < range.min || value > range.max)
        return fail("{} is out of range, {} expected", quoted(text), expected);
    return value;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    return first == text.npos ? text.substr(text.size()) : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string lower_case(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), lower);
    return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const auto end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == text.npos) return parts;
        text.remove_prefix(end + 1);
    }
}

std::size_t utf8_length(std::string_view text) {
    if (text.empty()) return 0;
    const unsigned char first = byte(text, 0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if (!is_continuation(byte(text, i))) return 0;
    }
    const unsigned char second = byte(text, 1);
    const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    const bool surrogate_or_beyond = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
    return overlong || surrogate_or_beyond ? 0 : length;
}

std::optional<std::size_t> find_invalid_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const auto length = utf8_length(text.substr(at));
        if (length == 0) return at;
        at += length;
    }
    return std::nullopt;
}

std::optional<std::size_t> find_control(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const auto length = utf8_length(text.substr(at));
        if (length != 0 && text[at] != '\t' && is_control(text.substr(at), length)) return at;
        at += std::max<std::size_t>(length, 1);
    }
    return std::nullopt;
}

std::string printable(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const auto length = utf8_length(text);
        const auto sequence = text.substr(0, std::max<std::size_t>(length, 1));
        if (length != 0 && !is_control(text, length))
            out += sequence;
        else
            std::for_each(sequence.begin(), sequence.end(), [&out](char c) { escape(out, c); });
        text.remove_prefix(sequence.size());
    }
    return out;
}

std::string shortened(std::string_view text) {
    if (text.size() <= max_shortened) return printable(text);
    std::size_t end = max_shortened;
    while (end > max_shortened - 3 && is_continuation(byte(text, end))) --end;  // do not cut a character in two
    return printable(text.substr(0, end)) + "...";
}

std::string quoted(std::string_view text) { return fmt::format("\"{}\"", shortened(text)); }

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
    if (word.empty() || word.size() > max_near_word) return {};
    std::string_view best;
    std::size_t least = word.size() <= short_word ? 2 : (word.size() + 2) / 3 + 1;
    const auto first_of = [](std::string_view text) { return lower_case(text.substr(0, 1)); };
    for (const auto candidate : known) {
        const auto far = distance(word, candidate);
        if (far > 1 && first_of(word) != first_of(candidate)) continue;  // as far from it as any other word
        if (far < least) {
            least = far;
            best = candidate;
        }
    }
    return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
    const auto near = nearest(word, known);
    return near.empty() ? std::string() : fmt::format(", did you mean {}?", near);
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known, std::string_view page) {
    auto hint = did_you_mean(word, known);
    return hint.empty() ? fmt::format(", see {}", page) : hint;
}

Result<std::uint64_t> number_of(std::string_view text, Range range) {
    if (!all_digits(text)) return fail("{} is not a number, {} expected", quoted(text), expected(range));
    return digits_in_range(text, text, 10, range, expected(range));
}

Result<std::uint64_t> hex_or_decimal_of(std::string_view text, Range range, std::string_view expected) {
    const bool hex = text.starts_with("0x") || text.starts_with("0X");
    const auto digits = hex ? text.substr(2) : text;
    if (!all_digits(digits, hex ? "0123456789abcdefABCDEF" : "0123456789"))
        return fail("{} is not a number, {} expected", quoted(text), expected);
    return digits_in_range(text, digits, hex ? 16 : 10, range, expected);
}

Result<Duration> seconds_of(std::string_view text, Range seconds) {
    const auto number = number_of(text, seconds);
    if (!number) return Failure(number.error());
    return std::chrono::seconds(*number);
}

Result<Duration> decimal_seconds_of(std::string_view text, Range seconds) {
    const auto point = std::min(text.find('.'), text.size());
    const auto whole = text.substr(0, point), decimals = text.substr(std::min(point + 1, text.size()));
    const bool good = all_digits(whole) && (point == text.size() || (all_digits(decimals) && decimals.size() <= 9));
    if (!good) return fail("{} is not a number of seconds, {} expected", quoted(text), expected(seconds));
    const auto number = digits_in_range(text, whole, 10, seconds, expected(seconds));
    if (!number) return Failure(number.error());
    std::int64_t nanoseconds = 0;
    for (std::size_t i = 0; i < 9; ++i) nanoseconds = nanoseconds * 10 + (i < decimals.size() ? decimals[i] - '0' : 0);
    if (*number == seconds.max && nanoseconds > 0) return fail("{} is out of range, {} expected", quoted(text), expected(seconds));
    return std::chrono::seconds(*number) + std::chrono::nanoseconds(nanoseconds);
}

std::string directory_of(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == 0 || slash == path.npos ? "/" : std::string(path.substr(0, slash));
}

}  // namespace banken
