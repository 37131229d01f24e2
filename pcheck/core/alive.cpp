// SPDX-License-Identifier: Apache-2.0
// A process that runs but does not do its work: health checks, heartbeats, hung, limits, and STOP (spec/state-table.md; spec/pfile.md, options).
// All of it rests while the entry is not AVAIL or paused.
#include <algorithm>
#include <csignal>

#include "pcheck/core/supervisor.hpp"

namespace banken::core {
namespace {

constexpr Duration shortest_measure_gap = std::chrono::seconds(1);

std::chrono::seconds::rep whole_seconds(Duration duration) { return std::chrono::duration_cast<std::chrono::seconds>(duration).count(); }

// Often enough that the shortest limit is seen to last.
Duration measure_gap(const Pent& pent, Duration monitor_interval) {
    Duration gap = monitor_interval;
    if (pent.hung > Duration{}) gap = std::min(gap, pent.hung / 4);
    for (const auto& limit : {pent.cpu, pent.rss, pent.fds}) {
        if (limit) gap = std::min(gap, limit->lasting / 4);
    }
    return std::max(gap, shortest_measure_gap);
}

// "2.1G": powers of 1024, as limits are written.
std::string size_text(std::uint64_t bytes) {
    constexpr std::string_view units = "KMG";
    if (bytes < 1024) return fmt::format("{}", bytes);
    double value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    for (; value >= 1024 && unit + 1 < units.size(); ++unit) value /= 1024;
    std::string text = fmt::format("{:.1f}", value);
    if (text.ends_with(".0")) text.resize(text.size() - 2);
    return text + units[unit];
}

std::string value_text(std::string_view what, std::uint64_t value) {
    if (what == "rss") return size_text(value);
    if (what == "fds") return fmt::format("{}", value);
    return value % 10 == 0 ? fmt::format("{}%", value / 10) : fmt::format("{}.{}%", value / 10, value % 10);
}

}  // namespace

void Supervisor::arm_alive(Watch& watch) {
    rest(watch);
    const Pent& pent = watch.pent;
    const Instant now = now_.instant;
    if (pent.stable > Duration{} && pent.group.empty()) watch.stable_at = now + pent.stable;
    if (!pent.check.none() && !manner_.dry_run) watch.check_at = now + pent.check_interval;
    if (pent.heartbeat > Duration{}) watch.beat_at = now + pent.heartbeat;
    if (pent.is_measured()) watch.measure_at = now + measure_gap(pent, param_.monitor_interval);
    touch(watch);
}

// A check that runs is of no use any more; while it lives no other one begins.
void Supervisor::rest(Watch& watch) {
    if (watch.check && watch.check->phase == ScriptRun::Phase::running) {
        watch.check->phase = ScriptRun::Phase::killed;
        emit(SignalScript{watch.check->run, SIGKILL});
    }
    watch.forget_signs_of_life();
}

// ---- health checks ----

// The next one begins, or the one that runs has reached its limit. What cannot be ended never piles up: it counts as bad each time.
void Supervisor::check_due(Watch& watch) {
    const Instant now = now_.instant;
    if (watch.check) {
        const bool overdue = watch.check->phase == ScriptRun::Phase::running;
        if (overdue) emit(SignalScript{watch.check->run, SIGKILL});
        watch.check->phase = ScriptRun::Phase::killed;
        watch.check_at = now + watch.pent.check_interval;
        return bad_check(watch, fmt::format("timeout={}s", whole_seconds(watch.pent.check_timeout)));
    }
    ScriptRun& check = watch.check.emplace();
    check.kind = ScriptKind::check;
    check.begun = now;
    check.limit = watch.pent.check_timeout;
    watch.check_at = now + check.limit;
    run(watch, check);
}

void Supervisor::check_ended(Watch& watch, const ScriptEnded& event) {
    const ScriptRun check = *std::exchange(watch.check, std::nullopt);
    if (event.how == ScriptEnded::How::exited) emit(SignalScript{event.run, SIGKILL});  // what it left of its group ends with it
    if (watch.state != EntryState::avail || watch.paused || !watch.check_at) return;    // a late result is thrown away
    if (check.phase != ScriptRun::Phase::running) return;  // counted when its time was over, or of a time before
    watch.check_at = std::max(now_.instant, check.begun + watch.pent.check_interval);
    watch.was_checked = true;
    if (event.how != ScriptEnded::How::exited) return not_checked(watch, event.reason);
    if (event.status != 0) return bad_check(watch, failure_text(check, event));
    watch.bad_checks = 0;
    watch.bad_check.clear();
    good_again(watch, watch.told_stalled.check);
}

// It says nothing of the process, which would be stopped for a mode of a file. Told when it begins.
void Supervisor::not_checked(Watch& watch, const std::string& why) {
    if (watch.bad_check != why) log(messages::script_refused(watch.ref(), why, "Health check"));
    watch.bad_check = why;
}

void Supervisor::bad_check(Watch& watch, std::string outcome) {
    watch.was_checked = true;
    watch.bad_check = std::move(outcome);
    ++watch.bad_checks;
    emit(Trace{watch.key, watch.main_pid(), "bad check", fmt::format("{} of {}", watch.bad_checks, watch.pent.check_failures)});
    if (watch.bad_checks < watch.pent.check_failures) return;
    const unsigned bad = std::exchange(watch.bad_checks, 0);
    stop(watch, EntryReason::stall, fmt::format("{} health checks failed", bad), &watch.told_stalled.check);
}

// ---- heartbeats ----

void Supervisor::on(const Heartbeat& event) {
    Watch* watch = get(event.entry);
    if (watch && watch->state == EntryState::avail) beat(*watch, now_.instant);
}

void Supervisor::beat(Watch& watch, Instant at) {
    touch(watch);
    watch.last_beat = at;
    good_again(watch, watch.told_stalled.heartbeat);
    if (watch.beat_at) watch.beat_at = at + watch.pent.heartbeat;
}

// The file is read when its time is over; an answer that does not come is no heartbeat either.
void Supervisor::beat_due(Watch& watch) {
    watch.beat_at = now_.instant + watch.pent.heartbeat;
    if (!watch.pent.heartbeat_path.empty() && !watch.beat_asked) {
        watch.beat_asked = true;
        return emit(ReadHeartbeat{watch.key});
    }
    no_heartbeat(watch);
}

void Supervisor::no_heartbeat(Watch& watch) {
    watch.beat_asked = false;
    stop(watch, EntryReason::stall, fmt::format("no heartbeat for {}s", whole_seconds(watch.pent.heartbeat)),
         &watch.told_stalled.heartbeat);
}

void Supervisor::on(const HeartbeatRead& event) {
    Watch* watch = get(event.entry);
    if (!watch || !watch->beat_asked) return;
    touch(*watch);
    watch->beat_asked = false;
    const bool in_time = event.age && *event.age < watch->pent.heartbeat;
    if (in_time) return beat(*watch, now_.instant - std::max(*event.age, Duration{}));
    watch->beat_at = now_.instant + watch->pent.heartbeat;
    no_heartbeat(*watch);
}

// ---- hung, and limits ----

void Supervisor::measure_due(Watch& watch) {
    watch.measure_at = now_.instant + measure_gap(watch.pent, param_.monitor_interval);
    if (watch.main) emit(Measure{watch.key, *watch.main});
}

void Supervisor::on(const Measured& event) {
    Watch* watch = get(event.entry);
    if (!watch || watch->state != EntryState::avail || watch->paused || watch->main != event.process) return;
    touch(*watch);
    judge(*watch, event);
}

void Supervisor::judge(Watch& watch, const Measured& event) {
    const std::optional<Figures> before = watch.figures;
    Figures& figures = watch.figures.emplace(Figures{now_.instant, event.cpu, std::nullopt, event.rss, event.fds});
    if (before && now_.instant > before->at) {
        const Duration used = std::max(event.cpu - before->cpu, Duration{});
        figures.permille = static_cast<std::uint64_t>(1000 * used / (now_.instant - before->at));
    }
    const bool stands = (event.state == 'D' || event.state == 'T') && (!before || before->cpu == event.cpu);
    if (!stands) {
        watch.hung = {};
        good_again(watch, watch.told_stalled.hung);
    }
    if (stands && !watch.hung.since) watch.hung.since = now_.instant;
    const bool hung = watch.pent.hung > Duration{} && watch.hung.since && now_.instant - *watch.hung.since >= watch.pent.hung;
    if (hung) {
        watch.hung = {};
        return stop(watch, EntryReason::stall, fmt::format("in state {} for {}s", event.state, whole_seconds(watch.pent.hung)),
                    &watch.told_stalled.hung);
    }
    if (figures.permille) judge_limit(watch, watch.cpu, watch.pent.cpu, "cpu", *figures.permille);
    if (watch.figures) judge_limit(watch, watch.rss, watch.pent.rss, "rss", event.rss);
    if (watch.figures) judge_limit(watch, watch.fds, watch.pent.fds, "fds", event.fds);
}

void Supervisor::judge_limit(Watch& watch, Excess& excess, const std::optional<Limit>& limit, std::string_view what, std::uint64_t value) {
    if (!limit || value <= limit->value) {
        excess = {};
        return;
    }
    if (!excess.since) excess.since = now_.instant;
    if (excess.told || now_.instant - *excess.since < limit->lasting) return;
    if (watch.pent.limit_restarts && stop_waits(watch)) return;  // asked again by the next measure
    excess.told = true;
    std::string why =
        fmt::format("{} {} > {} for {}s", what, value_text(what, value), value_text(what, limit->value), whole_seconds(limit->lasting));
    if (!watch.pent.limit_restarts) return log(messages::over_limit(watch.ref(), watch.main_pid(), why));
    stop(watch, EntryReason::limit, std::move(why));
}

// ---- STOP ----

// A group's turn goes first; so does a script that still lives, also one of a removed entry of this name.
bool Supervisor::stop_waits(const Watch& watch) {
    const Group* const of = group(watch);
    const bool ended = watch.question == Question::hand_over;  // and somebody may take over
    return (of && of->turn != 0 && !only_reports(watch)) || script_lives(watch) || ended;
}

// Not by order: script `-` only reports; GATE 1 to 3, where a retry-over leaves the process running.
void Supervisor::stop(Watch& watch, EntryReason reason, std::string why, bool* told) {
    if (stop_waits(watch)) return;  // asked again by the next bad sign
    if (told && only_reports(watch) && std::exchange(*told, true)) return;
    const auto line = reason == EntryReason::limit ? messages::over_limit : messages::stalled;
    log(line(watch.ref(), watch.main_pid(), why));
    ++watch.stalls;
    if (!only_reports(watch) || told) watch.trouble = std::move(why);
    if (only_reports(watch)) return;
    Group* const of = group(watch);
    RetryWindow& window = of ? of->window : watch.window;
    const RetryRule rule = head_of(watch).rule();
    if (has_passed(window, rule, now_.instant)) window = {};
    if (used_up(window, rule)) return over(watch);
    begin_stop(watch, reason);
}

// Of an entry that only reports: what was told as stalled is no more.
void Supervisor::good_again(Watch& watch, bool& told) {
    if (std::exchange(told, false)) watch.trouble.clear();
}

// A stopped process gets CONT, or it could not act on the signal.
void Supervisor::signal_main(const Watch& watch, int signal) {
    emit(SignalProcess{*watch.main, signal});
    emit(SignalProcess{*watch.main, SIGCONT});
}

void Supervisor::begin_stop(Watch& watch, EntryReason reason) {
    const StopRule& rule = watch.pent.stop;
    enter(watch, EntryState::stall);
    watch.reason = reason;
    watch.remember_loss(now_.instant, watch.main_pid(), reason, reason == EntryReason::operator_ ? "" : watch.trouble);
    watch.stop_only = false;
    if (rule.limit > Duration{}) watch.timer = now_.instant + rule.limit;
    arm_reminder(watch);
    if (rule.script.none()) return signal_main(watch, rule.signal);
    ScriptRun& script = watch.script.emplace();
    script.kind = ScriptKind::stop;
    script.begun = now_.instant;
    script.limit = rule.limit;
    run(watch, script);
}

// The process has ended, and so has its stop script.
void Supervisor::stopped(Watch& watch) {
    const bool by_order = watch.reason == EntryReason::operator_;
    const bool may_begin = !watch.stop_only && !only_reports(watch) && !leaving_script_of(watch.pent.name);  // a reload may have changed it
    if (by_order && may_begin) return begin(watch, BeginBy::order);
    lost(watch, by_order ? EntryReason::down : watch.reason);
}

}  // namespace banken::core
