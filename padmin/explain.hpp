// SPDX-License-Identifier: Apache-2.0
// `explain`: an entry in words. Pure: what is not in the segment comes as Findings.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "padmin/forecast.hpp"
#include "padmin/view.hpp"

namespace banken {

// What padmin has found out by itself.
struct Findings {
    std::string refused;                 // why Trust would refuse the restart script now; empty: it would not, or nobody could look
    std::vector<std::string> process{};  // what is odd about the process and its pidfile now
    std::vector<std::string> output{};   // the last lines of SCRIPT_OUTPUT's file
    std::string check_refused{};         // the same as `refused`, of the health check
    bool gone = false;                   // the process that the record says to run is no more
};

struct Explanation {
    struct Section {
        std::string_view label;
        std::vector<std::string> lines;
    };
    std::vector<Section> sections;  // state, why, next, limits, …: those without lines are left out
};

// `pent`: the entry's line as pent_of() reads it; its error is said, and nothing is foretold then.
[[nodiscard]] Explanation explain(const View& view, const EntryRecord& entry, const Result<Pent>& pent, const Findings& findings);

// What keeps all that pcheck would do from happening: it is stopped, hangs, has ended, or only watches.
[[nodiscard]] std::vector<std::string> condition_lines(const View& view);
// What scripts have written last.
[[nodiscard]] std::vector<std::string> output_lines(const View& view, const Findings& findings);

// Sections as text, the labels in a column.
[[nodiscard]] std::string text_of(const Explanation& explanation);

}  // namespace banken
