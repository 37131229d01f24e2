// SPDX-License-Identifier: Apache-2.0
// Real directories and real responders; time is what the test says.
#include "pcheck/event_raiser.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "common/sys/clock.hpp"
#include "common/sys/unique_fd.hpp"
#include "tests/unit/temporary_directory.hpp"

using namespace banken;
using namespace std::chrono_literals;
using banken::test::TemporaryDirectory;
using Lines = std::vector<std::string>;

namespace {

constexpr EntryRef crond{"crond", 1};

struct World {
    TemporaryDirectory files;
    sys::Spawner spawner = sys::Spawner::open(sys::Inheritance::of_this_process()).value();
    Lines log;
    std::size_t processes = 0, started = 0;  // that run now; since ever
    Now now{sys::read_instant(), WallTime(1169094883s), 0};
    EventRaiser raiser{spawner,
                       EventRaiser::open_edge(300s).value(),
                       {"/etc/pfile", {"PATH=/usr/bin:/bin", "NOTIFY_SOCKET=/n"}, files / "events", 300s},
                       {[this](const Message& message) { log.push_back(message.text); },
                        [this](const std::vector<ProcessId>& running) {
                            started += running.size() > processes ? 1 : 0;
                            processes = running.size();
                        }}};

    explicit World(bool has_root = true) {
        if (has_root) std::filesystem::create_directory(files / "events");
        Param param;
        param.ipc_key = 0x1f000501;
        param.script_output = ScriptOutput::null;
        raiser.configure(param);
        REQUIRE(::mkfifo((files / "never").c_str(), 0600) == 0);
    }
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    // Who reads `never` goes on when this program ends, who comes to it late too; later still nobody finds it.
    ~World() {
        sys::UniqueFd writer(::open((files / "never").c_str(), O_RDWR | O_CLOEXEC));
        static_cast<void>(writer.release());
        ::unlink((files / "never").c_str());
    }
    void responder(const std::string& name, const std::string& body, mode_t mode = 0755) const {
        const std::filesystem::path path(files / "events/" + name);
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path) << "#!/bin/sh\n" << body << "\n";
        REQUIRE(::chmod(path.c_str(), mode) == 0);
    }
    // Until the helper or a responder has told something.
    void turn() {
        std::array<pollfd, 2> ready{{{raiser.helper_fd(), POLLIN, 0}, {raiser.responders_fd(), POLLIN, 0}}};
        REQUIRE(::poll(ready.data(), ready.size(), 20'000) > 0);
        raiser.turn(now);
    }
    template <class Done>
    void turn_until(Done done) {
        while (!done()) turn();
    }
    [[nodiscard]] Lines lines(const std::string& name) const {
        std::ifstream file(files / name);
        Lines all;
        for (std::string line; std::getline(file, line);) all.push_back(line);
        return all;
    }
};

}  // namespace

TEST_CASE("a line that is an event starts its responders with arguments and facts") {
    World world;
    world.responder("pcheck/down/tell",
                    "for word; do echo \"[$word]\"; done > " + (world.files / "args") + "; env | sort > " + (world.files / "env"));
    world.raiser.raise(messages::down(crond, 8033), world.now);
    world.raiser.raise(messages::up(crond, 8107), world.now);  // nobody hears of it
    world.turn_until([&] { return world.started == 1 && world.processes == 0; });
    CHECK(world.lines("args") == Lines{"[-C]", "[pcheck]", "[-E]", "[down]", "[-m]", "[pcheck]", "[-n]", "[crond]", "[-s]", "[warning]",
                                       "[-T]", "[1169094883]", "[-x]", "[Process [crond, pid=8033] Down]"});
    const auto environment = world.lines("env");
    for (const auto* wanted : {"EVENT_CLASS=pcheck", "EVENT_NAME=down", "EVENT_INSTANCE=crond", "EVENT_RECOVERING=0",
                               "PCHECK_PFILE=/etc/pfile", "BANKEN_IPCKEY=0x1f000501"}) {
        CHECK_MESSAGE(std::ranges::count(environment, wanted) == 1, wanted);
    }
    CHECK(std::ranges::count(environment, "NOTIFY_SOCKET=/n") == 0);
    CHECK(world.log.empty());
}

TEST_CASE("a line about no entry names the pfile") {
    World world;
    world.responder("allclass/tell", "echo \"$EVENT_NAME $EVENT_INSTANCE $EVENT_SEVERITY\" > " + (world.files / "told"));
    world.raiser.raise(messages::reload_failed("F:1: error: x", 0), world.now);
    world.turn_until([&] { return !world.lines("told").empty() && world.processes == 0; });
    CHECK(world.lines("told") == Lines{"reload_failed /etc/pfile err"});
}

TEST_CASE("without a directory nothing is kept and no deadline is there, until a reload finds one") {
    World world(false);
    world.raiser.raise(messages::down(crond, 8033), world.now);  // it is not known yet
    world.turn();
    CHECK_FALSE(world.raiser.busy());
    for (std::size_t i = 0; i < 2 * EventRaiser::most_queued; ++i) world.raiser.raise(messages::down(crond, 1), world.now);
    CHECK_FALSE(world.raiser.busy());
    CHECK_FALSE(world.raiser.next_deadline());
    world.responder("allclass/tell", "echo $EVENT_TEXT >> " + (world.files / "told"));
    Param param;
    param.script_output = ScriptOutput::null;
    world.raiser.configure(param);
    world.turn();
    world.raiser.raise(messages::up(crond, 8107), world.now);
    world.turn_until([&] { return world.started == 1 && world.processes == 0; });
    CHECK(world.lines("told") == Lines{"(crond ,pid=8107) Up"});
}

TEST_CASE("responders that hang leave places for no more than 32, the queue is bounded, and what it loses is told") {
    World world;
    world.responder("allclass/hang", "read line < " + (world.files / "never"));
    for (std::size_t i = 0; i < 100; ++i) world.raiser.raise(messages::down(crond, 1), world.now);
    world.turn_until([&] { return world.processes == EventRaiser::most_running && !world.raiser.busy(); });
    for (std::size_t i = 0; i < EventRaiser::most_queued + 10; ++i) world.raiser.raise(messages::down(crond, 1), world.now);
    CHECK(world.processes == EventRaiser::most_running);
    REQUIRE(world.raiser.next_deadline() == world.now.instant + EventRaiser::lost_told_after);
    CHECK(world.log.empty());
    world.now.instant += EventRaiser::lost_told_after;
    world.raiser.turn(world.now);
    REQUIRE(world.log.size() == 1);
    CHECK(world.log[0].starts_with("Event queue full, "));
    world.now.instant += 305s;  // TERM, and all of them obey
    world.raiser.turn(world.now);
    world.turn_until(
        [&] { return std::ranges::count_if(world.log, [](const auto& line) { return line.ends_with("timeout=300s"); }) >= 32; });
}

TEST_CASE("at the end the last words are told although all places are taken, and what runs is left alone") {
    World world;
    REQUIRE(::mkfifo((world.files / "last").c_str(), 0600) == 0);
    world.responder("pcheck/down/hang", "read line < " + (world.files / "never"));
    world.responder("pcheck/retry_over/tell", "echo $EVENT_TEXT > " + (world.files / "last"));
    for (std::size_t i = 0; i < 200; ++i) world.raiser.raise(messages::down(crond, 1), world.now);
    world.turn_until([&] { return world.processes == EventRaiser::most_running && !world.raiser.busy(); });
    world.raiser.raise(messages::retry_over(crond, RetryOverAction::exit), world.now);
    world.raiser.finish(10s);
    CHECK(world.lines("last") == Lines{"(crond) RETRY_OVER:EXIT"});  // waits for its writer
    CHECK(world.processes > EventRaiser::most_running);
    REQUIRE(world.log.size() == 1);
    CHECK(world.log[0].starts_with("Event queue full, "));
}

TEST_CASE("what others could have written is not run, and told once") {
    World world;
    world.responder("allclass/loose", "echo ran > " + (world.files / "ran"), 0777);
    for (int i = 0; i < 3; ++i) {
        world.raiser.raise(messages::down(crond, 1), world.now);
        world.turn_until([&] { return !world.log.empty() && !world.raiser.busy(); });
    }
    CHECK(world.log == Lines{"Event responder refused: " + (world.files / "events/allclass/loose") + " is writable by others"});
    CHECK(world.lines("ran").empty());
}

TEST_CASE("what fails is told with its status") {
    World world;
    world.responder("allclass/bad", "exit 3");
    world.raiser.raise(messages::down(crond, 1), world.now);
    world.turn_until([&] { return !world.log.empty(); });
    CHECK(world.log == Lines{"Event responder failed (" + (world.files / "events/allclass/bad") + "): status=3"});
}

TEST_CASE("every event of class pcheck is some line, and every line has at most one") {
    std::vector<std::string_view> events;
    for (std::size_t id = 0; id < message_ids; ++id) {
        const auto event = event_of(static_cast<MessageId>(id));
        if (!event.empty() && std::ranges::find(events, event) == events.end()) events.push_back(event);
    }
    std::ranges::sort(events);
    CHECK(events == std::vector<std::string_view>{"adopted", "ambiguous", "down", "hold_end", "limit", "log_lost", "reload_failed",
                                                  "restart", "restart_failed", "retry_over", "shutdown", "stall", "start", "too_many",
                                                  "up"});
}
