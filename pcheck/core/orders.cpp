// SPDX-License-Identifier: Apache-2.0
// Orders, answered when their decision is recorded. The exit statuses are padmin's (common/exit_code.hpp).
#include <algorithm>
#include <charconv>

#include "common/exit_code.hpp"
#include "common/text.hpp"
#include "pcheck/core/supervisor.hpp"

namespace banken::core {
namespace {

constexpr int refused = static_cast<int>(ExitCode::refused);
constexpr int no_such_entry = static_cast<int>(ExitCode::no_such_entry);
constexpr int usage = static_cast<int>(ExitCode::usage);

std::optional<unsigned> as_id(std::string_view target) {
    unsigned id = 0;
    const auto [end, error] = std::from_chars(target.data(), target.data() + target.size(), id);
    return error == std::errc{} && end == target.data() + target.size() ? std::optional(id) : std::nullopt;
}

}  // namespace

void Supervisor::answer(OrderId order, int exit_status, std::string text) {
    if (order == 0) return;
    settle();  // what the order has changed is published before its answer can be read
    emit(Answer{order, exit_status, std::move(text)});
}

// A name of digits only is addressed by id (spec/padmin.md, Manners).
std::vector<EntryKey> Supervisor::named(std::string_view target) const {
    std::vector<EntryKey> keys;
    const auto id = as_id(target);
    for (const EntryKey key : order_) {
        const Watch& watch = watches_.at(key);
        if (id ? watch.pent_id == *id : watch.pent.name == target) keys.push_back(key);
    }
    return keys;
}

void Supervisor::carry_out(const Order& order) {
    switch (order.verb) {
        case Verb::dump: return emit(WriteDump{order.id});
        case Verb::shutdown:
            return finish(order.exit_status, !order.reason.empty() ? order.reason : order.id != 0 ? "order" : "signal", order.id);
        case Verb::event: return order_event(order);
        case Verb::stop:
        case Verb::start:
        case Verb::clear:
        case Verb::restart: break;
        case Verb::restore:
        case Verb::remove:
        case Verb::check:
        case Verb::recover:
        case Verb::standby:
        case Verb::update:
        case Verb::reexec:
        case Verb::reload: return;
    }
    if (order.target.empty()) return for_all(order);
    const std::vector<EntryKey> keys = named(order.target);
    if (keys.empty()) return answer(order.id, no_such_entry, "no entry " + quoted(order.target));
    if (keys.size() > 1) {
        std::string ids;
        for (const EntryKey key : keys) ids += fmt::format("{}{}", ids.empty() ? "" : ", ", watches_.at(key).pent_id);
        return answer(order.id, refused,
                      fmt::format("\"{}\" is the name of several entries: say which by pent_id ({})", order.target, ids));
    }
    for_one(order, watches_.at(keys.front()));
}

void Supervisor::for_all(const Order& order) {
    if (order.verb != Verb::stop && order.verb != Verb::start)
        return answer(order.id, usage, "this order needs the name or pent_id of an entry");
    std::vector<EntryKey> paused;  // all of them, before any group goes on: no script of one that this very order pauses
    for (const EntryKey key : order_) {
        Watch& watch = watches_.at(key);
        if (order.verb == Verb::start) {
            resume(watch);
        } else if (pause(watch, order.duration)) {
            paused.push_back(key);
        }
    }
    for (const EntryKey key : paused) go_on_without(watches_.at(key));
    log(messages::monitoring(order.verb == Verb::start, {}));
    answer(order.id);
}

void Supervisor::for_one(const Order& order, Watch& watch) {
    switch (order.verb) {
        case Verb::stop:
            if (pause(watch, order.duration)) go_on_without(watch);
            log(messages::monitoring(false, watch.ref()));
            return answer(order.id);
        case Verb::start:
            resume(watch);
            log(messages::monitoring(true, watch.ref()));
            return answer(order.id);
        case Verb::clear: order_clear(watch); return answer(order.id);
        case Verb::restart: return order_restart(watch, order);
        case Verb::event:
        case Verb::restore:
        case Verb::remove:
        case Verb::check:
        case Verb::recover:
        case Verb::standby:
        case Verb::update:
        case Verb::reexec:
        case Verb::reload:
        case Verb::dump:
        case Verb::shutdown: return;
    }
}

// True: it was not paused before.
bool Supervisor::pause(Watch& watch, std::optional<Duration> duration) {
    touch(watch);
    watch.paused_until = duration ? std::optional(now_.instant + *duration) : std::nullopt;
    if (watch.state == EntryState::stall) watch.stop_only = true;  // the stop goes on, no script after it
    if (watch.paused) return false;
    watch.paused = true;
    watch.paused_since = now_.wall;
    if (watch.state == EntryState::down) enter(watch, EntryState::down, EntryWait::operator_);
    if (watch.state == EntryState::avail) {
        rest(watch);
        watch.trouble.clear();
        slots_.leave(watch.key);
        arm_reminder(watch);
    }
    return true;
}

// The group of an entry that has been paused.
void Supervisor::go_on_without(const Watch& watch) {
    const bool idle = watch.state == EntryState::down || watch.state == EntryState::avail;
    if (idle) group_goes_on(watch);
}

void Supervisor::resume(Watch& watch) {
    touch(watch);
    const bool was_paused = std::exchange(watch.paused, false);
    watch.paused_until.reset();
    watch.stop_only = false;
    if (watch.state == EntryState::down) return fresh(watch);
    if (watch.state != EntryState::avail) return;
    if (was_paused) arm_alive(watch);
    arm_reminder(watch);
    if (watch.shown_pid == watch.logged_pid) return;
    watch.logged_pid = watch.shown_pid;
    log(messages::up(watch.ref(), watch.logged_pid));
}

void Supervisor::order_clear(Watch& watch) {
    touch(watch);
    clear(watch);
    if (watch.given_up()) return fresh_given_up(watch);
    if (watch.state == EntryState::down && watch.wait != EntryWait::script) ask(watch, Question::again);
}

// The entry, and with it the rest of its group.
void Supervisor::fresh_given_up(Watch& watch) {
    fresh(watch);
    const Group* of = group(watch);
    if (!of) return;
    for (const EntryKey key : of->members) {
        Watch& member = watches_.at(key);
        if (key == watch.key || !member.given_up()) continue;
        touch(member);
        clear(member);
        fresh(member);
    }
}

void Supervisor::order_restart(Watch& watch, const Order& order) {
    const auto refuse = [&](std::string why) { answer(order.id, refused, fmt::format("{}: {}", watch.pent.name, why)); };
    if (watch.pent.script.none()) return refuse("it has no restart script");
    if (manner_.dry_run) return refuse("nothing is run with --dry-run");
    if (watch.script) {
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now_.instant - watch.script->begun).count();
        return refuse(fmt::format("its script has been running for {}s", seconds));
    }
    if (leaving_script_of(watch.pent.name)) return refuse("the script of the removed entry of this name still runs");
    if (watch.state == EntryState::unknown) return refuse("not swept yet");
    if (watch.state == EntryState::stall) return refuse("it is being stopped");
    touch(watch);
    if (watch.given_up()) {
        clear(watch);
        if (!watch.main && watch.seen && !watch.pent.counts()) follow(watch, *watch.seen);  // by hand meanwhile: no second copy beside it
        fresh_given_up(watch);
        watch.question = Question::none;  // its own look is not waited for
    }
    if (watch.main && watch.question != Question::hand_over) {
        begin_stop(watch, EntryReason::operator_);
    } else {
        unfollow(watch);
        watch.reason = EntryReason::operator_;
        begin(watch, BeginBy::order);
    }
    answer(order.id);
}

// Told to all that handle it. The exit status says what sendevent wants to know: 0 a recovery was begun, 1 it is handled here, but nothing was
// begun (the text says why), 4 nobody handles it.
void Supervisor::order_event(const Order& order) {
    std::string text;
    bool handled = false, begun = false;
    const std::vector<EntryKey> entries = order_;
    for (const EntryKey key : entries) {
        Watch& watch = watches_.at(key);
        if (watch.pent.name != order.target || std::ranges::find(watch.pent.events, order.event) == watch.pent.events.end()) continue;
        const std::string refusal = recover(watch, order.event);
        text += fmt::format("{}{}: {}", handled ? "\n" : "", watch.pent.name, refusal.empty() ? "recovery was begun" : refusal);
        handled = true;
        begun = begun || refusal.empty();
    }
    if (!handled) return answer(order.id, no_such_entry, fmt::format("no entry {} handles {}", quoted(order.target), order.event));
    answer(order.id, begun ? 0 : refused, text);
}

// STOP stall. Why nothing was begun; empty: it was.
std::string Supervisor::recover(Watch& watch, std::string_view event) {
    if (ending_) return "pcheck is ending";
    if (watch.state != EntryState::avail) return fmt::format("it is {}", text_of(watch.state));
    if (watch.paused) return "it is paused";
    if (watch.question == Question::hand_over) return "its process has just ended";
    if (script_lives(watch)) return "its script still runs";
    if (stop_waits(watch)) return "its group is being restarted";
    touch(watch);
    stop(watch, EntryReason::stall, fmt::format("event {}", event));
    if (watch.state == EntryState::stall) return {};
    return only_reports(watch) ? "it is only reported" : "its retries are used up";
}

}  // namespace banken::core
