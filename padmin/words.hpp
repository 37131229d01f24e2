// SPDX-License-Identifier: Apache-2.0
// Times and counts as a person reads them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "padmin/view.hpp"

namespace banken {

// "8 s", "3 min 20 s", "2 h 5 min", "3 d 4 h": the two largest units, rounded up to a second.
[[nodiscard]] std::string span_words(Duration span);
// "13:34:43" on the day that the view was read, else "Thu Jan 18 13:34:43 2007".
[[nodiscard]] std::string time_words(const View& view, WallTime time);
// "13:34:43 (in 8 s)", "13:34:43 (8 s ago)", "13:34:43 (now)"; of a dump "Thu Jan 18 13:34:43 2007".
[[nodiscard]] std::string moment_words(const View& view, WallTime time);
[[nodiscard]] std::string moment_words(const View& view, Instant instant);

// "paused since 13:34:43 (8 s ago) until 14:00:00 (in 25 min 9 s)", "paused, until `start`".
[[nodiscard]] std::string pause_words(const View& view, WallTime since, std::optional<Instant> until);

// "2.1G", as limits are written in the pfile and in the log.
[[nodiscard]] std::string size_words(std::uint64_t bytes);
// How its health check has gone; what the segment has cut ends behind a word, with "...".
[[nodiscard]] std::string health_words(const EntryRecord& entry);
// It is up, and its last checks were bad or could not be run.
[[nodiscard]] bool is_in_doubt(const EntryRecord& entry);
// "1 attempt", "3 attempts", "2 processes".
[[nodiscard]] std::string count_words(std::size_t count, std::string_view what);

// What starts a pcheck with this one's pfile: "pcheck -f /etc/banken/pfile_cron".
[[nodiscard]] std::string start_words(const View& view);
// "padmin -f /etc/banken/pfile_cron -c reload".
[[nodiscard]] std::string command_words(const View& view, std::string_view order);
// How this pcheck and this entry are named on padmin's command line: "padmin -f /etc/banken/pfile_cron -c clear crond".
[[nodiscard]] std::string command_words(const View& view, std::string_view order, const EntryRecord& entry);

// Why `target` names no entry, and what to do: "no entry "crnd", did you mean crond?".
[[nodiscard]] std::string no_entry_words(const View& view, std::string_view target);

}  // namespace banken
