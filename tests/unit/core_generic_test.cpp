// SPDX-License-Identifier: Apache-2.0
// spec/state-table.md, generic: one resource, its scripts and checks.
#include <doctest/doctest.h>

#include <chrono>

#include "tests/fake/resource_world.hpp"

using namespace banken;
using namespace banken::core;
using namespace std::chrono_literals;
using Script = ResourceScript;
using Lines = std::vector<std::string>;

namespace {

// In service, with an empty log.
ResourceWorld in_service(Definition definition = generic("web"), Param param = {}) {
    ResourceWorld world({std::move(definition)}, {}, std::move(param));
    world.all_well();
    (void)world.log();
    (void)world.raised();
    (void)world.begun();
    return world;
}

Definition with(Definition definition, ResourceScript script, Duration limit) {
    definition.limits[static_cast<std::size_t>(script)] = limit;
    return definition;
}

}  // namespace

TEST_CASE("a resource is restored at the start, and is in service when its script ends well") {
    ResourceWorld world({generic("web")});
    CHECK(world.state("web") == "OSU");
    CHECK(world.runs("web") == "restore");
    CHECK(world.at("web").reason == "restore action is running");
    world.ends("web", Script::restore);
    CHECK(world.state("web") == "ISP");
    CHECK(world.log() == Lines{"Resource (web) ISP: restore action has succeeded"});
    CHECK(world.raised() == Lines{"state"});
    CHECK(world.at("web").goal == Goal::none);
}

TEST_CASE("a restore that fails leaves it out of service, and is not tried again") {
    ResourceWorld world({generic("web")});
    world.ends("web", Script::restore, 1);
    CHECK(world.state("web") == "OSF");
    CHECK(world.log() == Lines{"Script failed (web): restore status=1", "Resource (web) OSF: restore action has failed: status=1"});
    world.pass(24h);
    CHECK(world.runs("web").empty());
}

TEST_CASE("what the dump says decides what is restored") {
    const auto begins = [](InitialState initial, std::optional<RecordedState> recorded) {
        Definition web = generic("web");
        web.initial = initial;
        RecordedStates states;
        if (recorded) states["web"] = *recorded;
        const ResourceWorld world({web}, states);
        return world.state("web") + " " + world.runs("web");
    };
    CHECK(begins(InitialState::last, {}) == "OSU restore");
    CHECK(begins(InitialState::last, RecordedState::in) == "OSU restore");
    CHECK(begins(InitialState::last, RecordedState::out) == "OSU ");
    CHECK(begins(InitialState::last, RecordedState::failed) == "OSF ");
    CHECK(begins(InitialState::restore, RecordedState::out) == "OSU restore");
    CHECK(begins(InitialState::restore, RecordedState::failed) == "OSF ");
    CHECK(begins(InitialState::none, RecordedState::in) == "OSU ");
}

TEST_CASE("it is checked at its intervals, and the deep check goes before the quick one") {
    ResourceWorld world = in_service();
    world.pass(119s);
    CHECK(world.runs("web").empty());
    world.pass(1s);
    CHECK(world.runs("web") == "quickCheck");
    world.ends("web", Script::quick_check);
    CHECK(world.at("web").last_check == "ok");
    world.pass(120s);
    world.ends("web", Script::quick_check);
    world.pass(60s);  // 300 s
    CHECK(world.runs("web") == "deepCheck");
    world.ends("web", Script::deep_check);
    world.pass(60s);
    world.ends("web", Script::quick_check);
    world.pass(240s);  // 600 s: both are due
    CHECK(world.begun() == Lines{"web quickCheck", "web quickCheck", "web deepCheck", "web quickCheck", "web quickCheck"});
    world.ends("web", Script::quick_check);
    CHECK(world.log().empty());
}

TEST_CASE("a bad check is followed by recover, and a recover that ends well puts it back in service") {
    ResourceWorld world = in_service();
    world.pass(120s);
    world.ends("web", Script::quick_check, 1);
    CHECK(world.runs("web") == "recover");
    CHECK(world.state("web") == "ISP");
    CHECK(world.raised() == Lines{"check_failed -A"});
    world.ends("web", Script::recover);
    CHECK(world.state("web") == "ISP");
    CHECK(world.at("web").recovered == 1);
    CHECK(world.raised() == Lines{"recovered"});
    CHECK(world.log() == Lines{"Check failed (web): quickCheck status=1", "Resource (web) ISP: recover action has succeeded"});
}

TEST_CASE("a recover that fails, or that is not there, takes it out of service as failed") {
    for (const bool there : {true, false}) {
        CAPTURE(there);
        ResourceWorld world = in_service(there ? generic("web") : without(generic("web"), Script::recover));
        world.pass(120s);
        world.ends("web", Script::quick_check, 1);
        if (there) world.ends("web", Script::recover, 1);
        CHECK(world.runs("web") == "remove");
        CHECK(world.state("web") == "ISU");
        world.ends("web", Script::remove);
        CHECK(world.state("web") == "OSF");
        CHECK_FALSE(world.end());
        const Lines raised = world.raised();
        CHECK(std::ranges::count(raised, "recovery_failed") == 1);
    }
}

TEST_CASE("on_failure ends pcheck when the tree is out") {
    Definition web = generic("web");
    web.on_failure = OnFailure::exit;
    ResourceWorld world = in_service(web);
    world.pass(120s);
    world.ends("web", Script::quick_check, 1);
    world.ends("web", Script::recover, 1);
    CHECK_FALSE(world.end());
    world.ends("web", Script::remove);
    REQUIRE(world.end());
    CHECK(world.end()->exit_status == 1);
    CHECK(world.end()->reason == "on_failure exit (web)");
}

TEST_CASE("only check_failures bad checks of one kind in a row are followed by recover") {
    Definition web = generic("web");
    web.check_failures = 2;
    ResourceWorld world = in_service(web);
    world.pass(120s);
    world.ends("web", Script::quick_check, 1);
    world.pass(120s);
    world.ends("web", Script::quick_check);
    world.pass(60s);
    world.ends("web", Script::deep_check, 1);
    world.pass(60s);
    world.ends("web", Script::quick_check, 1);
    CHECK(world.runs("web").empty());
    world.pass(120s);
    world.ends("web", Script::quick_check, 3);
    CHECK(world.runs("web") == "recover");
}

TEST_CASE("a check that takes too long is killed and counts as good, unless the definition says bad") {
    for (const bool bad : {false, true}) {
        CAPTURE(bad);
        Definition web = with(generic("web"), Script::quick_check, 30s);
        web.check_timeout_is_bad = bad;
        ResourceWorld world = in_service(web);
        world.pass(150s);
        CHECK(world.signal_sent("web", Script::quick_check) == 9);
        world.killed("web", Script::quick_check);
        CHECK(world.log().front() == "Check failed (web): quickCheck timeout=30s");
        CHECK(world.raised().front() == (bad ? "check_timeout -A" : "check_timeout"));
        CHECK(world.runs("web") == (bad ? "recover" : ""));
    }
}

TEST_CASE("another script that takes too long gets TERM, then KILL, and has failed") {
    ResourceWorld world({with(generic("web"), Script::restore, 60s)});
    world.pass(60s);
    CHECK(world.signal_sent("web", Script::restore) == 15);
    world.pass(5s);
    CHECK(world.signal_sent("web", Script::restore) == 9);
    world.killed("web", Script::restore);
    CHECK(world.state("web") == "OSF");
    CHECK(world.log().front() == "Script failed (web): restore timeout=60s");
}

TEST_CASE("beside a script that cannot be ended no other begins, and a remove fails at once") {
    ResourceWorld world({with(generic("web"), Script::restore, 60s)});
    world.pass(75s);
    CHECK(world.state("web") == "OSF");
    CHECK(world.log().front() == "Cannot be ended (web ,pid=50001)");
    world.order(Verb::restore, "web");
    CHECK(world.answered() == 1);
    world.order(Verb::remove, "web");
    CHECK(world.answered() == 0);
    CHECK(world.state("web") == "OSF");
    world.killed("web", Script::restore);
    world.order(Verb::restore, "web");
    CHECK(world.runs("web") == "restore");
}

TEST_CASE("remove is announced as ISU, and its end as OSU") {
    ResourceWorld world = in_service();
    world.order(Verb::remove, "web");
    CHECK(world.answered() == 0);
    CHECK(world.state("web") == "ISU");
    world.ends("web", Script::remove);
    CHECK(world.state("web") == "OSU");
    CHECK(world.log() == Lines{"Resource (web) ISU: remove action is running", "Resource (web) OSU: remove action has succeeded"});
}

TEST_CASE("a remove that fails leaves it failed and is told as such") {
    ResourceWorld world = in_service();
    world.order(Verb::remove, "web");
    world.ends("web", Script::remove, 1);
    CHECK(world.state("web") == "OSF");
    CHECK(world.raised().back() == "remove_failed");
}

TEST_CASE("a check that runs is ended before remove, and what it says means nothing") {
    ResourceWorld world = in_service();
    world.pass(120s);
    world.order(Verb::remove, "web");
    CHECK(world.signal_sent("web", Script::quick_check) == 9);
    CHECK(world.runs("web") == "quickCheck");
    world.ends("web", Script::quick_check, 1);
    CHECK(world.runs("web") == "remove");
    CHECK(world.at("web").bad_checks == 0);
}

TEST_CASE("a paused resource is shown as ISU, is not checked, and is checked at once when it goes on") {
    ResourceWorld world = in_service();
    world.order(Verb::stop, "web", 30min);
    CHECK(world.state("web") == "ISU");
    world.pass(29min);
    CHECK(world.begun().empty());
    world.pass(1min);
    CHECK(world.state("web") == "ISP");
    CHECK(world.runs("web") == "quickCheck");
}

TEST_CASE("more recoveries than recover_limit allows are a failure at once") {
    Definition web = generic("web");
    web.recover_limit = RecoverLimit{1, 1h};
    ResourceWorld world = in_service(web);
    world.order(Verb::recover, "web");  // not counted
    world.ends("web", Script::recover);
    for (const bool first : {true, false}) {
        CAPTURE(first);
        world.pass(120s);
        world.ends("web", Script::quick_check, 1);
        CHECK(world.runs("web") == (first ? "recover" : "remove"));
        if (first) world.ends("web", Script::recover);
    }
}

TEST_CASE("an event for a resource begins its recovery") {
    ResourceWorld world = in_service();
    world.event("filesys/diskfull", "web");
    CHECK(world.answered() == 0);
    CHECK(world.runs("web") == "recover");
    CHECK(world.log() == Lines{"Resource (web) ISP: event filesys/diskfull"});
    world.event("filesys/diskfull", "web");
    CHECK(world.answered() == 1);
    CHECK(world.log().empty());
}

TEST_CASE("clear lets a failed resource be restored, and forgets its counters") {
    ResourceWorld world({generic("web")});
    world.ends("web", Script::restore, 1);
    world.order(Verb::clear, "web");
    CHECK(world.answered() == 0);
    CHECK(world.state("web") == "OSU");
    world.order(Verb::restore, "web");
    CHECK(world.runs("web") == "restore");
    (void)world.answers();
    world.order(Verb::clear, "web");
    CHECK(world.answered() == 1);
}

TEST_CASE("a recovery whose script a reload took away begins no script that is not there") {
    ResourceWorld world = in_service(generic("web"));
    world.order(Verb::check, "web");
    world.order(Verb::recover, "web");  // waits for the end of the check
    REQUIRE(world.at("web").goal == Goal::recover);
    world.reload({without(generic("web"), Script::recover)});
    world.killed("web", Script::quick_check);
    CHECK(world.runs("web").find("recover") == std::string::npos);
}

TEST_CASE("what is ended before its limit is not told as having reached it") {
    Definition web = generic("web", {"db"});
    web.limits[static_cast<std::size_t>(Script::restore)] = 300s;
    ResourceWorld world({web, without(generic("db"), Script::recover)});
    world.ends("db", Script::restore);
    REQUIRE(world.runs("web") == "restore");
    world.order(Verb::check, "db");
    world.ends("db", Script::quick_check, 1);
    (void)world.log();
    world.killed("web", Script::restore, 15);
    CHECK(world.log().front() == "Script failed (web): restore timeout=0s");
}

TEST_CASE("what is out and cannot begin a script has nothing to remove") {
    Definition fs = cmdline("fs");
    fs.initial = InitialState::none;
    fs.flags.null_detector = true;
    fs = without(fs, Script::check);
    ResourceWorld world({generic("web"), generic("fs")});
    world.ends("web", Script::restore);
    REQUIRE(world.runs("fs") == "restore");
    world.reload({generic("web", {"fs"}), fs});  // web is in service above one that is out
    REQUIRE(world.state("fs") == "Offline");
    world.order(Verb::remove, "fs");
    world.ends("web", Script::remove);
    CHECK(world.state("fs") == "Offline");
}

TEST_CASE("a recovery that failed while paused, of one without checks, is judged again at start") {
    ResourceWorld world = in_service(without(without(generic("web"), Script::quick_check), Script::deep_check));
    world.order(Verb::recover, "web");
    world.order(Verb::stop, "web");
    world.ends("web", Script::recover, 1);
    world.order(Verb::start, "web");
    CHECK(world.runs("web") == "remove");
}

TEST_CASE("a check without an interval is not told as late after two of them") {
    Definition web = generic("web");
    web.deep_interval = {};
    ResourceWorld world = in_service(web);
    world.pass(110s);
    world.step(Order{.id = 99, .verb = Verb::check, .target = "web", .duration = {}, .event = {}, .deep = true});
    REQUIRE(world.runs("web") == "deepCheck");
    world.pass(10s);
    CHECK(world.log() == Lines{});
}

TEST_CASE("a deep check that is ordered while a quick one runs follows it") {
    ResourceWorld world = in_service();
    world.pass(120s);
    REQUIRE(world.runs("web") == "quickCheck");
    world.step(Order{.id = 99, .verb = Verb::check, .target = "web", .duration = {}, .event = {}, .deep = true});
    world.ends("web", Script::quick_check);
    CHECK(world.runs("web") == "deepCheck");
}

TEST_CASE("resource_id is the place in the file") {
    ResourceWorld world({generic("a"), generic("b"), generic("c")});
    CHECK(world.at("a").resource_id == 1);
    CHECK(world.at("c").resource_id == 3);
}

TEST_CASE("a recover_limit that is used up is named as the reason why there is no recovery") {
    Definition web = generic("web");
    web.recover_limit = RecoverLimit{1, 3600s};
    ResourceWorld world = in_service(web);
    for (int i = 0; i < 2; ++i) {
        world.pass(120s);
        world.ends("web", Script::quick_check, 1);
        if (i == 0) world.ends("web", Script::recover);
    }
    world.ends("web", Script::remove);
    CHECK(world.at("web").reason == "quickCheck has failed: status=1, recover_limit 1/3600 is used up");
}

TEST_CASE("one that has failed, or is paused, is reminded of") {
    Param param;
    param.remind_interval = 60s;
    ResourceWorld world({without(generic("web"), Script::quick_check)}, {}, param);
    world.ends("web", Script::restore, 2);
    (void)world.log();
    world.pass(130s);
    CHECK(world.log() == Lines{"Reminder: (web) OSF for 60s: restore action has failed: status=2",
                               "Reminder: (web) OSF for 120s: restore action has failed: status=2"});
    world.adopted(false);
    world.pass(60s);
    CHECK(world.log().size() == 1);
    world.order(Verb::restore, "web");
    world.ends("web", Script::restore);
    world.order(Verb::stop, "web");
    (void)world.log();
    world.pass(60s);
    CHECK(world.log() == Lines{"Reminder: (web) paused for 60s: restore action has succeeded"});
    world.order(Verb::start, "web");
    (void)world.log();
    world.pass(60s);
    CHECK(world.log() == Lines{});
}
