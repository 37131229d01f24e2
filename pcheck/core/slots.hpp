// SPDX-License-Identifier: Apache-2.0
// SCRIPT_PARALLEL: how many restart scripts that were started within the last 5 s may run at once, and who is next (spec/pfile.md, PARAM).
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "pcheck/core/types.hpp"

namespace banken::core {

class Slots {
public:
    static constexpr Duration held = std::chrono::seconds(5);  // an older script no longer counts: hung ones hold up nobody

    void set_capacity(unsigned capacity) { capacity_ = capacity; }

    // Whether `entry` may begin now. If not it has its place in the queue, where it keeps the one it has.
    [[nodiscard]] bool admit(EntryKey entry);
    // A script has begun (an ordered one without having asked): its slot is taken until free() or for 5 s.
    void take(RunId run, Instant now);
    void free(RunId run);
    // It needs none any more: found again, paused, given up, removed.
    void leave(EntryKey entry);

    // Slots that are older than 5 s come free.
    void expire(Instant now);
    [[nodiscard]] std::optional<Instant> next_expiry() const;
    // The entry that a free slot is now kept for until it is admitted or leaves; unset: none waits, or none is free.
    [[nodiscard]] std::optional<EntryKey> call_next();

private:
    struct Taken {
        RunId run;
        Instant until;
    };
    [[nodiscard]] bool some_free() const { return taken_.size() + called_.size() < capacity_; }

    unsigned capacity_ = 1;
    std::vector<Taken> taken_;
    std::deque<EntryKey> queue_;
    std::vector<EntryKey> called_;
};

}  // namespace banken::core
