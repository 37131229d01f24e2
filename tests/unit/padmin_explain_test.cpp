// SPDX-License-Identifier: Apache-2.0
// What explain foretells is held against what the core then does.
#include <doctest/doctest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "padmin/explain.hpp"
#include "padmin/render_json.hpp"
#include "pcheck/records.hpp"
#include "pcheck/segment_writer.hpp"
#include "tests/fake/core_world.hpp"
#include "tests/unit/private_key.hpp"

using namespace banken;
using namespace banken::core;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view crond = "crond:/bin/restart:3600:3:exit";

// As padmin would read it now.
View view_of(const World& world) {
    View view;
    view.header.life = Life::running;
    view.header.pfile = "/etc/banken/pfile_cron";
    view.param = record_of(world.core.param());
    for (const EntryKey key : world.core.entries()) view.entries.push_back(record_of(world.entry(key), world.core));
    view.now = world.now;
    view.last_turn = world.now.instant;
    return view;
}

Forecast future(const View& view, std::size_t index = 0) {
    const EntryRecord& entry = view.entries.at(index);
    return forecast(view, entry, pent_of(view, entry).value());
}
Forecast future(const World& world) { return future(view_of(world)); }

std::string words(const View& view) {
    const EntryRecord& entry = view.entries.front();
    return text_of(explain(view, entry, pent_of(view, entry), {}));
}
std::string words(const World& world) { return words(view_of(world)); }

bool says(const std::string& text, std::string_view part) {
    const bool said = text.find(part) != std::string::npos;
    if (!said) MESSAGE(text);
    return said;
}

World running() { return core::running(crond); }

// Nothing happens before the time that is foretold, and something at that time.
void happens_when_foretold(World& world, NextAction action) {
    const Forecast forecast = future(world);
    CHECK(text_of(forecast.next) == text_of(action));
    REQUIRE(forecast.at);
    REQUIRE(*forecast.at > world.now.instant);
    const std::string before = world.state(1);
    static_cast<void>(world.log());
    const auto signals = world.script_signals().size() + world.signals().size() + world.reminders().size();
    const auto done = [&] {
        return world.state(1) != before || !world.log().empty() ||
               world.script_signals().size() + world.signals().size() + world.reminders().size() != signals;
    };
    world.pass(*forecast.at - world.now.instant - 1ms);
    CHECK_FALSE(done());
    world.pass(1ms);
    CHECK(done());
}

// Every script fails as soon as it has begun: when they began, and when it was given up.
Timetable as_it_comes(World& world) {
    Timetable table;
    while (world.state(1) != "RETRY_OVER") {
        if (world.script_runs(1)) {
            table.attempts.push_back({world.now.instant, view_of(world).entries.front().window.count});
            world.script_exits(1, 1);
            continue;
        }
        const auto next = world.core.next_deadline();
        REQUIRE(next);
        world.pass(*next - world.now.instant);
    }
    table.retry_over = world.now.instant;
    return table;
}

void comes_as_foretold(World& world, const Timetable& foretold) {
    const Timetable came = as_it_comes(world);
    REQUIRE(foretold.attempts.size() == came.attempts.size());
    for (std::size_t i = 0; i < came.attempts.size(); ++i) {
        CHECK(foretold.attempts[i].at == came.attempts[i].at);
        CHECK(foretold.attempts[i].number == came.attempts[i].number);
    }
    CHECK(foretold.retry_over == came.retry_over);
}

}  // namespace

TEST_CASE("of a process that runs nothing is due, and a crash now is played through") {
    World world = running();
    const Forecast forecast = future(world);
    CHECK(text_of(forecast.next) == "none");
    CHECK_FALSE(forecast.at);
    CHECK(forecast.left == 3);
    CHECK_FALSE(forecast.window_ends);
    const std::string text = words(world);
    CHECK(says(text, "is AVAIL since"));
    CHECK(says(text, "nothing is due; if it crashed now, its restart script runs: attempt 1 of 3 in this window"));
    CHECK(says(text, "no window is running: 3 restarts in 1 h are allowed, counted from the first"));
    CHECK(says(text, "RETRY_OVER: exit ends pcheck with status 1"));
}

TEST_CASE("what is next comes when it was foretold") {
    SUBCASE("the end of the confirm wait") {
        World world = running();
        world.end_orderly(1);
        happens_when_foretold(world, NextAction::confirm_deadline);
        CHECK(world.state(1) == "RESTART");
    }
    SUBCASE("the end of the delay") {
        World world = running();
        world.crash(1);
        world.script_exits(1, 1);
        happens_when_foretold(world, NextAction::attempt);
        CHECK(world.state(1) == "RESTART");
    }
    SUBCASE("the deadline of the start") {
        World world = running();
        world.crash(1);
        world.script_exits(1, 0);
        CHECK(world.state(1) == "START");
        happens_when_foretold(world, NextAction::start_deadline);
    }
    SUBCASE("the delay of a group") {
        World world = running("crond:/bin/restart:3600:3:exit:group=g");
        world.crash(1);
        world.script_exits(1, 1);
        CHECK(world.state(1) == "DOWN group");
        happens_when_foretold(world, NextAction::attempt);
        CHECK(world.state(1) == "RESTART");
    }
}

TEST_CASE("the ends of a script and of a process come when they were foretold") {
    SUBCASE("the limit of the script, its KILL, and its end in vain") {
        World world = running(crond, "SCRIPT_TIMEOUT 30\n");
        world.crash(1);
        happens_when_foretold(world, NextAction::script_limit);
        happens_when_foretold(world, NextAction::kill_script);
        happens_when_foretold(world, NextAction::give_up);
        CHECK(world.state(1) == "RETRY_OVER");
    }
    SUBCASE("the KILL of a process that is stopped by order, and its end in vain") {
        World world = running();
        world.order(Verb::restart, "crond");
        happens_when_foretold(world, NextAction::kill);
        happens_when_foretold(world, NextAction::give_up);
        CHECK(world.state(1) == "RETRY_OVER");
    }
}

TEST_CASE("the ends of a pause and of a hold, and reminders, come when they were foretold") {
    SUBCASE("the end of a pause") {
        World world = running();
        world.order(Verb::stop, "crond", 30min);
        happens_when_foretold(world, NextAction::resume);
    }
    SUBCASE("the end of a hold") {
        World world = running("crond:/bin/restart:3600:1:hold", "REMIND_INTERVAL 0\n");
        world.crash(1);
        world.script_exits(1, 1);
        CHECK(world.state(1) == "HOLD");
        happens_when_foretold(world, NextAction::hold_end);
        CHECK(world.state(1) == "RESTART");
    }
    SUBCASE("the reminder of one that was given up") {
        World world = running("crond:/bin/restart:3600:0:continue");
        world.crash(1);
        CHECK(world.state(1) == "RETRY_OVER");
        happens_when_foretold(world, NextAction::reminder);
    }
}

TEST_CASE("what is due while it runs comes when it was foretold") {
    SUBCASE("the early end of a window") {
        World world = running("crond:/bin/restart:3600:3:exit:stable=600");
        world.crash(1);
        world.run(1, 101);
        world.script_exits(1, 0);
        CHECK(world.state(1) == "AVAIL");
        const Forecast forecast = future(world);
        CHECK(text_of(forecast.next) == "stable");
        CHECK(forecast.left == 2);
        world.pass(*forecast.at - world.now.instant - 1ms);
        CHECK(future(world).left == 2);
        world.pass(1ms);
        CHECK(future(world).left == 3);
    }
    SUBCASE("health checks, and the limit of one that hangs") {
        World world = running("crond:/bin/restart:3600:3:exit:check=/bin/check:check_interval=300");
        CHECK(text_of(future(world).next) == "check");
        world.pass(*future(world).at - world.now.instant);
        CHECK(text_of(future(world).next) == "check_limit");
        world.pass(*future(world).at - world.now.instant);
        CHECK(world.entry(1).bad_checks == 1);
    }
    SUBCASE("a missed heartbeat") {
        World world = running("crond:/bin/restart:3600:3:exit:heartbeat=300");
        happens_when_foretold(world, NextAction::heartbeat_deadline);
        CHECK(world.state(1) == "STALL");
        happens_when_foretold(world, NextAction::kill);
    }
}

TEST_CASE("what waits for an event has no time") {
    SUBCASE("a script without limit") {
        World world = running();
        world.crash(1);
        CHECK(text_of(future(world).next) == "script_end");
        CHECK_FALSE(future(world).at);
    }
    SUBCASE("an entry without script") {
        World world = running("crond:-:3600:3:continue");
        world.crash(1);
        CHECK(text_of(future(world).next) == "process_seen");
        CHECK(future(world).timetable.attempts.empty());
        CHECK_FALSE(future(world).left);
        CHECK(says(words(world), "it has no restart script: pcheck only reports it"));
    }
    SUBCASE("a pause without end") {
        World world = running();
        world.order(Verb::stop, "crond");
        world.crash(1);
        CHECK(text_of(future(world).next) == "process_seen");
        CHECK(future(world).timetable.attempts.empty());
        CHECK(says(words(world), ", until `start`"));
        CHECK(says(words(world), "padmin -f /etc/banken/pfile_cron -c start crond  ends the pause"));
    }
    SUBCASE("the first look") {
        const World world(crond);
        CHECK(text_of(future(world).next) == "first_look");
    }
    SUBCASE("a free place among the scripts") {
        World world("crond:/bin/restart:3600:3:exit\nsshd:/bin/restart:3600:3:exit", "SCRIPT_PARALLEL 1\n");
        world.run(1, 100);
        world.run(2, 200);
        world.start_up();
        world.crash(2);
        world.crash(1);
        CHECK(world.state(1) == "DOWN slot");
        CHECK(text_of(future(world).next) == "slot");
        CHECK(says(words(world), "1 restart script may begin within 5 s (SCRIPT_PARALLEL): it waits for its place"));
    }
}

TEST_CASE("the worst case comes as it was foretold") {
    SUBCASE("from a crash on") {
        World world = running();
        const Timetable foretold = future(world).timetable;
        world.crash(1);
        comes_as_foretold(world, foretold);
    }
    SUBCASE("from the confirm wait on") {
        World world = running();
        world.end_orderly(1);
        world.pass(500ms);
        comes_as_foretold(world, future(world).timetable);
    }
    SUBCASE("from the second attempt on") {
        World world = running();
        world.crash(1);
        world.script_exits(1, 1);
        world.pass(3s);
        comes_as_foretold(world, future(world).timetable);
    }
    SUBCASE("from a start that fails") {
        World world = running();
        world.crash(1);
        world.script_exits(1, 0);
        world.pass(5s);
        comes_as_foretold(world, future(world).timetable);
    }
}

TEST_CASE("the worst case of a group comes as it was foretold") {
    World world = running("crond:/bin/restart:3600:3:continue:group=g:delay=5-60");
    const Timetable foretold = future(world).timetable;
    CHECK(foretold.attempts.size() == 3);
    world.crash(1);
    comes_as_foretold(world, foretold);
}

TEST_CASE("the pace of a group is that of its first member") {
    const World world("sshd:/bin/restart:3600:3:exit:group=g:delay=5\ncrond:/bin/restart:3600:3:exit:group=g:delay=1");
    const View view = view_of(world);
    const EntryRecord& second = view.entries.back();
    CHECK(says(text_of(explain(view, second, pent_of(view, second), {})), "at least 5 s from attempt to attempt"));
}

TEST_CASE("an entry that comes after another one is told which, and how that is") {
    World world("crond:/bin/restart:3600:3:exit:after=sshd\nsshd:-:3600:3:exit");
    world.run(1, 100);
    world.run(2, 200);
    world.start_up();
    world.crash(2);
    world.crash(1);
    CHECK(world.state(1) == "DOWN dependency");
    CHECK(text_of(future(world).next) == "dependency");
    CHECK(says(words(world), "is DOWN (dependency sshd) since"));
    CHECK(says(words(world), "it comes after sshd, which is DOWN"));
    CHECK(says(words(world), "padmin -f /etc/banken/pfile_cron -c explain sshd  why that is not up"));
    CHECK_FALSE(future(world).timed);
    CHECK_FALSE(words(world).find("if every attempt failed at once") != std::string::npos);
}

TEST_CASE("a window that passes before the retries are used up is never over") {
    World world = running("crond:/bin/restart:15:3:exit");
    world.crash(1);
    const Timetable table = future(world).timetable;
    CHECK_FALSE(table.retry_over);
    CHECK(table.attempts.size() == 1);
    CHECK(says(words(world), "the count starts anew: it is never given up at this pace"));
}

TEST_CASE("a long timetable is cut, and its end is known all the same") {
    World world = running("crond:/bin/restart:31536000:500:shutdown");
    world.crash(1);
    const Timetable table = future(world).timetable;
    CHECK(table.attempts.size() == Timetable::most);
    CHECK(table.attempts.size() + table.more == 499);
    CHECK(table.retry_over);
    CHECK(says(words(world), "... and 489 more"));
    CHECK(says(words(world), "RETRY_OVER: shutdown ends pcheck with status 0"));
}

TEST_CASE("unlimited retries are told as such") {
    World world = running("crond:/bin/restart:3600:unlimited:continue");
    world.crash(1);
    CHECK_FALSE(future(world).left);
    CHECK_FALSE(future(world).timetable.retry_over);
    CHECK(says(words(world), "... and so on: retries are unlimited"));
}

TEST_CASE("one that was given up is told why, and how to leave that") {
    World world = running("crond:/bin/restart:3600:1:continue");
    world.crash(1);
    world.script_exits(1, 3);
    CHECK(world.state(1) == "RETRY_OVER");
    View view = view_of(world);
    CHECK(text_of(future(view).next) == "reminder");
    CHECK(future(view).left == 0);
    CHECK(future(view).timetable.attempts.empty());
    std::string text = words(view);
    CHECK(says(text, "the 1 restart in its window is used up"));
    CHECK(says(text, "its last attempt failed at"));
    CHECK(says(text, "status=3"));
    CHECK(says(text, "padmin -f /etc/banken/pfile_cron -c clear crond  when mended"));
    view.entries.front().seen = {8888, 1};
    text = words(view);
    CHECK(says(text, "process 8888 runs again"));
    CHECK(says(text, "-c clear crond  counters to 0, and the process is watched again"));
}

TEST_CASE("an entry on hold goes on when its window has passed") {
    View view = view_of(running());
    EntryRecord& entry = view.entries.front();
    entry.state = EntryState::hold;
    entry.main = {};
    entry.action = RetryOverAction::hold;
    entry.line = "crond:/bin/restart:3600:3:hold";
    entry.window = {view.now.instant - 600s, view.now.wall - 600s, 3};
    entry.timer = view.now.instant + 3000s;
    const Forecast forecast = future(view);
    CHECK(text_of(forecast.next) == "hold_end");
    CHECK(forecast.at == entry.timer);
    REQUIRE_FALSE(forecast.timetable.attempts.empty());
    CHECK(forecast.timetable.attempts.front().at == *entry.timer);
    CHECK(forecast.timetable.attempts.front().number == 1);
    CHECK(says(words(view), "the counters are cleared; if it is not there then, its restart script runs: attempt 1 of 3"));
}

TEST_CASE("what is found out beside the segment is told, and escaped") {
    const View view = view_of(running());
    const EntryRecord& entry = view.entries.front();
    const Findings findings{.refused = "/opt/x is writable by others", .output = {"cannot \x1b[31m open", "bye"}};
    const std::string text = text_of(explain(view, entry, pent_of(view, entry), findings));
    CHECK(says(text, "its script would not be run now: /opt/x is writable by others; pcheck looks again before each run"));
    CHECK(says(text, "  cannot \\x1b[31m open\n"));
}

TEST_CASE("a dump is explained as it was, and foretells nothing") {
    World world = running();
    world.crash(1);
    View view = view_of(world);
    view.header.life = Life::ended;
    view.header.reason = "order";
    CHECK(text_of(future(view).next) == "none");
    CHECK(says(words(view), "pcheck has ended: order; this is how it was then, at "));
    CHECK(says(words(view), "next    nothing: pcheck has ended, and nobody watches it\n"));
    CHECK(says(words(view), "you can pcheck -f /etc/banken/pfile_cron  when mended"));
    CHECK(future(view).timetable.attempts.empty());
}

TEST_CASE("a dump from an end by retry-over tells what was used up") {
    World world = running("crond:/bin/restart:3600:1:exit");
    world.crash(1);
    world.script_exits(1, 3);
    View view = view_of(world);
    view.header.life = Life::ended;
    view.header.reason = "retry-over exit (crond)";
    const std::string text = words(view);
    CHECK(says(text, "the 1 restart in its window is used up"));
    CHECK(says(text, "1 of 1 restart used in 1 h, 0 left"));
    CHECK(says(text, "status=3"));
    CHECK_FALSE(text.find("could not be ended") != std::string::npos);
}

TEST_CASE("a process that was stalled when its restarts were used up was not lost, and runs unwatched") {
    World world = running("crond:/bin/restart:3600:0:continue:heartbeat=30");
    world.pass(31s);
    CHECK(world.state(1) == "RETRY_OVER");
    const std::string text = words(world);
    CHECK(says(text, "it failed, and 0 restarts are allowed"));
    CHECK(says(text, "it failed: no heartbeat for 30s\n"));
    CHECK(says(text, "process 100 of it still runs, and pcheck does not watch it"));
    CHECK(says(text, "-c clear crond  counters to 0, and the process is watched again"));
    CHECK_FALSE(text.find("lost") != std::string::npos);
}

TEST_CASE("what could not be ended is named") {
    World world = running();
    world.order(Verb::restart, "crond");
    while (world.state(1) != "RETRY_OVER") world.pass(*world.core.next_deadline() - world.now.instant);
    CHECK(says(words(world), "its process 100 could not be ended"));
}

TEST_CASE("of a group that was given up it is told who failed and who still runs") {
    World world("web:/bin/a:3600:0:continue:group=shop\ndb:/bin/b:3600:0:continue:group=shop");
    world.run(1, 100);
    world.run(2, 200);
    world.start_up();
    world.crash(2);
    CHECK(world.state(1) == "RETRY_OVER");
    const std::string text = words(world);
    CHECK(says(text, "0 restarts are allowed"));
    CHECK(says(text, "group shop, web: process 100 runs, not watched"));
    CHECK(
        says(text, "group shop, db, which has failed: its process 200 ended: killed by signal 9 (KILL); no process of it is known to run"));
    CHECK(says(text, "; so for all members of group shop"));
}

TEST_CASE("one that runs while its group is being restarted is told that its turn comes") {
    World world("db:/bin/a:3600:3:continue:group=shop\nweb:/bin/b:3600:3:continue:group=shop");
    world.run(1, 100);
    world.run(2, 200);
    world.start_up();
    CHECK(says(words(world), "RETRY_OVER: group shop is left alone with all its members, all other entries go on"));
    world.crash(1);
    const View view = view_of(world);
    const EntryRecord& web = view.entries.back();
    CHECK(text_of(future(view, 1).next) == "group_turn");
    CHECK(says(text_of(explain(view, web, pent_of(view, web), {})),
               "its turn comes when the members ahead of it (db) are up: then its own restart script runs, although it is there\n"));
    CHECK_FALSE(future(view, 1).timed);
}

TEST_CASE("a count is told with what is wanted") {
    World world("worker:/bin/restart:3600:3:continue:min=1:max=1");
    world.run(1, 100);
    world.run(1, 101);
    world.start_up();
    CHECK(says(words(world), "2 processes of it run, at least 1 is wanted, and at most 1: these are too many"));
}

TEST_CASE("the hint for a script that hangs stays while the entry is paused") {
    World world = running();
    world.crash(1);
    world.order(Verb::stop, "crond");
    const std::string text = words(world);
    CHECK(says(text, "ends the pause"));
    CHECK(says(text, "ps f -g "));
}

TEST_CASE("of the last attempt it is told what its failure leads to") {
    World world = running("crond:/bin/restart:3600:1:exit", "SCRIPT_TIMEOUT 30\n");
    CHECK(says(words(world), "1 restart in 1 h is allowed"));
    world.crash(1);
    CHECK(says(words(world), "if it fails, it was the last attempt: RETRY_OVER: exit ends pcheck with status 1\n"));
    world.script_exits(1, 0);
    CHECK(says(words(world), "the attempt has failed if the process is not there; then RETRY_OVER: exit ends pcheck"));
    CHECK(says(words(world), "-c match crond  which processes nearly fit, and what they lack"));
}

TEST_CASE("a dry run and what is odd about a process are told") {
    View view = view_of(running());
    view.header.capabilities = "root = yes\ndry_run = yes\n";
    const EntryRecord& entry = view.entries.front();
    const Findings findings{.refused = {}, .process = {"process 100 is in state T"}};
    const std::string text = text_of(explain(view, entry, pent_of(view, entry), findings));
    CHECK(says(text, "pcheck was started with --dry-run: it watches and logs"));
    CHECK(says(text, "process 100 is in state T\n"));
    CHECK_FALSE(text.find("if it were lost") != std::string::npos);
}

TEST_CASE("what a killed pcheck has left is told as that, and foretells nothing") {
    View view = view_of(running());
    view.alive = false;
    const std::string text = words(view);
    CHECK(says(text, "pcheck was killed, and its last turn was at "));
    CHECK(says(text, "next    nothing: pcheck has ended, and nobody watches it"));
    CHECK(says(text, "pcheck -f /etc/banken/pfile_cron  watches again, and goes on from this state"));
}

TEST_CASE("the now of a dump is the newest time in it") {
    const test::PrivateKey key;
    Param param;
    param.ipc_key = key.key;
    param.shm_dump_file = "/dump";
    param.history_size = 64;
    const Now begun{Instant(1000s), WallTime(1169127283s), 0};
    auto writer = SegmentWriter::open(param, {}, begun);
    REQUIRE(writer);
    EntryRecord entry;
    entry.since = begun.instant + 5s;
    entry.since_wall = begun.wall + 5s;
    writer->publish(0, entry);
    writer->set_entries(1);
    const auto written = [&] {
        const std::string image = writer->image();
        std::vector<std::uint64_t> words(image.size() / 8);
        std::memcpy(words.data(), image.data(), words.size() * 8);
        const auto view = read_view(SegmentReader::open(words).value(), std::nullopt, 0).value();
        CHECK(view.dumped);
        return view.now.wall;
    };
    CHECK(written() == begun.wall + 5s);
    TraceRecord record;
    record.instant = begun.instant + 8s;
    record.wall = begun.wall + 8s;
    writer->trace(record);
    CHECK(written() == begun.wall + 8s);
}

TEST_CASE("a pcheck that hangs is said, since nothing foretold may come then") {
    View view = view_of(running());
    view.last_turn = view.now.instant - 60s;
    CHECK(says(words(view), "pcheck's main loop has not turned for 1 min"));
}

TEST_CASE("a line of a later version is said to be one") {
    View view = view_of(running());
    view.entries.front().line += ":wings=2";
    CHECK(says(words(view), "cannot be said: its line in the pfile: crond, "));
}

TEST_CASE("the JSON of explain has what a test needs") {
    World world = running();
    world.crash(1);
    world.script_exits(1, 1);
    const View view = view_of(world);
    const EntryRecord& entry = view.entries.front();
    const auto json = nlohmann::json::parse(explain_json(view, entry, pent_of(view, entry), {}))["explain"];
    CHECK(json["state"] == "DOWN");
    CHECK(json["wait"] == "delay");
    CHECK(json["reason"] == "down");
    CHECK(json["next_action"] == "attempt");
    CHECK(json["next_time"].is_string());
    CHECK(json["next_time_epoch"].is_number_integer());
    CHECK(json["next_in"] == std::chrono::duration<double>(*entry.timer - view.now.instant).count());
    CHECK(json["attempts_left"] == 2);
    CHECK(json["retries"] == 3);
    CHECK(json["timetable"].size() == 2);
    CHECK(json["timetable"][0]["attempt"] == 2);
    CHECK(json["retry_over_time"].is_string());
    CHECK(json["trouble"].is_null());
    CHECK(json["refused"].is_null());
    CHECK(json["text"].is_array());
}
