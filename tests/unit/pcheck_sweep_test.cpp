// SPDX-License-Identifier: Apache-2.0
#include "pcheck/sweep.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "common/sys/clock.hpp"
#include "common/sys/pid_ref.hpp"
#include "common/sys/unique_fd.hpp"
#include "tests/unit/fake_proc.hpp"
#include "tests/unit/program.hpp"
#include "tests/unit/sweep_watcher.hpp"

using namespace banken;
using namespace std::chrono_literals;
using core::EntryKey;
using core::Looked;
using test::daemon_of;
using test::FakeProc;
using test::FakeProcess;
using test::Pids;
using test::Watcher;

namespace {

struct Fake {
    FakeProc proc;
    FakeProcess crond = daemon_of(40, "crond");
    Fake() { proc.put(crond); }
};

// A command line that hangs while it is read, until it is released.
class Hanging {
public:
    Hanging(const FakeProc& proc, pid_t pid) : path_(proc.file(pid, "cmdline")) {
        std::filesystem::remove(path_);
        REQUIRE(::mkfifo(path_.c_str(), 0600) == 0);
    }
    Hanging(Hanging&&) = delete;
    Hanging& operator=(Hanging&&) = delete;
    ~Hanging() { release(); }

    // Returns when a helper hangs.
    void await_reader() {
        writer_.reset(::open(path_.c_str(), O_WRONLY | O_CLOEXEC));
        REQUIRE(writer_.valid());
    }
    void release(const std::string& command_line = "") {
        if (!writer_.valid()) return;
        std::filesystem::remove(path_);
        FakeProc::write(path_, command_line);
        writer_.reset();
    }

private:
    std::string path_;
    sys::UniqueFd writer_;
};

}  // namespace

TEST_CASE("a process that could not be read at first is found by the next sweep, although nothing of it has changed") {
    const Fake fake;
    std::filesystem::remove(fake.proc.file(40, "status"));
    Watcher watcher(fake.proc.path(), {{7, {"crond"}}});
    watcher.run_sweep();
    CHECK(watcher.pids().empty());
    fake.proc.put(fake.crond);
    watcher.run_sweep();
    CHECK(watcher.pids() == Pids{40});
}

TEST_CASE("a sweep tells what matches, with all that the choice needs") {
    Fake fake;
    fake.crond.user = 104;
    fake.crond.session = 39;
    fake.crond.cgroup = "0::/user.slice/session-4.scope\n";
    fake.crond.flags |= 0x40;
    fake.proc.put(fake.crond);
    Watcher watcher(fake.proc.path(), {{7, {"crond"}}, {8, {"atd"}}});
    watcher.run_sweep();
    REQUIRE(watcher.told() == std::vector<EntryKey>{7});
    CHECK(watcher.looked[0].number == 0);
    CHECK(watcher.looked[0].matches == std::vector{core::Candidate{{40, 5000}, true, true, true, true, 39, 104, "crond"}});
}

TEST_CASE("every kind of name finds its process") {
    const FakeProc proc;
    proc.put(daemon_of(40, "crond"));
    proc.put({.pid = 41, .comm = "exe", .exe = "/usr/bin/runc", .command_line = std::string("/proc/self/exe\0init\0", 20)});
    proc.put({.pid = 42, .comm = "python3", .exe = "/usr/bin/python3.11", .command_line = std::string("python3\0/opt/worker.py\0", 23)});
    proc.put({.pid = 43, .comm = "nginx", .exe = "/usr/sbin/nginx", .command_line = "nginx: master process /usr/sbin/nginx"});
    Watcher watcher(proc.path(), {{1, {"crond"}},
                                  {2, {"runc"}},
                                  {3, {"worker.py"}},
                                  {4, {"nginx: master process"}},
                                  {5, {"/usr/sbin/crond"}},
                                  {6, {"nginx: worker process"}},
                                  {7, {"init"}}});
    const std::vector<Pids> found{watcher.look(1), watcher.look(2), watcher.look(3), watcher.look(4),
                                  watcher.look(5), watcher.look(6), watcher.look(7)};
    CHECK(found == std::vector<Pids>{{40}, {41}, {42}, {43}, {40}, {}, {1}});
}

TEST_CASE("only what has changed is told, and what is wanted") {
    Fake fake;
    Watcher watcher(fake.proc.path(), {{1, {"crond"}}, {2, {"atd"}}, {3, {"sshd"}}});
    watcher.sweep.set_wanted(2, true);
    watcher.run_sweep();
    CHECK(watcher.told() == std::vector<EntryKey>{1, 2});
    watcher.run_sweep();
    CHECK(watcher.told() == std::vector<EntryKey>{2});
    watcher.sweep.set_wanted(2, false);
    fake.proc.put(daemon_of(50, "sshd"));
    fake.proc.remove(40);
    watcher.run_sweep(false);
    CHECK(watcher.told() == std::vector<EntryKey>{1, 3});
    CHECK(watcher.pids() == Pids{50});
    watcher.run_sweep(false);
    CHECK(watcher.looked.empty());
}

TEST_CASE("a process whose parent matches too is no root until the parent is gone") {
    Fake fake;
    FakeProcess child = daemon_of(41, "crond");
    child.parent = 40;
    fake.proc.put(child);
    Watcher watcher(fake.proc.path(), {{1, {"crond"}}});
    watcher.run_sweep();
    REQUIRE(watcher.pids() == Pids{40, 41});
    CHECK(watcher.looked[0].matches[0].root);
    CHECK_FALSE(watcher.looked[0].matches[1].root);
    fake.proc.remove(40);
    child.parent = 1;
    fake.proc.put(child);
    watcher.run_sweep();
    REQUIRE(watcher.pids() == Pids{41});
    CHECK(watcher.looked[0].matches[0].root);
}

TEST_CASE("looks share one pass and are paced") {
    Fake fake;
    Watcher watcher(fake.proc.path(), {{1, {"crond"}}, {2, {"atd"}}});
    CHECK_FALSE(watcher.sweep.wake_at());
    for (const EntryKey entry : {1U, 2U, 1U, 9U}) watcher.sweep.look({entry, 1, true});
    CHECK(*watcher.sweep.wake_at() <= watcher.now);
    watcher.until([&] { return watcher.looked.size() == 2; });
    CHECK(watcher.told() == std::vector<EntryKey>{1, 2});  // nobody knows 9
    CHECK(watcher.sweeps == 0);

    watcher.looked.clear();
    watcher.sweep.look({1, 1, true});
    const Instant next = watcher.sweep.wake_at().value();
    CHECK(next >= watcher.now + 10ms);
    watcher.sweep.wake(watcher.now);
    CHECK(watcher.looked.empty());
    watcher.now = next;
    watcher.until([&] { return watcher.looked.size() == 1; });
}

TEST_CASE("a look does not answer with what is dead, however long it has run and whoever does not reap it") {
    const FakeProc proc;
    for (const pid_t pid : {10, 11}) proc.put(daemon_of(pid, "crond"));
    proc.put({.pid = 12, .comm = "sh", .exe = "/bin/sh", .command_line = "sh", .start = 90000});  // the young are read anyhow
    Watcher watcher(proc.path(), {{1, {"crond"}}});
    watcher.run_sweep();
    REQUIRE(watcher.pids() == Pids{10, 11});
    FakeProcess dead = daemon_of(10, "crond");
    dead.state = 'Z';
    proc.put(dead);
    watcher.looked.clear();
    watcher.now += std::chrono::seconds(10);
    watcher.sweep.look({1, 7, false});
    watcher.until([&] { return !watcher.looked.empty(); });
    CHECK(watcher.looked.front().number == 7);
    CHECK(watcher.pids() == Pids{11});
}

TEST_CASE("a sweep answers the looks that wait, and a look's news are not told twice") {
    Fake fake;
    Watcher watcher(fake.proc.path(), {{1, {"crond"}}, {2, {"atd"}}});
    watcher.sweep.look({1, 1, true});
    watcher.run_sweep(false);
    REQUIRE(watcher.told() == std::vector<EntryKey>{1});
    CHECK(watcher.looked[0].number == 1);
}

TEST_CASE("an answer may ask anew") {
    Fake fake;
    Watcher watcher(fake.proc.path());
    int answers = 0;
    watcher.sweep = *Sweep::open({.on_looked =
                                      [&](const Looked& news) {
                                          ++answers;
                                          if (news.number != 0 && answers < 3) watcher.sweep.look({news.entry, 1, true});
                                          watcher.now += 1h;
                                      },
                                  .on_sweep_done = [] {},
                                  .on_unreadable = [](std::size_t) {},
                                  .on_stuck_pidfile = [](const std::string&) {}},
                                 fake.proc.path());
    watcher.sweep.set_rules({{1, {"crond"}}});
    watcher.sweep.look({1, 1, true});
    watcher.until([&] { return answers == 3; });
}

TEST_CASE("a sweep over a large table takes turns, and what is asked meanwhile is answered by the next pass") {
    Fake fake;
    for (pid_t pid = 1000; pid < 1600; ++pid) fake.proc.put({.pid = pid, .comm = "other"});
    Watcher watcher(fake.proc.path(), {{1, {"crond"}}});
    watcher.sweep.sweep(true, watcher.now);
    CHECK(watcher.sweeps == 0);
    CHECK(watcher.sweep.wake_at() == Instant::min());
    watcher.sweep.look({1, 7, true});
    watcher.sweep.sweep(true, watcher.now);  // it is under way
    watcher.until([&] { return watcher.sweeps > 0; });
    CHECK(std::ranges::none_of(watcher.looked, [](const Looked& news) { return news.number == 7; }));
    watcher.now += 1h;
    watcher.until([&] { return std::ranges::any_of(watcher.looked, [](const Looked& news) { return news.number == 7; }); });
    CHECK(watcher.sweeps == 1);
    watcher.sweep.look({1, 8, true});
    watcher.now += 1h;
    watcher.sweep.wake(watcher.now);
    watcher.sweep.sweep(true, watcher.now);  // comes after the look
    watcher.until([&] { return watcher.sweeps == 2; });
}

TEST_CASE("what is below a running script never matches, until the script has ended") {
    Fake fake;
    fake.proc.put({.pid = 60, .comm = "restart", .exe = "/bin/dash", .command_line = std::string("sh\0/etc/init.d/crond\0", 21)});
    FakeProcess helper{.pid = 61, .comm = "helper", .parent = 60};
    FakeProcess below = daemon_of(62, "crond");
    below.parent = 61;
    fake.proc.put(helper);
    fake.proc.put(below);
    Watcher watcher(fake.proc.path(), {{1, {"crond"}}});
    watcher.sweep.set_scripts({{{60, 5000}, {}}});
    CHECK(watcher.look(1) == Pids{40});  // nor the script itself, whose argument has the name
    watcher.run_sweep();
    watcher.run_sweep();
    CHECK(watcher.looked.empty());
    watcher.sweep.set_scripts({});
    fake.proc.remove(60);
    watcher.run_sweep();
    CHECK(watcher.pids() == Pids{40, 62});
}

TEST_CASE("a script's own process counts once it has exec'ed away from its first image") {
    const FakeProc proc;
    FakeProcess script{.pid = 60, .comm = "crond", .exe = "/bin/dash", .command_line = std::string("sh\0/opt/crond\0", 14)};
    proc.put(script);
    Watcher watcher(proc.path(), {{1, {"crond"}}});
    watcher.sweep.set_scripts({{script.id(), {}}});
    CHECK(watcher.look(1).empty());
    watcher.sweep.set_scripts({{script.id(), parse_stat(script.stat())->fingerprint}});
    CHECK(watcher.look(1).empty());
    script.image = 0x8000;
    script.exe = "/usr/sbin/crond";
    script.command_line = "crond";
    proc.put(script);
    FakeProcess below = daemon_of(61, "crond");
    below.parent = 60;
    proc.put(below);
    CHECK(watcher.look(1) == Pids{60});
}

TEST_CASE("a rename or a new title loses no match, an exec does") {
    Fake fake;
    Watcher watcher(fake.proc.path(), {{1, {"crond"}}});
    CHECK(watcher.look(1) == Pids{40});
    fake.crond.comm = "main";
    fake.crond.exe = "/usr/bin/node";
    fake.crond.command_line = "title";
    fake.proc.put(fake.crond);
    watcher.run_sweep();
    CHECK(watcher.pids() == Pids{40});
    CHECK(watcher.looked.at(0).matches[0].argv0 == "title");
    CHECK(watcher.look(1) == Pids{40});
    fake.crond.image = 0x9000;
    fake.proc.put(fake.crond);
    CHECK(watcher.look(1).empty());
    fake.crond.image = 0xa000;
    fake.crond.comm = "crond";
    fake.proc.put(fake.crond);
    CHECK(watcher.look(1) == Pids{40});
}

TEST_CASE("a process that was given a known pid is another one") {
    Fake fake;
    Watcher watcher(fake.proc.path(), {{1, {"crond"}}});
    CHECK(watcher.look(1) == Pids{40});
    fake.crond.start = 9000;
    fake.proc.put(fake.crond);
    CHECK(watcher.look(1) == Pids{40});
    CHECK(watcher.looked[0].matches[0].id.start == 9000);
    fake.proc.put({.pid = 40, .comm = "other", .exe = "/bin/other", .command_line = "other", .start = 9500});
    CHECK(watcher.look(1).empty());
}

TEST_CASE("the real uid that a daemon drops to is told with the next sweep") {
    Fake fake;
    Watcher watcher(fake.proc.path(), {{1, {"crond"}}});
    CHECK(watcher.look(1) == Pids{40});
    CHECK(watcher.looked[0].matches[0].user == 0);
    fake.crond.user = 33;
    fake.proc.put(fake.crond);
    watcher.run_sweep(false);
    REQUIRE(watcher.pids() == Pids{40});
    CHECK(watcher.looked[0].matches[0].user == 33);
}

TEST_CASE("a title that comes without an exec is found while its entry lacks a process") {
    Fake fake;
    Watcher watcher(fake.proc.path(), {{1, {"crond: master"}}});
    watcher.run_sweep();
    fake.crond.command_line = "crond: master process";
    fake.proc.put(fake.crond);
    watcher.run_sweep();
    CHECK(watcher.looked.empty());
    watcher.sweep.set_wanted(1, true);
    watcher.run_sweep();
    CHECK(watcher.pids() == Pids{40});
}

TEST_CASE("new rules are judged for what is known, old matches stay, and what has no rule is forgotten") {
    Fake fake;
    fake.proc.put(daemon_of(50, "sshd"));
    Watcher watcher(fake.proc.path(), {{1, {"crond"}}, {2, {"sshd"}}});
    watcher.run_sweep();
    CHECK(watcher.pids() == Pids{40, 50});
    watcher.sweep.set_rules({{1, {"crond"}}, {3, {"/usr/sbin/sshd"}}});
    watcher.run_sweep(false);
    CHECK(watcher.told() == std::vector<EntryKey>{3});
    CHECK(watcher.pids() == Pids{50});
    CHECK(watcher.look(1) == Pids{40});
    watcher.sweep.look({2, 1, true});
    watcher.run_sweep(false);
    CHECK(watcher.looked.empty());
}

TEST_CASE("a look that is out when the rules change is answered by the new ones") {
    Fake fake;
    fake.proc.put(daemon_of(50, "sshd"));
    Watcher watcher(fake.proc.path(), {{1, {"crond"}}});
    watcher.sweep.look({1, 1, true});
    watcher.sweep.wake(watcher.now);
    watcher.sweep.set_rules({{1, {"crond"}}, {2, {"sshd"}}});
    watcher.sweep.look({2, 1, true});
    watcher.sweep.sweep(true, watcher.now);
    watcher.until([&] { return watcher.sweeps == 1; });
    CHECK(watcher.told() == std::vector<EntryKey>{1, 2});
    CHECK(watcher.pids() == Pids{40, 50});
}

TEST_CASE("a command line that hangs costs its process one second and its arguments, the others nothing") {
    Fake fake;
    fake.proc.put({.pid = 41, .comm = "crond", .exe = "/bin/x"});
    fake.proc.put({.pid = 42, .comm = "crond", .exe = "/bin/y", .command_line = "y"});
    Hanging hanging(fake.proc, 41);
    Watcher watcher(fake.proc.path(), {{1, {"crond"}}, {2, {"title"}}});
    watcher.sweep.look({1, 1, true});
    watcher.sweep.look({2, 1, true});
    watcher.sweep.wake(watcher.now);
    hanging.await_reader();
    CHECK(watcher.looked.empty());
    watcher.now = watcher.sweep.wake_at().value();
    CHECK(watcher.now == Instant(1h) + 1s);
    watcher.until([&] { return watcher.looked.size() == 2; });
    CHECK(watcher.pids() == Pids{40, 41, 42});
    CHECK(watcher.unreadable == std::vector<std::size_t>{1});
    CHECK(watcher.looked[0].matches[1].argv0.empty());

    fake.proc.put(daemon_of(43, "crond"));
    CHECK(watcher.look(1) == Pids{40, 41, 42, 43});  // at once: the hanging process is not read again

    hanging.release("title");
    watcher.until([&] { return watcher.look(2) == Pids{41}; });
    CHECK(watcher.unreadable.size() == 1);
}

TEST_CASE("when four reads hang every other process is judged by comm and executable at once") {
    const FakeProc proc;
    std::vector<std::unique_ptr<Hanging>> hanging;
    for (pid_t pid = 40; pid < 44; ++pid) {
        proc.put({.pid = pid, .comm = "hung", .exe = "/bin/hung"});
        hanging.push_back(std::make_unique<Hanging>(proc, pid));
    }
    Watcher watcher(proc.path(), {{1, {"crond"}}, {2, {"script.py"}}});
    watcher.sweep.look({1, 1, true});
    watcher.sweep.wake(watcher.now);
    for (const auto& one : hanging) {
        CHECK(watcher.looked.empty());
        one->await_reader();
        watcher.now = watcher.sweep.wake_at().value();
        watcher.sweep.wake(watcher.now);
    }
    REQUIRE(watcher.looked.size() == 1);
    CHECK(watcher.now == Instant(1h) + 4s);
    proc.put(daemon_of(50, "crond"));
    proc.put({.pid = 51, .comm = "python3", .exe = "/usr/bin/python3", .command_line = std::string("python3\0script.py\0", 18)});
    watcher.looked.clear();
    watcher.now += 1s;
    watcher.sweep.look({1, 1, true});
    watcher.sweep.look({2, 1, true});
    watcher.sweep.wake(watcher.now);
    CHECK(watcher.pids() == Pids{50});
    REQUIRE(watcher.looked.size() == 2);

    hanging.clear();
    watcher.until([&] { return watcher.look(2) == Pids{51}; });
    CHECK(watcher.unreadable.size() == 1);
}

TEST_CASE("a process that changes all the time holds up no answer") {
    Fake fake;
    Watcher watcher(fake.proc.path(), {{1, {"crond"}}});
    fake.crond.hidden = true;  // each pass takes it for another image
    fake.proc.put(fake.crond);
    for (int turn = 0; turn < 20; ++turn) {
        watcher.looked.clear();
        for (int passes = 0; passes < 2; ++passes) {
            watcher.sweep.look({1, 1, true});
            watcher.now = std::max(watcher.now, watcher.sweep.wake_at().value());
            watcher.sweep.wake(watcher.now);
        }
        watcher.until([&] { return watcher.looked.size() == 2; });
        CHECK(watcher.pids() == Pids{40, 40});
    }
}

TEST_CASE("pcheck itself never matches") {
    Watcher watcher("/proc", {{1, {sys::read_stat(::getpid())->fingerprint.comm}}});
    const Pids found = watcher.look(1);
    CHECK(std::ranges::find(found, ::getpid()) == found.end());
}

TEST_CASE("a real daemon is found, lost and found again") {
    const test::TemporaryDirectory dir;
    const std::string path = dir / "banken_dozes_long";
    Watcher watcher("/proc", {{1, {"banken_dozes_long"}}, {2, {path}}, {3, {path + " -"}}, {4, {"banken_dozes_lost"}}});
    watcher.run_sweep();
    CHECK(watcher.looked.empty());
    auto program = std::make_unique<test::Program>(path);
    for (const EntryKey entry : {1U, 2U, 3U}) CHECK(watcher.look(entry) == Pids{program->id().pid});
    REQUIRE(watcher.looked[0].matches.size() == 1);
    const auto& match = watcher.looked[0].matches[0];
    CHECK(match.id == program->id());
    CHECK(match.user == ::getuid());
    CHECK(match.session == ::getsid(0));
    CHECK(match.argv0 == path);
    CHECK_FALSE(match.fork_no_exec);
    CHECK(watcher.look(4) == Pids{program->id().pid});  // comm is compared over 15 bytes
    program->end();
    watcher.run_sweep(false);
    CHECK(watcher.pids().empty());
    CHECK(watcher.told() == std::vector<EntryKey>{1, 2, 3, 4});
    const test::Program again(path);
    CHECK(watcher.look(1) == Pids{again.id().pid});
}

TEST_CASE("an executable that is removed keeps matching") {
    const test::TemporaryDirectory dir;
    const std::string path = dir / "banken_dozer";
    const test::Program program(path);
    std::filesystem::remove(path);
    Watcher watcher("/proc", {{1, {path}}, {2, {path + " (deleted)"}}});
    CHECK(watcher.look(1) == Pids{program.id().pid});
    CHECK(watcher.look(2).empty());
}
