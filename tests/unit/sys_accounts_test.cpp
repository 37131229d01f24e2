// SPDX-License-Identifier: Apache-2.0
#include "common/sys/accounts.hpp"

#include <doctest/doctest.h>

namespace banken::sys {
namespace {

TEST_CASE("a user is found by name and by uid") {
    const auto by_name = find_user("root"), by_uid = find_user("0");
    REQUIRE(by_name);
    REQUIRE(by_uid);
    for (const auto& account : {*by_name, *by_uid}) {
        CHECK(account.uid == 0);
        CHECK(account.gid == 0);
        CHECK(account.name == "root");
        CHECK_FALSE(account.home.empty());
    }
}

TEST_CASE("the groups of a user begin with its own") {
    const auto groups = groups_of(*find_user("root"));
    REQUIRE_FALSE(groups.empty());
    CHECK(groups.front() == 0);
}

TEST_CASE("who is not there is said not to be there") {
    CHECK(find_user("no-such-user").error().text == "there is no user \"no-such-user\"");
    CHECK(find_user("4294967295").error().text == "there is no user \"4294967295\"");  // no uid at all
    CHECK(find_user("").error().text == "there is no user \"\"");
    CHECK(find_group("no-such-group").error().text == "there is no group \"no-such-group\"");
    CHECK(*find_group("root") == 0);
}

}  // namespace
}  // namespace banken::sys
