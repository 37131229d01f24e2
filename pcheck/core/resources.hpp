// SPDX-License-Identifier: Apache-2.0
// Every decision of pcheck about resources: the second half of spec/state-table.md as code. Pure, like the Supervisor, and beside it: the two share
// events and actions, never a state. Orders and failures only set goals; pursue() alone starts restore, remove, Start and Stop.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pcheck/core/resource.hpp"
#include "pcheck/core/types.hpp"

namespace banken::core {

// What the dump, or the segment of a pcheck that was killed, says about a resource: the state that its goal leads to.
enum class RecordedState : std::uint8_t { in, standby, out, failed };
using RecordedStates = std::map<std::string, RecordedState, std::less<>>;
[[nodiscard]] RecordedState recorded_state(const Resource& resource);

// Runs of resources have numbers of their own. The highest bit is left to who puts a mark beside the number (Deaths).
inline constexpr RunId first_resource_run = RunId{1} << 62;

struct ResourceEnding {
    int exit_status = 0;
    std::string reason;    // for the dump
    OrderId order = 0;     // of a `shutdown remove`
    ResourceKey stay = 0;  // whose remove failed with remove_failure=stay
    ResourceKey by = 0;    // whose failure asked for it; 0: an order
};

// State as the segment holds it.
struct RecordedResources {
    std::vector<Resource> resources;  // in file order
    std::optional<ResourceEnding> ending;
};

class Resources {
public:
    // `dry_run`: every order that would run a script is refused, and nothing is run.
    Resources(std::vector<Definition> definitions, Param param, bool dry_run, Now now);

    // The first step: those that are to be in service get that goal.
    [[nodiscard]] std::vector<Action> begin(const RecordedStates& recorded, Now now);
    // Instead of begin(): takes over what a pcheck that was killed has recorded; what has become of the scripts is told by Adopted.
    void adopt(RecordedResources recorded, Now now);

    [[nodiscard]] std::vector<Action> step(const Event& event, Now now);
    // As by the order for each of them, without an answer.
    [[nodiscard]] std::vector<Action> pause_all(std::optional<Duration> duration, Now now);
    [[nodiscard]] std::vector<Action> resume_all(Now now);
    // pcheck ends and leaves them: what it logs about it.
    [[nodiscard]] std::vector<Action> left_behind() const;

    [[nodiscard]] std::optional<Instant> next_deadline() const;
    [[nodiscard]] bool has(std::string_view tag) const { return by_tag_.contains(tag); }
    // 0: there is none.
    [[nodiscard]] ResourceKey key_of(std::string_view tag) const;
    [[nodiscard]] std::span<const ResourceKey> resources() const { return order_; }
    // With those that were removed, but a script of them still runs.
    [[nodiscard]] std::vector<ResourceKey> all() const;
    [[nodiscard]] bool is_leaving(ResourceKey resource) const { return leaving_.contains(resource); }
    [[nodiscard]] const Resource* find(ResourceKey resource) const;
    [[nodiscard]] ResourceKey resource_of(RunId run) const;
    // What it is to be ended by; 0: it is not.
    [[nodiscard]] int signal_of(RunId run) const;
    [[nodiscard]] const std::optional<ResourceEnding>& ending() const { return ending_; }

private:
    using Keys = std::vector<ResourceKey>;
    enum class Outcome { good, bad, timed_out };
    struct Ended {
        ResourceRun run;
        Outcome outcome{};
        std::string text;              // "status=1", for logs
        Report report = Report::none;  // a Check's
    };

    // resources.cpp
    void on(const ScriptStarted& event);
    void on(const ScriptEnded& event);
    void on(const Order& event);
    void on(const Reloaded& event);
    void on(const Adopted& event);
    void on(const Deadline& event);
    template <class Other>
    void on(const Other&) {}
    [[nodiscard]] std::vector<Action> finish_step();
    [[nodiscard]] Ended judge_end(const Resource& resource, const ResourceRun& run, const ScriptEnded& event) const;
    void ended(Resource& resource, const Ended& end);
    void due(Resource& resource);
    void index();

    // resource_runs.cpp: scripts and their limits
    [[nodiscard]] ResourceRun& run(Resource& resource, ResourceScript script, CmdlineFacts facts = {});
    void end(Resource& resource, ResourceRun& run);
    void limit_due(Resource& resource, std::optional<ResourceRun>& run);
    void tell_long_run(Resource& resource);
    void keep_reminder(Resource& resource);
    void remind(Resource& resource);
    void set_state(Resource& resource, ResourceState state, std::string reason);
    void tell_state(Resource& resource, ResourceState before, std::string_view event = "state");
    void set_paused(Resource& resource, bool paused);
    void raise(std::string_view event, Message message, bool recovering = false);
    void tell_bad_check(Resource& resource, ResourceScript script, const std::string& outcome, bool timed_out, bool recovering);
    void touch(const Resource& resource) { touched_.insert(resource.key); }

    // goals.cpp
    void pursue_all();
    [[nodiscard]] bool pursue(Resource& resource);
    [[nodiscard]] bool pursue_in(Resource& resource);
    [[nodiscard]] bool pursue_out(Resource& resource);
    [[nodiscard]] bool pursue_recover(Resource& resource);
    void set_goal(Resource& resource, Goal goal);
    [[nodiscard]] static bool is_up(const Resource& child, bool for_standby);
    [[nodiscard]] bool children_up(const Resource& resource) const;
    [[nodiscard]] bool has_hidden(const Resource& resource) const;
    [[nodiscard]] bool blocked(const Resource& resource) const;
    [[nodiscard]] std::string restore_refusal(const Resource& resource, bool to_standby) const;
    [[nodiscard]] Keys to_restore(const Resource& resource, bool to_standby) const;
    void restore(Resource& resource, bool to_standby);
    void want_in(Resource& resource, bool to_standby);
    void remove(Resource& resource, Goal goal, OfflineReason why);
    void take_out(Resource& resource, Goal goal, OfflineReason why, std::string_view because = {});
    void recover(Resource& resource, const std::string& why);
    void failed(Resource& resource, std::string why, OnFailure on_failure);
    void take_out_tree(Resource& resource, bool whole);
    void drop_tree(const Resource& resource);
    [[nodiscard]] Keys tree_of(const Resource& resource) const;
    void end_coming_in(Resource& resource);
    [[nodiscard]] bool may_recover(Resource& resource);
    [[nodiscard]] std::string used_up_words(const Resource& resource) const;
    void removed(Resource& resource, bool well, const std::string& why);
    void end_if_done();
    [[nodiscard]] Keys below(ResourceKey resource) const;
    [[nodiscard]] Keys above(ResourceKey resource) const;
    [[nodiscard]] Keys walk(ResourceKey from, const std::map<ResourceKey, Keys>& edges) const;

    // generic.cpp
    void generic_ended(Resource& resource, const Ended& end);
    void generic_checked(Resource& resource, const Ended& end);
    void check_due(Resource& resource);
    void begin_check(Resource& resource, ResourceScript script);
    void check_at_once(Resource& resource);
    void enter_service(Resource& resource, std::string reason);
    void arm_checks(Resource& resource);
    void rest_checks(Resource& resource);

    // cmdline.cpp
    void go_online(Resource& resource);
    void asked(Resource& resource, const Ended& end);
    void begin_start(Resource& resource, bool recovery);
    void go_offline(Resource& resource);
    void take_step(Resource& resource, Step step);
    void ask_check(Resource& resource);
    bool keep_checking(Resource& resource, bool may_begin);
    void cmdline_ended(Resource& resource, const Ended& end);
    void start_ended(Resource& resource, const Ended& end);
    void stop_ended(Resource& resource, const Ended& end);
    void start_failed(Resource& resource, const std::string& why);
    void wait_due(Resource& resource);
    void reported(Resource& resource, const Ended& end);
    void take_report(Resource& resource, const Ended& end);
    void fault(Resource& resource, const Ended& end);
    void tell_report(Resource& resource, std::string what);
    void tell_odd_status(Resource& resource, const Ended& end);
    void came_in(Resource& resource, ResourceState state);
    void detector_gone(Resource& resource);
    [[nodiscard]] static CmdlineFacts facts_of(const Resource& resource);
    [[nodiscard]] bool may_check(const Resource& resource) const;

    // resource_orders.cpp
    void order_restore(Resource& resource, const Order& order);
    void order_remove(Resource& resource, const Order& order);
    void order_check(Resource& resource, const Order& order);
    void order_recover(Resource& resource, const Order& order);
    void order_event(Resource& resource, const Order& order);
    [[nodiscard]] std::string recover_refusal(const Resource& resource) const;
    void order_stop(Resource& resource, const Order& order);
    void order_update(Resource& resource, const Order& order);
    void order_clear(Resource& resource, const Order& order);
    void order_shutdown_remove(const Order& order);
    void remove_all();
    void pause(Resource& resource, std::optional<Duration> duration);
    void resume(Resource& resource);
    void resume_and_tell(Resource& resource);
    void answer(OrderId order, int exit_status = 0, std::string text = {});
    void refuse(const Resource& resource, const Order& order, std::string_view why);
    [[nodiscard]] std::string occupation(const Resource& resource) const;

    // resource_reload.cpp
    ResourceKey add(Definition definition);
    void take_away(Resource& resource);
    void hide(Resource& resource);
    void change(Resource& resource, Definition definition);
    void take_keys(const std::vector<Resource>& recorded);
    void start_added(const Keys& added, const RecordedStates& recorded);
    void start_added(Resource& resource, RecordedState recorded);
    void adopted(Resource& resource, const std::vector<RunId>& live);
    void fail_unrecorded();
    void adopted_run(Resource& resource, const ResourceRun& run);
    void ended_unseen(Resource& resource, const std::optional<ResourceRun>& run);

    Resource& at(ResourceKey key) { return resources_.at(key); }
    void log(Message message) { actions_.push_back(Log{std::move(message)}); }
    void emit(Action action) { actions_.push_back(std::move(action)); }

    Param param_;
    bool dry_run_ = false;
    std::map<ResourceKey, Resource> resources_;
    Keys order_;                          // in the order of the file
    std::set<ResourceKey> leaving_;       // removed, a script still runs
    std::set<ResourceKey> adopted_keys_;  // until Adopted tells of them
    std::map<std::string, ResourceKey, std::less<>> by_tag_;
    std::map<ResourceKey, Keys> children_, parents_;
    std::map<RunId, ResourceKey> runs_;
    std::optional<ResourceEnding> ending_;
    ResourceKey last_key_ = 0;
    RunId last_run_ = first_resource_run;

    Now now_;  // of the step that is running
    std::vector<Action> actions_;
    std::set<ResourceKey> touched_;
};

}  // namespace banken::core
