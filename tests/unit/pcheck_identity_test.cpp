// SPDX-License-Identifier: Apache-2.0
// Which process: the filters of an entry and its pidfile, as the sweep judges by them.
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/stat.h>

#include <filesystem>
#include <mutex>

#include "common/sys/worker.hpp"
#include "pcheck/pidfile_reader.hpp"
#include "pcheck/sweep.hpp"
#include "tests/unit/fake_proc.hpp"
#include "tests/unit/sweep_watcher.hpp"
#include "tests/unit/temporary_directory.hpp"

using namespace banken;
using namespace std::chrono_literals;
using core::EntryKey;
using test::FakeProc;
using test::FakeProcess;
using test::Pids;
using test::TemporaryDirectory;
using test::Watcher;

namespace {

FakeProcess worker_of(pid_t pid, const std::string& jar) {
    return {.pid = pid, .comm = "java", .exe = "/usr/bin/java", .command_line = std::string("java\0-jar\0", 10) + jar + '\0'};
}

MatchRule label(const std::string& pattern) { return {.args = *Pattern::compile(pattern)}; }

// Entry 1 goes by this file; there are two processes it may name.
struct ByPidfile {
    FakeProc proc;
    TemporaryDirectory dir;
    std::string path = dir / "app.pid";

    ByPidfile() {
        proc.put(worker_of(40, "app.jar"));
        proc.put(worker_of(41, "app.jar"));
    }
    void names(const std::string& text) const { FakeProc::write(path, text); }
    [[nodiscard]] Pids named(const Watcher& watcher) const {
        Pids pids;
        for (const auto& news : watcher.looked) {
            for (const auto& match : news.matches) {
                if (match.named) pids.push_back(match.id.pid);
            }
        }
        return pids;
    }
};

}  // namespace

TEST_CASE("twins are told apart by their arguments, by name and by label") {
    const FakeProc proc;
    proc.put(worker_of(40, "shop.jar"));
    proc.put(worker_of(41, "mail.jar"));
    Watcher watcher(proc.path(),
                    {{1, {.name = "java", .args = *Pattern::compile("mail\\.jar$")}}, {2, label("shop\\.jar$")}, {3, {"java"}}});
    CHECK(watcher.look(1) == Pids{41});
    CHECK(watcher.look(2) == Pids{40});
    CHECK(watcher.look(3) == Pids{40, 41});
}

TEST_CASE("uid, cgroup, executable and namespace decide") {
    const FakeProc proc;
    FakeProcess app = worker_of(40, "app.jar");
    app.user = 104;
    app.cgroup = "4:memory:/pool\n0::/system.slice/app.service\n";
    proc.put(app);
    FakeProcess contained = worker_of(41, "app.jar");
    contained.pids_below = {7, 1};
    proc.put(contained);
    Watcher watcher(proc.path(), {{1, {.name = "java", .user = 104}},
                                  {2, {.name = "java", .user = 105}},
                                  {3, {.name = "java", .cgroup = "*/app.service"}},
                                  {4, {.name = "java", .cgroup = "/pool"}},
                                  {5, {.exe = "/usr/bin/java"}},
                                  {6, {.exe = "/usr/bin/java", .any_pid_namespace = true}}});
    CHECK(watcher.look(1) == Pids{40});
    CHECK(watcher.look(2).empty());
    CHECK(watcher.look(3) == Pids{40});
    CHECK(watcher.look(4) == Pids{40});
    CHECK(watcher.look(5) == Pids{40});
    CHECK(watcher.look(6) == Pids{40, 41});
}

TEST_CASE("the uid that a daemon drops to is found while its entry lacks a process, by a look too") {
    const FakeProc proc;
    FakeProcess app = worker_of(40, "app.jar");
    proc.put(app);
    Watcher watcher(proc.path(), {{1, {.name = "java", .user = 104}}});
    watcher.sweep.set_wanted(1, true);
    watcher.run_sweep();
    CHECK(watcher.pids().empty());
    app.user = 104;
    proc.put(app);
    watcher.looked.clear();
    watcher.sweep.look({1, 5, false});
    watcher.now += 1s;
    watcher.until([&] { return !watcher.looked.empty(); });
    CHECK(watcher.pids() == Pids{40});
}

TEST_CASE("an entry that counts is told at every sweep, which reads every process") {
    const FakeProc proc;
    FakeProcess app = worker_of(40, "app.jar");
    proc.put(app);
    proc.put({.pid = 41, .comm = "sh", .exe = "/bin/sh", .command_line = "sh", .start = 1});
    Watcher watcher(proc.path(), {{1, {"java"}}});
    watcher.sweep.set_wanted(1, true);
    watcher.run_sweep(false);
    CHECK(watcher.pids() == Pids{40});
    app = worker_of(41, "app.jar");
    app.start = 1;
    app.image = 0x9000;
    proc.put(app);
    watcher.run_sweep(false);
    CHECK(watcher.pids() == Pids{40, 41});
}

TEST_CASE("of the processes that match only the one that the pidfile names is named") {
    const ByPidfile by;
    Watcher watcher(by.proc.path(), {{1, {.name = "java", .pidfile = by.path}}, {2, {"java"}}});
    by.names("41\n");
    CHECK(watcher.look(1) == Pids{40, 41});
    CHECK(by.named(watcher) == Pids{41});
    CHECK(watcher.look(2) == Pids{40, 41});
    CHECK(by.named(watcher) == Pids{40, 41});
}

TEST_CASE("a pidfile that names somebody else is news although no process has changed") {
    const ByPidfile by;
    by.names("40\n");
    Watcher watcher(by.proc.path(), {{1, {.name = "java", .pidfile = by.path}}});
    watcher.run_sweep(false);
    CHECK(by.named(watcher) == Pids{40});
    watcher.run_sweep(false);
    CHECK(watcher.looked.empty());
    by.names("41\n");
    watcher.run_sweep(false);
    CHECK(by.named(watcher) == Pids{41});
    std::filesystem::remove(by.path);
    watcher.run_sweep(false);
    REQUIRE(watcher.looked.size() == 1);
    CHECK(by.named(watcher).empty());
}

TEST_CASE("a stale or foreign pid, garbage, a FIFO, a huge file or none names nobody") {
    const ByPidfile by;
    by.proc.put({.pid = 50, .comm = "other", .exe = "/bin/other", .command_line = "other"});
    Watcher watcher(by.proc.path(), {{1, {.name = "java", .pidfile = by.path}}, {2, {.exe = "/usr/bin/java", .pidfile = by.path}}});
    for (const char* text : {"50\n", "4711\n", "-40\n", "0\n", "40x\n", "", "99999999999999\n"}) {
        by.names(text);
        CHECK(watcher.look(1) == Pids{40, 41});
        CHECK_MESSAGE(by.named(watcher).empty(), text);
    }
    by.names("40\n" + std::string(100'000, '\n'));
    watcher.look(1);
    CHECK(by.named(watcher).empty());
    std::filesystem::remove(by.path);
    REQUIRE(::mkfifo(by.path.c_str(), 0600) == 0);
    watcher.look(2);
    CHECK(by.named(watcher).empty());
    std::filesystem::remove(by.path);
    watcher.look(2);
    CHECK(by.named(watcher).empty());
}

TEST_CASE("a label that goes by its pidfile alone matches nobody but the process that is named") {
    const ByPidfile by;
    by.names("40\n");
    Watcher watcher(by.proc.path(), {{1, {.pidfile = by.path}}, {2, {.args = *Pattern::compile("other"), .pidfile = by.path}}});
    CHECK(watcher.look(1) == Pids{40});
    CHECK(watcher.look(2).empty());
    by.names("41\n");
    CHECK(watcher.look(1) == Pids{40, 41});
    CHECK(by.named(watcher) == Pids{41});
    by.proc.remove(40);
    FakeProcess other = worker_of(41, "other.jar");
    other.image = 0x7000;
    by.proc.put(other);
    CHECK(watcher.look(2) == Pids{41});
}

TEST_CASE("a named process that starts after its file was written is found") {
    const ByPidfile by;
    by.names("42\n");
    Watcher watcher(by.proc.path(), {{1, {.pidfile = by.path}}});
    CHECK(watcher.look(1).empty());
    by.proc.put(worker_of(42, "app.jar"));
    CHECK(watcher.look(1) == Pids{42});
}

// A directory of a dead mount cannot be had; a helper that waits for its turn is as good.
TEST_CASE("files on a dead mount cost one second each, name what they named last, and hold up no other") {
    const TemporaryDirectory dir;
    FakeProc::write(dir / "a", "40");
    auto helpers = *sys::Worker::open(1, 2);
    PidfileReader reader(helpers);
    const Instant begin = Instant(1h);
    std::mutex dead;
    {
        const std::lock_guard hang(dead);
        REQUIRE(helpers.submit([&dead] {
            const std::lock_guard wait(dead);
            return [] {};
        }));
        reader.read({{1, dir / "a"}, {2, dir / "b"}}, begin);
        CHECK(reader.due() == begin + 1s);
        CHECK(reader.advance(begin).empty());
        CHECK(reader.advance(begin + 1s).empty());
        CHECK(reader.idle());  // no helper is left for the rest
        REQUIRE(reader.stuck() != nullptr);
        CHECK(*reader.stuck() == dir / "a");
        reader.read({{1, dir / "a"}}, begin + 2s);
        CHECK(reader.idle());
    }
    while (reader.idle()) {
        pollfd readable{.fd = helpers.fd(), .events = POLLIN, .revents = 0};
        REQUIRE(::poll(&readable, 1, 20'000) == 1);
        helpers.drain();
        reader.read({{1, dir / "a"}}, begin + 3s);
    }
    std::vector<PidfileReader::Naming> named;
    while (named.empty()) {
        pollfd readable{.fd = helpers.fd(), .events = POLLIN, .revents = 0};
        REQUIRE(::poll(&readable, 1, 20'000) == 1);
        helpers.drain();
        named = reader.advance(begin + 3s);
    }
    CHECK(named.back().pid == 40);
    CHECK(reader.stuck() == nullptr);
}
