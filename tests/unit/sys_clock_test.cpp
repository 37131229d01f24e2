// SPDX-License-Identifier: Apache-2.0
#include "common/sys/clock.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <unistd.h>

#include <clocale>
#include <ctime>

#include "common/sys/pid_ref.hpp"

using namespace banken;

namespace {

void set_zone(const char* zone) {
    ::setenv("TZ", zone, 1);
    ::tzset();
}

constexpr WallTime at(std::int64_t seconds) { return WallTime(std::chrono::seconds(seconds)); }

}  // namespace

TEST_CASE("local time is told as ctime does") {
    set_zone("JST-9");
    CHECK(sys::local_time_text(at(1169094883)) == "Thu Jan 18 13:34:43 2007");
    CHECK(sys::local_time_text(at(1167667200)) == "Tue Jan  2 01:00:00 2007");
    CHECK(sys::local_time_text(at(-1)) == "Thu Jan  1 08:59:59 1970");
    CHECK(sys::rfc3339_text(at(1169094883)) == "2007-01-18T13:34:43+09:00");
    set_zone("NST3:30");
    CHECK(sys::rfc3339_text(at(1169094883)) == "2007-01-18T01:04:43-03:30");
    set_zone("UTC0");
    CHECK(sys::rfc3339_text(at(1169094883)) == "2007-01-18T04:34:43+00:00");
    CHECK(sys::rfc3339_text(at(1169094883) + std::chrono::milliseconds(999)) == "2007-01-18T04:34:43+00:00");
}

TEST_CASE("now is later than our own start, in the same ticks, and never goes back") {
    const Now first = sys::read_now();
    const BootTicks started = sys::read_stat(::getpid())->fingerprint.start;
    CHECK(first.ticks >= started);
    CHECK(first.ticks < started + 100 * 3600);
    CHECK(sys::read_now().instant >= first.instant);
    CHECK(first.wall > at(1'700'000'000));
}
