// SPDX-License-Identifier: Apache-2.0
#include "common/sys/responder_list.hpp"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

#include "common/responders.hpp"
#include "common/sys/trust.hpp"

namespace banken::sys {
namespace {

struct Close {
    void operator()(DIR* directory) const { ::closedir(directory); }
};

std::string why(const std::string& path, int number) { return fmt::format("{}: {}", path, std::generic_category().message(number)); }

void list_directory(const std::string& path, std::optional<uid_t> trusted, ResponderList& list) {
    const std::unique_ptr<DIR, Close> directory(::opendir(path.c_str()));
    if (!directory) {
        if (errno != ENOENT && errno != ENOTDIR) list.refused.push_back(why(path, errno));
        return;
    }
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(directory.get())) {
        if (is_responder_name(entry->d_name)) names.emplace_back(entry->d_name);
    }
    std::ranges::sort(names);
    for (const std::string& name : names) {
        std::string file = fmt::format("{}/{}", path, name);
        struct stat status {};
        if (::stat(file.c_str(), &status) != 0) {
            list.refused.push_back(why(file, errno));
            continue;
        }
        if (!S_ISREG(status.st_mode) || (status.st_mode & 0111) == 0) continue;
        const auto passed = trusted ? check_trust(file, TrustKind::script, *trusted) : Result<>();
        if (passed) {
            list.paths.push_back(std::move(file));
        } else {
            list.refused.push_back(passed.error().text);
        }
    }
}

}  // namespace

ResponderList list_responders(std::span<const std::string> directories, std::optional<uid_t> trusted) {
    ResponderList list;
    for (const std::string& directory : directories) list_directory(directory, trusted, list);
    return list;
}

}  // namespace banken::sys
