// SPDX-License-Identifier: Apache-2.0
#include "tests/fake/core_coverage.hpp"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>

namespace banken::core {
namespace {

// In the order of EntryState. '.': met often; 'x': cannot happen.
struct Line {
    std::string_view name, cells;
};
constexpr std::array<Line, rows> lines{{
    {"found", "........"},           {"not found", ".x......"},       {"died, crash", "x.x.x..."},      {"died, orderly", "x.x.x..."},
    {"died, unknown", "x.x.x..."},   {"sweep says gone", "x.x.x..."}, {"script ok", "xxx.x.xx"},        {"script failed", "xxx.x.xx"},
    {"script time-out", "xxx.x.xx"}, {"wait deadline", "xxxx..xx"},   {"confirm deadline", "xx.xxxxx"}, {"wait over", "........"},
    {"dependency down", "........"}, {"check bad", "x......."},       {"over limit", "x......."},       {"stop order", "........"},
    {"start order", "........"},     {"restart order", "........"},   {"clear order", "........"},      {"event", "........"},
    {"reload: same", "........"},    {"reload: changed", "........"}, {"reload: removed", "........"},  {"reload: group", "........"},
    {"group's turn", "........"},    {"group over", "........"},      {"grace elapsed", "x......."},    {"stable reached", "x.xxxxxx"},
    {"adopted", "........"},         {"reminder due", "x......."},    {"ending", "........"},
}};

bool holds(const std::vector<std::string>& names, const std::string& name) { return std::ranges::find(names, name) != names.end(); }

Row row_of(const Cause& cause) {
    switch (ending_of(cause)) {
        case Ending::crash: return Row::crash;
        case Ending::orderly: return Row::orderly;
        case Ending::unknown: break;
    }
    return Row::unknown;
}

bool went_well(const ScriptEnded& event, const Noted& entry) {
    if (event.how != ScriptEnded::How::exited || !WIFEXITED(event.status)) return false;
    if (entry.script->phase != ScriptRun::Phase::running) return false;
    if (entry.script->kind == ScriptKind::stop) return event.status == 0;
    return std::ranges::find(entry.pent.success_exit, WEXITSTATUS(event.status)) != entry.pent.success_exit.end();
}

bool names_it(const Order& order, const Noted& entry) {
    const bool handles = order.verb != Verb::event || holds(entry.pent.events, order.event);
    return handles && (order.target.empty() || order.target == entry.pent.name);
}

std::optional<Row> row_of(Verb verb) {
    switch (verb) {
        case Verb::stop: return Row::stop_order;
        case Verb::start: return Row::start_order;
        case Verb::restart: return Row::restart_order;
        case Verb::clear: return Row::clear_order;
        case Verb::shutdown: return Row::ending;
        case Verb::event: return Row::event_order;
        case Verb::restore:
        case Verb::remove:
        case Verb::check:
        case Verb::recover:
        case Verb::standby:
        case Verb::update:
        case Verb::reexec:
        case Verb::reload:
        case Verb::dump: break;
    }
    return std::nullopt;
}

}  // namespace

std::vector<Noted> noted(const Supervisor& core) {
    std::vector<Noted> all;
    for (const EntryKey key : core.entries()) {
        const Watch& watch = *core.find(key);
        Noted& entry = all.emplace_back();
        entry = {key,
                 watch.state,
                 watch.wait,
                 watch.question,
                 watch.paused,
                 watch.window,
                 watch.main,
                 watch.script,
                 watch.check,
                 watch.timer,
                 watch.remind_at,
                 watch.stable_at,
                 watch.pent,
                 0,
                 {}};
        if (const Group* group = core.group_of(key)) {
            entry.turn = group->turn;
            entry.members = group->members;
        }
    }
    return all;
}

void Coverage::note(const std::vector<Noted>& before, const Event& event, const Supervisor& core, Instant now) {
    for (const Noted& entry : before) {
        note_event(entry, event);
        if (std::holds_alternative<Deadline>(event)) note_deadline(entry, now);
    }
    if (std::holds_alternative<Reloaded>(event)) note_reload(before, core);
    note_consequences(before, core);
}

void Coverage::note_event(const Noted& entry, const Event& event) {
    if (const auto* looked = std::get_if<Looked>(&event); looked && looked->entry == entry.key) {
        const bool main = entry.main && std::ranges::find(looked->matches, *entry.main, &Candidate::id) != looked->matches.end();
        const bool enough = looked->matches.size() >= (entry.pent.counts() ? *entry.pent.min : 1);
        const bool missed = entry.pent.counts() ? entry.state == EntryState::avail && !enough : entry.main && !main;
        if (missed) add(Row::gone, entry.state);
        if (missed && entry.state == EntryState::avail) return;
        if (enough) return add(Row::found, entry.state);
        if (entry.state != EntryState::avail) add(Row::not_found, entry.state);
    }
    if (const auto* died = std::get_if<Died>(&event); died && died->entry == entry.key && died->process == entry.main)
        add(row_of(died->cause), entry.state);
    if (const auto* ended = std::get_if<ScriptEnded>(&event); ended && entry.script && entry.script->run == ended->run) {
        const bool unended = entry.script->phase == ScriptRun::Phase::killed;  // given up, it may end whenever it likes
        const bool late = unended && entry.state != EntryState::restart && entry.state != EntryState::stall;
        if (!late) add(went_well(*ended, entry) ? Row::script_ok : Row::script_failed, entry.state);
    }
    if (const auto* ended = std::get_if<ScriptEnded>(&event); ended && entry.check && entry.check->run == ended->run) {
        const bool late = entry.state == EntryState::unknown;  // a reload that makes it count begins anew while its check runs
        if (!late && (ended->how != ScriptEnded::How::exited || ended->status != 0)) add(Row::check_bad, entry.state);
    }
    if (const auto* order = std::get_if<Order>(&event); order && names_it(*order, entry)) {
        if (const auto row = row_of(order->verb)) add(*row, entry.state);
    }
    if (const auto* measured = std::get_if<Measured>(&event); measured && measured->entry == entry.key) {
        const bool over = entry.pent.rss && measured->rss > entry.pent.rss->value;
        const bool of_another = entry.state == EntryState::avail && measured->process != entry.main;
        if (over && !of_another) add(Row::over_limit, entry.state);
    }
    if (const auto* beat = std::get_if<HeartbeatRead>(&event); beat && beat->entry == entry.key && !beat->age)
        add(Row::check_bad, entry.state);
}

void Coverage::note_deadline(const Noted& entry, Instant now) {
    const auto is_due = [now](const std::optional<Instant>& deadline) { return deadline && *deadline <= now; };
    if (is_due(entry.remind_at)) add(Row::reminder, entry.state);
    if (is_due(entry.stable_at)) add(Row::stable, entry.state);
    if (!is_due(entry.timer) || entry.state == EntryState::hold) return;  // its timer is its window's
    if (entry.wait != EntryWait::none) return add(entry.wait == EntryWait::confirm ? Row::confirm_deadline : Row::wait_over, entry.state);
    add(entry.script ? Row::script_timeout : Row::wait_deadline, entry.state);
}

void Coverage::note_reload(const std::vector<Noted>& before, const Supervisor& core) {
    for (const Noted& entry : before) {
        const bool listed = std::ranges::find(core.entries(), entry.key) != core.entries().end();
        const Watch* watch = listed ? core.find(entry.key) : nullptr;
        if (!watch) {
            add(Row::reload_removed, entry.state);
            continue;
        }
        Pent pent = watch->pent;
        pent.line = entry.pent.line;
        add(pent == entry.pent ? Row::reload_same : Row::reload_changed, entry.state);
        const Group* group = core.group_of(entry.key);
        if (group && group->members != entry.members) add(Row::reload_group, entry.state);
    }
}

// What other entries have to do with it: dependencies, turns, and the ends of windows.
void Coverage::note_consequences(const std::vector<Noted>& before, const Supervisor& core) {
    for (const Noted& entry : before) {
        const Watch* watch = core.find(entry.key);
        if (!watch) continue;
        const bool was = entry.state == EntryState::avail, is = watch->state == EntryState::avail;
        for (const Noted& other : before) {
            if (other.key == entry.key || !holds(other.pent.after, entry.pent.name)) continue;
            if (!was && is) add(Row::wait_over, other.state);
            if (was && !is) add(Row::dependency_down, other.state);
        }
        const Group* group = core.group_of(entry.key);
        if (!group || group->members != entry.members) continue;
        const auto place = [&](EntryKey key) { return std::ranges::find(entry.members, key) - entry.members.begin(); };
        const auto old = entry.turn == 0 ? -1 : place(entry.turn);
        const auto end = group->turn == 0 ? static_cast<std::ptrdiff_t>(entry.members.size()) : place(group->turn) + 1;
        const bool went_on = entry.turn != group->turn && (group->turn != 0 || entry.turn != 0);
        if (went_on && place(entry.key) > old && place(entry.key) < end) add(Row::turn, entry.state);
        const bool over = std::ranges::any_of(before, [&](const Noted& other) {
            const Watch* member = core.find(other.key);
            const bool in_it = std::ranges::find(entry.members, other.key) != entry.members.end();
            return in_it && member && member->given_up() && other.state != member->state;
        });
        if (over) add(Row::group_over, entry.state);
    }
}

void Coverage::note_time(const Supervisor& core, Instant from, Instant to) {
    for (const EntryKey key : core.entries()) {
        const Watch& watch = *core.find(key);
        // Where no reminder is armed the hour for one passes all the same.
        const Duration interval = core.param().remind_interval;
        const Instant reminder = watch.since + interval;
        if (watch.state == EntryState::start && interval > Duration{} && from < reminder && reminder <= to) add(Row::reminder, watch.state);
        if (!watch.window.first) continue;
        const Instant end = *watch.window.first + watch.pent.grace;
        if (from < end && end <= to) add(Row::grace, watch.state);
    }
}

void Coverage::note_adoption(const std::vector<Noted>& before) {
    for (const Noted& entry : before) add(Row::adopted, entry.state);
}

std::string Coverage::table() const {
    std::string text = fmt::format("{:<17}", "");
    for (std::size_t state = 0; state < entry_states; ++state) text += fmt::format("{:>11}", text_of(static_cast<EntryState>(state)));
    for (std::size_t row = 0; row < rows; ++row) {
        text += fmt::format("\n{:<17}", lines[row].name);
        for (std::size_t state = 0; state < entry_states; ++state) {
            const char kind = lines[row].cells[state];
            const bool none = kind == 'x' && cells_[row][state] == 0;
            text += none ? fmt::format("{:>11}", kind) : fmt::format("{:>11}", cells_[row][state]);
        }
    }
    return text + "\n";
}

std::vector<std::string> Coverage::complaints(std::uint64_t least) const {
    std::vector<std::string> all;
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t state = 0; state < entry_states; ++state) {
            const char kind = lines[row].cells[state];
            const std::uint64_t met = cells_[row][state];
            const bool wrong = kind == 'x' ? met > 0 : met < least;
            if (wrong) all.push_back(fmt::format("{} in {}: met {} times", lines[row].name, text_of(static_cast<EntryState>(state)), met));
        }
    }
    return all;
}

}  // namespace banken::core
