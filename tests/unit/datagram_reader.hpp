// SPDX-License-Identifier: Apache-2.0
// A log daemon or service manager of a test's own: a datagram socket that is read only when the test reads it.
#pragma once

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "common/sys/unique_fd.hpp"

namespace banken::test {

class DatagramReader {
public:
    // A path, or an abstract name after '@'.
    explicit DatagramReader(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        REQUIRE(path.size() < sizeof address.sun_path);
        std::memcpy(address.sun_path, path.data(), path.size());
        if (path.front() == '@') {
            address.sun_path[0] = '\0';
        } else {
            ::unlink(path.c_str());
        }
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
        REQUIRE(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
    }

    // What has arrived and was not read yet; never waits.
    [[nodiscard]] std::optional<std::string> take() const {
        std::array<char, 65536> bytes;
        const auto size = ::recv(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (size < 0) return {};
        return std::string(bytes.data(), static_cast<std::size_t>(size));
    }
    [[nodiscard]] std::vector<std::string> take_all() const {
        std::vector<std::string> all;
        while (auto one = take()) all.push_back(*std::move(one));
        return all;
    }

private:
    sys::UniqueFd fd_;
};

}  // namespace banken::test
