// SPDX-License-Identifier: Apache-2.0
// Looks which responders lie in directories (spec/events.md). May hang on a dead mount: in the daemon called by a helper thread.
#pragma once

#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace banken::sys {

struct ResponderList {
    std::vector<std::string> paths;    // in the order of the directories, in each in byte order of the names
    std::vector<std::string> refused;  // why something that is there is none: "/path is writable by others"
};

// Executable regular files, links followed. A directory that is not there is empty. With `trusted` only those pass that nobody but root and this
// user could have written (Trust).
[[nodiscard]] ResponderList list_responders(std::span<const std::string> directories, std::optional<uid_t> trusted);

}  // namespace banken::sys
