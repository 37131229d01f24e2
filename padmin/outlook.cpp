// SPDX-License-Identifier: Apache-2.0
#include "padmin/outlook.hpp"

#include <algorithm>

#include "common/text.hpp"
#include "padmin/reasons.hpp"
#include "padmin/words.hpp"

namespace banken {
namespace {

using Lines = std::vector<std::string>;

// What all sentences about one entry are made of.
struct Subject {
    const View& view;
    const EntryRecord& entry;
    const Pent& pent;
    const Forecast& forecast;
};

std::string then(std::string_view lead, const std::string& what) {
    return what.empty() ? std::string(lead) : fmt::format("{}, {}", lead, what);
}

std::string whose_script_runs(const EntryRecord& entry) {
    return entry.group.empty() ? "its restart script runs" : fmt::format("the scripts of group {} run", printable(entry.group));
}

std::string when(const Subject& subject) {
    return subject.forecast.at ? "at " + moment_words(subject.view, *subject.forecast.at) : std::string();
}

bool leads_to_over(const Forecast& forecast) { return forecast.timetable.attempts.empty() && forecast.timetable.retry_over.has_value(); }

// What the gate, met at `forecast.gate`, says.
std::string gate_words(const Subject& subject) {
    const auto& [view, entry, pent, forecast] = subject;
    if (pent.script.none()) return "it is only reported: it has no restart script";
    if (is_dry_run(view)) return "it is only reported, as `Would restart` (--dry-run)";
    if (forecast.timetable.attempts.empty()) return forecast.gate && forecast.timetable.retry_over ? over_words(entry) : std::string();
    if (!forecast.held_up_by.empty()) {
        const std::string& name = forecast.held_up_by.front();
        return fmt::format(
            "{} for {}, which is {}",
            entry.group.empty() ? "its restart script waits" : fmt::format("the scripts of group {} wait", printable(entry.group)),
            printable(name), state_words_of(view, name));
    }
    const Attempt& first = forecast.timetable.attempts.front();
    const std::string which = attempt_words(forecast, first.number);
    if (forecast.gate && first.at > *forecast.gate) return fmt::format("{} begins at {}", which, moment_words(view, first.at));
    return fmt::format("{}: {} in this window", whose_script_runs(entry), which);
}

bool awaits_given_up(const View& view, const Forecast& forecast) {
    return std::ranges::any_of(forecast.held_up_by, [&](const std::string& name) {
        return std::ranges::any_of(entries_of(view, name), [](const EntryRecord* other) { return other->state == EntryState::retry_over; });
    });
}

// Behind "if it fails".
std::string failure_words(const Subject& subject) {
    const auto& [view, entry, pent, forecast] = subject;
    if (entry.paused) return "nothing follows while it is paused";
    const bool by_order = entry.reason == EntryReason::operator_;
    if (leads_to_over(forecast))
        return fmt::format("{}: {}", by_order ? "no attempt is left" : "it was the last attempt", over_words(entry));
    if (forecast.timetable.attempts.empty() || !forecast.held_up_by.empty()) return gate_words(subject);
    return attempt_words(forecast, forecast.timetable.attempts.front().number) + " follows";
}

// Behind "when it has ended", of a process that is being stopped.
std::string after_stop_words(const Subject& subject) {
    if (subject.entry.paused || subject.entry.stop_only) return "nothing follows: it was paused meanwhile";
    if (subject.entry.reason == EntryReason::operator_) return "its restart script runs (by order, not counted)";
    const auto& attempts = subject.forecast.timetable.attempts;
    if (subject.forecast.at || !subject.forecast.held_up_by.empty() || attempts.empty() || attempts.front().at <= subject.view.now.instant)
        return gate_words(subject);
    return fmt::format("{} follows, not before {}", attempt_words(subject.forecast, attempts.front().number),
                       moment_words(subject.view, attempts.front().at));
}

// Behind what makes a process stalled.
std::string stall_words(const Subject& subject) {
    if (subject.pent.script.none()) return ", which is only reported: it has no restart script";
    if (is_dry_run(subject.view)) return ", which is only reported (--dry-run)";
    if (!leads_to_over(subject.forecast)) return ": it is stopped, and restarted";
    return fmt::format(", and since no attempt is left: {}; its process is left running", over_words(subject.entry));
}

std::string check_words(const Subject& subject) {
    const auto& [view, entry, pent, forecast] = subject;
    const bool runs = forecast.next == NextAction::check_limit, last = entry.bad_checks + 1 >= pent.check_failures;
    const std::string_view bad = entry.bad_checks > 0 ? "bad too" : "bad";
    const bool told = (entry.stall_told & EntryRecord::check_told) != 0;
    if (!runs)
        return fmt::format("{} its health check runs{}", when(subject),
                           last && !told ? fmt::format("; if it is {}, the process is stalled{}", bad, stall_words(subject)) : "");
    return fmt::format("if its health check, which runs now, has not ended by {}, it counts as bad ({} of {}){}",
                       moment_words(view, *forecast.at), entry.bad_checks + 1, pent.check_failures,
                       last && !told ? ", and the process is stalled" + stall_words(subject) : "");
}

std::string excess_outlook(const Subject& subject) {
    const bool stops = subject.pent.limit_restarts && !subject.pent.script.none() && !is_dry_run(subject.view);
    const std::string then = !stops                            ? "`Over limit` is logged, and nothing is stopped"
                             : leads_to_over(subject.forecast) ? over_words(subject.entry) + "; its process is left running"
                                                               : "it is stopped, and restarted";
    if (!subject.forecast.at) return "when it has been over its limit for as long as that is allowed: " + then;
    return fmt::format("{} or soon after, if it is over its limit without a break until then: {}", when(subject), then);
}

// ---- in a group ----

std::string turn_name(const View& view, const EntryRecord& entry) {
    const auto turn = std::ranges::find(view.entries, entry.group_turn, &EntryRecord::pent_id);
    return turn == view.entries.end() ? std::string("another member") : printable(turn->name);
}

// Those whose turn comes, from the one whose turn it is on.
std::string members_ahead(const View& view, const EntryRecord& entry) {
    std::string names;
    for (const EntryRecord& other : view.entries) {
        const bool ahead = other.group == entry.group && other.pent_id >= entry.group_turn && other.pent_id < entry.pent_id;
        if (!ahead || other.paused) continue;
        if (const auto pent = pent_of(view, other); pent && pent->script.none()) continue;
        names += (names.empty() ? "" : ", ") + printable(other.name);
    }
    return names;
}

// Its turn in the round of its group that goes on, or that is about to begin.
std::string turn_words(const Subject& subject) {
    const auto& [view, entry, pent, forecast] = subject;
    const bool runs = entry.state == EntryState::avail;
    const std::string group = printable(entry.group);
    const std::string script = shares_script(view, entry, pent) ? "its process is awaited: the same script has run by then"
                               : runs                           ? "its own restart script runs, although it is there"
                                                                : "its restart script runs";
    if (entry.group_turn == 0) {
        if (!runs)
            return then(fmt::format("the lost members of group {} are looked for once more; if one is not there", group),
                        gate_words(subject));
        if (!forecast.held_up_by.empty())
            return fmt::format("when {} is AVAIL its group {} is restarted: in its turn {}", awaited_words(entry, forecast), group, script);
        const std::string at = entry.group_timer ? "at " + moment_words(view, *entry.group_timer) : std::string("now");
        return fmt::format("{} its group {} is restarted: in its turn {}", at, group, script);
    }
    if (entry.pent_id < entry.group_turn)
        return then(
            fmt::format("its own turn is over: when the round of group {}, which goes on with {}, is over", group, turn_name(view, entry)),
            gate_words(subject));
    const std::string ahead = members_ahead(view, entry);
    if (ahead.empty()) return fmt::format("it is its turn: as soon as there is a place, {}", script);
    return fmt::format("its turn comes when the members ahead of it ({}) are up: then {}", ahead, script);
}

// The gate, and what comes ahead of it.
std::string after_crash_words(const Subject& subject) {
    const auto& [view, entry, pent, forecast] = subject;
    std::string gate = gate_words(subject);
    const Duration confirm = confirm_after_crash(view, pent);
    if (!view.param.detect_event)
        return fmt::format("pcheck sees that within {} (DETECT poll); then {}", span_words(view.param.monitor_interval), gate);
    if (confirm == Duration{} || entry.paused) return gate;
    return fmt::format("a replacement is waited for until {} (confirm, {}); then {}", moment_words(view, view.now.instant + confirm),
                       span_words(confirm), gate);
}

std::string crash_words(const Subject& subject) {
    const auto& [view, entry, pent, forecast] = subject;
    const unsigned least = pent.min.value_or(1);
    const bool spare = pent.counts() && entry.proc_count.value_or(0) > least;
    const std::string loss = spare           ? fmt::format("if fewer than {} of it ran", least)
                             : pent.counts() ? "if one of it crashed now"
                                             : "if it crashed now";
    if (pent.counts() && least == 0) return "nothing is due: with min=0 it is never lost";
    if (entry.group_turn == 0) return then("nothing is due; " + loss, after_crash_words(subject));
    return fmt::format("nothing is due for it while the round of group {} goes on with {}; {}, after that round {}", printable(entry.group),
                       turn_name(view, entry), loss, gate_words(subject));
}

std::string hold_words(const Subject& subject) {
    if (const pid_t runs = running_pid(subject.entry); runs != 0)
        return fmt::format("{} the counters are cleared, and process {} is watched again if it still runs", when(subject), runs);
    return then(fmt::format("{} the counters are cleared; if it is not there then", when(subject)), gate_words(subject)) +
           "; if somebody starts it before, it is AVAIL then";
}

std::string resume_words(const Subject& subject) {
    const EntryRecord& entry = subject.entry;
    std::string ends = fmt::format("{} the pause ends", when(subject));
    if (entry.state == EntryState::down) return then(ends + "; if it is not there then", gate_words(subject));
    if (entry.state == EntryState::retry_over) return ends + "; it stays given up until somebody acts";
    if (entry.state != EntryState::hold || !entry.timer) return ends;
    return fmt::format("{}; the counters are cleared then, but not before {}", ends, moment_words(subject.view, *entry.timer));
}

Lines script_lines(const Subject& subject) {
    const auto& [view, entry, pent, forecast] = subject;
    const std::string well = fmt::format("if its script ends well, its process has {} to appear; if it fails, {}",
                                         span_words(pent.start_timeout), failure_words(subject));
    if (!forecast.at) return {well + "; it has no time limit"};
    return {well, fmt::format("{} it is over its limit of {} and is ended (TERM, KILL {} later): then it has failed", when(subject),
                              span_words(pent.script_timeout), span_words(view.param.script_kill_wait))};
}

std::string next_words(const Subject& subject) {
    const auto& [view, entry, pent, forecast] = subject;
    const std::string at = when(subject);
    const auto gate = [&subject] { return gate_words(subject); };
    switch (forecast.next) {
        case NextAction::confirm_deadline:
        case NextAction::attempt: return then(fmt::format("{} it is looked for once more; if it is not there", at), gate());
        case NextAction::script_limit:
        case NextAction::script_end: break;  // script_lines()
        case NextAction::kill_script:
            return fmt::format("{} the script is killed if it still runs; then it has failed, and {}", at, failure_words(subject));
        case NextAction::start_deadline:
            return fmt::format("{} the attempt has failed if the process is not there; then {}", at,
                               entry.paused ? "nothing follows while it is paused" : gate());
        case NextAction::kill:
            return then(fmt::format("{} the process is killed if it still runs; when it has ended", at), after_stop_words(subject));
        case NextAction::give_up: return fmt::format("{} it is given up if what was killed is still there: {}", at, over_words(entry));
        case NextAction::hold_end: return hold_words(subject);
        case NextAction::resume: return resume_words(subject);
        case NextAction::stable: return fmt::format("{} the counters are cleared if it has stayed up until then (stable)", at);
        case NextAction::check:
        case NextAction::check_limit: return check_words(subject);
        case NextAction::heartbeat_deadline:
            return fmt::format("unless a heartbeat comes before {}, it is stalled{}", moment_words(view, *forecast.at),
                               stall_words(subject));
        case NextAction::reminder: return fmt::format("{} a reminder is logged; nothing else happens until somebody acts", at);
        case NextAction::first_look:
            if (entry.paused) return "pcheck looks for it; it stays paused: if it is not there, nothing follows before `start`";
            return then("pcheck looks for it; if it is not there", gate());
        case NextAction::slot: return then("as soon as there is a place it is looked for once more; if it is not there", gate());
        case NextAction::dependency:
            return fmt::format("as soon as {} is AVAIL it is looked for once more; if it is not there, {}{}",
                               awaited_words(entry, forecast), whose_script_runs(entry),
                               awaits_given_up(view, forecast) ? "; one that is given up does not come by itself" : "");
        case NextAction::group_turn: return turn_words(subject);
        case NextAction::process_end: return then("it is not killed, however long it takes; when it has ended", after_stop_words(subject));
        case NextAction::process_seen: return "nothing, until somebody starts the process: then it is AVAIL again";
        case NextAction::order: return "nothing, until somebody acts";
        case NextAction::excess: return excess_outlook(subject);
        case NextAction::hung:
            return fmt::format("unless it uses the processor, it is stalled {} or soon after (hung){}", at, stall_words(subject));
        case NextAction::none: return crash_words(subject);
    }
    return {};
}

// Restarts used and left.
std::string window_words(const View& view, const Forecast& forecast, const std::string& whose) {
    if (!forecast.rule.retries) return fmt::format("restarts are unlimited{}; {} in the present window", whose, forecast.window.count);
    const unsigned retries = *forecast.rule.retries;
    if (retries == 0) return fmt::format("0 restarts are allowed{}: the script runs by order only (restart)", whose);
    const std::string restarts = count_words(retries, "restart"), grace = span_words(forecast.rule.grace);
    if (!forecast.window_ends)
        return fmt::format("no window is running: {} in {} {} allowed, counted from the first{}", restarts, grace,
                           retries == 1 ? "is" : "are", whose);
    return fmt::format("{} of {} used in {}, {} left{}; the window ends at {}", forecast.window.count, restarts, grace, *forecast.left,
                       whose, moment_words(view, *forecast.window_ends));
}

std::string pace_words(const Forecast& forecast) {
    const auto& [delay, longest] = forecast.pacing;
    if (forecast.rule.retries == 0) return {};
    if (delay == Duration{}) return "no delay between attempts; ";
    return fmt::format("at least {} from attempt to attempt{}; ", span_words(delay),
                       longest > Duration{} ? fmt::format(", doubled up to {}", span_words(longest)) : "");
}

// What it is watched for while it runs, and what it may use.
Lines watch_lines(const Pent& pent, bool restarts) {
    std::string stalled, excess;
    const auto add = [](std::string& text, std::string part) { text += (text.empty() ? "" : ", ") + std::move(part); };
    if (pent.heartbeat > Duration{}) add(stalled, fmt::format("no heartbeat for {}", span_words(pent.heartbeat)));
    if (pent.hung > Duration{}) add(stalled, fmt::format("standing still for {}", span_words(pent.hung)));
    if (!pent.check.none()) add(stalled, fmt::format("{} in a row", count_words(pent.check_failures, "bad health check")));
    const auto limit = [&](const std::optional<Limit>& most, std::string_view what, auto shown) {
        if (most) add(excess, fmt::format("{} {} for {}", what, shown(most->value), span_words(most->lasting)));
    };
    limit(pent.cpu, "cpu", [](auto value) { return fmt::format("{}.{} %", value / 10, value % 10); });
    limit(pent.rss, "rss", size_words);
    limit(pent.fds, "fds", [](auto value) { return std::to_string(value); });
    Lines lines;
    if (!stalled.empty()) lines.push_back(fmt::format("counts as stalled: {}{}", stalled, restarts ? "" : "; that is only reported"));
    if (!excess.empty())
        lines.push_back(fmt::format("beyond {}: {}", excess, restarts && pent.limit_restarts ? "it is restarted" : "that is only logged"));
    return lines;
}

}  // namespace

Lines next_lines(const View& view, const EntryRecord& entry, const Pent& pent, const Forecast& forecast) {
    const Subject subject{view, entry, pent, forecast};
    const bool script_runs = forecast.next == NextAction::script_limit || forecast.next == NextAction::script_end;
    Lines lines = script_runs ? script_lines(subject) : Lines{next_words(subject)};
    if (!forecast.at && forecast.reminder)
        lines.push_back(fmt::format("at {} a reminder is logged", moment_words(view, *forecast.reminder)));
    return lines;
}

Lines limit_lines(const View& view, const EntryRecord& entry, const Pent& pent, const Forecast& forecast) {
    const bool restarts = !pent.script.none() && !is_dry_run(view);
    Lines lines = watch_lines(pent, restarts);
    if (!restarts) return lines;
    const std::string whose = entry.group.empty() ? "" : fmt::format(" (of group {})", printable(entry.group));
    const std::string limit = pent.script_timeout == Duration{} ? "no time limit" : span_words(pent.script_timeout);
    const RetryWindow& window = entry.group.empty() ? entry.window : entry.group_window;
    const bool passed = entry.state == EntryState::retry_over && !entry.looked_for && window.count > 0 && !forecast.window_ends;
    const std::string used = passed && forecast.rule.retries
                                 ? fmt::format("{} of {} used{}; the window has passed, but that does not end RETRY_OVER", window.count,
                                               count_words(*forecast.rule.retries, "restart"), whose)
                                 : window_words(view, forecast, whose);
    lines.insert(lines.begin(), {used, fmt::format("{}the script has {}, its process then {} to appear", pace_words(forecast), limit,
                                                   span_words(pent.start_timeout))});
    return lines;
}

Lines timetable_lines(const View& view, const EntryRecord& entry, const Forecast& forecast) {
    const Timetable& table = forecast.timetable;
    if (entry.state == EntryState::avail && leads_to_over(forecast) && entry.group_turn == 0)
        return {fmt::format("{}  {}", *table.retry_over <= view.now.instant ? "at once" : moment_words(view, *table.retry_over),
                            over_words(entry))};
    if (table.attempts.empty() || !forecast.timed) return {};
    Lines lines;
    for (const Attempt& attempt : table.attempts)
        lines.push_back(fmt::format("{}  {}", moment_words(view, attempt.at), attempt_words(forecast, attempt.number)));
    if (table.more > 0) lines.push_back(fmt::format("... and {} more", table.more));
    if (table.retry_over) {
        lines.push_back(fmt::format("{}  {}", moment_words(view, *table.retry_over), over_words(entry)));
    } else {
        lines.emplace_back(forecast.rule.retries
                               ? "... then the window has passed, and the count starts anew: it is never given up at this pace"
                               : "... and so on: retries are unlimited");
    }
    return lines;
}

}  // namespace banken
