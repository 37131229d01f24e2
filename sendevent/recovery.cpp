// SPDX-License-Identifier: Apache-2.0
#include "sendevent/recovery.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "common/pfile.hpp"
#include "common/resource_record.hpp"
#include "common/sys/clock.hpp"
#include "common/sys/identity.hpp"
#include "common/sys/order_channel.hpp"
#include "common/sys/pcheck_segment.hpp"
#include "common/text.hpp"

namespace banken {
namespace {

struct Handler {
    sys::PcheckSegment pcheck;
    sys::Segment orders;  // attached for writing: this user may order it
    Duration check_interval{};
    bool of_another = false;  // neither root's nor this user's: whoever may run a process can let it be silent
};

// A line that a later version wrote may say anything.
bool may_handle(const EntryRecord& entry, const ParamRecord& param, const std::string& event, const std::string& instance) {
    if (entry.name != instance) return false;
    const auto pent = parse_pent(entry.line, param);
    return !pent || std::ranges::find(pent->events, event) != pent->events.end();
}

bool may_handle(const ResourceRecord& resource, const std::string& event, const std::string& instance) {
    if (resource.tag != instance || resource.resource_id == 0) return false;
    const auto handled = split(resource.events, ',');
    return resource.events.empty() || std::ranges::find(handled, event) != handled.end();
}

std::vector<Handler> handlers_of(const std::string& event, const std::string& instance) {
    std::vector<Handler> handlers;
    for (const sys::SegmentStat& stat : sys::possible_segments()) {
        auto pcheck = sys::open_pcheck_segment(stat, std::nullopt);
        if (!pcheck || !pcheck->alive) continue;
        const auto param = pcheck->reader.param();
        const auto entries = pcheck->reader.entries();
        const auto resources = pcheck->reader.resources();
        if (!param || !entries || !resources) continue;
        const auto entry_handles = [&](const EntryRecord& entry) { return may_handle(entry, *param, event, instance); };
        const auto resource_handles = [&](const ResourceRecord& resource) { return may_handle(resource, event, instance); };
        if (std::ranges::none_of(*entries, entry_handles) && std::ranges::none_of(*resources, resource_handles)) continue;
        auto orders = sys::Segment::attach(stat, sys::Segment::Access::write);
        const uid_t user = stat.permissions.creator;
        if (orders)
            handlers.push_back({*std::move(pcheck), *std::move(orders), param->msg_check_interval, user != 0 && user != sys::own_user()});
    }
    std::stable_partition(handlers.begin(), handlers.end(), [](const Handler& handler) { return !handler.of_another; });
    return handlers;
}

}  // namespace

RecoveryAnswer ask_for_recovery(const std::string& event, const std::string& instance) {
    constexpr std::array silent{ExitCode::unavailable, ExitCode::temp_fail, ExitCode::internal};
    RecoveryAnswer answer;
    const std::vector<std::string> words{"event", event, instance};
    std::optional<Instant> patience_ends;  // with all those of others together
    for (const Handler& handler : handlers_of(event, instance)) {
        Duration wait = handler.check_interval + sys::OrderPatience::beyond_check_interval;
        if (handler.of_another) {
            const Instant now = sys::read_instant();
            if (!patience_ends) patience_ends = now + sys::OrderPatience::beyond_check_interval;
            wait = std::clamp(*patience_ends - now, Duration{}, wait);
        }
        const auto reply = sys::send_order(handler.orders, words, {.wait = wait});
        answer.begun = answer.begun || reply.exit_status == number_of(ExitCode::ok);
        const bool unanswered = std::ranges::any_of(silent, [&](ExitCode code) { return reply.exit_status == number_of(code); });
        if (unanswered) answer.unanswered.push_back(fmt::format("{}: {}", handler.pcheck.header.pfile, reply.text));
    }
    return answer;
}

std::vector<std::string> recoveries_of(const std::string& event, const std::string& instance) {
    std::vector<std::string> recoveries;
    for (const Handler& handler : handlers_of(event, instance))
        recoveries.push_back(fmt::format("{} pfile={}", instance, handler.pcheck.header.pfile));
    return recoveries;
}

}  // namespace banken
