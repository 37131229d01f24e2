// SPDX-License-Identifier: Apache-2.0
#include "padmin/forecast.hpp"

#include <algorithm>
#include <array>

namespace banken {
namespace {

constexpr std::array<std::string_view, next_actions> words{"confirm_deadline",
                                                           "attempt",
                                                           "script_limit",
                                                           "kill_script",
                                                           "start_deadline",
                                                           "kill",
                                                           "give_up",
                                                           "hold_end",
                                                           "resume",
                                                           "stable",
                                                           "check",
                                                           "check_limit",
                                                           "heartbeat_deadline",
                                                           "reminder",
                                                           "first_look",
                                                           "slot",
                                                           "dependency",
                                                           "group_turn",
                                                           "script_end",
                                                           "process_end",
                                                           "process_seen",
                                                           "order",
                                                           "none",
                                                           "excess",
                                                           "hung"};

struct Next {
    NextAction action = NextAction::none;
    std::optional<Instant> at;
};

// Whose window counts: the entry's own, or that of its group, whose rules are those of its first member in file order.
struct Counting {
    RetryRule rule;
    Pacing pacing;
    std::string name;  // from which the jitter is drawn
    RetryWindow window;
    std::optional<Instant> begun;
};

Counting counting_of(const View& view, const EntryRecord& entry, const Pent& pent) {
    const auto own = [](const Pent& of) { return Counting{{of.grace, of.retries}, {of.delay, of.delay_max}, of.name, {}, {}}; };
    if (pent.group.empty()) {
        Counting counting = own(pent);
        counting.window = entry.window;
        counting.begun = entry.begun;
        return counting;
    }
    const auto first = std::ranges::find(view.entries, pent.group, &EntryRecord::group);
    const auto rules = first == view.entries.end() ? Result<Pent>(pent) : pent_of(view, *first);
    Counting counting = own(rules ? *rules : pent);
    counting.window = entry.group_window;
    counting.begun = entry.group_begun;
    return counting;
}

// GATE 2, 3 and 5, met at `at`: when an attempt begins. Unset: the retries are used up. A wait that ends enters the gate from its first rule.
std::optional<Instant> pass_gate(Counting& counting, Instant at) {
    for (;;) {
        if (has_passed(counting.window, counting.rule, at)) counting.window = {};
        if (used_up(counting.window, counting.rule)) return {};
        const Duration delay = delay_before(counting.pacing, counting.window.count, counting.name);
        if (!counting.begun || at >= *counting.begun + delay) return at;
        at = *counting.begun + delay;
    }
}

void begin_at(Counting& counting, Instant at) {
    if (!counting.window.first) counting.window.first = at;
    ++counting.window.count;
    counting.begun = at;
}

Timetable timetable_of(Counting counting, Instant gate) {
    Timetable table;
    for (Instant at = gate;;) {
        const auto begins = pass_gate(counting, at);
        if (!begins) {
            table.retry_over = at;
            return table;
        }
        at = *begins;
        const bool anew = counting.window.count == 0 && !table.attempts.empty();
        if (anew || (!counting.rule.retries && table.attempts.size() == Timetable::most)) {
            table.more = 0;
            return table;
        }
        begin_at(counting, at);
        if (table.attempts.size() < Timetable::most) {
            table.attempts.push_back({at, counting.window.count});
        } else {
            ++table.more;
        }
    }
}

bool is_over_limit(const EntryRecord& entry, const Pent& pent) {
    return is_beyond(pent.cpu, entry.cpu_permille) || is_beyond(pent.rss, entry.rss_bytes) || is_beyond(pent.fds, entry.fds);
}

Next next_while_available(const View& view, const EntryRecord& entry, const Pent& pent) {
    if (entry.paused) return {NextAction::order, {}};
    const bool stops = pent.limit_restarts && !pent.script.none() && !is_dry_run(view) && is_over_limit(entry, pent);
    Next next{stops ? NextAction::excess : NextAction::none, {}};
    const auto consider = [&next](NextAction action, std::optional<Instant> at) {
        if (at && (!next.at || *at < *next.at)) next = {action, at};
    };
    consider(NextAction::stable, entry.stable_at);
    consider(entry.check.kind == ScriptRecord::Kind::none ? NextAction::check : NextAction::check_limit, entry.next_check);
    if ((entry.stall_told & EntryRecord::heartbeat_told) == 0) consider(NextAction::heartbeat_deadline, entry.beat_at);
    if ((entry.stall_told & EntryRecord::hung_told) == 0) consider(NextAction::hung, entry.hung_at);
    consider(NextAction::excess, entry.excess_at);
    return next;
}

Next next_while_down(const EntryRecord& entry) {
    switch (entry.wait) {
        case EntryWait::confirm: return {NextAction::confirm_deadline, entry.timer};
        case EntryWait::delay: return {NextAction::attempt, entry.timer};
        case EntryWait::dependency: return {NextAction::dependency, {}};
        case EntryWait::slot: return {NextAction::slot, {}};
        case EntryWait::group:
            if (entry.group_turn != 0) return {NextAction::group_turn, {}};
            if (entry.group_wait == EntryWait::delay) return {NextAction::attempt, entry.group_timer};
            if (entry.group_wait == EntryWait::dependency) return {NextAction::dependency, {}};
            return {entry.group_wait == EntryWait::slot ? NextAction::slot : NextAction::group_turn, {}};
        case EntryWait::script:
        case EntryWait::operator_: return {NextAction::process_seen, {}};
        case EntryWait::none: break;
    }
    return {NextAction::none, {}};
}

Next next_of_state(const View& view, const EntryRecord& entry, const Pent& pent) {
    if (entry.looked_for) return {NextAction::first_look, {}};
    switch (entry.state) {
        case EntryState::unknown: return {NextAction::first_look, {}};
        case EntryState::avail: return next_while_available(view, entry, pent);
        case EntryState::down: return next_while_down(entry);
        case EntryState::restart:
            if (!entry.timer) return {NextAction::script_end, {}};
            switch (entry.ending) {
                case EndingPhase::none: return {NextAction::script_limit, entry.timer};
                case EndingPhase::asked: return {NextAction::kill_script, entry.timer};
                case EndingPhase::killed: return {NextAction::give_up, entry.timer};
            }
            break;
        case EntryState::start: return {NextAction::start_deadline, entry.timer};
        case EntryState::stall:
            if (!entry.timer) return {NextAction::process_end, {}};
            return {entry.ending == EndingPhase::killed ? NextAction::give_up : NextAction::kill, entry.timer};
        case EntryState::retry_over: return {NextAction::order, {}};
        case EntryState::hold: return entry.paused ? Next{NextAction::order, {}} : Next{NextAction::hold_end, entry.timer};
    }
    return {NextAction::none, {}};
}

// When GATE is met next if all that is under way fails as early as it can.
std::optional<Instant> next_gate(const View& view, const EntryRecord& entry, const Pent& pent, const Next& next) {
    const Instant now = view.now.instant;
    if (entry.paused && entry.state == EntryState::hold)
        return std::max(entry.paused_until, entry.paused_until ? entry.timer : std::nullopt);
    if (entry.paused) return entry.paused_until;
    if (entry.looked_for) return now;
    switch (entry.state) {
        case EntryState::avail: return now + confirm_after_crash(view, pent);
        case EntryState::unknown:
        case EntryState::restart: return now;
        case EntryState::down: return entry.wait == EntryWait::script ? std::nullopt : std::optional(std::max(now, next.at.value_or(now)));
        case EntryState::start:
        case EntryState::stall:
        case EntryState::hold: return next.at ? std::max(now, *next.at) : now;
        case EntryState::retry_over: break;
    }
    return {};
}

std::vector<std::string> held_up_by(const View& view, const EntryRecord& entry, const Pent& pent) {
    std::vector<std::string> names;
    for (const EntryRecord& member : view.entries) {
        const bool same = &member == &entry, together = !pent.group.empty() && member.group == pent.group && !member.paused;
        if (!same && !together) continue;
        const auto line = same ? Result<Pent>(pent) : pent_of(view, member);
        if (line) names.insert(names.end(), line->after.begin(), line->after.end());
    }
    std::erase_if(names, [&](const std::string& name) {
        return std::ranges::none_of(view.entries, [&](const EntryRecord& other) {
            const bool inside = !pent.group.empty() && other.group == pent.group;  // an `after` inside a group does not count
            return other.name == name && !inside && other.state != EntryState::avail;
        });
    });
    return names;
}

void count(Forecast& result, const Counting& counting, Instant now) {
    result.rule = counting.rule;
    result.pacing = counting.pacing;
    if (!has_passed(counting.window, counting.rule, now)) result.window = counting.window;
    if (result.window.first) result.window_ends = *result.window.first + counting.rule.grace;
    if (counting.rule.retries) result.left = *counting.rule.retries - std::min(result.window.count, *counting.rule.retries);
}

// It runs, and its group is being restarted, or waits for that: its script runs in its turn unless a member ahead of it has the same one.
bool is_yet_to_come(const View& view, const EntryRecord& entry, const Pent& pent) {
    if (entry.state != EntryState::avail || entry.paused || pent.script.none()) return false;
    if (entry.group_turn == 0 && entry.group_wait == EntryWait::none) return false;
    return entry.pent_id >= entry.group_turn && !shares_script(view, entry, pent);
}

}  // namespace

bool shares_script(const View& view, const EntryRecord& entry, const Pent& pent) {
    return std::ranges::any_of(view.entries, [&](const EntryRecord& other) {
        if (other.group != entry.group || other.paused || other.pent_id >= entry.pent_id) return false;
        const auto line = pent_of(view, other);
        return line && line->script.text == pent.script.text;
    });
}

Duration confirm_after_crash(const View& view, const Pent& pent) {
    return pent.confirm_always && view.param.detect_event ? pent.confirm : Duration{};
}

std::string_view text_of(NextAction action) { return words.at(static_cast<std::size_t>(action)); }

Forecast forecast(const View& view, const EntryRecord& entry, const Pent& pent) {
    Forecast result;
    if (!pent.script.none()) count(result, counting_of(view, entry, pent), view.now.instant);
    if (has_ended(view)) return result;
    result.reminder = entry.remind_at;
    Next next = is_yet_to_come(view, entry, pent) ? Next{NextAction::group_turn, {}} : next_of_state(view, entry, pent);
    result.next = next.action;
    result.at = next.at;
    if (entry.paused_until && (!result.at || *entry.paused_until < *result.at)) {
        result.next = NextAction::resume;
        result.at = entry.paused_until;
    }
    if (!result.at && result.next == NextAction::order && entry.remind_at) {
        result.next = NextAction::reminder;
        result.at = entry.remind_at;
    }
    if (pent.script.none()) return result;

    Counting counting = counting_of(view, entry, pent);
    result.held_up_by = held_up_by(view, entry, pent);
    const bool cannot_be_lost = entry.state == EntryState::avail && pent.min == 0u;
    if (cannot_be_lost) return result;
    result.gate = next_gate(view, entry, pent, next);
    if (!result.gate) return result;
    if (entry.state == EntryState::hold) {  // its end clears
        counting.window = {};
        counting.begun.reset();
    }
    if (entry.state == EntryState::stall && entry.reason == EntryReason::operator_) counting.begun = result.gate;
    result.timetable = timetable_of(std::move(counting), *result.gate);
    constexpr std::array untimed{NextAction::slot, NextAction::dependency, NextAction::group_turn, NextAction::process_end};
    const bool in_round = entry.state == EntryState::avail && entry.group_turn != 0;
    result.timed = !in_round && std::ranges::find(untimed, result.next) == untimed.end() && result.held_up_by.empty();
    return result;
}

}  // namespace banken
