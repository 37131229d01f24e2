// SPDX-License-Identifier: Apache-2.0
#include "padmin/view.hpp"

#include <algorithm>

namespace banken {

Result<View> read_view(const SegmentReader& reader, std::optional<Now> now) {
    auto header = reader.header();
    if (!header) return Failure(header.error());
    auto param = reader.param();
    if (!param) return Failure(param.error());
    auto entries = reader.entries();
    if (!entries) return Failure(entries.error());
    if (!now) {
        const auto beat = reader.heartbeat();
        if (!beat) return Failure(beat.error());
        now = Now{.instant = beat->instant, .wall = beat->wall, .ticks = 0};
    }
    View view;
    view.key = reader.key();
    view.header = *std::move(header);
    view.param = *std::move(param);
    view.entries = *std::move(entries);
    view.now = *now;
    return view;
}

std::string_view message_of(const View& view) {
    switch (view.header.busy) {
        case Busy::reload: return "reload";
        case Busy::shutdown: return "shutdown";
        case Busy::no: break;
    }
    return !view.entries.empty() && std::ranges::all_of(view.entries, &EntryRecord::paused) ? "stop" : "start";
}

Counts counts_of(const View& view) {
    const auto failed = [](const EntryRecord& entry) { return entry.state == EntryState::retry_over || entry.state == EntryState::hold; };
    return {.stopped = static_cast<std::size_t>(std::ranges::count_if(view.entries, &EntryRecord::paused)),
            .failed = static_cast<std::size_t>(std::ranges::count_if(view.entries, failed)),
            .all = view.entries.size()};
}

std::vector<const EntryRecord*> entries_of(const View& view, std::string_view target) {
    const bool by_id = std::ranges::all_of(target, [](char c) { return c >= '0' && c <= '9'; });
    std::vector<const EntryRecord*> found;
    for (const EntryRecord& entry : view.entries) {
        if (target.empty() || (by_id ? std::to_string(entry.pent_id) == target : entry.name == target)) found.push_back(&entry);
    }
    return found;
}

WallTime wall_of(const View& view, Instant instant) { return view.now.wall + (instant - view.now.instant); }

bool window_has_passed(const View& view, const EntryRecord& entry) { return entry.window_ends && *entry.window_ends <= view.now.instant; }

std::string waits_for(const EntryRecord& entry) {
    const std::string_view word = text_of(entry.wait);
    return entry.waits_for.empty() ? std::string(word) : fmt::format("{} {}", word, entry.waits_for);
}

}  // namespace banken
