// SPDX-License-Identifier: Apache-2.0
// Users and groups of this host. The name service may ask a network and hang: never in the loop's thread.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/result.hpp"

namespace banken::sys {

struct Account {
    uid_t uid = 0;
    gid_t gid = 0;
    std::string name, home;
};

// By name, else, where the text is a number, by uid. Error: `there is no user "oracle"`, or what kept the name service from saying so.
[[nodiscard]] Result<Account> find_user(const std::string& name);
// All groups of the user, its own first.
[[nodiscard]] std::vector<gid_t> groups_of(const Account& account);
[[nodiscard]] Result<gid_t> find_group(const std::string& name);

}  // namespace banken::sys
