// SPDX-License-Identifier: Apache-2.0
#include "pcheck/core/reminder.hpp"

#include <fmt/format.h>

namespace banken::core {

std::string text_of(const Remind& reminder, const Watch& watch, const std::function<std::string(WallTime)>& time) {
    const std::string since = time(reminder.since);
    switch (reminder.what) {
        case Remind::What::given_up: return fmt::format("given up since {}", since);
        case Remind::What::on_hold:
            return fmt::format("on hold until {}", time(reminder.since + (watch.timer.value_or(watch.since) - watch.since)));
        case Remind::What::not_ended: return fmt::format("not ended since {}", since);
        case Remind::What::running_again:
            return fmt::format("running again as pid={}, not watched until reload, clear or restart", watch.seen ? watch.seen->pid : 0);
        case Remind::What::paused: return fmt::format("paused since {}", since);
        case Remind::What::without_script: return fmt::format("down without script since {}", since);
        case Remind::What::waiting:
            return fmt::format("waiting for {} since {}", watch.waits_for.empty() ? banken::text_of(watch.wait) : watch.waits_for, since);
    }
    return {};
}

}  // namespace banken::core
