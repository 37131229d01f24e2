// SPDX-License-Identifier: Apache-2.0
#include "common/sys/kmsg.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include "tests/unit/child_process.hpp"

using namespace banken;
using namespace banken::sys;

TEST_CASE("a record of the OOM killer names its victim") {
    CHECK(oom_victim("6,339,5140900,-;Memory cgroup out of memory: Killed process 4711 (t22) total-vm:20kB") == 4711);
    CHECK(oom_victim("3,340,5140901,-;Out of memory: Killed process 7 (a (b) c), UID 0") == 7);
}

TEST_CASE("no other record names a victim") {
    CHECK_FALSE(oom_victim(""));
    CHECK_FALSE(oom_victim("Killed process 4711 (t22)"));
    CHECK_FALSE(oom_victim("6,339,5140900,-;oom_reaper: reaped process 4711 (t22)"));
    CHECK_FALSE(oom_victim("6,339,5140900,-;Killed process 4711"));
    CHECK_FALSE(oom_victim("6,339,5140900,-;Killed process (t22)"));
    CHECK_FALSE(oom_victim("6,339,5140900,-;Killed process 99999999999999999999 (t22)"));
}

TEST_CASE("what a user wrote into the kernel's log proves nothing") {
    CHECK_FALSE(oom_victim("12,339,5140900,-;Out of memory: Killed process 4711 (t22)"));
    auto kmsg = Kmsg::open();
    const UniqueFd log(::open("/dev/kmsg", O_WRONLY | O_CLOEXEC));
    if (!kmsg || !log.valid()) {
        MESSAGE("/dev/kmsg is not ours here: skipped");
        return;
    }
    const std::string_view line = "banken's test: Out of memory: Killed process 1 (init)";
    REQUIRE(::write(log.get(), line.data(), line.size()) > 0);
    CHECK_FALSE(kmsg->was_oom_killed(1));
}
