// SPDX-License-Identifier: Apache-2.0
// DEFAULTS_FILE: the NAME=value lines of LifeKeeper's /etc/default/LifeKeeper (reference/lifekeeper.md 1.5 and 1.6). It holds much that is not ours and
// is passed over; what is ours must have a value that is understood. Pure: text in, values out.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/definition.hpp"
#include "common/diagnostic.hpp"
#include "common/time.hpp"

namespace banken {

// Without a file: nothing said, no limits.
struct Defaults {
    std::optional<Duration> check_interval;            // LKCHECKINTERVAL; 0: off
    std::unordered_map<std::string, Duration> limits;  // by the name of the variable; 0: none

    // Of a generic resource's script. GENAPP_<TTAG>_<ACTION>_TIMEOUT; of quickCheck else the older <TTAG>_TIMEOUT. 0: none.
    [[nodiscard]] Duration limit(std::string_view tag, ResourceScript script) const;
};

struct ParsedDefaults {
    Defaults defaults;                    // meaningful only without errors
    std::vector<Diagnostic> diagnostics;  // all of them, in the order of the file
};

inline constexpr std::size_t defaults_max_bytes = 1u << 20;

// A variable is ours when it is LKCHECKINTERVAL or a time limit of one of `resources`. As in a shell, the last of several lines counts (a warning);
// `export` ahead of a name, quotes around a value and a comment behind it are understood.
[[nodiscard]] ParsedDefaults parse_defaults(std::string_view text, std::span<const Definition> resources);

// <TTAG>: what stands for the tag in the names of variables. Different tags may have the same.
[[nodiscard]] std::string variable_part_of(std::string_view tag);

}  // namespace banken
