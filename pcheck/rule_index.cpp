// SPDX-License-Identifier: Apache-2.0
#include "pcheck/rule_index.hpp"

#include <algorithm>
#include <string>

namespace banken {

RuleIndex::RuleIndex(std::vector<EntryRule> rules) : rules_(std::move(rules)) {
    for (std::size_t at = 0; at < rules_.size(); ++at) {
        const auto words = index_words(rules_[at].rule);
        for (const auto word : words) words_.emplace_back(word, at);
        if (!words.empty()) continue;
        if (rules_[at].rule.pidfile.empty()) {
            any_word_.push_back(at);
        } else {
            only_named_.emplace(rules_[at].entry, at);
        }
    }
    std::ranges::sort(words_);
}

std::vector<std::size_t> RuleIndex::candidates(const Process& process, const std::vector<core::EntryKey>& named_by) const {
    std::vector<std::size_t> rules = any_word_;
    for (const auto word : index_words(process)) {
        auto at = std::ranges::lower_bound(words_, word, {}, &std::pair<std::string_view, std::size_t>::first);
        for (; at != words_.end() && at->first == word; ++at) rules.push_back(at->second);
    }
    for (const auto entry : named_by) {
        if (const auto found = only_named_.find(entry); found != only_named_.end()) rules.push_back(found->second);
    }
    std::ranges::sort(rules);
    rules.erase(std::unique(rules.begin(), rules.end()), rules.end());
    return rules;
}

Result<std::vector<core::EntryKey>> RuleIndex::matches(Process& process, const std::vector<core::EntryKey>& named_by,
                                                       const ReadFact& read) const {
    std::vector<core::EntryKey> entries;
    for (const std::size_t at : candidates(process, named_by)) {
        const auto& [entry, rule] = rules_[at];
        Judgement judgement = judge(rule, process);
        for (; judgement.kind == Judgement::Kind::needs; judgement = judge(rule, process)) {
            if (auto known = read(judgement.fact, process); !known) return Failure(known.error());
        }
        if (judgement.kind == Judgement::Kind::matched) entries.push_back(entry);
    }
    std::ranges::sort(entries);
    return entries;
}

}  // namespace banken
