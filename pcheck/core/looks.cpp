// SPDX-License-Identifier: Apache-2.0
// What the answer to a look, or a sweep's news, means: the rows `found p`, `not found` and `sweep says gone` of spec/state-table.md.
#include <algorithm>

#include "pcheck/core/supervisor.hpp"

namespace banken::core {
namespace {

constexpr unsigned hand_overs_in_a_row = 5;  // a chain of children that each go away at once is no daemon

BootTicks ticks_of(Duration duration) { return static_cast<BootTicks>(duration / std::chrono::milliseconds(10)); }

// Somebody's init script often has the name of the daemon that it is about to start: until the confirm deadline only a process with the
// argv[0] of the last main process is the replacement.
bool too_early_for(const Watch& watch, const Candidate& candidate, Question question) {
    const bool confirming = watch.wait == EntryWait::confirm && (question == Question::none || question == Question::confirm);
    return confirming && watch.memory.last && candidate.argv0 != watch.memory.last->argv0;
}

}  // namespace

void Supervisor::on(const Looked& event) {
    Watch* watch = get(event.entry);
    if (!watch || leaving_.contains(event.entry)) return;
    touch(*watch);
    watch->matching = event.matches.size();
    forget_gone_orphans(watch->memory, event.matches);
    const bool answers = event.number != 0 && event.number == watch->asked;  // an older look's answer is news, no more
    if (watch->question == Question::hand_over && !answers) return;          // a pass from before the death
    const Question question = answers ? std::exchange(watch->question, Question::none) : Question::none;
    if (watch->pent.counts()) return counted(*watch, event, question);
    if (watch->state == EntryState::avail) return looked_while_available(*watch, event, question);
    if (watch->main && std::ranges::find(event.matches, *watch->main, &Candidate::id) == event.matches.end()) {
        main_is_gone(*watch);
        if (watch->state == EntryState::down) return;
    }
    if (watch->state == EntryState::restart && watch->script && watch->script->process) {
        // A script that ends in `exec daemon`: its own process has become the match, the script is over.
        const auto became = std::ranges::find(event.matches, *watch->script->process, &Candidate::id);
        if (became != event.matches.end() && became->named) return script_became(*watch, *became);
        if (question == Question::script_limit) return end_script(*watch);
    }
    found(*watch, event, question);
}

// Left running, about to be replaced or stopped, it is no match any more: as if it had ended.
void Supervisor::main_is_gone(Watch& watch) {
    note_gone(watch);
    unfollow(watch);
    if (watch.state == EntryState::stall && !watch.script) stopped(watch);
}

void Supervisor::note_gone(Watch& watch) {
    watch.last_cause = unseen_cause();
    note_death(watch.memory, death_of(watch, now_.ticks), now_.ticks);
}

void Supervisor::found(Watch& watch, const Looked& event, Question question) {
    if (watch.script_runs() || watch.state == EntryState::stall) return;
    const bool anybodys = watch.pent.user.empty();  // else whose process it is was asked for
    const Choice choice = choose(event.matches, watch.memory, scope_of(watch, question), manner_.as_root && anybodys);
    const bool left_running = choice.chosen && watch.main == choice.chosen->id;
    if (watch.given_up() && question != Question::fresh) {
        watch.seen = choice.chosen && !left_running ? std::optional(choice.chosen->id) : std::nullopt;
        if (watch.state == EntryState::retry_over || !watch.seen) return;
    }
    if (!choice.chosen || too_early_for(watch, *choice.chosen, question)) return looked_in_vain(watch, question);
    up(watch, *choice.chosen, choice);
    note_known(watch.memory, event.matches);
}

void Supervisor::looked_in_vain(Watch& watch, Question question) {
    switch (question) {
        case Question::none:
            if (watch.state == EntryState::unknown) absent(watch);
            return;
        case Question::first: return absent(watch);
        case Question::confirm:
        case Question::start: return look_again(watch);
        case Question::confirm_over:
            if (watch.reason == EntryReason::absent) log(messages::set_pid_fail(watch.ref()));
            return lost(watch, watch.reason);
        case Question::start_over: not_appeared(watch); return attempt_failed(watch);
        case Question::wait_over: return gate(watch);
        case Question::failed: return attempt_failed(watch);
        case Question::again:
        case Question::adopted: return lost(watch, watch.reason);
        case Question::fresh:
            if (!watch.paused) log(messages::set_pid_fail(watch.ref()));
            return lost(watch, EntryReason::absent);
        case Question::script_limit: return end_script(watch);
        case Question::group_wait_over:  // the last answer opens the group's gate
        case Question::hand_over: return;
    }
}

void Supervisor::looked_while_available(Watch& watch, const Looked& event, Question question) {
    const bool handing_over = question == Question::hand_over;
    const auto main = std::ranges::find(event.matches, *watch.main, &Candidate::id);
    if (handing_over || main == event.matches.end()) return gone(watch, event, handing_over);
    watch.memory.last = *main;
    const auto named = std::ranges::find_if(event.matches, [](const Candidate& candidate) { return candidate.named; });
    if (!watch.pent.pidfile.empty()) {
        if (!main->named && named != event.matches.end()) up(watch, *named, {});  // the file names another process now
        return;
    }
    note_known(watch.memory, event.matches);
    const std::size_t others = rivals(event.matches, watch.memory, *watch.main);
    if (others > 0 && !watch.told_ambiguous && !watch.paused) log(messages::ambiguous(watch.ref(), others + 1, watch.main->pid));
    watch.told_ambiguous = others > 0 && (watch.told_ambiguous || !watch.paused);
}

// The main process has ended, or it has exec'ed into something else: somebody may take over.
void Supervisor::gone(Watch& watch, const Looked& event, bool handing_over) {
    if (!handing_over) note_gone(watch);
    const bool young = watch.memory.death && *watch.memory.death < watch.main->start + ticks_of(watch.pent.start_timeout);
    const bool in_a_row = young && watch.handed_over >= hand_overs_in_a_row;
    const Candidate* taker = in_a_row ? nullptr : taker_over(event.matches, watch.memory, young);
    if (!taker) return down(watch, watch.main->pid, false);
    watch.handed_over = young ? watch.handed_over + 1 : 0;
    std::erase(watch.memory.orphans, taker->id);
    up(watch, *taker, {});
    note_known(watch.memory, event.matches);
}

// Count mode: no main process, only how many match.
void Supervisor::counted(Watch& watch, const Looked& event, Question question) {
    const std::size_t count = event.matches.size();
    const bool enough = count >= *watch.pent.min;
    if (watch.state == EntryState::restart && watch.script && question == Question::script_limit) return end_script(watch);
    if (watch.script_runs() || watch.state == EntryState::stall) return;
    if (watch.state == EntryState::avail) return counted_while_available(watch, event);
    if (watch.given_up() && question != Question::fresh) {
        if (!watch.counted.empty() && enough) return;  // those that were left running
        const auto oldest = std::ranges::min_element(event.matches, {}, &Candidate::id);
        watch.seen = enough && oldest != event.matches.end() ? std::optional(oldest->id) : std::nullopt;
        if (watch.state == EntryState::retry_over || !watch.seen) return;
    }
    if (!enough) return looked_in_vain(watch, question);
    up_with(watch, event.matches);
}

// Deaths are told one by one; the sweep brings what has joined, and who left unseen.
void Supervisor::counted_while_available(Watch& watch, const Looked& event) {
    const std::size_t count = event.matches.size();
    std::vector<ProcessId> matching;
    std::ranges::transform(event.matches, std::back_inserter(matching), &Candidate::id);
    std::ranges::sort(matching);
    const auto matches = [&](ProcessId id) { return std::ranges::binary_search(matching, id); };
    const auto left = std::ranges::find_if_not(watch.counted, matches);
    if (count < *watch.pent.min) {
        watch.last_cause = unseen_cause();
        return down(watch, left == watch.counted.end() ? watch.shown_pid : left->pid, false);
    }
    const bool others = std::min(count, Watch::most_counted) != watch.counted.size() || left != watch.counted.end();
    if (others) {
        follow_all(watch, event.matches);
        show_oldest(watch);
    }
    const bool too_many = watch.pent.max && count > *watch.pent.max;
    if (too_many && !watch.told_too_many && !watch.paused) log(messages::too_many(watch.ref(), count, *watch.pent.max));
    watch.told_too_many = too_many && (watch.told_too_many || !watch.paused);
}

void Supervisor::script_became(Watch& watch, const Candidate& process) {
    emit(ReleaseScript{watch.script->run});
    runs_.erase(watch.script->run);
    slots_.free(watch.script->run);
    watch.script.reset();
    up(watch, process, {});
}

}  // namespace banken::core
