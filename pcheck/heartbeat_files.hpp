// SPDX-License-Identifier: Apache-2.0
// Signs of life by the mtime of a path (spec/pfile.md, heartbeat). The path may lie on a mount that is dead: helper threads of its own
// read it, so that neither the loop nor the pfile and the dump wait for it. What hangs is not asked for again until it returns. When so many
// hang that others find no helper, these are no evidence against anybody: they are answered as if there had been a sign of life.
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
    static constexpr unsigned threads = 16;
    static constexpr Duration patience = std::chrono::seconds(1);  // of one that waits for a helper; no heartbeat is asked for more often

    struct Handlers {
        std::function<void(core::HeartbeatRead)> on_read;
        // Only to be logged, once until a helper is free again.
        std::function<void(const std::string&)> on_stuck;
    };

    // `worker` takes at least so many requests; handlers are called from drain() and tick().
    HeartbeatFiles(sys::Worker worker, Handlers handlers) : worker_(std::move(worker)), handlers_(std::move(handlers)) {}
    HeartbeatFiles(HeartbeatFiles&&) = delete;  // the worker's answers find it by its address
    HeartbeatFiles& operator=(HeartbeatFiles&&) = delete;

    // Answered by one HeartbeatRead, if ever; not twice at a time for one entry. The age is by the monotonic clock from the second
    // reading on: a step of the wall clock changes none. It is 0 where no helper could be had within `patience`.
    void read(core::EntryKey entry, const std::string& path, Instant now);
    // All others are gone.
    void keep_only(std::span<const core::EntryKey> entries);

    // Readable: call drain().
    [[nodiscard]] int fd() const { return worker_.fd(); }
    [[nodiscard]] bool busy() const { return worker_.busy(); }  // a helper thread may be in a call
    void drain(Instant now);

    // When to call tick(): an entry has waited long enough for a helper.
    [[nodiscard]] std::optional<Instant> next_deadline() const;
    void tick(Instant now);

private:
    struct File {
        std::string path;
        bool asked = false;           // and not answered yet
        WallTime modified{};          // as read last, …
        std::optional<Instant> read;  // … and when
        Instant beat{};               // the sign of life that this was
    };
    struct Waiting {
        core::EntryKey entry = 0;
        Instant since{};
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
    Handlers handlers_;
    std::unordered_map<core::EntryKey, File> files_;
    std::deque<Waiting> waiting_;  // for a helper, in the order of asking
    std::size_t out_ = 0;          // with helpers
    bool told_stuck_ = false;
    Instant now_{};  // of the drain that runs
};

}  // namespace banken
