// SPDX-License-Identifier: Apache-2.0
#include "common/sys/log.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "tests/unit/child_process.hpp"
#include "tests/unit/datagram_reader.hpp"
#include "tests/unit/temporary_directory.hpp"

using namespace banken;
using namespace banken::sys;
using namespace std::chrono_literals;
using banken::test::DatagramReader;
using banken::test::Pipe;
using banken::test::TemporaryDirectory;

namespace {

const EntryRef crond{"crond", 7};
const std::string me = "pcheck[" + std::to_string(::getpid()) + "]: ";

// 2026-11-01 13:34:43 UTC, and later.
Now at(Duration later = 0s) { return {Instant(1000s) + later, WallTime(1793540083s) + later, 0}; }

Log open_log(const LogConfig& config, const LogOptions& options) {
    ::setenv("TZ", "UTC", 1);
    auto log = Log::open(config, options);
    REQUIRE(log);
    return *std::move(log);
}

Log open_syslog(const std::string& path, LogConfig config = {.burst_lines = 0}) {
    config.target = LogTarget::syslog;
    config.socket = path;
    return open_log(config, {.echo_to_terminal = false});
}

bool readable(int fd) {
    pollfd state{.fd = fd, .events = POLLIN, .revents = 0};
    return ::poll(&state, 1, 0) == 1;
}

// Reads and flushes until nothing more comes.
std::vector<std::string> exchange(const DatagramReader& reader, Log& log, Now now) {
    std::vector<std::string> all;
    for (auto some = reader.take_all(); !some.empty(); some = reader.take_all()) {
        all.insert(all.end(), some.begin(), some.end());
        log.flush(now);
    }
    return all;
}

// stderr is something else as long as this lives.
class StderrIs {
public:
    explicit StderrIs(int fd) : kept_(::dup(STDERR_FILENO)) { ::dup2(fd, STDERR_FILENO); }
    StderrIs(StderrIs&&) = delete;
    StderrIs& operator=(StderrIs&&) = delete;
    ~StderrIs() { ::dup2(kept_.get(), STDERR_FILENO); }

private:
    UniqueFd kept_;
};

std::string read_available(int fd) {
    std::string all;
    std::array<char, 4096> bytes;
    while (readable(fd)) {
        const auto size = ::read(fd, bytes.data(), bytes.size());
        if (size <= 0) break;
        all.append(bytes.data(), static_cast<std::size_t>(size));
    }
    return all;
}

}  // namespace

TEST_CASE("a syslog line has its priority, the local time with a padded day, name and pid") {
    const TemporaryDirectory place;
    const DatagramReader reader(place / "log");
    auto log = open_syslog(place / "log");
    log.write(messages::up(crond, 8107), at());
    CHECK(reader.take() == "<29>Nov  1 13:34:43 " + me + "(crond ,pid=8107) Up");
    log.write(messages::down(crond, 8107), at(240h));
    CHECK(reader.take() == "<28>Nov 11 13:34:43 " + me + "Process [crond, pid=8107] Down");
    CHECK_FALSE(reader.take());
    CHECK_FALSE(log.next_deadline());
}

TEST_CASE("the facility is the configured one") {
    const TemporaryDirectory place;
    const DatagramReader reader(place / "log");
    auto log = open_syslog(place / "log", {.facility = 16});
    log.write(messages::set_pid_fail(crond), at());
    CHECK(reader.take().value().starts_with("<131>"));
}

TEST_CASE("the journal gets fields beside the text") {
    const TemporaryDirectory place;
    const DatagramReader reader(place / "journal");
    auto log = open_log({}, {.identifier = "padmin", .echo_to_terminal = false, .journal_socket = place / "journal"});
    log.set_pfile("/etc/banken/p\nfile");
    log.write(messages::up(crond, 8107), at());
    CHECK(reader.take() == "MESSAGE=(crond ,pid=8107) Up\nPRIORITY=5\nMESSAGE_ID=" + std::string(journal_id_of(MessageId::up)) +
                               "\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=padmin\nBANKEN_EVENT=up\nBANKEN_PFILE=/etc/banken/p\\nfile\n"
                               "BANKEN_ENTRY=crond\nBANKEN_PENT_ID=7\nOBJECT_PID=8107\n");
    log.write(messages::shutdown(), at());
    CHECK(reader.take() == "MESSAGE=Shutdown pcheck\nPRIORITY=5\nMESSAGE_ID=" + std::string(journal_id_of(MessageId::shutdown)) +
                               "\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=padmin\nBANKEN_EVENT=shutdown\nBANKEN_PFILE=/etc/banken/p\\nfile\n");
}

TEST_CASE("without a journal automatic means syslog") {
    const TemporaryDirectory place;
    const DatagramReader reader(place / "log");
    LogConfig config;
    config.socket = place / "log";
    auto log = open_log(config, {.echo_to_terminal = false, .journal_socket = place / "journal"});
    log.write(messages::shutdown(), at());
    CHECK(reader.take().value().starts_with("<29>"));
}

TEST_CASE("what is less important than the level is not written") {
    const TemporaryDirectory place;
    const DatagramReader reader(place / "log");
    auto log = open_syslog(place / "log", {.level = Priority::warning});
    log.write(messages::up(crond, 1), at());
    log.write(messages::down(crond, 1), at());
    log.write(messages::set_pid_fail(crond), at());
    CHECK(reader.take_all().size() == 2);
}

TEST_CASE("a burst is cut and told when its period ends") {
    const TemporaryDirectory place;
    const DatagramReader reader(place / "log");
    auto log = open_syslog(place / "log", {.burst_lines = 2, .burst_period = 10s});
    for (int i = 0; i < 5; ++i) log.write(messages::set_pid_fail(crond), at());
    CHECK(reader.take_all().size() == 2);
    CHECK(log.next_deadline() == at(10s).instant);
    log.flush(at(10s));
    CHECK(reader.take_all() == std::vector{"<28>Nov  1 13:34:53 " + me + "suppressed 3 lines"});
}

TEST_CASE("who listens hears every line, also what the level or a burst holds back, and what the log itself tells") {
    const TemporaryDirectory place;
    const DatagramReader reader(place / "log");
    auto log = open_syslog(place / "log", {.level = Priority::err, .burst_lines = 1});
    std::vector<std::string> heard;
    log.on_line([&heard](const Message& message, Now) { heard.push_back(message.text); });
    log.write(messages::down(crond, 1), at());
    for (int i = 0; i < 2; ++i) log.write(messages::set_pid_fail(crond), at());
    CHECK(heard == std::vector<std::string>{"Process [crond, pid=1] Down", "Set pid fail (crond)", "Set pid fail (crond)"});
    CHECK(reader.take_all().size() == 1);
}

TEST_CASE("a stopped reader stops nothing, and gets every line in order when it goes on") {
    const TemporaryDirectory place;
    const DatagramReader reader(place / "log");
    auto log = open_syslog(place / "log");
    for (pid_t pid = 1; pid <= 3000; ++pid) log.write(messages::up(crond, pid), at());
    CHECK_FALSE(readable(log.fd()));
    auto line = reader.take();
    CHECK(readable(log.fd()));
    for (pid_t pid = 1; pid <= 3000; ++pid) {
        CHECK(line == "<29>Nov  1 13:34:43 " + me + "(crond ,pid=" + std::to_string(pid) + ") Up");
        log.flush(at());
        line = reader.take();
    }
    CHECK_FALSE(line);
    log.flush(at());
    CHECK_FALSE(readable(log.fd()));
}

TEST_CASE("lines lost in a full queue are counted and told, Down, Up and RETRY_OVER are not among them") {
    const TemporaryDirectory place;
    const DatagramReader reader(place / "log");
    auto log = open_syslog(place / "log");
    std::size_t heard = 0;
    log.on_line([&heard](const Message& message, Now) { heard += message.id == MessageId::log_lost; });
    for (int i = 0; i < 20'000; ++i) {
        log.write(messages::try_to_restart(crond), at());
        if (i % 1000 == 0) log.write(messages::down(crond, i), at());
    }
    std::size_t downs = 0, others = 0, told = 0;
    for (const auto& line : exchange(reader, log, at(1s))) {
        const auto mark = line.find("Log queue full, ");
        if (mark != line.npos) {
            CHECK(told == 0);
            told = std::stoul(line.substr(mark + 16));
        } else if (line.ends_with(" Down")) {
            CHECK(line.ends_with("pid=" + std::to_string(downs * 1000) + "] Down"));
            ++downs;
        } else {
            ++others;
        }
    }
    CHECK(downs == 20);
    CHECK(told > 10'000);
    CHECK(others + told == 20'000);
    CHECK(heard == 1);
}

TEST_CASE("a queue drops the oldest line that need not arrive, and such a one only when there is no other") {
    LogQueue queue(3);
    queue.push("a", true);
    queue.push("b", false);
    queue.push("c", true);
    queue.push("d", false);  // b goes
    queue.push("e", true);   // d goes
    queue.push("f", false);  // f itself
    CHECK(queue.size() == 3);
    queue.push("g", true);          // a
    CHECK(queue.take_lost() == 0);  // more than half full
    std::string order;
    for (; !queue.empty(); queue.pop()) order += queue.front();
    CHECK(order == "ceg");
    CHECK(queue.take_lost() == 4);
    CHECK(queue.take_lost() == 0);
}

TEST_CASE("a queue keeps the order of both kinds of lines") {
    LogQueue queue;
    for (const char c : std::string("abcdefgh")) queue.push(std::string(1, c), c % 3 == 0);
    std::string order;
    for (; !queue.empty(); queue.pop()) order += queue.front();
    CHECK(order == "abcdefgh");
}

TEST_CASE("a log daemon that is restarted gets what was written meanwhile") {
    const TemporaryDirectory place;
    std::optional<DatagramReader> reader(place / "log");
    auto log = open_syslog(place / "log");
    log.write(messages::up(crond, 1), at());
    CHECK(reader->take());
    reader.reset();
    log.write(messages::down(crond, 1), at(5s));
    CHECK(log.next_deadline() == at(6s).instant);
    reader.emplace(place / "log");
    log.write(messages::try_to_restart(crond), at(5500ms));
    CHECK_FALSE(reader->take());
    log.flush(at(6s));
    const auto lines = reader->take_all();
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].ends_with("Down"));
    CHECK(lines[1].ends_with("Try to restart (crond)"));
    CHECK_FALSE(log.next_deadline());
}

TEST_CASE("a log daemon that comes late gets everything") {
    const TemporaryDirectory place;
    auto log = open_syslog(place / "log");
    log.write(messages::shutdown(), at());
    CHECK(log.next_deadline() == at(1s).instant);
    log.flush(at(1s));
    CHECK(log.next_deadline() == at(2s).instant);
    const DatagramReader reader(place / "log");
    log.flush(at(2s));
    CHECK(reader.take());
}

TEST_CASE("an end does not wait for a reader longer than it has patience") {
    const TemporaryDirectory place;
    const DatagramReader reader(place / "log");
    auto log = open_syslog(place / "log");
    for (int i = 0; i < 100; ++i) log.write(messages::up(crond, i), at());
    const auto left = log.drain(5ms);
    CHECK(left > 0);
    CHECK(left + reader.take_all().size() == 100);
}

TEST_CASE("an end sees off what a slow reader still takes") {
    const TemporaryDirectory place;
    const DatagramReader reader(place / "log");
    auto log = open_syslog(place / "log", {.burst_lines = 100});
    for (int i = 0; i < 150; ++i) log.write(messages::set_pid_fail(crond), at());
    std::vector<std::string> lines;
    std::thread slow([&] {
        while (lines.size() < 101) {
            if (auto line = reader.take()) lines.push_back(*std::move(line));
            std::this_thread::yield();
        }
    });
    CHECK(log.drain(20s) == 0);
    slow.join();
    CHECK(lines.back().ends_with("suppressed 50 lines"));
}

TEST_CASE("target stderr writes there whatever it is") {
    const Pipe pipe;
    const StderrIs writer(pipe.write_end.get());
    auto log = open_log({.target = LogTarget::stderr_}, {});
    log.write(messages::up(crond, 8107), at());
    CHECK(read_available(pipe.read_end.get()) == "Nov  1 13:34:43 " + me + "(crond ,pid=8107) Up\n");
}

TEST_CASE("a stuck pipe on stderr stops nothing and stays blocking for everybody else") {
    const Pipe pipe;
    const StderrIs writer(pipe.write_end.get());
    auto log = open_log({.target = LogTarget::stderr_, .burst_lines = 0}, {});
    for (int i = 0; i < 5000; ++i) log.write(messages::set_pid_fail(crond), at());
    CHECK((::fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK) == 0);
    std::string all;
    for (auto some = read_available(pipe.read_end.get()); !some.empty(); some = read_available(pipe.read_end.get())) {
        all += some;
        log.flush(at());
    }
    const auto line = "Nov  1 13:34:43 " + me + "Set pid fail (crond)\n";
    std::string expected;
    for (int i = 0; i < 5000; ++i) expected += line;
    CHECK((all == expected));
}

TEST_CASE("a stream is a file, a socket, or something with a description of its own") {
    const TemporaryDirectory place;
    const UniqueFd file(::open((place / "file").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    REQUIRE(::write(file.get(), "first\n", 6) == 6);
    auto stream = LogStream::open(file.get());
    REQUIRE(stream);
    CHECK(stream->write("second\n") == Sent::yes);
    REQUIRE(::write(file.get(), "third\n", 6) == 6);  // goes on where the stream stopped
    std::ifstream reader(place / "file");
    std::string a, b, c;
    reader >> a >> b >> c;
    CHECK(a + b + c == "firstsecondthird");

    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    const UniqueFd near(ends[0]), far(ends[1]);
    auto socket = LogStream::open(near.get());
    REQUIRE(socket);
    CHECK(socket->write("line\n") == Sent::yes);
    CHECK(read_available(far.get()) == "line\n");
    Sent last = Sent::yes;
    for (int i = 0; i < 100'000 && last == Sent::yes; ++i) last = socket->write(std::string(1000, 'x'));
    CHECK(last == Sent::full);
    CHECK_FALSE(LogStream::open(-1));
}

TEST_CASE("a pipe that nobody reads is given up") {
    const auto before = ::signal(SIGPIPE, SIG_IGN);
    Pipe pipe;
    auto stream = LogStream::open(pipe.write_end.get());
    REQUIRE(stream);
    pipe.read_end.reset();
    CHECK(stream->write("line\n") == Sent::broken);
    ::signal(SIGPIPE, before);
}

TEST_CASE("a full disk loses the line, not the stream") {
    const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    auto stream = LogStream::open(full.get());
    REQUIRE(stream);
    CHECK(stream->write("line\n") == Sent::refused);
}
