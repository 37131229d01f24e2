// SPDX-License-Identifier: Apache-2.0
#include "pcheck/core/slots.hpp"

#include <algorithm>

namespace banken::core {

bool Slots::admit(EntryKey entry) {
    if (std::erase(called_, entry) > 0) {
        if (some_free()) return true;
        queue_.push_front(entry);  // an ordered script, which asks nobody, has taken it meanwhile, or there are fewer now
        return false;
    }
    if (queue_.empty() && some_free()) return true;
    if (std::ranges::find(queue_, entry) == queue_.end()) queue_.push_back(entry);
    return false;
}

void Slots::take(RunId run, Instant now) { taken_.push_back({run, now + held}); }

void Slots::free(RunId run) {
    std::erase_if(taken_, [run](const Taken& taken) { return taken.run == run; });
}

void Slots::leave(EntryKey entry) {
    std::erase(called_, entry);
    std::erase(queue_, entry);
}

void Slots::expire(Instant now) {
    std::erase_if(taken_, [now](const Taken& taken) { return taken.until <= now; });
}

std::optional<Instant> Slots::next_expiry() const {
    const auto next = std::ranges::min_element(taken_, {}, &Taken::until);
    return next == taken_.end() ? std::nullopt : std::optional(next->until);
}

std::optional<EntryKey> Slots::call_next() {
    if (queue_.empty() || !some_free()) return std::nullopt;
    const EntryKey next = queue_.front();
    queue_.pop_front();
    called_.push_back(next);
    return next;
}

}  // namespace banken::core
