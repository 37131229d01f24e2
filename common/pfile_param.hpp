// SPDX-License-Identifier: Apache-2.0
// The PARAM section of a pfile: one line a key, then what is missing and what contradicts (spec/pfile.md, PARAM).
#pragma once

#include <array>
#include <cstddef>

#include "common/diagnostic.hpp"
#include "common/pfile.hpp"
#include "common/pfile_text.hpp"
#include "common/schema.hpp"

namespace banken {

// The value behind the key of a PARAM line, judged by `rule`.
struct ParamValue {
    std::size_t column = 0;
    Result<Value> value;
};
[[nodiscard]] ParamValue param_value(const PfileLine& line, const ValueRule& rule);

class ParamReader {
public:
    explicit ParamReader(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

    void read(const PfileLine& line);
    // A line that cannot be read: what it sets is not missing.
    void skip(const PfileLine& line);
    // After the last line.
    [[nodiscard]] Param finish();

private:
    struct Setting {
        std::size_t line = 0, column = 0;  // of the value; line 0: not given
        bool good = false;
    };
    Setting& setting(ParamKey key) { return settings_[static_cast<std::size_t>(key)]; }
    void store(ParamKey key, const Value& value);
    void settle_confirm_wait();

    Diagnostics& diagnostics_;
    Param param_;
    std::array<Setting, param_keys> settings_{};
};

// What is wrong with the value of a key beyond its text, with its place in the pfile.
[[nodiscard]] Diagnostic error_about(ParamKey key, std::string_view pfile, std::string_view text);

}  // namespace banken
