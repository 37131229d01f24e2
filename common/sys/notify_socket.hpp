// SPDX-License-Identifier: Apache-2.0
// What a service manager is told (sd_notify(3)), without ever waiting for it: sd_notify itself blocks on a stopped reader. What
// could not be sent waits, the latest state and the latest status win.
#pragma once

#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/result.hpp"
#include "common/sys/datagram_socket.hpp"
#include "common/time.hpp"

namespace banken::sys {

class NotifySocket {
public:
    // Nobody to tell: every call does nothing.
    NotifySocket() = default;
    // NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID of `environment` (NAME=value); `self` is our pid. Without NOTIFY_SOCKET as above.
    [[nodiscard]] static Result<NotifySocket> open(std::span<const std::string> environment, pid_t self);

    void ready(Instant now);
    void reloading(Instant now);  // ended by ready()
    void stopping(Instant now);
    void status(std::string_view text, Instant now);  // one line
    void watchdog(Instant now);

    // The manager gives us up when it hears no watchdog() for so long. None: not wanted from us.
    [[nodiscard]] std::optional<Duration> watchdog_interval() const { return watchdog_interval_; }

    // Something waits until fd(), which is not -1 then, is writable: call flush().
    [[nodiscard]] bool wants_write() const { return full_; }
    [[nodiscard]] int fd() const { return socket_ ? socket_->fd() : -1; }
    void flush(Instant now);

private:
    std::optional<DatagramSocket> socket_;
    std::optional<Duration> watchdog_interval_;
    std::string state_, status_;  // not sent yet; assignments of sd_notify(3) with their newline
    bool watchdog_due_ = false;
    bool full_ = false;
};

}  // namespace banken::sys
