// SPDX-License-Identifier: Apache-2.0
#include "common/cgroup.hpp"

#include <doctest/doctest.h>

using namespace banken;

TEST_CASE("the cgroup of the v2 hierarchy is the service manager's") {
    CHECK(service_cgroup("0::/system.slice/crond.service\n") == "/system.slice/crond.service");
    CHECK(service_cgroup("3:memory:/a\n1:name=systemd:/b\n0::/c\n") == "/c");
}

TEST_CASE("where v2 has the root only, v1's systemd hierarchy is it, and no other") {
    CHECK(service_cgroup("4:memory:/a\n1:name=systemd:/system.slice/crond.service\n0::/\n") == "/system.slice/crond.service");
    CHECK(service_cgroup("1:name=systemd:/x:y\n") == "/x:y");
    CHECK(service_cgroup("4:memory:/a\n1:name=systemd:/\n0::/\n").empty());
    CHECK(service_cgroup("").empty());
    CHECK(service_cgroup("0:\nnonsense").empty());
}

TEST_CASE("the innermost unit decides whether it is a service") {
    CHECK(service_of("/system.slice/crond.service") == ServiceUnit{"crond.service", false});
    CHECK(service_of("/system.slice/docker.service/payload") == ServiceUnit{"docker.service", false});
    CHECK(service_of("/system.slice/system-getty.slice/getty@tty1.service") == ServiceUnit{"getty@tty1.service", false});
    CHECK(service_of("/machine.slice/libpod-1.scope/container") == std::nullopt);
    CHECK(service_of("/user.slice/user-0.slice/session-1.scope") == std::nullopt);
    CHECK(service_of("/system.slice") == std::nullopt);
    CHECK(service_of("/lxc/one") == std::nullopt);
    CHECK(service_of("") == std::nullopt);
}

TEST_CASE("a service of a user's own manager is told apart from the manager itself") {
    CHECK(service_of("/user.slice/user-1000.slice/user@1000.service/app.slice/web.service") == ServiceUnit{"web.service", true});
    CHECK(service_of("/user.slice/user-1000.slice/user@1000.service") == ServiceUnit{"user@1000.service", false});
}

TEST_CASE("a login session is known by its scope") {
    CHECK(is_login_session("/user.slice/user-0.slice/session-12.scope"));
    CHECK(is_login_session("/user.slice/user-0.slice/session-c2.scope/below"));
    CHECK_FALSE(is_login_session("/system.slice/sshd.service"));
    CHECK_FALSE(is_login_session(""));
}
