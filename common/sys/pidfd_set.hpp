// SPDX-License-Identifier: Apache-2.0
// One private epoll for all pidfds, itself one source of the event loop. As sources of their own 10 000 deaths cost 10.8 s of CPU and
// nothing else is served meanwhile; so they cost 76 ms (reference/platform.md 7.1).
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "common/result.hpp"
#include "common/sys/unique_fd.hpp"

namespace banken::sys {

class PidfdSet {
public:
    static constexpr std::size_t batch = 64;
    // `token` is the caller's. It is never used for a second descriptor: one batch may name what the batch's first handler removed.
    struct Ready {
        std::uint64_t token = 0;
        bool reaped = false;  // told by kernels that tell exit statuses too
    };

    [[nodiscard]] static Result<PidfdSet> open();

    // Readable when take() has something to give.
    [[nodiscard]] int fd() const { return epoll_.get(); }

    // Told once, when the process has ended; at once if it has ended already. number ENOSPC, ENOMEM: no more can be watched.
    [[nodiscard]] Result<> add(int pidfd, std::uint64_t token);
    // After the death: told once more when the process has been reaped, by kernels that tell it at all.
    [[nodiscard]] Result<> await_reap(int pidfd, std::uint64_t token);
    // A descriptor that is no pidfd: told as long as it is readable.
    [[nodiscard]] Result<> add_readable(int fd, std::uint64_t token);
    // Before the descriptor is closed: a child that still shares our table could keep it in the set.
    void remove(int fd);

    // At most `batch`, without waiting; valid until the next call. A full batch means that there may be more.
    [[nodiscard]] std::span<const Ready> take();

private:
    explicit PidfdSet(UniqueFd epoll) : epoll_(std::move(epoll)) {}
    [[nodiscard]] Result<> control(int operation, int fd, std::uint32_t events, std::uint64_t token);
    UniqueFd epoll_;
    std::array<Ready, batch> ready_{};
};

}  // namespace banken::sys
