// SPDX-License-Identifier: Apache-2.0
#include "pcheck/resource_records.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "common/definition_schema.hpp"

namespace banken {
namespace {

// The same in both, as it is.
constexpr std::tuple alike{
    std::pair{&core::Resource::state, &ResourceRecord::state},
    std::pair{&core::Resource::since, &ResourceRecord::since},
    std::pair{&core::Resource::since_wall, &ResourceRecord::since_wall},
    std::pair{&core::Resource::goal, &ResourceRecord::goal},
    std::pair{&core::Resource::goal_since, &ResourceRecord::goal_since},
    std::pair{&core::Resource::ordered, &ResourceRecord::ordered},
    std::pair{&core::Resource::bad_quick, &ResourceRecord::bad_quick},
    std::pair{&core::Resource::bad_deep, &ResourceRecord::bad_deep},
    std::pair{&core::Resource::fault, &ResourceRecord::fault},
    std::pair{&core::Resource::checks, &ResourceRecord::checks},
    std::pair{&core::Resource::bad_checks, &ResourceRecord::bad_checks},
    std::pair{&core::Resource::recovered, &ResourceRecord::recovered},
    std::pair{&core::Resource::paused, &ResourceRecord::paused},
    std::pair{&core::Resource::paused_until, &ResourceRecord::paused_until},
    std::pair{&core::Resource::paused_since, &ResourceRecord::paused_since},
    std::pair{&core::Resource::quick_at, &ResourceRecord::quick_at},
    std::pair{&core::Resource::deep_at, &ResourceRecord::deep_at},
    std::pair{&core::Resource::to_standby, &ResourceRecord::to_standby},
    std::pair{&core::Resource::recovering, &ResourceRecord::recovering},
    std::pair{&core::Resource::was_in, &ResourceRecord::was_in},
    std::pair{&core::Resource::report, &ResourceRecord::report},
    std::pair{&core::Resource::stage, &ResourceRecord::stage},
    std::pair{&core::Resource::tick_at, &ResourceRecord::tick_at},
    std::pair{&core::Resource::wait_at, &ResourceRecord::wait_at},
    std::pair{&core::Resource::autorecovered, &ResourceRecord::autorecovered},
    std::pair{&core::Resource::reason, &ResourceRecord::reason},
    std::pair{&core::Resource::failure, &ResourceRecord::failure},
    std::pair{&core::Resource::last_check, &ResourceRecord::last_check},
};

using Phase = core::ResourceRun::Phase;

// What a hostile segment says is none of the enumerators is the first one.
template <class Enum>
Enum within(std::uint32_t value, Enum most) {
    return value <= static_cast<std::uint32_t>(most) ? static_cast<Enum>(value) : Enum{};
}

ResourceRunRecord record_of(const std::optional<core::ResourceRun>& run) {
    ResourceRunRecord record;
    if (!run) return record;
    record.script = static_cast<std::uint32_t>(run->script) + 1;
    record.process = run->process.value_or(ProcessId{});
    record.begun = run->begun;
    record.limit = run->limit;
    record.ending = run->phase == Phase::running      ? EndingPhase::none
                    : run->phase == Phase::terminated ? EndingPhase::asked
                                                      : EndingPhase::killed;
    record.deadline = run->deadline;
    record.unwanted = run->unwanted;
    record.recovery = run->recovery;
    record.stage = run->stage;
    return record;
}

std::optional<core::ResourceRun> run_of(const ResourceRunRecord& record, core::RunId number) {
    if (record.script == 0) return std::nullopt;
    core::ResourceRun run;
    run.run = number;
    run.script = within(record.script - 1, ResourceScript::check);
    if (record.process.pid != 0) run.process = record.process;
    run.begun = record.begun;
    run.limit = record.limit;
    run.phase = record.ending == EndingPhase::none    ? Phase::running
                : record.ending == EndingPhase::asked ? Phase::terminated
                                                      : Phase::killed;
    run.deadline = record.deadline;
    run.unwanted = record.unwanted;
    run.recovery = record.recovery;
    run.stage = record.stage;
    return run;
}

void tell_policy(ResourceRecord& record, const Definition& definition) {
    for (std::size_t i = 0; i < resource_scripts; ++i) {
        if (definition.has(static_cast<ResourceScript>(i))) record.scripts |= 1u << i;
    }
    record.check_failures = definition.check_failures;
    record.on_failure = static_cast<std::uint32_t>(definition.on_failure);
    const RecoverLimit limit = definition.recover_limit.value_or(RecoverLimit{});
    record.recover_count = limit.count;
    record.recover_period = limit.period;
    record.null_detector = definition.flags.null_detector;
    record.auto_recover = definition.flags.auto_recover;
    record.monitor_only = definition.flags.monitor_only;
    record.file = definition.file;
}

core::Resource resource_of(const ResourceRecord& record, core::RunId& last) {
    core::Resource resource;
    std::apply([&](const auto&... both) { ((resource.*both.first = record.*both.second), ...); }, alike);
    resource.definition.tag = record.tag;
    resource.definition.kind = within(record.kind, ResourceKind::cmdline);
    resource.key = record.key;
    resource.resource_id = record.resource_id;
    resource.why_out = within(record.why_out, core::OfflineReason::shut);
    resource.step = within(record.step, core::Step::stopped);
    resource.recoveries.assign(record.recoveries.begin(), record.recoveries.end());
    resource.run = run_of(record.run, ++last);
    resource.check = run_of(record.check, ++last);
    const auto add_unended = [&](const std::vector<ProcessId>& processes, ResourceScript script) {
        for (const ProcessId& process : processes) {
            core::ResourceRun& run = resource.unended.emplace_back();
            run.run = ++last;
            run.script = script;
            run.process = process;
            run.phase = Phase::killed;
        }
    };
    add_unended(record.unended, ResourceScript::restore);
    add_unended(record.unended_checks, ResourceScript::check);
    return resource;
}

}  // namespace

ResourceRecord record_of(const core::Resource& resource, bool leaving) {
    ResourceRecord record;
    std::apply([&](const auto&... both) { ((record.*both.second = resource.*both.first), ...); }, alike);
    record.resource_id = leaving ? 0 : resource.resource_id;
    record.key = resource.key;
    record.kind = static_cast<std::uint32_t>(resource.definition.kind);
    record.shown = resource.shown();
    record.why_out = static_cast<std::uint32_t>(resource.why_out);
    record.step = static_cast<std::uint32_t>(resource.step);
    record.run = record_of(resource.run);
    record.check = record_of(resource.check);
    record.tag = resource.definition.tag;
    record.id = resource.definition.id;
    record.info = resource.definition.info;
    record.quick_interval = resource.definition.quick_interval;
    record.deep_interval = resource.definition.deep_interval;
    record.initial = static_cast<std::uint32_t>(resource.definition.initial);
    tell_policy(record, resource.definition);
    record.depends = fmt::format("{}", fmt::join(resource.definition.depends, ","));
    record.events = fmt::format("{}", fmt::join(resource.definition.events, ","));
    if (!resource.paused) record.paused_since = {};
    for (const core::ResourceRun& run : resource.unended) {
        if (run.process) (is_check(run.script) ? record.unended_checks : record.unended).push_back(*run.process);
    }
    static_assert(recover_count_range.max <= ResourceRecord::most_recoveries, "all that a limit counts are recorded");
    const std::size_t begins = std::min(resource.recoveries.size(), ResourceRecord::most_recoveries);
    record.recoveries.assign(resource.recoveries.end() - static_cast<std::ptrdiff_t>(begins), resource.recoveries.end());
    return record;
}

ResourceEnd end_of(const core::ResourceEnding& ending) {
    if (ending.by == 0) return ResourceEnd::order;
    return ending.exit_status == 1 ? ResourceEnd::exit : ResourceEnd::shutdown;
}

ResourceAdoption resources_of(std::span<const ResourceRecord> records, const HeaderRecord& header,
                              const std::function<bool(ProcessId)>& is_awaitable) {
    ResourceAdoption adoption;
    core::RunId last = core::first_resource_run;
    std::string by;
    for (const ResourceRecord& record : records) {
        core::Resource resource = resource_of(record, last);
        const auto add = [&](const core::ResourceRun& run) {
            if (run.process && is_awaitable(*run.process)) adoption.lived.push_back({run.run, *run.process});
        };
        for (const auto* run : {&resource.run, &resource.check}) {
            if (*run) add(**run);
        }
        for (const core::ResourceRun& run : resource.unended) add(run);
        if (record.key == header.ended_by) by = record.tag;
        adoption.recorded.resources.push_back(std::move(resource));
    }
    const auto ending = [&](int status, std::string reason) {
        adoption.recorded.ending = core::ResourceEnding{
            .exit_status = status, .reason = std::move(reason), .order = 0, .stay = header.kept_by, .by = header.ended_by};
    };
    switch (header.ending) {
        case ResourceEnd::no: break;
        case ResourceEnd::order: ending(0, "order"); break;
        case ResourceEnd::exit: ending(1, fmt::format("on_failure exit ({})", by)); break;
        case ResourceEnd::shutdown: ending(0, fmt::format("on_failure shutdown ({})", by)); break;
    }
    return adoption;
}

core::RecordedStates recorded_states(std::span<const ResourceRecord> records) {
    core::RecordedStates states;
    core::RunId last = 0;
    for (const ResourceRecord& record : records) {
        if (record.resource_id != 0) states[record.tag] = core::recorded_state(resource_of(record, last));
    }
    return states;
}

}  // namespace banken
