// SPDX-License-Identifier: Apache-2.0
// Writes messages to syslog, the journal and stderr without ever waiting for a reader (spec/messages.md; reference/platform.md 9).
// Each way has a bounded queue; the loop calls flush() when a reader takes again. The only user of spdlog, which formats and
// filters by level.
#pragma once

#include <cstddef>
#include <functional>
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
#include "common/text.hpp"
#include "common/time.hpp"

namespace spdlog {
class logger;
}

namespace banken::sys {

struct LogOptions {
    std::string_view identifier = "pcheck";
    bool echo_to_terminal = true;  // a terminal on stderr gets the same lines
    std::string_view journal_socket = "/run/systemd/journal/socket";
};

class Log {
public:
    // A log daemon that is not there yet is no error: lines wait for it. With target stderr it is one when stderr cannot be written without
    // blocking. The program ignores SIGPIPE, and SIGTTOU, which would stop it at a terminal that it is in the background of.
    [[nodiscard]] static Result<Log> open(const LogConfig& config, const LogOptions& options);
    Log(Log&&) noexcept;
    Log& operator=(Log&&) noexcept;
    ~Log();

    // The journal's field BANKEN_PFILE from now on.
    void set_pfile(std::string_view path);
    // The queues hold max(8192, 4 × entries) lines.
    void set_entries(std::size_t entries);

    void write(const Message& message, Now now);
    // Called with every line that is to be written, also one that the level or a burst holds back, and with those of the log itself; writes nothing.
    void on_line(std::function<void(const Message&, Now)> listener) { listener_ = std::move(listener); }

    // Stays the same. Readable: call flush().
    [[nodiscard]] int fd() const { return writable_.get(); }
    // When to call flush() in any case: to connect again, or to tell what a burst has suppressed.
    [[nodiscard]] std::optional<Instant> next_deadline() const;
    void flush(Now now);

    // False: what was written waits for a log daemon that is not there.
    [[nodiscard]] bool has_reader() const;
    // The same before anything was written.
    [[nodiscard]] bool finds_reader();
    // Stderr gets the lines: alone, or, as a terminal, too.
    [[nodiscard]] bool has_stream() const { return stream_.has_value(); }
    // Where the lines go: "stderr", or the path of the socket.
    [[nodiscard]] std::string target() const { return socket_ ? printable(socket_->path()) : "stderr"; }
    // Of has_reader() == false, for people: "no log daemon at /dev/log: lines wait in memory until there is one".
    [[nodiscard]] std::string lack() const;

    // At the end of the program: waits at most `patience` for the readers. The number of lines they did not take.
    std::size_t drain(Duration patience);

private:
    struct LineSink;

    // One way out.
    enum class Way { socket, stream };

    Log(const LogConfig& config, std::string_view identifier);
    [[nodiscard]] std::string line_of(const Message& message, Now now);
    [[nodiscard]] std::string form_of(Way way, const Message& message, const std::string& line) const;
    void emit(const Message& message, Now now);
    void tell_suppressed(Instant until, Now now);
    void tell_lost(Way way, Now now);
    void flush_queues(Now now);
    void flush_socket(Now now);
    void flush_stream(Now now);
    void await_room(int fd);
    void forget(int fd);

    std::shared_ptr<LineSink> sink_;
    std::shared_ptr<spdlog::logger> logger_;
    Burst burst_;
    bool to_journal_ = false;
    unsigned facility_;
    std::string identifier_;
    std::string pfile_;  // printable
    std::function<void(const Message&, Now)> listener_;
    std::optional<DatagramSocket> socket_;  // none: target stderr
    std::optional<LogStream> stream_;       // none: stderr is no terminal, and not the target
    LogQueue socket_queue_, stream_queue_;
    UniqueFd writable_;  // an epoll of what had no room
};

}  // namespace banken::sys
