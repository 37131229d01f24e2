// SPDX-License-Identifier: Apache-2.0
#include "common/sys/notify_receiver.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

#include "common/sys/clock.hpp"
#include "common/sys/trust.hpp"
#include "common/text.hpp"

namespace banken::sys {
namespace {

constexpr mode_t directory_mode = 0755, socket_mode = 0622;

UniqueFd datagram_socket() { return UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

Result<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return fail_errno("bind", ENAMETOOLONG);
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

const sockaddr* plain(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

// Nobody but root and us can put anything at the path from here on.
Result<> make_directory(const std::string& path) {
    const std::string directory = directory_of(path);
    if (::mkdir(directory.c_str(), directory_mode) == 0) {
        if (::chmod(directory.c_str(), directory_mode) != 0) return fail_errno("chmod");  // whatever the umask
    } else if (errno != EEXIST) {
        return fail_errno("mkdir");
    }
    return check_trust(directory, TrustKind::directory, ::geteuid());
}

// What a dead pcheck has left: a socket that refuses.
Result<> take_away_stale(const std::string& path, const sockaddr_un& address) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return errno == ENOENT ? Result<>() : fail_errno("lstat");
    if (!S_ISSOCK(status.st_mode) || status.st_uid != ::geteuid()) return fail("is there already, and no socket of ours");
    const UniqueFd probe = datagram_socket();
    if (!probe.valid()) return fail_errno("socket");
    if (::connect(probe.get(), plain(address), sizeof address) == 0) return fail("is in use by another process");
    if (errno != ECONNREFUSED) return fail_errno("connect");
    if (::unlink(path.c_str()) != 0) return fail_errno("unlink");
    return {};
}

Result<> set_options(int socket) {
    const int on = 1;
    if (::setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) return fail_errno("SO_PASSCRED");
    if (::setsockopt(socket, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) return fail_errno("SO_TIMESTAMPNS");
    return {};
}

// In the clock of process start times, which also counts a suspend.
BootTicks ticks_at(const timespec& sent) {
    const Now now = read_now();
    const WallTime at(std::chrono::seconds(sent.tv_sec) + std::chrono::nanoseconds(sent.tv_nsec));
    const Duration age = std::max(now.wall - at, Duration{});
    return now.ticks - std::min(static_cast<BootTicks>(age / std::chrono::milliseconds(10)), now.ticks);
}

void read_control(msghdr& message, Notification& notification) {
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level != SOL_SOCKET) continue;
        if (part->cmsg_type == SCM_CREDENTIALS) {
            ucred sender{};
            std::memcpy(&sender, CMSG_DATA(part), sizeof sender);
            notification.pid = sender.pid;
            notification.user = sender.uid;
        } else if (part->cmsg_type == SCM_TIMESTAMPNS) {
            timespec sent{};
            std::memcpy(&sent, CMSG_DATA(part), sizeof sent);
            notification.sent = ticks_at(sent);
        }
    }
}

}  // namespace

Result<NotifyReceiver> NotifyReceiver::open(const std::string& path) {
    const auto refused = [&](const Error& error) { return Failure(error.in(path)); };
    const auto address = address_of(path);
    if (!address) return refused(address.error());
    if (const auto made = make_directory(path); !made) return refused(made.error());
    if (const auto free = take_away_stale(path, *address); !free) return refused(free.error());
    UniqueFd socket = datagram_socket();
    if (!socket.valid()) return refused(fail_errno("socket").value());
    if (const auto set = set_options(socket.get()); !set) return refused(set.error());
    if (::bind(socket.get(), plain(*address), sizeof *address) != 0) return refused(fail_errno("bind").value());
    NotifyReceiver receiver(std::move(socket), path);
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return refused(fail_errno("lstat").value());
    receiver.device_ = status.st_dev;
    receiver.inode_ = status.st_ino;
    if (::chmod(path.c_str(), socket_mode) != 0) return refused(fail_errno("chmod").value());
    return receiver;
}

NotifyReceiver::~NotifyReceiver() {
    struct stat status {};
    if (!socket_.valid() || ::lstat(path_.c_str(), &status) != 0) return;
    if (status.st_dev == device_ && status.st_ino == inode_) ::unlink(path_.c_str());
}

std::optional<Notification> NotifyReceiver::receive() {
    std::array<char, max_text> text;
    // No room for descriptors: the kernel closes what somebody sends along.
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(sizeof(timespec))> control;
    iovec part{.iov_base = text.data(), .iov_len = text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = TEMP_FAILURE_RETRY(::recvmsg(socket_.get(), &message, MSG_DONTWAIT));
    if (size < 0) return {};
    Notification notification;
    read_control(message, notification);
    notification.text.assign(text.data(), static_cast<std::size_t>(size));
    return notification;
}

}  // namespace banken::sys
