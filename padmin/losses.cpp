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

}  // namespace

std::string culprit_words(const View& view, const EntryRecord& entry) {
    const EntryRecord* culprit = culprit_of(view, entry);
    const std::string loss = culprit ? loss_words(*culprit) : std::string();
    return loss.empty() || culprit == &entry ? loss : fmt::format("{}: {}", printable(culprit->name), loss);
}

std::string restarted_words(const View& view, const EntryRecord& entry, const Forecast& forecast) {
    if (forecast.window.count == 0 || entry.group_turn != 0 || entry.group_wait != EntryWait::none) return {};
    const EntryRecord* lost = entry.group.empty() ? &entry : culprit_of(view, entry);
    const auto begun = entry.group.empty() ? entry.begun : entry.group_begun;
    if (!lost || !lost->lost_at || !begun || loss_words(*lost).empty()) return {};
    if (*begun < *lost->lost_at)
        return fmt::format("lost at {}: {}; it came back without its script", moment_words(view, *lost->lost_at), loss_words(*lost));
    if (lost == &entry) return fmt::format("restarted at {}: {}", moment_words(view, *begun), loss_words(entry));
    return fmt::format("restarted with its group at {}; it began with {}", moment_words(view, *begun), culprit_words(view, entry));
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
