// SPDX-License-Identifier: Apache-2.0
// What the limits of an entry are about, read from /proc without ever blocking: no file of a process that needs its memory lock.
#pragma once

#include <optional>

#include "pcheck/core/types.hpp"

namespace banken {

// Nothing: the process is gone; its death is told elsewhere. The state is the first thread's; where that one has left while others live,
// that of the most awake of these, so that D or T means that none of them can go on. What may not be read is 0. Where the
// descriptors must be counted one by one (kernels before 6.2) no more than `count_fds_to` are: one beyond the limit tells that it is passed.
[[nodiscard]] std::optional<core::Measured> measure(core::EntryKey entry, ProcessId process, std::uint64_t count_fds_to);

}  // namespace banken
