// SPDX-License-Identifier: Apache-2.0
// Signs of life by the mtime of a path (spec/pfile.md, heartbeat). The path may lie on a mount that is dead: helper threads of its own
// read it, so that neither the loop nor the pfile and the dump wait for it. What hangs is not asked for again until it returns.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

#include "common/sys/worker.hpp"
#include "pcheck/core/types.hpp"

namespace banken {

class HeartbeatFiles {
public:
    static constexpr unsigned threads = 4;

    // `worker` takes at least so many requests; `tell` is called from drain().
    HeartbeatFiles(sys::Worker worker, std::function<void(core::HeartbeatRead)> tell)
        : worker_(std::move(worker)), tell_(std::move(tell)) {}
    HeartbeatFiles(HeartbeatFiles&&) = delete;  // the worker's answers find it by its address
    HeartbeatFiles& operator=(HeartbeatFiles&&) = delete;

    // Answered by one HeartbeatRead, if ever; not twice at a time for one entry. The age is by the monotonic clock from the second
    // reading on: a step of the wall clock changes none.
    void read(core::EntryKey entry, const std::string& path);
    // All others are gone.
    void keep_only(std::span<const core::EntryKey> entries);

    // Readable: call drain().
    [[nodiscard]] int fd() const { return worker_.fd(); }
    void drain(Instant now);

private:
    struct File {
        std::string path;
        bool asked = false;           // and not answered yet
        WallTime modified{};          // as read last, …
        std::optional<Instant> read;  // … and when
        Instant beat{};               // the sign of life that this was
    };
    // An mtime, and its age by the wall clock.
    struct Mtime {
        WallTime modified{};
        Duration age{};
    };

    [[nodiscard]] static std::optional<Mtime> mtime_of(const std::string& path);
    [[nodiscard]] static Duration age_of(File& file, const Mtime& mtime, Instant now);
    void send_out();
    void returned(core::EntryKey entry, const std::string& path, const std::optional<Mtime>& mtime);

    sys::Worker worker_;
    std::function<void(core::HeartbeatRead)> tell_;
    std::unordered_map<core::EntryKey, File> files_;
    std::deque<core::EntryKey> waiting_;  // for a helper, in the order of asking
    std::size_t out_ = 0;                 // with helpers
    Instant now_{};                       // of the drain that runs
};

}  // namespace banken
