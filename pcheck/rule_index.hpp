// SPDX-License-Identifier: Apache-2.0
// All entries' rules, so arranged that a process is judged only by those that could match it.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "common/matcher.hpp"
#include "common/result.hpp"
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
    // Fills in the fact; an error says that the process is gone.
    using ReadFact = std::function<Result<>(Fact, Process&)>;
    // The entries whose rules match, by key. Executable and command line are known; the rest is read when a rule asks for it. A label that goes by
    // its pidfile alone matches only a process that the file names: `named_by` are the entries whose files name this one.
    [[nodiscard]] Result<std::vector<core::EntryKey>> matches(Process& process, const std::vector<core::EntryKey>& named_by,
                                                              const ReadFact& read) const;

private:
    [[nodiscard]] std::vector<std::size_t> candidates(const Process& process, const std::vector<core::EntryKey>& named_by) const;

    std::vector<EntryRule> rules_;
    std::vector<std::pair<std::string_view, std::size_t>> words_;  // by word: the rule that has it
    std::vector<std::size_t> any_word_;                            // rules that may match any process
    std::map<core::EntryKey, std::size_t> only_named_;             // rules that may match any process that their pidfile names
};

}  // namespace banken
