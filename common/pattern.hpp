// SPDX-License-Identifier: Apache-2.0
// A pattern of RE2, the only place of that library. Searching takes time linear in the text whatever the pattern, and at most 1 MiB of memory.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace re2 {
class RE2;
}

namespace banken {

// Cheap to copy; copies share what was compiled, also between threads.
class Pattern {
public:
    // Bytes, not characters: what a command line holds need not be UTF-8. Error: what is wrong, with the part that is: "missing ): a(b".
    [[nodiscard]] static Result<Pattern> compile(const std::string& text);

    [[nodiscard]] const std::string& text() const;
    // Anywhere in it; `^` and `$` stand for its ends.
    [[nodiscard]] bool found_in(std::string_view text) const;

    friend bool operator==(const Pattern& left, const Pattern& right) { return left.text() == right.text(); }

private:
    explicit Pattern(std::shared_ptr<const re2::RE2> compiled) : compiled_(std::move(compiled)) {}
    std::shared_ptr<const re2::RE2> compiled_;
};

}  // namespace banken
