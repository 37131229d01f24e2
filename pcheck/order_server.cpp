// SPDX-License-Identifier: Apache-2.0
#include "pcheck/order_server.hpp"

#include "common/exit_code.hpp"
#include "common/order.hpp"
#include "common/sys/futex.hpp"

namespace banken {

OrderServer::OrderServer(std::span<std::uint64_t> segment, const TablePlace& slots, Alive alive)
    : segment_(segment), slots_(slots), alive_(std::move(alive)) {}

void OrderServer::rebind(std::span<std::uint64_t> segment, const TablePlace& slots) {
    segment_ = segment;
    slots_ = slots;
    seen_ = {};
    ++binding_;
}

std::span<std::uint64_t> OrderServer::slot_at(std::size_t index) const { return record_at(segment_, slots_, index); }

std::vector<TakenOrder> OrderServer::take(Instant now) {
    std::vector<TakenOrder> orders;
    for (std::size_t index = 0; index < slot::count; ++index) {
        if (auto order = look_at(index, now)) orders.push_back(*std::move(order));
    }
    return orders;
}

std::optional<TakenOrder> OrderServer::look_at(std::size_t index, Instant now) {
    const auto words = slot_at(index);
    const std::uint64_t state = load(words[slot::state]), claimant = load(words[slot::claimant]);
    Seen& seen = seen_[index];
    if (seen.state != state || seen.claimant != claimant) seen = {state, claimant, now};
    const Duration age = now - seen.since;
    const bool left_behind = claimant != 0 && !alive_(claimant_of(claimant));

    switch (state_of(state)) {
        case SlotState::taken:
            if (left_behind && age >= taken_for) free_slot(words, state, claimant);  // in the next generation: its ticket is void
            return {};
        case SlotState::free:  // claimed by its claimant word only, or half freed
        case SlotState::claimed:
            if ((claimant != 0 || state_of(state) == SlotState::claimed) && (left_behind || age >= claimed_for))
                free_slot(words, state, claimant);
            return {};
        case SlotState::posted:
            if (!left_behind) return take_posted(index, state);
            free_slot(words, state, claimant);
            return {};
        case SlotState::done:
            if (left_behind || age >= done_for) free_slot(words, state, claimant);
            return {};
    }
    free_slot(words, state, claimant);
    return {};
}

Result<std::vector<std::string>> OrderServer::order_at(std::size_t index) const {
    const auto words = slot_at(index);
    return unpack_words(load_text(words.subspan(slot::order), std::min<std::uint64_t>(load(words[slot::order_length]), slot::order_bytes)));
}

std::optional<TakenOrder> OrderServer::take_posted(std::size_t index, std::uint64_t state) {
    const auto words = slot_at(index);
    const std::uint64_t taken = with_state(state, SlotState::taken);
    if (!exchange(words[slot::state], state, taken)) return {};
    const OrderTicket ticket{.binding = binding_, .slot = index, .state = taken};
    auto order = order_at(index);
    if (!order) {
        answer(ticket, number_of(ExitCode::usage), order.error().text);
        return {};
    }
    return TakenOrder{.ticket = ticket, .words = *std::move(order), .claimant = claimant_of(load(words[slot::claimant]))};
}

void OrderServer::answer_interrupted(bool in_place) {
    for (std::size_t index = 0; index < slot::count; ++index) {
        const std::uint64_t state = load(slot_at(index)[slot::state]);
        if (state_of(state) != SlotState::taken) continue;
        const OrderTicket ticket{.binding = binding_, .slot = index, .state = state};
        const auto order = order_at(index);
        if (in_place && order && order->front() == text_of(OrderVerb::reexec)) {
            answer(ticket, number_of(ExitCode::ok), {});
        } else {
            answer(ticket, number_of(ExitCode::temp_fail), "interrupted: pcheck was killed while it carried the order out");
        }
    }
}

void OrderServer::answer(const OrderTicket& ticket, int exit_status, std::string_view text) {
    if (ticket.binding != binding_) return;
    const auto words = slot_at(ticket.slot);
    if (load(words[slot::state]) != ticket.state) return;
    const std::string answer = cut_answer(text);
    store(words[slot::answer_status], static_cast<std::uint64_t>(exit_status));
    store(words[slot::answer_length], answer.size());
    store_text(words.subspan(slot::answer), answer);
    if (exchange(words[slot::state], ticket.state, with_state(ticket.state, SlotState::done))) sys::futex_wake(words[slot::state]);
}

}  // namespace banken
