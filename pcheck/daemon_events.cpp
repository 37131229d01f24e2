// SPDX-License-Identifier: Apache-2.0
// The daemon's turns: what the sources tell, and what time brings. One timer serves all that wait for a moment.
#include <malloc.h>
#include <sys/epoll.h>

#include <algorithm>
#include <csignal>

#include "pcheck/daemon.hpp"

namespace banken {

Result<> Daemon::add_sources() {
    const auto keep = [this](Result<sys::EventSource> source) -> Result<> {
        if (!source) return Failure(source.error());
        sources_.push_back(*std::move(source));
        return {};
    };
    auto deaths = loop_->add_io(deaths_->fd(), EPOLLIN, sys::SourcePriority::deaths, [this](std::uint32_t) {
        const bool more = deaths_->take(loop_->now().instant);
        if (more) loop_->yield_once(*deaths_source_);  // a storm of deaths starves neither an order nor a deadline
        arm();
    });
    if (!deaths) return Failure(deaths.error());
    deaths_source_ = *std::move(deaths);
    if (notify_->fd() >= 0) {
        auto notify = loop_->add_io(notify_->fd(), 0, sys::SourcePriority::orders, [this](std::uint32_t) {
            notify_->flush(loop_->now().instant);
            arm();
        });
        if (!notify) return Failure(notify.error());
        notify_source_ = *std::move(notify);
    }
    Result<> added = keep(loop_->add_io(sweep_->fd(), EPOLLIN, sys::SourcePriority::orders, [this](std::uint32_t) {
        sweep_->drain(loop_->now().instant);
        arm();
    }));
    if (added)
        added = keep(loop_->add_io(files_->fd(), EPOLLIN, sys::SourcePriority::orders, [this](std::uint32_t) {
            files_->drain();
            arm();
        }));
    if (added)
        added = keep(loop_->add_io(scripts_->fd(), EPOLLIN, sys::SourcePriority::orders, [this](std::uint32_t) { scripts_->drain(); }));
    if (added)
        added = keep(loop_->add_io(heartbeat_files_->fd(), EPOLLIN, sys::SourcePriority::heartbeats, [this](std::uint32_t) {
            heartbeat_files_->drain(loop_->now().instant);
            arm();
        }));
    if (added)
        added = keep(loop_->add_io(images_->fd(), EPOLLIN, sys::SourcePriority::orders, [this](std::uint32_t) { images_->drain(); }));
    if (added) added = keep(loop_->add_io(units_->fd(), EPOLLIN, sys::SourcePriority::orders, [this](std::uint32_t) { units_->drain(); }));
    if (added)
        added = keep(loop_->add_io(log_->fd(), EPOLLIN, sys::SourcePriority::orders, [this](std::uint32_t) {
            log_->flush(loop_->now());
            arm();
        }));
    if (!added) return added;
    loop_->on_deadline([this] { keep_time(); });
    return add_signals();
}

Result<> Daemon::add_signals() {
    const auto handle = [this](int signal, sys::EventLoop::SignalCallback callback) -> Result<> {
        auto source = loop_->add_signal(signal, sys::SourcePriority::orders, std::move(callback));
        if (!source) return Failure(source.error());
        sources_.push_back(*std::move(source));
        return {};
    };
    const auto end = [this](const signalfd_siginfo&) {
        core::Order shutdown;
        shutdown.verb = core::Verb::shutdown;
        dispatch(shutdown);
    };
    Result<> added = handle(SIGTERM, end);
    if (added) added = handle(SIGINT, end);
    if (added) added = handle(SIGUSR2, [this](const signalfd_siginfo&) { reexec(0); });
    if (added) added = handle(SIGUSR1, [this](const signalfd_siginfo&) { take_orders(); });
    if (added)
        added = handle(SIGHUP, [this](const signalfd_siginfo& info) {
            if (info.ssi_code != SI_KERNEL) reload(0);  // SI_KERNEL: the terminal went away
        });
    return added;
}

// Recorded before it is done, so that a replay of the records knows no less than the core.
void Daemon::dispatch(const core::Event& event) {
    const Now now = loop_->now();
    for (TraceRecord& record : recorder_.before({event, now}, *core_)) segment_->trace(std::move(record));
    const std::vector<core::Action> actions = core_->step(event, now);
    recorder_.after(event, actions);
    executor_->perform(actions);
    arm();
}

// Of an entry's script an end without a status counts as a good one: what decides then is a look at the process.
void Daemon::script_ended(core::RunId run, std::optional<int> status) {
    if (run < core::first_resource_run) return executor_->script_ended(run, status.value_or(0));
    resources_->script_ended(run, status);
    arm();
}

// A cause that stayed unknown was waited for: the death was noticed that much earlier.
void Daemon::died(core::EntryKey entry, ProcessId process, const Cause& cause) {
    constexpr BootTicks patience = Deaths::patience / std::chrono::milliseconds(10);
    const bool unknown = ending_of(cause) == Ending::unknown && cause.kind != Cause::Kind::not_asked;
    const BootTicks waited = unknown ? patience : 0;
    dispatch(core::Died{entry, process, cause, loop_->now().ticks - waited, units_->brings_back(entry)});
}

// A followed process that the sweep misses has exec'ed into something else, or its death is on its way with its cause: then that is told.
void Daemon::looked(core::Looked event) {
    const core::Watch* watch = core_->find(event.entry);
    const bool available = watch && watch->state == EntryState::avail;
    const bool may_wait = available ? watch->question != core::Question::hand_over : event.number == 0;
    if (watch && watch->main && may_wait) {
        const bool matches = std::ranges::find(event.matches, *watch->main, &core::Candidate::id) != event.matches.end();
        if (!matches && !is_running(*watch->main)) return;
    }
    // Read while a script ran, told when it has ended: the program that has started the daemon, and gone, is not it.
    if (!available) std::erase_if(event.matches, [](const core::Candidate& match) { return !may_run(match.id); });
    dispatch(event);
}

void Daemon::sweep_done() {
    if (!std::exchange(first_sweep_, false)) return;
    dispatch(core::FirstSweepDone{});
    return_memory();
    notify_->ready(loop_->now().instant);
    notify_status();
    take_orders();
}

// What was needed once, to read files and to meet all processes, goes back: a large pcheck takes longer to start a script.
void Daemon::return_memory() { malloc_trim(0); }

void Daemon::unreadable(std::size_t count) {
    const std::string text = fmt::format("command lines of {} processes cannot be read: they match by comm and executable only", count);
    log_->write(messages::warning(text), loop_->now());
}

void Daemon::stuck(const std::string& pidfile) {
    log_->write(messages::warning(fmt::format("pidfile {} does not answer: what it named last counts, for all that hang", pidfile)),
                loop_->now());
}

void Daemon::keep_time() {
    const Now now = loop_->now();
    deaths_->tick(now.instant);
    if (now.instant >= next_check_) check_messages();
    if (now.instant >= next_sweep_) {
        next_sweep_ = now.instant + core_->param().monitor_interval;
        deaths_->poll_unwatched();
        const core::Counts counts = core_->counts();
        sweep_->sweep(counts.available < counts.all, now.instant);
    }
    executor_->peek(now.instant);
    if (const auto due = events_ ? events_->next_deadline() : std::nullopt; due && *due <= now.instant) events_->turn(now);
    heartbeat_files_->tick(now.instant);  // before the core takes what waits for a helper for no heartbeat
    if (const auto wake = sweep_->wake_at(); wake && *wake <= now.instant) sweep_->wake(now.instant);
    if (const auto due = log_->next_deadline(); due && *due <= now.instant) log_->flush(now);
    if (next_ping_ && now.instant >= *next_ping_) {
        notify_->watchdog(now.instant);
        next_ping_ = now.instant + *notify_->watchdog_interval() / 2;
    }
    if (const auto due = core_->next_deadline(); due && *due <= now.instant) dispatch(core::Deadline{});
    resources_->keep_time();
    try_reexec(now.instant);
    arm();
}

// The one timer is set to the earliest of all that wait for a moment.
void Daemon::arm() {
    Instant next = std::min(next_sweep_, next_check_);
    for (const auto& due : {deaths_->next_deadline(), sweep_->wake_at(), log_->next_deadline(), next_ping_, executor_->next_peek(),
                            heartbeat_files_->next_deadline(), core_->next_deadline(), reexec_ ? reexec_->next_try : std::nullopt}) {
        if (due) next = std::min(next, *due);
    }
    if (const auto due = events_ ? events_->next_deadline() : std::nullopt) next = std::min(next, *due);
    if (const auto due = resources_->next_deadline()) next = std::min(next, *due);
    loop_->set_deadline(next);
    if (notify_source_) sys::EventLoop::set_io_events(*notify_source_, notify_->wants_write() ? std::uint32_t{EPOLLOUT} : 0u);
}

// Every MSG_CHECK_INTERVAL: a wake-up that got lost costs time, not the order; and a segment that somebody removed is made anew.
void Daemon::check_messages() {
    const Now now = loop_->now();
    next_check_ = now.instant + core_->param().msg_check_interval;
    segment_->heartbeat(now);
    const auto recreated = segment_->recreated();
    if (!recreated && !std::exchange(segment_lost_, true)) {
        log_->write(messages::warning(fmt::format("the segment was removed and cannot be made anew: {}", recreated.error().text)), now);
    }
    if (recreated && *recreated) {
        segment_lost_ = false;
        log_->write(messages::segment_removed(), now);
        orders_->rebind(segment_->words(), segment_->slots());
        executor_->publish_all(true);
        resources_->publish_all();
    }
    if (log_->has_reader() != log_read_) tell_capabilities();
    reap_strangers();
    take_orders();
    notify_status();
}

void Daemon::notify_status() {
    const core::Counts counts = core_->counts();
    notify_->status(fmt::format("{} of {} available, {} given up, {} paused, {} scripts refused", counts.available, counts.all,
                                counts.given_up, counts.paused, refused_),
                    loop_->now().instant);
}

}  // namespace banken
