// SPDX-License-Identifier: Apache-2.0
#include "tests/fake/core_schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "common/segment_codec.hpp"
#include "pcheck/records.hpp"
#include "pcheck/segment_writer.hpp"

namespace banken::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t told_of_the_story = 60;
constexpr unsigned most_in_one_instant = 3000;

BootTicks ticks_at(Instant instant) { return static_cast<BootTicks>(instant.time_since_epoch() / milliseconds(10)); }

std::string name_of(const Supervisor& core, EntryKey key) { return core.find(key) ? core.find(key)->pent.name : std::to_string(key); }

}  // namespace

Schedule::Schedule(std::uint64_t seed, Coverage& coverage, bool tells)
    : random_(seed),
      tells_(tells),
      pfiles_(random_),
      coverage_(coverage),
      now_{Instant(std::chrono::hours(1)), WallTime(seconds(1)), 360000} {
    core_ = std::make_unique<Supervisor>(pfiles_.pfile(), Manner{}, now_);
    copy_ = std::make_unique<Supervisor>(pfiles_.pfile(), Manner{}, now_);
    trouble_ = static_cast<unsigned>(random_.below(3)) * 30;
    slow_ = random_.chance(6);
}

std::string Schedule::play(unsigned steps) {
    story_.push_back(pfiles_.text());
    for (const EntryKey entry : core_->entries()) {
        if (random_.chance(75)) appear(entry);
    }
    next_sweep_ = now_.instant;
    while (steps-- > 0 && !ended_ && failure_.empty()) {
        if (std::exchange(killed_, false)) adopt();
        something();
    }
    if (random_.chance(20) && !ended_ && failure_.empty()) settle_down();
    if (!killed_ && random_.chance(60)) tell(Order{++last_order_, Verb::shutdown, {}, {}});
    if (failure_.empty()) compare_copy();
    if (failure_.empty()) return {};
    std::string text = failure_;
    const std::size_t skipped = story_.size() > told_of_the_story ? story_.size() - told_of_the_story : 0;
    for (std::size_t i = skipped == 0 ? 0 : skipped; i < story_.size(); ++i) text += "\n  " + story_[i];
    return text + "\n" + state_text(*core_);
}

void Schedule::fail(std::string why) {
    if (failure_.empty()) failure_ = std::move(why);
}

// ---- the core is told, and wants things done ----

void Schedule::tell(const Event& event) {
    if (ended_ || !failure_.empty()) return;
    const Told told{event, now_};
    const auto records = recorder_.before(told, *core_);
    if (tells_) tell_story(told);
    rules_.before(*core_, event, now_.instant);
    std::vector<Action> actions;
    try {
        actions = core_->step(event, now_);
    } catch (const std::exception& error) {
        return fail(fmt::format("thrown: {}", error.what()));
    }
    recorder_.after(event, actions);
    coverage_.note(rules_.entries(), event, *core_, now_.instant);
    rules_.after(*core_, actions);
    replay(records);
    for (const Action& action : actions) {
        const auto* trace = tells_ ? std::get_if<Trace>(&action) : nullptr;
        if (trace) story_.push_back(fmt::format("      {} {} {}", name_of(*core_, trace->entry), trace->event, trace->detail));
    }
    for (const Action& action : actions) perform(action);
    if (!rules_.broken().empty()) fail(rules_.broken());
}

void Schedule::tell_story(const Told& told) {
    const double seconds = static_cast<double>(told.now.instant.time_since_epoch().count()) / 1e9;
    for (const TraceRecord& record : records_of(told, *core_))
        story_.push_back(fmt::format("{:.3f} {} {}: {}", seconds, record.event, name_of(*core_, record.key), record.detail));
}

void Schedule::replay(const std::vector<TraceRecord>& records) {
    for (const TraceRecord& record : records) {
        const auto told = reader_.take(record, *copy_);
        if (!told) return fail("6: " + told.error().text);
        if (*told) (void)copy_->step((*told)->event, (*told)->now);
    }
}

void Schedule::compare_copy() {
    const std::string original = state_text(*core_), copy = state_text(*copy_);
    if (original != copy) fail(fmt::format("6: a replay gives another state:\n{}instead of\n", copy));
}

void Schedule::perform(const Action& action) {
    if (const auto* log = tells_ ? std::get_if<Log>(&action) : nullptr) story_.push_back("      " + log->message.text);
    if (const auto* wanted = std::get_if<Look>(&action)) look(*wanted);
    if (const auto* wanted = std::get_if<Follow>(&action)) follow(*wanted);
    if (const auto* wanted = std::get_if<Unfollow>(&action)) followed_.erase(wanted->entry);
    if (const auto* wanted = std::get_if<RunScript>(&action)) run(*wanted);
    if (const auto* wanted = std::get_if<ReleaseScript>(&action)) running_.erase(wanted->run);
    if (const auto* wanted = std::get_if<SignalScript>(&action)) signal_script(*wanted);
    if (const auto* wanted = std::get_if<SignalProcess>(&action)) signal(*wanted);
    if (const auto* wanted = std::get_if<Measure>(&action)) measured(*wanted);
    if (const auto* wanted = std::get_if<ReadHeartbeat>(&action)) {
        const bool good = calm_ || random_.chance(60);
        tale_later(milliseconds(300), [this, entry = wanted->entry, good] {
            tell(HeartbeatRead{entry, good ? std::optional(Duration{}) : std::nullopt});
        });
    }
    if (const auto* wanted = std::get_if<WriteDump>(&action))
        tale_later(seconds(1), [this, order = wanted->order] { tell(DumpDone{order, {}}); });
    if (std::holds_alternative<End>(action)) ended_ = true;
}

void Schedule::look(const Look& action) {
    if (random_.chance(20)) {  // read now, told later
        tale_later(milliseconds(50), [this, event = Looked{action.entry, action.number, matches(action.entry)}] { looked(event); });
    } else {
        tale_later(milliseconds(random_.chance(10) ? 3000 : 20), [this, action] {
            looked({action.entry, action.number, matches(action.entry)});
        });
    }
}

// As the daemon does: a followed process that is missed because it is dead is told by its death.
void Schedule::looked(Looked event) {
    const Watch* watch = core_->find(event.entry);
    const bool available = watch && watch->state == EntryState::avail;
    const bool may_wait = available ? watch->question != Question::hand_over : event.number == 0;
    if (watch && watch->main && may_wait) {
        const bool found = std::ranges::find(event.matches, *watch->main, &Candidate::id) != event.matches.end();
        if (!found && !is_alive(*watch->main)) return;
    }
    tell(event);
}

void Schedule::follow(const Follow& action) {
    if (!action.beside) followed_.erase(action.entry);
    followed_.emplace(action.entry, action.process);
    if (is_alive(action.process)) return;
    tale_later(milliseconds(50), [this, action] { tell(Died{action.entry, action.process, {Cause::Kind::gone, 0}, now_.ticks}); });
}

void Schedule::measured(const Measure& action) {
    Measured event{action.entry, action.process, 'S', {}, 0, 0};
    if (!calm_ && random_.chance(70)) event.state = 'D';
    if (!calm_ && random_.chance(70)) event.rss = 2u << 30;
    tale_later(random_.chance(10) ? Duration(seconds(20)) : milliseconds(300), [this, event] { tell(event); });
}

// ---- processes ----

std::vector<Candidate> Schedule::matches(EntryKey entry) const {
    std::vector<Candidate> all;
    for (const Process& process : processes_) {
        if (process.entry == entry) all.push_back(process.what);
    }
    return all;
}

bool Schedule::is_alive(ProcessId process) const {
    return std::ranges::any_of(processes_, [process](const Process& one) { return one.what.id == process; });
}

void Schedule::appear(EntryKey entry, std::optional<ProcessId> of_script) {
    const Watch* watch = core_->find(entry);
    const std::size_t wanted = watch && watch->pent.counts() ? *watch->pent.min : 1;
    for (std::size_t count = of_script ? 1 : wanted; count > 0; --count) {
        Process process;
        process.entry = entry;
        process.what.id = of_script.value_or(ProcessId{++last_pid_, now_.ticks});
        process.what.session = process.what.id.pid;
        process.what.fork_no_exec = random_.chance(30);
        process.what.argv0 = random_.chance(90) ? "daemon" : "other";
        process.stubborn = !calm_ && random_.chance(slow_ ? 40 : 20);
        process.immortal = process.stubborn && random_.chance(25);
        processes_.push_back(process);
    }
    move_processes();
}

// What belonged to an entry that was removed belongs to the new one of its name.
void Schedule::move_processes() {
    for (Process& process : processes_) {
        const Watch* old = core_->find(process.entry);
        if (!old) continue;
        const auto entries = core_->entries();
        if (std::ranges::find(entries, process.entry) != entries.end()) continue;
        const auto same = std::ranges::find_if(entries, [&](EntryKey key) { return core_->find(key)->pent.name == old->pent.name; });
        if (same != entries.end()) process.entry = *same;
    }
}

void Schedule::end(ProcessId process, Cause cause) {
    if (std::erase_if(processes_, [process](const Process& one) { return one.what.id == process; }) == 0) return;
    const bool poll = !core_->param().detect_event;
    if (poll) cause = {Cause::Kind::not_asked, 0};
    for (const auto& [entry, followed] : followed_) {
        if (followed != process) continue;
        const auto tale = [this, entry = entry, process, cause, noticed = now_.ticks] {
            const auto [first, last] = followed_.equal_range(entry);
            const bool still = std::any_of(first, last, [&](const auto& one) { return one.second == process; });
            if (still) tell(Died{entry, process, cause, noticed, random_.chance(10)});
        };
        tale_later(poll ? Duration(seconds(3)) : milliseconds(40), tale);
    }
}

void Schedule::kill_some() {
    if (processes_.empty()) return;
    Process process = random_.among(processes_);
    for (const Process& other : processes_) {  // rather one that was left running
        const Watch* watch = core_->find(other.entry);
        if (watch && watch->given_up() && watch->main == other.what.id && random_.chance(70)) process = other;
    }
    if (random_.chance(9)) {  // it execs into something that no entry is about
        std::ranges::find(processes_, process.what.id, [](const Process& one) { return one.what.id; })->entry = 0;
        return;
    }
    const std::array causes{Cause{Cause::Kind::status, 9}, Cause{Cause::Kind::status, 11},  Cause{Cause::Kind::status, 15},
                            Cause{Cause::Kind::status, 0}, Cause{Cause::Kind::status, 256}, Cause{Cause::Kind::gone, 0}};
    end(process.what.id, random_.among(causes));
    if (random_.chance(15)) tale_later(seconds(1), [this, entry = process.entry] { appear(entry); });
}

void Schedule::signal(const SignalProcess& action) {
    const auto process = std::ranges::find(processes_, action.process, [](const Process& one) { return one.what.id; });
    if (process == processes_.end() || action.signal == SIGCONT) return;
    const bool obeys = action.signal == SIGKILL ? !process->immortal : !process->stubborn;
    const bool at_last = process->immortal && action.signal == SIGKILL;
    if (!obeys && !at_last) return;
    deed_later(at_last ? Duration(seconds(90)) : seconds(2), [this, action] { end(action.process, {Cause::Kind::status, action.signal}); });
}

// ---- scripts ----

void Schedule::run(const RunScript& action) {
    if (!calm_ && !killed_ && random_.chance(1)) {
        killed_ = true;  // pcheck, before its child is released: the script is never run
        return;
    }
    if (!calm_ && random_.chance(2)) return tell(ScriptEnded{action.run, ScriptEnded::How::not_executed, 0, "No such file"});
    const ProcessId process{++last_pid_, now_.ticks};
    Running running{action, process};
    const bool wrong = !calm_ && random_.chance(trouble_);
    const unsigned fate = static_cast<unsigned>(random_.below(slow_ ? 2 : 4));
    running.stubborn = wrong && random_.chance(30);
    running.immortal = running.stubborn && random_.chance(25);
    running_.emplace(action.run, running);
    tell(ScriptStarted{action.run, process});
    if (!wrong && action.kind == ScriptKind::restart) return run_restart(action, process);
    if (!wrong && action.kind == ScriptKind::stop) {
        const std::vector<Candidate> all = matches(action.entry);
        for (const Candidate& one : all) deed_later(seconds(2), [this, one] { end(one.id, {Cause::Kind::status, 15}); });
    }
    if (wrong && (fate == 0 || slow_)) return;  // hangs
    deed_later(seconds(wrong && fate == 1 ? (slow_ ? 900 : 30) : 2), [this, process, wrong] { script_ends(process, wrong ? 256 : 0); });
}

// One script may be that of several entries.
std::vector<EntryKey> Schedule::sharing(EntryKey entry) const {
    std::vector<EntryKey> keys(core_->entries().begin(), core_->entries().end());
    const Watch* own = core_->find(entry);
    std::erase_if(keys, [&](EntryKey key) { return key != entry && !(own && core_->find(key)->pent.script == own->pent.script); });
    return keys;
}

void Schedule::run_restart(const RunScript& action, ProcessId process) {
    if (random_.chance(60)) {
        for (const EntryKey key : sharing(action.entry)) {
            if (key != action.entry && core_->find(key)->state == EntryState::avail) continue;
            for (const Candidate& one : matches(key)) end(one.id, {Cause::Kind::status, 15});
        }
    }
    if (!calm_ && random_.chance(6))
        return deed_later(seconds(2), [this, action, process] {
            if (!is_script(process)) return;
            appear(action.entry, process);  // the script's own process becomes the daemon
            looked({action.entry, 0, matches(action.entry)});
        });
    const bool never = !calm_ && random_.chance(8), late = random_.chance(20);
    deed_later(seconds(2), [this, action, process, never, late] {
        if (!is_script(process)) return;
        const auto daemon = [this, action] {
            for (const EntryKey key : sharing(action.entry)) {
                if (matches(key).empty()) appear(key);
            }
            if (!core_->find(action.entry)) appear(action.entry);
        };
        if (!never && late) deed_later(seconds(2), daemon);
        if (!never && !late) daemon();
        script_ends(process, calm_ || random_.chance(90) ? 0 : 3 << 8);
    });
}

bool Schedule::is_script(ProcessId process) const {
    return std::ranges::any_of(running_, [process](const auto& running) { return running.second.process == process; });
}

void Schedule::script_ends(ProcessId process, int wait_status) {
    const auto running = std::ranges::find(running_, process, [](const auto& one) { return one.second.process; });
    if (running == running_.end()) return;
    const RunId run = running->first;
    running_.erase(running);
    end(process, {Cause::Kind::status, wait_status});
    const bool refused = !calm_ && wait_status != 0 && random_.chance(20);
    tell(
        ScriptEnded{run, refused ? ScriptEnded::How::refused : ScriptEnded::How::exited, wait_status, refused ? "writable by others" : ""});
}

void Schedule::signal_script(const SignalScript& action) {
    const auto running = running_.find(action.run);
    if (running == running_.end()) return;
    const bool obeys = action.signal == SIGKILL ? !running->second.immortal : !running->second.stubborn;
    const bool at_last = running->second.immortal && action.signal == SIGKILL;
    const bool check = running->second.what.kind == ScriptKind::check;
    if (!obeys && !at_last) return;
    deed_later(at_last || check ? Duration(seconds(60)) : milliseconds(100),
               [this, process = running->second.process, signal = action.signal] { script_ends(process, signal); });
}

// ---- time ----

void Schedule::tale_later(Duration longest, std::function<void()> tale) {
    deed_later(longest, [this, epoch = epoch_, tale = std::move(tale)] {
        if (epoch == epoch_) tale();
    });
}

void Schedule::deed_later(Duration longest, std::function<void()> deed) {
    const Duration wait(static_cast<Duration::rep>(random_.below(static_cast<std::size_t>(longest.count()) + 1)));
    deliveries_.push_back({now_.instant + wait, ++last_delivery_, std::move(deed)});
}

void Schedule::pass(Duration duration) {
    const Instant until = now_.instant + duration;
    unsigned in_this_instant = 0;
    while (!ended_ && failure_.empty() && !killed_) {
        const auto earlier = [](const Delivery& left, const Delivery& right) {
            return std::pair(left.at, left.number) < std::pair(right.at, right.number);
        };
        const auto delivery = std::ranges::min_element(deliveries_, earlier);
        const auto deadline = core_->next_deadline();
        Instant next = std::min(next_sweep_, deadline.value_or(Instant::max()));
        if (delivery != deliveries_.end()) next = std::min(next, delivery->at);
        next = std::max(next, now_.instant);
        if (next > until) break;
        in_this_instant = next == now_.instant ? in_this_instant + 1 : 0;
        if (in_this_instant > most_in_one_instant) return fail("time stands still");
        coverage_.note_time(*core_, now_.instant, next);
        now_ = {next, now_.wall + (next - now_.instant), ticks_at(next)};
        if (delivery != deliveries_.end() && delivery->at <= next) {
            const auto deed = std::move(delivery->deed);
            deliveries_.erase(delivery);
            deed();
        } else if (next_sweep_ <= next) {
            next_sweep_ = next + core_->param().monitor_interval;
            sweep();
        } else {
            beat();
            tell(Deadline{});
        }
    }
    if (failure_.empty() && !killed_ && until > now_.instant) now_ = {until, now_.wall + (until - now_.instant), ticks_at(until)};
}

// A heartbeat that has come is never missed because its deadline was looked at first.
void Schedule::beat() {
    const std::vector<EntryKey> entries(core_->entries().begin(), core_->entries().end());
    for (const EntryKey key : entries) {
        const Watch& watch = *core_->find(key);
        const bool due = watch.beat_at && *watch.beat_at <= now_.instant && watch.pent.heartbeat_path.empty();
        if (due && (calm_ || random_.chance(60))) tell(Heartbeat{key});
    }
}

void Schedule::sweep() {
    const std::vector<EntryKey> entries(core_->entries().begin(), core_->entries().end());
    for (const EntryKey key : entries) {
        const Watch* watch = core_->find(key);
        if (watch && (watch->state != EntryState::avail || watch->pent.counts() || random_.chance(30))) looked({key, 0, matches(key)});
    }
    tell(FirstSweepDone{});
}

// Nothing new happens, and all scripts succeed.
void Schedule::settle_down() {
    calm_ = true;  // from here on pcheck is not killed any more, not even while it adopts
    if (std::exchange(killed_, false)) adopt();
    for (Process& process : processes_) process.stubborn = process.immortal = false;
    for (const auto& [run, running] : running_) deed_later(seconds(1), [this, process = running.process] { script_ends(process, 0); });
    for (int i = 0; i < 30; ++i) pass(seconds(30));
    if (ended_ || !failure_.empty()) return;
    rules_.at_rest(*core_);
    if (!rules_.broken().empty()) fail(rules_.broken());
}

// ---- what happens ----

EntryKey Schedule::some_entry() {
    const auto entries = core_->entries();
    return entries.empty() ? 0 : entries[random_.below(entries.size())];
}

void Schedule::something() {
    constexpr std::array quick{Duration(milliseconds(5)), Duration(milliseconds(300)), Duration(seconds(3)), Duration(seconds(10)),
                               Duration(seconds(40))};
    constexpr std::array slow{Duration(milliseconds(300)), Duration(seconds(3)), Duration(seconds(20)), Duration(seconds(300)),
                              Duration(seconds(700))};
    const Duration longest = slow_ ? random_.among(slow) : random_.among(quick);
    const std::size_t what = random_.below(100);
    if (what < 45) return pass(Duration(static_cast<Duration::rep>(random_.below(static_cast<std::size_t>(longest.count())))));
    if (what < 64) return kill_some();
    if (what < 69 && !core_->entries().empty()) return appear(some_entry());
    if (what < 88) return order();
    if (what < 90) return send_event();
    if (what < 95) return reload();
    if (what < 97) killed_ = true;
    if (what == 97) trouble_ = static_cast<unsigned>(random_.below(4)) * 30;
    if (what == 98) tell(Heartbeat{some_entry()});
    if (what == 99) sweep();
}

void Schedule::order() {
    constexpr std::array verbs{Verb::stop, Verb::start, Verb::start, Verb::clear, Verb::clear, Verb::restart, Verb::restart, Verb::restart};
    const EntryKey entry = some_entry();
    if (entry == 0) return;
    Order order{++last_order_, random_.among(verbs), core_->find(entry)->pent.name, {}};
    if (random_.below(150) == 0) order.verb = Verb::shutdown;
    if (order.verb == Verb::stop && random_.chance(40)) order.duration = seconds(1 + random_.below(60));
    if ((order.verb == Verb::stop || order.verb == Verb::start) && random_.chance(20)) order.target.clear();
    tell(order);
}

void Schedule::send_event() {
    const EntryKey entry = some_entry();
    if (entry == 0) return;
    const std::string event = random_.chance(80) ? "disk/full" : "app/hangs";
    tell(Order{++last_order_, Verb::event, core_->find(entry)->pent.name, {}, event});
}

void Schedule::reload() {
    if (random_.chance(75)) pfiles_.edit();
    tell(Reloaded{++last_order_, pfiles_.pfile()});
    move_processes();
}

// What the segment tells of the core that was killed.
Adoption Schedule::left_behind() const {
    const auto is_running = [this](ProcessId process) {
        return is_alive(process) || std::ranges::any_of(running_, [&](const auto& running) { return running.second.process == process; });
    };
    const auto records = [this](const auto& keys) {
        std::vector<EntryRecord> all;
        for (const EntryKey key : keys) all.push_back(decode<EntryRecord>(encode(record_of(*core_->find(key), *core_))).value());
        return all;
    };
    return adoption_of(records(core_->entries()), records(core_->leaving()), decode<ParamRecord>(encode(record_of(core_->param()))).value(),
                       {is_running, is_running});
}

// pcheck was killed; the next one gives numbers of its own to the scripts that still run, and hears of no others.
void Schedule::adopt() {
    coverage_.note_adoption(noted(*core_));
    compare_copy();
    const Adoption left = left_behind();
    if (random_.chance(25)) pfiles_.edit();
    core_ = std::make_unique<Supervisor>(pfiles_.pfile(), Manner{}, left.recorded, now_);
    copy_ = std::make_unique<Supervisor>(pfiles_.pfile(), Manner{}, left.recorded, now_);
    ++epoch_;
    followed_.clear();
    recorder_ = {};
    std::map<RunId, RunId> heard;
    std::map<RunId, Running> running;
    for (const AdoptedScript& script : left.scripts) {
        const auto old = std::ranges::find(running_, script.process, [](const auto& one) { return one.second.process; });
        if (!core_->find(script.entry)) continue;
        heard[old->first] = script.run;
        running[script.run] = old->second;
        running[script.run].what.run = script.run;
    }
    for (const auto& [run, one] : running_) {
        if (one.what.kind != ScriptKind::check && !heard.contains(run)) fail(fmt::format("script {} runs and is not adopted", run));
    }
    running_ = std::move(running);
    rules_.adopted(heard, left.recorded);
    move_processes();
    tell(left.event);
    next_sweep_ = now_.instant;
}

std::string state_text(const Supervisor& core) {
    std::string text;
    const auto at = [](const std::optional<Instant>& instant) {
        return instant ? fmt::format("{:.3f}", static_cast<double>(instant->time_since_epoch().count()) / 1e9) : std::string("-");
    };
    for (const EntryKey key : core.entries()) {
        const Watch& watch = *core.find(key);
        text += fmt::format("{} {} {} {} {}", key, watch.pent.name, text_of(watch.state), text_of(watch.wait), text_of(watch.reason));
        text += fmt::format(" main={} shown={} logged={} seen={} matching={}", watch.main ? watch.main->pid : 0, watch.shown_pid,
                            watch.logged_pid, watch.seen ? watch.seen->pid : 0, watch.matching);
        text += fmt::format(" window={}/{} attempts={} total={} begun={} paused={} until={}", at(watch.window.first), watch.window.count,
                            watch.attempts, watch.total, at(watch.begun), watch.paused, at(watch.paused_until));
        text += fmt::format(" timer={} look={} remind={} check={} beat={} measure={} stable={}", at(watch.timer), at(watch.look_at),
                            at(watch.remind_at), at(watch.check_at), at(watch.beat_at), at(watch.measure_at), at(watch.stable_at));
        text += fmt::format(" question={}/{} script={} bad={} orphans={} known={}", static_cast<int>(watch.question), watch.asked,
                            watch.script ? watch.script->run : 0, watch.bad_checks, watch.memory.orphans.size(), watch.memory.known.size());
        text += fmt::format(" since={} ({})\n", at(watch.since), watch.pent.text);
    }
    for (const Group* group : core.groups()) {
        text += fmt::format("group {}: window={}/{} begun={} wait={} timer={} turn={} looking={} stable={}\n", group->name,
                            at(group->window.first), group->window.count, at(group->begun), text_of(group->wait), at(group->timer),
                            group->turn, group->looking, at(group->stable_at));
    }
    return text;
}

}  // namespace banken::core
