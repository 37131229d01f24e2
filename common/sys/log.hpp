// SPDX-License-Identifier: Apache-2.0
// Writes messages to syslog, the journal and stderr without ever waiting for a reader (spec/messages.md; reference/platform.md 9). Each way has
// a bounded queue; the loop calls flush() when a reader takes again. The only user of spdlog, which formats and filters by level.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/burst.hpp"
#include "common/config.hpp"
#include "common/messages.hpp"
#include "common/result.hpp"
#include "common/sys/datagram_socket.hpp"
#include "common/sys/log_queue.hpp"
#include "common/sys/log_stream.hpp"
#include "common/sys/unique_fd.hpp"
#include "common/time.hpp"

namespace spdlog {
class logger;
}

namespace banken::sys {

inline constexpr std::string_view journal_socket_path = "/run/systemd/journal/socket";

class Log {
public:
    // `identifier` is "pcheck" or "padmin". A log daemon that is not there yet is no error: lines wait for it. The program ignores SIGPIPE.
    [[nodiscard]] static Result<Log> open(const LogConfig& config, std::string_view identifier,
                                          std::string_view journal_socket = journal_socket_path);
    Log(Log&&) noexcept;
    Log& operator=(Log&&) noexcept;
    ~Log();

    // The journal's field BANKEN_PFILE from now on.
    void set_pfile(std::string_view path);
    // The queues hold max(8192, 4 × entries) lines.
    void set_entries(std::size_t entries);

    void write(const Message& message, Now now);

    // Stays the same. Readable: call flush().
    [[nodiscard]] int fd() const { return writable_.get(); }
    // When to call flush() in any case: to connect again, or to tell what a burst has suppressed.
    [[nodiscard]] std::optional<Instant> next_deadline() const;
    void flush(Now now);

    // At the end of the program: waits at most `patience` for the readers. The number of lines they did not take.
    std::size_t drain(Duration patience);

private:
    struct LineSink;

    Log(const LogConfig& config, std::string_view identifier);
    void emit(const Message& message, Now now);
    [[nodiscard]] std::string datagram_of(const Message& message, std::string_view line) const;
    void flush_socket(Now now);
    void flush_stream(Now now);
    void tell_lost(LogQueue& queue, Now now);

    std::shared_ptr<LineSink> sink_;
    std::shared_ptr<spdlog::logger> logger_;
    Burst burst_;
    bool to_journal_ = false;
    unsigned facility_;
    std::string identifier_;
    std::string pfile_;                     // printable
    std::optional<DatagramSocket> socket_;  // none: target stderr
    LogQueue socket_queue_;
    std::optional<LogStream> stream_;  // none: stderr is no terminal, and not the target
    LogQueue stream_queue_;
    UniqueFd writable_;  // an epoll of what had no room
};

}  // namespace banken::sys
