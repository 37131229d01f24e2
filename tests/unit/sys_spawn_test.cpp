// SPDX-License-Identifier: Apache-2.0
// As root: somebody else tries to swap a script.
#include "common/sys/spawn.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "tests/unit/child_process.hpp"
#include "tests/unit/temporary_directory.hpp"

using namespace banken;
using namespace banken::sys;
using banken::test::await;
using banken::test::Pipe;
using banken::test::TemporaryDirectory;

namespace {

// Scripts in a directory of their own, whose output goes to a file there.
struct Scripts : TemporaryDirectory {
    std::string script(const std::string& text, mode_t mode = 0755) const {
        const auto path = *this / "script";
        std::ofstream(path) << text;
        REQUIRE(::chmod(path.c_str(), mode) == 0);
        return path;
    }
    ScriptStart start_of(const std::string& path) const {
        return {.command = {{path, "one", "two words"}, ""},
                .environment = {"PATH=/usr/bin:/bin", "PCHECK_PNAME=crond"},
                .output = ScriptOutput::file,
                .output_file = *this / "output"};
    }
    std::string output() const {
        std::ifstream file(*this / "output");
        std::stringstream text;
        text << file.rdbuf();
        return text.str();
    }
};

Spawner open_spawner(const Inheritance& original = Inheritance::of_this_process()) {
    auto spawner = Spawner::open(original);
    REQUIRE(spawner);
    return *std::move(spawner);
}

WaitingScript started(Spawner& spawner, const ScriptStart& start) {
    auto script = spawner.start(start);
    REQUIRE(script);
    return *std::move(script);
}

// Its wait status.
int end_of(const PidRef& child) {
    await(child.fd());
    const auto status = child.reap_child();
    REQUIRE(status);
    REQUIRE(*status);
    return **status;
}

int run(Spawner& spawner, const ScriptStart& start) {
    auto script = started(spawner, start);
    script.release();
    const int status = end_of(script.take_child());
    CHECK_FALSE(script.reports().not_run);
    return status;
}

NotRun refusal_of(Spawner& spawner, const ScriptStart& start) {
    auto script = started(spawner, start);
    script.release();
    CHECK(end_of(script.take_child()) == W_EXITCODE(127, 0));
    const auto not_run = script.reports().not_run;
    REQUIRE(not_run);
    return *not_run;
}

// Of a script that runs all the same, with /dev/null.
std::string lost_output_of(Spawner& spawner, const ScriptStart& start) {
    auto script = started(spawner, start);
    script.release();
    CHECK(end_of(script.take_child()) == 0);
    const auto reports = script.reports();
    CHECK_FALSE(reports.not_run);
    return reports.output_lost;
}

// As in a container whose filter is older than clone3 and close_range.
bool forbid_new_calls() {
    const auto number = static_cast<std::uint32_t>(offsetof(seccomp_data, nr));
    std::array<sock_filter, 5> filter{{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, number),                  //
                                       BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 1, 0),       //
                                       BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 0, 1),  //
                                       BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),        //
                                       BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace

TEST_CASE("a script gets its arguments, its environment, and / as its directory") {
    const Scripts scripts;
    auto spawner = open_spawner();
    const auto path = scripts.script("#!/bin/sh\necho \"$0|$1|$2|$PCHECK_PNAME\"; pwd; umask; env | wc -l; exit 3\n");
    CHECK(run(spawner, scripts.start_of(path)) == W_EXITCODE(3, 0));
    CHECK(scripts.output() == path + "|one|two words|crond\n/\n0022\n3\n");  // env: sh adds PWD
}

TEST_CASE("a script waits until it is released") {
    const Scripts scripts;
    auto spawner = open_spawner();
    auto script = started(spawner, scripts.start_of(scripts.script("#!/bin/sh\necho ran\n")));
    const auto stat = read_stat(script.process().pid);
    REQUIRE(stat);
    CHECK(stat->id() == script.process());
    CHECK(scripts.output() == "");
    script.release();
    CHECK(end_of(script.take_child()) == 0);
    CHECK(scripts.output() == "ran\n");
}

TEST_CASE("a child whose parent lets go of it without a release ends without having run") {
    const Scripts scripts;
    auto spawner = open_spawner();
    std::optional<WaitingScript> script = started(spawner, scripts.start_of(scripts.script("#!/bin/sh\necho ran\n")));
    const auto child = script->take_child();
    script.reset();
    CHECK(end_of(child) == W_EXITCODE(127, 0));
    CHECK(scripts.output() == "");
}

TEST_CASE("releasing a child that was killed does no harm") {
    const Scripts scripts;
    auto spawner = open_spawner();
    auto script = started(spawner, scripts.start_of(scripts.script("#!/bin/sh\n")));
    const auto child = script.take_child();
    REQUIRE(child.signal(SIGKILL));
    CHECK(end_of(child) == SIGKILL);
    script.release();
    CHECK_FALSE(script.reports().not_run);
}

TEST_CASE("a script leads its own session and has no descriptor but three") {
    const Scripts scripts;
    const Pipe inherited;  // not close-on-exec
    auto spawner = open_spawner();
    const Pipe later;
    const auto start = scripts.start_of(
        scripts.script("#!/bin/sh\necho $$ $(cut -d' ' -f5,6 /proc/$$/stat)\nreadlink /proc/$$/fd/0\nexec ls -C -w 80 /proc/self/fd\n"));
    for (int i = 0; i < 3; ++i) {
        ::unlink((scripts / "output").c_str());
        auto script = started(spawner, start);
        const auto pid = std::to_string(script.process().pid);
        script.release();
        CHECK(end_of(script.take_child()) == 0);
        CHECK(scripts.output() == pid + ' ' + pid + ' ' + pid + "\n/dev/null\n0  1  2  3\n");  // 3 is the directory that ls reads
    }
}

TEST_CASE("many scripts may wait at once, and none holds another's socket") {
    const Scripts scripts;
    auto spawner = open_spawner();
    // The shell closes its end of the pipe meanwhile: ls may miss that one, and would say so.
    const auto start = scripts.start_of(scripts.script("#!/bin/sh\nls -l /proc/$$/fd 2> /dev/null | grep -c socket; exit 0\n"));
    std::vector<WaitingScript> waiting;
    for (int i = 0; i < 20; ++i) waiting.push_back(started(spawner, start));
    for (auto& script : waiting) script.release();
    for (auto& script : waiting) CHECK(end_of(script.take_child()) == 0);
    std::string zeros;
    for (int i = 0; i < 20; ++i) zeros += "0\n";
    CHECK(scripts.output() == zeros);
}

TEST_CASE("signals are as by default, whatever the program ignores and blocks") {
    const Scripts scripts;
    const auto before = ::signal(SIGPIPE, SIG_IGN);
    sigset_t blocked, old;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &blocked, &old);
    auto spawner = open_spawner();
    CHECK(run(spawner, scripts.start_of(scripts.script("#!/bin/sh\ngrep -E 'Sig(Blk|Ign)' /proc/self/status\n"))) == 0);
    CHECK(scripts.output() == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    ::sigprocmask(SIG_SETMASK, &old, nullptr);
    ::signal(SIGPIPE, before);
}

TEST_CASE("limits and nice are those the program was started with") {
    const Scripts scripts;
    auto original = Inheritance::of_this_process();
    original.limits[RLIMIT_NOFILE].rlim_cur = 321;
    original.limits[RLIMIT_CORE].rlim_cur = 0;
    original.nice = ::getpriority(PRIO_PROCESS, 0) + 3;
    auto spawner = open_spawner(original);
    CHECK(run(spawner, scripts.start_of(scripts.script("#!/bin/sh\nulimit -Sn; ulimit -Sc; nice; cat /proc/self/oom_score_adj\n"))) == 0);
    CHECK(scripts.output() == "321\n0\n" + std::to_string(original.nice) + "\n0\n");
}

TEST_CASE("an output file is appended to and made for its owner and group") {
    const Scripts scripts;
    auto spawner = open_spawner();
    const auto start = scripts.start_of(scripts.script("#!/bin/sh\necho out; echo err >&2\n"));
    CHECK(run(spawner, start) == 0);
    CHECK(run(spawner, start) == 0);
    CHECK(scripts.output() == "out\nerr\nout\nerr\n");
    struct stat status {};
    REQUIRE(::stat((scripts / "output").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0640);
}

TEST_CASE("no output file is opened where others could have put a link in its place, and the script runs without") {
    const Scripts scripts;
    auto spawner = open_spawner();
    auto start = scripts.start_of(scripts.script("#!/bin/sh\necho lost && echo lost >&2\n"));
    REQUIRE(::mkdir((scripts / "open").c_str(), 0777) == 0);
    REQUIRE(::chmod((scripts / "open").c_str(), 01777) == 0);
    start.output_file = scripts / "open/output";
    CHECK(lost_output_of(spawner, start) == (scripts / "open") + " is writable by others");
    CHECK(::access(start.output_file.c_str(), F_OK) != 0);
    start.output_file = scripts / "none/output";
    CHECK(lost_output_of(spawner, start) == scripts / "none: No such file or directory");
}

TEST_CASE("output goes to /dev/null or where the program's own goes") {
    const Scripts scripts;
    auto spawner = open_spawner();
    auto start = scripts.start_of(scripts.script(
        "#!/bin/sh\nout=$(readlink /proc/$$/fd/1)\nerr=$(readlink /proc/$$/fd/2)\necho $out $err >" + scripts / "told" + "\n"));
    const auto told = [&] {
        std::ifstream file(scripts / "told");
        std::string out, err;
        file >> out >> err;
        return out + ' ' + err;
    };
    start.output = ScriptOutput::null;
    CHECK(run(spawner, start) == 0);
    CHECK(told() == "/dev/null /dev/null");
    start.output = ScriptOutput::inherit;
    CHECK(run(spawner, start) == 0);
    const auto own = [](int fd) {
        std::array<char, 256> target{};
        REQUIRE(::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target.data(), target.size() - 1) > 0);
        return std::string(target.data());
    };
    CHECK(told() == own(1) + ' ' + own(2));
}

TEST_CASE("children that hang before their exec hold up no other, however many they are") {
    const Scripts scripts;
    auto spawner = open_spawner();
    const auto good = scripts.start_of(scripts.script("#!/bin/sh\necho ran\n"));
    auto hanging = good;
    hanging.output_file = scripts / "fifo";  // nobody reads it: the open waits, as on a dead mount
    REQUIRE(::mkfifo(hanging.output_file.c_str(), 0600) == 0);
    std::vector<WaitingScript> held;
    for (int count = 0; count < 20; ++count) {
        held.push_back(started(spawner, hanging));
        held.back().release();
    }
    CHECK(run(spawner, good) == 0);
    CHECK(scripts.output() == "ran\n");
    for (WaitingScript& one : held) {
        const PidRef child = one.take_child();
        CHECK_FALSE(child.exited());
        REQUIRE(child.signal(SIGKILL));
        CHECK(end_of(child) == SIGKILL);
    }
    CHECK(run(spawner, good) == 0);
}

TEST_CASE("what Trust refuses is not run, and the reason comes back in words") {
    const Scripts scripts;
    auto spawner = open_spawner();
    const auto path = scripts.script("#!/bin/sh\necho ran\n", 0757);
    const auto refused = refusal_of(spawner, scripts.start_of(path));
    CHECK(refused.refused);
    CHECK(refused.reason == path + " is writable by others");
    CHECK(scripts.output() == "");

    auto unchecked = scripts.start_of(path);
    unchecked.check_trust = false;
    CHECK(run(spawner, unchecked) == 0);
    CHECK(scripts.output() == "ran\n");
}

TEST_CASE("what the kernel does not execute is told with its reason") {
    const Scripts scripts;
    auto spawner = open_spawner();
    const auto path = scripts.script("no program\n");
    const auto failed = refusal_of(spawner, scripts.start_of(path));
    CHECK_FALSE(failed.refused);
    CHECK(failed.reason == "Exec format error");

    const UniqueFd writer(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    CHECK(refusal_of(spawner, scripts.start_of(path)).reason == "Text file busy");

    auto missing = scripts.start_of(scripts / "none");
    missing.check_trust = false;
    CHECK(refusal_of(spawner, missing).reason == "No such file or directory");
}

TEST_CASE("nobody untrusted can swap a script between its check and its run") {
    const Scripts scripts;
    REQUIRE(::chmod(scripts.path().c_str(), 0755) == 0);
    auto spawner = open_spawner();
    const auto path = scripts.script("#!/bin/sh\necho ran\n");
    auto script = started(spawner, scripts.start_of(path));
    const pid_t thief = ::fork();
    if (thief == 0) {
        int won = ::setresgid(54322, 54322, 54322) != 0 || ::setresuid(54321, 54321, 54321) != 0;
        won |= ::open(path.c_str(), O_WRONLY) >= 0;
        won |= ::unlink(path.c_str()) == 0;
        won |= ::rename(path.c_str(), (path + ".old").c_str()) == 0;
        won |= ::symlink("/bin/false", (path + ".new").c_str()) == 0;
        won |= ::rename(scripts.path().c_str(), (scripts.path() + ".old").c_str()) == 0;
        won |= ::chmod(path.c_str(), 0777) == 0;
        ::_exit(won);
    }
    int status = -1;
    REQUIRE(::waitpid(thief, &status, 0) == thief);
    CHECK(status == 0);
    script.release();
    CHECK(end_of(script.take_child()) == 0);
    CHECK(scripts.output() == "ran\n");
}

TEST_CASE("an old filter that knows neither clone3 nor close_range costs time, nothing else") {
    const Scripts scripts;
    const auto start = scripts.start_of(scripts.script("#!/bin/sh\nexec ls -C -w 80 /proc/self/fd\n"));
    const Pipe inherited;  // not close-on-exec
    const pid_t tester = ::fork();
    if (tester == 0) {
        bool good = forbid_new_calls();
        auto spawner = Spawner::open(Inheritance::of_this_process());
        for (int i = 0; i < 2 && good && spawner; ++i) {
            auto script = spawner->start(start);
            good = script.has_value();
            if (!good) break;
            script->release();
            int status = -1;
            good = ::waitpid(script->process().pid, &status, 0) > 0 && status == 0 && !script->reports().not_run;
        }
        ::_exit(good && spawner ? 0 : 1);
    }
    int status = -1;
    REQUIRE(::waitpid(tester, &status, 0) == tester);
    CHECK(status == 0);
    CHECK(scripts.output() == "0  1  2  3\n0  1  2  3\n");
}

namespace {

constexpr uid_t runner_user = 54321;
constexpr gid_t runner_group = 54322, runner_extra = 54323;

RunAs runner() { return {.uid = runner_user, .gid = runner_group, .groups = {runner_group, runner_extra}, .home = "/"}; }

}  // namespace

TEST_CASE("a script with run_as is that user's, and has no right of ours left") {
    const Scripts scripts;
    REQUIRE(::chmod(scripts.path().c_str(), 0755) == 0);
    auto spawner = open_spawner();
    auto start =
        scripts.start_of(scripts.script("#!/bin/sh\nid -u; id -g; id -G; grep -c 'Cap[PEA][a-z]*:.*0000000000000000' /proc/self/status\n"));
    start.runner = runner();
    CHECK(run(spawner, start) == 0);
    CHECK(scripts.output() == fmt::format("{0}\n{1}\n{1} {2}\n3\n", runner_user, runner_group, runner_extra));
}

TEST_CASE("our own process keeps its user, its groups and its core dumps when a script has others") {
    const Scripts scripts;
    REQUIRE(::chmod(scripts.path().c_str(), 0755) == 0);
    auto spawner = open_spawner();
    auto start = scripts.start_of(scripts.script("#!/bin/sh\n"));
    start.runner = runner();
    const int before = ::getgroups(0, nullptr), dumpable = ::prctl(PR_GET_DUMPABLE);
    CHECK(run(spawner, start) == 0);
    CHECK(::getuid() == 0);
    CHECK(::geteuid() == 0);
    CHECK(::getgroups(0, nullptr) == before);
    CHECK(::prctl(PR_GET_DUMPABLE) == dumpable);
}

TEST_CASE("who runs a script may own it; without run_as its owner is advised") {
    const Scripts scripts;
    REQUIRE(::chmod(scripts.path().c_str(), 0755) == 0);
    auto spawner = open_spawner();
    const auto path = scripts.script("#!/bin/sh\necho ran\n");
    REQUIRE(::chown(path.c_str(), runner_user, runner_group) == 0);
    auto start = scripts.start_of(path);
    const auto advised = refusal_of(spawner, start);
    CHECK(advised.refused);
    CHECK(advised.reason == fmt::format("{} is owned by uid {}; add run_as={}", path, runner_user, runner_user));
    start.runner = runner();
    CHECK(run(spawner, start) == 0);
    CHECK(scripts.output() == "ran\n");
    REQUIRE(::chown(path.c_str(), runner_user + 1, runner_group) == 0);
    CHECK(refusal_of(spawner, start).reason == fmt::format("{} is owned by uid {}", path, runner_user + 1));
}

TEST_CASE("a directory that the user of run_as may not enter is told as his") {
    const Scripts scripts;
    REQUIRE(::chmod(scripts.path().c_str(), 0700) == 0);
    auto spawner = open_spawner();
    auto start = scripts.start_of(scripts.script("#!/bin/sh\n"));
    start.runner = runner();
    CHECK(refusal_of(spawner, start).reason == *start.command.argv.begin() + ": Permission denied to the user of run_as");
}

TEST_CASE("a user that we may not become is told") {
    const Scripts scripts;
    REQUIRE(::chmod(scripts.path().c_str(), 0777) == 0);
    const auto path = scripts.script("#!/bin/sh\n");
    const pid_t tester = ::fork();
    if (tester == 0) {
        bool good = ::setresuid(54324, 54324, 54324) == 0;
        auto spawner = Spawner::open(Inheritance::of_this_process());
        auto start = scripts.start_of(path);
        start.output = ScriptOutput::null;
        start.check_trust = false;
        start.runner = runner();
        auto script = good && spawner ? spawner->start(start) : Result<WaitingScript>(fail("no user"));
        if (!script) ::_exit(1);
        script->release();
        ::waitpid(script->process().pid, nullptr, 0);
        const auto not_run = script->reports().not_run;
        ::_exit(not_run && not_run->reason == "run_as: Operation not permitted" ? 0 : 2);
    }
    int status = -1;
    REQUIRE(::waitpid(tester, &status, 0) == tester);
    CHECK(status == 0);
}

TEST_CASE("a child that nobody could be told of is reaped later") {
    const Scripts scripts;
    auto spawner = open_spawner();
    const auto start = scripts.start_of(scripts.script("#!/bin/sh\n"));
    CHECK(run(spawner, start) == 0);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    UniqueFd first(::dup(0)), second(::dup(0));  // the two of the socket pair; none is left for a pidfd
    const rlimit low{.rlim_cur = static_cast<rlim_t>(second.get()) + 1, .rlim_max = before.rlim_max};
    first.reset();
    second.reset();
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
    const auto refused = spawner.start(start);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().text == "pidfd_open: Too many open files");
    siginfo_t ended{};
    REQUIRE(::waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT) == 0);
    CHECK(run(spawner, start) == 0);
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}
