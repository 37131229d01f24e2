// SPDX-License-Identifier: Apache-2.0
// spec/state-table.md, cmdline: one resource; and what Check means in each stage.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>

#include "tests/fake/resource_world.hpp"

using namespace banken;
using namespace banken::core;
using namespace std::chrono_literals;
using Script = ResourceScript;
using Lines = std::vector<std::string>;

namespace {

ResourceWorld online(Definition definition = cmdline("db")) {
    ResourceWorld world({std::move(definition)});
    world.all_well();
    (void)world.log();
    (void)world.raised();
    (void)world.begun();
    return world;
}

// The next Check says this.
void check_says(ResourceWorld& world, int status) {
    for (int i = 0; i < 40 && world.runs("db").find("check") == std::string::npos; ++i) world.pass(1s);
    world.ends("db", Script::check, status);
}

}  // namespace

TEST_CASE("Start follows a Check that does not say Online, and Online needs a Check that does") {
    ResourceWorld world({cmdline("db")});
    CHECK(world.begun() == Lines{"db check"});
    world.ends("db", Script::check, 1);
    CHECK(world.runs("db") == "start");
    CHECK(world.state("db") == "Wait");
    CHECK(world.facts("db", Script::start) == CmdlineFacts{Report::offline, Report::online, {}, false});
    world.ends("db", Script::start);
    CHECK(world.runs("db") == "check");
    CHECK(world.state("db") == "Wait");
    world.ends("db", Script::check, 0);
    CHECK(world.state("db") == "Online");
    CHECK(world.log() == Lines{"Resource (db) Wait: Start is running", "Resource (db) Online: Start has succeeded"});
}

TEST_CASE("Start is skipped when Check says Online") {
    ResourceWorld world({cmdline("db")});
    world.ends("db", Script::check, 0);
    CHECK(world.state("db") == "Online");
    CHECK(world.runs("db").empty());
    CHECK(world.at("db").goal == Goal::none);
}

TEST_CASE("a Start that fails is Faulted, and nothing else happens") {
    ResourceWorld world({cmdline("db")});
    world.ends("db", Script::check, 1);
    world.ends("db", Script::start, 3);
    CHECK(world.state("db") == "Faulted");
    check_says(world, 1);
    CHECK(world.state("db") == "OfflineFault");
}

TEST_CASE("what Check does not say within TIMEOUT is a failure") {
    ResourceWorld world({cmdline("db")});
    world.ends("db", Script::check, 1);
    world.pass(100s);
    world.ends("db", Script::start);
    world.ends("db", Script::check, 1);
    for (int i = 0; i < 19; ++i) check_says(world, 1);
    CHECK(world.state("db") == "Wait");
    world.pass(200s);
    CHECK(world.state("db") == "Faulted");
    CHECK(world.at("db").reason == "Start has failed: Check has not said Online within 300s");
}

TEST_CASE("an Online that reports Offline unasked is started once more, and fails when that was in vain") {
    ResourceWorld world = online();
    check_says(world, 1);
    CHECK(world.runs("db") == "start");
    CHECK(world.facts("db", Script::start) == CmdlineFacts{Report::offline, Report::online, {}, true});
    world.ends("db", Script::start);
    (void)world.log();
    (void)world.raised();
    world.ends("db", Script::check, 0);
    CHECK(world.state("db") == "Online");
    CHECK(world.at("db").recovered == 1);
    CHECK(world.log() == Lines{"Resource (db) Online: Start has succeeded"});  // one line, two events
    CHECK(world.raised() == Lines{"state", "recovered"});
    check_says(world, 1);  // once: not re-armed
    CHECK(world.runs("db") == "stop");
    CHECK(world.facts("db", Script::stop) == CmdlineFacts{Report::offline, Report::offline, "FAULT", false});
    world.ends("db", Script::stop);
    world.ends("db", Script::check, 1);
    CHECK(world.state("db") == "OfflineFault");
    world.order(Verb::restore, "db");
    CHECK(world.answered() == 1);
    world.order(Verb::clear, "db");
    CHECK(world.runs("db") == "stop");
    CHECK(world.facts("db", Script::stop).offline_reason == "STOP");
    world.ends("db", Script::stop);
    world.ends("db", Script::check, 1);
    CHECK(world.state("db") == "Offline");
}

TEST_CASE("Stop, and the Check that confirms it, end in Offline; a Stop that fails in Faulted") {
    for (const int status : {0, 1}) {
        CAPTURE(status);
        ResourceWorld world = online();
        world.order(Verb::remove, "db");
        CHECK(world.facts("db", Script::stop) == CmdlineFacts{Report::online, Report::offline, "STOP", false});
        world.ends("db", Script::stop, status);
        if (status == 0) world.ends("db", Script::check, 1);
        CHECK(world.state("db") == (status == 0 ? "Offline" : "Faulted"));
    }
}

TEST_CASE("a report of a Check that began in another step is only noted") {
    ResourceWorld world = online();
    world.pass(10s);
    CHECK(world.runs("db") == "check");
    world.order(Verb::remove, "db");
    CHECK(world.runs("db") == "check stop");
    world.ends("db", Script::stop);
    world.ends("db", Script::check, 1);  // began while it was Online
    CHECK(world.state("db") == "Wait");
    CHECK(world.runs("db") == "check");
    world.ends("db", Script::check, 1);
    CHECK(world.state("db") == "Offline");
}

TEST_CASE("without a Check the scripts alone tell the state") {
    Definition db = without(cmdline("db"), Script::check);
    db.flags = CmdlineFlags{.null_detector = true, .auto_recover = false};
    ResourceWorld world({db});
    CHECK(world.runs("db") == "start");
    world.ends("db", Script::start);
    CHECK(world.state("db") == "Online");
    world.pass(1h);
    CHECK(world.runs("db").empty());
    world.order(Verb::remove, "db");
    world.ends("db", Script::stop);
    CHECK(world.state("db") == "Offline");
}

TEST_CASE("LIEOFFLINE without a Stop is Offline at once, and the report stays beside it") {
    Definition db = without(cmdline("db"), Script::stop);
    db.flags.lie_offline = true;
    ResourceWorld world = online(db);
    world.order(Verb::remove, "db");
    CHECK(world.state("db") == "Offline");
    check_says(world, 0);
    CHECK(world.state("db") == "Offline");
    CHECK(world.at("db").report == Report::online);
    CHECK(world.log() == Lines{"Resource (db) Offline: it counts as Offline: there is no stop script"});
}

TEST_CASE("Online found where Offline was wanted is told once and not supervised") {
    Definition db = cmdline("db");
    db.initial = InitialState::none;
    ResourceWorld world({db});
    world.ends("db", Script::check, 1);
    CHECK(world.state("db") == "Offline");
    (void)world.log();
    for (int i = 0; i < 3; ++i) check_says(world, 0);
    CHECK(world.state("db") == "Offline");
    check_says(world, 1);
    CHECK(world.log() == Lines{"Resource (db) Offline: unexpected Online"});
    CHECK(world.begun() == Lines(5, "db check"));
}

TEST_CASE("MONITORONLY shows a failure, raises it once and leaves the state") {
    Definition db = cmdline("db");
    db.flags.monitor_only = true;
    ResourceWorld world = online(db);
    check_says(world, 1);
    check_says(world, 1);
    CHECK(world.state("db") == "Online");
    CHECK(world.at("db").reason == "Check says Offline");
    CHECK(world.raised() == Lines{"check_failed"});
}

TEST_CASE("hot standby: Start is told what is wanted, and a failing standby side is cut off") {
    Definition db = cmdline("db");
    db.flags.standby_capable = db.flags.all_exit_codes = true;
    db.on_failure = OnFailure::exit;
    db.initial = InitialState::none;
    ResourceWorld world({db});
    world.ends("db", Script::check, 1);
    world.order(Verb::standby, "db");
    CHECK(world.answered() == 0);
    world.ends("db", Script::check, 1);
    CHECK(world.facts("db", Script::start) == CmdlineFacts{Report::offline, Report::standby, {}, false});
    world.ends("db", Script::start);
    world.ends("db", Script::check, 4);
    CHECK(world.state("db") == "Standby");
    world.order(Verb::restore, "db");
    world.ends("db", Script::check, 4);
    CHECK(world.facts("db", Script::start) == CmdlineFacts{Report::standby, Report::online, {}, false});
    world.ends("db", Script::start);
    world.ends("db", Script::check, 0);
    CHECK(world.state("db") == "Online");
    world.order(Verb::remove, "db");
    world.ends("db", Script::stop);
    world.ends("db", Script::check, 1);
    world.order(Verb::standby, "db");
    world.all_well();
    CHECK(world.state("db") == "Standby");
    check_says(world, 1);
    CHECK(world.runs("db") == "stop");
    world.ends("db", Script::stop);
    world.ends("db", Script::check, 1);
    CHECK(world.state("db") == "OfflineFault");
    CHECK_FALSE(world.end());
}

TEST_CASE("a slow Check is run every second tick, a hung one is killed and reports Unknown") {
    ResourceWorld world = online();
    world.pass(10s);
    world.ends("db", Script::check);
    world.pass(10s);
    world.pass(1s);
    world.ends("db", Script::check);
    (void)world.begun();
    world.pass(18s);
    CHECK(world.begun().empty());
    world.pass(1s);
    CHECK(world.begun() == Lines{"db check"});
    world.pass(300s);
    CHECK(world.signal_sent("db", Script::check) == 9);
    world.killed("db", Script::check);
    CHECK(world.state("db") == "Online");
    CHECK(world.at("db").report == Report::unknown);
}

namespace {

Definition hot(std::string tag) {
    Definition definition = cmdline(std::move(tag));
    definition.flags.all_exit_codes = definition.flags.standby_capable = true;
    return definition;
}

ResourceWorld in_standby(Definition definition) {
    definition.initial = InitialState::none;
    ResourceWorld world({std::move(definition)});
    world.ends("db", Script::check, 1);
    world.order(Verb::standby, "db");
    world.ends("db", Script::check, 1);
    world.ends("db", Script::start);
    world.ends("db", Script::check, 4);
    REQUIRE(world.state("db") == "Standby");
    return world;
}

bool any_of(const Lines& lines, std::string_view part) {
    return std::ranges::any_of(lines, [part](const std::string& line) { return line.find(part) != line.npos; });
}

}  // namespace

TEST_CASE("with initial=last what was Standby is Standby again") {
    ResourceWorld world = in_standby(hot("db"));
    const RecordedState was = recorded_state(world.at("db"));
    ResourceWorld next({hot("db")}, {{"db", was}});
    next.ends("db", Script::check, 1);
    if (next.runs("db") == "start") CHECK(next.facts("db", Script::start).intended != Report::online);
}

TEST_CASE("a Standby that is still there when pcheck is started again is left so") {
    ResourceWorld world = in_standby(hot("db"));
    ResourceWorld next({hot("db")}, {{"db", recorded_state(world.at("db"))}});
    next.ends("db", Script::check, 4);
    CHECK(next.runs("db").find("start") == std::string::npos);
}

TEST_CASE("LIEOFFLINE has no effect with a Stop: an unexpected Online is told") {
    Definition db = cmdline("db");
    db.flags.lie_offline = true;
    ResourceWorld world = online(db);
    world.order(Verb::remove, "db");
    world.ends("db", Script::stop);
    world.all_well();
    REQUIRE(world.state("db") == "Offline");
    (void)world.log();
    world.pass(10s);
    world.ends("db", Script::check, 0);
    CHECK(any_of(world.log(), "unexpected Online"));
    CHECK(world.at("db").reason == "unexpected Online");
}

TEST_CASE("check_failures counts bad checks in a row, of a Standby too") {
    Definition db = hot("db");
    db.check_failures = 2;
    ResourceWorld world = in_standby(db);
    for (const int status : {1, 4, 1}) {
        world.pass(20s);
        world.ends("db", Script::check, status);
    }
    CHECK(world.state("db") == "Standby");
}

TEST_CASE("MONITORONLY: an event is a FAULT too, and raised once") {
    Definition db = cmdline("db");
    db.flags.monitor_only = true;
    ResourceWorld world = online(db);
    (void)world.raised();
    for (int i = 0; i < 2; ++i) world.event("disk/full", "db");
    CHECK(world.raised() == Lines{"state"});
    CHECK(world.at("db").reason == "event disk/full");
}

TEST_CASE("beside MONITORONLY: what was told while Online does not hide an unexpected Online") {
    Definition db = cmdline("db");
    db.flags.monitor_only = true;
    ResourceWorld world = online(db);
    world.pass(10s);
    world.ends("db", Script::check, 1);  // told once
    world.order(Verb::remove, "db");
    world.ends("db", Script::stop);
    world.ends("db", Script::check, 1);
    REQUIRE(world.state("db") == "Offline");
    (void)world.log();
    world.pass(10s);
    world.ends("db", Script::check, 0);
    CHECK(any_of(world.log(), "unexpected Online"));
}

TEST_CASE("MONITORONLY: check_failures bad checks are a FAULT, not fewer") {
    Definition db = cmdline("db");
    db.flags.monitor_only = true;
    db.check_failures = 3;
    ResourceWorld world = online(db);
    world.pass(10s);
    world.ends("db", Script::check, 1);
    CHECK(world.at("db").reason != "Check says Offline");
    for (int i = 0; i < 2; ++i) check_says(world, 1);
    CHECK(world.at("db").reason == "Check says Offline");
}

TEST_CASE("in a dry run a fault is not cleared, as that runs Stop") {
    const Now now{Instant(1h), WallTime(400000h), 360000};
    Resources core({cmdline("db")}, Param{}, true, now);
    (void)core.begin({{"db", RecordedState::failed}}, now);
    const auto actions = core.step(Order{.id = 1, .verb = Verb::clear, .target = "db", .duration = {}, .event = {}}, now);
    REQUIRE(actions.size() == 1);
    CHECK(std::get<Answer>(actions.front()).text == "db: nothing is run with --dry-run");
    CHECK(core.find(core.resources().front())->fault);
}

TEST_CASE("a status of Check that has no meaning is logged, once until there is another one") {
    Definition db = hot("db");
    ResourceWorld world = online(db);
    for (const int status : {99, 98, 3, 99}) {
        world.pass(20s);
        world.ends("db", Script::check, status);
    }
    CHECK(world.log() == Lines{"Check failed (db): check status=99", "Check failed (db): check status=99"});
}

TEST_CASE("an AUTORECOVER that was used before is named as the reason why there is none") {
    ResourceWorld world = online();
    check_says(world, 1);
    world.ends("db", Script::start);
    world.ends("db", Script::check, 0);
    check_says(world, 1);
    world.ends("db", Script::stop);
    world.ends("db", Script::check, 1);
    CHECK(world.state("db") == "OfflineFault");
    CHECK(world.at("db").reason == "Check says Offline, AUTORECOVER was used before");
}
