// SPDX-License-Identifier: Apache-2.0
// Which cells of the two tables of resources (spec/state-table.md) were met by random schedules.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "pcheck/core/resources.hpp"

namespace banken::core {

class ResourceCoverage {
public:
    void note(const std::map<ResourceKey, Resource>& before, const Event& event, const Resources& core);
    // `before`: what the pcheck that was killed had recorded; `live`: the runs whose processes live.
    void note_adoption(const std::vector<Resource>& before, const std::vector<RunId>& live);
    [[nodiscard]] std::string table() const;
    // Cells that were met less than `least` times, or although they cannot be.
    [[nodiscard]] std::vector<std::string> complaints(std::uint64_t least) const;

private:
    void add(const Resource& resource, std::string_view row);
    void note_order(const Resource& resource, const Order& order);
    void note_end(const Resource& resource, const ScriptEnded& event);
    void note_reload(const std::map<ResourceKey, Resource>& before, const Resources& core);

    std::map<std::string, std::array<std::uint64_t, 9>, std::less<>> generic_, cmdline_;
};

}  // namespace banken::core
