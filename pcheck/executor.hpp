// SPDX-License-Identifier: Apache-2.0
// Performs what the core has decided, in its order, and brings the results back as events. It decides nothing.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/sys/event_loop.hpp"
#include "common/sys/log.hpp"
#include "common/sys/spawn.hpp"
#include "common/sys/worker.hpp"
#include "pcheck/adoption.hpp"
#include "pcheck/core/supervisor.hpp"
#include "pcheck/deaths.hpp"
#include "pcheck/heartbeat_files.hpp"
#include "pcheck/heartbeats.hpp"
#include "pcheck/lost_output.hpp"
#include "pcheck/order_server.hpp"
#include "pcheck/segment_writer.hpp"
#include "pcheck/service_units.hpp"
#include "pcheck/sweep.hpp"

namespace banken {

// The daemon's kernel objects, which it owns and which outlive the executor.
struct Edge {
    sys::EventLoop& loop;
    sys::Log& log;
    SegmentWriter& segment;
    OrderServer& orders;
    Deaths& deaths;
    Sweep& sweep;
    sys::Spawner& spawner;
    sys::Worker& files;                     // for what may hang on a file system
    std::optional<Heartbeats>& heartbeats;  // none: no entry may wait for WATCHDOG=1
    HeartbeatFiles& heartbeat_files;
    ServiceUnits& units;
};

class Executor {
public:
    static constexpr mode_t dump_mode = 0600;
    static constexpr Duration first_peek_gap = std::chrono::milliseconds(1);

    // `environment` is the program's own, `pfile` the resolved path: both for scripts. Events are handed to `feed`; that a script has started also while actions are performed.
    Executor(Edge edge, const core::Supervisor& core, std::vector<std::string> environment, std::string pfile,
             std::function<void(core::Event)> feed);

    void perform(const std::vector<core::Action>& actions);

    // Who waits for the answer of the order that is given this number.
    [[nodiscard]] core::OrderId expect(OrderTicket ticket);
    void answer(core::OrderId order, int exit_status, std::string_view text);

    // In place of the first publish_all(): what was left is gone on with. `published`: so many entries are in the segment.
    void adopt(const Adoption& adoption, std::size_t published);

    // Health checks that run are ended: whoever goes on with the entries begins them anew.
    void end_checks();

    // Deaths has told the end of a script: the core hears what became of it, then the child is reaped.
    void script_ended(core::RunId run, int wait_status);

    // A running restart script is looked at after 1, 2, 4 … ms: whether it has become what it was to start (`exec daemon`). When, and to be
    // called then.
    [[nodiscard]] std::optional<Instant> next_peek() const;
    void peek(Instant now);

    // All entries and parameters into the segment.
    void publish_all(bool segment_is_new = false);

    // Event responders that run now: like scripts, what is below one never matches.
    void set_responders(std::vector<ProcessId> responders);
    void set_resource_scripts(std::vector<ProcessId> scripts);
    // Unasked; false: another one is being written.
    [[nodiscard]] bool write_dump();

    // The core's last word: the process is to end.
    [[nodiscard]] const std::optional<core::End>& end() const { return end_; }

private:
    struct Run {
        std::optional<sys::WaitingScript> script;  // none: it was begun by a pcheck that was killed
        ProcessId process;
        std::string comm;                        // of the script's own image; what follows is for restart scripts
        std::optional<Fingerprint> first_image;  // once it has executed its script
        std::optional<Fingerprint> last_image;   // as last peeked at
        Duration peek_gap = first_peek_gap;
        std::optional<Instant> peek_at;
    };

    void on(const core::Log& action);
    void on(const core::Remind& action);
    void on(const core::Publish& action);
    void on(const core::PublishAll& action);
    void on(const core::Follow& action);
    void on(const core::Unfollow& action);
    void on(const core::Look& action);
    void on(const core::ReadHeartbeat& action);
    void on(const core::Measure& action);
    void on(const core::RunScript& action);
    void on(const core::ReleaseScript& action);
    void on(const core::SignalScript& action);
    void on(const core::SignalProcess& action);
    void on(const core::Trace& action);
    void on(const core::Answer& action);
    void on(const core::WriteDump& action);
    void on(const core::End& action);
    // The resources' own: the host's.
    void on(const core::RunResourceScript&) {}
    void on(const core::PublishResource&) {}
    void on(const core::Raise&) {}
    void on(const core::CopyScripts&) {}
    void on(const core::EndAfterRemove&) {}

    [[nodiscard]] std::vector<std::string> environment_for(const core::Watch& watch, core::ScriptKind kind) const;
    void publish_entries();
    [[nodiscard]] bool is_in_the_way(std::size_t place, std::span<const core::EntryKey> all) const;
    void watch_adopted();
    [[nodiscard]] bool watch_adopted(const AdoptedScript& script);
    void expect_heartbeat(const core::Watch& watch);
    void peek_at(core::RunId run, Run& started);
    void tell_sweep_of_scripts();

    Edge edge_;
    const core::Supervisor& core_;
    std::vector<std::string> environment_;
    std::string pfile_;
    std::function<void(core::Event)> feed_;
    std::map<core::RunId, Run> runs_;
    std::vector<ProcessId> responders_, resource_scripts_;
    std::map<core::OrderId, OrderTicket> tickets_;
    core::OrderId last_order_ = 0;
    std::vector<core::EntryKey> places_;    // whose records lie where in the segment; 0: not known
    std::vector<AdoptedScript> unwatched_;  // for want of descriptors or memory
    std::optional<Instant> watch_again_at_;
    LostOutput output_;
    std::optional<core::End> end_;
    bool dump_is_out_ = false;
    unsigned depth_ = 0;               // of perform()
    std::deque<core::Event> results_;  // to be fed at its end, …
    std::vector<Message> lines_;       // … and to be logged then
};

}  // namespace banken
