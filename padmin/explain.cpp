// SPDX-License-Identifier: Apache-2.0
#include "padmin/explain.hpp"

#include <algorithm>
#include <iterator>

#include "common/text.hpp"
#include "padmin/words.hpp"

namespace banken {
namespace {

using Lines = std::vector<std::string>;

constexpr std::size_t label_width = 8;
constexpr Duration hangs = std::chrono::seconds(10);  // beyond MSG_CHECK_INTERVAL: the main loop does not turn

std::string over_words(RetryOverAction action) {
    switch (action) {
        case RetryOverAction::continue_: return "RETRY_OVER: it is left alone, all other entries go on";
        case RetryOverAction::exit: return "RETRY_OVER: exit ends pcheck with status 1";
        case RetryOverAction::shutdown: return "RETRY_OVER: shutdown ends pcheck with status 0";
        case RetryOverAction::hold: return "HOLD until the window has passed";
    }
    return {};
}

std::string attempt_words(const Forecast& forecast, unsigned number) {
    const std::string whose = forecast.rule.retries ? fmt::format("{} of {}", number, *forecast.rule.retries) : std::to_string(number);
    return fmt::format("attempt {}", whose);
}

std::string state_words_of(const View& view, std::string_view name) {
    const auto entries = entries_of(view, name);
    return entries.empty() ? std::string("not there") : std::string(text_of(entries.front()->state));
}

// ---- why ----

std::string reason_words(const EntryRecord& entry) {
    const std::string pid = entry.shown_pid == 0 ? std::string() : fmt::format(" {}", entry.shown_pid);
    const std::string cause = entry.last_cause.empty() ? "" : fmt::format(": {}", printable(entry.last_cause));
    switch (entry.reason) {
        case EntryReason::down: return fmt::format("its process{} ended{}", pid, cause);
        case EntryReason::absent: return "pcheck has looked for it and has not found it";
        case EntryReason::stall: return fmt::format("its process{} was stalled{}", pid, cause);
        case EntryReason::limit: return fmt::format("its process{} was over a limit{}", pid, cause);
        case EntryReason::operator_: return "somebody has ordered it (restart)";
        case EntryReason::group: return fmt::format("its group {} is being restarted", printable(entry.group));
        case EntryReason::none: break;
    }
    return {};
}

std::string group_words(const View& view, const EntryRecord& entry) {
    if (entry.group_turn != 0) {
        const auto turn = std::ranges::find(view.entries, entry.group_turn, &EntryRecord::pent_id);
        if (turn == view.entries.end() || &*turn == &entry) return fmt::format("it is its turn in group {}", printable(entry.group));
        return fmt::format("in group {} it is the turn of {} (pent_id {}), which is {}", printable(entry.group), printable(turn->name),
                           turn->pent_id, text_of(turn->state));
    }
    const std::string_view wait = text_of(entry.group_wait);
    if (wait.empty()) return fmt::format("group {} waits", printable(entry.group));
    return fmt::format("group {} waits for: {}", printable(entry.group), wait);
}

std::string wait_words(const View& view, const EntryRecord& entry, const Forecast& forecast) {
    switch (entry.wait) {
        case EntryWait::confirm: return "somebody else may be starting it again: pcheck looks for a replacement first (confirm)";
        case EntryWait::delay: return "the last attempt began too recently: attempts keep a distance (delay)";
        case EntryWait::dependency: {
            std::string names;
            for (const std::string& name : forecast.held_up_by)
                names += fmt::format("{}{}, which is {}", names.empty() ? "" : "; ", printable(name), state_words_of(view, name));
            return fmt::format("it comes after {}", names.empty() ? printable(entry.waits_for) : names);
        }
        case EntryWait::slot:
            if (entry.script.process.pid != 0) return fmt::format("its script of before, pid {}, still runs", entry.script.process.pid);
            return fmt::format("{} may begin within 5 s (SCRIPT_PARALLEL): it waits for its place",
                               count_words(view.param.script_parallel, "restart script"));
        case EntryWait::group: return group_words(view, entry);
        case EntryWait::script: return "it has no restart script: pcheck only reports it";
        case EntryWait::operator_: return "it is paused: nothing is done about it";
        case EntryWait::none: break;
    }
    return {};
}

std::string script_words(const View& view, const EntryRecord& entry, const Forecast& forecast) {
    const bool counted = entry.reason != EntryReason::operator_ && entry.window.count > 0;
    const std::string which = counted ? attempt_words(forecast, entry.window.count) : std::string("by order, not counted");
    if (entry.script.process.pid == 0) return fmt::format("its restart script is about to run ({})", which);
    const std::string since = entry.begun ? fmt::format(" since {}", moment_words(view, *entry.begun)) : "";
    const std::string ending = entry.ending == EndingPhase::none ? "" : ", is over its limit and is being ended";
    return fmt::format("its restart script runs as pid {}{}{}: {}", entry.script.process.pid, since, ending, which);
}

std::string stop_words(const EntryRecord& entry) {
    const bool by_script = entry.script.kind == ScriptRecord::Kind::stop && entry.script.process.pid != 0;
    const std::string how = entry.ending == EndingPhase::killed ? ": KILL was sent"
                            : by_script                         ? fmt::format(" by its stop script, pid {}", entry.script.process.pid)
                                                                : "";
    return fmt::format("process {} is being stopped{}", entry.main.pid != 0 ? entry.main.pid : entry.shown_pid, how);
}

std::string over_reason(const EntryRecord& entry, const Forecast& forecast, const Pent& pent) {
    const RetryWindow& window = pent.group.empty() ? entry.window : entry.group_window;
    const std::string whose = pent.group.empty() ? "" : fmt::format(" of group {}", printable(pent.group));
    if (!forecast.rule.retries || !used_up(window, forecast.rule)) return "a process or script of it could not be ended";
    if (*forecast.rule.retries == 0) return "it was lost, and 0 restarts are allowed";
    return fmt::format("the {}{} in its window {} used up", count_words(*forecast.rule.retries, "restart"), whose,
                       *forecast.rule.retries == 1 ? "is" : "are");
}

Lines why(const View& view, const EntryRecord& entry, const Pent& pent, const Forecast& forecast) {
    Lines lines;
    const auto say = [&lines](std::string line) {
        if (!line.empty()) lines.push_back(std::move(line));
    };
    switch (entry.state) {
        case EntryState::unknown: say("pcheck has just started and has not looked yet"); break;
        case EntryState::avail:
            if (pent.counts()) {
                say(fmt::format("{} of it run, at least {} {} wanted", count_words(entry.proc_count.value_or(0), "process"),
                                pent.min.value_or(1), pent.min.value_or(1) == 1 ? "is" : "are"));
            } else {
                say(fmt::format("process {} runs", entry.main.pid));
            }
            if (entry.bad_checks > 0)
                say(fmt::format("{} in a row failed, {} make it stalled", count_words(entry.bad_checks, "health check"),
                                pent.check_failures));
            break;
        case EntryState::down:
            say(reason_words(entry));
            say(wait_words(view, entry, forecast));
            break;
        case EntryState::restart:
            if (entry.reason != EntryReason::operator_) say(reason_words(entry));
            say(script_words(view, entry, forecast));
            break;
        case EntryState::start: say("its restart script ended well, and its process is awaited"); break;
        case EntryState::stall:
            say(reason_words(entry));
            say(stop_words(entry));
            break;
        case EntryState::retry_over:
        case EntryState::hold:
            say(over_reason(entry, forecast, pent));
            if (entry.reason != EntryReason::none && entry.reason != EntryReason::operator_) say(reason_words(entry));
            if (entry.seen.pid != 0)
                say(fmt::format("process {} runs again: somebody has started it, and pcheck does not watch it yet", entry.seen.pid));
            break;
    }
    if (entry.state == EntryState::avail || entry.state == EntryState::unknown) return lines;
    if (!entry.last_failure.empty())
        say(fmt::format("its last restart script failed at {}: {}", time_words(view, entry.last_failure_at),
                        printable(entry.last_failure)));
    return lines;
}

// ---- next ----

// What the gate, met at `forecast.gate`, says.
std::string gate_words(const View& view, const EntryRecord& entry, const Forecast& forecast) {
    if (forecast.timetable.attempts.empty()) return forecast.timetable.retry_over ? over_words(entry.action) : std::string();
    if (!forecast.held_up_by.empty()) {
        const std::string& name = forecast.held_up_by.front();
        return fmt::format("its restart script waits for {}, which is {}", printable(name), state_words_of(view, name));
    }
    const Attempt& first = forecast.timetable.attempts.front();
    const std::string which = attempt_words(forecast, first.number);
    const std::string whose =
        entry.group.empty() ? "its restart script runs" : fmt::format("the scripts of group {} run", printable(entry.group));
    if (forecast.gate && first.at > *forecast.gate) return fmt::format("{} begins at {}", which, moment_words(view, first.at));
    return fmt::format("{}: {} in this window", whose, which);
}

std::string then(std::string_view lead, const std::string& what) {
    return what.empty() ? std::string(lead) : fmt::format("{}, {}", lead, what);
}

std::string next_words(const View& view, const EntryRecord& entry, const Pent& pent, const Forecast& forecast) {
    const std::string at = forecast.at ? "at " + moment_words(view, *forecast.at) : std::string();
    const std::string gate = gate_words(view, entry, forecast);
    switch (forecast.next) {
        case NextAction::confirm_deadline:
        case NextAction::attempt: return then(fmt::format("{} it is looked for once more; if it is not there", at), gate);
        case NextAction::script_limit:
            return fmt::format("{} the script is over its limit of {} and is ended (TERM, KILL {} later); then the attempt has failed", at,
                               span_words(pent.script_timeout), span_words(view.param.script_kill_wait));
        case NextAction::kill_script: return fmt::format("{} the script is killed if it still runs", at);
        case NextAction::start_deadline: return then(fmt::format("{} the attempt has failed if the process is not there; then", at), gate);
        case NextAction::kill: return fmt::format("{} the process is killed if it still runs", at);
        case NextAction::give_up:
            return fmt::format("{} it is given up if what was killed is still there: {}", at, over_words(entry.action));
        case NextAction::hold_end: return then(fmt::format("{} the counters are cleared; if it is not there then", at), gate);
        case NextAction::resume: return then(fmt::format("{} the pause ends; if it is not there then", at), gate);
        case NextAction::stable: return fmt::format("{} the counters are cleared if it has stayed up until then (stable)", at);
        case NextAction::check: return fmt::format("{} its health check runs", at);
        case NextAction::check_limit: return fmt::format("{} its health check, which runs now, counts as bad", at);
        case NextAction::heartbeat_deadline: return fmt::format("{} it is stalled unless a heartbeat has come", at);
        case NextAction::reminder: return fmt::format("{} a reminder is logged; nothing else happens until somebody acts", at);
        case NextAction::first_look: return "pcheck looks for it";
        case NextAction::slot: return then("as soon as there is a place it is looked for once more; if it is not there", gate);
        case NextAction::dependency:
            return "as soon as that is AVAIL it is looked for once more; if it is not there, its restart script runs";
        case NextAction::group_turn: return "its turn comes when the members ahead of it are there";
        case NextAction::script_end: return "the end of the script is awaited, without limit";
        case NextAction::process_end: return "the end of the process is awaited, without limit: it is not killed";
        case NextAction::process_seen: return "nothing, until somebody starts the process: then it is AVAIL again";
        case NextAction::order: return "nothing, until somebody acts";
        case NextAction::none: return then("nothing is due; if it crashed now", gate);
    }
    return {};
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
        lines.push_back(fmt::format("no window is running: {} in {} are allowed, counted from the first{}",
                                    count_words(*forecast.rule.retries, "restart"), grace, whose));
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
    if (table.attempts.empty()) return {};
    Lines lines;
    for (const Attempt& attempt : table.attempts)
        lines.push_back(fmt::format("{}  {}", moment_words(view, attempt.at), attempt_words(forecast, attempt.number)));
    if (table.more > 0) lines.push_back(fmt::format("... and {} more", table.more));
    if (table.retry_over) {
        lines.push_back(fmt::format("{}  {}", moment_words(view, *table.retry_over), over_words(entry.action)));
    } else {
        lines.emplace_back(forecast.rule.retries
                               ? "... then the window has passed, and the count starts anew: it is never given up at this pace"
                               : "... and so on: retries are unlimited");
    }
    return lines;
}

// ---- what a person can do ----

Lines advice(const View& view, const EntryRecord& entry, const Forecast& forecast) {
    Lines lines;
    const auto say = [&](std::string_view order, std::string_view what) {
        lines.push_back(fmt::format("{}  {}", command_words(view, order, entry), what));
    };
    if (entry.state == EntryState::retry_over || entry.state == EntryState::hold) {
        say("clear", entry.seen.pid != 0 ? "counters to 0, and the process is watched again"
                                         : "when mended: counters to 0, a fresh look, its script if it is not there");
        say("restart", "stop it if it runs, and start it through its script now");
    } else if (entry.paused) {
        say("start", "ends the pause");
    } else if (entry.state == EntryState::down && entry.wait != EntryWait::script) {
        say("restart", "starts it now, past every wait, not counted");
    } else if (entry.state == EntryState::restart && forecast.next == NextAction::script_end && entry.script.process.pid != 0) {
        lines.push_back(fmt::format("ps f -g {0}  what it does; kill -- -{0} ends it, then the attempt has failed", entry.script.group));
    }
    return lines;
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
    if (view.header.life == Life::ended) {
        lines.push_back(fmt::format("pcheck has ended: {}; this is how it was then", printable(view.header.reason)));
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
    add("why", why(view, entry, *pent, future));
    if (view.header.life != Life::ended) {
        add("next", {next_words(view, entry, *pent, future)});
        add("limits", limits(view, entry, *pent, future));
        add(entry.state == EntryState::avail ? "if it were lost, and every attempt failed at once:" : "if every attempt failed at once:",
            timetable(view, entry, future));
    }
    if (!findings.refused.empty())
        add("refused",
            {fmt::format("its script would not be run now: {}; pcheck looks again before each run", printable(findings.refused))});
    if (!findings.output.empty()) {
        Lines lines{
            fmt::format("the last lines in {}, where every script of this pcheck writes to:", printable(view.param.script_output_file))};
        for (const std::string& line : findings.output) lines.push_back("  " + printable(line));
        add("output", std::move(lines));
    }
    if (view.header.life != Life::ended) add("you can", advice(view, entry, future));
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
