// SPDX-License-Identifier: Apache-2.0
#include "pcheck/left_state.hpp"

#include <algorithm>

#include "common/segment_layout.hpp"

namespace banken {
namespace {

// Numbers are given one by one. The next ones are counted on from the greatest that is recorded.
constexpr std::uint32_t most_given = 1u << 31;

Result<> check_numbers(const LeftState& left) {
    for (const auto* entries : {&left.entries, &left.leaving}) {
        for (const EntryRecord& entry : *entries) {
            if (entry.key > most_given) return fail("it is damaged: no entry is number {}", entry.key);
        }
    }
    std::uint32_t last = std::max(left.header.ended_by, left.header.kept_by);
    for (const ResourceRecord& resource : left.resources) last = std::max(last, resource.key);
    if (last > most_given) return fail("it is damaged: no resource is number {}", last);
    return {};
}

}  // namespace

Result<std::optional<LeftState>> left_in(const SegmentReader& reader, const OwnerRecord& self) {
    if (reader.minor_version() > layout_minor) return fail("it was made by a newer pcheck");
    auto header = reader.header();
    if (!header) return Failure(header.error());
    if (header->life == Life::ended) return std::optional<LeftState>();
    if (header->owner.boot_id != self.boot_id) return fail("it is of another boot");
    if (header->owner.pid_namespace != self.pid_namespace) return fail("it is of another PID namespace");
    auto param = reader.param();
    if (!param) return Failure(param.error());
    auto entries = reader.entries();
    if (!entries) return Failure(entries.error());
    auto leaving = reader.leaving();
    if (!leaving) return Failure(leaving.error());
    auto resources = reader.resources();
    if (!resources) return Failure(resources.error());
    auto places = reader.resource_places();
    if (!places) return Failure(places.error());
    LeftState left{*std::move(header),  *std::move(param),     *std::move(entries),
                   *std::move(leaving), *std::move(resources), *std::move(places)};
    if (auto given = check_numbers(left); !given) return Failure(given.error());
    return std::optional(std::move(left));
}

}  // namespace banken
