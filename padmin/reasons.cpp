// SPDX-License-Identifier: Apache-2.0
#include "padmin/reasons.hpp"

#include <algorithm>

#include "common/text.hpp"
#include "padmin/explain.hpp"
#include "padmin/losses.hpp"
#include "padmin/words.hpp"

namespace banken {
std::string over_words(const EntryRecord& entry) {
    switch (entry.action) {
        case RetryOverAction::continue_:
            if (!entry.group.empty())
                return fmt::format("RETRY_OVER: group {} is left alone with all its members, all other entries go on",
                                   printable(entry.group));
            return "RETRY_OVER: it is left alone, all other entries go on";
        case RetryOverAction::exit: return "RETRY_OVER: exit ends pcheck with status 1";
        case RetryOverAction::shutdown: return "RETRY_OVER: shutdown ends pcheck with status 0";
        case RetryOverAction::hold:
            if (!entry.group.empty())
                return fmt::format("HOLD of all members of group {} until the window has passed", printable(entry.group));
            return "HOLD until the window has passed";
    }
    return {};
}

std::string attempt_words(const Forecast& forecast, unsigned number) {
    const std::string whose = forecast.rule.retries ? fmt::format("{} of {}", number, *forecast.rule.retries) : std::to_string(number);
    return fmt::format("attempt {}", whose);
}

std::string state_words_of(const View& view, std::string_view name) {
    const auto entries = entries_of(view, name);
    if (entries.empty()) return "not there";
    return fmt::format("{}{}", text_of(entries.front()->state), entries.front()->paused ? " and paused" : "");
}

std::string awaited_words(const EntryRecord& entry, const Forecast& forecast) {
    std::string names;
    for (const std::string& name : forecast.held_up_by) names += (names.empty() ? "" : " and ") + printable(name);
    return !names.empty() ? names : entry.waits_for.empty() ? "that" : printable(entry.waits_for);
}

namespace {

using Lines = std::vector<std::string>;

// What it uses beyond its limits, and what is not known yet.
void add_excess(Lines& lines, const View& view, const EntryRecord& entry, const Pent& pent) {
    const bool stops = pent.limit_restarts && !pent.script.none() && !is_dry_run(view);
    const auto judge = [&](const std::optional<Limit>& limit, std::optional<std::uint64_t> is, std::string_view what, auto shown) {
        if (!limit || entry.paused) return;
        const std::string allowed = fmt::format("{}, for at most {}", shown(limit->value), span_words(limit->lasting));
        if (!is) lines.push_back(fmt::format("its {} is not measured yet; its limit: {}", what, allowed));
        if (is_beyond(limit, is))
            lines.push_back(
                fmt::format("its {} of {} is over its limit: {}{}", what, shown(*is), allowed, stops ? "" : "; that is only logged"));
    };
    judge(pent.cpu, entry.cpu_permille, "use of the processor", [](auto value) { return fmt::format("{}.{} %", value / 10, value % 10); });
    judge(pent.rss, entry.rss_bytes, "memory (rss)", [](auto value) { return size_words(value); });
    judge(pent.fds, entry.fds, "number of descriptors", [](auto value) { return std::to_string(value); });
}

// What is waited for, and how each of them is.
std::string dependency_words(const View& view, const EntryRecord& entry, const Forecast& forecast) {
    std::string names;
    for (const std::string& name : forecast.held_up_by)
        names += fmt::format("{}{}, which is {}", names.empty() ? "" : "; ", printable(name), state_words_of(view, name));
    return names.empty() ? printable(entry.waits_for) : names;
}

std::string group_words(const View& view, const EntryRecord& entry, const Forecast& forecast) {
    const std::string group = printable(entry.group);
    if (entry.group_turn != 0) {
        const auto turn = std::ranges::find(view.entries, entry.group_turn, &EntryRecord::pent_id);
        if (turn == view.entries.end() || &*turn == &entry) return fmt::format("it is its turn in group {}", group);
        return fmt::format("in group {} it is the turn of {} (pent_id {}), which is {}", group, printable(turn->name), turn->pent_id,
                           text_of(turn->state));
    }
    if (entry.group_wait == EntryWait::dependency)
        return fmt::format("group {} comes after {}", group, dependency_words(view, entry, forecast));
    if (entry.group_wait == EntryWait::delay)
        return fmt::format("the last attempt of group {} began too recently: attempts keep a distance (delay)", group);
    return fmt::format("group {} is to be restarted", group);
}

std::string wait_words(const View& view, const EntryRecord& entry, const Forecast& forecast) {
    switch (entry.wait) {
        case EntryWait::confirm: return "somebody else may be starting it again: pcheck looks for a replacement first (confirm)";
        case EntryWait::delay: return "the last attempt began too recently: attempts keep a distance (delay)";
        case EntryWait::dependency: return fmt::format("it comes after {}", dependency_words(view, entry, forecast));
        case EntryWait::slot:
            if (entry.script.process.pid != 0) return fmt::format("its script of before, pid {}, still runs", entry.script.process.pid);
            return fmt::format("{} may begin within 5 s (SCRIPT_PARALLEL): it waits for its place",
                               count_words(view.param.script_parallel, "restart script"));
        case EntryWait::group: return group_words(view, entry, forecast);
        case EntryWait::script:
            return is_dry_run(view) ? "its restart script is not run (--dry-run): pcheck only reports it"
                                    : "it has no restart script: pcheck only reports it";
        case EntryWait::operator_: return "it is paused: nothing is done about it";
        case EntryWait::none: break;
    }
    return {};
}

std::string script_words(const View& view, const EntryRecord& entry, const Forecast& forecast) {
    const std::string which = entry.reason == EntryReason::operator_ ? "by order, not counted"
                              : entry.window.count == 0              ? "not counted any more, the counters were cleared meanwhile"
                                                                     : attempt_words(forecast, entry.window.count);
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

std::string count_mode_words(const EntryRecord& entry, const Pent& pent) {
    const unsigned least = pent.min.value_or(1), count = entry.proc_count.value_or(0);
    const std::string most = pent.max ? fmt::format(", and at most {}{}", *pent.max, count > *pent.max ? ": these are too many" : "") : "";
    return fmt::format("{} of it {}, at least {} {} wanted{}", count_words(count, "process"), count == 1 ? "runs" : "run", least,
                       least == 1 ? "is" : "are", most);
}

// What could not be ended still stands in the record.
std::string unended_words(const EntryRecord& entry) {
    if (entry.script.process.pid != 0) return fmt::format("its script, pid {}, could not be ended", entry.script.process.pid);
    const bool stopped = entry.reason != EntryReason::none && entry.reason != EntryReason::group;
    return entry.main.pid != 0 && stopped ? fmt::format("its process {} could not be ended", entry.main.pid) : "";
}

// Given up while its process ran: pcheck has left it alone.
bool is_left_running(const EntryRecord& entry) { return is_given_up(entry) && entry.main.pid != 0 && entry.reason == EntryReason::none; }

std::string over_reason(const EntryRecord& entry, const Forecast& forecast) {
    const bool alone = entry.group.empty();
    const RetryWindow& window = alone ? entry.window : entry.group_window;
    const std::string whose = alone ? "" : fmt::format(" of group {}", printable(entry.group));
    if (!forecast.rule.retries || !used_up(window, forecast.rule)) return {};
    if (*forecast.rule.retries == 0 && !alone) return fmt::format("a member{} failed, and 0 restarts are allowed", whose);
    if (*forecast.rule.retries == 0)
        return fmt::format("it {}, and 0 restarts are allowed", is_left_running(entry)                ? "failed"
                                                                : entry.reason == EntryReason::absent ? "was not there"
                                                                                                      : "was lost");
    return fmt::format("the {}{} in its window {} used up", count_words(*forecast.rule.retries, "restart"), whose,
                       *forecast.rule.retries == 1 ? "is" : "are");
}

// When the restarts were used up: what led there. A process that runs was left running, and then it was no loss that did.
std::string last_straw(const View& view, const EntryRecord& entry) {
    if (entry.reason == EntryReason::group) {
        if (entry.main.pid != 0) return {};
        const std::string_view when = "when the group was restarted";
        return entry.last_failure.empty() ? fmt::format("it did not come up {}", when)
                                          : fmt::format("restart script {} {}", printable(entry.last_failure), when);
    }
    if (entry.reason != EntryReason::none && entry.reason != EntryReason::operator_) return reason_words(view, entry);
    return entry.trouble.empty() ? "" : fmt::format("it failed: {}", printable(entry.trouble));
}

std::string presence_words(const View& view, const EntryRecord& entry, const Pent& pent) {
    if (pent.counts()) return count_mode_words(entry, pent) + "; nothing of it is watched";
    if (const EntryRecord* other = other_follower(view, entry, entry.seen))
        return fmt::format("process {} belongs to {} (pent_id {}), which follows it; {} itself does not run", entry.seen.pid,
                           printable(other->name), other->pent_id, printable(entry.name));
    if (entry.seen.pid != 0)
        return fmt::format("process {} runs again: somebody has started it, and pcheck does not watch it", entry.seen.pid);
    if (entry.main.pid != 0) return fmt::format("process {} of it still runs, and pcheck does not watch it", entry.main.pid);
    return {};
}

std::string member_words(const View& view, const EntryRecord& member) {
    const std::string_view watched = member.state == EntryState::avail ? "" : ", not watched";
    const auto pent = pent_of(view, member);
    if (pent && pent->counts()) return fmt::format("{}{}", count_mode_words(member, *pent), watched);
    const bool anothers = other_follower(view, member, member.seen) != nullptr;
    const pid_t pid = member.main.pid != 0 ? member.main.pid : anothers ? 0 : member.seen.pid;
    return pid != 0 ? fmt::format("process {} runs{}", pid, watched) : "no process of it is known to run";
}

bool has_failed(const EntryRecord& member) { return is_given_up(member) && member.reason != EntryReason::none; }

// What the restart of the group began with, who brought it down, and how each of the others is. Where nobody was lost it was one that was
// stalled.
void add_group(Lines& lines, const View& view, const EntryRecord& entry) {
    const auto in_group = [&](const EntryRecord& other) { return other.group == entry.group; };
    const bool lost = std::ranges::any_of(view.entries, [&](const auto& other) { return in_group(other) && has_failed(other); });
    const bool in_restart = std::ranges::any_of(
        view.entries, [&](const auto& other) { return in_group(other) && has_failed(other) && other.reason == EntryReason::group; });
    if (const std::string culprit = culprit_words(view, entry); in_restart && !culprit.empty()) lines.push_back("it began with " + culprit);
    for (const EntryRecord& member : view.entries) {
        if (!in_group(member)) continue;
        const bool failed = lost ? has_failed(member) : is_given_up(member) && !member.trouble.empty();
        const bool stalled = member.reason == EntryReason::none && !member.trouble.empty();
        const std::string straw = !failed ? std::string() : stalled ? printable(member.trouble) : last_straw(view, member);
        const std::string there = member_words(view, member);
        lines.push_back(fmt::format("group {}, {}{}: {}{}", printable(entry.group), printable(member.name),
                                    failed                 ? ", which has failed"
                                    : !is_given_up(member) ? fmt::format(", which is {}", text_of(member.state))
                                                           : "",
                                    straw.empty() ? "" : straw + "; ", there));
    }
}

Lines given_up(const View& view, const EntryRecord& entry, const Pent& pent, const Forecast& forecast) {
    const bool over = entry.state == EntryState::hold && !entry.timer;  // a clear leaves the timer
    if (entry.looked_for)
        return {fmt::format("{}, and pcheck looks for it at this moment", over ? "its hold has ended" : "it was cleared")};
    Lines lines{unended_words(entry), over_reason(entry, forecast)};
    const bool known = !lines[0].empty() || !lines[1].empty();
    if (!entry.group.empty()) {
        if (!known) lines.push_back(fmt::format("group {} was given up as a whole", printable(entry.group)));
        add_group(lines, view, entry);
        return lines;
    }
    if (!known) lines.emplace_back("a process or script of it could not be ended");
    lines.push_back(last_straw(view, entry));
    lines.push_back(presence_words(view, entry, pent));
    return lines;
}

// pcheck may not have noticed what padmin sees.
std::string running_words(const View& view, const EntryRecord& entry, const Findings& findings) {
    if (!findings.gone) return fmt::format("process {} runs", entry.main.pid);
    const std::string_view unnoticed = !view.alive    ? ""
                                       : view.stopped ? ", and pcheck has not noticed: it is stopped"
                                                      : ", and pcheck has not noticed yet";
    return fmt::format("process {} ran when pcheck last looked, at {}; it is gone now{}", entry.main.pid,
                       moment_words(view, view.last_turn), unnoticed);
}

// A check that is refused is told with its reason by itself, which would be cut here.
std::string health_words(const EntryRecord& entry, const Findings& findings) {
    const bool cut = !findings.check_refused.empty() && !entry.health.ends_with(')');
    return cut ? printable(entry.health.substr(0, entry.health.find(" ("))) : health_words(entry);
}

// Of a process that is no more only the check that has led to its stop is of interest.
std::string last_check_words(const EntryRecord& entry) {
    if (entry.health.empty()) return {};
    if (entry.main.pid != 0) return "its health: " + health_words(entry);
    return entry.reason == EntryReason::stall ? health_words(entry) : "";
}

void add_running(Lines& lines, const View& view, const EntryRecord& entry, const Pent& pent, const Forecast& forecast,
                 const Findings& findings) {
    const auto say = [&lines](std::string line) {
        if (!line.empty()) lines.push_back(std::move(line));
    };
    say(pent.counts() ? count_mode_words(entry, pent) : running_words(view, entry, findings));
    say(restarted_words(view, entry, forecast));
    if (!entry.trouble.empty() && !entry.health.starts_with("stalled"))
        say(fmt::format("it is stalled: {}, only reported", printable(entry.trouble)));
    if (is_in_doubt(entry))
        say(fmt::format("its health: {}{}", health_words(entry, findings), pent.script.none() ? ", only reported" : ""));
    if (entry.stall_told != 0) say("this stall is told already; it is told again only after it has worked in between");
    if (entry.paused)
        say(entry.paused_until ? "it is paused: until then nothing is done if it ends" : "it is paused: nothing is done if it ends");
    add_excess(lines, view, entry, pent);
    if (entry.group_turn != 0 || entry.group_wait != EntryWait::none) {
        say(group_words(view, entry, forecast));
        if (const std::string culprit = culprit_words(view, entry); !culprit.empty()) say("it began with " + culprit);
    }
}

}  // namespace

Lines reasons(const View& view, const EntryRecord& entry, const Pent& pent, const Forecast& forecast, const Findings& findings) {
    Lines lines;
    const auto say = [&lines](std::string line) {
        if (!line.empty()) lines.push_back(std::move(line));
    };
    switch (entry.state) {
        case EntryState::unknown: say("pcheck has just started and has not looked yet"); break;
        case EntryState::avail: add_running(lines, view, entry, pent, forecast, findings); break;
        case EntryState::down:
            say(reason_words(view, entry));
            if (pent.counts()) say(count_mode_words(entry, pent));
            say(wait_words(view, entry, forecast));
            break;
        case EntryState::restart:
            if (entry.reason != EntryReason::operator_) say(reason_words(view, entry));
            say(script_words(view, entry, forecast));
            if (pent.counts()) say(count_mode_words(entry, pent));
            break;
        case EntryState::start:
            if (entry.reason != EntryReason::operator_) say(reason_words(view, entry));
            if (entry.window.count > 0 && entry.reason != EntryReason::operator_)
                say(fmt::format("it is {} in this window", attempt_words(forecast, entry.window.count)));
            say("its restart script ended well, and its process is awaited (if it runs already, `match` says what it lacks)");
            if (pent.counts()) say(count_mode_words(entry, pent));
            break;
        case EntryState::stall:
            say(reason_words(view, entry));
            say(stop_words(entry));
            break;
        case EntryState::retry_over:
        case EntryState::hold:
            for (std::string& line : given_up(view, entry, pent, forecast)) say(std::move(line));
            break;
    }
    if (entry.state == EntryState::avail || entry.state == EntryState::unknown) return lines;
    say(last_check_words(entry));
    if (entry.last_failure.empty()) return lines;
    say(fmt::format("its last attempt failed at {}: restart script {}", time_words(view, entry.last_failure_at),
                    printable(entry.last_failure)));
    if (entry.last_failure.ends_with("has not appeared"))  // as pcheck says it of a script that ended well
        say("it may have started and ended again before it was seen: its own log tells");
    return lines;
}

}  // namespace banken
