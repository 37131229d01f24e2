// SPDX-License-Identifier: Apache-2.0
// What `depends` of all resources together must hold: known tags, and no circle (spec/resources.md).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/definition.hpp"

namespace banken {

struct DependsError {
    std::size_t resource = 0;  // whose `depends` it is: its place in the list
    std::string text;
};

// Circles that share a resource need not all be told; when one of each is broken, the others show. "goes in a circle: web -> db -> web".
[[nodiscard]] std::vector<DependsError> check_depends(const std::vector<Definition>& resources);

}  // namespace banken
