// SPDX-License-Identifier: Apache-2.0
// Waiting for a word of a shared segment to change. Not private: the waker is another process. A futex is half a word: the low half is used.
#pragma once

#include <cstdint>

#include "common/time.hpp"

namespace banken::sys {

// Returns when the low half of `word` is not `seen` any more, when somebody wakes it, after `timeout`, or on a signal: look again.
void futex_wait(const std::uint64_t& word, std::uint64_t seen, Duration timeout);
void futex_wake(const std::uint64_t& word);

}  // namespace banken::sys
