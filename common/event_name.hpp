// SPDX-License-Identifier: Apache-2.0
// The names of events: class and event, each one component of a path below the directory of the responders (spec/events.md). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace banken {

// Of 1..255 letters, digits, `.`, `_`, `-`, and neither `.` nor `..`: nothing that leads out of its directory.
[[nodiscard]] bool is_event_word(std::string_view word);
// Whether this is `class/event`; the error says what is expected.
[[nodiscard]] Result<> check_event_name(std::string_view text);
// The same of a list, separated by commas.
[[nodiscard]] Result<std::vector<std::string>> event_names_of(std::string_view text);

}  // namespace banken
