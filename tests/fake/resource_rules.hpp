// SPDX-License-Identifier: Apache-2.0
// What always holds for resources (spec/state-table.md), asked after every step of a random schedule.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "pcheck/core/resources.hpp"

namespace banken::core {

// A script that the world runs, whoever began it.
struct LiveScript {
    RunResourceScript what;
    ProcessId process;
    std::string tag;
    std::uint64_t stage = 0;  // of its resource when it began
    Report says = Report::none;
    bool stubborn = false, immortal = false;
    bool stranger = false;  // begun by a pcheck that was killed
};
using LiveScripts = std::map<RunId, LiveScript>;

class ResourceRules {
public:
    void before(const Resources& core, const Event& event, const LiveScripts& live, Instant now);
    void after(const Resources& core, std::span<const Action> actions);
    // Asked when an action is performed, since a step may begin several scripts. `again`: by adoption, it had not begun before.
    void begins(const Resources& core, const RunResourceScript& action, const LiveScripts& live, bool again);
    void adopted(const Resources& before);
    // Nothing new has happened for long, and all scripts have ended.
    void at_rest(const Resources& core);
    [[nodiscard]] const std::string& broken() const { return broken_; }
    void fail(std::string why);

private:
    struct Past {
        ResourceKind kind{};
        std::vector<Instant> recoveries;
        std::optional<RecoverLimit> limit;
        bool autorecovered = false, ordered = false;
        bool failed = false;  // FAILED, and no order or reload since
    };
    void answered(OrderId order);
    void forget_others(const Resources& core);
    void judge_order(const Resources& core, std::span<const Action> actions);
    void judge_check(const Resources& core);
    void judge_tree(const Resources& core, const Resource& resource, const RunResourceScript& action);
    void judge_recovery(const Resource& resource, const RunResourceScript& action, bool again);
    void judge_silence(const Resources& core, const Resource& resource);
    void judge_failed(const Resources& core, std::span<const Action> actions);
    void judge_end(const Resources& core);
    void note_needed(const Resources& core);
    [[nodiscard]] std::set<ResourceKey> tree_of(const Resources& core, ResourceKey of) const;
    [[nodiscard]] std::set<ResourceKey> reach(const Resources& core, ResourceKey from, bool below) const;
    [[nodiscard]] std::vector<const Resource*> beside(const Resources& core, const Resource& resource, bool below) const;

    std::map<ResourceKey, Resource> before_;
    Event event_{};
    Instant now_{};
    std::optional<LiveScript> ended_;  // by this event
    std::set<OrderId> waiting_;        // for an answer
    std::map<std::string, Past> past_;
    ResourceKey ended_by_ = 0;                // whose failure ends pcheck; 0: nobody's, or the tree is not the same any more
    std::set<ResourceKey> needed_;            // of its tree, by others
    bool ending_ = false, may_stay_ = false;  // some resource was ever to stay when it is not removed
    std::string broken_;
};

}  // namespace banken::core
