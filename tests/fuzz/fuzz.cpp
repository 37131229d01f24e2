// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/fuzz.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>

#include "common/text.hpp"

namespace banken::fuzz {
namespace {

constexpr std::size_t small = 16u << 10, large = 64u << 10, one_of = 256;
constexpr double noise = 0.25, linear = 4, tolerated = 2.5;  // seconds, times, times: a square would be 16 times
constexpr int tries = 3;

// The input again and again. A `%` is the number of the repetition, so that names can differ.
std::string repeated(std::string_view input, std::size_t size) {
    std::string text;
    for (unsigned number = 0; text.size() < size; ++number) {
        for (const char c : input) {
            if (c == '%') {
                text += std::to_string(number);
            } else {
                text += c;
            }
        }
        text += '\n';
    }
    return text;
}

double processor_seconds(std::string_view input) {
    const auto read = [] {
        timespec time{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
    };
    const double begun = read();
    test_one(input);
    return read() - begun;
}

void require_linear(std::string_view input) {
    const std::string few = repeated(input, small), many = repeated(input, large);
    for (int tried = 0; tried < tries; ++tried) {
        const double of_few = processor_seconds(few), of_many = processor_seconds(many);
        if (of_many < noise || of_many < of_few * linear * tolerated) return;
        fmt::print(stderr, "fuzz: {} bytes take {:.3f} s, {} bytes {:.3f} s\n", few.size(), of_few, many.size(), of_many);
    }
    require(false, "work grows in proportion to the input");
}

}  // namespace

void require(bool holds, std::string_view expected, std::string_view found) {
    if (holds) return;
    fmt::print(stderr, "fuzz: expected: {}\n", expected);
    if (!found.empty()) fmt::print(stderr, "fuzz: found: {}\n", printable(found));
    std::abort();
}

std::vector<std::string_view> parts(std::string_view input, std::size_t count) {
    constexpr std::string_view mark = "\n%%\n";
    std::vector<std::string_view> found;
    while (found.size() + 1 < count) {
        const auto end = std::min(input.find(mark), input.size());
        found.push_back(input.substr(0, end));
        input.remove_prefix(std::min(end + mark.size(), input.size()));
    }
    found.push_back(input);
    return found;
}

std::vector<std::uint64_t> words_of(std::string_view input) {
    std::vector<std::uint64_t> words(input.size() / sizeof(std::uint64_t));
    if (!words.empty()) std::memcpy(words.data(), input.data(), words.size() * sizeof(std::uint64_t));
    return words;
}

void require_printable(std::string_view text, bool lines) {
    if (!lines) return require(printable(text) == text, "text that is safe on a terminal", text);
    for (const std::string_view line : split(text, '\n')) require(printable(line) == line, "a line that is safe on a terminal", line);
}

void require_diagnostics(std::span<const Diagnostic> diagnostics, std::string_view text) {
    const auto lines = split(text, '\n');
    std::size_t errors = 0;
    for (const Diagnostic& diagnostic : diagnostics) {
        const std::string shown = text_of(diagnostic, "file");
        require_printable(shown);
        require(!diagnostic.text.empty(), "a diagnostic that says something");
        require(diagnostic.line <= lines.size(), "a line of the text", shown);
        require(diagnostic.line != 0 || diagnostic.column == 0, "no column without a line", shown);
        const std::size_t last = diagnostic.line == 0 ? 0 : lines[diagnostic.line - 1].size() + 1;
        require(diagnostic.column <= last, "a column of the line", shown);
        if (diagnostic.severity == Diagnostic::Severity::error) ++errors;
    }
    require(errors <= Diagnostics::max_kept + 1, "no more errors than are kept");
}

std::uint64_t Bytes::number(std::size_t bytes) {
    const std::string_view taken = text(bytes);
    std::uint64_t value = 0;
    if (!taken.empty()) std::memcpy(&value, taken.data(), taken.size());
    return value;
}

std::string_view Bytes::text(std::size_t most) {
    const std::string_view taken = rest_.substr(0, most);
    rest_.remove_prefix(taken.size());
    return taken;
}

}  // namespace banken::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace banken::fuzz;
    const std::string_view input(reinterpret_cast<const char*>(bytes), size);
    test_one(input);
    // Which ones is decided by the input itself, so that a failure comes again.
    if (repeatable && size > 0 && std::hash<std::string_view>{}(input) % one_of == 0) require_linear(input);
    return 0;
}
