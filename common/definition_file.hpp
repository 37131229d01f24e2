// SPDX-License-Identifier: Apache-2.0
// The definition file of a resource: its text, its values, and every mistake in it with its place (spec/resources.md). Pure: text in, values out.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/defaults_file.hpp"
#include "common/definition.hpp"
#include "common/definition_schema.hpp"
#include "common/diagnostic.hpp"

namespace banken {

// Which keys a definition gives, and where their values stand.
struct GivenKeys {
    struct Place {
        std::size_t line = 0, column = 0;  // from 1; line 0: not given
    };
    std::array<Place, definition_keys> places{};

    [[nodiscard]] Place place(DefinitionKey key) const { return places[static_cast<std::size_t>(key)]; }
    [[nodiscard]] bool has(DefinitionKey key) const { return place(key).line != 0; }
};

struct ParsedDefinition {
    Definition definition;  // meaningful only without errors
    GivenKeys given;
    std::vector<Diagnostic> diagnostics;  // all of them, in the order of the file, missing keys last

    [[nodiscard]] bool good() const { return banken::good(diagnostics); }
};

inline constexpr std::size_t definition_max_bytes = 64u << 10;

// `line` has what the pfile says of the resource. Warnings, for `pcheck -t` alone, are what has no effect and what is hardly meant. Whether the tags in
// `depends` are known is for check_depends().
[[nodiscard]] ParsedDefinition parse_definition(std::string_view text, const Definition& line, const Defaults& defaults);

}  // namespace banken
