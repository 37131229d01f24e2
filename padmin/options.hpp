// SPDX-License-Identifier: Apache-2.0
// padmin's command line (spec/padmin.md). The order's words are cut out first, by the rules of the spec; CLI11 sees only what is left.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "common/time.hpp"

namespace banken {

struct PadminOptions {
    bool list = false;        // -l; else there is an order
    std::string pfile, dump;  // with an order exactly one of pfile, key and dump is given; dump with show and explain alone
    std::optional<std::uint32_t> key;
    std::string conf;              // banken.conf given by --conf or BANKEN_CONF; empty: the usual place
    std::optional<Duration> wait;  // --wait
    bool json = false, verbose = false;
    bool quiet = false;                // with show pent alone
    bool difference = false;           // -t, with reload alone
    std::optional<std::size_t> lines;  // -n, with show trace alone
    std::vector<std::string> words;    // of the order: {"show", "pent", "crond"}
};

// -h, -V and usage errors: what is to be printed, and the exit status (0 goes to stdout, 64 to stderr).
struct PadminOptionsEnd {
    int exit_status = 0;
    std::string text;
};

// Without the program's name. BANKEN_CONF is read from the environment.
[[nodiscard]] std::variant<PadminOptions, PadminOptionsEnd> parse_padmin_options(std::span<const std::string> arguments);

}  // namespace banken
