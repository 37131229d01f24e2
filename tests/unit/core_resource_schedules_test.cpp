// SPDX-License-Identifier: Apache-2.0
// Random schedules hold "What always holds for resources" of spec/state-table.md. BANKEN_SEED=N plays that one alone, BANKEN_SCHEDULES=N so many.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include "tests/fake/resource_schedule.hpp"

using namespace banken;
using namespace banken::core;

namespace {

#ifdef __OPTIMIZE__
constexpr std::uint64_t as_many = 10000;
#else
constexpr std::uint64_t as_many = 1000;  // without optimization, under sanitizers
#endif
constexpr unsigned steps = 120;

std::uint64_t number_in(const char* variable, std::uint64_t otherwise) {
    const char* text = std::getenv(variable);
    return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace

TEST_CASE("random schedules of results, orders, reloads and adoptions keep what always holds for resources") {
    ResourceCoverage coverage;
    const std::uint64_t only = number_in("BANKEN_SEED", 0), schedules = number_in("BANKEN_SCHEDULES", as_many);
    unsigned failures = 0;
    for (std::uint64_t seed = only == 0 ? 1 : only; seed <= (only == 0 ? schedules : only) && failures < 3; ++seed) {
        if (ResourceSchedule(seed, coverage, false).play(steps).empty()) continue;
        ++failures;
        ResourceCoverage again;
        FAIL_CHECK(fmt::format("BANKEN_SEED={}: {}", seed, ResourceSchedule(seed, again, true).play(steps)));
    }
    if (only != 0) return;
    std::fputs(coverage.table().c_str(), stdout);
    if (schedules < as_many) return;
    const std::uint64_t least = schedules / (schedules < 10000 ? 200 : 100);  // few schedules meet a rare cell by luck only
    for (const std::string& complaint : coverage.complaints(least)) FAIL_CHECK(complaint);
}
