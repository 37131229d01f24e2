// SPDX-License-Identifier: Apache-2.0
// The PENT lines of a pfile (spec/pfile.md, PENT).
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/diagnostic.hpp"
#include "common/pfile.hpp"
#include "common/pfile_options.hpp"
#include "common/pfile_text.hpp"

namespace banken {

class PentReader {
public:
    explicit PentReader(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

    void read(const PfileLine& line);
    // After the last line. What an entry does not say itself comes from `param`.
    [[nodiscard]] std::vector<Pent> finish(const Param& param);
    // For each entry.
    [[nodiscard]] const std::vector<GivenOptions>& given() const { return given_; }
    [[nodiscard]] std::vector<GivenOptions> take_given() { return std::move(given_); }

private:
    void read_fields(const PfileLine& line, const std::vector<PfileField>& fields);
    [[nodiscard]] GivenOptions read_options(const PfileLine& line, const std::vector<PfileField>& fields, Pent& pent);
    void refuse_same(const Pent& pent, std::size_t column);

    Diagnostics& diagnostics_;
    std::vector<Pent> pents_;
    std::vector<GivenOptions> given_;  // for each of them
    std::size_t lines_ = 0;
    std::unordered_map<std::string, std::size_t> lines_by_identity_;
};

}  // namespace banken
