// SPDX-License-Identifier: Apache-2.0
// What `after` of all entries together must hold: known names, and no circle (spec/pfile.md, last part; spec/state-table.md, groups).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/diagnostic.hpp"
#include "common/pfile.hpp"

namespace banken {

struct AfterError {
    std::size_t pent = 0;  // whose `after` it is: its place in the list
    std::string text;
};

// A hint compares with every name: beyond so many unknown names there is none, so that the whole takes time linear in the file.
inline constexpr std::size_t after_hints = 50;

// Beyond Diagnostics::max_kept errors they have no text. In a search for circles a group counts as one entry, and an `after` of a member that names a member of its own group does not count. Of
// circles that share an entry only one is told: "web waits for db, db waits for web".
[[nodiscard]] std::vector<AfterError> check_after(const std::vector<Pent>& pents);

}  // namespace banken
