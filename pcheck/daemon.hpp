// SPDX-License-Identifier: Apache-2.0
// pcheck at work: owns the kernel objects, turns what they tell into events for the core, and lets the executor do what the core decides.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/config.hpp"
#include "common/sys/event_loop.hpp"
#include "common/sys/log.hpp"
#include "common/sys/notify_socket.hpp"
#include "common/sys/spawn.hpp"
#include "common/sys/worker.hpp"
#include "pcheck/adoption.hpp"
#include "pcheck/core/record.hpp"
#include "pcheck/core/supervisor.hpp"
#include "pcheck/deaths.hpp"
#include "pcheck/event_raiser.hpp"
#include "pcheck/executor.hpp"
#include "pcheck/heartbeat_files.hpp"
#include "pcheck/heartbeats.hpp"
#include "pcheck/image.hpp"
#include "pcheck/loader.hpp"
#include "pcheck/order_server.hpp"
#include "pcheck/resource_host.hpp"
#include "pcheck/segment_writer.hpp"
#include "pcheck/service_units.hpp"
#include "pcheck/sweep.hpp"

namespace banken {

struct DaemonSetup {
    Config config;
    LoadedPfile loaded;
    bool fresh = false;    // discard what a pcheck that was killed has left
    bool dry_run = false;  // watch and log, run and signal nothing
    sys::Inheritance inheritance;
    std::vector<std::string> environment;  // the program's own, as at its start
    Image image;
};

// The process with this pid and start time runs. Asks /proc.
[[nodiscard]] bool is_running(ProcessId process);
// Also one that cannot be looked at for now: nothing is done twice, and nobody's order dropped, for want of a descriptor.
[[nodiscard]] bool may_run(ProcessId process);
// It runs, or is a child of ours whose end nobody has heard of yet.
[[nodiscard]] bool is_awaitable(ProcessId process);

// load_pfile(), and the copies of scripts that copy=yes asks for; those that are there stay, a reload's only for resources among `running`.
// May hang on a dead mount.
[[nodiscard]] tl::expected<LoadedPfile, LoadFailure> load_with_copies(const std::string& path, const std::string& state_dir,
                                                                      const std::optional<std::vector<Definition>>& running = std::nullopt);

class Daemon {
public:
    explicit Daemon(DaemonSetup setup);
    Daemon(const Daemon&) = delete;  // callbacks hold its address
    Daemon& operator=(const Daemon&) = delete;

    // Until an order, a signal or a retry-over ends it. What prevents the start is printed and logged. The exit status of pcheck.
    [[nodiscard]] int run();

private:
    static constexpr Duration log_patience = std::chrono::seconds(1);  // of a program that ends, for the readers of its log

    // daemon.cpp: the start and the end
    [[nodiscard]] tl::expected<void, LoadFailure> start();
    [[nodiscard]] Result<> open_edge();
    [[nodiscard]] Result<> open_signs_of_life();
    void open_resources(std::vector<Definition> definitions);
    void go_on_with_resources();
    [[nodiscard]] Result<> listen_for_heartbeats(const Pfile& pfile);
    void tell_capabilities();
    void go_on();
    void warn_of_lost_segments();
    void finish(const core::End& end);
    [[nodiscard]] bool may_dump() const;
    void write_last_dump();

    // daemon_responders.cpp
    [[nodiscard]] Result<> open_events();

    // daemon_events.cpp: what the sources and the timer tell
    [[nodiscard]] Result<> add_sources();
    [[nodiscard]] Result<> add_signals();
    void dispatch(const core::Event& event);
    void script_ended(core::RunId run, std::optional<int> status);
    void died(core::EntryKey entry, ProcessId process, const Cause& cause);
    void looked(core::Looked event);
    void unreadable(std::size_t count);
    void stuck(const std::string& pidfile);
    static void return_memory();
    void keep_time();
    void arm();
    void sweep_done();
    void check_messages();
    void notify_status();

    // daemon_orders.cpp: orders and files
    void take_orders();
    void carry_out(const core::Order& order);
    void reload(core::OrderId order);
    void show_difference(core::OrderId order);
    void reloaded(core::OrderId order, tl::expected<LoadedPfile, LoadFailure> loaded);
    [[nodiscard]] std::vector<std::string> unchangeable(const LoadedPfile& loaded) const;
    void say_what_needs_a_restart(const Param& param);
    void check_scripts(const Pfile& pfile);
    [[nodiscard]] Pfile running() const;

    // daemon_reexec.cpp: the installed program in place of this one
    void reexec(core::OrderId order);
    void reexec_failed(const std::string& why);
    void try_reexec(Instant now);
    [[nodiscard]] bool helpers_are_idle() const;
    void know_children();
    void reap_strangers();

    DaemonSetup setup_;
    std::optional<sys::EventLoop> loop_;
    std::optional<sys::Log> log_;
    std::optional<sys::NotifySocket> notify_;
    std::optional<sys::Worker> files_;    // reloads and dumps
    std::optional<sys::Worker> scripts_;  // a look at all scripts
    std::optional<sys::Worker> images_;   // the test of an installed program
    std::optional<SegmentWriter> segment_;
    std::optional<OrderServer> orders_;
    std::optional<Deaths> deaths_;
    std::optional<Sweep> sweep_;
    std::optional<sys::Spawner> spawner_;
    std::optional<Heartbeats> heartbeats_;
    std::optional<HeartbeatFiles> heartbeat_files_;
    std::optional<ServiceUnits> units_;
    std::optional<core::Supervisor> core_;
    core::Recorder recorder_;
    std::optional<Executor> executor_;
    std::optional<EventRaiser> events_;  // none: --dry-run
    std::optional<ResourceHost> resources_;
    std::optional<Adoption> adoption_;
    std::vector<sys::EventSource> sources_;
    sys::EventSource deaths_source_, notify_source_, heartbeats_source_;

    struct Reexec {
        core::OrderId order = 0;
        std::optional<Instant> next_try;  // unset: the installed program is being tested
        Instant give_up_at{};
    };
    std::optional<Reexec> reexec_;
    std::vector<pid_t> strangers_;  // children of the program before, which nobody here waits for

    Instant next_sweep_{}, next_check_{};
    std::optional<Instant> next_ping_;
    std::size_t refused_ = 0;  // scripts that Trust refused at the last look
    bool first_sweep_ = true;
    bool reloading_ = false, reload_again_ = false;
    bool segment_lost_ = false;
    bool log_read_ = true;  // as the capabilities say
};

}  // namespace banken
