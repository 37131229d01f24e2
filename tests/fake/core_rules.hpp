// SPDX-License-Identifier: Apache-2.0
// "What always holds" of spec/state-table.md, 1 to 5, held against every step of a core by what it was told and what it wants done. Written from the
// spec, not from the core: it keeps books of its own.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "tests/fake/core_coverage.hpp"

namespace banken::core {

class Rules {
public:
    void before(const Supervisor& core, const Event& event, Instant now);
    void after(const Supervisor& core, std::span<const Action> actions);
    // Another core goes on with the state of these entries; of all runs only these are heard of again, by their new numbers.
    void adopted(const std::map<RunId, RunId>& heard, const Recorded& recorded);
    // Everything has had time, and all scripts succeed.
    void at_rest(const Supervisor& core);

    [[nodiscard]] const std::vector<Noted>& entries() const { return before_; }
    [[nodiscard]] const std::string& broken() const { return broken_; }

private:
    struct Run {
        EntryKey entry = 0;
        std::string name;
        ScriptKind kind{};
        Instant begun{};
    };
    struct Window {
        std::optional<Instant> first;
        unsigned count = 0;
    };
    void fail(std::string why) {
        if (broken_.empty()) broken_ = std::move(why);
    }
    [[nodiscard]] bool is_ordered() const;
    void begins(const Supervisor& core, const RunScript& action);
    void counted(const Supervisor& core, const Watch& watch);
    void judge_line(const Supervisor& core, const Message& message);
    void judge_states(const Supervisor& core, std::span<const Action> actions);
    void judge_windows(const Supervisor& core);
    void judge_queue(const Supervisor& core, std::span<const Action> actions);
    [[nodiscard]] bool waits_for_slot(const Supervisor& core, EntryKey key) const;
    void judge_silence(const Supervisor& core, const Watch& watch);

    std::string broken_;
    std::vector<Noted> before_;
    std::map<OrderId, std::string> restarts_;  // ordered, and of which entry
    Event event_;
    Instant now_{};
    std::map<RunId, Run> runs_;
    std::vector<EntryKey> queue_;  // who waits for a slot, in the order they came
    std::map<EntryKey, Window> windows_;
    std::map<std::string, unsigned> attempts_;  // of groups
    std::set<EntryKey> ordered_;                // a restart order is being carried out
    std::set<EntryKey> down_, trying_;          // `Down`, `Try to restart` was logged last
};

}  // namespace banken::core
