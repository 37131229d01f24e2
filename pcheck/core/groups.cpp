// SPDX-License-Identifier: Apache-2.0
// Entries that fail and recover together (GROUP and TURN of spec/state-table.md), and entries that wait for others.
#include <algorithm>

#include "pcheck/core/supervisor.hpp"

namespace banken::core {
namespace {

bool may_be_restarted(const Watch& watch) { return !watch.paused && !watch.pent.script.none(); }

bool is_lost(const Watch& watch) { return watch.state == EntryState::down && watch.wait == EntryWait::group && may_be_restarted(watch); }

}  // namespace

const Group* Supervisor::group_of(EntryKey entry) const {
    const Watch* watch = find(entry);
    if (!watch || watch->pent.group.empty() || leaving_.contains(entry)) return nullptr;
    const auto found = groups_.find(watch->pent.group);
    return found == groups_.end() ? nullptr : &found->second;
}

Group* Supervisor::group(const Watch& watch) {
    const Group* of = group_of(watch.key);
    return of ? &groups_.at(of->name) : nullptr;
}

std::vector<const Group*> Supervisor::groups() const {
    std::vector<const Group*> all;
    for (const auto& [name, group] : groups_) all.push_back(&group);
    return all;
}

const Watch& Supervisor::head_of(const Watch& watch) const {
    const Group* of = group_of(watch.key);
    return of ? watches_.at(of->members.front()) : watch;
}

const RetryWindow& Supervisor::window_of(const Watch& watch) const {
    const Group* of = group_of(watch.key);
    return of ? of->window : watch.window;
}

// Members by the order of the file. What a group that stays keeps is untouched.
void Supervisor::make_groups() {
    for (auto& [name, group] : groups_) group.members.clear();
    for (const EntryKey key : order_) {
        const std::string& name = watches_.at(key).pent.group;
        if (name.empty()) continue;
        Group& group = groups_[name];
        group.name = name;
        group.members.push_back(key);
    }
    std::erase_if(groups_, [](const auto& entry) { return entry.second.members.empty(); });
}

// The first name in `after` whose entries are not all AVAIL; those of its own group do not count.
std::optional<std::string> Supervisor::missing_dependency(const Watch& watch) const {
    for (const std::string& name : watch.pent.after) {
        for (const EntryKey key : order_) {
            const Watch& other = watches_.at(key);
            if (other.pent.name != name || key == watch.key) continue;
            if (!watch.pent.group.empty() && other.pent.group == watch.pent.group) continue;
            if (other.state != EntryState::avail) return name;
        }
    }
    return std::nullopt;
}

std::string Supervisor::dependency_text(const std::string& name) const {
    for (const EntryKey key : order_) {
        const Watch& other = watches_.at(key);
        if (other.pent.name == name && other.state != EntryState::avail) {
            return fmt::format("dependency {} is {}", name, text_of(other.state));
        }
    }
    return fmt::format("dependency {}", name);
}

// An entry of this name has come up, or is no more: whoever waits for it looks at its gate, after a look.
void Supervisor::wake_dependants(std::string_view name) {
    for (const EntryKey key : dependent_) {
        Watch& watch = watches_.at(key);
        if (watch.waits_for == name) ask(watch, Question::wait_over);
    }
    for (auto& [group_name, group] : groups_) {
        if (group.wait == EntryWait::dependency && group.waits_for == name) wait_over(group);
    }
}

// GROUP: somebody's turn, nothing; nobody lost, no wait; else the gate with the group's values, and the first one's turn.
void Supervisor::regroup(Group& group) {
    if (group.turn != 0 || group.looking) return;
    std::vector<EntryKey> lost;
    std::ranges::copy_if(group.members, std::back_inserter(lost), [this](EntryKey key) { return is_lost(watches_.at(key)); });
    group.wait = EntryWait::none;
    group.timer.reset();
    for (const EntryKey key : group.members) touch(watches_.at(key));
    if (lost.empty()) {
        group.told_waiting = false;
        return;
    }
    const Watch& first = watches_.at(group.members.front());
    Watch& first_lost = watches_.at(lost.front());
    if (has_passed(group.window, first.rule(), now_.instant)) {
        group.window = {};
        group.begun.reset();
    }
    if (used_up(group.window, first.rule())) return over(first_lost);
    if (group_waits(group, first, first_lost)) return;
    if (!group.window.first) group.window = {now_.instant, now_.wall, 0};
    ++group.window.count;
    group.begun = now_.instant;
    group.told_waiting = false;
    group.ran.clear();
    group.turn = group.members.front();
    take_turn(group);
}

// GATE 4 and 5 of a group.
bool Supervisor::group_waits(Group& group, const Watch& first, const Watch& first_lost) {
    for (const EntryKey key : group.members) {
        const Watch& member = watches_.at(key);
        if (member.paused) continue;
        if (const auto missing = missing_dependency(member)) {
            group.wait = EntryWait::dependency;
            group.waits_for = *missing;
            announce(first_lost, group.told_waiting, dependency_text(*missing));
            return true;
        }
    }
    const Duration delay = delay_before(first.pacing(), group.window.count, first.pent.name);
    if (!group.begun || now_.instant >= *group.begun + delay) return false;
    group.wait = EntryWait::delay;
    group.timer = *group.begun + delay;
    announce_delay(first_lost, group.told_waiting, *group.timer);
    return true;
}

// A wait has ended: all that are lost are looked for once more before any script runs.
void Supervisor::wait_over(Group& group) {
    group.wait = EntryWait::none;
    group.timer.reset();
    for (const EntryKey key : group.members) {
        Watch& member = watches_.at(key);
        if (!is_lost(member)) continue;
        group.looking = group_looks_ = true;
        ask(member, Question::group_wait_over);
    }
    if (!group.looking) regroup(group);
}

// Whose looks have all been answered, or are no longer wanted.
void Supervisor::open_gates() {
    group_looks_ = false;
    for (auto& [name, group] : groups_) {
        if (!ending_) looked_for_group(group);
        group_looks_ = group_looks_ || group.looking;
    }
}

// One of them has been looked for; the last one's answer opens the gate.
void Supervisor::looked_for_group(Group& group) {
    const auto waits = [this](EntryKey key) { return is_lost(watches_.at(key)) && watches_.at(key).question != Question::none; };
    if (!group.looking || std::ranges::any_of(group.members, waits)) return;
    group.looking = false;
    regroup(group);
}

// TURN: as far as it goes without waiting for anything.
void Supervisor::take_turn(Group& group) {
    while (group.turn != 0) {
        Watch& watch = watches_.at(group.turn);
        const bool running = watch.state == EntryState::restart || watch.state == EntryState::start || watch.state == EntryState::stall;
        const bool passed_over = !may_be_restarted(watch) || watch.given_up() || watch.state == EntryState::unknown;
        if (running && !passed_over) return;
        const bool ran = std::ranges::find(group.ran, watch.pent.script.text) != group.ran.end();
        if (passed_over || (ran && watch.state == EntryState::avail)) {
            next_turn(group);
            continue;
        }
        if (ran) return await_process(watch, now_.instant);
        if (!may_begin(watch)) {
            if (watch.state == EntryState::down) enter(watch, EntryState::down, EntryWait::slot);
            return;
        }
        group.ran.push_back(watch.pent.script.text);
        return begin(watch, BeginBy::turn);
    }
}

void Supervisor::pass_turn(Group& group) {
    next_turn(group);
    take_turn(group);
}

// A member has come up, or wants no turn any more.
void Supervisor::group_goes_on(const Watch& watch) {
    Group* const of = group(watch);
    if (!of) return;
    if (of->turn == watch.key) {
        pass_turn(*of);
    } else {
        regroup(*of);
    }
}

// After the last it is nobody's turn, and whoever was lost meanwhile meets the gate.
void Supervisor::next_turn(Group& group) {
    const auto at = std::ranges::find(group.members, group.turn);
    group.turn = at == group.members.end() || at + 1 == group.members.end() ? 0 : *(at + 1);
    for (const EntryKey key : group.members) touch(watches_.at(key));  // each one's record tells whose turn it is
    if (group.turn == 0) regroup(group);
}

// Nobody's turn. Who waited for a slot in it waits for the group again.
void Supervisor::end_turn(Group& group) {
    const EntryKey key = std::exchange(group.turn, 0);
    group.looking = false;
    Watch* watch = get(key);
    if (!watch) return;
    slots_.leave(key);
    touch(*watch);
    if (watch->state != EntryState::down || watch->wait != EntryWait::slot) return;
    if (watch->pent.group != group.name) return ask(*watch, Question::again);  // a reload took it out of the group
    enter(*watch, EntryState::down, EntryWait::group);
}

// The window is cleared when all unpaused members with a script have been AVAIL for `stable`, and it is nobody's turn.
void Supervisor::arm_stable(Group& group) {
    const Duration stable = watches_.at(group.members.front()).pent.stable;
    const auto troubled = [this](EntryKey key) {
        const Watch& member = watches_.at(key);
        return may_be_restarted(member) && member.state != EntryState::avail;
    };
    const bool calm = stable > Duration{} && group.window.first && group.turn == 0 && std::ranges::none_of(group.members, troubled);
    if (!calm) {
        group.stable_at.reset();
    } else if (!group.stable_at) {
        group.stable_at = now_.instant + stable;
    }
}

}  // namespace banken::core
