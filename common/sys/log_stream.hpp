// SPDX-License-Identifier: Apache-2.0
// Lines to stderr without blocking: a terminal under ^S or a full pipe would stop write(2).
#pragma once

#include <string>
#include <string_view>

#include "common/result.hpp"
#include "common/sys/datagram_socket.hpp"
#include "common/sys/unique_fd.hpp"

namespace banken::sys {

class LogStream {
public:
    // Opens a description of its own, since O_NONBLOCK on the shared one would change what the shell and the scripts have.
    // A regular file never blocks for want of a reader and a socket can be asked not to: these are shared.
    [[nodiscard]] static Result<LogStream> open(int stream);

    // `yes`: taken, though its rest may still wait in here for room; an empty line only sees that rest off. `refused`: this line is
    // lost (disk full). `broken`: so will be all others.
    [[nodiscard]] Sent write(std::string_view line);
    [[nodiscard]] int fd() const { return fd_.get(); }

private:
    LogStream(UniqueFd fd, bool is_socket) : fd_(std::move(fd)), is_socket_(is_socket) {}
    [[nodiscard]] ssize_t put(std::string_view text);

    UniqueFd fd_;
    bool is_socket_ = false;
    std::string rest_;
};

}  // namespace banken::sys
