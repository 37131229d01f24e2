// SPDX-License-Identifier: Apache-2.0
#include "padmin/explain.hpp"

#include <algorithm>
#include <iterator>

#include "common/sys/clock.hpp"
#include "common/text.hpp"
#include "padmin/reasons.hpp"
#include "padmin/words.hpp"

namespace banken {
namespace {

using Lines = std::vector<std::string>;

constexpr std::size_t label_width = 8;
constexpr Duration hangs = std::chrono::seconds(10);  // beyond MSG_CHECK_INTERVAL: the main loop does not turn

// ---- next ----

std::string then(std::string_view lead, const std::string& what) {
    return what.empty() ? std::string(lead) : fmt::format("{}, {}", lead, what);
}

std::string whose_script_runs(const EntryRecord& entry) {
    return entry.group.empty() ? "its restart script runs" : fmt::format("the scripts of group {} run", printable(entry.group));
}

// What the gate, met at `forecast.gate`, says.
std::string gate_words(const View& view, const EntryRecord& entry, const Pent& pent, const Forecast& forecast) {
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
    const std::string whose = whose_script_runs(entry);
    if (forecast.gate && first.at > *forecast.gate) return fmt::format("{} begins at {}", which, moment_words(view, first.at));
    return fmt::format("{}: {} in this window", whose, which);
}

bool leads_to_over(const Forecast& forecast) { return forecast.timetable.attempts.empty() && forecast.timetable.retry_over.has_value(); }

// Behind an attempt that may fail: what the last one leads to.
std::string last_words(const EntryRecord& entry, const Forecast& forecast) {
    return leads_to_over(forecast) && entry.reason != EntryReason::operator_ ? ", and since it was the last one: " + over_words(entry) : "";
}

// Behind what makes a process stalled.
std::string stall_words(const EntryRecord& entry, const Pent& pent, const Forecast& forecast) {
    if (pent.script.none()) return ", which is only reported: it has no restart script";
    return leads_to_over(forecast) ? fmt::format(", and since no attempt is left: {}; its process is left running", over_words(entry)) : "";
}

std::string crash_words(const EntryRecord& entry, const Pent& pent) {
    const unsigned least = pent.min.value_or(1);
    if (!pent.counts() || entry.proc_count.value_or(0) <= least) return "nothing is due; if it crashed now";
    return fmt::format("nothing is due; if fewer than {} of it ran", least);
}

// Although it is given up: somebody has started it again, or it was left running. 0: it is not known to run.
pid_t running_pid(const EntryRecord& entry) { return entry.seen.pid != 0 ? entry.seen.pid : entry.main.pid; }

std::string hold_words(const EntryRecord& entry, const std::string& at, const std::string& gate) {
    if (const pid_t runs = running_pid(entry); runs != 0)
        return fmt::format("{} the counters are cleared, and process {} is watched again if it still runs", at, runs);
    return then(fmt::format("{} the counters are cleared; if it is not there then", at), gate);
}

std::string running_in_group(const View& view, const EntryRecord& entry) {
    if (entry.group_turn == 0)
        return fmt::format("its group {} is about to be restarted: then its own restart script runs in its turn, although it is there",
                           printable(entry.group));
    const auto turn = std::ranges::find(view.entries, entry.group_turn, &EntryRecord::pent_id);
    const std::string whose = turn == view.entries.end() ? std::string("another member") : printable(turn->name);
    return fmt::format(
        "its group {} is being restarted, and it is the turn of {}: its own restart script runs in its turn, although it is there",
        printable(entry.group), whose);
}

std::string next_words(const View& view, const EntryRecord& entry, const Pent& pent, const Forecast& forecast) {
    const std::string at = forecast.at ? "at " + moment_words(view, *forecast.at) : std::string();
    const std::string gate = gate_words(view, entry, pent, forecast);
    switch (forecast.next) {
        case NextAction::confirm_deadline:
        case NextAction::attempt: return then(fmt::format("{} it is looked for once more; if it is not there", at), gate);
        case NextAction::script_limit:
            return fmt::format("{} the script is over its limit of {} and is ended (TERM, KILL {} later); then the attempt has failed{}",
                               at, span_words(pent.script_timeout), span_words(view.param.script_kill_wait), last_words(entry, forecast));
        case NextAction::kill_script: return fmt::format("{} the script is killed if it still runs", at);
        case NextAction::start_deadline: return then(fmt::format("{} the attempt has failed if the process is not there; then", at), gate);
        case NextAction::kill: return fmt::format("{} the process is killed if it still runs", at);
        case NextAction::give_up: return fmt::format("{} it is given up if what was killed is still there: {}", at, over_words(entry));
        case NextAction::hold_end: return hold_words(entry, at, gate);
        case NextAction::resume: return then(fmt::format("{} the pause ends; if it is not there then", at), gate);
        case NextAction::stable: return fmt::format("{} the counters are cleared if it has stayed up until then (stable)", at);
        case NextAction::check: return fmt::format("{} its health check runs", at);
        case NextAction::check_limit:
            return fmt::format(
                "{} its health check, which runs now, counts as bad{}", at,
                entry.bad_checks + 1 < pent.check_failures ? "" : ", and it is stalled" + stall_words(entry, pent, forecast));
        case NextAction::heartbeat_deadline:
            return fmt::format("{} it is stalled unless a heartbeat has come{}", at, stall_words(entry, pent, forecast));
        case NextAction::reminder: return fmt::format("{} a reminder is logged; nothing else happens until somebody acts", at);
        case NextAction::first_look: return "pcheck looks for it";
        case NextAction::slot: return then("as soon as there is a place it is looked for once more; if it is not there", gate);
        case NextAction::dependency:
            return fmt::format("as soon as {} is AVAIL it is looked for once more; if it is not there, {}", awaited_words(entry, forecast),
                               whose_script_runs(entry));
        case NextAction::group_turn:
            if (entry.state == EntryState::avail) return running_in_group(view, entry);
            return "its turn comes when the members ahead of it are there";
        case NextAction::script_end:
            return fmt::format("the end of the script is awaited, without limit; if it fails, the attempt has failed{}",
                               last_words(entry, forecast));
        case NextAction::process_end: return "the end of the process is awaited, without limit: it is not killed";
        case NextAction::process_seen: return "nothing, until somebody starts the process: then it is AVAIL again";
        case NextAction::order: return "nothing, until somebody acts";
        case NextAction::excess:
            return fmt::format("when it has been over its limit for as long as the limit lasts, without a break, it is {}{}",
                               leads_to_over(forecast) ? "given up" : "stopped", stall_words(entry, pent, forecast));
        case NextAction::hung:
            return fmt::format("{} or soon after it is stalled, unless it uses the processor (hung){}", at,
                               stall_words(entry, pent, forecast));
        case NextAction::none: return then(crash_words(entry, pent), gate);
    }
    return {};
}

// What comes next, and beside an event that is waited for also the reminder.
Lines next_lines(const View& view, const EntryRecord& entry, const Pent& pent, const Forecast& forecast) {
    Lines lines{next_words(view, entry, pent, forecast)};
    if (!forecast.at && forecast.reminder)
        lines.push_back(fmt::format("at {} a reminder is logged", moment_words(view, *forecast.reminder)));
    return lines;
}

// ---- what the limits allow ----

Lines limits(const View& view, const EntryRecord& entry, const Pent& pent, const Forecast& forecast) {
    if (pent.script.none()) return {};
    Lines lines;
    const std::string whose = entry.group.empty() ? "" : fmt::format(" (of group {})", printable(entry.group));
    const std::string grace = span_words(forecast.rule.grace);
    if (!forecast.rule.retries) {
        lines.push_back(fmt::format("restarts are unlimited{}; {} in the present window", whose, forecast.window.count));
    } else if (!forecast.window_ends) {
        lines.push_back(fmt::format("no window is running: {} in {} {} allowed, counted from the first{}",
                                    count_words(*forecast.rule.retries, "restart"), grace, *forecast.rule.retries == 1 ? "is" : "are",
                                    whose));
    } else {
        lines.push_back(fmt::format("{} of {} used in {}, {} left{}; the window ends at {}", forecast.window.count,
                                    count_words(*forecast.rule.retries, "restart"), grace, *forecast.left, whose,
                                    moment_words(view, *forecast.window_ends)));
    }
    std::string pace = forecast.pacing.delay == Duration{}
                           ? "no delay between attempts"
                           : fmt::format("at least {} from attempt to attempt", span_words(forecast.pacing.delay));
    if (forecast.pacing.longest > Duration{}) pace += fmt::format(", doubled up to {}", span_words(forecast.pacing.longest));
    const std::string limit = pent.script_timeout == Duration{} ? "no time limit" : span_words(pent.script_timeout);
    lines.push_back(fmt::format("{}; the script has {}, its process then {} to appear", pace, limit, span_words(pent.start_timeout)));
    return lines;
}

Lines timetable(const View& view, const EntryRecord& entry, const Forecast& forecast) {
    const Timetable& table = forecast.timetable;
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

// ---- what a person can do ----

constexpr std::string_view near_words = "which processes nearly fit, and what they lack";

Lines advice(const View& view, const EntryRecord& entry, const Pent& pent, const Forecast& forecast) {
    Lines lines;
    const auto say = [&](std::string_view order, std::string_view what) {
        lines.push_back(fmt::format("{}  {}", command_words(view, order, entry), what));
    };
    if (entry.paused) say("start", "ends the pause");
    if (entry.state == EntryState::retry_over || entry.state == EntryState::hold) {
        const std::string group = entry.group.empty() ? "" : fmt::format("; so for all members of group {}", printable(entry.group));
        const bool runs = running_pid(entry) != 0;
        say("clear", (runs ? "counters to 0, and the process is watched again"
                           : "when mended: counters to 0, a fresh look, its script if it is not there") +
                         group);
        say("restart", "stop it if it runs, and start it through its script now");
        if (!runs) say("match", near_words);
    } else if (entry.state == EntryState::down && !entry.paused && entry.wait != EntryWait::script) {
        for (const std::string& name : forecast.held_up_by)
            for (const EntryRecord* other : entries_of(view, name))
                lines.push_back(command_words(view, "explain", *other) + "  why that is not up");
        if (!pent.script.none()) say("restart", "starts it now, past every wait, not counted");
    } else if (entry.state == EntryState::start || (entry.state == EntryState::down && entry.wait == EntryWait::script)) {
        say("match", near_words);
    } else if (entry.state == EntryState::restart && !entry.timer && entry.script.process.pid != 0) {
        lines.push_back(fmt::format("ps f -g {0}  what it does; kill -- -{0} ends it, then the attempt has failed", entry.script.group));
    }
    return lines;
}

// Nothing watches it any more: only a new pcheck helps.
Lines advice_without_pcheck(const View& view) {
    const std::string_view what =
        view.alive ? "when mended: watches again, with counters at 0" : "watches again, and goes on from this state";
    return {fmt::format("{}  {}", start_words(view), what)};
}

std::string state_line(const View& view, const EntryRecord& entry) {
    std::string line = fmt::format("{} (pent_id {}) is {}", printable(entry.name), entry.pent_id, text_of(entry.state));
    if (const std::string wait = waits_for(entry); !wait.empty()) line += fmt::format(" ({})", printable(wait));
    return line + fmt::format(" since {}", moment_words(view, entry.since_wall));
}

Lines state_lines(const View& view, const EntryRecord& entry) {
    Lines lines{state_line(view, entry)};
    if (entry.paused) {
        const bool known = entry.paused_since != WallTime{};
        lines.push_back(
            fmt::format("paused{}{}", known ? fmt::format(" since {}", moment_words(view, entry.paused_since)) : "",
                        entry.paused_until ? fmt::format(" until {}", moment_words(view, *entry.paused_until)) : ", until `start`"));
    }
    if (is_dry_run(view)) lines.emplace_back("pcheck was started with --dry-run: it watches and logs, and runs and signals nothing");
    if (view.header.life == Life::ended) {
        lines.push_back(fmt::format("pcheck has ended: {}; this is how it was then, at {}", printable(view.header.reason),
                                    sys::local_time_text(view.now.wall)));
    } else if (!view.alive) {
        lines.push_back(
            fmt::format("pcheck was killed, and its last turn was at {}; this is how it was then", moment_words(view, view.last_turn)));
    } else if (view.dumped) {
        lines.push_back(fmt::format("as it was when the dump was written, at {}", sys::local_time_text(view.now.wall)));
    } else if (view.now.instant - view.last_turn > view.param.msg_check_interval + hangs) {
        lines.push_back(fmt::format("pcheck's main loop has not turned for {}: what follows may not happen",
                                    span_words(view.now.instant - view.last_turn)));
    }
    return lines;
}

}  // namespace

Explanation explain(const View& view, const EntryRecord& entry, const Result<Pent>& pent, const Findings& findings) {
    Explanation explanation;
    const auto add = [&explanation](std::string_view label, Lines lines) {
        if (!lines.empty()) explanation.sections.push_back({label, std::move(lines)});
    };
    add("state", state_lines(view, entry));
    if (!pent) {
        add("why", {fmt::format("cannot be said: {}", pent.error().text)});
        return explanation;
    }
    const Forecast future = forecast(view, entry, *pent);
    add("why", reasons(view, entry, *pent, future));
    const bool ended = has_ended(view);
    add("next", ended ? Lines{"nothing: pcheck has ended, and nobody watches it"} : next_lines(view, entry, *pent, future));
    add("limits", limits(view, entry, *pent, future));
    if (!ended) {
        const bool runs = entry.state == EntryState::avail || (entry.state == EntryState::hold && running_pid(entry) != 0);
        add(runs ? "if it were lost, and every attempt failed at once:" : "if every attempt failed at once:",
            is_dry_run(view) ? Lines() : timetable(view, entry, future));
    }
    if (!findings.process.empty()) add("process", findings.process);
    if (!findings.refused.empty())
        add("refused",
            {fmt::format("its script would not be run now: {}; pcheck looks again before each run", printable(findings.refused))});
    if (!findings.output.empty()) {
        Lines lines{
            fmt::format("the last lines in {}, where every script of this pcheck writes to:", printable(view.param.script_output_file))};
        for (const std::string& line : findings.output) lines.push_back("  " + printable(line));
        add("output", std::move(lines));
    }
    add("you can", ended ? advice_without_pcheck(view) : advice(view, entry, *pent, future));
    return explanation;
}

std::string text_of(const Explanation& explanation) {
    std::string text;
    for (const auto& [label, lines] : explanation.sections) {
        const bool short_label = label.size() < label_width;
        if (!short_label) text += fmt::format("{}\n", label);
        for (std::size_t i = 0; i < lines.size(); ++i)
            fmt::format_to(std::back_inserter(text), "{:<{}}{}\n", i == 0 && short_label ? label : std::string_view(), label_width,
                           lines[i]);
    }
    return text;
}

}  // namespace banken
