// SPDX-License-Identifier: Apache-2.0
// pcheck's side of the message box: takes posted orders out of the slots and puts answers into them (spec/shared-memory.md). Slots can be written by
// everybody who may order, so nothing in them is believed beyond its bounds. Main thread only.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/process.hpp"
#include "common/segment_layout.hpp"
#include "common/time.hpp"

namespace banken {

// Which order an answer is for. After the slot was freed or the segment made anew an answer to it is dropped.
struct OrderTicket {
    std::uint64_t binding = 0;  // which segment
    std::size_t slot = 0;
    std::uint64_t state = 0;  // the slot's state word while the order is carried out
};

struct TakenOrder {
    OrderTicket ticket;
    std::vector<std::string> words;  // {"stop", "crond", "for", "30m"}; common/order.hpp parses them
    ProcessId claimant;              // the padmin that waits
};

class OrderServer {
public:
    static constexpr Duration claimed_for = std::chrono::seconds(10), taken_for = std::chrono::seconds(60),
                              done_for = std::chrono::seconds(60);

    // Tells whether a process (pid and start time) still runs.
    using Alive = std::function<bool(ProcessId)>;

    // `segment` are the words of the segment that this process owns.
    OrderServer(std::span<std::uint64_t> segment, const TablePlace& slots, Alive alive);

    // A segment made anew in the place of a removed one; the orders of the old one are forgotten.
    void rebind(std::span<std::uint64_t> segment, const TablePlace& slots);

    // What was posted, each once. Orders that cannot be read are answered (64) and left out. Also frees slots: of dead claimants (while their order
    // is being carried out only after 60 s; its answer is dropped then), claimed for 10 s without an order, answered for 60 s. Called after SIGUSR1 and every MSG_CHECK_INTERVAL.
    [[nodiscard]] std::vector<TakenOrder> take(Instant now);

    // Orders that the pcheck before had taken: nobody else will answer them. `in_place`: the order to execute this program has been carried out.
    void answer_interrupted(bool in_place);
    // exit_status is padmin's; text beyond 64 KiB is cut off and counted at its end.
    void answer(const OrderTicket& ticket, int exit_status, std::string_view text);

private:
    // Since when a slot has had these words.
    struct Seen {
        std::uint64_t state = 0, claimant = 0;
        Instant since{};
    };
    [[nodiscard]] std::optional<TakenOrder> look_at(std::size_t index, Instant now);
    [[nodiscard]] std::optional<TakenOrder> take_posted(std::size_t index, std::uint64_t state);
    [[nodiscard]] std::span<std::uint64_t> slot_at(std::size_t index) const;
    [[nodiscard]] Result<std::vector<std::string>> order_at(std::size_t index) const;

    std::span<std::uint64_t> segment_;
    TablePlace slots_;
    std::uint64_t binding_ = 0;  // increased by rebind()
    Alive alive_;
    std::array<Seen, slot::count> seen_{};
};

}  // namespace banken
