// SPDX-License-Identifier: Apache-2.0
#include "pcheck/executor.hpp"

#include "common/script_environment.hpp"
#include "common/sys/clock.hpp"
#include "common/sys/file.hpp"
#include "pcheck/core/reminder.hpp"
#include "pcheck/gauges.hpp"
#include "pcheck/records.hpp"

namespace banken {
namespace {

const Command& command_of(const Pent& pent, core::ScriptKind kind) {
    switch (kind) {
        case core::ScriptKind::stop: return pent.stop.script;
        case core::ScriptKind::check: return pent.check;
        case core::ScriptKind::restart: break;
    }
    return pent.script;
}

// What the kernel calls a process that executes this script: its name in 15 bytes. Empty: a reload has taken the script away.
std::string comm_of(const Command& script) {
    if (script.none()) return {};
    const std::string& path = script.argv.front();
    return path.substr(path.rfind('/') + 1, 15);
}

}  // namespace

Executor::Executor(Edge edge, const core::Supervisor& core, std::vector<std::string> environment, std::string pfile,
                   std::function<void(core::Event)> feed)
    : edge_(edge), core_(core), environment_(std::move(environment)), pfile_(std::move(pfile)), feed_(std::move(feed)) {}

// The core decides on all that it knows at one time: what an action results in at once is told when all of them are done, in order.
// A line in the log wakes its reader, who then takes a processor from the script: lines wait until then, too.
void Executor::perform(const std::vector<core::Action>& actions) {
    ++depth_;
    for (const core::Action& action : actions) {
        std::visit([this](const auto& what) { on(what); }, action);
    }
    while (depth_ == 1 && !results_.empty()) {
        const core::Event result = std::move(results_.front());
        results_.pop_front();
        feed_(result);
    }
    if (--depth_ > 0) return;
    for (const Message& message : std::exchange(lines_, {})) edge_.log.write(message, edge_.loop.now());
}

core::OrderId Executor::expect(OrderTicket ticket) {
    tickets_[++last_order_] = ticket;
    return last_order_;
}

void Executor::answer(core::OrderId order, int exit_status, std::string_view text) {
    const auto ticket = tickets_.extract(order);
    if (ticket) edge_.orders.answer(ticket.mapped(), exit_status, text);
}

void Executor::on(const core::Log& action) { lines_.push_back(action.message); }

void Executor::on(const core::Remind& action) {
    const core::Watch* watch = core_.find(action.entry);
    if (watch) lines_.push_back(messages::reminder(watch->ref(), text_of(action, *watch, sys::local_time_text)));
}

void Executor::on(const core::Publish& action) {
    const core::Watch* watch = core_.find(action.entry);
    if (!watch) return;
    edge_.segment.publish(watch->pent_id - 1, record_of(*watch, core_));
    edge_.sweep.set_wanted(action.entry, watch->state != EntryState::avail || watch->pent.counts());
    expect_heartbeat(*watch);
}

void Executor::expect_heartbeat(const core::Watch& watch) {
    if (!edge_.heartbeats) return;
    if (watch.main && watch.pent.sends_heartbeats()) {
        edge_.heartbeats->expect(watch.key, watch.pent.name, *watch.main);
    } else {
        edge_.heartbeats->forget(watch.key);
    }
}

void Executor::on(const core::PublishAll&) { publish_all(); }

void Executor::publish_all(bool segment_is_new) {
    if (segment_is_new) places_.clear();
    const auto entries = core_.entries();
    std::vector<EntryRule> rules;
    for (const core::EntryKey key : entries) rules.push_back({key, rule_of(core_.find(key)->pent)});
    edge_.sweep.set_rules(std::move(rules));  // before anything is wanted of new entries
    edge_.heartbeat_files.keep_only(entries);
    if (edge_.heartbeats) edge_.heartbeats->keep_only(entries);
    edge_.segment.publish_param(core_.param());
    publish_entries();
    edge_.log.set_entries(entries.size());
}

// Of an entry that stays, the record would be overwritten or cut off.
bool Executor::is_in_the_way(std::size_t place, std::span<const core::EntryKey> all) const {
    const core::EntryKey old = places_[place];
    const bool same = place < all.size() && all[place] == old && old != 0;
    return !same && (old == 0 || core_.find(old) != nullptr);
}

// Behind the entries come removed ones whose scripts still run: should we be killed, no second script begins beside one of these.
// We may be killed between any two records. When some change their places, all of them are first published a second time behind the table:
// what has no place at some moment is still found there.
void Executor::publish_entries() {
    const auto entries = core_.entries();
    std::vector<core::EntryKey> all(entries.begin(), entries.end());
    all.insert(all.end(), core_.leaving().begin(), core_.leaving().end());
    const auto publish_from = [&](std::size_t first, std::size_t place) {
        for (std::size_t at = first; at < all.size(); ++at) edge_.segment.publish(place++, record_of(*core_.find(all[at]), core_));
    };
    const std::size_t behind = places_.size(), leaving = core_.leaving().size();
    bool move = false;
    for (std::size_t place = 0; place < behind; ++place) move = move || is_in_the_way(place, all);
    if (move) {
        publish_from(0, behind);
        edge_.segment.set_entries(behind + entries.size(), leaving);
    }
    for (const core::EntryKey key : entries) on(core::Publish{key});
    publish_from(entries.size(), entries.size());
    edge_.segment.set_entries(entries.size(), leaving);
    places_ = std::move(all);
}

void Executor::on(const core::Follow& action) {
    edge_.deaths.follow(action.entry, action.process, action.beside);
    if (action.beside) return;
    edge_.units.follow(action.entry, action.process);
    on(core::ReadHeartbeat{action.entry});  // unasked: from here on its age is not the wall clock's
}

void Executor::on(const core::Unfollow& action) {
    edge_.deaths.unfollow(action.entry);
    edge_.units.unfollow(action.entry);
}

void Executor::on(const core::ReadHeartbeat& action) {
    const core::Watch* watch = core_.find(action.entry);
    if (watch && !watch->pent.heartbeat_path.empty())
        edge_.heartbeat_files.read(action.entry, watch->pent.heartbeat_path, edge_.loop.now().instant);
}

void Executor::on(const core::Measure& action) {
    const core::Watch* watch = core_.find(action.entry);
    if (!watch) return;
    const std::uint64_t fds_to = watch->pent.fds ? watch->pent.fds->value + 1 : 0;
    if (const auto measured = measure(action.entry, action.process, fds_to)) results_.emplace_back(*measured);
}

void Executor::on(const core::Look& action) { edge_.sweep.look(action); }

// The child exists and is recorded before it may go on; if we die in between, it ends by itself.
void Executor::on(const core::RunScript& action) {
    const core::Watch* const found = core_.find(action.entry);
    if (end_ || !found || core_.entry_of(action.run) == 0) return;  // decided before the core heard of what has changed that
    const core::Watch& watch = *found;
    const Command& command = command_of(watch.pent, action.kind);
    const auto not_executed = [&](std::string why) {
        results_.emplace_back(core::ScriptEnded{action.run, core::ScriptEnded::How::not_executed, 0, std::move(why)});
    };
    if (command.none()) return not_executed("it has none any more");
    sys::ScriptStart start{command,
                           environment_for(watch, action.kind),
                           core_.param().script_output,
                           core_.param().script_output_file,
                           core_.param().script_check_strict,
                           watch.pent.runner};
    auto script = edge_.spawner.start(start);
    if (!script) return not_executed(script.error().text);
    const ProcessId process = script->process();
    edge_.deaths.watch_script(action.run, script->take_child());
    Run& run = runs_.emplace(action.run, Run{*std::move(script), process, comm_of(command), {}, {}, first_peek_gap, {}}).first->second;
    feed_(core::ScriptStarted{action.run, process});
    run.script->release();
    if (action.kind == core::ScriptKind::restart) run.peek_at = edge_.loop.now().instant + first_peek_gap;  // no other becomes the daemon
    tell_sweep_of_scripts();
}

// A script that still runs is no child of ours any more, unless we are the same process as before.
void Executor::adopt(const Adoption& adoption, std::size_t published) {
    places_ = adoption.places;
    if (places_.size() != published) places_.assign(published, 0);  // some are there twice
    publish_all();
    feed_(adoption.event);
    unwatched_ = adoption.scripts;
    watch_adopted();
}

void Executor::watch_adopted() {
    constexpr Duration gap = std::chrono::milliseconds(200);
    for (const AdoptedScript& script : std::exchange(unwatched_, {})) {
        if (!watch_adopted(script)) unwatched_.push_back(script);
    }
    watch_again_at_.reset();
    if (!unwatched_.empty()) watch_again_at_ = edge_.loop.now().instant + gap;
    tell_sweep_of_scripts();
}

// False: it cannot be opened for now. Then it is not known to have ended, so nothing may begin in its place.
bool Executor::watch_adopted(const AdoptedScript& script) {
    if (core_.entry_of(script.run) != script.entry) return true;  // the entry is no more
    auto process = sys::PidRef::open(script.process);
    if (!process && !sys::is_gone(process.error())) return false;
    if (!process) {
        feed_(core::ScriptEnded{script.run, core::ScriptEnded::How::exited, 0, {}});
        return true;
    }
    edge_.deaths.watch_script(script.run, *std::move(process));
    const Pent& pent = core_.find(script.entry)->pent;
    Run& run = runs_[script.run];
    run.process = script.process;
    run.comm = comm_of(command_of(pent, script.kind));
    if (script.kind == core::ScriptKind::restart) run.peek_at = edge_.loop.now().instant;
    return true;
}

void Executor::end_checks() {
    for (const core::EntryKey key : core_.entries()) {
        if (const auto& check = core_.find(key)->check) static_cast<void>(edge_.deaths.signal_script(check->run, SIGKILL));
    }
}

std::optional<Instant> Executor::next_peek() const {
    std::optional<Instant> next = watch_again_at_;
    for (const auto& [run, started] : runs_) {
        if (started.peek_at && (!next || *started.peek_at < *next)) next = started.peek_at;
    }
    return next;
}

void Executor::peek(Instant now) {
    if (watch_again_at_ && *watch_again_at_ <= now) watch_adopted();
    for (auto& [run, started] : runs_) {
        if (!started.peek_at || *started.peek_at > now) continue;
        started.peek_gap *= 2;
        started.peek_at.reset();
        if (started.peek_gap < core_.param().monitor_interval) started.peek_at = now + started.peek_gap;  // then the sweeps are as often
        peek_at(run, started);
    }
}

// The first image of a script has its file's name, whatever its interpreter; another one is what the script has exec'ed.
void Executor::peek_at(core::RunId run, Run& started) {
    const auto stat = sys::read_stat(started.process.pid);
    if (!stat || stat->fingerprint.fork_no_exec || stat->fingerprint.start_code == 0) return;  // not executed yet, or in the midst of it
    if (!started.first_image) {
        started.first_image = stat->fingerprint.comm == started.comm ? stat->fingerprint : Fingerprint{};
        started.last_image = started.first_image;
        tell_sweep_of_scripts();
    }
    if (stat->fingerprint == *started.last_image) return;
    started.last_image = stat->fingerprint;
    edge_.sweep.look({core_.entry_of(run), 0, false});
}

void Executor::tell_sweep_of_scripts() {
    std::vector<Sweep::Script> scripts;
    for (const auto& [run, started] : runs_) scripts.push_back({started.process, started.first_image});
    for (const auto* others : {&responders_, &resource_scripts_}) {
        for (const ProcessId& process : *others) scripts.push_back({process, {}});
    }
    edge_.sweep.set_scripts(std::move(scripts));
}

void Executor::set_responders(std::vector<ProcessId> responders) {
    responders_ = std::move(responders);
    tell_sweep_of_scripts();
}

void Executor::set_resource_scripts(std::vector<ProcessId> scripts) {
    resource_scripts_ = std::move(scripts);
    tell_sweep_of_scripts();
}

bool Executor::write_dump() {
    if (dump_is_out_) return false;
    perform({core::WriteDump{0}});
    return true;
}

void Executor::script_ended(core::RunId run, int wait_status) {
    const auto ended = runs_.extract(run);
    if (!ended) return;
    tell_sweep_of_scripts();
    core::ScriptEnded event{run, core::ScriptEnded::How::exited, wait_status, {}};
    output_.report(ended.mapped().script, event, edge_.log, edge_.loop.now());
    feed_(event);  // the core may still want its process group ended, which is safe until the child is reaped
    edge_.deaths.release(run);
}

void Executor::on(const core::ReleaseScript& action) {
    runs_.erase(action.run);
    tell_sweep_of_scripts();
    edge_.deaths.release(action.run);
}

void Executor::on(const core::SignalScript& action) {
    // Refused only when the group is gone, and then its leader's end is on its way.
    static_cast<void>(edge_.deaths.signal_script(action.run, action.signal));
}

void Executor::on(const core::SignalProcess& action) {
    if (edge_.deaths.signal_followed(action.process, action.signal)) return;  // descriptors may have run out
    // A process that is gone, or that we may not signal: the core waits for its death and says when that does not come.
    if (const auto process = sys::PidRef::open(action.process)) static_cast<void>(process->signal(action.signal));
}

void Executor::on(const core::Trace& action) { edge_.segment.trace(record_of(action, edge_.loop.now())); }

void Executor::on(const core::Answer& action) { answer(action.order, action.exit_status, action.text); }

void Executor::on(const core::WriteDump& action) {
    if (dump_is_out_) {  // one that hangs takes one thread
        results_.emplace_back(core::DumpDone{action.order, "another dump is being written"});
        return;
    }
    const auto submitted =
        edge_.files.submit([this, order = action.order, path = core_.param().shm_dump_file, image = edge_.segment.image()] {
            const auto written = sys::write_atomically(path, image, dump_mode);
            const std::string error = written ? std::string() : written.error().text;
            return [this, order, error] {
                dump_is_out_ = false;
                feed_(core::DumpDone{order, error});
            };
        });
    dump_is_out_ = submitted.has_value();
    if (!submitted) results_.emplace_back(core::DumpDone{action.order, submitted.error().text});
}

void Executor::on(const core::End& action) {
    end_ = action;
    edge_.loop.exit(action.exit_status);
}

// A check has no reason: nothing has happened. Members of a group have its count and its limit.
std::vector<std::string> Executor::environment_for(const core::Watch& watch, core::ScriptKind kind) const {
    const EntryReason reason = kind == core::ScriptKind::check ? EntryReason::none : watch.reason;
    const std::string cause = watch.last_cause && reason == EntryReason::down ? banken::text_of(*watch.last_cause) : std::string();
    ScriptVariables variables;
    variables.name = watch.pent.name;
    variables.pent_id = watch.pent_id;
    variables.old_pid = watch.shown_pid;
    variables.reason = reason;
    variables.cause = cause;
    variables.restart_count = core_.window_of(watch).count;
    variables.retries = core_.head_of(watch).pent.retries;
    variables.pfile = pfile_;
    variables.ipc_key = core_.param().ipc_key;
    if (edge_.heartbeats) variables.notify = edge_.heartbeats->path();
    if (watch.pent.runner) {
        variables.user = watch.pent.run_as;
        variables.home = watch.pent.runner->home;
    }
    return script_environment(inherited_environment(environment_, core_.param().script_env_clean), variables);
}

}  // namespace banken
