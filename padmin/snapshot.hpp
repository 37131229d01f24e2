// SPDX-License-Identifier: Apache-2.0
// What runs on this host, as `match` and `explain` judge it by themselves.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/process.hpp"
#include "padmin/view.hpp"

namespace banken {

// What /proc, the pidfile and the name service say.
struct Snapshot {
    std::vector<Process> processes{};           // all facts known, kernel threads left out
    std::optional<pid_t> named{};               // by the pidfile
    std::string pidfile_fault{};                // why it names nobody
    std::string user_fault{};                   // why `user` names nobody
    std::map<uid_t, std::string> user_names{};  // of those that are not `user`, where the pfile says a name
    uid_t reader = 0;                           // whom padmin runs as
    std::size_t unread = 0;                     // command lines that could not be read in time: they are empty here
};

// Everything that runs, and the pidfile; resolves `user` of the entry. Fails where /proc does not show pcheck's processes.
[[nodiscard]] Result<Snapshot> read_snapshot(const View& view, Pent& pent);
// The pidfile, of an entry that has one, and the process that it names alone. May wait for that as long as it likes.
[[nodiscard]] Snapshot read_named(Pent& pent);

}  // namespace banken
