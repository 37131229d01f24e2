// SPDX-License-Identifier: Apache-2.0
// The kernel's process-event connector, filtered in the kernel down to processes that end with a status other than 0. It costs
// 14 to 34 µs for every process that anybody starts, so it is only for kernels that tell no exit status by pidfd (design.md).
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <deque>
#include <optional>

#include "common/process.hpp"
#include "common/result.hpp"
#include "common/sys/unique_fd.hpp"

namespace banken::sys {

class ExitConnector {
public:
    static constexpr std::size_t remembered = 1024;

    // Needs root in the initial network, user and PID namespaces; fails cleanly elsewhere.
    [[nodiscard]] static Result<ExitConnector> open();
    ExitConnector(ExitConnector&&) noexcept = default;
    ExitConnector& operator=(ExitConnector&&) = delete;
    ~ExitConnector();

    // Readable when there is something to drain. Must be drained then: a full socket loses what comes after.
    [[nodiscard]] int fd() const { return socket_.get(); }
    // Reads what has come, without waiting. What the kernel dropped meanwhile (ENOBUFS) is lost.
    void drain();
    // The wait status of a process that is dead: its event precedes the wake-up of its pidfd. Nothing: it ended with 0, or its event
    // was lost, or is older than the last `remembered`.
    [[nodiscard]] std::optional<int> status_of(ProcessId process);

private:
    struct Ended {
        pid_t pid = 0;
        BootTicks at = 0;  // tells the users of one pid apart: the later one starts after the earlier one's end
        int status = 0;
    };
    explicit ExitConnector(UniqueFd socket) : socket_(std::move(socket)) {}
    UniqueFd socket_;
    std::deque<Ended> ended_;
};

}  // namespace banken::sys
