// SPDX-License-Identifier: Apache-2.0
// Pfiles for random schedules: few entries with all that an entry may have, and short times, so that much happens in little time.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "common/pfile.hpp"
#include "tests/fake/random.hpp"

namespace banken::core {

class RandomPfile {
public:
    explicit RandomPfile(Random& random);

    // As it is now.
    [[nodiscard]] Pfile pfile() const;
    [[nodiscard]] std::string text() const;
    // Entries come, go, move and change; parameters change.
    void edit();

private:
    struct Entry {
        char name;
        std::string line;  // without the name
    };
    [[nodiscard]] std::string param(std::size_t number);
    void add();
    [[nodiscard]] std::string line_for(char name);
    [[nodiscard]] std::string options_for(char name, bool reports_only);
    void settle();

    Random& random_;
    std::array<std::string, 8> params_;
    std::vector<Entry> entries_;
};

}  // namespace banken::core
