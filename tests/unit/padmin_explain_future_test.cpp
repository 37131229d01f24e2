// SPDX-License-Identifier: Apache-2.0
// The JSON of explain, read as a script would read it, in every state and wait: what it says comes next comes then and not before.
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "padmin/explain.hpp"
#include "padmin/render_json.hpp"
#include "pcheck/records.hpp"
#include "pcheck/segment_writer.hpp"
#include "tests/fake/core_world.hpp"

using namespace banken;
using namespace banken::core;
using namespace std::chrono_literals;

namespace {

nlohmann::json explained(const World& world, EntryKey key) {
    View view;
    view.header.life = Life::running;
    view.header.pfile = "/etc/banken/pfile";
    view.param = record_of(world.core.param());
    for (const EntryKey each : world.core.entries()) view.entries.push_back(record_of(world.entry(each), world.core));
    view.now = world.now;
    view.last_turn = world.now.instant;
    const EntryRecord& entry = *std::ranges::find(view.entries, key, &EntryRecord::key);
    return nlohmann::json::parse(explain_json(view, entry, pent_of(view, entry), {}))["explain"];
}

// All that the world can see of an entry.
std::string seen(const World& world, EntryKey key) {
    const Watch& watch = world.entry(key);
    return fmt::format("{} {} {} {} {} {} {} {} {}", world.state(key), watch.paused, watch.window.count, watch.total, watch.bad_checks,
                       world.check_runs(key), world.signals().size(), world.script_signals().size(), world.reminders().size());
}

// Nothing is seen before the foretold time, and `then` at it: a state, or "" for anything.
void comes(World& world, EntryKey key, std::string_view action, std::string_view then) {
    const auto json = explained(world, key);
    CAPTURE(json["next_action"]);
    CHECK(json["state"].get<std::string>() == text_of(world.entry(key).state));
    CHECK(json["next_action"] == action);
    REQUIRE(json["next_in"].is_number());
    const Duration wait(std::llround(json["next_in"].get<double>() * 1e9));
    const std::string before = seen(world, key);
    world.pass(wait - 10ms);
    CHECK(seen(world, key) == before);
    world.pass(10ms);
    CHECK(seen(world, key) != before);
    if (!then.empty()) CHECK(world.state(key) == then);
}

// An event is waited for: for an hour nothing is seen but reminders, which are off.
void waits(World& world, EntryKey key, std::string_view action) {
    const auto json = explained(world, key);
    CHECK(json["next_action"] == action);
    CHECK(json["next_in"].is_null());
    const std::string before = seen(world, key);
    world.pass(1h);
    CHECK(seen(world, key) == before);
}

constexpr std::string_view quiet = "REMIND_INTERVAL 0\n";

}  // namespace

TEST_CASE("what explain says of a process that runs") {
    SUBCASE("nothing is due") {
        World world = running("a:/bin/r:3600:3:exit", quiet);
        waits(world, 1, "none");
    }
    SUBCASE("a check, its limit, the stop and the kill, and what cannot be ended") {
        World world =
            running("a:/bin/r:86400:3:continue:check=/bin/c:check_interval=300:check_timeout=30:check_failures=1:stop=TERM/7", quiet);
        comes(world, 1, "check", "AVAIL");
        comes(world, 1, "check_limit", "STALL");
        comes(world, 1, "kill", "STALL");
        comes(world, 1, "give_up", "RETRY_OVER");
        waits(world, 1, "order");
    }
    SUBCASE("a heartbeat, and a stop script that has its own limit") {
        World world = running("a:/bin/r:86400:3:continue:heartbeat=300:stop=/bin/stop/5", quiet);
        comes(world, 1, "heartbeat_deadline", "STALL");
        comes(world, 1, "kill", "STALL");
        comes(world, 1, "give_up", "RETRY_OVER");
    }
    SUBCASE("the early end of the window") {
        World world = running("a:/bin/r:86400:3:continue:stable=600", quiet);
        world.crash(1);
        world.run(1, 300);
        world.script_exits(1, 0);
        comes(world, 1, "stable", "AVAIL");
        CHECK(world.entry(1).window.count == 0);
    }
    SUBCASE("the end of a pause, and a pause without end") {
        World world = running("a:/bin/r:3600:3:exit", quiet);
        world.order(Verb::stop, "a", 30min);
        comes(world, 1, "resume", "AVAIL");
        world.order(Verb::stop, "a");
        waits(world, 1, "order");
    }
}

TEST_CASE("what explain says of a process that is down") {
    SUBCASE("confirm, the script's limit, its kill, and what cannot be ended") {
        World world = running("a:/bin/r:86400:3:continue:script_timeout=30:delay=20", quiet);
        world.end_orderly(1);
        comes(world, 1, "confirm_deadline", "RESTART");
        comes(world, 1, "script_limit", "RESTART");
        comes(world, 1, "kill_script", "RESTART");
        comes(world, 1, "give_up", "RETRY_OVER");
    }
    SUBCASE("delay, and the deadline of a start") {
        World world = running("a:/bin/r:86400:3:continue:delay=60", quiet);
        world.crash(1);
        world.script_exits(1, 1);
        REQUIRE(world.state(1) == "DOWN delay");
        comes(world, 1, "attempt", "RESTART");
        world.script_exits(1, 0);
        comes(world, 1, "start_deadline", "DOWN delay");
    }
    SUBCASE("the end of a pause") {
        World world = running("a:/bin/r:86400:3:continue", quiet);
        world.order(Verb::stop, "a", 30min);
        world.crash(1);
        comes(world, 1, "resume", "RESTART");
    }
    SUBCASE("hold") {
        World world = running("a:/bin/r:3600:1:hold", quiet);
        world.crash(1);
        world.script_exits(1, 1);
        comes(world, 1, "hold_end", "RESTART");
    }
    SUBCASE("reminders") {
        World world = running("a:/bin/r:86400:0:continue");
        world.crash(1);
        comes(world, 1, "reminder", "RETRY_OVER");
    }
}

TEST_CASE("what explain says of one that waits for an event") {
    SUBCASE("a script, or a stop, without limit") {
        World world = running("a:/bin/r:3600:3:exit:stop=TERM/0", quiet);
        world.order(Verb::restart, "a");
        waits(world, 1, "process_end");
        world.vanish(1);
        world.crash(1);
        waits(world, 1, "script_end");
    }
    SUBCASE("somebody who starts it") {
        World world = running("a:-:3600:3:continue", quiet);
        world.crash(1);
        waits(world, 1, "process_seen");
        world.order(Verb::stop, "a");
        waits(world, 1, "process_seen");
    }
    SUBCASE("another entry, and then its script begins") {
        World world = running("a:/bin/r:3600:3:exit:after=b\nb:-:3600:3:continue", quiet);
        world.crash(2);
        world.crash(1);
        waits(world, 1, "dependency");
        world.run(2, 300);
        world.sweep();
        CHECK(world.state(1) == "RESTART");
    }
    SUBCASE("the first look") {
        World world("a:/bin/r:3600:3:exit", quiet);
        waits(world, 1, "first_look");
    }
}

TEST_CASE("what explain says of one that waits for its place") {
    SUBCASE("a slot, which comes free with the end of a script") {
        World world = running("a:/bin/ra:3600:3:exit\nb:/bin/rb:3600:3:exit", "REMIND_INTERVAL 0\nSCRIPT_PARALLEL 1\n");
        world.crash(1);
        world.crash(2);
        REQUIRE(world.state(2) == "DOWN slot");
        CHECK(explained(world, 2)["next_action"] == "slot");
        CHECK(explained(world, 2)["next_in"].is_null());
        world.run(1, 300);
        world.script_exits(1, 0);
        CHECK(world.state(2) == "RESTART");
    }
    SUBCASE("the turn in a group") {
        World world = running("a:/bin/ra:3600:3:exit:group=g\nb:/bin/rb:3600:3:exit:group=g", quiet);
        world.crash(2);
        REQUIRE(world.state(1) == "RESTART");
        waits(world, 2, "group_turn");
        world.run(1, 300);
        world.script_exits(1, 0);
        CHECK(world.state(2) == "RESTART");
    }
    SUBCASE("the delay of a group, foretold for each member") {
        World world = running("a:/bin/ra:86400:3:exit:group=g:delay=60\nb:/bin/rb:86400:3:exit:group=g", quiet);
        world.crash(1);
        world.script_exits(1, 1);
        REQUIRE(world.state(1) == "DOWN group");
        comes(world, 1, "attempt", "RESTART");
    }
}
