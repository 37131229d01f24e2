// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>

#include "common/retry_window.hpp"

using namespace banken;
using namespace std::chrono_literals;

TEST_CASE("a window passes when GRACE has, not before, and never without a first attempt") {
    const Instant t0{1h};
    const RetryRule rule{100s, 3};
    CHECK_FALSE(has_passed({}, rule, t0 + 1000h));
    CHECK_FALSE(has_passed({t0, {}, 1}, rule, t0 + 100s - 1ns));
    CHECK(has_passed({t0, {}, 1}, rule, t0 + 100s));
}

TEST_CASE("retries are used up at their number, with 0 at once, unlimited never") {
    CHECK_FALSE(used_up({{}, {}, 2}, {100s, 3}));
    CHECK(used_up({{}, {}, 3}, {100s, 3}));
    CHECK(used_up({}, {100s, 0}));
    CHECK_FALSE(used_up({{}, {}, 1000000}, {100s, std::nullopt}));
}

TEST_CASE("the first attempt of a window waits for nothing, the next for the delay within ten percent") {
    CHECK(delay_before({10s, {}}, 0, "crond") == 0s);
    CHECK(delay_before({}, 5, "crond") == 0s);
    for (unsigned count = 1; count < 1000; ++count) {
        const Duration delay = delay_before({10s, {}}, count, "crond");
        CHECK(delay >= 9s);
        CHECK(delay <= 11s);
    }
}

TEST_CASE("with a maximum the delay doubles up to it") {
    const Pacing pacing{10s, 60s};
    const auto near = [](Duration delay, Duration wanted) { return delay >= wanted * 9 / 10 && delay <= wanted * 11 / 10; };
    CHECK(near(delay_before(pacing, 1, "a"), 10s));
    CHECK(near(delay_before(pacing, 2, "a"), 20s));
    CHECK(near(delay_before(pacing, 3, "a"), 40s));
    CHECK(near(delay_before(pacing, 4, "a"), 60s));
    CHECK(near(delay_before(pacing, 10000, "a"), 60s));
}

TEST_CASE("the jitter is the same for the same entry and attempt, and differs between entries") {
    CHECK(delay_before({1h, {}}, 3, "crond") == delay_before({1h, {}}, 3, "crond"));
    CHECK(delay_before({1h, {}}, 3, "crond") != delay_before({1h, {}}, 3, "nginx"));
}
