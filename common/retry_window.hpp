// SPDX-License-Identifier: Apache-2.0
// The arithmetic of retries: how many attempts a window still allows, and how long the next one waits. Pure; padmin's explain uses it too.
#pragma once

#include <optional>
#include <string_view>

#include "common/time.hpp"

namespace banken {

struct RetryRule {
    Duration grace{};
    std::optional<unsigned> retries;  // attempts allowed in the window; unset: unlimited
};

// The window of counted attempts: it began with the first of them (spec/pcheck.md, the cycle, step 6).
struct RetryWindow {
    std::optional<Instant> first;
    WallTime first_wall{};  // the same moment as printed: rerun_time
    unsigned count = 0;

    friend bool operator==(const RetryWindow&, const RetryWindow&) = default;
};

// now − first ≥ GRACE: the count starts anew. A window that has not begun has not passed.
[[nodiscard]] bool has_passed(const RetryWindow& window, const RetryRule& rule, Instant now);

// One more attempt would exceed the limit. Asked after has_passed() was answered with a fresh window.
[[nodiscard]] bool used_up(const RetryWindow& window, const RetryRule& rule);

struct Pacing {
    Duration delay{};    // least time between the beginnings of two attempts; 0: none
    Duration longest{};  // > 0: the delay doubles per attempt of the window up to this
};

// 0 before the first attempt of a window, else delay · 2^(count − 1) up to `longest` (delay where there is none), ± 10 %.
// The jitter is drawn from name and count, so that the same state always waits the same time (the core has no random numbers).
[[nodiscard]] Duration delay_before(const Pacing& pacing, unsigned count, std::string_view name);

}  // namespace banken
