// SPDX-License-Identifier: Apache-2.0
// The same as JSON, for scripts: one document with "schema": 1, field names as in the text, `-v` included. A field that has no value is null. A time is
// RFC 3339 text, and epoch seconds in a field of its name with _epoch behind it (spec/padmin.md, --json).
#pragma once

#include <span>
#include <string>

#include "padmin/explain.hpp"
#include "padmin/match.hpp"
#include "padmin/view.hpp"

namespace banken {

[[nodiscard]] std::string list_json(std::span<const View> views);                                    // {"pchecks": […]}
[[nodiscard]] std::string param_json(const View& view);                                              // {"param": {…}}
[[nodiscard]] std::string pent_json(const View& view, std::span<const EntryRecord* const> entries);  // {"pent": […]}
[[nodiscard]] std::string resource_json(const View& view, std::span<const ResourceRecord* const> resources);
[[nodiscard]] std::string group_json(const View& view, std::span<const Group> groups);         // {"group": […]}
[[nodiscard]] std::string trace_json(const View& view, std::span<const TraceRecord> records);  // {"trace": […]}
[[nodiscard]] std::string capabilities_json(const View& view);                                 // {"capabilities": {…}}
[[nodiscard]] std::string all_json(const View& view);                                          // all of them but the trace

// {"explain": {…}}: the fields of pent, and state, wait, reason, next_action (one of text_of(NextAction)), next_time, next_in (seconds from now, with
// decimals), attempts_left (null: unlimited, or no script), timetable [{attempt, time, in}], retry_over_time, text (what `explain` prints).
[[nodiscard]] std::string explain_json(const View& view, const ResourceRecord& resource, const Findings& findings);
[[nodiscard]] std::string explain_json(const View& view, const EntryRecord& entry, const Result<Pent>& pent, const Findings& findings);

// {"match": {pname, pent_id, proc_sts, pid, rule [text], named_pid, processes [{pid, standing (text_of(Standing)), ppid, user, command_line, misses
// [{filter, text}]}], notes [text]}}
[[nodiscard]] std::string match_json(const EntryRecord& entry, const Matching& matching);

}  // namespace banken
