// SPDX-License-Identifier: Apache-2.0
// The RESOURCE lines of a pfile (spec/pfile.md, RESOURCE). What the files that they name say is for definition_file.hpp.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "common/diagnostic.hpp"
#include "common/pfile.hpp"
#include "common/pfile_text.hpp"

namespace banken {

class ResourceReader {
public:
    explicit ResourceReader(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

    void read(const PfileLine& line);
    // After the last line: those without a mistake. A tag is unique, and no entry's name, so that an order means one thing.
    [[nodiscard]] std::vector<Definition> finish(const std::vector<Pent>& pents);
    // For each of them.
    [[nodiscard]] std::vector<ResourceColumns> take_columns() { return std::move(columns_); }

private:
    Diagnostics& diagnostics_;
    std::vector<Definition> resources_;
    std::vector<ResourceColumns> columns_;
    std::size_t lines_ = 0;
};

}  // namespace banken
