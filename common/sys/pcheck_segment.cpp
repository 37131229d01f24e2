// SPDX-License-Identifier: Apache-2.0
#include "common/sys/pcheck_segment.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "common/sys/file.hpp"
#include "common/sys/semaphore.hpp"
#include "common/text.hpp"

namespace banken::sys {
namespace {

tl::unexpected<Refusal> refuse(const SegmentStat& stat, std::string_view why) {
    return tl::unexpected(
        Refusal{ExitCode::unavailable, fmt::format("the segment at IPCKEY 0x{:08x} is not used: {} (uid={}, made by pid={})", stat.key, why,
                                                   stat.permissions.creator, stat.creator)});
}
tl::unexpected<Refusal> not_permitted(const SegmentStat& stat, std::string_view what) {
    return tl::unexpected(Refusal{ExitCode::not_permitted, fmt::format("not permitted to {} IPCKEY 0x{:08x}", what, stat.key)});
}

}  // namespace

Outcome<PcheckSegment> open_pcheck_segment(const SegmentStat& stat, std::optional<uid_t> pfile_owner) {
    auto segment = Segment::attach(stat, Segment::Access::read);
    if (!segment && segment.error().number == EACCES) return not_permitted(stat, "read");
    if (!segment) return refuse(stat, "it cannot be attached: " + segment.error().reason());
    auto reader = SegmentReader::open(segment->words());
    if (!reader) return refuse(stat, reader.error().text);
    auto header = reader->header();
    if (!header) return refuse(stat, header.error().text);
    if (!pfile_owner) {
        if (const auto owner = owner_of(header->pfile)) pfile_owner = *owner;
    }
    if (const auto believed = believe(stat.permissions, pfile_owner); !believed) return refuse(stat, believed.error().text);
    const auto held = key_is_held(stat.key, pfile_owner);
    if (!held && held.error().number == EACCES) return not_permitted(stat, "look who owns");
    if (!held && held.error().number != ENOENT) return refuse(stat, "its semaphore cannot be looked at: " + held.error().reason());
    return PcheckSegment{stat, *std::move(segment), *std::move(reader), *std::move(header), held.value_or(false)};
}

std::vector<SegmentStat> possible_segments() {
    std::vector<SegmentStat> possible;
    for (const SegmentStat& stat : all_segments()) {
        const bool large = stat.bytes >= least_live_words * sizeof(std::uint64_t);
        if (large && !stat.permissions.removed && (stat.permissions.mode & 022) == 0) possible.push_back(stat);
    }
    return possible;
}

std::optional<std::uint32_t> key_in_environment() {
    const char* const text = std::getenv("BANKEN_IPCKEY");
    const auto key = text ? hex_or_decimal_of(text, {1, 0xffffffff}, "1..0xffffffff") : fail("it is not set");
    return key ? std::optional(static_cast<std::uint32_t>(*key)) : std::nullopt;
}

std::vector<HostedResource> hosted_resources(std::optional<std::uint32_t> key, std::string_view tag) {
    std::vector<HostedResource> hosted;
    for (const SegmentStat& stat : possible_segments()) {
        if (key && stat.key != *key) continue;
        const auto pcheck = open_pcheck_segment(stat, ::geteuid());
        if (!pcheck || !pcheck->alive) continue;
        const auto param = pcheck->reader.param();
        const auto resources = pcheck->reader.resources();
        if (!param || !resources) continue;
        for (const ResourceRecord& resource : *resources) {
            if (resource.resource_id != 0 && (tag.empty() || resource.tag == tag))
                hosted.push_back({stat, param->msg_check_interval, resource});
        }
    }
    return hosted;
}

}  // namespace banken::sys
