// SPDX-License-Identifier: Apache-2.0
// Every cell of spec/state-table.md, generic: what an event does to a resource in each of its states.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <functional>

#include "tests/fake/resource_world.hpp"

using namespace banken;
using namespace banken::core;
using namespace std::chrono_literals;
using Script = ResourceScript;

namespace {

constexpr std::array columns{"OSU", "OSF", "ISP", "restoring", "checking", "recovering", "removing", "paused"};

Definition web() {
    Definition definition = generic("web");
    for (auto& limit : definition.limits) limit = 60s;
    definition.initial = InitialState::none;
    definition.events = {"disk/full"};
    return definition;
}

ResourceWorld in(std::string_view column) {
    ResourceWorld world({web()});
    if (column == "OSU") return world;
    world.order(Verb::restore, "web");
    if (column == "restoring") return world;
    world.ends("web", Script::restore, column == "OSF" ? 1 : 0);
    if (column == "checking") world.pass(120s);
    if (column == "recovering") world.order(Verb::recover, "web");
    if (column == "removing") world.order(Verb::remove, "web");
    if (column == "paused") world.order(Verb::stop, "web");
    return world;
}

// "ok ISP quickCheck", "refused OSU -": the answer, the state as it is shown, what runs and what is wanted.
std::string outcome(ResourceWorld& world) {
    std::string answer = "-";
    for (const Answer& one : world.answers()) answer = one.exit_status == 0 ? "ok" : "refused";
    if (world.end()) answer = "end";
    if (world.core.resources().empty()) return answer + " gone";
    const Resource& resource = world.at("web");
    const std::string runs = world.runs("web");
    const std::string goal = resource.goal == Goal::none ? "" : fmt::format(" {}", text_of(resource.goal));
    return fmt::format("{} {} {}{}", answer, world.state("web"), runs.empty() ? "-" : runs, goal);
}

void script_ends(ResourceWorld& world, int status) {
    for (const auto script : {Script::restore, Script::quick_check, Script::recover, Script::remove}) {
        if (world.runs("web") == text_of(script)) return world.ends("web", script, status);
    }
}

void time_out(ResourceWorld& world) {
    world.pass(60s);
    for (const auto script : {Script::restore, Script::quick_check, Script::recover, Script::remove}) {
        if (world.runs("web") == text_of(script)) return world.killed("web", script, world.signal_sent("web", script));
    }
}

struct Row {
    std::string_view event;
    std::function<void(ResourceWorld&)> happens;
    std::array<std::string_view, columns.size()> outcomes;  // "": cannot happen
};

void judge(const Row& row) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (row.outcomes[i].empty()) continue;
        CAPTURE(row.event);
        CAPTURE(columns[i]);
        ResourceWorld world = in(columns[i]);
        (void)world.answers();
        row.happens(world);
        CHECK(outcome(world) == row.outcomes[i]);
    }
}

auto order(Verb verb) {
    return [verb](ResourceWorld& world) { world.order(verb, "web"); };
}

auto reload(std::function<void(Definition&)> edit) {
    return [edit = std::move(edit)](ResourceWorld& world) {
        Definition changed = web();
        edit(changed);
        world.reload({changed});
    };
}

}  // namespace

TEST_CASE("each order does to a generic resource in each state what the table says") {
    const std::array rows{
        Row{"restore",
            order(Verb::restore),
            {"ok OSU restore in", "ok OSF restore in", "ok ISP -", "refused OSU restore in", "ok ISP quickCheck", "ok ISP recover",
             "refused ISU remove out", "ok ISP quickCheck"}},
        Row{"standby",
            order(Verb::standby),
            {"refused OSU -", "refused OSF -", "refused ISP -", "refused OSU restore in", "refused ISP quickCheck", "refused ISP recover",
             "refused ISU remove out", "refused ISU -"}},
        Row{"remove",
            order(Verb::remove),
            {"ok OSU -", "ok ISU remove out", "ok ISU remove out", "ok OSU restore out", "ok ISP quickCheck out", "ok ISP recover out",
             "ok ISU remove out", "ok ISU remove out"}},
        Row{"check",
            order(Verb::check),
            {"refused OSU -", "refused OSF -", "ok ISP quickCheck", "refused OSU restore in", "ok ISP quickCheck", "refused ISP recover",
             "refused ISU remove out", "refused ISU -"}},
        Row{"recover",
            order(Verb::recover),
            {"refused OSU -", "refused OSF -", "ok ISP recover", "refused OSU restore in", "ok ISP quickCheck recover", "ok ISP recover",
             "refused ISU remove out", "refused ISU -"}},
        Row{"clear",
            order(Verb::clear),
            {"ok OSU -", "ok OSU -", "ok ISP -", "refused OSU restore in", "ok ISP quickCheck", "refused ISP recover",
             "refused ISU remove out", "ok ISU -"}},
        Row{"stop",
            order(Verb::stop),
            {"ok OSU -", "ok OSF -", "ok ISU -", "ok OSU restore in", "ok ISU quickCheck", "ok ISU recover", "ok ISU remove out",
             "ok ISU -"}},
        Row{"start",
            order(Verb::start),
            {"ok OSU -", "ok OSF -", "ok ISP -", "ok OSU restore in", "ok ISP quickCheck", "ok ISP recover", "ok ISU remove out",
             "ok ISP quickCheck"}},
        Row{"update",
            order(Verb::update),
            {"refused OSU -", "refused OSF -", "refused ISP -", "refused OSU restore in", "refused ISP quickCheck", "refused ISP recover",
             "refused ISU remove out", "refused ISU -"}},
        Row{"event",
            [](ResourceWorld& world) { world.event("disk/full", "web"); },
            {"refused OSU -", "refused OSF -", "ok ISP recover", "refused OSU restore in", "ok ISP quickCheck recover",
             "refused ISP recover", "refused ISU remove out", "refused ISU -"}},
        Row{"shutdown remove",
            [](ResourceWorld& world) { world.shutdown_remove(); },
            {"end OSU -", "- ISU remove out", "- ISU remove out", "- OSU restore out", "- ISP quickCheck out", "- ISP recover out",
             "- ISU remove out", "- ISU remove out"}},
    };
    for (const Row& row : rows) judge(row);
}

TEST_CASE("each end of a script does to a generic resource in each state what the table says") {
    const std::array rows{
        Row{"script 0", [](ResourceWorld& world) { script_ends(world, 0); }, {"", "", "", "- ISP -", "- ISP -", "- ISP -", "- OSU -", ""}},
        Row{"script other",
            [](ResourceWorld& world) { script_ends(world, 3); },
            {"", "", "", "- OSF -", "- ISP recover", "- ISU remove failed", "- OSF -", ""}},
        Row{"script time-out", time_out, {"", "", "", "- OSF -", "- ISP -", "- ISU remove failed", "- OSF -", ""}},
        Row{"adopted, script gone",
            [](ResourceWorld& world) { world.adopted(false); },
            {"- OSU -", "- OSF -", "- ISP quickCheck", "- OSU restore in", "- ISP quickCheck", "- ISP quickCheck", "- ISU remove out",
             "- ISU -"}},
        Row{"adopted, script lives",
            [](ResourceWorld& world) { world.adopted(true); },
            {"- OSU -", "- OSF -", "- ISP quickCheck", "- OSU restore in", "- ISP quickCheck", "- ISP recover", "- ISU remove out",
             "- ISU -"}},
        Row{"interval due",
            [](ResourceWorld& world) {
                world.pass(119s);
                world.pass(1s);
            },
            {"- OSU -", "- OSF -", "- ISP quickCheck", "", "", "", "", "- ISU -"}},
    };
    for (const Row& row : rows) judge(row);
}

TEST_CASE("a reload does to a generic resource in each state what the table says") {
    const std::array rows{
        Row{"same",
            reload([](Definition&) {}),
            {"- OSU -", "- OSF -", "- ISP -", "- OSU restore in", "- ISP quickCheck", "- ISP recover", "- ISU remove out", "- ISU -"}},
        Row{"changed",
            reload([](Definition& one) { one.quick_interval = 10s; }),
            {"- OSU -", "- OSF -", "- ISP -", "- OSU restore in", "- ISP quickCheck", "- ISP recover", "- ISU remove out", "- ISU -"}},
        Row{"removed",
            [](ResourceWorld& world) { world.reload({}); },
            {"- gone", "- gone", "- gone", "- gone", "- gone", "- gone", "- gone", "- gone"}},
    };
    for (const Row& row : rows) judge(row);
}

TEST_CASE("a signal ends a script as badly as a status does") {
    ResourceWorld world = in("checking");
    (void)world.answers();
    world.killed("web", Script::quick_check, 11);
    CHECK(outcome(world) == "- ISP recover");
    CHECK(world.at("web").last_check == "signal=11");
}
