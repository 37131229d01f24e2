// SPDX-License-Identifier: Apache-2.0
// The same as JSON, for scripts: one document with "schema": 1, field names as in the text, `-v` included. A field that has no value is null. A time is
// RFC 3339 text, and epoch seconds in a field of its name with _epoch behind it (spec/padmin.md, --json).
#pragma once

#include <span>
#include <string>

#include "padmin/view.hpp"

namespace banken {

[[nodiscard]] std::string list_json(std::span<const View> views);                                    // {"pchecks": […]}
[[nodiscard]] std::string param_json(const View& view);                                              // {"param": {…}}
[[nodiscard]] std::string pent_json(const View& view, std::span<const EntryRecord* const> entries);  // {"pent": […]}

}  // namespace banken
