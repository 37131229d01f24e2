// SPDX-License-Identifier: Apache-2.0
// Orders, pauses, reloads and slots (spec/state-table.md, the lower half of the table).
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/fake/core_world.hpp"

using namespace banken;
using namespace banken::core;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

namespace {

constexpr std::string_view crond = "crond:/bin/restart:86400:3:continue";

World running() { return core::running(crond); }

World given_up() {
    World world = core::running("crond:/bin/restart:86400:0:continue");
    world.crash(1);
    static_cast<void>(world.log());
    return world;
}

int status_of(World& world) {
    const auto answers = world.answers();
    return answers.size() == 1 ? answers[0].exit_status : -1;
}

}  // namespace

TEST_CASE("while an entry is paused its loss is neither logged nor counted, and start takes a fresh look") {
    World world = running();
    world.order(Verb::stop, "crond");
    CHECK(status_of(world) == 0);
    CHECK(world.entry(1).paused);
    static_cast<void>(world.log());
    world.crash(1);
    CHECK(world.log().empty());
    CHECK(world.state(1) == "DOWN operator");
    world.order(Verb::start, "crond");
    CHECK(world.log().back() == "Try to restart (crond)");
    CHECK(world.entry(1).reason == EntryReason::absent);
}

TEST_CASE("a process that returns while paused is AVAIL without a line; start tells a pid that was not told") {
    World world = running();
    world.order(Verb::stop);
    world.crash(1);
    world.run(1, 200);
    world.sweep();
    CHECK(world.state(1) == "AVAIL");
    static_cast<void>(world.log());
    world.order(Verb::start);
    const auto lines = world.log();
    CHECK(std::ranges::count(lines, "(crond ,pid=200) Up") == 1);
}

TEST_CASE("a pause with a duration ends by itself") {
    World world = running();
    world.order(Verb::stop, "crond", 30min);
    world.pass(30min - 1s);
    CHECK(world.entry(1).paused);
    world.pass(1s);
    CHECK_FALSE(world.entry(1).paused);
}

TEST_CASE("a pause during a restart lets the script end, and only the Up it leads to is told") {
    World world = running();
    world.crash(1);
    world.order(Verb::stop, "crond");
    static_cast<void>(world.log());
    world.run(1, 200);
    world.script_exits(1, 0);
    CHECK(world.log() == Lines{"(crond ,pid=200) Up"});
}

TEST_CASE("a pause during START: what does not appear is not told, and no script follows") {
    World world = running();
    world.crash(1);
    world.script_exits(1, 0);
    world.order(Verb::stop, "crond");
    static_cast<void>(world.log());
    world.pass(60s);
    CHECK(world.log().empty());
    CHECK(world.state(1) == "DOWN operator");
}

TEST_CASE("clear and reload leave RETRY_OVER with counters at 0") {
    World world = given_up();
    world.run(1, 300);
    world.order(Verb::clear, "crond");
    CHECK(status_of(world) == 0);
    CHECK(world.log() == Lines{"(crond ,pid=300) Up"});
    World other = given_up();
    other.run(1, 300);
    other.reload("crond:/bin/restart:86400:0:continue");
    CHECK(other.log() == Lines{"Reload done: +0 -0 ~0 =1", "(crond ,pid=300) Up"});
    CHECK(other.entry(1).window.count == 0);
    CHECK(other.state(1) == "AVAIL");
}

TEST_CASE("restart by order stops the process, is not counted, and is refused while a script runs") {
    World world = running();
    world.order(Verb::restart, "crond");
    CHECK(status_of(world) == 0);
    CHECK(world.state(1) == "STALL");
    REQUIRE(world.signals().size() == 2);
    CHECK(world.signals()[0].signal == 15);
    world.crash(1);
    CHECK(world.log() == Lines{"Try to restart (crond)"});
    CHECK(world.entry(1).window.count == 0);
    CHECK(world.entry(1).total == 1);
    world.order(Verb::restart, "crond");
    CHECK(status_of(world) == 1);
}

TEST_CASE("a process that ignores TERM is killed after 60 s; what survives KILL cannot be ended") {
    World world = running();
    world.order(Verb::restart, "crond");
    world.pass(60s);
    REQUIRE(world.signals().size() == 3);
    CHECK(world.signals()[2].signal == 9);
    world.pass(10s);
    CHECK(world.state(1) == "RETRY_OVER");
    CHECK(world.log() == Lines{"Cannot be ended (crond ,pid=100)", "(crond) RETRY_OVER:CONTINUE"});
    world.sweep();
    CHECK_FALSE(world.entry(1).seen);  // the one left running is no return
}

TEST_CASE("a pause during an ordered restart keeps the script from running") {
    World world = running();
    world.order(Verb::restart, "crond");
    world.order(Verb::stop, "crond");
    world.crash(1);
    CHECK(world.state(1) == "DOWN operator");
    CHECK(world.scripts() == 0);
}

TEST_CASE("an ordered restart of a paused entry runs its script") {
    World world = running();
    world.order(Verb::stop, "crond");
    world.order(Verb::restart, "crond");
    world.crash(1);
    CHECK(world.state(1) == "RESTART");
}

TEST_CASE("an ordered restart of a given-up entry stops what was started by hand: no second copy") {
    World world = given_up();
    world.pass(10s);
    const ProcessId by_hand = world.run(1, 300);
    world.sweep();
    world.order(Verb::restart, "crond");
    CHECK(world.state(1) == "STALL");
    CHECK(world.signals().front().process == by_hand);
}

TEST_CASE("an order for a name that is missing, for several entries, or without a name is refused with words") {
    World world = running("a:/bin/r:100:1:continue\nb:/bin/r:100:1:continue");
    world.order(Verb::clear, "c");
    CHECK(status_of(world) == 4);
    world.order(Verb::clear);
    CHECK(status_of(world) == 64);
    world.order(Verb::stop, "2");
    CHECK(status_of(world) == 0);
    CHECK(world.entry(2).paused);
    CHECK_FALSE(world.entry(1).paused);
}

TEST_CASE("orders before the first sweep wait for it, shutdown does not") {
    World world(crond);
    world.order(Verb::stop, "crond");
    CHECK(world.answers().empty());
    world.run(1, 100);
    world.start_up();
    CHECK(status_of(world) == 0);
    World other(crond);
    other.order(Verb::shutdown);
    REQUIRE(other.end());
    CHECK(other.end()->order == 7);
}

TEST_CASE("shutdown leaves processes and scripts alone and names the scripts") {
    World world = running();
    world.crash(1);
    static_cast<void>(world.log());
    world.order(Verb::shutdown);
    const auto lines = world.log();
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].starts_with("Left running: script of (crond) pid="));
    CHECK(lines[1] == "Shutdown pcheck");
    CHECK(world.signals().empty());
    CHECK(world.script_signals().empty());
}

TEST_CASE("a reload keeps what is the same, adds, removes and changes the rest") {
    World world = running("a:/bin/r:100:1:continue\nb:/bin/r:100:1:continue");
    world.crash(1);
    static_cast<void>(world.log());
    world.reload("c:/bin/r:100:1:continue\na:/bin/r:200:5:continue");
    CHECK(world.log().front() == "Reload done: +1 -1 ~1 =0");
    CHECK(world.entry(1).window.count == 1);
    CHECK(world.entry(1).pent_id == 2);
    CHECK(world.state(1) == "RESTART");
    CHECK(world.core.find(2) == nullptr);
    CHECK(world.state(3) == "DOWN confirm");
    CHECK(world.entry(1).pent.grace == 200s);
}

TEST_CASE("a new entry of a removed one's name waits for the script that still runs") {
    World world = running();
    world.crash(1);
    world.reload("other:/bin/r:100:1:continue");
    world.reload("crond:/bin/other:100:1:continue", "CONFIRM_WAIT 0\n");
    const EntryKey anew = world.core.entries()[0];
    CHECK(world.state(anew) == "DOWN slot");
    world.script_exits(1, 0);
    CHECK(world.state(anew) == "RESTART");
    CHECK(world.core.find(1) == nullptr);
}

TEST_CASE("SCRIPT_PARALLEL holds back what is beyond it, in the order it came, for 5 s at most") {
    std::string pents;
    for (int i = 1; i <= 5; ++i) pents += fmt::format("p{}:/bin/r:86400:3:continue\n", i);
    World world = running(pents, "SCRIPT_PARALLEL 2\n");
    for (const EntryKey key : {4u, 2u, 5u, 1u, 3u}) world.crash(key);
    CHECK(world.scripts() == 2);
    CHECK(world.state(5) == "DOWN slot");
    world.run(4, 444);
    world.script_exits(4, 0);
    CHECK(world.state(5) == "RESTART");
    CHECK(world.state(1) == "DOWN slot");
    world.pass(5s);  // hung scripts hold up nobody
    CHECK(world.state(1) == "RESTART");
    CHECK(world.state(3) == "RESTART");
}

TEST_CASE("an entry that is found while it waits for a slot gives its place to the next") {
    World world = running("a:/bin/r:100:3:continue\nb:/bin/r:100:3:continue\nc:/bin/r:100:3:continue", "SCRIPT_PARALLEL 1\n");
    for (const EntryKey key : {1u, 2u, 3u}) world.crash(key);
    world.pass(1s);
    world.run(2, 222);
    world.run(1, 111);
    world.script_exits(1, 0);
    CHECK(world.state(1) == "AVAIL");
    CHECK(world.state(2) == "AVAIL");
    CHECK(world.state(3) == "RESTART");
}

TEST_CASE("a reload that changes REMIND_INTERVAL ends reminders, or begins them") {
    World other = running("a:-:0:0:continue", "REMIND_INTERVAL 60\n");
    other.crash(1);
    other.reload("a:-:0:0:continue", "REMIND_INTERVAL 0\n");
    other.pass(24h);
    CHECK(other.reminders().empty());
    other.reload("a:-:0:0:continue", "REMIND_INTERVAL 60\n");
    other.pass(61s);
    CHECK(other.reminders().size() == 1);
}

TEST_CASE("an order in confirm finds a replacement under another argv[0]: no script beside it") {
    World world = running();
    world.end_orderly(1);
    world.pass(50ms);
    Candidate other;
    other.id = {150, world.now.ticks};
    other.session = 150;
    other.argv0 = "/opt/crond";
    world.add(1, other);
    world.order(Verb::clear, "crond");
    CHECK(world.state(1) == "AVAIL");
    CHECK(world.scripts() == 0);
}

TEST_CASE("while paused a daemon that replaces itself is followed without a line") {
    World world = running();
    world.order(Verb::stop, "crond");
    static_cast<void>(world.log());
    Candidate heir;
    heir.id = {200, world.now.ticks};
    heir.session = 200;
    heir.argv0 = "daemon";
    world.add(1, heir);
    world.die(1, {Cause::Kind::status, 0});
    CHECK(world.state(1) == "AVAIL");
    CHECK(world.entry(1).main == heir.id);
    CHECK(world.log().empty());
    world.order(Verb::start, "crond");
    CHECK(world.log().front() == "(crond ,pid=200) Up");
}

TEST_CASE("orders that the end overtakes are answered as refused") {
    World world(crond);
    world.order(Verb::clear, "crond");  // waits for the first sweep
    world.order(Verb::shutdown);
    CHECK(status_of(world) == 1);
    world.order(Verb::dump);
    CHECK(status_of(world) == 1);
}

TEST_CASE("an answer follows what it has changed") {
    World world = running();
    const auto actions = world.core.step(Order{7, Verb::stop, "crond", {}}, world.now);
    const auto kind = [&](auto is) { return std::ranges::find_if(actions, is) - actions.begin(); };
    const auto published = kind([](const Action& action) { return std::holds_alternative<Publish>(action); });
    const auto answered = kind([](const Action& action) { return std::holds_alternative<Answer>(action); });
    CHECK(published < answered);
}

TEST_CASE("stop and start during an ordered restart leave it an ordered one") {
    World world = running();
    world.order(Verb::restart, "crond");
    world.order(Verb::stop, "crond");
    world.order(Verb::start, "crond");
    world.crash(1);
    CHECK(world.state(1) == "RESTART");
    CHECK(world.entry(1).window.count == 0);
}

TEST_CASE("a late answer to a look that a pause has made void changes nothing") {
    World world = running();
    world.answer_at_once = false;
    world.end_orderly(1);
    world.order(Verb::stop, "crond");
    static_cast<void>(world.log());
    world.answer_looks();
    CHECK(world.state(1) == "DOWN operator");
    CHECK(world.log().empty());
}

TEST_CASE("one that was told as down, is back with its pid while paused, and is started is told as up before it is down again") {
    World world = running();
    const ProcessId process = *world.entry(1).main;
    world.vanish(1);
    world.sweep();
    REQUIRE(world.log() == Lines{"Process [crond, pid=100] Down", "Cause [crond, pid=100] unknown (gone before it could be read)"});
    world.order(Verb::stop, "crond");
    Candidate back;
    back.id = process;
    back.argv0 = "daemon";
    world.add(1, back);
    world.sweep();
    static_cast<void>(world.log());
    world.order(Verb::start, "crond");
    world.sweep();
    const Lines lines = world.log();
    CHECK(std::ranges::find(lines, "(crond ,pid=100) Up") != lines.end());
}

TEST_CASE("what is no match any more is gone, whatever it was left running or stopped for") {
    SUBCASE("left running at the retry-over") {
        World world = running("crond:/bin/restart:86400:0:continue:heartbeat=5");
        REQUIRE(world.state(1) == "RETRY_OVER");
        REQUIRE(world.entry(1).main);
        world.vanish(1);
        world.sweep();
        CHECK_FALSE(world.entry(1).main);
    }
    SUBCASE("being stopped") {
        World world = running();
        world.order(Verb::restart, "crond");
        REQUIRE(world.state(1) == "STALL");
        world.vanish(1);
        world.sweep();
        CHECK(world.state(1) == "RESTART");
    }
}
