// SPDX-License-Identifier: Apache-2.0
#include "pcheck/rule_index.hpp"

#include <algorithm>
#include <string>

namespace banken {
namespace {

// A fact that could not be read counts as empty, so that judge() never asks for it.
Process completed(Process process) {
    if (!process.exe) process.exe.emplace();
    if (!process.command_line) process.command_line.emplace();
    return process;
}

}  // namespace

RuleIndex::RuleIndex(std::vector<EntryRule> rules) : rules_(std::move(rules)) {
    for (std::size_t at = 0; at < rules_.size(); ++at) {
        for (const auto word : index_words(rules_[at].rule)) words_.emplace_back(word, at);
    }
    std::ranges::sort(words_);
}

std::vector<core::EntryKey> RuleIndex::matches(Process process) const {
    const Process whole = completed(std::move(process));
    std::vector<core::EntryKey> entries;
    for (const auto word : index_words(whole)) {
        auto at = std::ranges::lower_bound(words_, word, {}, &std::pair<std::string_view, std::size_t>::first);
        for (; at != words_.end() && at->first == word; ++at) {
            const auto& [entry, rule] = rules_[at->second];
            if (judge(rule, whole).kind == Judgement::Kind::matched) entries.push_back(entry);
        }
    }
    std::ranges::sort(entries);
    entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
    return entries;
}

}  // namespace banken
