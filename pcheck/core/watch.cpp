// SPDX-License-Identifier: Apache-2.0
#include "pcheck/core/watch.hpp"

#include <utility>

namespace banken::core {

std::optional<Instant> Watch::next_deadline() const {
    std::optional<Instant> next;
    for (const auto& deadline :
         {timer_rests() ? std::nullopt : timer, look_at, remind_at, paused_until, check_at, beat_at, measure_at, stable_at}) {
        if (deadline && (!next || *deadline < *next)) next = deadline;
    }
    return next;
}

void Watch::remember_loss(Instant at, pid_t pid, EntryReason by, std::string why) {
    lost_at = at;
    lost_pid = pid;
    lost_by = by;
    lost_why = std::move(why);
}

void Watch::forget_signs_of_life() {
    check_at.reset();
    beat_at.reset();
    measure_at.reset();
    stable_at.reset();
    beat_asked = false;
    bad_checks = 0;
    figures.reset();
    hung = cpu = rss = fds = {};
    told_stalled = {};
}

}  // namespace banken::core
