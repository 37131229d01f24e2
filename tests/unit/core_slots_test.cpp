// SPDX-License-Identifier: Apache-2.0
#include "pcheck/core/slots.hpp"

#include <doctest/doctest.h>

#include "tests/fake/core_world.hpp"

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

TEST_CASE("of scripts that were adopted in any order the one begun first gives its slot back first") {
    Slots slots;
    slots.set_capacity(2);
    slots.take(1, banken::Instant(9s));
    slots.take(2, banken::Instant(7s));
    CHECK(slots.next_expiry() == banken::Instant(12s));
    CHECK_FALSE(slots.admit(7));
    slots.expire(banken::Instant(12s));
    CHECK(slots.call_next() == 7u);
    CHECK(slots.next_expiry() == banken::Instant(14s));
}

TEST_CASE("who waits for a script of before keeps no slot from the others") {
    World world("crond:/bin/a:3600:9:continue:args=a\ncrond:/bin/b:3600:9:continue:args=b\natd:/bin/c:3600:9:continue",
                "SCRIPT_PARALLEL 1\nCONFIRM_WAIT 0\n");
    world.start_up();
    REQUIRE(world.state(1) == "RESTART");
    world.reload("crond:/bin/b:3600:9:continue:args=b\natd:/bin/c:3600:9:continue", "SCRIPT_PARALLEL 1\nCONFIRM_WAIT 0\n");
    world.pass(10s);
    CHECK(world.state(2) == "DOWN slot");  // the removed entry's script still lives
    CHECK(world.state(3) == "RESTART");
}
