// SPDX-License-Identifier: Apache-2.0
// padmin's side of the message box: puts an order into a slot of the segment, wakes pcheck and waits for the answer (spec/shared-memory.md).
#pragma once

#include <span>
#include <string>

#include "common/sys/shm.hpp"
#include "common/time.hpp"

namespace banken::sys {

struct OrderReply {
    int exit_status = 0;  // for padmin; what could not be sent or was not answered has its own: 3, 69, 75, 77
    std::string text;     // for stderr when it is not 0
};

struct OrderPatience {
    // A wake-up that is lost costs MSG_CHECK_INTERVAL: who asks waits for so long beyond that, unless told otherwise.
    static constexpr Duration beyond_check_interval = std::chrono::seconds(10);

    Duration wait{};         // how long for a slot and an answer
    bool until_end = false;  // shutdown: a pcheck that has gone with its segment has answered
};

// `segment` is attached for writing and believed. An order that was not taken in time is withdrawn: it is never carried out later.
[[nodiscard]] OrderReply send_order(const Segment& segment, std::span<const std::string> words, const OrderPatience& patience);

}  // namespace banken::sys
