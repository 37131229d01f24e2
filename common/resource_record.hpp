// SPDX-License-Identifier: Apache-2.0
// The records of resources in the shared segment; the rules of common/segment_records.hpp count.
#pragma once

#include "common/resource_state.hpp"
#include "common/segment_records.hpp"

namespace banken {

// A script of a resource that runs, or is about to.
struct ResourceRunRecord {
    std::uint32_t script = 0;  // 0: none; else ResourceScript + 1
    ProcessId process;         // pid 0: not started yet
    Instant begun{};
    Duration limit{};  // 0: none
    EndingPhase ending = EndingPhase::none;
    std::optional<Instant> deadline;  // of the limit, then of the ending
    bool unwanted = false, recovery = false;
    std::uint64_t stage = 0;

    friend bool operator==(const ResourceRunRecord&, const ResourceRunRecord&) = default;
};
inline constexpr std::uint32_t most_resource_scripts = 8;

struct ResourceRecord {
    static constexpr std::size_t most_recoveries = 128, most_unended = 16;

    std::uint32_t resource_id = 0;  // 1..n, order of the file, whatever its place in the table; 0: removed, a script of it still runs
    std::uint32_t key = 0;          // the core's, 0: the place is free; trace records name it with resource_trace_bit
    std::uint32_t kind = 0;         // ResourceKind
    ResourceState state = ResourceState::illstate;
    ResourceState shown = ResourceState::illstate;  // as `show resource` says it
    Instant since{};                                // of what is shown
    WallTime since_wall{};
    Goal goal = Goal::none;
    Instant goal_since{};
    std::uint32_t why_out = 0;  // 0 stop, 1 fault, 2 shut
    bool ordered = false;
    ResourceRunRecord run, check;
    std::uint32_t bad_quick = 0, bad_deep = 0;
    bool fault = false;
    std::uint64_t checks = 0, bad_checks = 0, recovered = 0;
    bool paused = false;
    std::optional<Instant> paused_until;
    WallTime paused_since{};
    std::optional<Instant> quick_at, deep_at;
    std::uint32_t step = 0;  // of cmdline: core::Step
    bool to_standby = false, recovering = false, was_in = false;
    Report report = Report::none;
    std::uint64_t stage = 0;
    std::optional<Instant> tick_at, wait_at;
    bool autorecovered = false;
    Duration quick_interval{}, deep_interval{};
    std::uint32_t initial = 0;  // InitialState
    // What a failure leads to, for `explain`.
    std::uint32_t scripts = 0;  // a bit for each ResourceScript that is there
    std::uint32_t check_failures = 1;
    std::uint32_t on_failure = 0;     // OnFailure
    std::uint32_t recover_count = 0;  // recover_limit: so many in any `recover_period`; 0: not limited by it
    Duration recover_period{};
    bool null_detector = false, auto_recover = false, monitor_only = false;

    std::string tag, reason, failure, id, info;
    std::string depends;     // "vip,fs"
    std::string events;      // "filesys/diskfull,…" that it handles; empty: any
    std::string last_check;  // "ok", "status=1"; empty: none yet
    std::vector<ProcessId> unended, unended_checks;
    std::vector<Instant> recoveries;  // begins of those that nobody ordered
    std::string file;                 // its definition

    friend bool operator==(const ResourceRecord&, const ResourceRecord&) = default;
};
inline constexpr std::uint32_t resource_trace_bit = std::uint32_t{1} << 31;

template <>
struct Form<ResourceRunRecord> {
    using R = ResourceRunRecord;
    static constexpr auto fields =
        std::tuple{Field{0, &R::script},   Field{1, &R::process},  Field{3, &R::begun},    Field{4, &R::limit}, Field{5, &R::ending},
                   Field{6, &R::deadline}, Field{8, &R::unwanted}, Field{9, &R::recovery}, Field{10, &R::stage}};
};

template <>
struct Form<ResourceRecord> {
    using R = ResourceRecord;
    static constexpr auto fields = std::tuple{Field{1, &R::resource_id},
                                              Field{2, &R::key},
                                              Field{3, &R::kind},
                                              Field{4, &R::state},
                                              Field{5, &R::shown},
                                              Field{6, &R::since},
                                              Field{7, &R::since_wall},
                                              Field{8, &R::goal},
                                              Field{9, &R::goal_since},
                                              Field{10, &R::why_out},
                                              Field{11, &R::ordered},
                                              Field{12, &R::run},
                                              Field{23, &R::check},
                                              Field{34, &R::bad_quick},
                                              Field{35, &R::bad_deep},
                                              Field{36, &R::fault},
                                              Field{37, &R::checks},
                                              Field{38, &R::bad_checks},
                                              Field{39, &R::recovered},
                                              Field{40, &R::paused},
                                              Field{41, &R::paused_until},
                                              Field{43, &R::paused_since},
                                              Field{44, &R::quick_at},
                                              Field{46, &R::deep_at},
                                              Field{48, &R::step},
                                              Field{49, &R::to_standby},
                                              Field{50, &R::recovering},
                                              Field{51, &R::was_in},
                                              Field{52, &R::report},
                                              Field{53, &R::stage},
                                              Field{54, &R::tick_at},
                                              Field{56, &R::wait_at},
                                              Field{58, &R::autorecovered},
                                              Field{59, &R::quick_interval},
                                              Field{60, &R::deep_interval},
                                              Field{61, &R::initial},
                                              Field{62, &R::scripts},
                                              Field{63, &R::check_failures},
                                              Field{64, &R::on_failure},
                                              Field{65, &R::recover_count},
                                              Field{66, &R::recover_period},
                                              Field{67, &R::null_detector},
                                              Field{68, &R::auto_recover},
                                              Field{69, &R::monitor_only}};
    static constexpr auto texts = std::tuple{Text{&R::tag, 255},
                                             Text{&R::reason, 1023},
                                             Text{&R::failure, 1023},
                                             Text{&R::id, 255},
                                             Text{&R::info, 255},
                                             Text{&R::depends, 1023},
                                             Text{&R::events, 1023},
                                             Text{&R::last_check, 255},
                                             Text{&R::unended, R::most_unended * 16},
                                             Text{&R::unended_checks, R::most_unended * 16},
                                             Text{&R::recoveries, R::most_recoveries * 8},
                                             Text{&R::file, 4096}};
};

}  // namespace banken
