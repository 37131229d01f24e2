// SPDX-License-Identifier: Apache-2.0
#include "common/sys/notify_socket.hpp"

#include <chrono>
#include <cstdint>
#include <limits>

#include "common/script_environment.hpp"
#include "common/text.hpp"

namespace banken::sys {
namespace {

// A value that is no number counts as absent: sd_watchdog_enabled(3) refuses it too.
std::optional<std::uint64_t> number_in(std::span<const std::string> environment, std::string_view name) {
    const auto text = environment_value(environment, name);
    if (!text) return {};
    const auto number = number_of(*text, {0, std::numeric_limits<std::int64_t>::max() / 1000});
    return number ? std::optional(*number) : std::nullopt;
}

std::optional<Duration> watchdog_of(std::span<const std::string> environment, pid_t self) {
    const auto interval = number_in(environment, "WATCHDOG_USEC");
    if (!interval || *interval == 0) return {};
    if (environment_value(environment, "WATCHDOG_PID") && number_in(environment, "WATCHDOG_PID") != static_cast<std::uint64_t>(self))
        return {};
    return std::chrono::microseconds(*interval);
}

}  // namespace

Result<NotifySocket> NotifySocket::open(std::span<const std::string> environment, pid_t self) {
    NotifySocket notify;
    const auto path = environment_value(environment, "NOTIFY_SOCKET");
    if (!path || path->empty()) return notify;
    auto socket = DatagramSocket::open(std::string(*path));
    if (!socket) return Failure(socket.error().in("NOTIFY_SOCKET"));
    notify.socket_ = *std::move(socket);
    notify.watchdog_interval_ = watchdog_of(environment, self);
    return notify;
}

void NotifySocket::ready(Instant now) {
    state_ = "READY=1\n";
    flush(now);
}

void NotifySocket::reloading(Instant now) {
    const auto since = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch());
    state_ = fmt::format("RELOADING=1\nMONOTONIC_USEC={}\n", since.count());
    flush(now);
}

void NotifySocket::stopping(Instant now) {
    state_ = "STOPPING=1\n";
    flush(now);
}

void NotifySocket::status(std::string_view text, Instant now) {
    status_ = fmt::format("STATUS={}\n", printable(text));
    flush(now);
}

void NotifySocket::watchdog(Instant now) {
    watchdog_due_ = true;
    flush(now);
}

void NotifySocket::flush(Instant now) {
    const auto datagram = state_ + status_ + (watchdog_due_ ? "WATCHDOG=1\n" : "");
    full_ = false;
    if (!socket_ || datagram.empty()) return;
    switch (socket_->send(datagram, now)) {
        case Sent::full: full_ = true; return;
        case Sent::broken: socket_->disconnect(now); return;  // the next call tries again
        case Sent::yes:
        case Sent::refused: break;
    }
    state_.clear();
    status_.clear();
    watchdog_due_ = false;
}

}  // namespace banken::sys
