// SPDX-License-Identifier: Apache-2.0
#include "padmin/explain.hpp"

#include <algorithm>
#include <iterator>

#include "common/sys/clock.hpp"
#include "common/text.hpp"
#include "padmin/outlook.hpp"
#include "padmin/reasons.hpp"
#include "padmin/words.hpp"

namespace banken {
namespace {

using Lines = std::vector<std::string>;

constexpr std::size_t label_width = 8;
constexpr Duration hangs = std::chrono::seconds(10);  // beyond MSG_CHECK_INTERVAL: the main loop does not turn

// ---- what a person can do ----

constexpr std::string_view near_words = "which processes nearly fit, and what they lack";

// Two entries on one process stop and restart it twice.
std::string telling_apart(const View& view, const EntryRecord& entry, const EntryRecord& other) {
    return fmt::format("a filter (args, exe, user, cgroup or pidfile: pfile(5)) in the line of {} or {} tells the two apart; then {}",
                       printable(entry.name), printable(other.name), command_words(view, "reload"));
}

// Given up: its script runs by itself after a clear only where that leaves it a retry.
void advise_given_up(Lines& lines, const View& view, const EntryRecord& entry, const Forecast& forecast, std::string_view once_mended) {
    if (const EntryRecord* other = other_follower(view, entry, entry.seen)) {
        lines.push_back(telling_apart(view, entry, *other));
        lines.push_back(fmt::format("clear and restart, before that, take process {} for its own", entry.seen.pid));
        return;
    }
    const auto say = [&](std::string_view order, const std::string& what) {
        lines.push_back(fmt::format("{}  {}", command_words(view, order, entry), what));
    };
    const std::string group = entry.group.empty() ? "" : fmt::format("; so for all members of group {}", printable(entry.group));
    const bool runs = running_pid(entry) != 0, none_allowed = forecast.rule.retries == 0;
    if (entry.paused) {
        say("clear", fmt::format("counters to 0, and a fresh look; it stays paused: start as well{}", group));
    } else if (runs) {
        say("clear", "counters to 0, and the process is watched again" + group);
    } else if (!none_allowed) {
        say("clear", "when mended: counters to 0, a fresh look, its script if it is not there" + group);
    }
    const std::string_view others = entry.group.empty() ? "" : "; the others of its group are looked for afresh";
    say("restart", fmt::format("{}{} its script now{}", once_mended,
                               runs ? "stop it, and start it through" : "watch it again, and start it through", others));
    if (runs) return;
    if (none_allowed)
        lines.push_back(command_words(view, "reload") + "  with more retries in its line of the pfile: then its script runs by itself");
    say("match", std::string(near_words));
}

// What `start` leads to.
std::string resume_words(const EntryRecord& entry, const Pent& pent, const Forecast& forecast) {
    if (is_given_up(entry)) return "ends the pause; it stays given up";
    if (entry.state != EntryState::down || pent.script.none()) return "ends the pause";
    if (forecast.left != 0u) return "ends the pause: a fresh look, and its script if it is not there";
    const bool never = forecast.rule.retries == 0u;
    return fmt::format("ends the pause: a fresh look; if it is not there then, {} ({})", over_words(entry),
                       never ? "0 restarts are allowed" : "no restarts left; clear first");
}

Lines advice(const View& view, const EntryRecord& entry, const Pent& pent, const Forecast& forecast, const Findings& findings) {
    Lines lines;
    const auto say = [&](std::string_view order, std::string_view what) {
        lines.push_back(fmt::format("{}  {}", command_words(view, order, entry), what));
    };
    const bool refused = !findings.refused.empty() && !is_dry_run(view);
    const std::string_view once_mended = refused ? "once its script is mended: " : "";
    if (refused) lines.emplace_back("mend its script first (refused): each attempt fails at once");
    if (entry.paused) say("start", resume_words(entry, pent, forecast));
    if (entry.looked_for) return lines;
    if (is_given_up(entry)) {
        advise_given_up(lines, view, entry, forecast, once_mended);
    } else if (entry.state == EntryState::down && !entry.paused && entry.wait != EntryWait::script) {
        for (const std::string& name : forecast.held_up_by)
            for (const EntryRecord* other : entries_of(view, name))
                lines.push_back(command_words(view, "explain", *other) + "  why that is not up");
        if (!pent.script.none()) say("restart", fmt::format("{}starts it now, past every wait, not counted", once_mended));
        if (entry.reason == EntryReason::absent) say("match", near_words);
    } else if (entry.state == EntryState::down && entry.wait == EntryWait::script) {
        if (!is_dry_run(view)) lines.emplace_back("start it by hand: it has no restart script, and is watched when it is there");
        say("match", near_words);
    } else if (entry.state == EntryState::start) {
        say("match", near_words);
    } else if (entry.state == EntryState::restart && entry.script.process.pid != 0) {
        lines.push_back(fmt::format("ps f -g {0}  what it does; kill {1}-- -{0} ends it, then the attempt has failed", entry.script.group,
                                    entry.ending == EndingPhase::none ? "" : "-KILL "));  // TERM was sent, and has not ended it
    } else if (forecast.next == NextAction::process_end && entry.main.pid != 0) {
        lines.push_back(fmt::format("kill -KILL {}  ends it by force", entry.main.pid));
    } else if (entry.state == EntryState::avail && pent.max && entry.proc_count > *pent.max) {
        say("match", "lists them");
    } else if (entry.state == EntryState::avail && !entry.paused && forecast.left == 0u && forecast.rule.retries > 0u) {
        say("clear", "counters to 0: it may be restarted again");
    }
    if (const EntryRecord* other = other_follower(view, entry, entry.main)) lines.push_back(telling_apart(view, entry, *other));
    const bool by_check = is_in_doubt(entry) || entry.trouble.find("health check") != std::string::npos;
    if (by_check && !pent.check.none()) lines.push_back(fmt::format("{}  its check, to run by hand", printable(pent.check.text)));
    if (view.file_is_newer)
        lines.push_back(command_words(view, "reload -t") + "  the pfile was changed after pcheck read it: what a reload would do");
    return lines;
}

// Nothing watches it any more: only a new pcheck helps.
Lines advice_without_pcheck(const View& view, const EntryRecord& entry) {
    const bool well = entry.state == EntryState::avail;
    const std::string_view what = view.alive
                                      ? (well ? "watches again, with counters at 0" : "when mended: watches again, with counters at 0")
                                      : "watches again, and goes on from this state";
    return {fmt::format("{}  {}", start_words(view), what)};
}

std::string state_line(const View& view, const EntryRecord& entry) {
    std::string line = fmt::format("{} (pent_id {}) is {}", printable(entry.name), entry.pent_id, text_of(entry.state));
    const std::string wait = entry.wait != EntryWait::script ? waits_for(entry) : is_dry_run(view) ? "dry run" : "no script";
    if (!wait.empty()) line += fmt::format(" ({})", printable(wait));
    return line + fmt::format(" since {}", moment_words(view, std::min(entry.since_wall, view.now.wall)));
}

Lines state_lines(const View& view, const EntryRecord& entry) {
    Lines lines{state_line(view, entry)};
    if (entry.paused) lines.push_back(pause_words(view, entry.paused_since, entry.paused_until));
    const Lines common = condition_lines(view);
    lines.insert(lines.end(), common.begin(), common.end());
    return lines;
}

Lines outlook(const View& view, const EntryRecord& entry, const Pent& pent, const Forecast& forecast, const Findings& findings) {
    Lines lines = next_lines(view, entry, pent, forecast);
    if (findings.gone) lines.emplace_back("its process is gone: what is said of a crash comes as soon as pcheck notices");
    if (findings.refused.empty() || forecast.timetable.attempts.empty() || is_dry_run(view)) return lines;
    lines.push_back(fmt::format("as its script is now, {} fails at once: {}",
                                attempt_words(forecast, forecast.timetable.attempts.front().number), printable(findings.refused)));
    return lines;
}

std::string_view timetable_label(const EntryRecord& entry, const Forecast& forecast) {
    if (forecast.timetable.attempts.empty()) return "if it were lost:";
    if (entry.state == EntryState::avail || (entry.state == EntryState::hold && running_pid(entry) != 0))
        return "if it were lost, and every attempt failed at once:";
    if (entry.state == EntryState::restart) return "if this script failed now, and every attempt after it at once:";
    if (entry.state == EntryState::stall && entry.reason == EntryReason::operator_)
        return "if the script by order failed at once, and every attempt after it:";
    return "if every attempt failed at once:";
}

Lines refused_lines(const Findings& findings) {
    Lines lines;
    if (!findings.refused.empty())
        lines.push_back(
            fmt::format("its script would not be run now: {}; pcheck looks again before each run", printable(findings.refused)));
    if (!findings.check_refused.empty())
        lines.push_back(fmt::format("its check cannot be run: {}; so nobody checks it", printable(findings.check_refused)));
    return lines;
}

// Who else matches it, and who else follows it. What a pidfile does not name is no rival.
Lines rivals(const View& view, const EntryRecord& entry, const Pent& pent) {
    Lines lines;
    const std::uint32_t matching = entry.proc_count.value_or(0);
    if (!pent.counts() && pent.pidfile.empty() && entry.state == EntryState::avail && matching > 1)
        lines.push_back(fmt::format("it is one of {} processes that match, those below another one of them among them; {} tells which",
                                    matching, command_words(view, "match", entry)));
    for (const EntryRecord& other : view.entries) {
        const bool same = entry.main.pid != 0 && other.main == entry.main && other.key != entry.key;
        if (same) lines.push_back(fmt::format("{} (pent_id {}) follows this process too", printable(other.name), other.pent_id));
    }
    return lines;
}

}  // namespace

Lines condition_lines(const View& view) {
    Lines lines;
    if (is_dry_run(view)) lines.emplace_back("pcheck was started with --dry-run: it watches and logs, and runs and signals nothing");
    if (view.header.life == Life::ended) {
        lines.push_back(fmt::format("pcheck has ended: {}; this is how it was then, at {}", printable(view.header.reason),
                                    sys::local_time_text(view.now.wall)));
    } else if (!view.alive) {
        lines.push_back(
            fmt::format("pcheck was killed, and its last turn was at {}; this is how it was then", moment_words(view, view.last_turn)));
    } else if (view.dumped) {
        lines.push_back(fmt::format("as it was when the dump was written, at {}", sys::local_time_text(view.now.wall)));
    } else if (view.stopped) {
        const pid_t pid = view.header.owner.id.pid;
        lines.push_back(fmt::format("pcheck (pid {0}) is stopped by a signal: nothing is watched; kill -CONT {0}", pid));
    } else if (view.now.instant - view.last_turn > view.param.msg_check_interval + hangs) {
        lines.push_back(fmt::format("pcheck's main loop has not turned for {}: what follows may not happen",
                                    span_words(view.now.instant - view.last_turn)));
    }
    return lines;
}

Lines output_lines(const View& view, const Findings& findings) {
    Lines lines;
    if (findings.output.empty()) return lines;
    lines.push_back(
        fmt::format("the last lines in {}, where every script of this pcheck writes to:", printable(view.param.script_output_file)));
    for (const std::string& line : findings.output) lines.push_back("  " + printable(line));
    return lines;
}

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
    add("why", reasons(view, entry, *pent, future, findings));
    const bool ended = has_ended(view);
    add("next", ended ? Lines{"nothing: pcheck has ended, and nobody watches it"} : outlook(view, entry, *pent, future, findings));
    add("limits", limit_lines(view, entry, *pent, future));
    if (!ended) {
        add(timetable_label(entry, future), is_dry_run(view) ? Lines() : timetable_lines(view, entry, future));
    }
    Lines process = rivals(view, entry, *pent);
    process.insert(process.end(), findings.process.begin(), findings.process.end());
    add("process", std::move(process));
    add("refused", refused_lines(findings));
    add("output", output_lines(view, findings));
    add("you can", ended ? advice_without_pcheck(view, entry) : advice(view, entry, *pent, future, findings));
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
