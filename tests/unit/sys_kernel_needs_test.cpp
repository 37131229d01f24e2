// SPDX-License-Identifier: Apache-2.0
#include "common/sys/kernel_needs.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace banken;
using namespace banken::sys;

TEST_CASE("this kernel has all that is needed, and scripts are cloned by clone3") {
    const auto enough = kernel_suffices();
    CHECK_MESSAGE(enough, (enough ? "" : enough.error().text));
    CHECK(clone_found() == "clone3");
}

TEST_CASE("what is only short for now is not taken for lacking") {
    const pid_t child = ::fork();
    if (child == 0) {
        rlimit none{};
        ::getrlimit(RLIMIT_NOFILE, &none);
        none.rlim_cur = 0;
        ::setrlimit(RLIMIT_NOFILE, &none);
        ::_exit(kernel_suffices() ? 0 : 1);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}
