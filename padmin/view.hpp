// SPDX-License-Identifier: Apache-2.0
// What padmin shows of one pcheck: read once from a segment or a dump, then only looked at.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/pfile.hpp"
#include "common/resource_record.hpp"
#include "common/result.hpp"
#include "common/segment_reader.hpp"
#include "common/segment_records.hpp"

namespace banken {

struct View {
    std::uint32_t key = 0;
    bool alive = true;           // its owner lives
    bool stopped = false;        // and is stopped by a signal
    bool dumped = false;         // read from a dump
    bool file_is_newer = false;  // the pfile was changed after it was loaded
    HeaderRecord header;
    ParamRecord param;
    std::vector<EntryRecord> entries;       // in the order of the file
    std::vector<ResourceRecord> resources;  // likewise
    std::vector<TraceRecord> trace;         // oldest first, as many as were wanted
    Now now;                                // when it was read; of a dump: when it was written
    Instant last_turn{};                    // of pcheck's main loop
    std::optional<uid_t> user;              // whom pcheck runs as; unset for a dump
};

// now: unset for a dump. `traces`: how many trace records are wanted at most.
[[nodiscard]] Result<View> read_view(const SegmentReader& reader, std::optional<Now> now, std::size_t traces);

// "start", "stop" (every entry is paused), "reload", "shutdown": MESSAGE_BOX and message.
[[nodiscard]] std::string_view message_of(const View& view);

// "alive", "stopped", "dead".
[[nodiscard]] std::string_view owner_of(const View& view);

struct Counts {
    std::size_t stopped = 0, failed = 0, all = 0;
};
[[nodiscard]] Counts counts_of(const View& view);

// The entries that a NAME or an ID names, all for an empty one. Digits only: an id.
[[nodiscard]] std::vector<const EntryRecord*> entries_of(const View& view, std::string_view target);

// The resource of that tag; null: there is none.
[[nodiscard]] const ResourceRecord* resource_of(const View& view, std::string_view tag);

// The resource that a record is about; null: none, or one that was removed.
[[nodiscard]] const ResourceRecord* resource_of(const View& view, const TraceRecord& record);
[[nodiscard]] constexpr bool is_about_a_resource(const TraceRecord& record) { return (record.key & resource_trace_bit) != 0; }

// Which entry a record is about. The view must outlive it.
class EntriesByKey {
public:
    explicit EntriesByKey(const View& view);
    // Null: about none, or about one that was removed.
    [[nodiscard]] const EntryRecord* of(const TraceRecord& record) const;

private:
    std::unordered_map<std::uint32_t, const EntryRecord*> entries_;
};

// What pcheck has found that this host can do: {"cause_pidfd", "yes"}, in its order.
[[nodiscard]] std::vector<std::pair<std::string_view, std::string_view>> capabilities_of(const View& view);

// Its pcheck is no more, by an end or a kill: nothing is foretold.
[[nodiscard]] inline bool has_ended(const View& view) { return view.header.life == Life::ended || !view.alive; }

// It was started with --dry-run: it runs and signals nothing.
[[nodiscard]] bool is_dry_run(const View& view);

[[nodiscard]] inline bool is_given_up(const EntryRecord& entry) {
    return entry.state == EntryState::retry_over || entry.state == EntryState::hold;
}
// Of one that was given up: somebody has started it again, or it was left running. 0: it is not known to run.
[[nodiscard]] inline pid_t running_pid(const EntryRecord& entry) { return entry.seen.pid != 0 ? entry.seen.pid : entry.main.pid; }

// Another entry that follows this process; null: none is known to.
[[nodiscard]] const EntryRecord* other_follower(const View& view, const EntryRecord& entry, ProcessId process);

struct Group {
    std::string name;
    std::vector<const EntryRecord*> members;  // in the order of the file
};
// In the order of their first members.
[[nodiscard]] std::vector<Group> groups_of(const View& view);

// `instant` as printed.
[[nodiscard]] WallTime wall_of(const View& view, Instant instant);

// The window of the entry has ended: its count starts anew at the next loss.
[[nodiscard]] bool window_has_passed(const View& view, const EntryRecord& entry);

// The entry's PENT line with the defaults of the running configuration; users are not resolved. Fails when a later version wrote it.
[[nodiscard]] Result<Pent> pent_of(const View& view, const EntryRecord& entry);

// "delay", "dependency db": what a DOWN entry waits for; empty for others.
[[nodiscard]] std::string waits_for(const EntryRecord& entry);

}  // namespace banken
