// SPDX-License-Identifier: Apache-2.0
// `explain` of a resource, in every state and wait: what it says comes next comes then and not before, and what it says of a failure is what a
// failure does.
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "padmin/render_json.hpp"
#include "padmin/resource_words.hpp"
#include "pcheck/resource_records.hpp"
#include "tests/fake/resource_world.hpp"

using namespace banken;
using namespace banken::core;
using namespace std::chrono_literals;
using Script = ResourceScript;
using Lines = std::vector<std::string>;

namespace {

View view_of(const ResourceWorld& world) {
    View view;
    view.header.life = Life::running;
    view.header.pfile = "/etc/banken/pfile";
    for (const ResourceKey key : world.core.resources()) view.resources.push_back(record_of(*world.core.find(key), false));
    view.now = world.now;
    view.last_turn = world.now.instant;
    return view;
}

nlohmann::json explained(const ResourceWorld& world, std::string_view tag) {
    const View view = view_of(world);
    return nlohmann::json::parse(explain_json(view, *resource_of(view, tag), Findings{}))["explain"];
}

Lines section(const View& view, std::string_view tag, std::string_view label) {
    for (const auto& [found, lines] : explain(view, *resource_of(view, tag), Findings{}).sections) {
        if (found == label) return lines;
    }
    return {};
}

Lines section(const ResourceWorld& world, std::string_view tag, std::string_view label) { return section(view_of(world), tag, label); }

// All that the world can see of a resource.
std::string seen(ResourceWorld& world, std::string_view tag) {
    const Resource& resource = world.at(tag);
    const std::string_view goal = text_of(resource.goal);
    int signals = 0;
    for (const auto* run : {&resource.run, &resource.check}) {
        if (*run) signals += world.signal_sent(tag, (*run)->script);
    }
    return fmt::format("{} {} {} {} {} {}", world.state(tag), world.runs(tag), goal, resource.paused, signals, resource.unended.size());
}

// Nothing is seen before the foretold time, and something at it.
void comes(ResourceWorld& world, std::string_view tag, std::string_view action) {
    const auto json = explained(world, tag);
    CHECK(json["next_action"] == action);
    REQUIRE(json["next_in"].is_number());
    const Duration wait(std::llround(json["next_in"].get<double>() * 1e9));
    const std::string before = seen(world, tag);
    world.pass(wait - 10ms);
    CHECK(seen(world, tag) == before);
    world.pass(10ms);
    CHECK(seen(world, tag) != before);
}

// An event is waited for: for an hour nothing is seen.
void waits(ResourceWorld& world, std::string_view tag, std::string_view action) {
    const auto json = explained(world, tag);
    CHECK(json["next_action"] == action);
    CHECK(json["next_in"].is_null());
    const std::string before = seen(world, tag);
    world.pass(1h);
    CHECK(seen(world, tag) == before);
}

Definition limited(Definition definition, Duration limit) {
    definition.limits.fill(limit);
    return definition;
}

Definition unchecked(std::string tag, std::vector<std::string> depends = {}) {
    return without(without(generic(std::move(tag), std::move(depends)), Script::quick_check), Script::deep_check);
}

ResourceWorld in_service(std::vector<Definition> definitions) {
    ResourceWorld world(std::move(definitions));
    world.all_well();
    return world;
}

}  // namespace

TEST_CASE("what explain says comes next for a generic resource") {
    SUBCASE("a check, its limit, and what cannot be ended") {
        auto world = in_service({limited(generic("web"), 20s)});
        comes(world, "web", "check");
        comes(world, "web", "check_limit");
        comes(world, "web", "give_up");
    }
    SUBCASE("the limit of restore, its kill, and what cannot be ended") {
        ResourceWorld world({limited(generic("web"), 20s)});
        comes(world, "web", "script_limit");
        comes(world, "web", "kill_script");
        comes(world, "web", "give_up");
        waits(world, "web", "order");
    }
    SUBCASE("a script without a limit, a parent that waits for its child, and one that is out") {
        ResourceWorld world({generic("vip"), generic("web", {"vip"})});
        waits(world, "vip", "script_end");
        CHECK(section(world, "web", "next") == Lines{"it is put in service, after vip"});
        waits(world, "web", "resources");
        world.ends("vip", Script::restore, 1);
        waits(world, "web", "order");
    }
    SUBCASE("the end of a pause, a pause without end, and no check at all") {
        auto world = in_service({unchecked("web")});
        waits(world, "web", "none");
        world.order(Verb::stop, "web", 30min);
        comes(world, "web", "resume");
        world.order(Verb::stop, "web");
        waits(world, "web", "order");
    }
    SUBCASE("a child that waits for its parent to go") {
        auto world = in_service({generic("vip"), generic("web", {"vip"}), generic("other")});
        world.order(Verb::remove, "vip");
        CHECK(section(world, "vip", "next") == Lines{"it is taken out of service, after web"});
        waits(world, "vip", "resources");
        waits(world, "web", "script_end");
    }
}

TEST_CASE("what explain says comes next for a cmdline resource") {
    SUBCASE("the next Check, its limit, and what cannot be ended") {
        auto world = in_service({limited(cmdline("db"), 60s)});
        comes(world, "db", "check");
        comes(world, "db", "check_limit");
        comes(world, "db", "give_up");
    }
    SUBCASE("the Check that has to agree") {
        ResourceWorld world({limited(cmdline("db"), 60s)});
        world.ends("db", Script::check, 1);
        world.pass(5s);
        world.ends("db", Script::start);
        comes(world, "db", "confirm_deadline");
        CHECK(world.state("db") == "Faulted");
    }
    SUBCASE("the limit of Stop") {
        auto world = in_service({limited(cmdline("db"), 60s)});
        world.order(Verb::remove, "db");
        comes(world, "db", "check");
        comes(world, "db", "script_limit");
        comes(world, "db", "kill_script");
    }
}

TEST_CASE("what explain says of a failure is what a failure does") {
    SUBCASE("recover, and all above it goes when that fails") {
        auto world = in_service({generic("vip"), unchecked("web", {"vip"}), unchecked("shop", {"web"}), generic("other")});
        CHECK(section(world, "vip", "tree") == Lines{"needed by web (ISP)"});
        CHECK(section(world, "web", "tree") == Lines{"needs vip (ISP)", "needed by shop (ISP)"});
        CHECK(section(world, "vip", "if it failed:") ==
              Lines{"a bad check: recover runs", "if that fails: it is taken out of service, web, shop before it; all others go on"});
        world.pass(120s);
        world.ends("vip", Script::quick_check, 1);
        CHECK(world.runs("vip") == "recover");
        world.ends("vip", Script::recover, 1);
        CHECK(world.runs("shop") == "remove");
        CHECK(section(world, "shop", "if it failed:").empty());
    }
    SUBCASE("a limit, and bad checks so far") {
        Definition web = generic("web");
        web.recover_limit = RecoverLimit{1, 1h};
        web.check_failures = 2;
        web.on_failure = OnFailure::exit;
        auto world = in_service({web});
        world.pass(120s);
        world.ends("web", Script::quick_check, 1);
        CHECK(section(world, "web", "if it failed:") ==
              Lines{"2 bad checks of a kind in a row (1 so far): recover runs (at most 1 in 1 h, 1 left)",
                    "if that fails: its whole tree is taken out of service, then pcheck ends with status 1"});
        CHECK(explained(world, "web")["recoveries_left"] == 1);
        world.pass(120s);
        world.ends("web", Script::quick_check, 1);
        world.ends("web", Script::recover);
        CHECK(
            section(world, "web", "if it failed:") ==
            Lines{"2 bad checks of a kind in a row (0 so far): no recovery is left (at most 1 in 1 h, 0 left), so its whole tree is taken "
                  "out of service, then pcheck ends with status 1"});
        world.pass(1h);
        CHECK(explained(world, "web")["recoveries_left"] == 1);
    }
    SUBCASE("no recover script, and no check") {
        auto world = in_service({without(generic("web"), Script::recover)});
        CHECK(section(world, "web", "if it failed:") == Lines{"a bad check: it is taken out of service; all others go on"});
        Definition dumb = generic("web");
        dumb.quick_interval = dumb.deep_interval = {};
        world = in_service({dumb});
        CHECK(section(world, "web", "if it failed:") == Lines{"nobody would notice: no check of it is run"});
    }
}

TEST_CASE("what explain says of a failure of a cmdline resource is what a failure does") {
    SUBCASE("AUTORECOVER is left once") {
        auto world = in_service({cmdline("db")});
        CHECK(section(world, "db", "if it failed:") ==
              Lines{"Offline or Faulted said by Check: Start runs once more (once, until `clear` or a start by order)",
                    "if that fails: it is taken out of service; all others go on"});
        world.pass(10s);
        world.ends("db", Script::check, 1);
        CHECK(world.runs("db") == "start");
        world.ends("db", Script::start);
        world.ends("db", Script::check, 0);
        REQUIRE(world.state("db") == "Online");
        CHECK(explained(world, "db")["recoveries_left"] == 0);
        CHECK(
            section(world, "db", "if it failed:") ==
            Lines{"Offline or Faulted said by Check: no recovery is left (once, until `clear` or a start by order), so it is taken out of "
                  "service; all others go on"});
    }
    SUBCASE("MONITORONLY and NULLDETECTOR") {
        Definition db = cmdline("db");
        db.flags.monitor_only = true;
        auto world = in_service({db});
        CHECK(section(world, "db", "if it failed:") == Lines{"Offline or Faulted said by Check is only told (MONITORONLY)"});
        db = without(cmdline("db"), Script::check);
        db.flags = {.null_detector = true, .auto_recover = false};
        world = in_service({db});
        CHECK(section(world, "db", "if it failed:") == Lines{"nobody would notice: no check of it is run"});
    }
}

TEST_CASE("a pcheck that has ended, is stopped or ends does nothing of what is due") {
    auto world = in_service({generic("web")});
    View view = view_of(world);
    view.header.life = Life::ended;
    view.header.reason = "order";
    CHECK(section(view, "web", "next") == Lines{"nothing: pcheck has ended, and nobody watches it"});
    CHECK(section(view, "web", "you can") == Lines{"pcheck -f /etc/banken/pfile  watches again"});
    CHECK(nlohmann::json::parse(explain_json(view, view.resources[0], Findings{}))["explain"]["next_action"] == "none");

    view = view_of(world);
    view.header.owner.id.pid = 77;
    view.stopped = true;
    CHECK(explain(view, view.resources[0], Findings()).sections[0].lines.back() ==
          "pcheck (pid 77) is stopped by a signal: nothing is watched; kill -CONT 77");
    view.header.ending = ResourceEnd::order;
    CHECK(section(view, "web", "next").back() == "pcheck ends when all that are to be taken out of service are out");
}

TEST_CASE("explain offers no order that would be refused, and what a failed script has written") {
    ResourceWorld world({generic("vip"), generic("web", {"vip"})});
    CHECK(section(world, "vip", "you can") == Lines{"ps f -g 50001  what it does; kill -- -50001 ends it, then it has failed"});
    CHECK(section(world, "web", "you can") == Lines{"padmin -f /etc/banken/pfile -c explain vip  why that is so"});
    world.order(Verb::remove, "vip");
    CHECK(section(world, "vip", "next").back() == "then it is taken out of service");
    world.ends("vip", Script::restore, 1);
    world.ends("vip", Script::remove);
    const Lines restore{"padmin -f /etc/banken/pfile -c restore web  puts it and what it depends on in service"};
    CHECK(section(world, "web", "you can") == restore);

    auto below = in_service({cmdline("db"), unchecked("app", {"db"})});
    below.order(Verb::recover, "db");
    below.ends("db", Script::start, 1);
    below.ends("app", Script::remove);
    below.all_well();
    REQUIRE(below.state("db") == "OfflineFault");
    CHECK(section(below, "app", "you can").front() ==
          "padmin -f /etc/banken/pfile -c clear db  when mended: it is needed, and keeps this one from a restore");
    CHECK(section(in_service({unchecked("web")}), "web", "you can") ==
          Lines{"padmin -f /etc/banken/pfile -c remove web  takes it and what depends on it out of service"});

    View view = view_of(below);
    view.param.script_output_file = "/var/log/scripts";
    Findings findings;
    findings.output = {"no space"};
    const auto sections = explain(view, *resource_of(view, "db"), findings).sections;
    CHECK(std::ranges::any_of(sections, [](const auto& one) { return one.label == "output" && one.lines.back() == "  no space"; }));
}
