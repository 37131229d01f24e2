// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "common/order.hpp"
#include "pcheck/order_server.hpp"

using namespace banken;
using namespace std::chrono_literals;

namespace {

const ProcessId padmin{4711, 99};

// A message box in plain memory; padmin's side is played by hand.
struct Box {
    TablePlace slots{.place = 0, .distance = slot::words, .copy = 0, .capacity = slot::count};
    std::vector<std::uint64_t> segment = std::vector<std::uint64_t>(slot::words * slot::count);
    bool padmin_lives = true;
    OrderServer server{segment, slots, [this](ProcessId process) { return padmin_lives && process == padmin; }};
    Instant now{1000s};

    std::span<std::uint64_t> at(std::size_t index) { return record_at(std::span(segment), slots, index); }
    SlotState state(std::size_t index) { return state_of(at(index)[slot::state]); }
    void set(std::size_t index, SlotState state) {
        at(index)[slot::claimant] = claimant_word(padmin);
        at(index)[slot::state] = with_state(at(index)[slot::state], state);
    }
    void post(std::size_t index, std::string_view bytes) {
        at(index)[slot::order_length] = bytes.size();
        store_text(at(index).subspan(slot::order), bytes.substr(0, slot::order_bytes));
        set(index, SlotState::posted);
    }
    std::string answer(std::size_t index) { return load_text(at(index).subspan(slot::answer), at(index)[slot::answer_length]); }
    bool look_after(Duration later) {
        now += later;
        return server.take(now).empty();
    }
};

constexpr std::string_view stop{"stop\0crond\0", 11};

}  // namespace

TEST_CASE("a posted order is taken once and its answer is for its slot") {
    Box box;
    box.post(5, stop);
    const auto orders = box.server.take(box.now);
    REQUIRE(orders.size() == 1);
    CHECK(orders[0].words == std::vector<std::string>{"stop", "crond"});
    CHECK(orders[0].claimant == padmin);
    CHECK(box.state(5) == SlotState::taken);
    CHECK(box.look_after(0s));
    box.server.answer(orders[0].ticket, 4, "no such entry: crond");
    CHECK(box.state(5) == SlotState::done);
    CHECK(box.at(5)[slot::answer_status] == 4);
    CHECK(box.answer(5) == "no such entry: crond");
    box.server.answer(orders[0].ticket, 0, "again");
    CHECK(box.at(5)[slot::answer_status] == 4);
}

TEST_CASE("an answer that is too long is cut off and counted") {
    Box box;
    box.post(15, stop);
    const auto orders = box.server.take(box.now);
    REQUIRE(orders.size() == 1);
    box.server.answer(orders[0].ticket, 78, std::string(slot::answer_bytes + 5, 'x'));
    CHECK(box.answer(15).ends_with("x... (45 bytes more)"));
}

TEST_CASE("an order that cannot be read is answered as wrong usage") {
    Box box;
    box.post(0, "no end");
    box.post(1, "");
    box.at(2)[slot::order_length] = 0;
    box.post(2, std::string(slot::order_bytes + 100, 'x'));
    CHECK(box.look_after(0s));
    for (const std::size_t index : {0u, 1u, 2u}) {
        CHECK(box.state(index) == SlotState::done);
        CHECK(box.at(index)[slot::answer_status] == 64);
    }
}

TEST_CASE("what a dead padmin left behind comes free, except an order that is being carried out") {
    Box box;
    box.set(0, SlotState::claimed);
    box.post(1, stop);
    box.set(2, SlotState::done);
    box.set(3, SlotState::taken);
    box.padmin_lives = false;
    CHECK(box.look_after(0s));
    for (const std::size_t index : {0u, 1u, 2u}) {
        CHECK(box.state(index) == SlotState::free);
        CHECK(box.at(index)[slot::claimant] == 0);
        CHECK(box.at(index)[slot::state] == 0x100);
    }
    CHECK(box.state(3) == SlotState::taken);
}

TEST_CASE("an order that is never answered keeps a dead padmin's slot for 60 s, and its late answer reaches nobody") {
    Box box;
    box.post(3, stop);
    const auto orders = box.server.take(box.now);
    REQUIRE(orders.size() == 1);
    CHECK(box.look_after(0s));
    CHECK(box.look_after(1h));
    CHECK(box.state(3) == SlotState::taken);  // padmin still waits
    box.padmin_lives = false;
    CHECK(box.look_after(0s));
    CHECK(box.state(3) == SlotState::free);

    box.padmin_lives = true;
    box.post(3, stop);
    const auto next = box.server.take(box.now);
    REQUIRE(next.size() == 1);
    box.padmin_lives = false;
    CHECK(box.look_after(0s));
    CHECK(box.look_after(59s));
    box.server.answer(orders[0].ticket, 4, "late");
    CHECK(box.state(3) == SlotState::taken);
    CHECK(box.look_after(1s));
    CHECK(box.state(3) == SlotState::free);
    box.server.answer(next[0].ticket, 4, "late");
    CHECK(box.state(3) == SlotState::free);
}

TEST_CASE("a slot comes free 10 s after it was claimed for nothing, 60 s after its answer") {
    Box box;
    box.set(0, SlotState::claimed);
    box.set(1, SlotState::done);
    box.at(2)[slot::claimant] = claimant_word(padmin);  // claimed by its first word only
    CHECK(box.look_after(0s));
    CHECK(box.look_after(9999ms));
    CHECK(box.state(0) == SlotState::claimed);
    CHECK(box.at(2)[slot::claimant] != 0);
    CHECK(box.look_after(1ms));
    CHECK(box.state(0) == SlotState::free);
    CHECK(box.at(2)[slot::claimant] == 0);
    CHECK(box.state(1) == SlotState::done);
    CHECK(box.look_after(50s));
    CHECK(box.state(1) == SlotState::free);
}

TEST_CASE("the time of a claim begins anew with the next claimant") {
    Box box;
    CHECK(box.look_after(1h));
    box.set(0, SlotState::claimed);
    CHECK(box.look_after(1h));
    CHECK(box.state(0) == SlotState::claimed);
}

TEST_CASE("a slot in no known state comes free") {
    Box box;
    box.at(7)[slot::state] = 0x0102030405060799;
    CHECK(box.look_after(0s));
    CHECK(box.state(7) == SlotState::free);
}

TEST_CASE("an answer to an order of a removed segment is dropped") {
    Box box;
    box.post(0, stop);
    const auto orders = box.server.take(box.now);
    REQUIRE(orders.size() == 1);
    Box anew;
    anew.set(0, SlotState::taken);
    box.server.rebind(anew.segment, anew.slots);
    box.server.answer(orders[0].ticket, 0, "");
    CHECK(anew.state(0) == SlotState::taken);
}
