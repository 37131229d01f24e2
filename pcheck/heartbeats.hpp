// SPDX-License-Identifier: Apache-2.0
// Signs of life by `WATCHDOG=1` (spec/pfile.md, heartbeat): takes them from the socket and judges who may give them for which entry. They
// come from the main process, a process below it, or one of its cgroup (not the root's, pcheck's own, or a login session's); or they name
// the entry by `BANKEN_ENTRY=name` and come from root, pcheck's user or the main process's. Everything else is ignored and counted. Anybody
// may send, so what one datagram costs does not grow with the entries, and one that can be for no entry costs no look at its sender.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/process.hpp"
#include "common/sys/notify_receiver.hpp"
#include "pcheck/core/types.hpp"

namespace banken {

class Heartbeats {
public:
    struct Handlers {
        std::function<void(core::EntryKey)> on_heartbeat;
        // Only to be logged, at most once in `told_every`: "3 heartbeats ignored, the last from pid 17 of uid 1000".
        std::function<void(const std::string&)> on_ignored;
    };
    static constexpr std::size_t batch = 16;
    static constexpr Duration told_every = std::chrono::hours(1);

    // "/run/banken/0x1f000501.notify"; without root in $XDG_RUNTIME_DIR, and empty where that is not set.
    [[nodiscard]] static std::string path_for(std::uint32_t ipc_key, bool as_root, std::string_view runtime_directory);
    [[nodiscard]] static Result<Heartbeats> open(const std::string& path, Handlers handlers);

    [[nodiscard]] const std::string& path() const { return receiver_.path(); }
    // Readable: call take().
    [[nodiscard]] int fd() const { return receiver_.fd(); }
    // At most `batch`. True: there may be more, let others have a turn (EventLoop::yield_once).
    [[nodiscard]] bool take(Now now);

    // From now on heartbeats of this entry, whose main process is `main`, are told.
    void expect(core::EntryKey entry, const std::string& name, ProcessId main);
    void forget(core::EntryKey entry);
    // All others are gone.
    void keep_only(std::span<const core::EntryKey> entries);

private:
    struct Expected {
        std::string name;
        ProcessId main;
        std::string cgroup;  // of main when it was followed; empty: none that counts
    };

    Heartbeats(sys::NotifyReceiver receiver, Handlers handlers);
    void index();
    [[nodiscard]] std::set<core::EntryKey> entries_of(const sys::Notification& from, std::string_view named) const;
    [[nodiscard]] std::set<core::EntryKey> entries_of_place(const sys::Notification& from) const;
    [[nodiscard]] static bool may_name(const Expected& expected, uid_t user);
    void ignored(const sys::Notification& from, Instant now);

    sys::NotifyReceiver receiver_;
    Handlers handlers_;
    std::string own_cgroup_;
    std::map<core::EntryKey, Expected> expected_;
    bool indexed_ = true;  // what follows is of expected_ as it is
    std::multimap<std::string, core::EntryKey, std::less<>> by_name_;
    std::multimap<std::string, core::EntryKey> by_cgroup_;
    std::multimap<ProcessId, core::EntryKey> by_main_;
    std::uint64_t ignored_ = 0;  // and not told yet
    std::optional<Instant> told_;
};

}  // namespace banken
