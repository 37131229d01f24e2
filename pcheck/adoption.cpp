// SPDX-License-Identifier: Apache-2.0
#include "pcheck/adoption.hpp"

#include <map>
#include <string>

#include "common/pfile.hpp"
#include "pcheck/records.hpp"

namespace banken {
namespace {

// Of an attempt that is under way: members that came up in it, and the one whose turn it is, have had their scripts run.
core::Group group_of(const std::vector<core::Watch>& watches, const EntryRecord& first) {
    core::Group group;
    group.name = first.group;
    group.window = first.group_window;
    group.begun = first.group_begun;
    for (const core::Watch& watch : watches) {
        if (watch.pent.group != group.name) continue;
        group.members.push_back(watch.key);
        if (first.group_turn == 0 || !group.begun) continue;
        if (watch.pent_id == first.group_turn) group.turn = watch.key;
        const bool ran = watch.since >= *group.begun && watch.state != EntryState::down && !watch.paused;
        if (ran) group.ran.push_back(watch.pent.script.text);
    }
    return group;
}

// Nothing: it has no number, or this program cannot read its line.
std::optional<core::Watch> adopt(Adoption& adoption, const EntryRecord& record, const ParamRecord& param, const Fates& fates) {
    adoption.places.push_back(record.key);
    if (record.key == 0) return std::nullopt;
    auto pent = parse_pent(record.line, param);
    if (!pent) return std::nullopt;
    core::Watch watch = watch_of(record, *std::move(pent));
    core::AdoptedEntry fate{.entry = watch.key, .main_lives = watch.main && fates.is_running(*watch.main), .script_lives = false};
    if (record.script.kind != ScriptRecord::Kind::none) {
        watch.script = script_of(record, adoption.places.size());
        fate.script_lives = watch.script->process && fates.is_awaitable(*watch.script->process);
        if (fate.script_lives) adoption.scripts.push_back({watch.script->run, watch.key, watch.script->kind, *watch.script->process});
    }
    adoption.event.entries.push_back(fate);
    return watch;
}

}  // namespace

Adoption adoption_of(std::span<const EntryRecord> entries, std::span<const EntryRecord> leaving, const ParamRecord& param,
                     const Fates& fates) {
    Adoption adoption;
    std::map<std::string, const EntryRecord*> groups;
    for (const EntryRecord& record : entries) {
        auto watch = adopt(adoption, record, param, fates);
        if (!watch) continue;
        if (!record.group.empty()) groups.try_emplace(record.group, &record);
        adoption.recorded.watches.push_back(*std::move(watch));
    }
    for (const auto& [name, first] : groups) adoption.recorded.groups.push_back(group_of(adoption.recorded.watches, *first));
    for (const EntryRecord& record : leaving) {
        if (auto watch = adopt(adoption, record, param, fates)) adoption.recorded.leaving.push_back(*std::move(watch));
    }
    return adoption;
}

}  // namespace banken
