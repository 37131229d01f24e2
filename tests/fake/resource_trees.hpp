// SPDX-License-Identifier: Apache-2.0
// Trees for random schedules: few resources of both kinds with all that a definition may say, and short times, so that much happens in little time.
#pragma once

#include <string>
#include <vector>

#include "common/definition.hpp"
#include "tests/fake/random.hpp"

namespace banken::core {

class RandomTree {
public:
    explicit RandomTree(Random& random);

    [[nodiscard]] const std::vector<Definition>& definitions() const { return definitions_; }
    [[nodiscard]] std::string text() const;
    // One that is there, or may come.
    [[nodiscard]] char some_tag();
    // It comes, goes, changes its kind, its children or a field.
    void edit(char tag);

private:
    [[nodiscard]] Definition resource(char tag);
    void fill_generic(Definition& definition);
    void fill_cmdline(Definition& definition);
    void settle();

    Random& random_;
    std::vector<Definition> definitions_;
};

}  // namespace banken::core
