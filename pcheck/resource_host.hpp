// SPDX-License-Identifier: Apache-2.0
// Does what the core decides about resources: runs their scripts, publishes, logs, raises their events, and has the dump follow their states
// (spec/resources.md). The daemon feeds it what concerns resources, and ends when it says so.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/sys/event_loop.hpp"
#include "common/sys/log.hpp"
#include "common/sys/spawn.hpp"
#include "common/sys/worker.hpp"
#include "pcheck/core/resources.hpp"
#include "pcheck/deaths.hpp"
#include "pcheck/event_raiser.hpp"
#include "pcheck/lost_output.hpp"
#include "pcheck/resource_records.hpp"
#include "pcheck/segment_writer.hpp"

namespace banken {

// Objects of the daemon, which outlive the host.
struct ResourceEdge {
    sys::EventLoop& loop;
    sys::Log& log;
    SegmentWriter& segment;
    Deaths& deaths;
    sys::Spawner& spawner;
    sys::Worker& files;
    std::optional<EventRaiser>& events;
};

struct ResourceOrigin {
    std::string pfile;                     // resolved
    std::vector<std::string> environment;  // the program's own
    std::string root;                      // LKROOT: its bin has the compat commands
    std::string state_dir;                 // of banken.conf: copies of scripts
};

struct ResourceHandlers {
    std::function<void(core::OrderId, int exit_status, std::string_view text)> answer;
    std::function<void(const core::EndAfterRemove&)> end;
    std::function<void()> on_scripts;  // others run than before: scripts()
    std::function<bool()> write_dump;  // false: later
};

class ResourceHost {
public:
    static constexpr Duration dump_after = std::chrono::milliseconds(500);  // a change is in the dump file within a second

    ResourceHost(ResourceEdge edge, ResourceOrigin origin, ResourceHandlers handlers);
    ResourceHost(const ResourceHost&) = delete;  // callbacks hold its address
    ResourceHost& operator=(const ResourceHost&) = delete;

    // The definitions that the pcheck begins with; then begin() or adopt(), once.
    void load(std::vector<Definition> definitions, const Param& param, bool dry_run);
    void begin(const core::RecordedStates& recorded);
    void adopt(ResourceAdoption adoption);

    void dispatch(const core::Event& event);
    void pause_all(std::optional<Duration> duration);
    void resume_all();
    void script_ended(core::RunId run, std::optional<int> wait_status);
    void publish_all();  // the segment was made anew
    // pcheck ends: what is left is told.
    void leave();

    [[nodiscard]] bool has(std::string_view tag) const { return core_ && core_->has(tag); }
    [[nodiscard]] bool empty() const { return !core_ || core_->resources().empty(); }
    [[nodiscard]] std::vector<Definition> definitions() const;
    [[nodiscard]] std::vector<ProcessId> scripts() const;
    [[nodiscard]] std::optional<Instant> next_deadline() const;
    void keep_time();

private:
    struct Run {
        std::optional<sys::WaitingScript> script;  // none: of the pcheck before
        ProcessId process;
    };

    void perform(const std::vector<core::Action>& actions);
    void on(const core::Log& action);
    void on(const core::Raise& action);
    void on(const core::Answer& action);
    void on(const core::SignalScript& action);
    void on(const core::RunResourceScript& action);
    void on(const core::PublishResource& action);
    void on(const core::CopyScripts& action);
    void on(const core::EndAfterRemove& action);
    template <class Other>
    void on(const Other&) {}

    void publish(const core::Resource& resource, bool leaving);
    void publish_left(const std::vector<core::ResourceKey>& places);
    void publish_ending();
    void note_state(const core::Resource& resource);
    void note_told(const core::Event& event);
    void trace(core::ResourceKey resource, std::string_view event, std::string detail);
    void forget_removed();
    [[nodiscard]] std::string application_of(const core::Resource& resource) const;
    [[nodiscard]] sys::ScriptStart start_of(const core::Resource& resource, const core::RunResourceScript& run) const;
    void make_realtime(const core::Resource& resource, ProcessId process);
    void watch_adopted();

    ResourceEdge edge_;
    ResourceOrigin origin_;
    ResourceHandlers handlers_;
    std::optional<core::Resources> core_;
    Param param_;
    std::vector<std::string> inherited_;
    std::map<core::RunId, Run> runs_;
    std::vector<AdoptedRun> unwatched_;
    std::deque<core::Event> results_;
    std::set<core::OrderId> copying_;  // updates whose copies are being made
    int depth_ = 0;
    LostOutput output_;
    std::vector<core::ResourceKey> places_;  // whose record lies where in the table; 0: free
    struct Noted {
        core::RecordedState recorded{};  // as the dump would say it
        ResourceState shown{};           // as the trace says it, and why
        std::string reason;
    };
    std::map<core::ResourceKey, Noted> noted_;
    std::optional<Instant> dump_at_, watch_again_at_;
    bool told_realtime_ = false;
};

}  // namespace banken
