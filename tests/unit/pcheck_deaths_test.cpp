// SPDX-License-Identifier: Apache-2.0
#include "pcheck/deaths.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/child_process.hpp"

using namespace banken;
using namespace std::chrono_literals;
using banken::test::Child;
using banken::test::dies_by;
using banken::test::exits_with;
using banken::test::Grandchild;
using banken::test::Pipe;

namespace {

constexpr Instant t0{1h};
constexpr DetectConfig nothing{.stat = false, .pidfd = false, .connector = false, .oom = false};

DetectConfig only(bool DetectConfig::*source) {
    DetectConfig detect = nothing;
    detect.*source = true;
    return detect;
}

struct Death {
    core::EntryKey entry = 0;
    ProcessId process;
    Cause cause;

    friend bool operator==(const Death&, const Death&) = default;
};

// The daemon's part, with a time that stands still at t0.
struct Watch {
    std::vector<Death> deaths;
    std::map<core::RunId, std::vector<std::optional<int>>> script_ends;
    std::vector<std::string> polling;
    std::function<void()> then = [] {};
    Deaths watched;

    explicit Watch(const DetectConfig& detect = {}, bool poll = false) : watched(open(detect, poll)) {}

    Deaths open(const DetectConfig& detect, bool poll) {
        auto deaths_or =
            Deaths::open(detect, poll,
                         {.on_death =
                              [this](core::EntryKey entry, ProcessId process, Cause cause) {
                                  deaths.push_back({entry, process, cause});
                                  then();
                              },
                          .on_script_end = [this](core::RunId run, std::optional<int> status) { script_ends[run].push_back(status); },
                          .on_polling = [this](const std::string& reason) { polling.push_back(reason); }});
        REQUIRE(deaths_or);
        return *std::move(deaths_or);
    }
    void wait_for_deaths(std::size_t count) {
        while (deaths.size() < count) {
            test::await(watched.fd());
            std::ignore = watched.take(t0);
        }
    }
    void wait_for_end_of(core::RunId run) {
        while (script_ends[run].empty()) {
            test::await(watched.fd());
            std::ignore = watched.take(t0);
        }
    }
    void take_what_is_there() {
        while (watched.take(t0)) {}
    }
};

Cause status(int wait_status) { return {Cause::Kind::status, wait_status}; }

// A cgroup whose processes may have 16 MiB together; none where we may not make one.
class SmallCgroup {
public:
    SmallCgroup() {
        for (const auto& [parent, limit] :
             {std::pair{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, {"/sys/fs/cgroup", "memory.max"}}) {
            path_ = fmt::format("{}/banken-test-{}", parent, ::getpid());
            std::error_code error;
            made_ = std::filesystem::create_directory(path_, error) && std::filesystem::exists(path_ / limit, error) &&
                    (std::ofstream(path_ / limit) << (16 << 20)).flush();
            if (made_) return;
            std::filesystem::remove(path_, error);
        }
    }
    SmallCgroup(SmallCgroup&&) = delete;
    SmallCgroup& operator=(SmallCgroup&&) = delete;
    ~SmallCgroup() {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }

    [[nodiscard]] bool made() const { return made_; }
    [[nodiscard]] test::Ending eats_too_much() const {
        return [path = path_] {
            if (!(std::ofstream(path / "cgroup.procs") << 0).flush()) ::_exit(1);
            std::vector<char> memory(64 << 20, 'x');
            ::_exit(memory[static_cast<std::size_t>(::getpid()) % memory.size()] == 'x' ? 2 : 3);
        };
    }

private:
    std::filesystem::path path_;
    bool made_ = false;
};

sys::PidRef as_script(const Child& child) {
    auto ref = sys::PidRef::open(child.id());
    REQUIRE(ref);
    return *std::move(ref);
}

}  // namespace

TEST_CASE("an unreaped zombie has a known cause at once") {
    const struct {
        test::Ending ending;
        int status;
    } cases[] = {{exits_with(0), 0}, {exits_with(3), 3 << 8}, {dies_by(SIGTERM), SIGTERM}, {dies_by(SIGKILL), SIGKILL}};
    for (const auto& one : cases) {
        Watch watch;
        const Child child(one.ending);
        watch.watched.follow(7, child.id());
        watch.take_what_is_there();
        CHECK(watch.deaths.empty());
        child.end();
        watch.take_what_is_there();
        CHECK(watch.deaths == std::vector<Death>{{7, child.id(), status(one.status)}});
        CHECK(watch.watched.next_deadline() == std::nullopt);
    }
}

TEST_CASE("a crash that may dump core is told with its signal") {
    Watch watch;
    const Child child(dies_by(SIGSEGV));
    watch.watched.follow(7, child.id());
    child.let_go();
    watch.wait_for_deaths(1);
    CHECK(watch.deaths[0].cause.kind == Cause::Kind::status);
    CHECK(WTERMSIG(watch.deaths[0].cause.status) == SIGSEGV);
}

TEST_CASE("a process that is reaped at once has a known cause where the kernel tells it") {
    if (!sys::kernel_tells_exit_status()) return;
    Watch watch;
    const Grandchild zero(exits_with(0)), three(exits_with(3)), killed(dies_by(SIGKILL));
    watch.watched.follow(1, zero.id());
    watch.watched.follow(2, three.id());
    watch.watched.follow(3, killed.id());
    zero.end();
    three.end();
    killed.end();
    watch.wait_for_deaths(3);
    std::map<core::EntryKey, Cause> causes;
    for (const Death& death : watch.deaths) causes[death.entry] = death.cause;
    CHECK(causes[1] == status(0));
    CHECK(causes[2] == status(3 << 8));
    CHECK(causes[3] == status(SIGKILL));
}

TEST_CASE("stat alone knows zombies and nothing of the reaped") {
    Watch watch(only(&DetectConfig::stat));
    const Child zombie(exits_with(3));
    const Grandchild reaped(exits_with(3));
    watch.watched.follow(1, zombie.id());
    watch.watched.follow(2, reaped.id());
    zombie.end();
    watch.take_what_is_there();
    reaped.end();
    watch.take_what_is_there();
    CHECK(watch.deaths == std::vector<Death>{{1, zombie.id(), status(3 << 8)}, {2, reaped.id(), {Cause::Kind::gone}}});
}

TEST_CASE("the pidfd alone waits for the reap, whose hang-up ends the wait early") {
    if (!sys::kernel_tells_exit_status()) return;
    Watch watch(only(&DetectConfig::pidfd));
    const Child child(exits_with(3));
    watch.watched.follow(1, child.id());
    child.end();
    watch.take_what_is_there();
    CHECK(watch.deaths.empty());
    CHECK(watch.watched.next_deadline() == t0 + 50ms);
    child.reap();
    watch.wait_for_deaths(1);
    CHECK(watch.deaths[0].cause == status(3 << 8));
    CHECK(watch.watched.next_deadline() == std::nullopt);
}

TEST_CASE("after 50 ms without a reap the cause is unknown, once") {
    if (!sys::kernel_tells_exit_status()) return;
    Watch watch(only(&DetectConfig::pidfd));
    const Child child(exits_with(3));
    watch.watched.follow(1, child.id());
    child.end();
    watch.take_what_is_there();
    watch.watched.tick(t0 + 50ms - 1ns);
    CHECK(watch.deaths.empty());
    watch.watched.tick(t0 + 50ms);
    CHECK(watch.deaths == std::vector<Death>{{1, child.id(), {Cause::Kind::gone}}});
    child.reap();
    watch.take_what_is_there();
    CHECK(watch.deaths.size() == 1);
}

TEST_CASE("the connector alone knows bad ends") {
    if (!sys::ExitConnector::open()) return;
    Watch watch(only(&DetectConfig::connector));
    const Grandchild three(exits_with(3)), zero(exits_with(0));
    watch.watched.follow(1, three.id());
    watch.watched.follow(2, zero.id());
    three.end();
    watch.wait_for_deaths(1);
    zero.end();
    watch.wait_for_deaths(2);
    CHECK(watch.deaths == std::vector<Death>{{1, three.id(), status(3 << 8)}, {2, zero.id(), {Cause::Kind::gone}}});
}

TEST_CASE("a connector that is always used changes no cause") {
    DetectConfig detect;
    detect.connector_always = true;
    Watch watch(detect);
    const Grandchild child(exits_with(3));
    watch.watched.follow(1, child.id());
    child.end();
    watch.wait_for_deaths(1);
    CHECK(watch.deaths[0].cause == status(3 << 8));
}

TEST_CASE("a victim of the OOM killer is told so where the kernel's log proves it") {
    const SmallCgroup cgroup;
    if (!cgroup.made() || !sys::Kmsg::open()) {
        MESSAGE("no memory cgroup or kernel log of ours here: skipped");
        return;
    }
    for (const bool asked : {true, false}) {
        DetectConfig detect;
        detect.oom = asked;
        Watch watch(detect);
        const Child child(cgroup.eats_too_much());
        watch.watched.follow(1, child.id());
        child.end();
        watch.take_what_is_there();
        CHECK(watch.deaths == std::vector<Death>{{1, child.id(), {asked ? Cause::Kind::oom : Cause::Kind::status, SIGKILL}}});
    }
}

TEST_CASE("with every source switched off deaths are told at once and their cause was not asked") {
    for (const bool oom : {false, true}) {
        DetectConfig detect = nothing;
        detect.oom = oom;
        Watch watch(detect);
        const Child child(exits_with(3));
        watch.watched.follow(1, child.id());
        child.end();
        watch.take_what_is_there();
        CHECK(watch.deaths == std::vector<Death>{{1, child.id(), {Cause::Kind::not_asked}}});
    }
}

TEST_CASE("a process that is gone already is told later, never inside follow") {
    Watch watch;
    const Grandchild child(exits_with(3));
    child.end();
    watch.watched.follow(1, child.id());
    CHECK(watch.deaths.empty());
    REQUIRE(watch.watched.next_deadline().has_value());
    CHECK(*watch.watched.next_deadline() <= t0);
    watch.watched.tick(t0);
    CHECK(watch.deaths == std::vector<Death>{{1, child.id(), {Cause::Kind::gone}}});
    CHECK(watch.watched.next_deadline() == std::nullopt);
}

TEST_CASE("a successor with the same pid is not the process that was to be followed") {
    Watch watch;
    const Child child(exits_with(3));
    watch.watched.follow(1, {.pid = child.id().pid, .start = child.id().start - 1});
    watch.watched.tick(t0);
    REQUIRE(watch.deaths.size() == 1);
    CHECK(watch.deaths[0].cause.kind == Cause::Kind::gone);
}

TEST_CASE("a zombie at the time of the follow has its bad end told; a 0 does not count") {
    Watch watch;
    const Child bad(exits_with(3)), zero(exits_with(0));
    bad.end();
    zero.end();
    watch.watched.follow(1, bad.id());
    watch.watched.follow(2, zero.id());
    CHECK(watch.deaths.empty());
    watch.take_what_is_there();
    watch.watched.tick(t0 + 50ms);
    CHECK(watch.deaths == std::vector<Death>{{1, bad.id(), status(3 << 8)}, {2, zero.id(), {Cause::Kind::gone}}});
}

TEST_CASE("a leader that left while a thread lives is alive") {
    const Pipe left, go;
    const Child child([&] {
        pthread_t thread{};
        static const Pipe* pipes[] = {&left, &go};
        ::pthread_create(
            &thread, nullptr,
            [](void*) -> void* {
                pipes[0]->put();
                std::ignore = pipes[1]->take<char>();
                ::_exit(3);
            },
            nullptr);
        ::syscall(SYS_exit, 0);
    });
    for (const bool poll : {false, true}) {
        Watch watch({}, poll);
        watch.watched.follow(1, child.id());
        if (!poll) {
            child.let_go();
            left.take<char>();
            while (sys::read_stat(child.id().pid).value().state != 'Z') {}
        }
        watch.take_what_is_there();
        watch.watched.poll_unwatched();
        CHECK(watch.deaths.empty());
        if (!poll) continue;
        watch.watched.set_poll(false);
        go.put();
        watch.wait_for_deaths(1);
        CHECK(watch.deaths[0].cause == status(3 << 8));
    }
}

TEST_CASE("two entries may follow the same process") {
    Watch watch;
    const Child child(exits_with(3));
    watch.watched.follow(1, child.id());
    watch.watched.follow(2, child.id());
    child.end();
    watch.take_what_is_there();
    REQUIRE(watch.deaths.size() == 2);
    CHECK(watch.deaths[0].cause == watch.deaths[1].cause);
    CHECK(watch.deaths[0].entry + watch.deaths[1].entry == 3);
}

TEST_CASE("what an entry follows no more is not told to it") {
    Watch watch;
    const Child first(exits_with(3)), second(exits_with(4));
    watch.watched.follow(1, first.id());
    watch.watched.follow(1, second.id());
    watch.watched.follow(2, first.id());
    watch.watched.unfollow(2);
    first.end();
    second.end();
    watch.take_what_is_there();
    CHECK(watch.deaths == std::vector<Death>{{1, second.id(), status(4 << 8)}});
}

TEST_CASE("an entry that counts follows several processes, each once, and each death is told") {
    for (const bool poll : {false, true}) {
        Watch watch({}, poll);
        const Child first(exits_with(3)), second(exits_with(4)), third(exits_with(5));
        watch.watched.follow(1, first.id());
        for (const auto* child : {&second, &second, &third}) watch.watched.follow(1, child->id(), true);
        const auto end = [&](const Child& child) {
            child.end();
            watch.take_what_is_there();
            watch.watched.poll_unwatched();
        };
        end(second);
        REQUIRE(watch.deaths.size() == 1);
        CHECK(watch.deaths[0].process == second.id());
        end(first);
        CHECK(watch.deaths.size() == 2);
        watch.watched.unfollow(1);
        end(third);
        CHECK(watch.deaths.size() == 2);
    }
}

TEST_CASE("one process followed anew takes the place of all") {
    Watch watch;
    const Child first(exits_with(3)), second(exits_with(4)), third(exits_with(5));
    watch.watched.follow(1, first.id());
    watch.watched.follow(1, second.id(), true);
    watch.watched.follow(1, third.id());
    for (const auto* child : {&first, &second, &third}) child->end();
    watch.take_what_is_there();
    CHECK(watch.deaths == std::vector<Death>{{1, third.id(), status(5 << 8)}});
}

TEST_CASE("a handler may unfollow what its batch still names") {
    Watch watch;
    const Child a(exits_with(3)), b(exits_with(3));
    watch.watched.follow(1, a.id());
    watch.watched.follow(2, b.id());
    a.end();
    b.end();
    watch.then = [&] { watch.watched.unfollow(watch.deaths[0].entry == 1 ? 2 : 1); };
    watch.take_what_is_there();
    CHECK(watch.deaths.size() == 1);
}

TEST_CASE("a storm of 500 deaths comes in batches of 64, each once") {
    rlimit descriptors{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &descriptors) == 0);
    descriptors.rlim_cur = descriptors.rlim_max;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &descriptors) == 0);
    Watch watch;
    std::list<Child> children;
    for (core::EntryKey entry = 1; entry <= 500; ++entry) watch.watched.follow(entry, children.emplace_back(exits_with(3)).id());
    for (const Child& child : children) child.end();
    std::vector<std::size_t> sizes;
    bool more = true;
    while (more) {
        const std::size_t before = watch.deaths.size();
        more = watch.watched.take(t0);
        sizes.push_back(watch.deaths.size() - before);
    }
    CHECK(sizes == std::vector<std::size_t>{64, 64, 64, 64, 64, 64, 64, 52});
    std::map<core::EntryKey, int> told;
    for (const Death& death : watch.deaths) {
        ++told[death.entry];
        CHECK(death.cause == status(3 << 8));
    }
    CHECK(told.size() == 500);
}

TEST_CASE("causes that stay unknown are told in batches too") {
    if (!sys::kernel_tells_exit_status()) return;
    Watch watch(only(&DetectConfig::pidfd));
    std::list<Child> children;
    for (core::EntryKey entry = 1; entry <= 100; ++entry) watch.watched.follow(entry, children.emplace_back(exits_with(3)).id());
    for (const Child& child : children) child.end();
    watch.take_what_is_there();
    watch.watched.tick(t0 + 1s);
    CHECK(watch.deaths.size() == 64);
    CHECK(watch.watched.next_deadline() == t0 + 50ms);
    watch.watched.tick(t0 + 1s);
    CHECK(watch.deaths.size() == 100);
}

TEST_CASE("DETECT poll finds deaths by the sweep only and asks for no cause") {
    Watch watch({}, true);
    const Child zombie(exits_with(3)), living(exits_with(3));
    const Grandchild reaped(exits_with(3));
    watch.watched.follow(1, zombie.id());
    watch.watched.follow(2, reaped.id());
    watch.watched.follow(3, living.id());
    watch.watched.poll_unwatched();
    CHECK(watch.deaths.empty());
    zombie.end();
    reaped.end();
    watch.take_what_is_there();
    CHECK(watch.deaths.empty());
    watch.watched.poll_unwatched();
    CHECK(watch.deaths.size() == 2);
    for (const Death& death : watch.deaths) CHECK(death.cause.kind == Cause::Kind::not_asked);
    watch.watched.poll_unwatched();
    CHECK(watch.deaths.size() == 2);
    CHECK(watch.polling.empty());
}

TEST_CASE("a reload that changes DETECT keeps what is followed") {
    Watch watch;
    const Child first(exits_with(3)), second(exits_with(4));
    watch.watched.follow(1, first.id());
    watch.watched.follow(2, second.id());
    watch.watched.set_poll(true);
    first.end();
    watch.take_what_is_there();
    CHECK(watch.deaths.empty());
    watch.watched.poll_unwatched();
    CHECK(watch.deaths == std::vector<Death>{{1, first.id(), {Cause::Kind::not_asked}}});
    watch.watched.set_poll(false);
    second.end();
    watch.take_what_is_there();
    REQUIRE(watch.deaths.size() == 2);
    CHECK(watch.deaths[1] == Death{2, second.id(), status(4 << 8)});
}

TEST_CASE("without descriptors to spare processes are polled, with causes, and that is said once") {
    Watch watch;
    const Child a(exits_with(3)), b(exits_with(0));
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit low{.rlim_cur = Deaths::reserved_descriptors, .rlim_max = before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
    watch.watched.follow(1, a.id());
    watch.watched.follow(2, b.id());
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(watch.polling == std::vector<std::string>{"pidfd_open: Too many open files"});
    watch.watched.poll_unwatched();
    CHECK(watch.deaths.empty());
    a.end();
    b.end();
    watch.take_what_is_there();
    CHECK(watch.deaths.empty());
    watch.watched.poll_unwatched();
    REQUIRE(watch.deaths.size() == 2);
    for (const Death& death : watch.deaths) CHECK(death.cause == status(death.entry == 1 ? 3 << 8 : 0));
}

TEST_CASE("a script's end is told once, and it stays a zombie until it is released") {
    Watch watch;
    const Child script(exits_with(3));
    watch.watched.watch_script(1, as_script(script));
    script.let_go();
    watch.wait_for_end_of(1);
    watch.take_what_is_there();
    CHECK(watch.script_ends[1] == std::vector<std::optional<int>>{3 << 8});
    CHECK(sys::read_stat(script.id().pid).value().dead());
    CHECK(watch.watched.signal_script(1, SIGKILL));
    watch.watched.release(1);
    CHECK_FALSE(sys::read_stat(script.id().pid));
    CHECK_FALSE(watch.watched.signal_script(1, SIGKILL));
    watch.watched.release(1);
}

TEST_CASE("what a script left in its process group can be ended after its end") {
    Watch watch;
    const Pipe born;
    const Child script(test::leaves_a_member(born));
    watch.watched.watch_script(1, as_script(script));
    script.let_go();
    watch.wait_for_end_of(1);
    const auto member = sys::PidRef::open(sys::read_stat(born.take<pid_t>()).value().id());
    REQUIRE(member);
    CHECK(watch.watched.signal_script(1, SIGKILL));
    test::await(member->fd());
}

TEST_CASE("a script that exec'ed into its daemon is released alive, and its death is the entry's") {
    for (const bool with_stat : {true, false}) {
        DetectConfig detect;
        detect.stat = with_stat;
        if (!with_stat && !sys::kernel_tells_exit_status()) continue;
        Watch watch(detect);
        const Child script(exits_with(3));
        watch.watched.watch_script(1, as_script(script));
        watch.watched.follow(7, script.id());
        watch.watched.release(1);
        CHECK(watch.watched.signal_script(1, 0));
        script.end();
        watch.wait_for_deaths(1);
        watch.take_what_is_there();
        CHECK(watch.script_ends.empty());
        CHECK(watch.deaths == std::vector<Death>{{7, script.id(), status(3 << 8)}});
        CHECK_FALSE(sys::read_stat(script.id().pid));
    }
}

TEST_CASE("the release of an ended script tells the entries that follow it before the reap") {
    Watch watch(only(&DetectConfig::stat));
    const Child script(exits_with(3));
    watch.watched.watch_script(1, as_script(script));
    script.let_go();
    watch.wait_for_end_of(1);
    watch.watched.follow(7, script.id());
    watch.watched.release(1);
    CHECK(watch.deaths == std::vector<Death>{{7, script.id(), status(3 << 8)}});
    watch.take_what_is_there();
    CHECK(watch.deaths.size() == 1);
}

TEST_CASE("the end of a script that the kernel does not watch for us is found by polling") {
    Watch watch;
    watch.watched.watch_script(
        1, sys::PidRef::of_child(sys::UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)), {}));  // epoll takes no such file
    CHECK(watch.polling == std::vector<std::string>{"epoll_ctl: Operation not permitted"});
    watch.take_what_is_there();
    CHECK(watch.script_ends[1].empty());
    watch.watched.poll_unwatched();
    watch.watched.poll_unwatched();
    CHECK(watch.script_ends[1] == std::vector<std::optional<int>>{std::nullopt});
    watch.watched.release(1);
}
