// SPDX-License-Identifier: Apache-2.0
// The clocks, and the time zone. Whoever decides takes `now` as an argument.
#pragma once

#include <string>

#include "common/result.hpp"
#include "common/time.hpp"

namespace banken::sys {

[[nodiscard]] Now read_now();
[[nodiscard]] Instant read_instant();
// For programs without a loop.
void sleep_for(Duration duration);

// "Thu Jan 18 13:34:43 2007": local time, in the C locale whatever is set.
[[nodiscard]] std::string local_time_text(WallTime time);
// The moment of a local time "YYMMDDHHMMSS", 69..99 being 1969..1999; the error says what is expected.
[[nodiscard]] Result<WallTime> time_of_digits(const std::string& digits);
// "2007-01-18T13:34:43+09:00": local time with its distance from UTC.
[[nodiscard]] std::string rfc3339_text(WallTime time);

}  // namespace banken::sys
