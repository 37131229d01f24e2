// SPDX-License-Identifier: Apache-2.0
// INI text with line numbers: `[section]`, `key = value`, comments in lines of their own after `#` or `;`. inih reads it; what Debian's inih 55 would
// mangle (reference/platform.md 10.2) is refused first: lines over 198 bytes, `;` after a blank, lines that begin with a blank or, but the first, with a
// byte order mark, `:` for `=`, section names over 49 bytes. Refused too: text behind a section's `]`, empty and duplicate keys, empty values, NUL,
// control characters, invalid UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/diagnostic.hpp"

namespace banken {

struct IniSection {
    std::string name;
    std::size_t line = 0;
};

struct IniEntry {
    std::string section;               // empty: ahead of any section
    std::string key, value;            // neither is empty
    std::size_t line = 0, column = 0;  // column of the value
};

struct Ini {
    std::vector<IniSection> sections;  // as often as they stand in the text
    std::vector<IniEntry> entries;     // in the order of the text; no key twice in a section
};

// Mistakes go to `diagnostics`; what is returned has none of the refused lines.
[[nodiscard]] Ini parse_ini(std::string_view text, Diagnostics& diagnostics);

}  // namespace banken
