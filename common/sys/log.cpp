// SPDX-License-Identifier: Apache-2.0
#include "common/sys/log.hpp"

#include <poll.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/sink.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "common/sys/clock.hpp"
#include "common/text.hpp"

namespace banken::sys {
namespace {

// RFC 3164 pads the day with a blank, which none of spdlog's flags does.
class DayFlag final : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg&, const std::tm& time, spdlog::memory_buf_t& out) override {
        fmt::format_to(std::back_inserter(out), "{:2}", time.tm_mday);
    }
    [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<DayFlag>(); }
};

// "Nov  1 13:34:43 pcheck[8103]: TEXT"
std::unique_ptr<spdlog::formatter> make_formatter(std::string_view identifier) {
    auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::local, "");
    formatter->add_flag<DayFlag>('*').set_pattern(fmt::format("%b %* %T {}[%P]: %v", identifier));
    return formatter;
}

// spdlog has no notice; none of its levels is used for two of ours.
spdlog::level::level_enum level_of(Priority priority) {
    switch (priority) {
        case Priority::err: return spdlog::level::err;
        case Priority::warning: return spdlog::level::warn;
        case Priority::notice: return spdlog::level::info;
        case Priority::info: return spdlog::level::debug;
        case Priority::debug: return spdlog::level::trace;
    }
    return spdlog::level::err;
}

}  // namespace

// Where spdlog leaves a formatted line for us.
struct Log::LineSink final : spdlog::sinks::sink {
    explicit LineSink(std::unique_ptr<spdlog::formatter> how) : formatter(std::move(how)) {}
    void log(const spdlog::details::log_msg& message) override { formatter->format(message, line); }
    void flush() override {}
    void set_pattern(const std::string&) override {}
    void set_formatter(std::unique_ptr<spdlog::formatter> how) override { formatter = std::move(how); }

    std::unique_ptr<spdlog::formatter> formatter;
    spdlog::memory_buf_t line;
};

Log::Log(const LogConfig& config, std::string_view identifier)
    : sink_(std::make_shared<LineSink>(make_formatter(identifier))),
      logger_(std::make_shared<spdlog::logger>(std::string(identifier), sink_)),
      burst_({config.burst_lines, config.burst_period}),
      facility_(config.facility),
      identifier_(identifier),
      writable_(::epoll_create1(EPOLL_CLOEXEC)) {
    logger_->set_level(level_of(config.level));
    logger_->set_error_handler([](const std::string&) {});  // its own writes to stderr, blocking
}

Log::Log(Log&&) noexcept = default;
Log& Log::operator=(Log&&) noexcept = default;
Log::~Log() = default;

Result<Log> Log::open(const LogConfig& config, const LogOptions& options) {
    Log log(config, options.identifier);
    if (!log.writable_.valid()) return fail_errno("epoll_create1");
    const bool to_stderr = config.target == LogTarget::stderr_;
    if (to_stderr || (options.echo_to_terminal && ::isatty(STDERR_FILENO) == 1)) {
        auto stream = LogStream::open(STDERR_FILENO);
        if (stream) {
            log.stream_ = *std::move(stream);
        } else if (to_stderr) {
            return Failure(stream.error().in("stderr"));
        }
    }
    if (to_stderr) return log;

    const std::string journal(options.journal_socket);
    log.to_journal_ =
        config.target == LogTarget::journal || (config.target == LogTarget::automatic && ::access(journal.c_str(), F_OK) == 0);
    auto socket = DatagramSocket::open(log.to_journal_ ? journal : config.socket);
    if (!socket) return Failure(socket.error());
    log.socket_ = *std::move(socket);
    return log;
}

void Log::set_pfile(std::string_view path) { pfile_ = printable(path); }

void Log::set_entries(std::size_t entries) {
    const auto capacity = std::max(LogQueue::least_capacity, 4 * entries);
    socket_queue_.set_capacity(capacity);
    stream_queue_.set_capacity(capacity);
}

void Log::write(const Message& message, Now now) {
    if (listener_) listener_(message, now);
    tell_suppressed(now.instant, now);
    if (logger_->should_log(level_of(message.priority)) && burst_.passes(message, now.instant)) emit(message, now);
    flush_queues(now);
}

std::optional<Instant> Log::next_deadline() const {
    auto deadline = burst_.next_deadline();
    if (!socket_ || socket_queue_.empty() || !socket_->retry_at()) return deadline;
    return std::min(deadline.value_or(Instant::max()), *socket_->retry_at());
}

void Log::flush(Now now) {
    std::array<epoll_event, 2> room;
    ::epoll_wait(writable_.get(), room.data(), static_cast<int>(room.size()), 0);  // takes the one shot: fd() is readable until then
    tell_suppressed(now.instant, now);
    flush_queues(now);
}

bool Log::has_reader() const { return !socket_ || socket_->fd() >= 0 || !socket_->retry_at(); }

bool Log::finds_reader() { return !socket_ || socket_->fd() >= 0 || socket_->connect(); }

std::string Log::lack() const { return fmt::format("no log daemon at {}: lines wait in memory until there is one", target()); }

std::size_t Log::drain(Duration patience) {
    const Instant end = read_instant() + patience;
    tell_suppressed(Instant::max(), read_now());
    for (;;) {
        flush(read_now());
        const auto left = socket_queue_.size() + stream_queue_.size();
        const auto now = read_instant();
        if (left == 0 || now >= end) return left;
        const auto until = std::min(end, next_deadline().value_or(end));
        const auto wait = std::chrono::ceil<std::chrono::milliseconds>(std::max(until - now, Duration::zero()));
        pollfd room{.fd = writable_.get(), .events = POLLIN, .revents = 0};
        ::poll(&room, 1, static_cast<int>(wait.count()));
    }
}

std::string Log::line_of(const Message& message, Now now) {
    sink_->line.clear();
    const auto time = std::chrono::time_point_cast<spdlog::log_clock::duration>(now.wall);
    logger_->log(time, {}, level_of(message.priority), spdlog::string_view_t(message.text));
    return {sink_->line.data(), sink_->line.size()};
}

std::string Log::form_of(Way way, const Message& message, const std::string& line) const {
    if (way == Way::stream) return line + '\n';
    if (!to_journal_) return fmt::format("<{}>{}", facility_ * 8 + static_cast<unsigned>(message.priority), line);
    auto fields =
        fmt::format("MESSAGE={}\nPRIORITY={}\nMESSAGE_ID={}\nSYSLOG_FACILITY={}\nSYSLOG_IDENTIFIER={}\nBANKEN_EVENT={}\n", message.text,
                    static_cast<int>(message.priority), journal_id_of(message.id), facility_, identifier_, name_of(message.id));
    if (!pfile_.empty()) fields += fmt::format("BANKEN_PFILE={}\n", pfile_);
    if (!message.entry.empty()) fields += fmt::format("BANKEN_ENTRY={}\n", message.entry);
    if (message.pent_id != 0) fields += fmt::format("BANKEN_PENT_ID={}\n", message.pent_id);
    if (message.pid != 0) fields += fmt::format("OBJECT_PID={}\n", message.pid);
    return fields;
}

void Log::emit(const Message& message, Now now) {
    const auto line = line_of(message, now);
    if (line.empty()) return;
    if (socket_) socket_queue_.push(form_of(Way::socket, message, line), must_arrive(message.id));
    if (stream_) stream_queue_.push(form_of(Way::stream, message, line), must_arrive(message.id));
}

void Log::tell_suppressed(Instant until, Now now) {
    for (const auto& message : burst_.ended(until)) emit(message, now);
}

void Log::tell_lost(Way way, Now now) {
    auto& queue = way == Way::socket ? socket_queue_ : stream_queue_;
    const auto lost = queue.take_lost();
    if (lost == 0) return;
    const auto message = messages::log_lost(lost);
    if (listener_) listener_(message, now);
    const auto line = line_of(message, now);
    if (!line.empty()) queue.push(form_of(way, message, line), false);
}

void Log::flush_queues(Now now) {
    if (socket_) flush_socket(now);
    if (stream_) flush_stream(now);
}

void Log::flush_socket(Now now) {
    while (!socket_queue_.empty()) {
        switch (socket_->send(socket_queue_.front(), now.instant)) {
            case Sent::yes:
                socket_queue_.pop();
                tell_lost(Way::socket, now);
                break;
            case Sent::refused: socket_queue_.lose_front(); break;
            case Sent::full: await_room(socket_->fd()); return;
            case Sent::broken:
                forget(socket_->fd());
                socket_->disconnect(now.instant);
                return;
        }
    }
}

void Log::flush_stream(Now now) {
    for (;;) {
        const bool only_rest = stream_queue_.empty();
        switch (stream_->write(only_rest ? std::string_view() : stream_queue_.front())) {
            case Sent::yes:
                if (only_rest) return;
                stream_queue_.pop();
                tell_lost(Way::stream, now);
                break;
            case Sent::refused: stream_queue_.lose_front(); break;
            case Sent::full: await_room(stream_->fd()); return;
            case Sent::broken:
                forget(stream_->fd());
                stream_.reset();
                stream_queue_ = LogQueue();
                return;
        }
    }
}

void Log::await_room(int fd) {
    epoll_event room{.events = EPOLLOUT | EPOLLONESHOT, .data = {}};
    if (::epoll_ctl(writable_.get(), EPOLL_CTL_MOD, fd, &room) != 0) ::epoll_ctl(writable_.get(), EPOLL_CTL_ADD, fd, &room);
}

// Before it is closed: a child that has a copy still would keep it in the set.
void Log::forget(int fd) {
    if (fd >= 0) ::epoll_ctl(writable_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

}  // namespace banken::sys
