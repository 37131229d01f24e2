// SPDX-License-Identifier: Apache-2.0
// A pcheck that ended without an end left its state in the segment: this one goes on with it (spec/state-table.md, row "pcheck adopted";
// spec/shared-memory.md, Life).
#include <algorithm>
#include <csignal>

#include "pcheck/core/supervisor.hpp"

namespace banken::core {
namespace {

// What was out when it ended is asked for anew, what was due is due at once. That a given-up one was cleared is told by its question alone.
void drop_what_was_out(Watch& watch) {
    const bool cleared = watch.given_up() && watch.question == Question::fresh;
    if (!cleared) watch.question = Question::none;
    watch.asked = 0;
    watch.look_at.reset();
    watch.look_gap = {};
    watch.check.reset();
    watch.forget_signs_of_life();
}

}  // namespace

// Entries that are the same keep everything but their fields and their place.
void Supervisor::adopt(Recorded recorded) {
    std::unordered_map<std::string, Watch*> by_identity;
    for (Watch& watch : recorded.watches) by_identity.emplace(watch.pent.identity(), &watch);
    for (EntryKey& key : order_) {
        const auto same = by_identity.find(watches_.at(key).pent.identity());
        if (same == by_identity.end()) continue;
        auto node = watches_.extract(key);
        Watch adopted = std::move(*same->second);
        adopted.pent = std::move(node.mapped().pent);
        adopted.pent_id = node.mapped().pent_id;
        drop_what_was_out(adopted);
        const bool counted = !adopted.main;
        if (adopted.pent.counts()) adopted.main.reset();
        if (adopted.state == EntryState::avail && adopted.pent.counts() != counted) adopted.state = EntryState::unknown;
        key = adopted.key;
        if (adopted.wait == EntryWait::dependency) dependent_.insert(key);
        if (adopted.script) last_run_ = std::max(last_run_, adopted.script->run);
        watches_.emplace(key, std::move(adopted));
        touch(watches_.at(key));
        by_identity.erase(same);
    }
    for (const auto& [identity, watch] : by_identity) adopt_leaving(std::move(*watch));
    for (Watch& watch : recorded.leaving) adopt_leaving(std::move(watch));
    make_groups();
    for (Group& old : recorded.groups) {
        const auto found = groups_.find(old.name);
        if (found == groups_.end()) continue;
        const bool same = found->second.members == old.members;
        old.members = std::move(found->second.members);
        if (!same) old.turn = 0;
        old.looking = false;
        old.wait = EntryWait::none;  // its members, looked for anew, come to its gate again
        old.timer.reset();
        old.stable_at.reset();
        found->second = std::move(old);
    }
}

// It is no entry any more, but its script may still run: as if a reload had removed it.
void Supervisor::adopt_leaving(Watch watch) {
    if (!watch.script || !watch.script->process) return;
    drop_what_was_out(watch);
    watch.state = EntryState::restart;
    watch.main.reset();
    watch.timer.reset();
    watch.paused_until.reset();
    last_run_ = std::max(last_run_, watch.script->run);
    leaving_.insert(watch.key);
    watches_.emplace(watch.key, std::move(watch));
}

void Supervisor::on(const Adopted& event) {
    std::vector<AdoptedEntry> entries = event.entries;
    const auto runs = [this](const AdoptedEntry& entry) {
        const Watch* watch = get(entry.entry);
        return watch && watch->script_runs();
    };
    std::stable_partition(entries.begin(), entries.end(), runs);  // scripts that run have their slots before any other begins
    for (const AdoptedEntry& entry : entries) {
        if (ending_) return;
        Watch* watch = get(entry.entry);
        if (!watch) continue;
        touch(*watch);
        if (leaving_.contains(watch->key)) {
            if (entry.script_lives) {
                runs_[watch->script->run] = watch->key;
                log(messages::left_running(watch->ref(), watch->script->process->pid));
            } else {
                leaving_.erase(watch->key);
                forget(watch->key);
            }
            continue;
        }
        arm_reminder(*watch);
        adopt(*watch, entry);
    }
}

void Supervisor::adopt(Watch& watch, const AdoptedEntry& entry) {
    if (!entry.main_lives && watch.state != EntryState::avail) watch.main.reset();
    if (entry.main_lives && watch.main) follow(watch, *watch.main);
    if (watch.script && entry_of(watch.script->run) == watch.key) return;  // begun by the turn that another one has gone on with
    if (watch.script && watch.state != EntryState::restart) adopt_script(watch, entry);
    switch (watch.state) {
        case EntryState::unknown: return;
        case EntryState::avail: return adopt_available(watch, entry.main_lives);
        case EntryState::down: return ask(watch, Question::again);
        case EntryState::restart: return adopt_restart(watch, entry);
        case EntryState::start: return ask(watch, watch.timer ? Question::start : Question::failed);  // the look of FAIL was out
        case EntryState::stall: return adopt_stall(watch);
        case EntryState::retry_over:
            if (watch.question == Question::fresh) return fresh(watch);
            if (const auto action = head_of(watch).pent.action; action == RetryOverAction::exit || action == RetryOverAction::shutdown) {
                finish(action == RetryOverAction::exit ? 1 : 0, fmt::format("retry-over {} ({})", text_of(action), watch.pent.name), 0);
            }
            return;
        case EntryState::hold:
            if (watch.question == Question::fresh) fresh(watch);
            return;
    }
}

// A loss found now has waited already: no confirm.
void Supervisor::adopt_available(Watch& watch, bool main_lives) {
    Group* const of = group(watch);
    if (main_lives || watch.pent.counts()) {  // in count mode the first sweep tells who is left
        if (!watch.paused) arm_alive(watch);
        if (watch.stable_at) watch.stable_at = std::max(now_.instant, watch.since + watch.pent.stable);
        if (of && of->turn == watch.key) take_turn(*of);
        return;
    }
    watch.last_cause = unseen_cause();
    note_death(watch.memory, now_.ticks, now_.ticks);
    note_loss(watch, watch.main_pid());
    enter(watch, EntryState::down, watch.paused ? EntryWait::operator_ : of ? EntryWait::group : EntryWait::confirm);
    ask(watch, Question::adopted);
}

// A stop script, or one that could not be ended.
void Supervisor::adopt_script(Watch& watch, const AdoptedEntry& entry) {
    if (entry.script_lives) {
        runs_[watch.script->run] = watch.key;
    } else if (watch.script->process || watch.script->kind == ScriptKind::restart) {
        watch.script.reset();
    }
}

// What was recorded without a process was never started: it is begun, and not counted again.
void Supervisor::adopt_restart(Watch& watch, const AdoptedEntry& entry) {
    if (watch.script && watch.script->process && entry.script_lives) {
        runs_[watch.script->run] = watch.key;
        return slots_.take(watch.script->run, watch.script->begun);
    }
    if (watch.script && !watch.script->process && !only_reports(watch)) {
        run(watch, *watch.script);
        return slots_.take(watch.script->run, now_.instant);
    }
    const Instant begun = watch.script ? watch.script->begun : watch.begun.value_or(watch.since);
    watch.script.reset();
    await_process(watch, begun);
}

void Supervisor::adopt_stall(Watch& watch) {
    if (watch.script && !watch.script->process && watch.pent.stop.script.none()) watch.script.reset();  // it is a signal now
    if (watch.script && !watch.script->process) {
        return run(watch, *watch.script);
    }
    if (watch.script) return;
    if (!watch.main) return stopped(watch);
    signal_main(watch, watch.killed ? SIGKILL : watch.pent.stop.script.none() ? watch.pent.stop.signal : SIGTERM);
}

}  // namespace banken::core
