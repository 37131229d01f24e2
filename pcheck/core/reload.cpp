// SPDX-License-Identifier: Apache-2.0
// A reload as one step: entries that stay keep all that is kept of them (spec/padmin.md, reload).
#include <algorithm>

#include "pcheck/core/supervisor.hpp"

namespace banken::core {
namespace {

// Equal but for the place in the file.
bool same_values(const Pent& left, Pent right) {
    right.line = left.line;
    right.text = left.text;
    return left == right;
}

}  // namespace

void Supervisor::add(Pent pent) {
    Watch watch;
    watch.key = ++last_key_;
    watch.pent = std::move(pent);
    watch.since = now_.instant;
    watch.since_wall = now_.wall;
    order_.push_back(watch.key);
    watch.pent_id = static_cast<unsigned>(order_.size());
    watch.paused = !watch.pent.monitor;
    watch.paused_since = now_.wall;
    touch(watch);
    watches_.emplace(watch.key, std::move(watch));
}

void Supervisor::forget(EntryKey entry) {
    const std::string name = watches_.at(entry).pent.name;
    watches_.erase(entry);
    for (const EntryKey key : order_) {  // a new entry of this name waited for the script
        Watch& watch = watches_.at(key);
        if (watch.pent.name == name) script_of_before_ended(watch);
    }
}

// It may have been waited for: in the entry's own wait, or in its turn in a group, which also comes to one that is AVAIL.
void Supervisor::script_of_before_ended(Watch& watch) {
    if (watch.state == EntryState::down && watch.wait == EntryWait::slot) return ask(watch, Question::wait_over);
    Group* const of = group(watch);
    if (of && of->turn == watch.key && watch.state == EntryState::avail) take_turn(*of);
}

void Supervisor::remove(Watch& watch) {
    unfollow(watch);
    slots_.leave(watch.key);
    rest(watch);
    dependent_.erase(watch.key);
    touch(watch);
    if (!watch.script) {
        watches_.erase(watch.key);
        return;
    }
    if (watch.script->process) log(messages::left_running(watch.ref(), watch.script->process->pid));
    enter(watch, EntryState::restart);
    watch.remind_at.reset();
    watch.paused_until.reset();
    leaving_.insert(watch.key);
}

// The table's row "reload: same, fields changed".
void Supervisor::change(Watch& watch, Pent pent) {
    const bool now_counts = pent.counts(), counted = watch.pent.counts();
    watch.pent = std::move(pent);
    if (watch.state == EntryState::avail && now_counts != counted) {  // whom to follow is chosen anew
        unfollow(watch);
        enter(watch, EntryState::unknown);
        return ask(watch, Question::first);
    }
    if (watch.state == EntryState::down) ask(watch, Question::again);
    if (watch.state != EntryState::avail) return;
    slots_.leave(watch.key);  // it was its turn in a group; if it still is, it asks anew
    if (!watch.paused) arm_alive(watch);
}

// A group whose members or whose order are others than before: nobody's turn, and its gate.
void Supervisor::regroup_changed(const Members& before) {
    make_groups();
    for (auto& [name, group] : groups_) {
        if (ending_) return;
        const auto old = before.find(name);
        const bool same = old != before.end() && old->second == group.members;
        if (!same) end_turn(group);
        if (group.turn != 0) {
            take_turn(group);
        } else if (group.wait == EntryWait::dependency) {
            wait_over(group);  // an `after` may have changed
        } else if (!same) {
            regroup(group);
        }
    }
}

void Supervisor::on(const Reloaded& event) {
    const std::vector<EntryKey> before = std::exchange(order_, {});
    Members members;
    for (const auto& [name, group] : groups_) members[name] = group.members;
    std::unordered_map<std::string, EntryKey> old;
    for (const EntryKey key : before) old.emplace(watches_.at(key).pent.identity(), key);
    const bool reminders_change = event.pfile.param.remind_interval != param_.remind_interval;
    param_ = event.pfile.param;
    slots_.set_capacity(param_.script_parallel);
    std::size_t added = 0, changed = 0, same = 0;
    std::vector<EntryKey> fresh_ones, new_ones;
    for (const Pent& pent : event.pfile.pents) {
        const auto known = old.find(pent.identity());
        if (known == old.end()) {
            ++added;
            add(pent);
            new_ones.push_back(last_key_);
            continue;
        }
        Watch& watch = watches_.at(known->second);
        old.erase(known);
        order_.push_back(watch.key);
        watch.pent_id = static_cast<unsigned>(order_.size());
        touch(watch);
        const bool equal = same_values(watch.pent, pent);
        ++(equal ? same : changed);
        if (!equal) change(watch, pent);
        if (reminders_change) arm_reminder(watch);
        if (watch.given_up()) fresh_ones.push_back(watch.key);
    }
    std::vector<std::string> removed;
    for (const auto& [identity, key] : old) {
        removed.push_back(watches_.at(key).pent.name);
        remove(watches_.at(key));
    }
    regroup_changed(members);
    for (const std::string& name : removed) wake_dependants(name);
    // Ahead of what is done: a script that begins publishes its entry at its new place, where another's record may lie.
    actions_.insert(actions_.begin(), PublishAll{});
    log(messages::reload_done(event.added + added, event.removed + old.size(), event.changed + changed, event.same + same));
    for (const EntryKey key : new_ones) ask(watches_.at(key), Question::first);
    for (const EntryKey key : fresh_ones) {
        clear(watches_.at(key));
        fresh(watches_.at(key));
    }
    answer(event.order);
}

}  // namespace banken::core
