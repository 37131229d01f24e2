// SPDX-License-Identifier: Apache-2.0
#include "common/sys/proc_table.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>

#include "tests/unit/fake_proc.hpp"
#include "tests/unit/program.hpp"

using namespace banken;
using sys::Depth;
using sys::ProcDir;
using sys::ProcTable;
using sys::TableChange;
using test::FakeProc;
using test::FakeProcess;
using Kind = sys::TableChange::Kind;
using Changes = std::vector<TableChange>;

namespace {

ProcTable table_of(const std::string& root) { return ProcTable(std::make_shared<const ProcDir>(*ProcDir::open(root))); }

// A table that has seen this process.
struct Seen {
    FakeProc proc;
    FakeProcess process{.pid = 40, .comm = "crond", .exe = "/usr/sbin/crond", .command_line = "crond"};
    ProcTable table = table_of(proc.path());

    Seen() {
        proc.put(process);
        REQUIRE(table.pass(Depth::every));
    }
    Changes pass(Depth depth = Depth::every) {
        proc.put(process);
        return *table.pass(depth);
    }
    Changes only(Kind kind) const { return {{kind, process.id()}}; }
};

bool tells(const Changes& changes, Kind kind, ProcessId id) { return std::ranges::find(changes, TableChange{kind, id}) != changes.end(); }

}  // namespace

TEST_CASE("a /proc of another PID namespace is refused") {
    const FakeProc proc;
    proc.link("self", "4711x");
    CHECK(ProcDir::open(proc.path())
              .error()
              .text.starts_with(proc.path() + ": belongs to another PID namespace: its own pid for us is \"4711x\""));
    std::filesystem::remove(proc.path() + "/self");
    CHECK_FALSE(ProcDir::open(proc.path()));
    CHECK(ProcDir::open("/nowhere").error().text == "/nowhere: open: No such file or directory");
}

TEST_CASE("a /proc that hides pid 1 is refused") {
    const FakeProc proc;
    proc.remove(1);
    CHECK(ProcDir::open(proc.path()).error().text == proc.path() + ": hides processes from us (hidepid): pid 1 cannot be read");
}

TEST_CASE("the facts of one process are read") {
    const FakeProc proc;
    FakeProcess process{.pid = 7, .comm = "x", .exe = "/usr/bin/x (deleted)", .command_line = std::string("x\0-f\0", 5), .user = 104};
    proc.put(process);
    const auto dir = *ProcDir::open(proc.path());
    CHECK(dir.exe(7).value() == "/usr/bin/x");
    CHECK(dir.status(7).value() == ProcessStatus{104, true});
    CHECK(dir.command_line(7).value() == process.command_line);
    CHECK(dir.cgroups(7).value() == std::vector<std::string>{"/system.slice/x.service"});
    process.pids_below = {3};
    proc.put(process);
    CHECK(dir.status(7).value() == ProcessStatus{104, false});
    CHECK(dir.exe(8).error().number == ENOENT);
    CHECK(dir.stat(8).error().number == ENOENT);
    CHECK(dir.status(8).error().number == ENOENT);
}

TEST_CASE("what is hidden of a process is read as empty, and a process that is gone is an error") {
    const FakeProc proc;
    proc.put({.pid = 7, .comm = "x"});
    std::filesystem::remove(proc.file(7, "cgroup"));
    const auto dir = *ProcDir::open(proc.path());
    Process process;
    process.stat = *dir.stat(7);
    for (const Fact fact : {Fact::exe, Fact::status, Fact::cgroups, Fact::command_line}) CHECK(dir.read(fact, process));
    CHECK(process.exe == "");
    CHECK(process.command_line->empty());
    CHECK(process.cgroups->empty());
    CHECK(process.status == ProcessStatus{0, true});
    proc.remove(7);
    CHECK_FALSE(dir.read(Fact::status, process));
}

TEST_CASE("what cannot be read for want of a descriptor is empty for now, and said to be") {
    const auto dir = ProcDir::open("/proc");
    REQUIRE(dir);
    Process process;
    process.stat.pid = ::getpid();
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    const auto starved = dir->read(Fact::command_line, process);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK_FALSE(starved);
    CHECK(process.command_line == std::vector<std::string>());
    CHECK(dir->read(Fact::command_line, process));
    CHECK_FALSE(process.command_line->empty());
}

TEST_CASE("a command line of any length costs at most a MiB") {
    const FakeProc proc;
    proc.put({.pid = 7, .comm = "x", .command_line = std::string(3u << 20, 'x')});
    CHECK(ProcDir::open(proc.path())->command_line(7)->size() == ProcDir::max_command_line);
}

TEST_CASE("the first pass tells all, the next one nothing") {
    const FakeProc proc;
    for (const pid_t pid : {400, 30, 2000}) proc.put({.pid = pid, .comm = "x"});
    ProcTable table = table_of(proc.path());
    CHECK(*table.pass(Depth::eighth) ==
          Changes{{Kind::appeared, {1, 1}}, {Kind::appeared, {30, 5000}}, {Kind::appeared, {400, 5000}}, {Kind::appeared, {2000, 5000}}});
    CHECK(table.pass(Depth::every)->empty());
    CHECK(table.all() == std::vector<ProcessId>{{1, 1}, {30, 5000}, {400, 5000}, {2000, 5000}});
    proc.remove(30);
    proc.remove(2000);
    CHECK(*table.pass(Depth::eighth) == Changes{{Kind::gone, {30, 5000}}, {Kind::gone, {2000, 5000}}});
    CHECK_FALSE(table.find(30));
}

TEST_CASE("a pass in portions tells what one at once would, and all is as before until its end") {
    const FakeProc proc;
    for (const pid_t pid : {30, 400, 2000}) proc.put({.pid = pid, .comm = "x"});
    ProcTable table = table_of(proc.path());
    REQUIRE(table.pass(Depth::every));
    proc.remove(30);
    proc.put({.pid = 500, .comm = "x"});
    proc.put({.pid = 2000, .comm = "y"});
    REQUIRE(table.begin(Depth::every, {}));
    CHECK_FALSE(table.go_on(2));  // 1 and 400
    table.watch(400, true);
    CHECK(table.lives({30, 5000}));
    CHECK_FALSE(table.go_on(1));
    CHECK_FALSE(table.find(500));
    CHECK(table.go_on(1) == Changes{{Kind::gone, {30, 5000}}, {Kind::appeared, {500, 5000}}, {Kind::renamed, {2000, 5000}}});
    CHECK_FALSE(table.lives({30, 5000}));
    proc.put({.pid = 400, .comm = "x", .parent = 30});
    CHECK(*table.pass(Depth::every) == Changes{{Kind::moved, {400, 5000}}});
}

TEST_CASE("a pass over the young reads those that started within two seconds of the youngest") {
    const FakeProc proc;
    proc.put({.pid = 30, .comm = "old", .start = 4000});
    proc.put({.pid = 31, .comm = "younger", .start = 4900});
    proc.put({.pid = 32, .comm = "youngest", .start = 5000});
    ProcTable table = table_of(proc.path());
    REQUIRE(table.pass(Depth::every));
    for (const pid_t pid : {30, 31, 32}) proc.put({.pid = pid, .comm = "other", .start = pid == 30 ? 4000u : pid == 31 ? 4900u : 5000u});
    CHECK(*table.pass(Depth::young) == Changes{{Kind::renamed, {31, 4900}}, {Kind::renamed, {32, 5000}}});
    table.watch(30, true);
    CHECK(table.pass(Depth::young)->empty());  // there may be a thousand of those
    CHECK(*table.pass(Depth::every) == Changes{{Kind::renamed, {30, 4000}}});
}

TEST_CASE("a pid with a new owner is gone, then appeared") {
    Seen seen;
    const ProcessId before = seen.process.id();
    seen.process.start = 6000;
    CHECK(seen.pass() == Changes{{Kind::gone, before}, {Kind::appeared, seen.process.id()}});
}

TEST_CASE("an exec shows although pid, start time and comm stay") {
    Seen seen;
    seen.process.image = 0x2000;
    CHECK(seen.pass() == seen.only(Kind::executed));
    CHECK(seen.pass().empty());
    seen.process.flags |= 0x40;
    CHECK(seen.pass() == seen.only(Kind::executed));
    seen.process.comm = "anacron";
    CHECK(seen.pass() == seen.only(Kind::renamed));
    CHECK(seen.pass().empty());
}

TEST_CASE("where the addresses are hidden every reading may be another image") {
    Seen seen;
    seen.process.hidden = true;
    CHECK(seen.pass() == seen.only(Kind::executed));
    CHECK(seen.pass() == seen.only(Kind::executed));
}

TEST_CASE("a zombie is gone, once, and not told when it is first seen") {
    Seen seen;
    seen.process.state = 'Z';
    seen.process.image = 0;
    CHECK(seen.pass() == seen.only(Kind::gone));
    CHECK(seen.pass().empty());
    CHECK_FALSE(seen.table.find(40));
    seen.proc.remove(40);
    CHECK(seen.table.pass(Depth::every)->empty());
    CHECK(seen.pass().empty());
    seen.process.state = 'S';
    seen.process.start = 7000;
    CHECK(seen.pass() == seen.only(Kind::appeared));
}

TEST_CASE("a process that is ending, or whose leader has left, stays what it was") {
    Seen seen;
    seen.process.image = 0;
    CHECK(seen.pass().empty());
    seen.process.state = 'Z';
    seen.process.threads = 2;
    CHECK(seen.pass().empty());
    CHECK(seen.table.find(40));
    seen.process.state = 'S';
    seen.process.image = 0x3000;  // another thread has exec'ed
    CHECK(seen.pass() == seen.only(Kind::executed));
}

TEST_CASE("kernel threads are not told") {
    Seen seen;
    seen.proc.put({.pid = 2, .comm = "kthreadd", .parent = 0, .flags = 0x208040, .image = 0});
    CHECK(seen.pass().empty());
    CHECK(std::ranges::count(seen.table.all(), 2, &ProcessId::pid) == 0);
    seen.proc.remove(2);
    CHECK(seen.pass().empty());
}

TEST_CASE("another parent or session is told of a watched process") {
    Seen seen;
    seen.process.parent = 30;
    CHECK(seen.pass().empty());
    seen.table.watch(40, true);
    seen.process.parent = 1;
    CHECK(seen.pass() == seen.only(Kind::moved));
    seen.process.session = 40;
    CHECK(seen.pass(Depth::eighth) == seen.only(Kind::moved));
    CHECK(seen.table.find(40)->session == 40);
    CHECK(seen.table.find(40)->parent == 1);
    CHECK(seen.pass().empty());
}

TEST_CASE("without need a pass reads one eighth of what it knows, and what is watched") {
    Seen seen;
    std::vector<FakeProcess> others;
    for (pid_t pid = 100; pid < 108; ++pid) others.push_back({.pid = pid, .comm = "x"});
    for (const auto& other : others) seen.proc.put(other);
    REQUIRE(seen.pass().size() == 8);
    for (auto& other : others) {
        other.image = 0x9000;
        seen.proc.put(other);
    }
    for (int turn = 0; turn < 8; ++turn) CHECK(seen.table.pass(Depth::eighth)->size() == 1);
    CHECK(seen.pass().empty());

    seen.table.watch(40, true);
    for (unsigned long image = 0x4000; image < 0x4008; ++image) {
        seen.process.image = image;
        CHECK(seen.pass(Depth::eighth) == seen.only(Kind::executed));
    }
    seen.table.watch(40, false);
    seen.table.watch(41, true);  // nobody
    int told = 0;
    for (unsigned long image = 0x5000; image < 0x5008; ++image) {
        seen.process.image = image;
        told += static_cast<int>(seen.pass(Depth::eighth).size());
    }
    CHECK(told == 1);
}

TEST_CASE("a process that cannot be read now is neither gone nor changed") {
    Seen seen;
    FakeProc::write(seen.proc.file(40, "stat"), "broken");
    CHECK(seen.table.pass(Depth::every)->empty());
    FakeProc::write(seen.proc.file(40, "stat"), "");
    CHECK(seen.table.pass(Depth::every)->empty());
    CHECK(seen.table.find(40));
}

TEST_CASE("a process differs from an image that it has left") {
    Seen seen;
    const auto print = parse_stat(seen.process.stat())->fingerprint;
    CHECK_FALSE(seen.table.differs(seen.process.id(), print));
    CHECK_FALSE(seen.table.differs({40, 1}, print));
    seen.process.image = 0x7000;
    seen.pass();
    CHECK(seen.table.differs(seen.process.id(), print));
    seen.proc.remove(40);
    REQUIRE(seen.table.pass(Depth::every));
    CHECK_FALSE(seen.table.differs(seen.process.id(), print));
}

TEST_CASE("a real process appears, executes and goes") {
    const test::TemporaryDirectory dir;
    ProcTable table = table_of("/proc");
    REQUIRE(table.pass(Depth::every));
    test::Program program(dir / "parrot", test::Program::Stage::forked);
    const pid_t pid = program.id().pid;
    CHECK(tells(*table.pass(Depth::every), Kind::appeared, program.id()));
    program.execute();
    CHECK(tells(*table.pass(Depth::every), Kind::executed, program.id()));
    CHECK(table.find(pid)->parent == ::getpid());
    const auto proc = *ProcDir::open();
    CHECK(proc.exe(pid).value() == std::filesystem::canonical(dir / "parrot").string());
    CHECK(split_cmdline(proc.command_line(pid).value()) == std::vector{dir / "parrot", std::string("-")});
    CHECK(proc.status(pid).value() == ProcessStatus{::getuid(), true});
    program.end();
    CHECK(tells(*table.pass(Depth::every), Kind::gone, program.id()));
}
