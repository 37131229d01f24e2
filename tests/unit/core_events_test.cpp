// SPDX-License-Identifier: Apache-2.0
// Events told by others: an entry that handles one is stalled (spec/events.md; spec/state-table.md, sendevent).
#include <doctest/doctest.h>

#include <csignal>

#include "tests/fake/core_world.hpp"

using namespace banken;
using namespace banken::core;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

namespace {

constexpr std::string_view web = "web:/bin/r:3600:1:continue:delay=0:events=disk/full,app/hangs";

World just_up(std::string_view pents = web) { return running(pents, {}, 0s); }

// Exit status and text of the only answer.
std::string told(World& world, const std::string& event = "disk/full", const std::string& target = "web") {
    static_cast<void>(world.answers());
    world.event(event, target);
    const auto answers = world.answers();
    REQUIRE(answers.size() == 1);
    return fmt::format("{} {}", answers[0].exit_status, answers[0].text);
}

}  // namespace

TEST_CASE("an event that the entry handles stops its process and restarts it, counted") {
    World world = just_up();
    CHECK(told(world, "app/hangs") == "0 web: recovery was begun");
    CHECK(world.log() == Lines{"Stalled (web ,pid=100): event app/hangs"});
    CHECK(world.state(1) == "STALL");
    REQUIRE(world.signals().size() == 2);
    CHECK(world.signals()[0].signal == SIGTERM);
    world.die(1, {Cause::Kind::status, SIGTERM});
    CHECK(world.state(1) == "RESTART");
    CHECK(world.entry(1).reason == EntryReason::stall);
    CHECK(world.entry(1).window.count == 1);
    CHECK(world.entry(1).stalls == 1);
}

TEST_CASE("an event or a name that nobody handles changes nothing") {
    World world = just_up();
    CHECK(told(world, "disk/fuller") == "4 no entry \"web\" handles disk/fuller");
    CHECK(told(world, "disk/full", "webb") == "4 no entry \"webb\" handles disk/full");
    CHECK(told(world, "disk/full", "1") == "4 no entry \"1\" handles disk/full");  // a name, never an id
    CHECK(world.log().empty());
    CHECK(world.state(1) == "AVAIL");
}

TEST_CASE("only what is AVAIL and not paused is recovered; else the answer says why not") {
    World world = just_up();
    world.order(Verb::stop, "web");
    CHECK(told(world) == "1 web: it is paused");
    world.order(Verb::start, "web");
    static_cast<void>(world.log());
    world.crash(1);
    CHECK(told(world) == "1 web: it is RESTART");
    world.script_exits(1, 0);
    CHECK(told(world) == "1 web: it is START");
    world.run(1, 300);
    world.sweep();
    world.crash(1);  // the second loss of one retry
    CHECK(told(world) == "1 web: it is RETRY_OVER");
    CHECK(world.entry(1).stalls == 0);
}

TEST_CASE("an event while its process is being stopped is no second stop") {
    World world = just_up();
    CHECK(told(world) == "0 web: recovery was begun");
    CHECK(told(world) == "1 web: it is STALL");
    CHECK(world.signals().size() == 2);
}

TEST_CASE("an event that finds the retries used up gives the entry up and leaves its process running") {
    World world = just_up();
    world.crash(1);
    world.run(1, 300);
    world.script_exits(1, 0);
    static_cast<void>(world.log());
    REQUIRE(world.state(1) == "AVAIL");
    CHECK(told(world) == "1 web: its retries are used up");
    CHECK(world.log() == Lines{"Stalled (web ,pid=300): event disk/full", "(web) RETRY_OVER:CONTINUE"});
    CHECK(world.signals().empty());
}

TEST_CASE("an entry without a script reports the event and goes on") {
    World world = just_up("web:-:0:0:continue:events=disk/full");
    CHECK(told(world) == "1 web: it is only reported");
    CHECK(world.log() == Lines{"Stalled (web ,pid=100): event disk/full"});
    CHECK(world.state(1) == "AVAIL");
}

TEST_CASE("entries of one name are told each, and one that begins is enough") {
    World world = just_up(
        "web:/bin/r:3600:3:continue:args=^a:events=disk/full\n"
        "web:/bin/r:3600:3:continue:args=^b:events=disk/full:monitor=off\n"
        "web:/bin/r:3600:3:continue:args=^c");
    CHECK(told(world) == "0 web: recovery was begun\nweb: it is paused");
    CHECK(world.state(1) == "STALL");
    CHECK(world.state(3) == "AVAIL");
}

TEST_CASE("an event that comes before the first sweep is answered after it") {
    World world(web);
    world.run(1, 100);
    world.event("disk/full", "web");
    CHECK(world.answers().empty());
    world.start_up();
    const auto answers = world.answers();
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].exit_status == 0);
    CHECK(world.state(1) == "STALL");
}

TEST_CASE("a group whose turn runs is not stopped by an event") {
    World world = just_up(
        "db:/bin/db:3600:3:continue:group=g\n"
        "web:/bin/web:3600:3:continue:group=g:events=disk/full");
    world.crash(1);
    REQUIRE(world.state(1) == "RESTART");
    CHECK(told(world) == "1 web: its group is being restarted");
    CHECK(world.state(2) == "AVAIL");
}
