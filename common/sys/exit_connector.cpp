// SPDX-License-Identifier: Apache-2.0
#include "common/sys/exit_connector.hpp"

#include <arpa/inet.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <tuple>
#include <utility>

namespace banken::sys {
namespace {

// One datagram is one event: these three, one after the other.
constexpr std::size_t event_at = sizeof(nlmsghdr) + sizeof(cn_msg);
constexpr std::size_t data_at = event_at + offsetof(proc_event, event_data);
constexpr std::size_t message_size = event_at + sizeof(proc_event);
// Events are few after the filter, but come in storms, and a full socket drops what we wait for.
constexpr int socket_buffer = 1 << 20;

// Loads give numbers in network order, events are in the host's: so the constants are turned around instead.
Result<> let_through_only_bad_ends(int fd) {
    constexpr auto field = [](std::size_t offset) { return static_cast<__u32>(offset); };
    using Data = decltype(proc_event::event_data);
    std::array<sock_filter, 11> program{{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, field(event_at + offsetof(proc_event, what))),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(proc_event::PROC_EVENT_NONE), 7, 0),  // the answer to our listening
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(proc_event::PROC_EVENT_EXIT), 0, 7),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, field(data_at + offsetof(Data, exit.exit_code))),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 5, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, field(data_at + offsetof(Data, exit.process_pid))),
        BPF_STMT(BPF_MISC | BPF_TAX, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, field(data_at + offsetof(Data, exit.process_tgid))),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1),  // the end of another thread than the first says nothing of the process
        BPF_STMT(BPF_RET | BPF_K, message_size),
        BPF_STMT(BPF_RET | BPF_K, 0),
    }};
    const sock_fprog filter{.len = program.size(), .filter = program.data()};
    if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0) return fail_errno("SO_ATTACH_FILTER");
    return {};
}

Result<> request(int fd, proc_cn_mcast_op operation) {
    const nlmsghdr head{
        .nlmsg_len = event_at + sizeof operation, .nlmsg_type = NLMSG_DONE, .nlmsg_flags = 0, .nlmsg_seq = 0, .nlmsg_pid = 0};
    const cn_msg address{.id = {CN_IDX_PROC, CN_VAL_PROC}, .seq = 0, .ack = 0, .len = sizeof operation, .flags = 0};
    std::array<char, event_at + sizeof operation> message{};
    std::memcpy(message.data(), &head, sizeof head);
    std::memcpy(message.data() + sizeof head, &address, sizeof address);
    std::memcpy(message.data() + event_at, &operation, sizeof operation);
    if (::send(fd, message.data(), message.size(), 0) < 0) return fail_errno("send");
    return {};
}

// The next event, without waiting. Nothing: all is read.
std::optional<proc_event> receive(int fd) {
    for (;;) {
        std::array<char, message_size> message{};
        const ssize_t size = ::recv(fd, message.data(), message.size(), 0);
        if (size < 0 && (errno == ENOBUFS || errno == EINTR)) continue;
        if (size < 0) return std::nullopt;
        if (static_cast<std::size_t>(size) < message_size) continue;
        proc_event event{};
        std::memcpy(&event, message.data() + event_at, sizeof event);
        return event;
    }
}

std::uint64_t nanoseconds(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace

Result<ExitConnector> ExitConnector::open() {
    UniqueFd socket(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_CONNECTOR));
    if (!socket.valid()) return fail_errno("socket");
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &socket_buffer, sizeof socket_buffer);  // without the right: the usual size
    if (auto filtered = let_through_only_bad_ends(socket.get()); !filtered) return Failure(filtered.error());
    sockaddr_nl address{.nl_family = AF_NETLINK, .nl_pad = 0, .nl_pid = 0, .nl_groups = CN_IDX_PROC};
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return fail_errno("bind");
    if (auto asked = request(socket.get(), PROC_CN_MCAST_LISTEN); !asked) return Failure(asked.error());
    // The answer is there when send() returns; in another PID or user namespace the kernel gives none.
    ExitConnector connector(std::move(socket));
    while (const auto event = receive(connector.fd())) {
        if (event->what != proc_event::PROC_EVENT_NONE) continue;
        if (event->event_data.ack.err != 0) return fail_errno("listen", static_cast<int>(event->event_data.ack.err));
        return connector;
    }
    return fail("no answer: not in the initial namespaces");
}

ExitConnector::~ExitConnector() {
    // Before Linux 6.6 the kernel goes on making events for a listener that only closed its socket.
    if (socket_.valid()) std::ignore = request(socket_.get(), PROC_CN_MCAST_IGNORE);
}

void ExitConnector::drain() {
    const std::uint64_t suspended = nanoseconds(CLOCK_BOOTTIME) - nanoseconds(CLOCK_MONOTONIC);  // events have the monotonic clock's time
    while (const auto event = receive(fd())) {
        if (event->what != proc_event::PROC_EVENT_EXIT) continue;
        const auto& end = event->event_data.exit;
        if (ended_.size() == remembered) ended_.pop_front();
        const BootTicks at = (event->timestamp_ns + suspended) / 10'000'000U;
        ended_.push_back({.pid = end.process_pid, .at = at, .status = static_cast<int>(end.exit_code)});
    }
}

std::optional<int> ExitConnector::status_of(ProcessId process) {
    drain();
    const auto is_its_end = [&](const Ended& ended) { return ended.pid == process.pid && ended.at >= process.start; };
    const auto found = std::find_if(ended_.begin(), ended_.end(), is_its_end);
    if (found == ended_.end()) return std::nullopt;
    return found->status;
}

}  // namespace banken::sys
