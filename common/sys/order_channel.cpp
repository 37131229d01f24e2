// SPDX-License-Identifier: Apache-2.0
#include "common/sys/order_channel.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <optional>

#include "common/exit_code.hpp"
#include "common/order.hpp"
#include "common/segment_reader.hpp"
#include "common/sys/clock.hpp"
#include "common/sys/futex.hpp"
#include "common/sys/identity.hpp"
#include "common/sys/pid_ref.hpp"

namespace banken::sys {
namespace {

constexpr Duration longest_look = std::chrono::milliseconds(100);  // then whether pcheck is still there
constexpr Duration between_claims = std::chrono::milliseconds(5);

OrderReply refuse(ExitCode code, std::string text) { return {number_of(code), std::move(text)}; }

std::uint64_t state_word(std::span<const std::uint64_t> slot) { return load(slot[slot::state]); }

// A slot of ours in the state `claimed`.
struct Claim {
    std::span<std::uint64_t> slot;
    std::uint64_t state = 0, claimant = 0;

    [[nodiscard]] bool step(SlotState next) {
        const std::uint64_t desired = with_state(state, next);
        if (!exchange(slot[slot::state], state, desired)) return false;
        state = desired;
        return true;
    }
};

std::optional<Claim> claim_slot(std::span<std::uint64_t> segment, const TablePlace& slots, ProcessId self) {
    for (std::uint64_t index = 0; index < slots.capacity; ++index) {
        Claim claim{.slot = record_at(segment, slots, index), .claimant = claimant_word(self)};
        claim.state = state_word(claim.slot);
        if (state_of(claim.state) != SlotState::free || !exchange(claim.slot[slot::claimant], 0, claim.claimant)) continue;
        if (claim.step(SlotState::claimed)) return claim;
        (void)exchange(claim.slot[slot::claimant], claim.claimant, 0);
    }
    return {};
}

OrderReply read_answer(const Claim& claim, std::uint64_t done) {
    const std::uint64_t length = std::min<std::uint64_t>(load(claim.slot[slot::answer_length]), slot::answer_bytes);
    OrderReply reply{static_cast<int>(load(claim.slot[slot::answer_status]) & 0xff), load_text(claim.slot.subspan(slot::answer), length)};
    free_slot(claim.slot, done, claim.claimant);
    return reply;
}

// What is known of a pcheck that does not answer.
std::string silence(const SegmentReader& reader, const ProcessId& pcheck) {
    const auto stat = read_stat(pcheck.pid);
    if (stat && stat->state == 'T') return fmt::format("pcheck (pid={}) is stopped", pcheck.pid);
    const auto beat = reader.heartbeat();
    if (!beat) return fmt::format("pcheck (pid={}) is silent", pcheck.pid);
    const auto since = std::chrono::floor<std::chrono::seconds>(read_instant() - beat->instant);
    return fmt::format("the main loop of pcheck (pid={}) last turned {} s ago", pcheck.pid, since.count());
}

class Wait {
public:
    Wait(const Segment& segment, const SegmentReader& reader, const PidRef& pcheck, const OrderPatience& patience)
        : segment_(segment), reader_(reader), pcheck_(pcheck), patience_(patience) {}

    // With many that ask at once all slots are in use for some turns of pcheck.
    [[nodiscard]] std::optional<Claim> for_slot(ProcessId self) const {
        const TablePlace& slots = reader_.places()[static_cast<std::size_t>(Table::slots)];
        while (true) {
            auto claim = claim_slot(segment_.words(), slots, self);
            if (claim || pcheck_.exited() || read_instant() >= deadline_) return claim;
            sleep_for(between_claims);
        }
    }

    [[nodiscard]] OrderReply for_answer(Claim& claim) const {
        while (true) {
            const std::uint64_t state = state_word(claim.slot);
            const bool ended = pcheck_.exited() || is_left();  // asked first: an answer counts even if pcheck ended after it
            const std::uint64_t latest = state_word(claim.slot);
            if (latest == with_state(claim.state, SlotState::done)) return read_answer(claim, latest);
            const Duration left = deadline_ - read_instant();
            if (ended || left <= Duration::zero()) return without_answer(claim, ended);
            if (latest == state) futex_wait(claim.slot[slot::state], state, std::min(left, longest_look));
        }
    }

private:
    // Nobody will answer here. A pcheck that has removed its segment may need long to end, while a dead mount holds one of its threads.
    [[nodiscard]] bool is_left() const { return !patience_.until_end && segment_.removed(); }

    [[nodiscard]] OrderReply without_answer(const Claim& claim, bool ended) const {
        if (patience_.until_end && segment_.removed()) return {};
        if (ended && pcheck_.exited())
            return refuse(ExitCode::temp_fail, fmt::format("pcheck (pid={}) ended before it answered", pcheck_.process().pid));
        if (ended)
            return refuse(ExitCode::temp_fail, fmt::format("the segment of pcheck (pid={}) was removed, as at its end, before it answered",
                                                           pcheck_.process().pid));
        const bool withdrawn = free_slot(claim.slot, claim.state, claim.claimant);
        const auto waited = std::chrono::duration_cast<std::chrono::seconds>(patience_.wait);
        return refuse(ExitCode::temp_fail,
                      fmt::format("no answer within {} s: {}; the order was {}", waited.count(), silence(reader_, pcheck_.process()),
                                  withdrawn ? "withdrawn" : "taken, its outcome is not known"));
    }

    const Segment& segment_;
    const SegmentReader& reader_;
    const PidRef& pcheck_;
    const OrderPatience& patience_;
    const Instant deadline_ = read_instant() + patience_.wait;
};

// One that was just executed in place says a moment later that it is another file now.
Result<> verify_owner(const SegmentReader& reader, uid_t user) {
    for (int tries = 50;; --tries) {
        const auto header = reader.header();
        if (!header) return Failure(header.error());
        auto verified = verify_pcheck(header->owner, user);
        if (verified || verified.error().number != EAGAIN || tries == 0) return verified;
        sleep_for(std::chrono::milliseconds(20));
    }
}

OrderReply post(const PidRef& pcheck, const Wait& wait, Claim& claim) {
    if (!claim.step(SlotState::posted)) return refuse(ExitCode::temp_fail, "the order came too late: its slot was given to somebody else");
    if (const auto woken = pcheck.signal(SIGUSR1); !woken && !is_gone(woken.error())) {
        free_slot(claim.slot, claim.state, claim.claimant);
        return refuse(ExitCode::not_permitted, woken.error().in("pcheck cannot be woken").text);
    }
    return wait.for_answer(claim);
}

}  // namespace

OrderReply send_order(const Segment& segment, std::span<const std::string> words, const OrderPatience& patience) {
    const auto order = pack_words(words);
    if (!order) return refuse(ExitCode::usage, order.error().text);
    const auto reader = SegmentReader::open(segment.words());
    const auto header = reader ? reader->header() : Result<HeaderRecord>(Failure(reader.error()));
    if (!header) return refuse(ExitCode::unavailable, header.error().in("the segment cannot be used").text);
    const auto self = own_identity();
    if (!self) return refuse(ExitCode::internal, self.error().text);
    if (header->owner.pid_namespace != self->pid_namespace) return refuse(ExitCode::unavailable, "owner is in another PID namespace");

    const auto pcheck = PidRef::open(header->owner.id);
    if (!pcheck) {
        if (is_gone(pcheck.error())) return refuse(ExitCode::not_running, "pcheck is not running");
        return refuse(ExitCode::unavailable, pcheck.error().in("pcheck").text);
    }
    const auto stat = segment.stat();
    if (!stat) return refuse(ExitCode::not_running, "pcheck is not running");
    if (const auto verified = verify_owner(*reader, stat->permissions.creator); !verified) {
        if (pcheck->exited()) return refuse(ExitCode::not_running, "pcheck is not running");  // killed while it was looked at
        return refuse(ExitCode::unavailable, verified.error().text);
    }
    const Wait wait(segment, *reader, *pcheck, patience);
    auto claim = wait.for_slot(self->id);
    if (!claim && pcheck->exited()) return refuse(ExitCode::not_running, "pcheck is not running");
    if (!claim) return refuse(ExitCode::temp_fail, "every slot of the message box is in use, try again");
    store(claim->slot[slot::order_length], order->size());
    store_text(claim->slot.subspan(slot::order), *order);
    return post(*pcheck, wait, *claim);
}

}  // namespace banken::sys
