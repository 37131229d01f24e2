// SPDX-License-Identifier: Apache-2.0
// Three kinds of time that are never mixed. None of them can be read here: the edge reads the clocks, everything else takes `now`.
#pragma once

#include <chrono>
#include <cstdint>

namespace banken {

using Duration = std::chrono::nanoseconds;

// CLOCK_MONOTONIC: deadlines, windows, delays. Stands still while the machine is suspended, so nothing is overdue at resume.
struct Monotonic {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<Monotonic, duration>;
    static constexpr bool is_steady = true;
};
using Instant = Monotonic::time_point;

// CLOCK_REALTIME: only printed.
using WallTime = std::chrono::sys_time<Duration>;

// CLOCK_BOOTTIME in ticks of 10 ms, as field 22 of /proc/PID/stat gives a process's start. Compared with each other only.
using BootTicks = std::uint64_t;

// What the edge read once at the beginning of a loop turn.
struct Now {
    Instant instant{};
    WallTime wall{};
    BootTicks ticks = 0;
};

}  // namespace banken
