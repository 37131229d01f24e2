// SPDX-License-Identifier: Apache-2.0
// Trees of resources (spec/state-table.md, goals and procedures): who waits for whom, and what a failure takes along.
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

// In service, with an empty log.
ResourceWorld up(std::vector<Definition> definitions) {
    ResourceWorld world(std::move(definitions));
    world.all_well();
    (void)world.log();
    (void)world.raised();
    (void)world.begun();
    return world;
}

Definition out(Definition definition) {
    definition.initial = InitialState::none;
    return definition;
}

Definition hot(std::string tag, std::vector<std::string> depends = {}) {
    Definition one = out(cmdline(std::move(tag), std::move(depends)));
    one.flags.standby_capable = one.flags.all_exit_codes = true;
    return one;
}

Definition ending(Definition definition, OnFailure on_failure = OnFailure::exit) {
    definition.on_failure = on_failure;
    return definition;
}

// Without anything that would run by itself.
Definition unchecked(Definition definition) {
    definition.quick_interval = definition.deep_interval = {};
    return definition;
}

Definition null(Definition definition) {
    definition = without(std::move(definition), Script::check);
    definition.flags = CmdlineFlags{.null_detector = true, .auto_recover = false};
    return definition;
}

void fails(ResourceWorld& world, std::string_view tag) {
    world.order(Verb::check, std::string(tag));
    const bool generic = world.at(tag).is_generic();
    world.ends(tag, generic ? Script::quick_check : Script::check, 1);
    (void)world.answers();
    if (world.at(tag).run) world.ends(tag, generic ? Script::recover : Script::start, 1);
}

std::string answer_of(ResourceWorld& world) {
    const auto answers = world.answers();
    REQUIRE(answers.size() == 1);
    return answers.front().text;
}

}  // namespace

TEST_CASE("a tree of both kinds is restored from its leaves to its root, and removed from its root to its leaves") {
    ResourceWorld world({generic("web", {"db"}), cmdline("db", {"fs"}), generic("fs")});
    CHECK(world.runs("fs") == "restore");
    CHECK(world.runs("web").empty());
    CHECK(world.runs("db") == "check");  // it only looks
    world.ends("db", Script::check, 1);
    world.ends("fs", Script::restore);
    CHECK(world.runs("db") == "check");
    world.ends("db", Script::check, 1);
    CHECK(world.runs("db") == "start");
    world.ends("db", Script::start);
    CHECK(world.runs("web").empty());
    world.ends("db", Script::check);
    CHECK(world.runs("web") == "restore");
    world.ends("web", Script::restore);

    world.order(Verb::remove, "fs");
    CHECK(world.runs("web") == "remove");
    CHECK(world.runs("fs").empty());
    world.ends("web", Script::remove);
    CHECK(world.runs("db") == "stop");
    CHECK(world.runs("fs").empty());
    world.ends("db", Script::stop);
    world.ends("db", Script::check, 1);
    CHECK(world.runs("fs") == "remove");
    world.ends("fs", Script::remove);
    CHECK(world.state("web") + world.state("db") + world.state("fs") == "OSUOfflineOSU");
}

TEST_CASE("a parent whose scripts do nothing bundles several roots, which come and go beside each other") {
    Definition bundle = generic("all", {"a", "b"});
    for (const auto script : {Script::restore, Script::remove})
        bundle.scripts[static_cast<std::size_t>(script)] = {{"/bin/true"}, "/bin/true"};
    ResourceWorld world({unchecked(bundle), unchecked(generic("a")), unchecked(generic("b"))});
    CHECK(world.runs("a") + world.runs("b") + world.runs("all") == "restorerestore");
    world.ends("a", Script::restore);
    CHECK(world.runs("all").empty());
    world.ends("b", Script::restore);
    world.ends("all", Script::restore);
    world.order(Verb::remove, "a");
    world.ends("all", Script::remove);
    CHECK(world.runs("a") + world.runs("b") == "remove");
    CHECK(world.state("b") == "ISP");
}

TEST_CASE("a shared child is restored once, stays while another parent needs it, and takes both along") {
    ResourceWorld world = up({generic("a", {"fs"}), generic("b", {"fs"}), generic("fs")});
    world.order(Verb::remove, "a");
    world.all_well();
    CHECK(world.begun() == Lines{"a remove"});
    CHECK(world.state("fs") == "ISP");
    world.order(Verb::restore, "a");
    world.all_well();
    CHECK(world.begun() == Lines{"a restore"});
    world.order(Verb::remove, "fs");
    CHECK(world.runs("a") + world.runs("b") + world.runs("fs") == "removeremove");
    world.ends("a", Script::remove);
    CHECK(world.runs("fs").empty());
    world.ends("b", Script::remove);
    CHECK(world.runs("fs") == "remove");
}

TEST_CASE("what fails is taken out with all above it, and what is below stays") {
    ResourceWorld world = up({generic("web", {"db"}), generic("db", {"fs"}), generic("fs"), generic("other", {"fs"})});
    fails(world, "db");
    CHECK(world.raised() == Lines{"check_failed -A", "recovery_failed", "state"});
    CHECK(world.runs("web") == "remove");
    CHECK(world.runs("db").empty());
    world.ends("web", Script::remove);
    world.ends("db", Script::remove);
    CHECK(world.state("web") + world.state("db") + world.state("fs") + world.state("other") == "OSUOSFISPISP");
    CHECK(world.at("db").reason == "recover action has failed: status=1");
    CHECK_FALSE(world.end());
}

TEST_CASE("on_failure exit takes the whole tree out, but what another tree needs, and ends pcheck with 1") {
    for (const auto on_failure : {OnFailure::exit, OnFailure::shutdown}) {
        ResourceWorld world = up({generic("web", {"db"}), ending(generic("db", {"fs", "vip"}), on_failure), generic("fs"), generic("vip"),
                                  generic("other", {"fs"})});
        fails(world, "db");
        world.ends("web", Script::remove);
        world.ends("db", Script::remove);
        CHECK(world.runs("vip") == "remove");
        CHECK(world.runs("fs") + world.runs("other") == "");
        CHECK_FALSE(world.end());
        world.order(Verb::restore, "web");
        CHECK(answer_of(world) == "web: pcheck is ending");
        world.ends("vip", Script::remove);
        REQUIRE(world.end());
        CHECK(world.end()->exit_status == (on_failure == OnFailure::exit ? 1 : 0));
        CHECK(world.state("db") + world.state("vip") + world.state("fs") == "OSFOSUISP");
    }
}

TEST_CASE("a failure ends what is on its way in above, and removes it when that has ended") {
    ResourceWorld world({generic("web", {"db"}), generic("db")});
    world.ends("db", Script::restore);
    CHECK(world.runs("web") == "restore");
    fails(world, "db");
    CHECK(world.signal_sent("web", Script::restore) == 15);
    CHECK(world.runs("db").empty());
    world.killed("web", Script::restore, 15);
    CHECK(world.runs("web") == "remove");
    world.ends("web", Script::remove);
    CHECK(world.runs("db") == "remove");
    CHECK(world.state("web") == "OSU");
}

TEST_CASE("a restore that fails leaves its parents out, and they say why") {
    ResourceWorld world({generic("web", {"db"}), generic("db", {"fs"}), generic("fs")});
    world.ends("fs", Script::restore, 1);
    CHECK(world.at("db").reason == "child fs OSF");
    CHECK(world.at("web").reason == "child db OSU");
    CHECK(world.at("web").goal == Goal::none);
}

TEST_CASE("a restore that cannot be is refused, and the child is named") {
    ResourceWorld world = up({generic("web", {"db"}), cmdline("db", {"fs"}), out(generic("fs"))});
    world.order(Verb::remove, "db");
    (void)world.answers();
    world.order(Verb::restore, "web");
    CHECK(answer_of(world) == "web: its remove has been running for 0s");
    world.ends("web", Script::remove);
    world.order(Verb::restore, "web");
    CHECK(answer_of(world) == "web: db is being removed");
    world.ends("db", Script::stop, 1);
    world.order(Verb::restore, "web");
    CHECK(answer_of(world) == "web: db is Faulted: clear it first");
}

TEST_CASE("while a script lives that cannot be ended, none of its resource begins, and its parents are refused") {
    Definition fs = generic("fs");
    fs.limits[static_cast<std::size_t>(Script::restore)] = 10s;
    ResourceWorld world({generic("web", {"fs"}), fs});
    world.pass(10s + 5s + 10s);
    CHECK(world.state("fs") == "OSF");
    CHECK(world.at("web").reason == "child fs OSF");
    for (const std::string tag : {"fs", "web"}) {
        (void)world.answers();
        world.order(Verb::restore, tag);
        CHECK(answer_of(world) == tag + ": fs has a script that cannot be ended");
    }
    world.order(Verb::remove, "fs");  // fails at once
    CHECK(world.state("fs") == "OSF");
    CHECK(world.at("fs").reason == "remove action has failed: a script that cannot be ended");
    world.killed("fs", Script::restore);
    (void)world.answers();
    world.order(Verb::restore, "web");
    CHECK(world.answered() == 0);
}

TEST_CASE("a remove while restore runs waits for its end, and a restore while remove runs is refused") {
    ResourceWorld world({generic("web", {"fs"}), generic("fs")});
    world.order(Verb::remove, "fs");
    CHECK(world.answered() == 0);
    CHECK(world.at("web").goal == Goal::none);
    CHECK(world.runs("fs") == "restore");
    world.order(Verb::remove, "fs");
    CHECK(answer_of(world) == "fs is being removed");
    world.ends("fs", Script::restore);
    CHECK(world.runs("fs") == "remove");
    world.order(Verb::restore, "fs");
    CHECK(world.answered() == 1);
    world.ends("fs", Script::remove);
    CHECK(world.state("fs") == "OSU");
    CHECK(world.runs("web").empty());
}

TEST_CASE("two orders at once: the second restore is refused, and a parent joins what its child is doing") {
    ResourceWorld world({out(generic("web", {"fs"})), out(generic("fs"))});
    world.order(Verb::restore, "fs");
    (void)world.answers();
    world.order(Verb::restore, "fs");
    CHECK(answer_of(world) == "fs: its restore has been running for 0s");
    world.order(Verb::restore, "web");
    CHECK(world.answered() == 0);
    CHECK(world.begun() == Lines{"fs restore"});
    world.ends("fs", Script::restore);
    CHECK(world.runs("web") == "restore");
}

TEST_CASE("shutdown remove is answered when all is out, and nothing is restored meanwhile") {
    ResourceWorld world = up({generic("web", {"db"}), null(cmdline("db"))});
    world.shutdown_remove();
    CHECK(world.answers().empty());
    world.shutdown_remove();
    CHECK(world.answered() == 1);
    world.ends("web", Script::remove);
    world.order(Verb::restore, "web");
    CHECK(world.answered() == 1);
    CHECK_FALSE(world.end());
    world.ends("db", Script::stop);
    REQUIRE(world.end());
    CHECK(world.end()->exit_status == 0);
    CHECK(world.end()->order == 1);
}

TEST_CASE("a remove that fails keeps neither the others nor the end, but with remove_failure=stay it keeps pcheck") {
    for (const bool stays : {false, true}) {
        Definition web = generic("web", {"fs"});
        web.stay_when_not_removed = stays;
        ResourceWorld world = up({web, generic("fs")});
        world.shutdown_remove();
        world.ends("web", Script::remove, 1);
        CHECK(world.runs("fs") == "remove");
        world.ends("fs", Script::remove);
        CHECK(world.end().has_value() == !stays);
        if (stays) CHECK(answer_of(world) == "web could not be removed, pcheck goes on");
        if (stays) CHECK_FALSE(world.core.ending());
    }
}

TEST_CASE("a shutdown remove that another end overtakes is answered all the same") {
    ResourceWorld world = up({generic("web")});
    world.shutdown_remove();
    const auto actions = world.core.left_behind();
    const auto answers = [](const Action& action) { return std::holds_alternative<Answer>(action) && std::get<Answer>(action).order == 1; };
    CHECK(std::ranges::count_if(actions, answers) == 1);
}

TEST_CASE("a parent whose Start ended while it was to go out keeps its children waiting until its Stop has ended") {
    ResourceWorld world = up({null(cmdline("fs"))});
    world.reload({null(cmdline("fs")), null(cmdline("db", {"fs"}))});
    CHECK(world.runs("db") == "start");
    world.order(Verb::remove, "fs");
    CHECK(world.runs("fs").empty());
    world.ends("db", Script::start, 1);
    CHECK(world.runs("db") == "stop");
    CHECK(world.runs("fs").empty());
    world.ends("db", Script::stop);
    CHECK(world.runs("fs") == "stop");
}

TEST_CASE("a failed parent is removed before its children too") {
    ResourceWorld world = up({generic("fs"), generic("web", {"fs"})});
    world.order(Verb::remove, "web");
    world.ends("web", Script::remove, 1);
    world.shutdown_remove();
    CHECK(world.runs("web") == "remove");
    CHECK(world.runs("fs").empty());
}

TEST_CASE("for Standby only STANDBYCAPABLE children are asked, and who is wanted Online is not sent to Standby") {
    ResourceWorld world({hot("db", {"disk", "fs"}), hot("disk"), out(generic("fs")), hot("app", {"disk"})});
    world.all_well();
    world.order(Verb::standby, "db");
    world.all_well();
    CHECK(world.state("db") + world.state("disk") + world.state("fs") == "StandbyStandbyOSU");
    world.order(Verb::restore, "app");  // its child goes Online for it
    world.all_well();
    CHECK(world.state("app") + world.state("disk") + world.state("db") == "OnlineOnlineStandby");

    world.order(Verb::remove, "disk");
    world.all_well();
    world.order(Verb::restore, "app");
    world.order(Verb::standby, "db");
    world.all_well();
    CHECK(world.state("app") + world.state("disk") == "OnlineOnline");
}

TEST_CASE("that a child which waits for Standby is wanted Online now is recorded") {
    ResourceWorld world({hot("app", {"db"}), hot("db", {"disk"}), hot("disk")});
    world.all_well();
    world.order(Verb::restore, "disk");
    world.order(Verb::standby, "db");  // waits for the disk
    CHECK(world.at("db").to_standby);
    const auto actions = world.core.step(Order{.id = 99, .verb = Verb::restore, .target = "app", .duration = {}, .event = {}}, world.now);
    CHECK(!world.at("db").to_standby);
    CHECK(std::ranges::any_of(actions, [&](const Action& action) {
        const auto* record = std::get_if<PublishResource>(&action);
        return record && record->resource == world.at("db").key;
    }));
}

TEST_CASE("a child that begins to recover between the Check and the Start of its parent is waited for") {
    Definition db = cmdline("db", {"fs"});
    ResourceWorld world = up({db, generic("fs")});
    world.order(Verb::remove, "db");
    world.ends("db", Script::stop);
    world.ends("db", Script::check, 1);
    world.order(Verb::restore, "db");
    CHECK(world.runs("db") == "check");
    world.order(Verb::recover, "fs");
    world.ends("db", Script::check, 1);
    CHECK(world.runs("db").find("start") == std::string::npos);
    world.ends("fs", Script::recover);
    world.ends("db", Script::check, 1);
    CHECK(world.runs("db") == "start");
}

TEST_CASE("what has failed and waits for its parents stays failed, whatever its Check says") {
    ResourceWorld world = up({generic("web", {"db"}), cmdline("db")});
    fails(world, "db");
    CHECK(world.runs("web") == "remove");
    for (int i = 0; i < 2; ++i) {
        while (world.runs("db").empty()) world.pass(1s);
        world.ends("db", Script::check, 1);
    }
    CHECK(world.at("db").goal == Goal::failed);
    world.ends("web", Script::remove);
    world.ends("db", Script::stop);
    if (world.runs("db").empty()) world.pass(10s);
    world.ends("db", Script::check, 1);
    CHECK(world.state("db") == "OfflineFault");
}

TEST_CASE("a Check that says Offline of what is to be removed is no failure") {
    ResourceWorld world = up({generic("web", {"db"}), cmdline("db")});
    world.order(Verb::remove, "db");
    CHECK(world.runs("web") == "remove");
    world.order(Verb::check, "db");
    world.ends("db", Script::check, 1);
    CHECK(world.at("db").goal == Goal::out);
    CHECK(world.state("db") == "Online");
    CHECK(world.at("db").bad_checks == 0);
}

TEST_CASE("a fault that is found while it waits for its child takes the goal away, until it is cleared") {
    Definition db = cmdline("db", {"fs"});
    db.flags.all_exit_codes = true;
    ResourceWorld world({db, generic("fs")});
    world.ends("db", Script::check, 2);
    CHECK(world.state("db") == "Faulted");
    CHECK(world.at("db").reason == "initial fault");
    CHECK(world.at("db").goal == Goal::none);
    world.ends("fs", Script::restore);
    CHECK(world.runs("db").empty());
}

TEST_CASE("a reload adds a parent, whose children are restored but for those that have failed or go") {
    ResourceWorld world = up({generic("a"), generic("b"), generic("c")});
    world.order(Verb::remove, "a");
    world.ends("a", Script::remove);
    world.order(Verb::remove, "b");
    world.ends("b", Script::remove, 1);
    world.order(Verb::remove, "c");
    world.reload({generic("a"), generic("b"), generic("c"), generic("over_a", {"a"}), generic("over_b", {"b"}), generic("over_c", {"c"})});
    CHECK(world.runs("a") == "restore");
    CHECK(world.at("over_a").goal == Goal::in);
    CHECK(world.at("over_b").reason == "child b OSF");
    CHECK(world.at("over_c").reason == "child c ISU");
    CHECK(world.runs("b").empty());
    CHECK(world.at("c").goal == Goal::out);
}

TEST_CASE("a reload removes a resource of a tree: its application is left running, and its parent waits for it no longer") {
    ResourceWorld world({generic("web", {"fs"}), generic("fs")});
    world.reload({generic("web")});
    CHECK(world.runs("web") == "restore");
    world.ends("web", Script::restore);
    (void)world.log();
    world.reload({});
    CHECK(world.log() == Lines{"Left running: application (web)"});
}

TEST_CASE("a resource that changes its kind waits for the scripts of what it was, and nothing runs twice") {
    Definition fs = cmdline("fs");
    ResourceWorld world({fs});
    world.reload({unchecked(generic("fs"))});
    CHECK(world.signal_sent("fs", Script::check) == 9);
    CHECK(world.state("fs") == "OSU");
    CHECK(world.at("fs").goal == Goal::in);
    world.order(Verb::check, "fs");
    CHECK(world.answered() == 1);
    world.step(ScriptEnded{first_resource_run + 1, ScriptEnded::How::exited, 9, {}});
    CHECK(world.begun() == Lines{"fs check", "fs restore"});
    world.reload({fs});
    world.pass(1h);
    CHECK(world.begun().empty());
    CHECK(world.core.next_deadline().value_or(Instant::max()) > world.now.instant);
    world.step(ScriptEnded{first_resource_run + 2, ScriptEnded::How::exited, 0, {}});
    CHECK(world.begun() == Lines{"fs check"});
}

TEST_CASE("each resource of a step is recorded before a script of it begins") {
    Resources core({generic("web", {"fs"}), generic("fs")}, {}, false, {});
    const auto actions = core.begin({}, {});
    const auto is_run = [](const Action& action) { return std::holds_alternative<RunResourceScript>(action); };
    const auto is_record = [](const Action& action) { return std::holds_alternative<PublishResource>(action); };
    const auto run = std::ranges::find_if(actions, is_run);
    CHECK(std::count_if(actions.begin(), run, is_record) == 2);
    CHECK(std::none_of(run, actions.end(), is_record));
}

TEST_CASE("with on_failure=exit the whole tree goes, also the other children of what stands above") {
    ResourceWorld world = up({generic("app", {"db", "vip"}), ending(generic("db")), generic("vip")});
    fails(world, "db");
    world.ends("app", Script::remove);
    world.ends("db", Script::remove);
    CHECK_FALSE(world.end());
    CHECK(world.runs("vip") == "remove");
}

TEST_CASE("with on_failure=exit a child that only another tree on its way out needs goes too") {
    ResourceWorld world = up({ending(generic("one", {"vip"})), ending(generic("two", {"vip"})), generic("vip")});
    fails(world, "one");
    fails(world, "two");
    world.ends("one", Script::remove);
    world.ends("two", Script::remove);
    CHECK_FALSE(world.end());
    CHECK(world.runs("vip") == "remove");
}

TEST_CASE("with on_failure=exit a child goes too that only one that is removed by order needs") {
    ResourceWorld world = up({ending(generic("one", {"vip"})), generic("two", {"vip"}), generic("vip")});
    world.order(Verb::remove, "two");
    fails(world, "one");
    world.ends("one", Script::remove);
    world.ends("two", Script::remove);
    CHECK_FALSE(world.end());
}

TEST_CASE("with on_failure=exit a child that stands Faulted below is stopped too before pcheck ends") {
    Definition app = cmdline("app", {"db"});
    app.on_failure = OnFailure::exit;
    app.flags.auto_recover = false;
    app.initial = InitialState::none;
    Definition db = cmdline("db");
    db.flags.all_exit_codes = true;
    db.initial = InitialState::none;
    ResourceWorld world({app, db});
    world.ends("app", Script::check, 0);
    world.ends("db", Script::check, 2);
    REQUIRE(world.state("app") + world.state("db") == "OnlineFaulted");
    world.pass(10s);
    world.ends("app", Script::check, 1);
    world.ends("app", Script::stop);
    world.ends("app", Script::check, 1);
    CHECK_FALSE(world.end());
    CHECK(world.runs("db").find("stop") != std::string::npos);
}

TEST_CASE("what is stopped because another one has failed says so, and so does the end that follows") {
    ResourceWorld world = up({unchecked(generic("shop", {"db"})), ending(generic("db", {"vip"})), unchecked(generic("vip"))});
    fails(world, "db");
    for (const std::string_view tag : {"shop", "db", "vip"}) world.ends(tag, Script::remove);
    CHECK(world.at("shop").reason == "remove action has succeeded, db has failed");
    CHECK(world.at("vip").reason == "remove action has succeeded, db has failed");
    REQUIRE(world.end());
    CHECK(world.log().back() == "pcheck ends with status 1: on_failure exit (db)");
}

TEST_CASE("clear is refused to one that has failed and waits to be taken out") {
    ResourceWorld world = up({unchecked(generic("shop", {"db"})), generic("db")});
    fails(world, "db");
    world.order(Verb::clear, "db");
    CHECK(answer_of(world) == "db: it has had the goal failed for 0s");
}

TEST_CASE("many that are due together are begun a few in each step, all of them at once") {
    std::vector<Definition> definitions;
    for (int i = 0; i < 40; ++i) definitions.push_back(i % 2 == 0 ? cmdline(fmt::format("c{}", i)) : generic(fmt::format("g{}", i)));
    ResourceWorld world(definitions);
    CHECK(std::ranges::count_if(world.begun(), [](const std::string& one) { return one.ends_with("check"); }) == 16);
    world.pass(0s);
    CHECK(world.begun().size() == 4);
    world.all_well();
    (void)world.begun();
    const Instant before = world.now.instant;
    world.pass(120s);
    world.step(Deadline{});
    CHECK(world.now.instant == before + 120s);
    const auto begun = world.begun();
    CHECK(std::ranges::count_if(begun, [](const std::string& one) { return one.ends_with("quickCheck"); }) == 20);
}
