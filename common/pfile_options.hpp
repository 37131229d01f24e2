// SPDX-License-Identifier: Apache-2.0
// The options behind the five fields of a PENT line (spec/pfile.md, PENT): each value with its range, and what excludes each other.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/diagnostic.hpp"
#include "common/pfile.hpp"
#include "common/pfile_text.hpp"
#include "common/schema.hpp"

namespace banken {

// Reads the options of one line, then finish(). `label` is what its messages begin with: "crond, ".
class OptionReader {
public:
    OptionReader(std::size_t line, std::string_view label, Pent& pent, Diagnostics& diagnostics)
        : line_(line), label_(label), pent_(pent), diagnostics_(diagnostics) {}

    // The field of this number, from 6.
    void read(std::size_t number, const PfileField& field);
    // After the last: what excludes each other, what has no effect.
    [[nodiscard]] GivenOptions finish();

private:
    void read_value(PentOption option, const PfileField& value);
    void error(std::size_t column, std::string_view text);
    void error(PentOption option, std::string_view text);
    void warning(PentOption option, std::string_view text);
    void judge_count_mode();
    void judge_useless();

    std::size_t line_;
    std::string_view label_;
    Pent& pent_;
    Diagnostics& diagnostics_;
    GivenOptions given_;
};

// What the line does not say itself comes from `param`; with DETECT poll nothing is confirmed.
void settle_options(Pent& pent, const GivenOptions& given, const Param& param);

// An absolute path with arguments, split at blanks, double quotes grouping.
[[nodiscard]] Result<Command> command_of(const std::string& text);

}  // namespace banken
