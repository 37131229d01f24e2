// SPDX-License-Identifier: Apache-2.0
// A pcheck that goes on with the state of one that was killed (spec/state-table.md, row "pcheck adopted").
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>

#include "tests/fake/core_world.hpp"

using namespace banken;
using namespace banken::core;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

namespace {

// pcheck is killed; what its segment tells is taken over by another one. Whether a main process or script lives is told for the first entry.
void adopt(World& world, std::string_view pents, AdoptedEntry first, Duration between = {}) {
    Recorded recorded;
    for (const EntryKey key : world.core.entries()) recorded.watches.push_back(*world.core.find(key));
    for (const Group* group : world.core.groups()) recorded.groups.push_back(*group);
    for (const EntryKey key : world.core.leaving()) recorded.leaving.push_back(*world.core.find(key));
    world.pass_unseen(between);
    Adopted event;
    for (const Watch& watch : recorded.watches) {
        event.entries.push_back(watch.key == first.entry ? first : AdoptedEntry{watch.key, true, false});
    }
    for (const Watch& watch : recorded.leaving) event.entries.push_back({watch.key, false, true});
    world.core = Supervisor(World::pfile(pents), Manner{}, std::move(recorded), world.now);
    world.step(event);
    world.start_up();
}

constexpr std::string_view crond = "crond:/bin/restart:86400:3:continue";

}  // namespace

TEST_CASE("an adopted process that lives is followed on, without a line") {
    World world = running(crond);
    world.crash(1);
    world.run(1, 200);
    world.script_exits(1, 0);
    static_cast<void>(world.log());
    adopt(world, crond, {1, true, false});
    CHECK(world.state(1) == "AVAIL");
    CHECK(world.log().empty());
    CHECK(world.entry(1).window.count == 1);
    CHECK(world.entry(1).main->pid == 200);
    world.crash(1);
    CHECK(world.log().front() == "Process [crond, pid=200] Down");
}

TEST_CASE("a stop that ended while nobody watched begins the turn of its group once") {
    constexpr std::string_view shop = "db:/bin/db:3600:3:continue:delay=0:group=g\nweb:/bin/web:3600:3:continue:group=g:events=disk/full";
    World world = running(shop);
    world.event("disk/full", "web");
    REQUIRE(world.state(2) == "STALL");
    Recorded recorded{{*world.core.find(1), *world.core.find(2)}, {*world.core.group_of(1)}, {}};
    world.core = Supervisor(World::pfile(shop), Manner{}, std::move(recorded), world.now);
    world.vanish(2);
    const auto actions = world.core.step(Adopted{{{2, false, false}, {1, true, false}}, {}}, world.now);
    const auto runs = std::ranges::count_if(actions, [](const Action& action) { return std::holds_alternative<RunScript>(action); });
    CHECK(runs == 1);
    CHECK(world.state(1) == "RESTART");
    const auto follows = [](const Action& action) { return std::holds_alternative<Follow>(action); };
    CHECK(std::ranges::count_if(actions, follows) == 1);
}

TEST_CASE("a loss while nobody watched is acted on at once, and nobody is waited for") {
    World world = running(crond);
    world.vanish(1);
    adopt(world, crond, {1, false, false}, 5s);
    CHECK(world.log() == Lines{"Process [crond, pid=100] Down", "Cause [crond, pid=100] unknown (gone before it could be read)",
                               "Try to restart (crond)"});
    CHECK(world.state(1) == "RESTART");
}

TEST_CASE("a process that somebody brought back while nobody watched is Up, uncounted") {
    World world = running(crond);
    world.vanish(1);
    world.pass(10s);
    world.run(1, 300);
    adopt(world, crond, {1, false, false}, 5s);
    CHECK(world.log().back() == "(crond ,pid=300) Up");
    CHECK(world.entry(1).window.count == 0);
}

TEST_CASE("a script that was recorded and never started is begun, and not counted again") {
    World world = running(crond);
    world.vanish(1);
    world.hold_starts = true;
    world.crash(1);
    REQUIRE_FALSE(world.entry(1).script->process);
    world.forget_scripts();
    world.hold_starts = false;
    adopt(world, crond, {1, false, false});
    CHECK(world.state(1) == "RESTART");
    CHECK(world.script_runs(1));
    CHECK(world.entry(1).window.count == 1);
    CHECK(world.entry(1).total == 1);
}

TEST_CASE("a script that still runs is waited for, and no second one begins") {
    World world = running(crond);
    world.vanish(1);
    world.crash(1);
    adopt(world, crond, {1, false, true});
    CHECK(world.state(1) == "RESTART");
    CHECK(world.scripts() == 1);
    world.run(1, 300);
    world.script_exits(1, 0);
    CHECK(world.state(1) == "AVAIL");
}

TEST_CASE("a script that ended meanwhile counts as good, with the deadline from its begin") {
    World world = running(crond);
    world.vanish(1);
    world.crash(1);
    world.forget_scripts();
    adopt(world, crond, {1, false, false}, 15s);
    CHECK(world.state(1) == "START");
    world.pass(5s);  // 20 s after it began
    CHECK(world.entry(1).window.count == 2);
}

TEST_CASE("what has appeared while nobody watched is looked for before the deadline is judged") {
    World world = running(crond);
    world.vanish(1);
    world.crash(1);
    world.script_exits(1, 0);
    REQUIRE(world.state(1) == "START");
    static_cast<void>(world.log());
    world.pass_unseen(120s);
    world.core = Supervisor(World::pfile(crond), Manner{}, Recorded{{world.entry(1)}, {}, {}}, world.now);
    world.answer_at_once = false;
    world.step(Adopted{{{1, false, false}}, {}});
    world.step(Deadline{});
    World absent = world;
    world.run(1, 300);
    world.answer_looks();
    CHECK(world.log() == Lines{"(crond ,pid=300) Up"});
    absent.answer_looks();
    CHECK(absent.log() == Lines{"Set pid fail (crond)", "Try to restart (crond)"});
}

TEST_CASE("pauses, retry-over and what is left of waits are kept") {
    constexpr std::string_view all =
        "a:/bin/r:86400:3:continue\nb:/bin/r:86400:0:continue\nc:/bin/r:3600:1:hold\nd:/bin/r:86400:3:continue:delay=300";
    World world = running(all);
    world.order(Verb::stop, "a", 1h);
    for (const EntryKey key : {2U, 3U, 4U}) world.vanish(key);
    for (const EntryKey key : {2U, 3U, 4U}) world.crash(key);
    world.script_exits(3, 1);
    world.script_exits(4, 1);
    static_cast<void>(world.log());
    const Instant hold_ends = *world.entry(3).timer, delay_ends = *world.entry(4).timer;
    adopt(world, all, {2, false, false}, 10s);
    CHECK(world.entry(1).paused);
    CHECK(world.entry(1).paused_until);
    CHECK(world.state(2) == "RETRY_OVER");
    CHECK(world.state(3) == "HOLD");
    CHECK(world.entry(3).timer == hold_ends);
    CHECK(world.state(4) == "DOWN delay");
    CHECK(world.entry(4).timer == delay_ends);
    CHECK(world.log().empty());
}

TEST_CASE("a retry-over that was to end pcheck ends the adopting one") {
    World world = running("a:/bin/r:86400:0:exit");
    world.vanish(1);
    world.crash(1);
    REQUIRE(world.end());
    adopt(world, "a:/bin/r:86400:0:exit", {1, false, false});
    CHECK(world.end()->exit_status == 1);
}

TEST_CASE("a stop in progress is asked for again, or has been obeyed meanwhile") {
    World world = running(crond);
    world.order(Verb::restart, "crond");
    REQUIRE(world.state(1) == "STALL");
    const std::size_t signals = world.signals().size();
    World ended = world;
    adopt(world, crond, {1, true, false});
    CHECK(world.state(1) == "STALL");
    CHECK(world.signals().size() == signals + 2);
    ended.vanish(1);
    adopt(ended, crond, {1, false, false});
    CHECK(ended.state(1) == "RESTART");
    CHECK(ended.entry(1).window.count == 0);  // by order
}

TEST_CASE("a group's attempt goes on with the member whose turn it was") {
    constexpr std::string_view group = "a:/bin/ra:3600:3:continue:group=g\nb:/bin/rb:3600:3:continue:group=g";
    World world = running(group);
    world.crash(1);
    world.run(1, 201);
    world.script_exits(1, 0);
    REQUIRE(world.state(2) == "RESTART");
    adopt(world, group, {2, true, true});
    CHECK(world.core.group_of(1)->window.count == 1);
    world.script_exits(2, 0);
    CHECK(world.core.group_of(1)->turn == 0);
    CHECK(world.state(2) == "AVAIL");
}

TEST_CASE("an entry that is another one now starts as at the start") {
    World world = running(crond);
    world.crash(1);
    world.forget_scripts();
    adopt(world, "crond:/bin/restart:86400:3:continue:args=-n", {1, false, false});
    CHECK(world.core.entries().size() == 1);
    CHECK(world.entry(world.core.entries().front()).window.count == 0);
}

TEST_CASE("a script of an entry that is no more is waited for by the next of its name") {
    World world = running(crond, "CONFIRM_WAIT 0\n");
    world.vanish(1);
    world.crash(1);
    adopt(world, "crond:/bin/restart:86400:3:continue:args=-n", {1, false, true});
    world.pass(3s);
    const EntryKey added = world.core.entries().front();
    CHECK(world.state(added) == "DOWN slot");
    CHECK(world.scripts() == 1);
    world.script_exits(1, 0);
    CHECK(world.state(added) == "RESTART");
}

TEST_CASE("a script of an entry that a reload had removed is waited for too, also by one that is the same") {
    World world = running(crond, "CONFIRM_WAIT 0\n");
    world.vanish(1);
    world.crash(1);
    world.reload("sshd:/bin/restart:86400:3:continue");
    REQUIRE(world.core.leaving().size() == 1);
    adopt(world, crond, {2, false, false});
    world.pass(3s);
    const EntryKey added = world.core.entries().front();
    CHECK(world.state(added) == "DOWN slot");
    CHECK(world.scripts() == 1);
    world.script_exits(1, 0);
    CHECK(world.core.leaving().empty());
    CHECK(world.state(added) == "RESTART");
}

TEST_CASE("what was cleared, and not looked for yet, is looked for by the pcheck that adopts it") {
    for (const std::string_view action : {"hold", "continue"}) {
        CAPTURE(action);
        const std::string line = fmt::format("held:/bin/r:60:1:{}", action);
        World world = running(line);
        world.vanish(1);
        world.crash(1);
        world.script_exits(1, 1);
        REQUIRE(world.entry(1).given_up());
        world.answer_at_once = false;
        if (action == "hold")
            world.pass(60s);
        else
            world.order(Verb::clear, "held");
        REQUIRE(world.entry(1).given_up());
        static_cast<void>(world.log());
        world.core = Supervisor(World::pfile(line), Manner{}, Recorded{{world.entry(1)}, {}, {}}, world.now);
        world.answer_at_once = true;
        world.run(1, 300);
        world.step(Adopted{{{1, false, false}}, {}});
        CHECK(world.state(1) == "AVAIL");
        CHECK(world.log() == Lines{"(held ,pid=300) Up"});
    }
}
