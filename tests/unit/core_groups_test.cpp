// SPDX-License-Identifier: Apache-2.0
// Entries that fail and recover together, and entries that wait for others (spec/state-table.md: GROUP, TURN, GATE 4).
#include <doctest/doctest.h>

#include "tests/fake/core_world.hpp"

using namespace banken;
using namespace banken::core;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

namespace {

constexpr std::string_view trio =
    "db:/bin/restart_db:3600:2:continue:group=shop\n"
    "app:/bin/restart_app:60:9:exit:group=shop\n"
    "web:/bin/restart_web:60:9:exit:group=shop";

// The script of the entry ends well and its process is there.
void restarted(World& world, EntryKey key, pid_t pid) {
    world.vanish(key);
    world.run(key, pid);
    world.script_exits(key, 0);
}

}  // namespace

TEST_CASE("when one member of a group is lost all of them are restarted in the order of the file") {
    World world = running(trio);
    world.crash(2);
    CHECK(world.state(2) == "DOWN group");
    CHECK(world.state(1) == "RESTART");  // the first one's turn, although it ran
    CHECK(world.entry(1).reason == EntryReason::group);
    CHECK(world.scripts() == 1);
    restarted(world, 1, 201);
    CHECK(world.state(1) == "AVAIL");
    CHECK(world.state(2) == "RESTART");
    restarted(world, 2, 202);
    CHECK(world.state(3) == "RESTART");
    restarted(world, 3, 203);
    CHECK(world.log() == Lines{"Process [app, pid=101] Down", "Cause [app, pid=101] killed by signal 9 (KILL)", "Try to restart (db)",
                               "(db ,pid=201) Up", "Try to restart (app)", "(app ,pid=202) Up", "Try to restart (web)",
                               "(web ,pid=203) Up"});
    const Group& group = *world.core.group_of(2);
    CHECK(group.turn == 0);
    CHECK(group.window.count == 1);
    CHECK(world.entry(2).window.count == 0);
    CHECK(world.entry(2).total == 1);
}

TEST_CASE("a member that goes to the background during another one's turn is handed over") {
    World world = running(trio);
    world.crash(1);
    restarted(world, 1, 201);
    CHECK(world.state(2) == "RESTART");
    world.pass(50ms);
    Candidate child;
    child.id = {210, world.now.ticks};
    child.fork_no_exec = true;
    child.session = 210;
    child.argv0 = world.entry(1).memory.last->argv0;
    world.pass(50ms);
    (void)world.log();
    world.add(1, child);
    world.die(1, {Cause::Kind::status, 0});
    CHECK(world.state(1) == "AVAIL");
    CHECK(world.entry(1).main == child.id);
    CHECK(world.log() == Lines{"(db ,pid=210) Up"});
    CHECK(world.state(2) == "RESTART");
    CHECK(world.core.group_of(1)->window.count == 1);
}

TEST_CASE("a script that several members share runs once in an attempt") {
    World world = running(
        "a:/bin/restart_all:3600:2:continue:group=g\nb:/bin/restart_all:3600:2:continue:group=g\nc:/bin/restart_all:60:2:exit:group=g");
    world.crash(2);
    world.crash(3);
    CHECK(world.state(1) == "RESTART");
    restarted(world, 1, 201);
    CHECK(world.state(2) == "START");  // its path ran already: it is awaited
    world.run(2, 202);
    world.sweep();
    CHECK(world.state(2) == "AVAIL");
    CHECK(world.state(3) == "START");
    world.run(3, 203);
    world.sweep();
    CHECK(world.state(3) == "AVAIL");
    CHECK(world.core.group_of(1)->turn == 0);
}

TEST_CASE("a group whose attempts are used up has its line for every member") {
    World world = running(trio);
    for (const EntryKey key : {1U, 2U, 3U}) world.vanish(key);
    world.crash(1);
    world.script_exits(1, 3);
    CHECK(world.state(1) == "DOWN group");
    CHECK(world.core.group_of(1)->turn == 0);  // one failure is one failed attempt of the group
    world.pass(30s);
    world.script_exits(1, 3);
    CHECK(world.state(1) == "RETRY_OVER");
    CHECK(world.state(2) == "RETRY_OVER");
    CHECK(world.state(3) == "RETRY_OVER");
    CHECK_FALSE(world.end());  // the first member's action counts for all
    const Lines lines = world.log();
    CHECK(Lines(lines.end() - 3, lines.end()) ==
          Lines{"(db) RETRY_OVER:CONTINUE", "(app) RETRY_OVER:CONTINUE", "(web) RETRY_OVER:CONTINUE"});
}

TEST_CASE("clear of one member clears its group and looks for all") {
    World world = running("a:/bin/r a:3600:1:continue:group=g\nb:/bin/r b:3600:1:continue:group=g");
    world.vanish(1);
    world.crash(1);
    world.script_exits(1, 1);
    REQUIRE(world.state(2) == "RETRY_OVER");
    world.run(1, 301);
    world.order(Verb::clear, "b");
    CHECK(world.state(1) == "AVAIL");
    CHECK(world.state(2) == "AVAIL");
    CHECK_FALSE(world.core.group_of(1)->window.first);
}

TEST_CASE("attempts of a group are paced, and all that are lost are looked for when the wait ends") {
    World world = running("a:/bin/ra:3600:5:continue:group=g:delay=60\nb:/bin/rb:3600:5:continue:group=g");
    for (const EntryKey key : {1U, 2U}) world.vanish(key);
    world.crash(1);
    world.script_exits(1, 1);
    CHECK(world.state(1) == "DOWN group");
    CHECK(world.core.group_of(1)->wait == EntryWait::delay);
    CHECK(world.log().back().starts_with("Waiting (a): delay "));
    world.run(1, 301);  // by hand meanwhile
    world.pass(70s);
    CHECK(world.state(1) == "AVAIL");
    CHECK(world.core.group_of(1)->window.count == 1);
    CHECK(world.core.group_of(1)->wait == EntryWait::none);
}

TEST_CASE("a member that the group's script has replaced is found, although it began before the old one's death was noticed") {
    World world = running("a:/bin/restart_all:3600:2:continue:group=g\nb:/bin/restart_all:3600:2:continue:group=g");
    world.vanish(1);
    world.crash(1);
    world.pass(1s);
    const ProcessId old = *world.entry(2).main;
    world.vanish(2);
    world.run(2, 202);
    world.pass(20ms);
    world.step(Died{2, old, {Cause::Kind::status, 15}, world.now.ticks});
    CHECK(world.state(2) == "DOWN group");
    world.run(1, 201);
    world.script_exits(1, 0);
    CHECK(world.state(2) == "AVAIL");
}

TEST_CASE("a paused member is passed over, and pausing the one whose turn it is hands the turn on") {
    World world = running(trio, "SCRIPT_PARALLEL 1\n");
    world.order(Verb::stop, "db");
    world.crash(3);
    CHECK(world.state(1) == "AVAIL");
    CHECK(world.state(2) == "RESTART");
    world.order(Verb::stop, "app");
    world.vanish(2);
    world.script_exits(2, 1);
    CHECK(world.state(2) == "DOWN operator");
    CHECK(world.state(3) == "RESTART");
}

TEST_CASE("a reload that changes a group's members ends the turn") {
    World world = running(trio);
    world.crash(2);
    REQUIRE(world.state(1) == "RESTART");
    world.reload("app:/bin/restart_app:60:9:exit:group=shop\nweb:/bin/restart_web:60:9:exit:group=shop");
    CHECK(world.core.group_of(2)->wait == EntryWait::delay);  // the next attempt is paced as ever
    world.pass(30s);
    CHECK(world.state(2) == "RESTART");
    CHECK(world.core.group_of(2)->members == std::vector<EntryKey>{2, 3});
}

TEST_CASE("stable clears the window of a group when all its members have been available so long") {
    World world = running("a:/bin/ra:86400:5:continue:group=g:stable=300\nb:/bin/rb:86400:5:continue:group=g");
    world.crash(1);
    restarted(world, 1, 201);
    restarted(world, 2, 202);
    CHECK(world.core.group_of(1)->window.count == 1);
    world.pass(299s);
    CHECK(world.core.group_of(1)->window.count == 1);
    world.pass(1s);
    CHECK(world.core.group_of(1)->window.count == 0);
}

TEST_CASE("a dependency that is not available holds the script back, uncounted, and is told once") {
    World world = running("db:/bin/restart_db:3600:1:continue\nweb:/bin/restart_web:3600:3:continue:after=db");
    world.vanish(1);
    world.crash(1);
    world.crash(2);
    CHECK(world.state(2) == "DOWN dependency");
    CHECK(world.entry(2).waits_for == "db");
    CHECK(world.entry(2).window.count == 0);
    CHECK(world.log().back() == "Waiting (web): dependency db is RESTART");
    world.pass(1h);
    for (const std::string& line : world.log()) CHECK_FALSE(line.starts_with("Waiting"));
    world.run(1, 201);
    world.script_exits(1, 0);
    CHECK(world.state(2) == "RESTART");
}

TEST_CASE("a dependency in retry-over, down without script or paused counts by its state") {
    World world = running(
        "db:-:3600:1:continue\nweb:/bin/restart_web:3600:3:continue:after=db\nold:/bin/r:3600:0:continue\nnew:/bin/n:60:1:exit:after=old");
    world.crash(1);
    world.crash(2);
    CHECK(world.log().back() == "Waiting (web): dependency db is DOWN");
    world.crash(3);
    world.crash(4);
    CHECK(world.log().back() == "Waiting (new): dependency old is RETRY_OVER");
    world.order(Verb::stop, "db");
    CHECK(world.state(2) == "DOWN dependency");
    world.run(1, 301);
    world.sweep();  // paused, yet available
    CHECK(world.state(1) == "AVAIL");
    CHECK(world.state(2) == "RESTART");
}

TEST_CASE("a dependency that a reload removes no longer holds anybody back") {
    World world = running("db:/bin/r:3600:0:continue\nweb:/bin/restart_web:3600:3:continue:after=db");
    world.crash(1);
    world.crash(2);
    REQUIRE(world.state(2) == "DOWN dependency");
    world.reload("web:/bin/restart_web:3600:3:continue");
    CHECK(world.state(2) == "RESTART");
}

TEST_CASE("a group waits for the dependencies of all its members") {
    World world = running("db:/bin/r:3600:0:continue\na:/bin/ra:3600:3:continue:group=g\nb:/bin/rb:3600:3:continue:group=g:after=db");
    world.crash(1);
    world.crash(2);
    CHECK(world.state(2) == "DOWN group");
    CHECK(world.core.group_of(2)->wait == EntryWait::dependency);
    CHECK(world.log().back() == "Waiting (a): dependency db is RETRY_OVER");
    world.order(Verb::clear, "db");
    world.run(1, 201);
    world.order(Verb::clear, "db");
    world.run(1, 202);
    CHECK(world.core.group_of(2)->window.count <= 1);
}

TEST_CASE("an after inside a group does not count") {
    World world = running("a:/bin/ra:3600:3:continue:group=g\nb:/bin/rb:3600:3:continue:group=g:after=a");
    world.crash(1);
    CHECK(world.state(1) == "RESTART");
}

TEST_CASE("a member that is there waits in its turn for the script of a removed entry of its name, and goes on when that has ended") {
    World world = running("b:/bin/rb:3600:3:continue\na:/bin/ra:3600:3:continue:group=g");
    world.vanish(1);
    world.crash(1);
    REQUIRE(world.script_runs(1));
    world.reload("b:/bin/rb:3600:3:continue:args=x:group=g\na:/bin/ra:3600:3:continue:group=g");
    const EntryKey fresh = world.core.entries().front();
    world.run(fresh, 300);
    world.sweep();
    REQUIRE(world.state(fresh) == "AVAIL");
    world.vanish(2);
    world.crash(2);
    REQUIRE(world.core.group_of(2)->turn == fresh);
    CHECK_FALSE(world.script_runs(fresh));
    world.script_exits(1, 0);
    CHECK(world.script_runs(fresh));
}

TEST_CASE("a crash that somebody else may mend is waited for, also in somebody's turn") {
    World world = running("a:/bin/ra:3600:3:continue:group=g\nb:/bin/rb:3600:3:continue:group=g:confirm=5/always");
    world.vanish(1);
    world.crash(1);
    world.vanish(2);
    world.crash(2);
    CHECK(world.state(2) == "DOWN confirm");
}
