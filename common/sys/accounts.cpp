// SPDX-License-Identifier: Apache-2.0
#include "common/sys/accounts.hpp"

#include <grp.h>
#include <pwd.h>

#include <limits>
#include <utility>

#include "common/text.hpp"

namespace banken::sys {
namespace {

constexpr std::size_t first_buffer = 4096, largest_buffer = 1u << 24;  // a group with many members is long

// getpwnam_r and its kin: 0 without a result, and some of these numbers, mean that there is none (getpwnam(3)).
bool means_none(int number) { return number == 0 || number == ENOENT || number == ESRCH || number == EBADF || number == EPERM; }

// Calls `ask(entry, buffer, size, found)` with a buffer that is large enough. False: there is no such entry.
template <class Entry, class Ask>
Result<bool> look_up(Entry& entry, std::vector<char>& buffer, Ask ask) {
    for (buffer.resize(first_buffer); buffer.size() <= largest_buffer; buffer.resize(2 * buffer.size())) {
        Entry* found = nullptr;
        const int number = ask(&entry, buffer.data(), buffer.size(), &found);
        if (number == ERANGE || number == EINTR) continue;
        if (found == nullptr && !means_none(number)) return fail_errno("name service", number);
        return found != nullptr;
    }
    return fail_errno("name service", ERANGE);
}

}  // namespace

Result<Account> find_user(const std::string& name) {
    passwd entry{};
    std::vector<char> buffer;
    auto found = look_up(entry, buffer, [&](auto... rest) { return ::getpwnam_r(name.c_str(), rest...); });
    if (found && !*found) {
        const auto number = number_of(name, {0, std::numeric_limits<uid_t>::max() - 1});
        if (number) found = look_up(entry, buffer, [&](auto... rest) { return ::getpwuid_r(static_cast<uid_t>(*number), rest...); });
    }
    if (!found) return Failure(found.error());
    if (!*found) return fail("there is no user {}", quoted(name));
    return Account{entry.pw_uid, entry.pw_gid, entry.pw_name, entry.pw_dir};
}

std::vector<gid_t> groups_of(const Account& account) {
    std::vector<gid_t> groups(32);
    int count = static_cast<int>(groups.size());
    while (::getgrouplist(account.name.c_str(), account.gid, groups.data(), &count) < 0) {  // count is then how many there are
        groups.resize(std::max(groups.size() * 2, static_cast<std::size_t>(count)));
        count = static_cast<int>(groups.size());
    }
    groups.resize(static_cast<std::size_t>(count));
    return groups;
}

Result<gid_t> find_group(const std::string& name) {
    group entry{};
    std::vector<char> buffer;
    const auto found = look_up(entry, buffer, [&](auto... rest) { return ::getgrnam_r(name.c_str(), rest...); });
    if (!found) return Failure(found.error());
    if (!*found) return fail("there is no group {}", quoted(name));
    return entry.gr_gid;
}

}  // namespace banken::sys
