// SPDX-License-Identifier: Apache-2.0
#include "padmin/losses.hpp"

#include <algorithm>

#include "common/text.hpp"
#include "padmin/words.hpp"

namespace banken {

std::string loss_words(const EntryRecord& entry) {
    const std::string process = entry.lost_pid == 0 ? "its process" : fmt::format("process {}", entry.lost_pid);
    const std::string why = entry.lost_why.empty() ? "" : fmt::format(": {}", printable(entry.lost_why));
    switch (entry.lost_by) {
        case EntryReason::down: return fmt::format("{} ended{}", process, why);
        case EntryReason::stall: return fmt::format("{} was stalled{}", process, why);
        case EntryReason::limit: return fmt::format("{} was over a limit{}", process, why);
        case EntryReason::absent: return "it was not there";
        case EntryReason::operator_: return "somebody has ordered it (restart)";
        case EntryReason::group:
        case EntryReason::none: break;
    }
    return {};
}

namespace {

// Of a group: the member whose loss has led to its present or last round.
const EntryRecord* culprit_of(const View& view, const EntryRecord& entry) {
    const EntryRecord* latest = nullptr;
    for (const EntryRecord& member : view.entries) {
        if (member.group != entry.group || !member.lost_at) continue;
        const bool before = entry.group_wait != EntryWait::none || !entry.group_begun || *member.lost_at <= *entry.group_begun;
        if (before && (!latest || *member.lost_at > *latest->lost_at)) latest = &member;
    }
    return latest;
}

// A stop that is under way has no cause of its end yet; the record still has that of an end before.
std::string trouble_words(const EntryRecord& entry, std::string_view what) {
    const std::string pid = entry.shown_pid == 0 ? std::string() : fmt::format(" {}", entry.shown_pid);
    const std::string why = entry.trouble.empty() ? "" : fmt::format(": {}", printable(entry.trouble));
    const bool ended = entry.state != EntryState::stall && entry.main.pid == 0 && !entry.last_cause.empty();
    return fmt::format("its process{} was {}{}{}", pid, what, why,
                       ended ? fmt::format("; it was stopped: {}", printable(entry.last_cause)) : "");
}

std::string group_restart_words(const View& view, const EntryRecord& entry) {
    const std::string culprit = culprit_words(view, entry);
    return fmt::format("its group {} is being restarted{}{}", printable(entry.group), culprit.empty() ? "" : "; it began with ", culprit);
}

// An ordered run of the script is not counted, and sets no begin of its group.
bool is_restarted_by_order(const EntryRecord& entry) {
    if (!entry.begun || (entry.lost_at && *entry.begun < *entry.lost_at)) return false;
    if (!entry.group.empty()) return !entry.group_begun || *entry.group_begun < *entry.begun;
    return entry.window.count == 0 || entry.lost_by == EntryReason::operator_;
}

constexpr Duration tick = std::chrono::milliseconds(10), blur = std::chrono::seconds(1);

// For how long it has run; a dump says that of nobody.
std::optional<Duration> age_of(const View& view, ProcessId id) {
    return id.pid == 0 || view.now.ticks < id.start ? std::nullopt : std::optional((view.now.ticks - id.start) * tick);
}

// It ran before the script began: the script has not started it.
bool is_older(const View& view, ProcessId id, Instant begun) {
    const auto age = age_of(view, id);
    return age && *age > view.now.instant - begun + blur;
}

// Behind how it was restarted, where that was another process: one that began to run while the entry was AVAIL.
std::string successor_words(const View& view, const EntryRecord& entry) {
    const auto age = age_of(view, entry.main);
    const bool younger = age && entry.state == EntryState::avail && *age + blur < view.now.instant - entry.since;
    return younger ? fmt::format("; process {} has taken over from the one that was started then", entry.main.pid) : "";
}

}  // namespace

std::string culprit_words(const View& view, const EntryRecord& entry) {
    const EntryRecord* culprit = culprit_of(view, entry);
    const std::string loss = culprit ? loss_words(*culprit) : std::string();
    return loss.empty() ? loss : fmt::format("{}{}: {}", printable(culprit->name), culprit == &entry ? " itself" : "", loss);
}

std::string restarted_words(const View& view, const EntryRecord& entry, const Forecast& forecast) {
    if (entry.group_turn != 0 || entry.group_wait != EntryWait::none) return {};
    const bool by_order = is_restarted_by_order(entry), alone = by_order || entry.group.empty();
    const auto begun = alone ? entry.begun : entry.group_begun;
    if (!begun) return {};
    const std::string at = moment_words(view, *begun), since = successor_words(view, entry);
    const bool older = is_older(view, entry.main, *begun);
    if (by_order) return older ? "" : fmt::format("restarted at {} by order{}", at, since);
    if (forecast.window.count == 0) return {};
    const EntryRecord* lost = alone ? &entry : culprit_of(view, entry);
    const std::string why = lost && lost->lost_at ? loss_words(*lost) : std::string();
    if (why.empty()) return alone || older ? "" : fmt::format("restarted with its group at {}{}", at, since);
    if (*begun < *lost->lost_at)
        return fmt::format("lost at {}: {}; it came back without its script", moment_words(view, *lost->lost_at), why);
    if (older) return {};
    if (lost == &entry) return fmt::format("restarted at {}: {}{}", at, why, since);
    return fmt::format("restarted with its group at {}; it began with {}{}", at, culprit_words(view, entry), since);
}

std::string reason_words(const View& view, const EntryRecord& entry) {
    const pid_t lost = entry.lost_pid != 0 ? entry.lost_pid : entry.shown_pid;
    const std::string pid = lost == 0 ? std::string() : fmt::format(" {}", lost);
    const std::string cause = entry.last_cause.empty() ? "" : fmt::format(": {}", printable(entry.last_cause));
    switch (entry.reason) {
        case EntryReason::down: return fmt::format("its process{} ended{}", pid, cause);
        case EntryReason::absent: return "pcheck has looked for it and has not found it";
        case EntryReason::stall: return trouble_words(entry, "stalled");
        case EntryReason::limit: return trouble_words(entry, "over a limit");
        case EntryReason::operator_: return "somebody has ordered it (restart)";
        case EntryReason::group: return group_restart_words(view, entry);
        case EntryReason::none: break;
    }
    return {};
}

}  // namespace banken
