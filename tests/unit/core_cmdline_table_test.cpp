// SPDX-License-Identifier: Apache-2.0
// Every cell of spec/state-table.md, cmdline: what an event, and what a Check's exit code, does to a resource in each of its states.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <functional>

#include "pcheck/core/check_results.hpp"
#include "tests/fake/resource_world.hpp"

using namespace banken;
using namespace banken::core;
using namespace std::chrono_literals;
using Script = ResourceScript;

namespace {

constexpr std::array columns{"Unknown", "Offline",  "starting", "started", "Online",       "Warning",
                             "Standby", "stopping", "stopped",  "Faulted", "OfflineFault", "Deact"};
using Outcomes = std::array<std::string_view, columns.size()>;

Definition db(bool all_exit_codes = true) {
    Definition definition = cmdline("db");
    definition.initial = InitialState::none;
    definition.flags.all_exit_codes = definition.flags.standby_capable = all_exit_codes;
    definition.events = {"disk/full"};
    return definition;
}

// The next Check that begins from now on ends so.
void check_says(ResourceWorld& world, int status) {
    if (world.runs("db").find("check") == std::string::npos) world.order(Verb::check, "db");
    (void)world.answers();
    world.ends("db", Script::check, status);
}

void start(ResourceWorld& world, Verb verb = Verb::restore) {
    world.order(verb, "db");
    check_says(world, 1);
}

ResourceWorld in(std::string_view column, Definition definition = db()) {
    ResourceWorld world({std::move(definition)});
    if (column == "Unknown") return world;
    check_says(world, 1);
    if (column == "Offline") return world;
    const bool standby = column == "Standby";
    start(world, standby ? Verb::standby : Verb::restore);
    if (column == "starting") return world;
    world.ends("db", Script::start, column == "Faulted" || column == "OfflineFault" ? 1 : 0);
    if (column == "OfflineFault") check_says(world, 1);
    if (column == "started" || column == "Faulted" || column == "OfflineFault") return world;
    check_says(world, standby ? 4 : column == "Warning" ? 5 : 0);
    if (column == "Deact") world.order(Verb::stop, "db");
    if (column == "stopping" || column == "stopped") world.order(Verb::remove, "db");
    if (column == "stopped") world.ends("db", Script::stop);
    return world;
}

// "ok Wait start in": the answer, the state as it is shown, what runs but Check, and what is wanted.
std::string outcome(ResourceWorld& world) {
    std::string answer = "-";
    for (const Answer& one : world.answers()) answer = one.exit_status == 0 ? "ok" : "refused";
    if (world.end()) answer = "end";
    if (world.core.resources().empty()) return answer + " gone";
    const Resource& resource = world.at("db");
    const std::string_view runs = resource.run ? text_of(resource.run->script) : "-";
    const std::string goal = resource.goal == Goal::none ? "" : fmt::format(" {}", text_of(resource.goal));
    return fmt::format("{} {} {}{}", answer, world.state("db"), runs, goal);
}

struct Row {
    std::string_view event;
    std::function<void(ResourceWorld&)> happens;
    Outcomes outcomes;  // "": cannot happen
};

void judge(const Row& row, const Definition& definition = db()) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (row.outcomes[i].empty()) continue;
        CAPTURE(row.event);
        CAPTURE(columns[i]);
        ResourceWorld world = in(columns[i], definition);
        (void)world.answers();
        row.happens(world);
        CHECK(outcome(world) == row.outcomes[i]);
    }
}

// A Check that begins in this state, ends so.
Row exits(int status, Outcomes outcomes) {
    return {"Check", [status](ResourceWorld& world) { check_says(world, status); }, outcomes};
}

auto order(Verb verb) {
    return [verb](ResourceWorld& world) { world.order(verb, "db"); };
}

void script_ends(ResourceWorld& world, int status) {
    const Script script = world.at("db").run->script;
    world.ends("db", script, status);
}

}  // namespace

TEST_CASE("with ALLEXITCODES each exit code of Check means in each stage what the table says") {
    const std::array rows{
        exits(0, {"- Online -", "- Offline -", "- Wait start in", "- Online -", "- Online -", "- Online -", "- Standby -",
                  "- Wait stop out", "- Wait - out", "- Faulted -", "- OfflineFault -", "- Deact -"}),
        exits(1, {"- Offline -", "- Offline -", "- Wait start in", "- Wait - in", "- Wait start", "- Wait start", "- Wait stop failed",
                  "- Wait stop out", "- Offline -", "- OfflineFault -", "- OfflineFault -", "- Deact -"}),
        exits(2, {"- Faulted -", "- Faulted -", "- Wait start in", "- Faulted -", "- Wait start", "- Wait start", "- Wait stop failed",
                  "- Wait stop out", "- Faulted -", "- Faulted -", "- OfflineFault -", "- Deact -"}),
        exits(3, {"- Unknown -", "- Offline -", "- Wait start in", "- Wait - in", "- Online -", "- Warning -", "- Standby -",
                  "- Wait stop out", "- Wait - out", "- Faulted -", "- OfflineFault -", "- Deact -"}),
        exits(4, {"- Standby -", "- Offline -", "- Wait start in", "- Wait - in", "- Wait start", "- Wait start", "- Standby -",
                  "- Wait stop out", "- Wait - out", "- Faulted -", "- OfflineFault -", "- Deact -"}),
        exits(5, {"- Warning -", "- Offline -", "- Wait start in", "- Warning -", "- Warning -", "- Warning -", "- Standby -",
                  "- Wait stop out", "- Wait - out", "- Faulted -", "- OfflineFault -", "- Deact -"}),
        exits(6, {"- OfflineFault -", "- Offline -", "- Wait start in", "- Wait - in", "- Wait start", "- Wait start", "- Wait stop failed",
                  "- Wait stop out", "- Offline -", "- Faulted -", "- OfflineFault -", "- Deact -"}),
        exits(7, {"- Unknown -", "- Offline -", "- Wait start in", "- Wait - in", "- Online -", "- Warning -", "- Standby -",
                  "- Wait stop out", "- Wait - out", "- Faulted -", "- OfflineFault -", "- Deact -"}),
    };
    for (const Row& row : rows) judge(row);
}

TEST_CASE("without ALLEXITCODES 0 is Online and all else Offline, in each stage") {
    // No report says Warning or Standby.
    Row good = exits(0, {"- Online -", "- Offline -", "- Wait start in", "- Online -", "- Online -", "", "", "- Wait stop out",
                         "- Wait - out", "- Faulted -", "- OfflineFault -", "- Deact -"});
    judge(good, db(false));
    for (int status = 1; status <= 8; ++status) {
        CAPTURE(status);
        judge(exits(status, {"- Offline -", "- Offline -", "- Wait start in", "- Wait - in", "- Wait start", "", "", "- Wait stop out",
                             "- Offline -", "- OfflineFault -", "- OfflineFault -", "- Deact -"}),
              db(false));
    }
}

TEST_CASE("a Check that is killed by a signal is Unknown with ALLEXITCODES, else Offline") {
    for (const bool all : {true, false}) {
        ResourceWorld world = in("Online", db(all));
        world.pass(10s);
        world.killed("db", Script::check, 11);
        CHECK(world.at("db").report == (all ? Report::unknown : Report::offline));
        CHECK(outcome(world) == (all ? "- Online -" : "- Wait start"));
    }
}

TEST_CASE("what Check means in a stage is a documented rule, or ours, and a rule's cell does what the rule says") {
    const auto cell = [](Report report, Stage stage, unsigned rule, Meaning meaning) {
        CHECK(rule_of(report, stage) == rule);
        CHECK(meaning_of(report, stage) == meaning);
    };
    cell(Report::online, Stage::unknown, 1, Meaning::becomes);
    cell(Report::online, Stage::offline, 7, Meaning::tell);
    cell(Report::online, Stage::started, 2, Meaning::came_in);
    cell(Report::standby, Stage::started, 2, Meaning::came_in);
    cell(Report::offline, Stage::started, 2, Meaning::note);
    cell(Report::offline, Stage::online, 4, Meaning::fault);
    cell(Report::faulted, Stage::online, 5, Meaning::fault);
    cell(Report::faulted, Stage::offline, 8, Meaning::becomes);
    cell(Report::faulted, Stage::unknown, 9, Meaning::initial_fault);
    std::size_t documented = 0;
    for (const auto& row : check_results::rules)
        documented += static_cast<std::size_t>(std::ranges::count_if(row, [](auto rule) { return rule != 0; }));
    CHECK(documented == 9);
}

TEST_CASE("each order does to a cmdline resource in each state what the table says") {
    const std::array rows{
        Row{"restore",
            order(Verb::restore),
            {"ok Unknown - in", "ok Offline - in", "refused Wait start in", "refused Wait - in", "ok Online -", "ok Warning -",
             "ok Standby - in", "refused Wait stop out", "refused Wait - out", "refused Faulted -", "refused OfflineFault -",
             "ok Online -"}},
        Row{"standby",
            order(Verb::standby),
            {"ok Unknown - in", "ok Offline - in", "refused Wait start in", "refused Wait - in", "refused Online -", "refused Warning -",
             "refused Standby -", "refused Wait stop out", "refused Wait - out", "refused Faulted -", "refused OfflineFault -",
             "refused Deact -"}},
        Row{"remove",
            order(Verb::remove),
            {"ok Wait stop out", "ok Offline -", "ok Wait start out", "ok Wait stop out", "ok Wait stop out", "ok Wait stop out",
             "ok Wait stop out", "ok Wait stop out", "ok Wait - out", "ok Wait stop out", "ok OfflineFault -", "ok Deact stop out"}},
        Row{"check",
            order(Verb::check),
            {"ok Unknown -", "ok Offline -", "ok Wait start in", "ok Wait - in", "ok Online -", "ok Warning -", "ok Standby -",
             "ok Wait stop out", "ok Wait - out", "ok Faulted -", "ok OfflineFault -", "ok Deact -"}},
        Row{"recover",
            order(Verb::recover),
            {"refused Unknown -", "refused Offline -", "refused Wait start in", "refused Wait - in", "ok Wait start", "ok Wait start",
             "refused Standby -", "refused Wait stop out", "refused Wait - out", "refused Faulted -", "refused OfflineFault -",
             "refused Deact -"}},
        Row{"event",
            [](ResourceWorld& world) { world.event("disk/full", "db"); },
            {"refused Unknown -", "refused Offline -", "refused Wait start in", "refused Wait - in", "ok Wait start", "ok Wait start",
             "refused Standby -", "refused Wait stop out", "refused Wait - out", "refused Faulted -", "refused OfflineFault -",
             "refused Deact -"}},
        Row{"clear",
            order(Verb::clear),
            {"ok Unknown -", "ok Offline -", "refused Wait start in", "refused Wait - in", "ok Online -", "ok Warning -", "ok Standby -",
             "refused Wait stop out", "refused Wait - out", "ok Wait stop out", "ok Wait stop out", "ok Deact -"}},
        Row{"stop",
            order(Verb::stop),
            {"ok Deact -", "ok Deact -", "ok Deact start in", "ok Deact - in", "ok Deact -", "ok Deact -", "ok Deact -",
             "ok Deact stop out", "ok Deact - out", "ok Deact -", "ok Deact -", "ok Deact -"}},
        Row{"start",
            order(Verb::start),
            {"ok Unknown -", "ok Offline -", "ok Wait start in", "ok Wait - in", "ok Online -", "ok Warning -", "ok Standby -",
             "ok Wait stop out", "ok Wait - out", "ok Faulted -", "ok OfflineFault -", "ok Online -"}},
        Row{"shutdown remove",
            [](ResourceWorld& world) { world.shutdown_remove(); },
            {"- Wait stop out", "end Offline -", "- Wait start out", "- Wait stop out", "- Wait stop out", "- Wait stop out",
             "- Wait stop out", "- Wait stop out", "- Wait - out", "- Wait stop out", "end OfflineFault -", "- Deact stop out"}},
    };
    for (const Row& row : rows) judge(row);
}

TEST_CASE("each end of Start and Stop, and a takeover, do to a cmdline resource in each state what the table says") {
    const std::array rows{
        Row{"0",
            [](ResourceWorld& world) { script_ends(world, 0); },
            {"", "", "- Wait - in", "", "", "", "", "- Wait - out", "", "", "", ""}},
        Row{"other",
            [](ResourceWorld& world) { script_ends(world, 3); },
            {"", "", "- Faulted -", "", "", "", "", "- Faulted -", "", "", "", ""}},
        Row{"TIMEOUT",
            [](ResourceWorld& world) {
                world.pass(300s);
                if (world.at("db").run) world.killed("db", world.at("db").run->script, 15);
            },
            {"", "", "- Faulted -", "- Faulted -", "", "", "", "- Faulted -", "- Faulted -", "", "", ""}},
        Row{"adopted, script gone",
            [](ResourceWorld& world) { world.adopted(false); },
            {"- Unknown -", "- Offline -", "- Wait - in", "- Wait - in", "- Online -", "- Warning -", "- Standby -", "- Wait stop out",
             "- Wait - out", "- Faulted -", "- OfflineFault -", "- Deact -"}},
        Row{"adopted, script lives",
            [](ResourceWorld& world) { world.adopted(true); },
            {"- Unknown -", "- Offline -", "- Wait start in", "- Wait - in", "- Online -", "- Warning -", "- Standby -", "- Wait stop out",
             "- Wait - out", "- Faulted -", "- OfflineFault -", "- Deact -"}},
        Row{"reload removed",
            [](ResourceWorld& world) { world.reload({}); },
            {"- gone", "- gone", "- gone", "- gone", "- gone", "- gone", "- gone", "- gone", "- gone", "- gone", "- gone", "- gone"}},
        Row{"reload changed",
            [](ResourceWorld& world) {
                Definition changed = db();
                changed.flags.auto_recover = false;
                world.reload({changed});
            },
            {"- Unknown -", "- Offline -", "- Wait start in", "- Wait - in", "- Online -", "- Warning -", "- Standby -", "- Wait stop out",
             "- Wait - out", "- Faulted -", "- OfflineFault -", "- Deact -"}},
    };
    for (const Row& row : rows) judge(row);
}

TEST_CASE("a recovery by Start that runs is in service, and is not joined by another") {
    const auto recovering = [](Verb verb) {
        ResourceWorld world = in("Online");
        world.order(Verb::recover, "db");
        (void)world.answers();
        world.order(verb, "db");
        return outcome(world);
    };
    CHECK(recovering(Verb::restore) == "ok Wait start");
    CHECK(recovering(Verb::standby) == "refused Wait start");
    CHECK(recovering(Verb::recover) == "refused Wait start");
    CHECK(recovering(Verb::clear) == "refused Wait start");
    CHECK(recovering(Verb::remove) == "ok Wait start out");
}

TEST_CASE("a cmdline resource is checked in each state, also after a takeover, but not while it is paused") {
    for (const std::string_view column : columns) {
        CAPTURE(column);
        for (const bool live : {false, true}) {
            ResourceWorld world = in(column);
            world.adopted(live);
            world.pass(20s);
            CHECK((world.runs("db").find("check") != std::string::npos) == (column != "Deact"));
        }
    }
}

TEST_CASE("a Start or Stop that fails after its goal was turned is followed by what the other goal asks for") {
    for (const int status : {0, 1}) {
        ResourceWorld world = in("starting");
        world.order(Verb::remove, "db");
        world.ends("db", Script::start, status);
        CHECK(world.runs("db").find("stop") != std::string::npos);
        world.ends("db", Script::stop);
        check_says(world, 1);
        CHECK(world.state("db") == "Offline");
    }
}
