// SPDX-License-Identifier: Apache-2.0
#include "common/sys/futex.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

namespace banken::sys {

void futex_wait(const std::uint64_t& word, std::uint64_t seen, Duration timeout) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(timeout);
    const timespec relative{.tv_sec = seconds.count(), .tv_nsec = (timeout - seconds).count()};
    syscall(SYS_futex, &word, FUTEX_WAIT, static_cast<std::uint32_t>(seen), &relative, nullptr, 0);
}

void futex_wake(const std::uint64_t& word) { syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0); }

}  // namespace banken::sys
