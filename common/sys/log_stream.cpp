// SPDX-License-Identifier: Apache-2.0
#include "common/sys/log_stream.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace banken::sys {
namespace {

constexpr int lowest = 3;

Sent outcome_of(int number) {
    if (number == EAGAIN) return Sent::full;
    return number == EPIPE || number == EIO || number == ECONNRESET || number == ENOTCONN ? Sent::broken : Sent::refused;
}

}  // namespace

Result<LogStream> LogStream::open(int stream) {
    struct stat status {};
    if (::fstat(stream, &status) != 0) return fail_errno("fstat");
    const bool share = S_ISREG(status.st_mode) || S_ISSOCK(status.st_mode);
    UniqueFd fd(share ? ::fcntl(stream, F_DUPFD_CLOEXEC, lowest)
                      : ::open(fmt::format("/proc/self/fd/{}", stream).c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!fd.valid()) return fail_errno("open");
    return LogStream(std::move(fd), S_ISSOCK(status.st_mode));
}

Sent LogStream::write(std::string_view line) {
    if (!rest_.empty()) {
        const auto count = put(rest_);
        if (count < 0 && outcome_of(errno) != Sent::refused) return outcome_of(errno);
        rest_.erase(0, count < 0 ? rest_.npos : static_cast<std::size_t>(count));
        if (!rest_.empty()) return Sent::full;
    }
    if (line.empty()) return Sent::yes;
    const auto count = put(line);
    if (count < 0) return outcome_of(errno);
    rest_ = line.substr(static_cast<std::size_t>(count));
    return Sent::yes;
}

ssize_t LogStream::put(std::string_view text) {
    if (is_socket_) return ::send(fd_.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return ::write(fd_.get(), text.data(), text.size());
}

}  // namespace banken::sys
