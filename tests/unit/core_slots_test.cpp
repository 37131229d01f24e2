// SPDX-License-Identifier: Apache-2.0
#include "pcheck/core/slots.hpp"

#include <doctest/doctest.h>

using namespace banken::core;
using namespace std::chrono_literals;

TEST_CASE("a slot that was kept for somebody and was taken by an order is waited for again, ahead of the others") {
    const banken::Instant now(1s);
    Slots slots;
    slots.take(1, now);
    CHECK_FALSE(slots.admit(7));
    CHECK_FALSE(slots.admit(8));
    slots.free(1);
    CHECK(slots.call_next() == 7u);
    slots.take(2, now);  // by order
    CHECK_FALSE(slots.admit(7));
    slots.free(2);
    CHECK(slots.call_next() == 7u);
    CHECK(slots.admit(7));
}
