// SPDX-License-Identifier: Apache-2.0
#include "pcheck/matches.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace banken {
namespace {

constexpr pid_t turns = 32;             // so that reading all matches again costs little beside the sweep
constexpr int deepest_ancestry = 1000;  // parents as last read could be a ring once pids were used again

}  // namespace

void Matches::set_entries(const std::vector<EntryRule>& rules) {
    std::set<core::EntryKey> entries;
    for (const EntryRule& rule : rules) entries.insert(rule.entry);
    std::erase_if(entries_, [&](const auto& entry) { return !entries.contains(entry.first); });
    std::erase_if(named_, [&](const auto& named) { return !entries.contains(named.second); });
    for (const EntryRule& rule : rules) entries_[rule.entry].has_pidfile = !rule.rule.pidfile.empty();
    for (auto at = matches_.begin(); at != matches_.end();) {
        std::erase_if(at->second.entries, [&](core::EntryKey entry) { return !entries.contains(entry); });
        if (at->second.entries.empty()) {
            table_.watch(at->first, script_at(at->first) != nullptr);
            at = matches_.erase(at);
        } else {
            ++at;
        }
    }
}

void Matches::set_wanted(core::EntryKey entry, bool every_sweep) {
    if (const auto found = entries_.find(entry); found != entries_.end()) found->second.wanted = every_sweep;
}

bool Matches::wanted(core::EntryKey entry) const {
    const auto found = entries_.find(entry);
    return found != entries_.end() && found->second.wanted;
}

bool Matches::any_wanted() const {
    return std::ranges::any_of(entries_, [](const auto& entry) { return entry.second.wanted; });
}

void Matches::set_scripts(std::vector<Sweep::Script> scripts) {
    const auto before = std::exchange(scripts_, std::move(scripts));
    for (const auto& script : before) table_.watch(script.process.pid, matches_.contains(script.process.pid));
    watch_scripts();
}

bool Matches::set_named(core::EntryKey entry, std::optional<pid_t> pid) {
    const auto found = entries_.find(entry);
    if (found == entries_.end() || found->second.named == pid) return false;
    if (found->second.named) named_.erase({*found->second.named, entry});
    if (pid) named_.insert({*pid, entry});
    found->second.named = pid;
    found->second.changed = true;
    return true;
}

std::vector<core::EntryKey> Matches::named_by(pid_t pid) const {
    std::vector<core::EntryKey> entries;
    for (auto at = named_.lower_bound({pid, 0}); at != named_.end() && at->first == pid; ++at) entries.push_back(at->second);
    return entries;
}

std::set<pid_t> Matches::pids_of(const std::vector<core::Look>& looks) const {
    std::set<pid_t> pids;
    for (const core::Look& look : looks) {
        const auto entry = entries_.find(look.entry);
        if (entry != entries_.end()) pids.insert(entry->second.matches.begin(), entry->second.matches.end());
    }
    return pids;
}

void Matches::watch_scripts() {
    for (const auto& script : scripts_) table_.watch(script.process.pid, true);
}

void Matches::record(const Reading& reading, bool keep) {
    const pid_t pid = reading.id.pid;
    if (!table_.lives(reading.id)) return;
    std::set<core::EntryKey> entries;
    std::ranges::copy_if(reading.entries, std::inserter(entries, entries.end()), [this](core::EntryKey entry) { return has(entry); });
    const auto old = matches_.find(pid);
    if (old == matches_.end() && entries.empty()) return;

    Match& match = old == matches_.end() ? matches_.try_emplace(pid).first->second : old->second;
    match.id = reading.id;
    if (keep) entries.insert(match.entries.begin(), match.entries.end());
    set_entries_of(match, std::move(entries));
    if (match.entries.empty()) {
        gone(pid);
        return table_.watch(pid, script_at(pid) != nullptr);
    }
    table_.watch(pid, true);
    if (!reading.facts) return;
    Facts facts = *reading.facts;
    if (reading.how == Reading::How::without_command_line) facts.argv0 = match.facts.argv0;
    if (facts == match.facts) return;
    match.facts = std::move(facts);
    change_all_of(pid);
}

void Matches::set_entries_of(Match& match, std::set<core::EntryKey> entries) {
    std::vector<core::EntryKey> different;
    std::ranges::set_symmetric_difference(match.entries, entries, std::back_inserter(different));
    for (const auto key : different) {
        Entry& entry = entries_.at(key);
        entry.changed = true;
        if (entries.contains(key)) {
            entry.matches.insert(match.id.pid);
        } else {
            entry.matches.erase(match.id.pid);
        }
    }
    match.entries = std::move(entries);
}

void Matches::change_all_of(pid_t pid) {
    const auto match = matches_.find(pid);
    if (match == matches_.end()) return;
    for (const auto entry : match->second.entries) entries_.at(entry).changed = true;
}

void Matches::gone(pid_t pid) {
    const auto match = matches_.find(pid);
    if (match == matches_.end()) return;
    set_entries_of(match->second, {});
    matches_.erase(match);
}

const Sweep::Script* Matches::script_at(pid_t pid) const {
    const auto found = std::ranges::find(scripts_, pid, [](const auto& script) { return script.process.pid; });
    return found == scripts_.end() ? nullptr : &*found;
}

bool Matches::excluded(ProcessId process) const {
    if (process.pid == self_) return true;
    if (scripts_.empty()) return false;
    if (const auto* const script = script_at(process.pid)) return !script->first_image || !table_.differs(process, *script->first_image);
    auto known = table_.find(process.pid);
    for (int depth = 0; known && depth < deepest_ancestry; ++depth) {
        if (script_at(known->parent)) return true;  // by pid alone: it is our child, so its pid is nobody else's
        known = table_.find(known->parent);
    }
    return false;
}

core::Candidate Matches::candidate(const Match& match, const sys::ProcTable::Known& known, core::EntryKey entry) const {
    const auto parent = matches_.find(known.parent);
    const bool root = parent == matches_.end() || !parent->second.entries.contains(entry) || excluded(parent->second.id);
    const Entry& of = entries_.at(entry);
    const bool named = !of.has_pidfile || of.named == match.id.pid;
    return {match.id,         root, named, match.facts.fork_no_exec, match.facts.in_session_scope, known.session, match.facts.user,
            match.facts.argv0};
}

std::vector<core::Candidate> Matches::take(core::EntryKey entry) {
    std::vector<core::Candidate> candidates;
    const auto found = entries_.find(entry);
    if (found == entries_.end()) return candidates;
    found->second.changed = false;
    for (const pid_t pid : found->second.matches) {
        const Match& match = matches_.at(pid);
        const auto known = table_.find(pid);
        if (known && !excluded(match.id)) candidates.push_back(candidate(match, *known, entry));
    }
    return candidates;
}

std::vector<core::EntryKey> Matches::news() {
    for (auto& [pid, match] : matches_) {
        if (std::exchange(match.excluded, excluded(match.id)) != match.excluded) change_all_of(pid);
    }
    std::vector<core::EntryKey> keys;
    for (const auto& [key, entry] : entries_) {
        if (entry.wanted || entry.changed) keys.push_back(key);
    }
    return keys;
}

std::vector<ProcessId> Matches::due_again() {
    turn_ = (turn_ + 1) % turns;
    std::vector<ProcessId> due;
    for (auto& [pid, match] : matches_) {
        if (!std::exchange(match.read_again, true) || pid % turns == turn_) due.push_back(match.id);
    }
    return due;
}

}  // namespace banken
