// SPDX-License-Identifier: Apache-2.0
// A script with its arguments, as configuration files name it.
#pragma once

#include <string>
#include <vector>

namespace banken {

// Split at blanks, double quotes grouping. Empty: there is none (`-` in a pfile).
struct Command {
    std::vector<std::string> argv;  // argv[0] is an absolute path
    std::string text;               // as written, escapes resolved

    [[nodiscard]] bool none() const { return argv.empty(); }
    friend bool operator==(const Command&, const Command&) = default;
};

}  // namespace banken
