// SPDX-License-Identifier: Apache-2.0
#include "pcheck/core/simulator.hpp"

#include <algorithm>
#include <csignal>

#include "pcheck/core/reminder.hpp"

namespace banken::core {
namespace {

using Deed = Happening::Deed;

// Long before any file or process: what a pfile says of times never depends on it.
constexpr Instant beginning{std::chrono::hours(24)};

constexpr Instant never = Instant::max();

BootTicks ticks_at(Instant instant) { return static_cast<BootTicks>(instant.time_since_epoch() / std::chrono::milliseconds(10)); }

std::size_t wanted_processes(const Pent& pent) { return std::max(pent.min.value_or(1), 1u); }

}  // namespace

std::string simulated_time(Duration since_start) {
    const auto seconds = since_start / std::chrono::seconds(1);
    return fmt::format("day {} {:02}:{:02}:{:02}", seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
}

// Its own root: who is trusted to stand in does not matter where everybody is the same user.
Simulator::Simulator(Pfile pfile, Print print)
    : pfile_(std::move(pfile)),
      print_(std::move(print)),
      now_{beginning, WallTime(beginning.time_since_epoch()), ticks_at(beginning)},
      begun_(beginning),
      core_(pfile_, Manner{.as_root = true}, now_) {}

void Simulator::start() {
    for (const EntryKey entry : std::vector(core_.entries().begin(), core_.entries().end())) {
        bring_up(entry);
        host_of(entry).news = true;
    }
    sweep();
    tell(FirstSweepDone{});
    do_next();
}

void Simulator::play(const Scenario& scenario) {
    start();
    std::vector<Happening> coming = scenario.happenings;
    const auto earlier = [](const Happening& left, const Happening& right) { return left.at < right.at; };
    while (!ended_) {
        const auto next = std::ranges::min_element(coming, earlier);
        if (next == coming.end() || next->at > scenario.run) break;
        pass(begun_ + next->at - now_.instant);
        if (ended_) return;
        happen(*next);
        if (next->every == Duration{}) {
            coming.erase(next);
        } else {
            next->at += next->every;
        }
    }
    if (!ended_) pass(begun_ + scenario.run - now_.instant);
}

void Simulator::happen(const Happening& happening) {
    if (happening.deed == Deed::order) {
        order(happening.order);
    } else if (happening.pent_id >= 1 && happening.pent_id <= core_.entries().size()) {
        const EntryKey entry = core_.entries()[happening.pent_id - 1];
        Host& host = host_of(entry);
        switch (happening.deed) {
            case Deed::kill: end_oldest(entry, SIGKILL); break;
            case Deed::end: end_oldest(entry, SIGTERM); break;
            case Deed::appear: bring_up(entry); break;
            case Deed::script: host.script = happening.behaviour; break;
            case Deed::check: host.check = happening.behaviour; break;
            case Deed::heartbeat:
                host.beats_stopped = happening.behaviour == Behaviour::works ? std::nullopt : std::optional(now_.instant);
                break;
            case Deed::order: break;
        }
    }
    do_next();
}

// A heartbeat precedes the deadline that it meets, and news precede deadlines, as in the daemon's turns.
void Simulator::pass(Duration duration) {
    const Instant until = now_.instant + duration;
    while (!ended_) {
        const auto deadline = core_.next_deadline(), news = next_sweep();
        const Instant next = std::max(std::min(deadline.value_or(never), news.value_or(never)), now_.instant);
        if (next > until) break;
        advance_to(next);
        beat();
        if (news && *news <= next) sweep();
        if (const auto due = core_.next_deadline(); due && *due <= next) tell(Deadline{});
        do_next();
    }
    if (!ended_) advance_to(until);
}

void Simulator::advance_to(Instant instant) {
    now_.wall += instant - now_.instant;
    now_.instant = instant;
    now_.ticks = ticks_at(instant);
}

void Simulator::tell(const Event& event) {
    if (ended_) return;
    for (const Action& action : core_.step(event, now_)) perform(action);
}

void Simulator::do_next() {
    while (!next_.empty() && !ended_) {
        const auto next = std::move(next_.front());
        next_.pop_front();
        next();
    }
}

void Simulator::perform(const Action& action) {
    if (const auto* log = std::get_if<Log>(&action)) print_(now_.instant - begun_, log->message.text);
    if (const auto* reminder = std::get_if<Remind>(&action)) remind(*reminder);
    if (const auto* publish = std::get_if<Publish>(&action); publish && publish->entry != swept_) host_of(publish->entry).news = true;
    if (const auto* look = std::get_if<Look>(&action))
        next_.emplace_back([this, look = *look] { tell(Looked{look.entry, look.number, host_of(look.entry).processes}); });
    if (const auto* read = std::get_if<ReadHeartbeat>(&action))
        next_.emplace_back([this, entry = read->entry] {
            const auto stopped = host_of(entry).beats_stopped;
            tell(HeartbeatRead{entry, stopped ? now_.instant - *stopped : Duration{}});
        });
    if (const auto* measure = std::get_if<Measure>(&action))
        next_.emplace_back([this, what = *measure] { tell(Measured{what.entry, what.process, 'S', {}, 0, 0}); });
    if (const auto* script = std::get_if<RunScript>(&action)) next_.emplace_back([this, what = *script] { run_script(what); });
    if (const auto* signal = std::get_if<SignalScript>(&action))
        next_.emplace_back([this, what = *signal] {
            if (hanging_.contains(what.run)) end_script(what.run, what.signal);
        });
    if (const auto* signal = std::get_if<SignalProcess>(&action)) next_.emplace_back([this, what = *signal] { signal_process(what); });
    if (const auto* dump = std::get_if<WriteDump>(&action)) next_.emplace_back([this, order = dump->order] { tell(DumpDone{order, {}}); });
    if (const auto* answer = std::get_if<Answer>(&action); answer && answer->exit_status != 0)
        print_(now_.instant - begun_, fmt::format("order refused: {}", answer->text));
    if (const auto* end = std::get_if<End>(&action)) {
        print_(now_.instant - begun_, fmt::format("pcheck ends with exit status {}: {}", end->exit_status, end->reason));
        ended_ = true;
    }
}

void Simulator::remind(const Remind& action) {
    const Watch* watch = core_.find(action.entry);
    if (!watch) return;
    const auto time = [this](WallTime wall) { return simulated_time(wall.time_since_epoch() - begun_.time_since_epoch()); };
    print_(now_.instant - begun_, messages::reminder(watch->ref(), text_of(action, *watch, time)).text);
}

void Simulator::bring_up(EntryKey entry) {
    const Watch* watch = core_.find(entry);
    Host& host = host_of(entry);
    while (watch && host.processes.size() < wanted_processes(watch->pent)) {
        Candidate candidate;
        candidate.id = {++last_pid_, now_.ticks};
        candidate.session = last_pid_;
        candidate.argv0 = watch->pent.name;
        host.processes.push_back(candidate);
    }
    host.news = true;
}

void Simulator::end_oldest(EntryKey entry, int signal) {
    const auto& processes = host_of(entry).processes;
    const Watch* watch = core_.find(entry);
    if (!watch) return;
    if (processes.empty()) return print_(now_.instant - begun_, fmt::format("no process of {} to end", watch->pent.name));
    end_process(entry, processes.front().id, signal);
}

void Simulator::end_process(EntryKey entry, ProcessId process, int signal) {
    Host& host = host_of(entry);
    std::erase_if(host.processes, [process](const Candidate& candidate) { return candidate.id == process; });
    host.news = true;
    if (!core_.param().detect_event) return;
    next_.emplace_back([this, entry, process, signal] { tell(Died{entry, process, {Cause::Kind::status, signal}, now_.ticks}); });
}

void Simulator::signal_process(const SignalProcess& action) {
    if (action.signal == SIGCONT) return;
    for (const auto& [entry, host] : hosts_) {
        const bool its = std::ranges::find(host.processes, action.process, &Candidate::id) != host.processes.end();
        if (its) return end_process(entry, action.process, action.signal);
    }
}

void Simulator::run_script(const RunScript& action) {
    tell(ScriptStarted{action.run, {++last_pid_, now_.ticks}});
    const Host& host = host_of(action.entry);
    const Behaviour behaviour = action.kind == ScriptKind::restart ? host.script
                                : action.kind == ScriptKind::check ? host.check
                                                                   : Behaviour::works;
    hanging_.emplace(action.run, action);
    if (behaviour == Behaviour::hangs) return;
    if (behaviour == Behaviour::works && action.kind == ScriptKind::restart) bring_up(action.entry);
    if (action.kind == ScriptKind::stop && !host.processes.empty()) end_process(action.entry, host.processes.front().id, SIGTERM);
    end_script(action.run, behaviour == Behaviour::works ? 0 : 1 << 8);
}

void Simulator::end_script(RunId run, int wait_status) {
    hanging_.erase(run);
    next_.emplace_back([this, run, wait_status] { tell(ScriptEnded{run, ScriptEnded::How::exited, wait_status, {}}); });
}

void Simulator::order(const ParsedOrder& order) {
    const OrderId id = ++last_order_;
    if (order.verb == OrderVerb::reload) {
        tell(Reloaded{id, pfile_});
    } else {
        tell(Order{id, order.verb, order.target, order.duration, order.event});
    }
}

// WATCHDOG=1 of all that send it, told only as often as it could matter.
void Simulator::beat() {
    for (const EntryKey entry : core_.entries()) {
        const Pent& pent = core_.find(entry)->pent;
        Host& host = host_of(entry);
        const bool sends = pent.sends_heartbeats() && !host.beats_stopped && !host.processes.empty();
        if (!sends || now_.instant - host.beaten < pent.heartbeat / 2) continue;
        host.beaten = now_.instant;
        next_.emplace_front([this, entry] { tell(Heartbeat{entry}); });
    }
    do_next();
}

std::optional<Instant> Simulator::next_sweep() const {
    const bool news = std::ranges::any_of(hosts_, [](const auto& host) { return host.second.news; });
    if (!news) return std::nullopt;
    const Duration interval = core_.param().monitor_interval;
    return begun_ + ((now_.instant - begun_) / interval + 1) * interval;
}

void Simulator::sweep() {
    for (const EntryKey entry : std::vector(core_.entries().begin(), core_.entries().end())) {
        Host& host = host_of(entry);
        if (!std::exchange(host.news, false)) continue;
        swept_ = entry;  // what the news itself publish is no reason for another
        tell(Looked{entry, 0, host.processes});
        swept_ = 0;
    }
    do_next();
}

}  // namespace banken::core
