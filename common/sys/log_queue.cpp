// SPDX-License-Identifier: Apache-2.0
#include "common/sys/log_queue.hpp"

#include <utility>

namespace banken::sys {

void LogQueue::push(std::string line, bool must_arrive) {
    (must_arrive ? vital_ : spare_).push_back({next_number_++, std::move(line)});
    while (size() > capacity_) {
        (spare_.empty() ? vital_ : spare_).pop_front();
        ++lost_;
    }
}

void LogQueue::lose_front() {
    pop();
    ++lost_;
}

std::size_t LogQueue::take_lost() {
    if (size() > capacity_ / 2) return 0;
    return std::exchange(lost_, 0);
}

bool LogQueue::spare_is_oldest() const { return vital_.empty() || (!spare_.empty() && spare_.front().number < vital_.front().number); }

}  // namespace banken::sys
