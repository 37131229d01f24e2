// SPDX-License-Identifier: Apache-2.0
#include "common/sys/datagram_socket.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <cstddef>
#include <cstring>

namespace banken::sys {

Result<DatagramSocket> DatagramSocket::open(std::string path) {
    if (path.empty() || (path.front() != '/' && path.front() != '@')) return fail("{}: no absolute path", path);
    if (path.size() >= sizeof(sockaddr_un::sun_path)) return fail_errno(path, ENAMETOOLONG);
    return DatagramSocket(std::move(path));
}

bool DatagramSocket::connect() {
    UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    if (path_.front() == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path_.size());
    if (!fd.valid() || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return false;
    fd_ = std::move(fd);
    retry_at_.reset();
    return true;
}

Sent DatagramSocket::send(std::string_view datagram, Instant now) {
    if (!fd_.valid()) {
        if (retry_at_ && now < *retry_at_) return Sent::broken;
        if (!connect()) {
            retry_at_ = now + std::chrono::seconds(1);
            return Sent::broken;
        }
    }
    if (::send(fd_.get(), datagram.data(), datagram.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return Sent::yes;
    if (errno == EAGAIN) return Sent::full;
    return errno == EMSGSIZE ? Sent::refused : Sent::broken;
}

void DatagramSocket::disconnect(Instant now) {
    if (!fd_.valid()) return;
    fd_.reset();
    retry_at_ = now + std::chrono::seconds(1);
}

}  // namespace banken::sys
