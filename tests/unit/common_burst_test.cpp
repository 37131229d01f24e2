// SPDX-License-Identifier: Apache-2.0
#include "common/burst.hpp"

#include <doctest/doctest.h>

using namespace banken;
using namespace std::chrono_literals;

namespace {

const Instant t0{100s};
const EntryRef crond{"crond", 1}, db{"db", 2};

std::size_t passing(Burst& burst, const Message& message, std::size_t times, Instant now) {
    std::size_t passed = 0;
    for (std::size_t i = 0; i < times; ++i) passed += burst.passes(message, now) ? 1u : 0u;
    return passed;
}

}  // namespace

TEST_CASE("twenty lines of a text pass in ten seconds, then one line tells how many did not") {
    Burst burst({20, 10s});
    CHECK(passing(burst, messages::set_pid_fail(crond), 51, t0) == 20);
    CHECK(burst.ended(t0 + 9999ms).empty());
    CHECK(burst.next_deadline() == t0 + 10s);
    const auto told = burst.ended(t0 + 10s);
    REQUIRE(told.size() == 1);
    CHECK(told[0].text == "suppressed 31 lines");
    CHECK(told[0].entry == "crond");
    CHECK(told[0].pent_id == 1);
    CHECK(burst.ended(t0 + 10s).empty());
    CHECK(passing(burst, messages::set_pid_fail(crond), 1, t0 + 10s) == 1);
}

TEST_CASE("nothing is to be told, nor waited for, while nothing is suppressed") {
    Burst burst({20, 10s});
    CHECK(passing(burst, messages::set_pid_fail(crond), 20, t0) == 20);
    CHECK_FALSE(burst.next_deadline());
    CHECK(burst.ended(t0 + 10s).empty());
    CHECK(passing(burst, messages::set_pid_fail(crond), 20, t0 + 10s) == 20);
}

TEST_CASE("another text and another entry have their own count") {
    Burst burst({1, 10s});
    CHECK(burst.passes(messages::set_pid_fail(crond), t0));
    CHECK(burst.passes(messages::set_pid_fail(db), t0));
    CHECK(burst.passes(messages::try_to_restart(crond), t0));
    CHECK_FALSE(burst.passes(messages::set_pid_fail(crond), t0));
    CHECK(burst.passes(messages::warning("first"), t0));
    CHECK(burst.passes(messages::warning("second"), t0));
    CHECK_FALSE(burst.passes(messages::warning("first"), t0));
}

TEST_CASE("pids and numbers do not make another text") {
    Burst burst({1, 10s});
    CHECK(burst.passes(messages::cause(crond, 1, {}), t0));
    CHECK_FALSE(burst.passes(messages::cause(crond, 2, {}), t0));
}

TEST_CASE("Down, Up and RETRY_OVER are never held back") {
    Burst burst({1, 10s});
    CHECK(passing(burst, messages::up(crond, 1), 100, t0) == 100);
    CHECK(passing(burst, messages::down(crond, 1), 100, t0) == 100);
    CHECK(passing(burst, messages::retry_over(crond, RetryOverAction::exit), 100, t0) == 100);
}

TEST_CASE("a burst of 0 lines means no limit") {
    Burst burst({0, 0s});
    CHECK(passing(burst, messages::set_pid_fail(crond), 1000, t0) == 1000);
}

TEST_CASE("each period is told by itself, the oldest first") {
    Burst burst({1, 10s});
    CHECK(passing(burst, messages::set_pid_fail(crond), 3, t0) == 1);
    CHECK(passing(burst, messages::set_pid_fail(db), 4, t0 + 5s) == 1);
    CHECK(burst.ended(t0 + 12s).size() == 1);
    CHECK(burst.next_deadline() == t0 + 15s);
    const auto told = burst.ended(t0 + 15s);
    REQUIRE(told.size() == 1);
    CHECK(told[0].text == "suppressed 3 lines");
    CHECK(told[0].entry == "db");
    CHECK_FALSE(burst.next_deadline());
}

TEST_CASE("the memory of a flood of different texts is bounded, and what it cannot count passes") {
    Burst burst({1, 10s});
    for (std::size_t i = 0; i < Burst::most_counters; ++i) CHECK(burst.passes(messages::warning(std::to_string(i)), t0));
    CHECK(passing(burst, messages::warning("one too many"), 5, t0) == 5);
    CHECK(burst.ended(t0 + 10s).empty());
    CHECK(passing(burst, messages::warning("one too many"), 5, t0 + 10s) == 1);
}
