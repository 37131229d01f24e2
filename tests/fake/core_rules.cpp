// SPDX-License-Identifier: Apache-2.0
#include "tests/fake/core_rules.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace banken::core {
namespace {

constexpr Duration slot_held = std::chrono::seconds(5);

bool given_up(EntryState state) { return state == EntryState::retry_over || state == EntryState::hold; }

bool is_order(const Event& event, std::initializer_list<Verb> verbs) {
    const auto* order = std::get_if<Order>(&event);
    return order && std::ranges::find(verbs, order->verb) != verbs.end();
}

std::string shown(const Watch& watch) { return fmt::format("{} ({} {})", watch.pent.name, text_of(watch.state), text_of(watch.wait)); }

bool is_listed(const Supervisor& core, EntryKey key) { return std::ranges::find(core.entries(), key) != core.entries().end(); }

}  // namespace

// Orders that came too early are carried out after the first sweep.
bool Rules::is_ordered() const { return std::holds_alternative<Order>(event_) || std::holds_alternative<FirstSweepDone>(event_); }

void Rules::before(const Supervisor& core, const Event& event, Instant now) {
    before_ = noted(core);
    event_ = event;
    now_ = now;
    if (const auto* ended = std::get_if<ScriptEnded>(&event)) runs_.erase(ended->run);
    if (is_order(event, {Verb::restart})) restarts_[std::get<Order>(event).id] = std::get<Order>(event).target;
    const bool explains = is_ordered() || std::holds_alternative<Reloaded>(event);
    if (explains) trying_.clear();
}

void Rules::after(const Supervisor& core, std::span<const Action> actions) {
    for (const Action& action : actions) {
        const auto* answer = std::get_if<Answer>(&action);
        const auto order = answer && answer->exit_status == 0 ? restarts_.find(answer->order) : restarts_.end();
        for (const Noted& entry : before_) {
            if (order != restarts_.end() && entry.pent.name == order->second) ordered_.insert(entry.key);
        }
    }
    judge_windows(core);
    for (const Action& action : actions) {
        if (const auto* release = std::get_if<ReleaseScript>(&action)) runs_.erase(release->run);
        if (const auto* run = std::get_if<RunScript>(&action)) begins(core, *run);
        if (const auto* log = std::get_if<Log>(&action)) judge_line(core, log->message);
        if (std::holds_alternative<End>(action)) return;
    }
    for (const Group* group : core.groups()) {
        const auto retries = core.find(group->members.front())->pent.retries;
        const bool counted = group->window.count > std::exchange(attempts_[group->name], group->window.count);
        if (counted && retries && group->window.count > *retries)
            fail(fmt::format("3: attempt {} of group {}", group->window.count, group->name));
    }
    judge_states(core, actions);
    judge_queue(core, actions);
    std::erase_if(ordered_, [&](EntryKey key) { return !core.find(key) || core.find(key)->state != EntryState::stall; });
    for (const EntryKey key : core.entries()) judge_silence(core, *core.find(key));
}

// 1: never two scripts of one entry, or of a removed one of its name; 2: none while paused or without a slot, but by order.
void Rules::begins(const Supervisor& core, const RunScript& action) {
    const Watch& watch = *core.find(action.entry);
    std::size_t slots = 0;
    for (const auto& [id, run] : runs_) {
        const bool check = run.kind == ScriptKind::check;
        const bool same = run.entry == action.entry && check == (action.kind == ScriptKind::check);
        const bool of_removed = !check && action.kind != ScriptKind::check && run.name == watch.pent.name && !is_listed(core, run.entry);
        if (same || of_removed) fail(fmt::format("1: a second script of {} beside run {}", shown(watch), id));
        slots += run.kind == ScriptKind::restart && run.begun + slot_held > now_ && is_listed(core, run.entry);
    }
    runs_[action.run] = {action.entry, watch.pent.name, action.kind, now_};
    const bool by_order = action.kind == ScriptKind::restart && ordered_.erase(action.entry) > 0;
    const auto entry = std::ranges::find(before_, action.entry, &Noted::key);
    const bool again = std::holds_alternative<Adopted>(event_) && entry != before_.end() && entry->state == EntryState::restart;
    if (action.kind != ScriptKind::restart || by_order || again) return;  // again: it was never started
    // Of several orders that waited for the first sweep a later one may have paused it.
    const bool paused_since = std::holds_alternative<FirstSweepDone>(event_) && entry != before_.end() && !entry->paused;
    if (watch.paused && !paused_since) fail(fmt::format("2: {} begins though it is paused", shown(watch)));
    if (slots >= core.param().script_parallel) fail(fmt::format("2: {} begins without a free slot", shown(watch)));
    counted(core, watch);
}

// 3: not more than allowed in any window.
void Rules::counted(const Supervisor& core, const Watch& watch) {
    if (core.group_of(watch.key)) return;
    const auto retries = watch.pent.retries;
    Window& window = windows_[watch.key];
    if (window.first && now_ - *window.first >= watch.pent.grace) window = {};
    if (!window.first) window.first = now_;
    ++window.count;
    if (retries && window.count > *retries) fail(fmt::format("3: {} begins for the {}th time in a window", shown(watch), window.count));
    if (watch.window.count != window.count)
        fail(fmt::format("3: {} counts {}, they are {}", shown(watch), watch.window.count, window.count));
}

// A window is emptied by what may empty it.
void Rules::judge_windows(const Supervisor& core) {
    for (const Noted& entry : before_) {
        const Watch* watch = core.find(entry.key);
        const bool emptied = watch && entry.window.first && watch->window.first != entry.window.first;
        if (!emptied) continue;
        const bool passed = now_ - *entry.window.first >= watch->pent.grace;
        const bool time =
            std::holds_alternative<Deadline>(event_) && (entry.stable_at || given_up(entry.state) || entry.pent.stable > Duration{});
        const bool by_others = !entry.members.empty();  // stable of the group, or an order for one of them
        const bool allowed = passed || time || by_others || is_ordered() || std::holds_alternative<Reloaded>(event_);
        if (!allowed) fail(fmt::format("3: the window of {} is gone", shown(*watch)));
        windows_.erase(entry.key);
    }
}

// 5: no second Down without an Up; what was tried comes to an end.
void Rules::judge_line(const Supervisor& core, const Message& message) {
    if (message.pent_id == 0 || message.pent_id > core.entries().size()) return;
    const EntryKey key = core.entries()[message.pent_id - 1];
    const auto is = [&](std::initializer_list<MessageId> ids) { return std::ranges::find(ids, message.id) != ids.end(); };
    if (is({MessageId::down}) && !down_.insert(key).second) fail("5: a second Down of " + message.entry);
    if (is({MessageId::up})) down_.erase(key);
    if (is({MessageId::up, MessageId::script_failed, MessageId::script_refused, MessageId::set_pid_fail, MessageId::cannot_end}))
        trying_.erase(key);
    if (is({MessageId::try_to_restart}) && !trying_.insert(key).second) fail("5: nothing came of the last attempt of " + message.entry);
}

// 3: given up only through OVER, with its line; left only by what may end it.
void Rules::judge_states(const Supervisor& core, std::span<const Action> actions) {
    for (const Noted& entry : before_) {
        const Watch* watch = core.find(entry.key);
        if (!watch || !is_listed(core, entry.key)) continue;
        if (!given_up(entry.state) && watch->given_up()) {
            const bool told = std::ranges::any_of(actions, [&](const Action& action) {
                const auto* log = std::get_if<Log>(&action);
                return log && log->message.id == MessageId::retry_over && log->message.pent_id == watch->pent_id;
            });
            if (!told) fail(fmt::format("3: {} has been given up silently", shown(*watch)));
        }
        if (!given_up(entry.state) || watch->state == entry.state) continue;
        const bool looked =
            std::holds_alternative<Looked>(event_) && (entry.question == Question::fresh || entry.state == EntryState::hold);
        const bool ordered = is_ordered() || std::holds_alternative<Reloaded>(event_);
        if (!looked && !ordered) fail(fmt::format("3: {} has left {}", shown(*watch), text_of(entry.state)));
    }
}

// 4: who is neither AVAIL nor paused waits for something that comes.
void Rules::judge_silence(const Supervisor& core, const Watch& watch) {
    const auto due = watch.next_deadline();
    const auto next = core.next_deadline();
    if (due && (!next || *next > *due)) fail(fmt::format("4: the deadline of {} will not come", shown(watch)));
    if (watch.state == EntryState::avail || watch.paused) return;
    const bool waits = watch.wait == EntryWait::slot || watch.wait == EntryWait::group || watch.wait == EntryWait::dependency;
    const bool awaited = watch.timer || watch.look_at || watch.main || watch.script || watch.question != Question::none || waits;
    const bool reminded = watch.remind_at || core.param().remind_interval == Duration{};
    const bool first_look = watch.state == EntryState::unknown;  // the sweep comes to it
    if (!awaited && !reminded && !first_look) fail(fmt::format("4: {} is silent", shown(watch)));
}

// Waits for a slot itself, not for the end of a script of before.
bool Rules::waits_for_slot(const Supervisor& core, EntryKey key) const {
    const Watch* watch = core.find(key);
    if (!watch || watch->wait != EntryWait::slot || watch->script) return false;
    return std::ranges::none_of(runs_, [&](const auto& run) {
        return run.second.kind != ScriptKind::check && run.second.name == watch->pent.name && !is_listed(core, run.second.entry);
    });
}

// 4: whoever came first is looked for first, which is the last that is done before its script runs.
void Rules::judge_queue(const Supervisor& core, std::span<const Action> actions) {
    for (const Action& action : actions) {
        if (const auto* trace = std::get_if<Trace>(&action)) {
            std::erase(queue_, trace->entry);
            if (trace->event == text_of(EntryState::down) && trace->detail == text_of(EntryWait::slot)) queue_.push_back(trace->entry);
        }
    }
    std::erase_if(queue_, [&](EntryKey key) { return !waits_for_slot(core, key); });
    for (const EntryKey key : core.entries()) {
        const bool has_come = waits_for_slot(core, key) && core.find(key)->question == Question::none;  // not so at once after an adoption
        if (has_come && std::ranges::find(queue_, key) == queue_.end()) queue_.push_back(key);
    }
    const auto called = [&](EntryKey key) { return core.find(key)->question != Question::none; };
    const auto waiting = std::ranges::find_if_not(queue_, called);
    for (const Action& action : actions) {
        const auto* look = std::get_if<Look>(&action);
        if (!look || core.find(look->entry) == nullptr || core.find(look->entry)->question != Question::wait_over) continue;
        if (std::find(waiting, queue_.end(), look->entry) != queue_.end())
            fail(fmt::format("4: {} is served before {}", shown(*core.find(look->entry)), shown(*core.find(*waiting))));
    }
}

void Rules::adopted(const std::map<RunId, RunId>& heard, const Recorded& recorded) {
    std::set<EntryKey> kept, counting;  // of a member of a group the group's window is recorded
    for (const Watch& watch : recorded.watches) {
        kept.insert(watch.key);
        if (watch.pent.group.empty()) counting.insert(watch.key);
    }
    std::map<RunId, Run> runs;
    for (const auto& [old, now] : heard) runs[now] = runs_.at(old);
    runs_ = std::move(runs);
    queue_.clear();
    std::erase_if(windows_, [&](const auto& window) { return !counting.contains(window.first); });
    std::erase_if(down_, [&](EntryKey key) { return !kept.contains(key); });
    trying_.clear();
}

// 4: when nothing new happens and scripts succeed, every entry comes to AVAIL, or waits for one that was given up, is paused or has no script.
void Rules::at_rest(const Supervisor& core) {
    std::set<EntryKey> excused;
    const auto excuses = [&](const Watch& watch) {
        if (watch.state == EntryState::avail || watch.given_up() || watch.paused || watch.pent.script.none()) return true;
        if (watch.state == EntryState::stall && !watch.timer) return true;  // stopped without limit, and it does not obey
        const auto waits_for = [&](const Watch& waiting) {
            return std::ranges::any_of(waiting.pent.after, [&](const std::string& name) {
                return std::ranges::any_of(core.entries(), [&](EntryKey key) {
                    const Watch& other = *core.find(key);
                    return other.pent.name == name && other.state != EntryState::avail && excused.contains(key);
                });
            });
        };
        if (waits_for(watch)) return true;
        const Group* group = core.group_of(watch.key);
        return group && std::ranges::any_of(group->members, [&](EntryKey key) {
                   const Watch& member = *core.find(key);
                   return waits_for(member) || (member.state != EntryState::avail && excused.contains(key));
               });
    };
    for (std::size_t round = 0; round <= core.entries().size(); ++round) {
        for (const EntryKey key : core.entries()) {
            if (excuses(*core.find(key))) excused.insert(key);
        }
    }
    for (const EntryKey key : core.entries()) {
        if (!excused.contains(key)) fail(fmt::format("4: {} does not come to rest", shown(*core.find(key))));
    }
}

}  // namespace banken::core
