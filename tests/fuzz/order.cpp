// SPDX-License-Identifier: Apache-2.0
// Words of an order (inputs that begin with `w`: words with a NUL behind each), and the message box while somebody who may write it does what he
// likes (all others: bytes that are his deeds).
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/order.hpp"
#include "common/segment_layout.hpp"
#include "pcheck/order_server.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace banken::fuzz {
namespace {

constexpr std::size_t guard = 64, most_tickets = 64;
constexpr std::uint64_t guard_word = 0x5a5a5a5a5a5a5a5a;

std::vector<std::string> print(const ParsedOrder& order) {
    std::vector<std::string> words{std::string(text_of(order.verb))};
    if (order.difference) words.emplace_back("-t");
    if (order.remove) words.emplace_back("remove");
    if (order.verb == OrderVerb::event) words.push_back(order.event);
    if (!order.target.empty()) words.push_back(order.target);
    if (order.deep) words.emplace_back("deep");
    if (order.duration) words.insert(words.end(), {"for", fmt::format("{}s", *order.duration / std::chrono::seconds(1))});
    return words;
}

void judge_words(std::string_view bytes) {
    const auto words = unpack_words(bytes);
    if (!words) return require_printable(words.error().text);
    const auto packed = pack_words(*words);
    if (bytes.size() <= slot::order_bytes) require(packed && *packed == bytes, "the same bytes after unpacking and packing");
    const auto order = parse_order(*words);
    if (!order) return require_printable(order.error().text);
    const auto again = parse_order(print(*order));
    require(again && *again == *order, "the same order after printing and reading");
}

// The message box with a guard on either side.
class Box {
public:
    explicit Box(std::span<std::uint64_t> words) : words_(words) {
        std::ranges::fill(words_, 0);
        std::ranges::fill(words_.first(guard), guard_word);
        std::ranges::fill(words_.last(guard), guard_word);
    }

    void deed(Bytes& bytes) {
        switch (bytes.byte() % 8) {
            case 0: set(bytes); break;
            case 1: post(bytes); break;
            case 2: now_ += std::chrono::seconds(bytes.byte()); break;
            case 3: answer(bytes); break;
            case 4: dead_.insert(bytes.number(3)); break;
            case 5: server_.answer_interrupted(bytes.byte() % 2 == 0); break;
            case 6: bytes.byte() < 16 ? server_.rebind(segment_, slots_) : take(); break;
            case 7: take(); break;
        }
        require(std::ranges::all_of(words_.first(guard), is_guard) && std::ranges::all_of(words_.last(guard), is_guard),
                "nothing is written beside the slots");
    }

private:
    static bool is_guard(std::uint64_t word) { return word == guard_word; }
    std::span<std::uint64_t> at(std::size_t index) { return record_at(segment_, slots_, index % slot::count); }

    void set(Bytes& bytes) {
        const auto words = at(bytes.byte());
        const std::size_t word = bytes.byte() % slot::order;
        store(words[word], bytes.number(8));
    }

    void post(Bytes& bytes) {
        const auto words = at(bytes.byte());
        const std::uint64_t state = words[slot::state];
        const pid_t pid = bytes.byte();
        store(words[slot::claimant], claimant_word({pid, bytes.byte()}));
        const std::string_view text = bytes.text(bytes.byte());
        store(words[slot::order_length], text.size());
        store_text(words.subspan(slot::order), text);
        store(words[slot::state], with_state(state, SlotState::posted));
    }

    void take() {
        for (TakenOrder& order : server_.take(now_)) {
            std::size_t size = 0;
            for (const std::string& word : order.words) size += word.size() + 1;
            require(size <= slot::order_bytes && !order.words.empty(), "an order that fits a slot");
            require(state_of(at(order.ticket.slot)[slot::state]) == SlotState::taken, "its slot says that it was taken");
            const bool claimed = order.claimant != ProcessId{};
            require(!claimed || !dead_.contains(static_cast<std::uint64_t>(order.claimant.pid)),
                    "no order is carried out after its giver's death");
            const auto parsed = parse_order(order.words);
            if (!parsed) require_printable(parsed.error().text);
            if (tickets_.size() < most_tickets) tickets_.push_back(order.ticket);
        }
        for (std::size_t index = 0; index < slot::count; ++index) {
            const auto state = state_of(at(index)[slot::state]);
            require(state <= SlotState::done && state != SlotState::posted, "no slot is left posted, or in a state that there is not");
        }
    }

    void answer(Bytes& bytes) {
        if (tickets_.empty()) return;
        const OrderTicket ticket = tickets_[bytes.byte() % tickets_.size()];
        const bool waits = at(ticket.slot)[slot::state] == ticket.state;
        const std::string text(bytes.number(3) % (3 * slot::answer_bytes), 'x');
        server_.answer(ticket, bytes.byte(), text);
        const auto words = at(ticket.slot);
        if (!waits || state_of(words[slot::state]) != SlotState::done) return;
        require(words[slot::answer_length] <= slot::answer_bytes, "an answer that fits the slot");
        require(load_text(words.subspan(slot::answer), words[slot::answer_length]).starts_with(text.substr(0, 100)), "the answer's text");
    }

    std::span<std::uint64_t> words_;
    TablePlace slots_{.place = 0, .distance = slot::words, .copy = 0, .capacity = slot::count};
    std::span<std::uint64_t> segment_ = words_.subspan(guard, slot::words* slot::count);
    std::set<std::uint64_t> dead_;
    OrderServer server_{segment_, slots_, [this](ProcessId process) { return !dead_.contains(static_cast<std::uint64_t>(process.pid)); }};
    std::vector<OrderTicket> tickets_;
    Instant now_{};
};

}  // namespace

const bool repeatable = false;

void test_one(std::string_view input) {
    if (input.starts_with('w')) return judge_words(input.substr(1));
    static std::vector<std::uint64_t> memory(slot::words * slot::count + 2 * guard);  // making a MiB anew costs more than all else
    Box box(memory);
    for (Bytes bytes(input); !bytes.empty();) box.deed(bytes);
}

}  // namespace banken::fuzz
