// SPDX-License-Identifier: Apache-2.0
#include "padmin/view.hpp"

#include <algorithm>

#include "common/pfile.hpp"
#include "common/text.hpp"

namespace banken {

namespace {

// A dump says nowhere when it was written: not before the newest that it holds.
Now newest_in(const View& view, const HeartbeatRecord& beat) {
    Now now{.instant = beat.instant, .wall = beat.wall, .ticks = 0};
    const auto consider = [&now](Instant instant, WallTime wall) {
        if (instant > now.instant) now = {.instant = instant, .wall = wall, .ticks = 0};
    };
    for (const EntryRecord& entry : view.entries) consider(entry.since, entry.since_wall);
    for (const TraceRecord& record : view.trace) consider(record.instant, record.wall);
    return now;
}

}  // namespace

Result<View> read_view(const SegmentReader& reader, std::optional<Now> now, std::size_t traces) {
    auto header = reader.header();
    if (!header) return Failure(header.error());
    auto param = reader.param();
    if (!param) return Failure(param.error());
    auto entries = reader.entries();
    if (!entries) return Failure(entries.error());
    auto resources = reader.resources();
    if (!resources) return Failure(resources.error());
    std::erase_if(*resources, [](const ResourceRecord& resource) { return resource.resource_id == 0; });  // removed
    auto trace = reader.trace(now ? traces : std::max<std::size_t>(traces, 1));
    if (!trace) return Failure(trace.error());
    const auto beat = reader.heartbeat();
    if (!beat) return Failure(beat.error());
    View view;
    view.key = reader.key();
    view.header = *std::move(header);
    view.param = *std::move(param);
    view.entries = *std::move(entries);
    view.resources = *std::move(resources);
    view.trace = *std::move(trace);
    view.dumped = !now;
    view.now = now.value_or(newest_in(view, *beat));
    view.last_turn = beat->instant;  // looked for orders; what has happened since was a turn too
    for (const EntryRecord& entry : view.entries) view.last_turn = std::max(view.last_turn, entry.since);
    return view;
}

const ResourceRecord* resource_of(const View& view, std::string_view tag) {
    const auto found = std::ranges::find(view.resources, tag, &ResourceRecord::tag);
    return found == view.resources.end() ? nullptr : &*found;
}

std::string_view message_of(const View& view) {
    switch (view.header.busy) {
        case Busy::reload: return "reload";
        case Busy::shutdown: return "shutdown";
        case Busy::no: break;
    }
    if (view.header.ending != ResourceEnd::no) return "shutdown";  // until all resources are out
    return !view.entries.empty() && std::ranges::all_of(view.entries, &EntryRecord::paused) ? "stop" : "start";
}

std::string_view owner_of(const View& view) { return !view.alive ? "dead" : view.stopped ? "stopped" : "alive"; }

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

const ResourceRecord* resource_of(const View& view, const TraceRecord& record) {
    if (!is_about_a_resource(record)) return nullptr;
    const auto found = std::ranges::find(view.resources, record.key & ~resource_trace_bit, &ResourceRecord::key);
    return found == view.resources.end() ? nullptr : &*found;
}

EntriesByKey::EntriesByKey(const View& view) {
    for (const EntryRecord& entry : view.entries) entries_.try_emplace(entry.key, &entry);
}

const EntryRecord* EntriesByKey::of(const TraceRecord& record) const {
    const auto entry = entries_.find(record.key);
    return record.key == 0 || entry == entries_.end() ? nullptr : entry->second;
}

std::vector<std::pair<std::string_view, std::string_view>> capabilities_of(const View& view) {
    std::vector<std::pair<std::string_view, std::string_view>> found;
    for (const std::string_view line : split(view.header.capabilities, '\n')) {
        const auto sign = line.find('=');
        if (sign != line.npos) found.emplace_back(trimmed(line.substr(0, sign)), trimmed(line.substr(sign + 1)));
    }
    return found;
}

bool is_dry_run(const View& view) {
    return std::ranges::any_of(capabilities_of(view), [](const auto& one) { return one.first == "dry_run" && one.second == "yes"; });
}

const EntryRecord* other_follower(const View& view, const EntryRecord& entry, ProcessId process) {
    const auto follows = [&](const EntryRecord& other) { return other.key != entry.key && other.main == process && !is_given_up(other); };
    const auto other = process.pid == 0 ? view.entries.end() : std::ranges::find_if(view.entries, follows);
    return other == view.entries.end() ? nullptr : &*other;
}

std::vector<Group> groups_of(const View& view) {
    std::vector<Group> groups;
    for (const EntryRecord& entry : view.entries) {
        if (entry.group.empty()) continue;
        auto group = std::ranges::find(groups, entry.group, &Group::name);
        if (group == groups.end()) group = groups.insert(groups.end(), Group{entry.group, {}});
        group->members.push_back(&entry);
    }
    return groups;
}

WallTime wall_of(const View& view, Instant instant) { return view.now.wall + (instant - view.now.instant); }

bool window_has_passed(const View& view, const EntryRecord& entry) { return entry.window_ends && *entry.window_ends <= view.now.instant; }

Result<Pent> pent_of(const View& view, const EntryRecord& entry) {
    auto pent = parse_pent(entry.line, view.param);
    return pent ? std::move(pent) : Failure(pent.error().in("its line in the pfile"));
}

std::string waits_for(const EntryRecord& entry) {
    const std::string_view word = text_of(entry.wait);
    if (entry.waits_for.empty()) return std::string(word);
    return fmt::format("{}{} {}", word, entry.wait == EntryWait::group ? " dependency" : "", entry.waits_for);
}

}  // namespace banken
