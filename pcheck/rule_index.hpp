// SPDX-License-Identifier: Apache-2.0
// All entries' rules, so arranged that a process is judged only by those that could match it.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "common/matcher.hpp"
#include "pcheck/core/types.hpp"

namespace banken {

struct EntryRule {
    core::EntryKey entry = 0;
    MatchRule rule;

    friend bool operator==(const EntryRule&, const EntryRule&) = default;
};

// Never changes, so helper threads share it.
class RuleIndex {
public:
    RuleIndex() = default;
    explicit RuleIndex(std::vector<EntryRule> rules);
    RuleIndex(const RuleIndex&) = delete;  // words_ points into rules_
    RuleIndex& operator=(const RuleIndex&) = delete;

    [[nodiscard]] const std::vector<EntryRule>& rules() const { return rules_; }
    // The entries whose rules match, by key. A fact that is unset counts as empty.
    [[nodiscard]] std::vector<core::EntryKey> matches(Process process) const;

private:
    std::vector<EntryRule> rules_;
    std::vector<std::pair<std::string_view, std::size_t>> words_;  // by word: the rule that has it
};

}  // namespace banken
