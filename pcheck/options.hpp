// SPDX-License-Identifier: Apache-2.0
// pcheck's command line (spec/pcheck.md).
#pragma once

#include <string>
#include <variant>

namespace banken {

struct Options {
    std::string pfile;
    std::string conf;        // banken.conf given by --conf or BANKEN_CONF; empty: the usual place, where a missing file means the defaults
    bool test = false;       // -t
    bool adoptable = false;  // --adoptable
    bool fresh = false;      // --fresh
    bool dry_run = false;    // --dry-run
    std::string scenario;    // --simulate; empty: not asked for
};

// -h, -V and usage errors: what is to be printed, and the exit status (0 goes to stdout, 64 to stderr).
struct OptionsEnd {
    int exit_status = 0;
    std::string text;
};

[[nodiscard]] std::variant<Options, OptionsEnd> parse_options(int argc, char** argv);

}  // namespace banken
