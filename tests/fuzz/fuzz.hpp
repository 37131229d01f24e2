// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets share. Each target defines test_one(); what must hold of every input is said with require(), beside what the sanitizers see.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/diagnostic.hpp"

namespace banken::fuzz {

// Defined by the target. Its work must grow no faster than its input: now and then it is played on the input repeated many times, and the
// processor time of 64 KiB is compared with that of 16 KiB.
void test_one(std::string_view input);
// Defined by the target: whether an input says the same when it is repeated, so that the comparison tells something.
extern const bool repeatable;

// Ends the program with what was expected and what was there instead; libFuzzer keeps the input.
void require(bool holds, std::string_view expected, std::string_view found = {});

// Exactly `count` texts: the input cut at lines that are `%%`. What is missing is empty, the last has the rest.
[[nodiscard]] std::vector<std::string_view> parts(std::string_view input, std::size_t count);

// The words of a segment or dump; what is less than one at its end is left out.
[[nodiscard]] std::vector<std::uint64_t> words_of(std::string_view input);

// Nothing in it can steer a terminal, or is no UTF-8; newlines only where `lines`.
void require_printable(std::string_view text, bool lines = false);

// Each lies within `text`, is printable, and there are not more than may be kept.
void require_diagnostics(std::span<const Diagnostic> diagnostics, std::string_view text);

// Takes numbers and texts out of an input that is no text. At its end all is 0 and empty.
class Bytes {
public:
    explicit Bytes(std::string_view rest) : rest_(rest) {}

    [[nodiscard]] bool empty() const { return rest_.empty(); }
    [[nodiscard]] std::uint8_t byte() { return static_cast<std::uint8_t>(number(1)); }
    // Of so many bytes, at most 8.
    [[nodiscard]] std::uint64_t number(std::size_t bytes);
    [[nodiscard]] std::string_view text(std::size_t most);

private:
    std::string_view rest_;
};

}  // namespace banken::fuzz
