// SPDX-License-Identifier: Apache-2.0
// `match`: which processes an entry means now, and which it nearly means. Judged by padmin itself with pcheck's matcher, so it needs no answer
// from pcheck; what only the loop of pcheck knows (a kept match that would not match afresh) comes from the segment.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/matcher.hpp"
#include "padmin/explain.hpp"
#include "padmin/snapshot.hpp"
#include "padmin/view.hpp"

namespace banken {

struct JudgedProcess {
    enum class Standing {
        followed,
        left,       // runs, while the entry is given up
        counted,    // in count mode
        rival,      // could be followed
        child,      // its parent matches too
        not_named,  // it would match, but the pidfile names another, or nobody
        orphan,     // survivor of a dead main process: never stands in for it
        near_miss,
    };
    struct Miss {
        std::string_view filter;  // as Judgement::filter, or "pidfile", "pcheck", "script"
        std::string is;           // what the process has instead: "user is 1000"
    };
    ProcessId id;
    pid_t parent = 0;
    std::optional<uid_t> user{};
    std::string command_line;  // joined by single blanks; "[comm]" where there is none
    Standing standing{};
    std::vector<Miss> misses{};  // of a near miss
};
[[nodiscard]] std::string_view text_of(JudgedProcess::Standing standing);

struct Matching {
    std::vector<std::string> rule;  // what is asked for: "name crond", "user root (0)"
    std::optional<pid_t> named;
    std::vector<JudgedProcess> processes{};  // by standing, then pid
    std::vector<std::string> notes{};        // why pcheck may see it otherwise
};

// The entry's rule over everything that runs. A near miss has the name (a label: the arguments or the executable), or is named by the pidfile, and
// fails another filter.
[[nodiscard]] Matching judge_all(const View& view, const EntryRecord& entry, const Pent& pent, const Snapshot& snapshot);

// What is odd about the process that the pidfile names, while none is followed: "/run/x.pid names process 8033, which does not run". Empty: nothing.
[[nodiscard]] std::string pidfile_words(const View& view, const EntryRecord& entry, const Pent& pent, const Snapshot& snapshot);

// For people.
[[nodiscard]] Explanation explain(const EntryRecord& entry, const Matching& matching);

}  // namespace banken
