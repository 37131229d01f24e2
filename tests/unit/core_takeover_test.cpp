// SPDX-License-Identifier: Apache-2.0
// Resources that a pcheck takes over from one that was killed, and the time limits of their scripts (spec/state-table.md).
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

ResourceWorld up(std::vector<Definition> definitions) {
    ResourceWorld world(std::move(definitions));
    world.all_well();
    (void)world.log();
    (void)world.begun();
    return world;
}

Definition with(Definition definition, Script script, Duration limit) {
    definition.limits[static_cast<std::size_t>(script)] = limit;
    return definition;
}

Definition null(Definition definition) {
    definition = without(std::move(definition), Script::check);
    definition.flags = CmdlineFlags{.null_detector = true, .auto_recover = false};
    return definition;
}

// A web whose restore, recover or remove runs.
ResourceWorld running(Script script) {
    ResourceWorld world({generic("web")});
    if (script == Script::restore) return world;
    world.ends("web", Script::restore);
    world.order(script == Script::recover ? Verb::recover : Verb::remove, "web");
    return world;
}

bool stands_still(const ResourceWorld& world) { return world.core.next_deadline().value_or(Instant::max()) <= world.now.instant; }

}  // namespace

TEST_CASE("a script that lives is awaited, and its end counts as it would have") {
    for (const auto script : {Script::restore, Script::recover, Script::remove}) {
        for (const int status : {0, 1}) {
            CAPTURE(text_of(script));
            ResourceWorld world = running(script);
            world.adopted(true);
            CHECK(world.runs("web") == text_of(script));
            world.ends("web", script, status);
            CHECK(world.state("web") == (script == Script::remove    ? (status == 0 ? "OSU" : "OSF")
                                         : status == 0               ? "ISP"
                                         : script == Script::restore ? "OSF"
                                                                     : "ISU"));
        }
    }
}

TEST_CASE("a script whose status nobody tells is as one that was gone: restore and remove are begun again, a recovery is checked") {
    for (const auto script : {Script::restore, Script::recover, Script::remove}) {
        CAPTURE(text_of(script));
        ResourceWorld world = running(script);
        world.adopted(true);
        (void)world.log();
        world.ends_unseen("web", script);
        CHECK(world.runs("web") == (script == Script::recover ? "quickCheck" : text_of(script)));
        CHECK(world.log() == Lines{});
    }
    ResourceWorld world = up({generic("web")});
    world.pass(120s);
    world.adopted(true);
    world.ends_unseen("web", Script::quick_check);
    CHECK(world.runs("web") == "quickCheck");
    CHECK(world.at("web").checks == 0);
}

TEST_CASE("a script of cmdline whose status nobody tells is as one that was gone: Start is asked for, Stop begun again, Check too") {
    ResourceWorld world({cmdline("db")});
    world.adopted(true);
    world.ends_unseen("db", Script::check);
    CHECK(world.runs("db") == "check");
    world.ends("db", Script::check, 1);
    REQUIRE(world.runs("db") == "start");
    world.adopted(true);
    world.ends("db", Script::check, 1);
    world.ends_unseen("db", Script::start);
    CHECK(world.runs("db") == "check");
    world.ends("db", Script::check);
    CHECK(world.state("db") == "Online");
    world.order(Verb::remove, "db");
    world.adopted(true);
    world.ends("db", Script::check);
    (void)world.begun();
    world.ends_unseen("db", Script::stop);
    CHECK(world.begun() == Lines{"db stop", "db check"});
}

TEST_CASE("a script that is ended counts as late, also when nobody tells its status") {
    ResourceWorld world({with(generic("web"), Script::restore, 30s)});
    world.adopted(true);
    world.pass(30s);
    world.ends_unseen("web", Script::restore);
    CHECK(world.state("web") == "OSF");
    CHECK(world.at("web").reason == "restore action has failed: timeout=30s");
}

TEST_CASE("a script that was never released is begun, if its goal still allows it") {
    for (const auto script : {Script::restore, Script::recover, Script::remove}) {
        CAPTURE(text_of(script));
        ResourceWorld world = running(script);
        world.adopted_unreleased();
        CHECK(world.runs("web") == text_of(script));
    }
    ResourceWorld world({generic("web")});
    world.order(Verb::remove, "web");  // while its restore is about to begin
    world.adopted_unreleased();
    CHECK(world.runs("web").empty());
    CHECK(world.state("web") == "OSU");
}

TEST_CASE("a recovery that was never released is begun and not counted again, but not while it is paused") {
    for (const bool paused : {false, true}) {
        Definition db = cmdline("db");
        db.recover_limit = RecoverLimit{1, 1h};
        ResourceWorld world = up({db});
        world.event("disk/full", "db");
        CHECK(world.runs("db") == "start");
        if (paused) world.order(Verb::stop, "db");
        world.adopted_unreleased();
        CHECK(world.runs("db") == (paused ? "" : "start check"));
        CHECK(world.at("db").recoveries.size() == 1);
    }
}

TEST_CASE("a restore whose end was missed is followed by remove when that is what is wanted now") {
    ResourceWorld world({generic("web")});
    world.order(Verb::remove, "web");
    world.adopted(false);
    CHECK(world.runs("web") == "remove");
    world.ends("web", Script::remove);
    CHECK(world.state("web") == "OSU");
}

TEST_CASE("a Stop whose end was missed is begun again, and both have the time of one") {
    ResourceWorld world = up({cmdline("db")});
    world.order(Verb::remove, "db");
    world.pass(200s);
    world.adopted(false);
    world.pass(50s);
    world.adopted(false);
    CHECK(world.runs("db") == "stop check");
    CHECK(world.at("db").run->deadline == world.now.instant + 50s);
    world.ends("db", Script::stop);
    for (int i = 0; i < 2; ++i) world.ends("db", Script::check, 1);  // the first one began beside Stop
    REQUIRE(world.state("db") == "Offline");
    world.order(Verb::restore, "db");
    world.all_well();
    world.order(Verb::remove, "db");
    CHECK(world.at("db").run->deadline == world.now.instant + 300s);
}

TEST_CASE("checks come in their intervals however often pcheck is killed") {
    Definition web = generic("web");
    web.quick_interval = {};
    ResourceWorld world = up({web});
    for (int i = 0; i < 3; ++i) {
        world.pass(99s);
        world.adopted(false);
        world.ends("web", Script::quick_check);  // at once: nobody has looked meanwhile
    }
    world.pass(3s);
    CHECK(world.runs("web") == "deepCheck");
}

TEST_CASE("a Start whose end was missed is confirmed by Check, or, without one, is believed") {
    ResourceWorld world({cmdline("db")});
    world.ends("db", Script::check, 1);
    world.adopted(false);
    CHECK(world.runs("db") == "check");
    CHECK(world.state("db") == "Wait");
    world.ends("db", Script::check);
    CHECK(world.state("db") == "Online");

    ResourceWorld blind({null(cmdline("db"))});
    blind.adopted(false);
    CHECK(blind.state("db") == "Online");
}

TEST_CASE("a failure survives a kill: what was on its way out goes on, and pcheck ends") {
    for (const bool live : {true, false}) {
        CAPTURE(live);
        Definition db = generic("db", {"fs"});
        db.on_failure = OnFailure::exit;
        ResourceWorld world = up({generic("web", {"db"}), without(db, Script::recover), generic("fs")});
        world.order(Verb::check, "db");
        world.ends("db", Script::quick_check, 1);
        world.adopted(live);
        REQUIRE(world.core.ending());
        CHECK(world.runs("web") == "remove");
        world.ends("web", Script::remove);
        world.adopted(live);
        CHECK(world.runs("db") == "remove");
        world.ends("db", Script::remove);
        world.ends("fs", Script::remove);
        REQUIRE(world.end());
        CHECK(world.end()->exit_status == 1);
        CHECK(world.end()->reason == "on_failure exit (db)");
        CHECK(world.state("db") == "OSF");
    }
}

TEST_CASE("a failure that is taken over ends what a changed pfile has put on its way in above it") {
    const Definition db = without(generic("db"), Script::recover);
    ResourceWorld world({generic("web"), db});
    world.ends("db", Script::restore);
    world.order(Verb::check, "db");
    world.ends("db", Script::quick_check, 1);
    world.edit({generic("web", {"db"}), db});
    world.adopted(true);
    CHECK(world.signal_sent("web", Script::restore) == 15);
}

TEST_CASE("a recovery that fails while it is paused is a reason only, and is judged again when it goes on") {
    ResourceWorld world = up({generic("web")});
    world.order(Verb::recover, "web");
    world.order(Verb::stop, "web");
    world.ends("web", Script::recover, 1);
    CHECK(world.state("web") == "ISU");
    CHECK(world.at("web").reason == "recover action has failed: status=1");
    CHECK(world.at("web").goal == Goal::none);
    world.order(Verb::start, "web");
    CHECK(world.runs("web") == "quickCheck");

    ResourceWorld cold = up({cmdline("db")});
    cold.order(Verb::recover, "db");
    cold.order(Verb::stop, "db");
    cold.ends("db", Script::start, 1);
    CHECK(cold.state("db") == "Deact");
    CHECK(cold.at("db").goal == Goal::none);
    cold.order(Verb::start, "db");
    CHECK(cold.state("db") == "Online");
    CHECK(cold.runs("db") == "check");
}

TEST_CASE("a remove that failed with remove_failure=stay keeps pcheck after a kill too") {
    for (const bool by_order : {true, false}) {
        Definition db = without(generic("db", {"fs"}), Script::recover);
        db.on_failure = OnFailure::exit;
        db.stay_when_not_removed = true;
        ResourceWorld world = up({db, generic("fs")});
        if (by_order) {
            world.shutdown_remove();
        } else {
            world.order(Verb::check, "db");
            world.ends("db", Script::quick_check, 1);
        }
        world.ends("db", Script::remove, 1);
        world.adopted(true);
        CHECK(world.core.ending());
        CHECK(world.runs("fs") == "remove");
        if (by_order) world.ends("db", Script::remove, 1);  // of all again
        world.ends("fs", Script::remove);
        CHECK_FALSE(world.end());
        CHECK_FALSE(world.core.ending());
    }
}

TEST_CASE("what could not be removed keeps pcheck no longer when it is removed after all") {
    Definition db = generic("db");
    db.stay_when_not_removed = true;
    ResourceWorld world = up({db, generic("fs")});
    world.shutdown_remove();
    world.ends("db", Script::remove, 1);
    world.adopted(true);
    world.ends("db", Script::remove);
    CHECK_FALSE(world.end());
    world.ends("fs", Script::remove);
    CHECK(world.end());
}

TEST_CASE("an ending that was recorded ahead of its failure waits until the tree is out") {
    Definition db = generic("db", {"fs"});
    db.on_failure = OnFailure::exit;
    ResourceWorld world = up({generic("web", {"db"}), db, generic("fs")});
    RecordedResources recorded;
    for (const ResourceKey key : world.core.all()) recorded.resources.push_back(*world.core.find(key));
    recorded.ending = ResourceEnding{.exit_status = 1, .reason = "on_failure exit (db)", .order = 0, .stay = 0, .by = world.at("db").key};
    world.core = Resources({generic("web", {"db"}), db, generic("fs")}, Param{}, false, world.now);
    world.core.adopt(std::move(recorded), world.now);
    world.step(Adopted{});
    CHECK_FALSE(world.end());
    for (const std::string tag : {"web", "db", "fs"}) {
        world.killed(tag, Script::quick_check);
        REQUIRE(world.runs(tag) == "remove");
        world.ends(tag, Script::remove);
    }
    REQUIRE(world.end());
    CHECK(world.state("db") == "OSF");
}

TEST_CASE("shutdown remove survives a kill, and nobody is answered twice") {
    ResourceWorld world = up({generic("web"), generic("other")});
    world.shutdown_remove();
    world.ends("web", Script::remove);
    world.adopted(false);
    CHECK(world.runs("other") == "remove");
    world.ends("other", Script::remove);
    REQUIRE(world.end());
    CHECK(world.end()->order == 0);
    CHECK(world.answers().empty());
}

TEST_CASE("a removed resource whose script lives is adopted as removed, and a new one of its tag waits") {
    ResourceWorld world({generic("fs")});
    world.reload({cmdline("fs")});
    world.reload({generic("fs")});
    CHECK(world.begun() == Lines{"fs restore"});
    world.adopted(true);
    CHECK(world.begun().empty());
    CHECK(world.at("fs").goal == Goal::in);
    world.ends("fs", Script::restore);
    CHECK(world.begun() == Lines{"fs restore"});
}

TEST_CASE("a takeover with another pfile: a changed kind is another resource, a detector that is gone is not waited for") {
    ResourceWorld world({generic("web"), cmdline("db")});
    world.edit({cmdline("web"), null(cmdline("db"))});
    world.adopted(true);
    CHECK(world.core.all().size() == 3);
    CHECK(world.state("web") == "Unknown");
    CHECK(world.runs("db") == "check start");  // it was asked whether it is there; the Check is killed
    CHECK(world.signal_sent("db", Script::check) == 9);
}

TEST_CASE("an interval that was switched off while a check ran is off after a takeover") {
    ResourceWorld world = up({generic("web")});
    world.pass(120s);
    Definition web = generic("web");
    web.quick_interval = web.deep_interval = {};
    world.edit({web});
    world.adopted(true);
    world.pass(1h);
    CHECK_FALSE(stands_still(world));
    CHECK(world.begun() == Lines{"web quickCheck"});
}

TEST_CASE("what a changed pfile does not name any more is told if it is in service, once, and a check of it is ended") {
    ResourceWorld world = up({generic("web"), generic("other")});
    world.order(Verb::check, "web");
    world.edit({cmdline("web"), generic("other")});
    world.adopted(true);
    CHECK(world.log() == Lines{"Left running: application (web)"});
    CHECK(world.signal_sent("web", Script::quick_check) == 9);
    world.adopted(true);
    CHECK(world.log() == Lines{});
    world.killed("web", Script::quick_check);
    CHECK(world.runs("web") == "check");

    ResourceWorld idle = up({generic("web"), generic("other")});
    idle.edit({generic("other")});
    idle.adopted(false);
    CHECK(idle.log() == Lines{"Left running: application (web)"});
    CHECK(idle.core.all().size() == 1);
}

TEST_CASE("what a dump says of a removed resource is not said of the one that has its tag now") {
    ResourceWorld world({generic("fs")});
    world.reload({cmdline("fs")});  // its restore still runs
    std::vector<ResourceRecord> records{record_of(world.at("fs"), false)};
    for (const ResourceKey key : world.core.all()) {
        if (world.core.is_leaving(key)) records.push_back(record_of(*world.core.find(key), true));
    }
    REQUIRE(records.size() == 2);
    records.front().state = ResourceState::offline_fault;
    records.front().goal = Goal::none;
    CHECK(recorded_states(records).at("fs") == RecordedState::failed);
}

// ---- what keeps running ----

TEST_CASE("a cmdline resource is checked from the start, whatever it was and whatever it waits for") {
    for (const auto recorded : {RecordedState::in, RecordedState::out, RecordedState::failed}) {
        ResourceWorld world({cmdline("db", {"fs"}), generic("fs")}, {{"db", recorded}});
        CHECK(world.runs("db") == "check");
    }
    ResourceWorld world({cmdline("db", {"fs"}), generic("fs")});
    world.ends("fs", Script::restore, 1);
    CHECK(world.at("db").goal == Goal::none);
    world.ends("db", Script::check, 1);
    CHECK(world.state("db") == "Offline");
    world.pass(10s);
    CHECK(world.runs("db") == "check");
}

TEST_CASE("a tick that comes while an ordered Check runs is past") {
    ResourceWorld world = up({cmdline("db")});
    world.pass(5s);
    world.order(Verb::check, "db");
    world.pass(20s);
    CHECK_FALSE(stands_still(world));
    world.ends("db", Script::check);
    world.pass(20s);
    CHECK(world.runs("db") == "check");
}

TEST_CASE("no Check runs beside one that cannot be ended, Start does without it, and Check goes on when that one is gone") {
    ResourceWorld world({with(cmdline("db"), Script::check, 5s)});
    world.pass(5s + 10s);
    CHECK(world.runs("db") == "check start");
    world.order(Verb::check, "db");
    CHECK(world.answered() == 1);
    world.ends("db", Script::start);
    world.pass(300s);
    CHECK(world.state("db") == "Faulted");
    world.order(Verb::clear, "db");
    world.ends("db", Script::stop);
    world.pass(300s);
    world.killed("db", Script::check);
    CHECK(world.runs("db") == "check");
    CHECK_FALSE(stands_still(world));
}

TEST_CASE("what waits for a Check that a reload takes away is there without it") {
    const Definition blind = null(cmdline("db"));
    const auto waiting = [](Step step) {
        ResourceWorld world({cmdline("db")});
        if (step == Step::asked) return world;
        world.ends("db", Script::check, 1);
        world.ends("db", Script::start);
        if (step == Step::started) return world;
        world.ends("db", Script::check);
        world.order(Verb::remove, "db");
        world.ends("db", Script::stop);
        return world;
    };
    for (const Step step : {Step::asked, Step::started, Step::stopped}) {
        ResourceWorld world = waiting(step);
        CHECK(world.at("db").step == step);
        world.reload({blind});
        CHECK(world.state("db") == (step == Step::asked ? "Wait" : step == Step::started ? "Online" : "Offline"));
        CHECK(world.at("db").runs(Script::start) == (step == Step::asked));
    }
}

TEST_CASE("a pause that is over before the check that it ended is followed by another check at once") {
    ResourceWorld world = up({generic("web"), cmdline("db")});
    world.order(Verb::check, "web");
    world.order(Verb::check, "db");
    for (const std::string tag : {"web", "db"}) {
        world.order(Verb::stop, tag);
        world.order(Verb::start, tag);
    }
    (void)world.begun();
    world.killed("web", Script::quick_check);
    world.killed("db", Script::check);
    CHECK(world.begun() == Lines{"web quickCheck", "db check"});
    CHECK(world.at("web").bad_checks + world.at("db").bad_checks == 0);
}

// ---- time limits ----

TEST_CASE("without a limit nothing is ended, but a script that runs for long is told, also of a removed resource") {
    Param param;
    param.remind_interval = 1h;
    ResourceWorld world({generic("web")}, {}, param);
    world.pass(300s);
    CHECK(world.log() == Lines{"Script still running (web ,pid=50001): restore for 300s"});
    world.reload({});
    world.pass(1h);
    CHECK(world.log().size() == 1);
    CHECK_FALSE(stands_still(world));
    CHECK(world.runs("web") == "restore");
}

TEST_CASE("the limits of Linux: a check that is late is good, another script that is late has failed") {
    ResourceWorld world = up({with(with(generic("web"), Script::quick_check, 30s), Script::recover, 40s)});
    world.pass(120s + 30s);
    world.killed("web", Script::quick_check);
    CHECK(world.state("web") == "ISP");
    CHECK(world.at("web").last_check == "timeout=30s");
    world.order(Verb::recover, "web");
    world.pass(40s);
    CHECK(world.signal_sent("web", Script::recover) == 15);
    world.pass(5s);
    CHECK(world.signal_sent("web", Script::recover) == 9);
    world.killed("web", Script::recover);
    CHECK(world.runs("web") == "remove");
    CHECK(world.at("web").failure == "recover action has failed: timeout=40s");
}

TEST_CASE("the derived limits of Windows: the quick check its interval, the deep one twice its own, and both go on after it") {
    Definition web = with(with(generic("web"), Script::quick_check, 120s), Script::deep_check, 600s);
    ResourceWorld world = up({web});
    world.pass(240s);
    CHECK(world.signal_sent("web", Script::quick_check) == 9);
    world.killed("web", Script::quick_check);
    world.pass(60s);
    CHECK(world.runs("web") == "deepCheck");
    world.pass(600s);
    CHECK(world.signal_sent("web", Script::deep_check) == 9);
    world.killed("web", Script::deep_check);
    world.pass(120s);
    CHECK(world.runs("web") == "quickCheck");
    CHECK(world.state("web") == "ISP");
    CHECK(world.at("web").bad_checks == 0);
}

TEST_CASE("TIMEOUT of Cmdline holds for Start and for the Check that confirms it together, check_timeout for each Check") {
    ResourceWorld world({with(cmdline("db"), Script::check, 20s)});
    world.ends("db", Script::check, 1);
    world.pass(290s);
    world.ends("db", Script::start);
    world.pass(10s);
    CHECK(world.state("db") == "Faulted");

    ResourceWorld late({cmdline("db")});
    late.ends("db", Script::check, 1);
    late.pass(300s);
    CHECK(late.signal_sent("db", Script::start) == 15);
    late.killed("db", Script::start, 15);
    CHECK(late.at("db").reason == "Start has failed: timeout=300s");
}

TEST_CASE("an adopted resource keeps its number, whatever its place in the pfile is now") {
    ResourceWorld world({generic("web", {"db"}), generic("db")});
    world.all_well();
    const ResourceKey web = world.at("web").key, db = world.at("db").key;
    world.edit({generic("new"), generic("db"), generic("web", {"db"})});
    world.adopted(true);
    CHECK(world.at("web").key == web);
    CHECK(world.at("db").key == db);
    CHECK(world.at("new").key > std::max(web, db));
    CHECK(world.runs("new") == "restore");
    CHECK(world.at("new").resource_id == 1);
    CHECK(world.at("db").resource_id == 2);
    CHECK(world.at("web").resource_id == 3);
    world.order(Verb::remove, "db");
    world.killed("web", Script::quick_check);
    CHECK(world.runs("web") == "remove");
}
