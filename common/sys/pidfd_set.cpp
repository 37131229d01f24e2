// SPDX-License-Identifier: Apache-2.0
#include "common/sys/pidfd_set.hpp"

#include <sys/epoll.h>

namespace banken::sys {

Result<PidfdSet> PidfdSet::open() {
    UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll.valid()) return fail_errno("epoll_create1");
    return PidfdSet(std::move(epoll));
}

Result<> PidfdSet::control(int operation, int fd, std::uint32_t events, std::uint64_t token) {
    epoll_event event{.events = events, .data = {.u64 = token}};
    if (::epoll_ctl(epoll_.get(), operation, fd, &event) != 0) return fail_errno("epoll_ctl");
    return {};
}

Result<> PidfdSet::add(int pidfd, std::uint64_t token) { return control(EPOLL_CTL_ADD, pidfd, EPOLLIN | EPOLLONESHOT, token); }

// EPOLLHUP is told without being asked for.
Result<> PidfdSet::await_reap(int pidfd, std::uint64_t token) { return control(EPOLL_CTL_MOD, pidfd, EPOLLONESHOT, token); }

Result<> PidfdSet::add_readable(int fd, std::uint64_t token) { return control(EPOLL_CTL_ADD, fd, EPOLLIN, token); }

void PidfdSet::remove(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

std::span<const PidfdSet::Ready> PidfdSet::take() {
    std::array<epoll_event, batch> events{};
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(batch), 0);
    std::size_t taken = 0;
    for (int i = 0; i < count; ++i, ++taken) {
        const epoll_event& event = events[taken];
        ready_[taken] = {.token = event.data.u64, .reaped = (event.events & EPOLLHUP) != 0};
    }
    return {ready_.data(), taken};
}

}  // namespace banken::sys
