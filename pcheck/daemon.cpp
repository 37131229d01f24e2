// SPDX-License-Identifier: Apache-2.0
#include "pcheck/daemon.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "common/script_environment.hpp"
#include "common/sys/clock.hpp"
#include "common/sys/file.hpp"
#include "common/sys/kernel_needs.hpp"

namespace banken {
namespace {

constexpr unsigned file_threads = 2;  // a dump that hangs leaves a reload its thread
constexpr std::size_t file_requests = 16;
constexpr auto dump_patience = std::chrono::seconds(2), events_patience = std::chrono::seconds(1);

using Failed = tl::unexpected<LoadFailure>;

ExitCode code_of_segment(const Error& error) { return error.number == 0 ? ExitCode::unavailable : ExitCode::system; }

}  // namespace

bool is_running(ProcessId process) {
    const auto stat = sys::read_stat(process.pid);
    return stat && !stat->dead() && stat->fingerprint.start == process.start;
}

bool may_run(ProcessId process) {
    const auto stat = sys::read_stat(process.pid);
    if (!stat) return !sys::is_gone(stat.error());
    return !stat->dead() && stat->fingerprint.start == process.start;
}

bool is_awaitable(ProcessId process) {
    const auto stat = sys::read_stat(process.pid);
    if (!stat) return !sys::is_gone(stat.error());
    return stat->fingerprint.start == process.start && (!stat->dead() || stat->parent == getpid());
}

Daemon::Daemon(DaemonSetup setup) : setup_(std::move(setup)) {}

int Daemon::run() {
    if (const auto started = start(); !started) {
        for (const std::string& line : started.error().lines) {
            fmt::print(stderr, "pcheck: {}\n", line);
            if (log_) log_->write(messages::warning(line), sys::read_now());
        }
        if (log_) log_->drain(log_patience);
        return number_of(started.error().code);
    }
    const auto status = loop_->run();
    if (!status || !executor_->end()) {
        fmt::print(stderr, "pcheck: {}\n", status ? "the loop ended without a decision" : status.error().text);
        return number_of(ExitCode::internal);
    }
    finish(*executor_->end());
    return executor_->end()->exit_status;
}

tl::expected<void, LoadFailure> Daemon::start() {
    const auto failed = [](ExitCode code, const Error& error) { return Failed(LoadFailure{code, {error.text}}); };
    auto log = sys::Log::open(setup_.config.log, {});
    if (!log) return failed(ExitCode::system, log.error());
    log_.emplace(*std::move(log));
    log_->set_pfile(setup_.loaded.path);
    if (const auto enough = sys::kernel_suffices(); !enough) return failed(ExitCode::system, enough.error());
    const LoadedPfile& loaded = setup_.loaded;
    const SegmentRequest request{loaded.path,  loaded.stamp,   loaded.owner,         loaded.readers,
                                 setup_.fresh, setup_.dry_run, setup_.image.in_place};
    auto segment = SegmentWriter::open(loaded.pfile.param, request, sys::read_now());
    if (!segment) return failed(code_of_segment(segment.error()), segment.error());
    segment_.emplace(*std::move(segment));
    log_->write(messages::start(loaded.path, loaded.pfile.param.ipc_key), sys::read_now());
    if (!log_->has_reader() && !log_->has_stream()) fmt::print(stderr, "pcheck: warning: {}\n", log_->lack());
    Result<> opened = open_edge();
    if (opened) opened = add_sources();
    if (opened) opened = listen_for_heartbeats(running());
    if (opened) opened = open_events();
    if (!opened) {
        if (!segment_->left()) static_cast<void>(segment_->remove());  // what was left stays for the next one
        return failed(ExitCode::system, opened.error());
    }
    warn_of_lost_segments();
    tell_capabilities();
    go_on();
    go_on_with_resources();
    check_scripts(running());
    next_check_ = loop_->now().instant;
    next_sweep_ = next_check_;
    if (const auto interval = notify_->watchdog_interval()) next_ping_ = next_check_ + *interval / 2;
    segment_->set_life(Life::running);
    keep_time();
    return {};
}

// From what a pcheck that was killed has left, if there is anything.
void Daemon::go_on() {
    const auto& left = segment_->left();
    if (!left) return executor_->publish_all();
    know_children();
    orders_->answer_interrupted(setup_.image.in_place);
    log_->write(messages::adopted(left->header.owner.id.pid, left->entries.size()), loop_->now());
    if (const HeaderRecord& header = left->header; header.pfile != setup_.loaded.path && !header.file.same_file(setup_.loaded.stamp)) {
        log_->write(messages::warning(fmt::format("that pcheck watched another pfile, {}: what only it names is not watched any more",
                                                  printable(header.pfile))),
                    loop_->now());
    }
    executor_->adopt(*adoption_, left->header.entries + left->header.leaving);
}

Result<> Daemon::open_edge() {
    auto loop = sys::EventLoop::open();
    if (!loop) return Failure(loop.error());
    loop_.emplace(*std::move(loop));
    auto notify = sys::NotifySocket::open(setup_.environment, getpid());
    if (!notify) return Failure(notify.error());
    notify_.emplace(*std::move(notify));
    auto files = sys::Worker::open(file_threads, file_requests);
    if (!files) return Failure(files.error());
    files_.emplace(*std::move(files));
    auto scripts = sys::Worker::open(1, 1);
    if (!scripts) return Failure(scripts.error());
    scripts_.emplace(*std::move(scripts));
    auto images = sys::Worker::open(1, 1);
    if (!images) return Failure(images.error());
    images_.emplace(*std::move(images));
    auto deaths = Deaths::open(setup_.config.detect, !setup_.loaded.pfile.param.detect_event,
                               {[this](core::EntryKey entry, ProcessId process, Cause cause) { died(entry, process, cause); },
                                [this](core::RunId run, std::optional<int> status) { script_ended(run, status); },
                                [this](const std::string& reason) { log_->write(messages::polling(reason), loop_->now()); }});
    if (!deaths) return Failure(deaths.error());
    deaths_.emplace(*std::move(deaths));
    auto sweep = Sweep::open({[this](core::Looked event) { looked(std::move(event)); }, [this] { sweep_done(); },
                              [this](std::size_t count) { unreadable(count); }, [this](const std::string& path) { stuck(path); }});
    if (!sweep) return Failure(sweep.error());
    sweep_.emplace(*std::move(sweep));
    auto spawner = sys::Spawner::open(setup_.inheritance);
    if (!spawner) return Failure(spawner.error());
    spawner_.emplace(*std::move(spawner));
    if (auto opened = open_signs_of_life(); !opened) return opened;
    orders_.emplace(segment_->words(), segment_->slots(), may_run);
    std::vector<Definition> definitions = std::exchange(setup_.loaded.pfile.resources, {});
    const core::Manner manner{.as_root = geteuid() == 0, .dry_run = setup_.dry_run};
    if (const auto& left = segment_->left()) {
        adoption_ = adoption_of(left->entries, left->leaving, left->param, {may_run, is_awaitable});
        core_.emplace(std::move(setup_.loaded.pfile), manner, std::move(adoption_->recorded), loop_->now());
    } else {
        core_.emplace(std::move(setup_.loaded.pfile), manner, loop_->now());
    }
    executor_.emplace(
        Edge{*loop_, *log_, *segment_, *orders_, *deaths_, *sweep_, *spawner_, *files_, heartbeats_, *heartbeat_files_, *units_}, *core_,
        setup_.environment, setup_.loaded.path, [this](const core::Event& event) { dispatch(event); });
    open_resources(std::move(definitions));
    return {};
}

Result<> Daemon::open_signs_of_life() {
    auto paths = sys::Worker::open(HeartbeatFiles::threads, HeartbeatFiles::threads);
    if (!paths) return Failure(paths.error());
    heartbeat_files_.emplace(*std::move(paths), HeartbeatFiles::Handlers{[this](core::HeartbeatRead event) { dispatch(event); },
                                                                         [this](const std::string& text) {
                                                                             log_->write(messages::warning(text), loop_->now());
                                                                         }});
    auto systemd = sys::Worker::open(1, 1);
    if (!systemd) return Failure(systemd.error());
    units_.emplace(*std::move(systemd), ServiceUnits::asks_systemd());
    return {};
}

// Without a socket no entry may wait for WATCHDOG=1: each of its processes would be taken for stalled.
Result<> Daemon::listen_for_heartbeats(const Pfile& pfile) {
    if (heartbeats_) return {};
    const bool needed = std::ranges::any_of(pfile.pents, &Pent::sends_heartbeats);
    const auto runtime = environment_value(setup_.environment, "XDG_RUNTIME_DIR");
    const std::string path = Heartbeats::path_for(pfile.param.ipc_key, geteuid() == 0, runtime.value_or(""));
    if (path.empty()) return needed ? fail("heartbeat: XDG_RUNTIME_DIR is not set: there is no place for the socket") : Result<>();
    auto opened = Heartbeats::open(path, {[this](core::EntryKey entry) { dispatch(core::Heartbeat{entry}); },
                                          [this](const std::string& text) { log_->write(messages::warning(text), loop_->now()); }});
    if (!opened) return needed ? Result<>(Failure(opened.error())) : Result<>();
    auto source = loop_->add_io(opened->fd(), EPOLLIN, sys::SourcePriority::heartbeats, [this](std::uint32_t) {
        const bool more = heartbeats_->take(loop_->now());
        if (more) loop_->yield_once(*heartbeats_source_);  // a flood of them delays nothing else
        arm();
    });
    if (!source) return Failure(source.error());
    heartbeats_.emplace(*std::move(opened));
    heartbeats_source_ = *std::move(source);
    return {};
}

void Daemon::tell_capabilities() {
    log_read_ = log_->has_reader();
    segment_->set_capabilities(fmt::format(
        "{}clone = {}\nlog = {}\nheartbeat_socket = {}\nsystemd = {}\nroot = {}\ndry_run = {}\n", deaths_->capabilities(),
        sys::clone_found(), log_read_ ? log_->target() : "no: " + log_->lack(), heartbeats_ ? "yes" : "no: it could not be made",
        ServiceUnits::asks_systemd() ? "yes" : "no: it is not the init", geteuid() == 0 ? "yes" : "no", setup_.dry_run ? "yes" : "no"));
}

// What would take the segment, and with it the state, away although nobody ordered it (reference: shm_rmid_forced in proc(5), RemoveIPC in
// logind.conf(5)).
void Daemon::warn_of_lost_segments() {
    const auto forced = sys::read_file("/proc/sys/kernel/shm_rmid_forced", 16);
    if (forced && forced->starts_with('1')) {
        log_->write(messages::warning("kernel.shm_rmid_forced is 1: the state will not survive a kill of pcheck"), loop_->now());
    }
    constexpr uid_t first_person = 1000;
    if (geteuid() >= first_person && access("/run/systemd/system", F_OK) == 0) {
        log_->write(messages::warning("not a system user: logind removes the segment at the last logout unless RemoveIPC=no"),
                    loop_->now());
    }
}

// After the loop: nothing is watched any more, so what follows may wait, within bounds.
void Daemon::finish(const core::End& end) {
    segment_->set_busy(Busy::shutdown);
    resources_->leave();
    segment_->set_life(Life::ended, end.reason);
    notify_->stopping(loop_->now().instant);
    write_last_dump();
    if (const auto removed = segment_->remove(); !removed) log_->write(messages::warning(removed.error().text), sys::read_now());
    if (events_) events_->finish(events_patience);
    const std::size_t lost = log_->drain(log_patience);
    if (lost > 0) fmt::print(stderr, "pcheck: {} log lines could not be written\n", lost);
    executor_->answer(end.order, number_of(ExitCode::ok), {});
}

// A dry run knows of no resource what it was: its dump would have the next start restore nothing (initial=last).
bool Daemon::may_dump() const { return !setup_.dry_run || resources_->empty(); }

// By a thread of its own: those of the loop may all hang.
void Daemon::write_last_dump() {
    if (!may_dump()) return;
    std::string error = "it takes more than 2 s";
    auto writer = sys::Worker::open(1, 1);
    if (!writer) return log_->write(messages::dump_not_written(writer.error().text), sys::read_now());
    const auto submitted = writer->submit([path = core_->param().shm_dump_file, image = segment_->image(), &error] {
        const auto written = sys::write_atomically(path, image, Executor::dump_mode);
        return [text = written ? std::string() : written.error().text, &error] { error = text; };
    });
    if (!submitted) error = submitted.error().text;
    writer->drain_within(dump_patience);
    if (!error.empty()) log_->write(messages::dump_not_written(error), sys::read_now());
}

}  // namespace banken
