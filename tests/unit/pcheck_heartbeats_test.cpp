// SPDX-License-Identifier: Apache-2.0
// As root: senders of other users.
#include "pcheck/heartbeats.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>
#include <vector>

#include "common/sys/clock.hpp"
#include "pcheck/heartbeat_files.hpp"
#include "tests/unit/child_process.hpp"
#include "tests/unit/temporary_directory.hpp"

using namespace banken;
using namespace std::chrono_literals;
using banken::test::Child;
using banken::test::Pipe;
using banken::test::TemporaryDirectory;

namespace {

constexpr uid_t somebody = 65534;

bool send_to(const std::string& path, std::string_view text) {
    const sys::UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return ::sendto(socket.get(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
           static_cast<ssize_t>(text.size());
}

// A process that sends at each byte, and tells when it has.
class Sender {
public:
    Sender(const std::string& path, std::string text, uid_t user = 0, bool from_below = false)
        : child_([=, this] {
              if (user != 0 && ::setresuid(user, user, user) != 0) ::_exit(1);
              for (char byte = 0; ::read(send_.read_end.get(), &byte, 1) == 1;) {
                  const bool sent = from_below ? sent_by_a_child(path, text) : send_to(path, text);
                  if (::write(sent_.write_end.get(), sent ? "+" : "-", 1) != 1) ::_exit(1);
              }
          }) {
        child_.let_go();
    }
    [[nodiscard]] ProcessId id() const { return child_.id(); }
    void send() const {
        send_.put();
        CHECK(sent_.take<char>() == '+');
    }

private:
    // It stays as long as its parent.
    static bool sent_by_a_child(const std::string& path, const std::string& text) {
        const Pipe done;
        if (::fork() == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            done.put(send_to(path, text) ? '+' : '-');
            ::pause();
        }
        return done.take<char>() == '+';
    }

    Pipe send_, sent_;
    Child child_;
};

struct Receiving {
    std::vector<core::EntryKey> beats;
    std::vector<std::string> ignored;
    std::string path = fmt::format("/run/banken-test-{}/socket", ::getpid());
    Heartbeats heartbeats = open();

    Heartbeats open() {
        auto opened = Heartbeats::open(
            path, {[this](core::EntryKey entry) { beats.push_back(entry); }, [this](const std::string& text) { ignored.push_back(text); }});
        REQUIRE(opened);
        return *std::move(opened);
    }
    std::vector<core::EntryKey> take(Now now = sys::read_now()) {
        while (heartbeats.take(now)) {}
        return std::exchange(beats, {});
    }
    Receiving() = default;
    Receiving(Receiving&&) = delete;
    Receiving& operator=(Receiving&&) = delete;
    ~Receiving() { ::rmdir(path.substr(0, path.rfind('/')).c_str()); }
};

using Entries = std::vector<core::EntryKey>;

}  // namespace

TEST_CASE("the socket is called after the key, as padmin -l prints it") {
    CHECK(Heartbeats::path_for(0x1f000501, true, "/run/user/7") == "/run/banken/0x1f000501.notify");
    CHECK(Heartbeats::path_for(0x1f, false, "/run/user/7") == "/run/user/7/banken/0x0000001f.notify");
    CHECK(Heartbeats::path_for(0x1f, false, "").empty());
}

TEST_CASE("a main process and what is below it speak for their entry alone, whatever user they are") {
    for (const bool from_below : {false, true}) {
        Receiving receiving;
        const Sender main(receiving.heartbeats.path(), "WATCHDOG=1", somebody, from_below);
        const Child other(test::exits_with(0));
        receiving.heartbeats.expect(1, "alpha", main.id());
        receiving.heartbeats.expect(2, "beta", other.id());
        main.send();
        CHECK(receiving.take() == Entries{1});
        CHECK(receiving.ignored.empty());
    }
}

TEST_CASE("a stranger's heartbeat is ignored, counted, and told once an hour") {
    Receiving receiving;
    const Child main(test::exits_with(0));
    const Sender stranger(receiving.heartbeats.path(), "WATCHDOG=1\n", somebody);
    receiving.heartbeats.expect(1, "alpha", main.id());
    Now now = sys::read_now();
    for (int times = 0; times < 3; ++times) {
        stranger.send();
        CHECK(receiving.take(now).empty());
    }
    const std::string last = fmt::format(" ignored, the last from pid {} of uid {}", stranger.id().pid, somebody);
    CHECK(receiving.ignored == std::vector<std::string>{"1 heartbeat" + last});
    now.instant += Heartbeats::told_every;
    stranger.send();
    CHECK(receiving.take(now).empty());
    CHECK(receiving.ignored.back() == "3 heartbeats" + last);
}

TEST_CASE("an entry that is named may be spoken for by root and its own user, and by nobody else") {
    Receiving receiving;
    const Child roots(test::exits_with(0));
    const Sender persons(receiving.heartbeats.path(), "", somebody);
    receiving.heartbeats.expect(1, "alpha", roots.id());
    receiving.heartbeats.expect(2, "beta", persons.id());
    while (::access(fmt::format("/proc/{}", persons.id().pid).c_str(), F_OK) != 0) {}
    const auto says = [&](const std::string& text, uid_t user) {
        const Sender sender(receiving.heartbeats.path(), text, user);
        sender.send();
        return receiving.take();
    };
    persons.send();  // by now it is somebody
    CHECK(receiving.take().empty());
    CHECK(says("WATCHDOG=1\nBANKEN_ENTRY=alpha", 0) == Entries{1});
    CHECK(says("BANKEN_ENTRY=beta\nWATCHDOG=1\n", 0) == Entries{2});
    CHECK(says("WATCHDOG=1\nBANKEN_ENTRY=beta", somebody) == Entries{2});
    CHECK(says("WATCHDOG=1\nBANKEN_ENTRY=alpha", somebody).empty());
    CHECK(says("WATCHDOG=1\nBANKEN_ENTRY=gamma", 0).empty());
    CHECK(says("WATCHDOG=1", 0).empty());
    CHECK(says("STATUS=well", 0).empty());
}

TEST_CASE("the main process of one entry does not speak for another that it names") {
    Receiving receiving;
    const Sender main(receiving.heartbeats.path(), "WATCHDOG=1\nBANKEN_ENTRY=beta", somebody);
    const Child other(test::exits_with(0));
    receiving.heartbeats.expect(1, "alpha", main.id());
    receiving.heartbeats.expect(2, "beta", other.id());
    main.send();
    CHECK(receiving.take().empty());
}

TEST_CASE("one process speaks for all entries that follow it, and by name for one") {
    Receiving receiving;
    const Sender main(receiving.heartbeats.path(), "WATCHDOG=1", somebody);
    receiving.heartbeats.expect(1, "alpha", main.id());
    receiving.heartbeats.expect(2, "beta", main.id());
    main.send();
    CHECK(receiving.take() == Entries{1, 2});
    REQUIRE(send_to(receiving.path, "WATCHDOG=1\nBANKEN_ENTRY=beta"));
    CHECK(receiving.take() == Entries{2});
    receiving.heartbeats.keep_only(Entries{2});
    main.send();
    CHECK(receiving.take() == Entries{2});
    receiving.heartbeats.expect(2, "gamma", main.id());  // renamed
    REQUIRE(send_to(receiving.path, "WATCHDOG=1\nBANKEN_ENTRY=beta"));
    CHECK(receiving.take().empty());
}

TEST_CASE("a heartbeat after which its entry is not waited for any more ends with it") {
    const std::string path = fmt::format("/run/banken-test-{}/forget", ::getpid());
    std::optional<Heartbeats> heartbeats;
    unsigned beats = 0, ignored = 0;
    const auto forget = [&](core::EntryKey entry) {
        ++beats;
        heartbeats->forget(entry);
    };
    heartbeats.emplace(Heartbeats::open(path, {forget, [&](const std::string&) { ++ignored; }}).value());
    heartbeats->expect(1, "alpha", {::getpid(), 1});
    heartbeats->expect(2, "beta", {::getpid(), 1});
    for (int times = 0; times < 2; ++times) REQUIRE(send_to(path, "WATCHDOG=1\nBANKEN_ENTRY=alpha"));
    CHECK_FALSE(heartbeats->take(sys::read_now()));
    CHECK(beats == 1);
    CHECK(ignored == 1);
    heartbeats.reset();
    ::rmdir(path.substr(0, path.rfind('/')).c_str());
}

TEST_CASE("a sender that is gone speaks only by name") {
    Receiving receiving;
    const Child main([&] {
        const pid_t helper = ::fork();
        if (helper == 0) ::_exit(send_to(receiving.path, "WATCHDOG=1") ? 0 : 1);
        ::waitpid(helper, nullptr, 0);
        ::pause();
    });
    receiving.heartbeats.expect(1, "alpha", main.id());
    main.let_go();
    test::await(receiving.heartbeats.fd());
    // The helper may still be there when it is looked at; once reaped it is not, and its word is nobody's.
    while (sys::read_cgroup(main.id().pid).has_value() &&
           std::ifstream(fmt::format("/proc/{0}/task/{0}/children", main.id().pid)).peek() > 0) {}
    CHECK(receiving.take().empty());
}

TEST_CASE("a pid that was given away since the datagram was sent speaks for nobody") {
    Receiving receiving;
    const Sender main(receiving.heartbeats.path(), "WATCHDOG=1");
    receiving.heartbeats.expect(1, "alpha", {main.id().pid, main.id().start + 1});
    main.send();
    CHECK(receiving.take().empty());
}

TEST_CASE("who shares the main process's cgroup speaks for it, unless it is the root's") {
    Receiving receiving;
    const std::string cgroup = fmt::format("/sys/fs/cgroup/systemd/banken-test-{}.service", ::getpid());
    if (::mkdir(cgroup.c_str(), 0755) != 0) {
        MESSAGE("no cgroup of ours can be made here: skipped");
        return;
    }
    {
        const Child main([] { ::pause(); });
        const Sender sender(receiving.heartbeats.path(), "WATCHDOG=1");
        const auto move = [&](ProcessId process) { (std::ofstream(cgroup + "/cgroup.procs") << process.pid).flush(); };
        receiving.heartbeats.expect(1, "alpha", main.id());
        sender.send();
        CHECK(receiving.take().empty());
        move(main.id());
        receiving.heartbeats.forget(1);
        receiving.heartbeats.expect(1, "alpha", main.id());
        sender.send();
        CHECK(receiving.take().empty());
        move(sender.id());
        sender.send();
        CHECK(receiving.take() == Entries{1});
    }
    CHECK(::rmdir(cgroup.c_str()) == 0);
}

TEST_CASE("one call takes a bounded number of datagrams") {
    Receiving receiving;
    for (std::size_t sent = 0; sent < 5; ++sent) REQUIRE(send_to(receiving.heartbeats.path(), "WATCHDOG=1"));
    CHECK_FALSE(receiving.heartbeats.take(sys::read_now()));
    CHECK(receiving.ignored.size() == 1);
}

namespace {

struct Reading {
    TemporaryDirectory directory;
    std::vector<core::HeartbeatRead> told;
    std::vector<std::string> warnings;
    HeartbeatFiles files;
    std::string path = directory / "beat";

    explicit Reading(sys::Worker worker = sys::Worker::open(HeartbeatFiles::threads, HeartbeatFiles::threads).value())
        : files(std::move(worker), {[this](core::HeartbeatRead event) { told.push_back(event); },
                                    [this](const std::string& text) { warnings.push_back(text); }}) {}
    void touch(WallTime at) const {
        std::ofstream(path).flush();
        const auto nanoseconds = at.time_since_epoch().count();
        const std::array<timespec, 2> times{timespec{nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000},
                                            timespec{nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000}};
        REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times.data(), 0) == 0);
    }
    std::optional<Duration> read(Instant now) {
        told.clear();
        files.read(1, path, now);
        while (told.empty()) {
            test::await(files.fd());
            files.drain(now);
        }
        return told.front().age;
    }
};

}  // namespace

TEST_CASE("the age of a path is that of its mtime, then by the monotonic clock alone") {
    Reading reading;
    reading.touch(sys::read_now().wall - 100s);
    const Instant t0{1h};
    const auto first = reading.read(t0);
    REQUIRE(first);
    CHECK(*first >= 100s);
    CHECK(*first < 130s);
    CHECK(reading.read(t0 + 10s) == *first + 10s);  // whatever the wall clock says meanwhile
    reading.touch(sys::read_now().wall - 1h);       // touched, and then the clock was set ahead
    CHECK(reading.read(t0 + 20s) == 10s);
    reading.touch(sys::read_now().wall + 1h);  // touched, and then the clock was set back
    CHECK(reading.read(t0 + 30s) == 0s);
    CHECK(reading.read(t0 + 35s) == 5s);
}

TEST_CASE("a path that is missing has no age") {
    Reading reading;
    CHECK(reading.read(Instant(1h)) == std::nullopt);
}

TEST_CASE("a path is asked for once at a time, and an entry that is gone hears nothing") {
    Reading reading;
    reading.files.read(1, reading.path, Instant(1h));
    reading.files.read(1, reading.path, Instant(1h));
    reading.files.read(2, reading.path, Instant(1h));
    const std::vector<core::EntryKey> kept{1};
    reading.files.keep_only(kept);
    while (reading.told.empty()) {
        test::await(reading.files.fd());
        reading.files.drain(Instant(1h));
    }
    CHECK(reading.read(Instant(1h)) == std::nullopt);  // the one question after both
    CHECK(reading.told.size() == 1);
    CHECK(reading.told[0].entry == 1);
}

TEST_CASE("more entries than helpers are all answered") {
    Reading reading;
    for (core::EntryKey entry = 1; entry <= 100; ++entry) reading.files.read(entry, reading.path, Instant(1h));
    while (reading.told.size() < 100) {
        test::await(reading.files.fd());
        reading.files.drain(Instant(1h));
    }
    CHECK(reading.told.size() == 100);
}

TEST_CASE("an entry that finds no helper because all hang is taken for alive, which is told once") {
    sys::Worker all_hang = sys::Worker::open(1, 1).value();
    const Pipe go_on;
    REQUIRE(all_hang.submit([fd = go_on.read_end.get()] {
        char byte = 0;
        [[maybe_unused]] const auto got = ::read(fd, &byte, 1);
        return sys::Worker::Then();
    }));
    Reading reading(std::move(all_hang));
    const Instant t0{1h};
    CHECK_FALSE(reading.files.next_deadline());
    reading.files.read(1, reading.path, t0);
    reading.files.read(2, reading.path, t0 + 1ms);
    CHECK(reading.files.next_deadline() == t0 + 1s);
    reading.files.tick(t0 + 999ms);
    CHECK(reading.told.empty());
    reading.files.tick(t0 + 1001ms);
    REQUIRE(reading.told.size() == 2);
    CHECK(reading.told[0].entry == 1);
    CHECK(reading.told[0].age == Duration{});
    CHECK(reading.told[1].entry == 2);
    CHECK(reading.warnings.size() == 1);
    reading.files.read(1, reading.path, t0 + 10s);
    reading.files.tick(t0 + 11s);
    CHECK(reading.told.size() == 3);
    CHECK(reading.warnings.size() == 1);
    go_on.put('+');
    test::await(reading.files.fd());
    reading.files.drain(t0 + 12s);
    CHECK(reading.read(t0 + 13s) == std::nullopt);  // missing, now that it can be looked at
    CHECK_FALSE(reading.files.next_deadline());
}
