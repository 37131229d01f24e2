// SPDX-License-Identifier: Apache-2.0
// What explain says in words is true where a reader would be misled: without a script, by order, over limits, in groups.
#include <doctest/doctest.h>

#include "padmin/explain.hpp"
#include "padmin/render_text.hpp"
#include "pcheck/records.hpp"
#include "pcheck/segment_writer.hpp"
#include "tests/fake/core_world.hpp"

using namespace banken;
using namespace banken::core;
using namespace std::chrono_literals;

namespace {

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

std::string words(const View& view, std::size_t index = 0) {
    const EntryRecord& entry = view.entries.at(index);
    return text_of(explain(view, entry, pent_of(view, entry), {}));
}
std::string words(const World& world, std::size_t index = 0) { return words(view_of(world), index); }

bool says(const std::string& text, std::string_view part) {
    const bool said = text.find(part) != std::string::npos;
    if (!said) MESSAGE(text);
    return said;
}
bool lacks(const std::string& text, std::string_view part) {
    const bool lacked = text.find(part) == std::string::npos;
    if (!lacked) MESSAGE(text);
    return lacked;
}

}  // namespace

TEST_CASE("without a restart script a crash is said to be only reported") {
    CHECK(says(words(running("crond:-:3600:3:continue")),
               "nothing is due; if it crashed now, it is only reported: it has no restart script\n"));
}

TEST_CASE("of a stall without a restart script the same is said") {
    CHECK(says(words(running("crond:-:3600:3:continue:heartbeat=300")),
               " (in 3 min 20 s), it is stalled, which is only reported: it has no restart script\n"));
}

TEST_CASE("in a dry run nobody says that there is no restart script, nor that it runs") {
    World world = running("crond:/bin/restart:3600:3:exit");
    View view = view_of(world);
    view.header.capabilities = "dry_run = yes\n";
    CHECK(says(words(view), "if it crashed now, it is only reported, as `Would restart` (--dry-run)"));
    view.entries.front().state = EntryState::down;
    view.entries.front().wait = EntryWait::script;
    CHECK(says(words(view), "its restart script is not run (--dry-run): pcheck only reports it"));
    CHECK(lacks(words(view), "it has no restart script"));
}

TEST_CASE("a script that runs while its counters are cleared is not said to run by order") {
    World world = running("crond:/bin/restart:3600:3:exit");
    world.crash(1);
    REQUIRE(world.script_runs(1));
    CHECK(says(words(world), ": attempt 1 of 3\n"));
    world.order(Verb::clear, "1");
    CHECK(says(words(world), ": not counted any more, the counters were cleared meanwhile\n"));
    CHECK(lacks(words(world), "by order"));
}

TEST_CASE("an excess that will stop the process is told, and one that is only reported too") {
    for (const bool stops : {true, false}) {
        World world = running(fmt::format("crond:/bin/restart:3600:3:exit:rss=1M/600{}", stops ? ":on_limit=restart" : ""));
        View view = view_of(world);
        CHECK(lacks(words(view), "over its limit"));
        view.entries.front().rss_bytes = 2 << 20;
        const std::string text = words(view);
        CHECK(says(text, "its memory (rss) of 2M is over its limit: 1M, for at most 10 min"));
        CHECK(says(text, stops ? "next    when it has been over its limit for as long as that is allowed: it is stopped, and restarted"
                               : "; that is only logged\nnext    nothing is due"));
    }
}

TEST_CASE("from when on a process that stands still counts as hung is told, and comes") {
    World world = running("web:/bin/r:3600:3:continue:hung=60");
    const auto stands = [&](char state) { world.step(Measured{1, *world.entry(1).main, state, 5s, 0, 0}); };
    stands('T');
    world.pass(20s);
    CHECK(says(words(world), "unless it uses the processor, it is stalled at 16:02:40 (in 40 s) or soon after (hung): it is stopped"));
    world.pass(39s);
    stands('T');
    CHECK(world.state(1) == "AVAIL");
    world.pass(1s);
    stands('T');
    CHECK(world.state(1) == "STALL");
    CHECK(lacks(words(world), "(hung)"));
}

TEST_CASE("until the look after a clear is answered nobody says that it is given up, nor that something could not be ended") {
    World world = running("crond:/bin/restart:3600:0:continue");
    world.crash(1);
    REQUIRE(world.state(1) == "RETRY_OVER");
    world.answer_at_once = false;
    world.order(Verb::clear, "crond");
    REQUIRE(world.state(1) == "RETRY_OVER");
    const std::string text = words(world);
    CHECK(says(text, "why     it was cleared, and pcheck looks for it at this moment\n"));
    CHECK(says(text, "next    pcheck looks for it; if it is not there, RETRY_OVER: "));
    CHECK(lacks(text, "you can"));
    world.answer_looks();
    CHECK(says(words(world), "pcheck has looked for it and has not found it\n"));
}

TEST_CASE("a person is advised to look for near misses, and to restart only what has a script") {
    World world = running("crond:-:3600:3:continue\napp:/bin/restart:3600:0:continue");
    world.end_orderly(1);
    REQUIRE(world.state(1) == "DOWN confirm");
    CHECK(lacks(words(world), "-c restart crond"));
    world.pass(10s);
    REQUIRE(world.state(1) == "DOWN script");
    CHECK(says(words(world), "-c match crond"));
    world.crash(2);
    CHECK(says(words(world, 1), "-c match app"));
}

TEST_CASE("after a dry run that was killed another dry run is advised") {
    View view = view_of(running("crond:/bin/restart:3600:3:exit"));
    view.header.capabilities = "dry_run = yes\n";
    view.alive = false;
    CHECK(says(words(view), "pcheck --dry-run -f /etc/banken/pfile_cron"));
}

TEST_CASE("with no attempt left a missed heartbeat is said to lead to retry-over") {
    World world = running("crond:/bin/restart:3600:0:exit:heartbeat=300");
    CHECK(says(words(world),
               "it is stalled, and since no attempt is left: RETRY_OVER: exit ends pcheck with status 1; "
               "its process is left running\n"));
}

TEST_CASE("of more processes than are wanted one may crash without a loss") {
    World world("crond:/bin/restart:3600:3:exit:min=2:max=5");
    world.run(1, 100);
    world.run(1, 101);
    world.start_up();
    REQUIRE(world.state(1) == "AVAIL");
    View view = view_of(world);
    view.entries.front().proc_count = 3;
    CHECK(says(words(view), "nothing is due; if fewer than 2 of it ran, its restart script runs"));
    view.entries.front().proc_count = 2;
    CHECK(says(words(view), "nothing is due; if one of it crashed now, its restart script runs"));
}

TEST_CASE("a member that runs is told that its group is about to be restarted, and what the group waits for") {
    World world = running("db:/bin/d:3600:3:continue\na:/bin/a:3600:3:continue:group=shop:after=db\nb:/bin/b:3600:3:continue:group=shop");
    CHECK(says(words(world, 2), "nothing is due"));
    world.crash(1);
    world.crash(2);
    REQUIRE(world.state(3) == "AVAIL");
    const View view = view_of(world);
    CHECK(says(words(view, 2),
               "next    when db is AVAIL its group shop is restarted: in its turn its own restart script runs, although it is there\n"));
    CHECK(says(words(view, 1), "as soon as db is AVAIL it is looked for once more; if it is not there, the scripts of group shop run\n"));
    CHECK(says(group_text(view, groups_of(view)), "waits_for       = dependency db\n"));
}

TEST_CASE("a paused entry that is down is told when it is reminded of") {
    World world = running("crond:/bin/restart:3600:3:exit", "REMIND_INTERVAL 600\n");
    world.order(Verb::stop, "1");
    world.crash(1);
    const std::string text = words(world);
    CHECK(says(text, "nothing, until somebody starts the process"));
    CHECK(says(text, " a reminder is logged\n"));
}

TEST_CASE("an entry on hold whose process runs is watched again, and not said to be restarted") {
    World world("crond:/bin/restart:3600:1:hold");
    world.start_up();
    world.pass(100s);
    world.script_exits(1, 1);
    REQUIRE(world.state(1) == "HOLD");
    View view = view_of(world);
    CHECK(says(words(view), "\nif every attempt failed at once:"));
    view.entries.front().main.pid = 100;
    const std::string text = words(view);
    CHECK(says(text, "the counters are cleared, and process 100 is watched again if it still runs\n"));
    CHECK(lacks(text, "\nif every attempt failed at once:"));
}

TEST_CASE("how the last health check failed is told, while it counts and when it has led to the end") {
    World world = running("crond:/bin/restart:3600:0:continue:check=/bin/c:check_interval=60:check_failures=2", {}, 0s);
    world.pass(60s);
    world.check_ends(1, 1);
    CHECK(says(words(world), "its health: 1 of 2 checks failed (status=1)\n"));
    world.pass(60s);
    world.check_ends(1, 3);
    REQUIRE(world.state(1) == "RETRY_OVER");
    CHECK(says(words(world), "it failed: 2 health checks failed\n"));
    CHECK(says(words(world), "its health: the last check failed: status=3\n"));
}

TEST_CASE("without a process the last check is told only where it led to the stop, and what was cut ends with a word") {
    World world = running("crond:/bin/restart:3600:3:continue:check=/bin/c:check_interval=60:check_failures=1", {}, 0s);
    world.pass(60s);
    world.check_ends(1, 3);
    world.end_orderly(1);
    REQUIRE(world.state(1) == "RESTART");
    CHECK(says(words(world), "        the last check failed: status=3\n"));
    CHECK(lacks(words(world), "its health"));
    View view = view_of(world);
    view.entries.front().reason = EntryReason::absent;
    CHECK(lacks(words(view), "the last check failed"));
    view.entries.front() = record_of(running("crond:/bin/r:3600:3:continue:check=/bin/c").entry(1), world.core);
    view.entries.front().bad_checks = 1;
    view.entries.front().health = std::string("1 of 2 checks failed (/opt/night/out: No such file or directory)").substr(0, 63);
    CHECK(says(words(view), "its health: 1 of 2 checks failed (/opt/night/out: No such file or...\n"));
}

TEST_CASE("one that runs and has no attempt left is told what a loss leads to, whatever is due") {
    World world = running("web:/bin/r:3600:1:continue:check=/bin/c:check_interval=60", {}, 0s);
    CHECK(says(words(world), "if it were lost, and every attempt failed at once:\n"));
    world.crash(1);
    world.run(1, 200);
    world.script_exits(1, 0);
    CHECK(says(words(world), "its health check runs\n"));
    CHECK(says(words(world), "\nif it were lost:\n        at once  RETRY_OVER: it is left alone, all other entries go on\n"));
    World never = running("web:/bin/r:3600:0:exit:confirm=5/always");
    CHECK(says(words(never), "\nif it were lost:\n        16:01:45 (in 5 s)  RETRY_OVER: exit ends pcheck with status 1\n"));
    World without = running("web:-:3600:0:continue");
    CHECK(lacks(words(without), "if it were lost"));
}

TEST_CASE("a stall that is only reported is told as long as it lasts") {
    World world = running("crond:-:3600:3:continue:check=/bin/c:check_interval=60:check_failures=1", {}, 0s);
    world.pass(60s);
    world.check_ends(1, 1);
    CHECK(says(words(world), "its health: stalled (status=1), only reported\n"));
    world.pass(60s);
    world.check_ends(1, 0);
    CHECK(lacks(words(world), "its health:"));
}

TEST_CASE("why a process was stalled is told while it is stopped and until it is up, whatever it was") {
    World world = running("web:/bin/r:3600:3:continue:events=app/hung:heartbeat=300");
    world.crash(1);
    world.run(1, 200);
    world.script_exits(1, 0);
    SUBCASE("an event") {
        world.event("app/hung", "web");
        CHECK(says(words(world), "why     its process 200 was stalled: event app/hung\n"));  // not how the one before has ended
    }
    SUBCASE("a heartbeat") {
        world.pass(301s);
        CHECK(says(words(world), "why     its process 200 was stalled: no heartbeat for 300s\n"));
    }
    world.end_orderly(1);
    CHECK(says(words(world), "; it was stopped: killed by signal 15 (TERM)\n"));
    world.pass(15s);
    world.run(1, 300);
    world.script_exits(1, 0);
    REQUIRE(world.state(1) == "AVAIL");
    CHECK(world.entry(1).trouble.empty());
}

TEST_CASE("an excess that stops the process is told with its limit, and the time when it acts comes") {
    World world = running("web:/bin/r:3600:3:continue:rss=1M/60:on_limit=restart");
    CHECK(says(words(world), "its memory (rss) is not measured yet; its limit: 1M, for at most 1 min\n"));
    const auto measured = [&] { world.step(Measured{1, *world.entry(1).main, 'S', 5s, 2 << 20, 0}); };
    measured();
    world.pass(20s);
    CHECK(
        says(words(world), "(in 40 s) or soon after, if it is over its limit without a break until then: it is stopped, and restarted\n"));
    world.pass(39s);
    measured();
    CHECK(world.state(1) == "AVAIL");
    world.pass(1s);
    measured();
    CHECK(says(words(world), "its process 100 was over a limit: rss 2M > 1M for 60s\n"));
}

TEST_CASE("the worst case of a process that is stopped begins when it is killed") {
    World world = running("web:/bin/r:3600:3:continue:events=app/hung:stop=TERM/60");
    world.event("app/hung", "web");
    const std::string text = words(world);
    CHECK(says(text, "(in 1 min) the process is killed if it still runs; when it has ended, its restart script runs: attempt 1 of 3"));
    CHECK(says(text, "\nif every attempt failed at once:\n        16:02:40 (in 1 min)  attempt 1 of 3\n"));
    world.pass(60s);
    world.crash(1);
    CHECK(world.script_runs(1));
}

TEST_CASE("of a process that is not killed no time is told, and how it is ended by hand") {
    World world = running("web:/bin/r:3600:3:continue:stop=TERM/0");
    world.order(Verb::restart, "web");
    const std::string text = words(world);
    CHECK(says(text,
               "next    it is not killed, however long it takes; when it has ended, its restart script runs (by order, not counted)\n"));
    CHECK(says(text, "you can kill -KILL 100  ends it"));
    CHECK(lacks(text, "if every attempt"));
    world.order(Verb::stop, "web");
    CHECK(says(words(world), "when it has ended, nothing follows: it was paused meanwhile\n"));
}

TEST_CASE("a member is told how its turn stands to the round of its group") {
    World world = running("a:/bin/a:3600:3:continue:group=g\nb:/bin/b:3600:3:continue:group=g\nc:/bin/c:3600:3:continue:group=g");
    world.crash(3);
    CHECK(says(words(world, 2), "its turn comes when the members ahead of it (a, b) are up: then its restart script runs\n"));
    world.vanish(1);
    world.run(1, 200);
    world.script_exits(1, 0);
    REQUIRE(world.state(2) == "RESTART");
    CHECK(says(words(world, 0), "in group g it is the turn of b (pent_id 2), which is RESTART\n"));
    CHECK(says(words(world, 0),
               "nothing is due for it while the round of group g goes on with b; if it crashed now, after that round "
               "attempt 2 of 3 begins at"));
    CHECK(lacks(words(world, 0), "if it were lost"));
    world.crash(1);
    REQUIRE(world.state(1) == "DOWN group");
    CHECK(
        says(words(world, 0), "its own turn is over: when the round of group g, which goes on with b, is over, attempt 2 of 3 begins at"));
    world.run(2, 300);
    world.script_exits(2, 0);
    world.run(3, 400);
    world.script_exits(3, 0);
    CHECK(says(words(world, 0), "the last attempt of group g began too recently: attempts keep a distance (delay)\n"));
    CHECK(says(words(world, 1), " its group g is restarted: in its turn its own restart script runs, although it is there\n"));
}

TEST_CASE("a member whose script has run for another one is not promised its own") {
    World world = running("a:/bin/r:3600:3:continue:group=g\nb:/bin/r:3600:3:continue:group=g");
    world.crash(2);
    CHECK(says(words(world, 1),
               "its turn comes when the members ahead of it (a) are up: then its process is awaited: the same script has run"));
}

TEST_CASE("of a group that waits for a dependency every member is told which") {
    World world = running("db:-:3600:3:continue\na:/bin/a:3600:3:continue:group=g\nb:/bin/b:3600:3:continue:group=g:after=db");
    world.crash(1);
    world.crash(2);
    REQUIRE(world.state(2) == "DOWN group");
    for (const std::size_t member : {1u, 2u}) CHECK(says(words(world, member), "group g comes after db, which is DOWN\n"));
    CHECK(says(words(world, 1), "-c explain db  why that is not up"));
    world.order(Verb::stop, "b");  // nobody's wait any more
    CHECK(lacks(words(world, 1), "comes after db"));
}

TEST_CASE("with 0 retries nobody is sent to an order that does not help") {
    World world = running("crond:/bin/restart:3600:0:continue");
    world.crash(1);
    for (int cleared = 0; cleared < 2; ++cleared) {
        const std::string text = words(world);
        CHECK(says(text, "limits  0 restarts are allowed: the script runs by order only (restart)\n"));
        CHECK(lacks(text, "-c clear"));
        CHECK(lacks(text, "from attempt to attempt"));
        CHECK(says(text, "-c restart crond  watch it again, and start it through its script now\n"));
        CHECK(says(text, "padmin -f /etc/banken/pfile_cron -c reload  with more retries in its line of the pfile"));
        world.order(Verb::clear, "crond");
        REQUIRE(world.state(1) == "RETRY_OVER");
    }
    world.order(Verb::restart, "crond");
    CHECK(says(words(world),
               "if it fails, no attempt is left: RETRY_OVER: it is left alone, all other entries go on; it has no time limit\n"));
    world.script_exits(1, 1);
    CHECK(world.state(1) == "RETRY_OVER");
}

TEST_CASE("of a script that runs both ends are told") {
    World world = running("crond:/bin/restart:3600:3:continue", "SCRIPT_TIMEOUT 30\n");
    world.crash(1);
    CHECK(says(words(world),
               "next    if its script ends well, its process has 20 s to appear; if it fails, attempt 2 of 3 follows\n        at 16:02:10 "
               "(in 30 s) it is over its limit of 30 s and is ended (TERM, KILL 5 s later): then it has failed\n"));
    CHECK(says(words(world), "; kill -- -"));
    world.order(Verb::stop, "crond");
    CHECK(says(words(world), "if it fails, nothing follows while it is paused"));
    world.pass(30s);
    CHECK(says(words(world), ", is over its limit and is being ended"));
    CHECK(says(words(world), "; kill -KILL -- -"));
}

TEST_CASE("of the last good health check that is missing it is told what a bad one leads to") {
    World world = running("web:/bin/r:3600:3:continue:check=/bin/c:check_interval=60:check_failures=2", {}, 0s);
    CHECK(says(words(world), "(in 1 min) its health check runs\n"));
    world.pass(60s);
    world.check_ends(1, 1);
    CHECK(says(words(world), "(in 1 min) its health check runs; if it is bad too, the process is stalled: it is stopped, and restarted\n"));
    world.pass(60s);
    world.check_ends(1, 1);
    CHECK(world.state(1) == "STALL");
}

TEST_CASE("after a stall that led to retry-over it is told what it was and how the process ended") {
    World world = running("web:/bin/r:3600:1:continue:heartbeat=300");
    world.pass(200s);
    world.end_orderly(1);
    world.script_exits(1, 1);
    REQUIRE(world.state(1) == "RETRY_OVER");
    CHECK(says(words(world), "its process 100 was stalled: no heartbeat for 300s; it was stopped: killed by signal 15 (TERM)\n"));
}

TEST_CASE("what could not be ended is told although the retries are used up") {
    World world = running("web:/bin/r:3600:1:continue:script_timeout=30");
    world.crash(1);
    while (world.state(1) != "RETRY_OVER") world.pass(*world.core.next_deadline() - world.now.instant);
    const std::string text = words(world);
    CHECK(says(text, "could not be ended\n"));
    CHECK(says(text, "the 1 restart in its window is used up\n"));
}

TEST_CASE("of a count that is too small it is told how many run, also while it is down or starting") {
    World world("worker:/bin/restart:3600:3:continue:min=2");
    world.run(1, 100);
    world.start_up();
    REQUIRE(world.state(1) == "DOWN confirm");
    CHECK(says(words(world), "1 process of it runs, at least 2 are wanted\n"));
    CHECK(says(words(world), "-c match worker"));
    world.pass(10s);
    world.script_exits(1, 0);
    REQUIRE(world.state(1) == "START");
    CHECK(says(words(world), "1 process of it runs, at least 2 are wanted\n"));
}

TEST_CASE("a pause that ends is told with what it leads to in each state") {
    constexpr std::string_view line = "crond:/bin/restart:600:1:";
    SUBCASE("while it runs") {
        World world = running(fmt::format("{}continue", line));
        world.order(Verb::stop, "crond", 30min);
        CHECK(says(words(world), "it is paused: until then nothing is done if it ends\n"));
        CHECK(says(words(world), "(in 30 min) the pause ends\n"));
    }
    SUBCASE("on hold, which is not left while it is paused") {
        World world = running(fmt::format("{}hold", line), "REMIND_INTERVAL 0\n");
        world.crash(1);
        world.script_exits(1, 1);
        REQUIRE(world.state(1) == "HOLD");
        world.order(Verb::stop, "crond");
        CHECK(says(words(world), "next    nothing, until somebody acts\n"));
        CHECK(lacks(words(world), "if every attempt"));
        world.order(Verb::stop, "crond", 30min);
        CHECK(says(words(world), "(in 30 min) the pause ends; the counters are cleared then, but not before 16:11:40 (in 10 min)\n"));
        CHECK(says(words(world), "(in 30 min)  attempt 1 of 1\n"));
        world.pass(30min - 1s);
        CHECK(world.state(1) == "HOLD");
        world.pass(1s);
        CHECK(world.state(1) == "RESTART");
    }
    SUBCASE("given up") {
        World world = running(fmt::format("{}continue", line));
        world.crash(1);
        world.script_exits(1, 1);
        world.order(Verb::stop, "crond", 30min);
        CHECK(says(words(world), "(in 30 min) the pause ends; it stays given up until somebody acts\n"));
    }
}

TEST_CASE("of a count that was given up it is told how many run, and how its last attempt failed") {
    World world("worker:/bin/restart:3600:1:continue:min=2");
    world.run(1, 100);
    world.start_up();
    world.pass(10s);
    world.script_exits(1, 0);
    world.pass(30s);
    REQUIRE(world.state(1) == "RETRY_OVER");
    CHECK(says(words(world), "1 process of it runs, at least 2 are wanted; nothing of it is watched\n"));
    CHECK(says(words(world),
               ": restart script ended well, but the process has not appeared\n        it may have started and ended again before"));
}

TEST_CASE("of a group that was given up it is told with whom its restart began, and how that failed") {
    World world = running("a:/bin/a:3600:1:continue:group=g\nb:/bin/b:3600:1:continue:group=g");
    world.crash(2);
    world.vanish(1);
    world.run(1, 200);
    world.script_exits(1, 0);
    world.script_exits(2, 4);
    REQUIRE(world.state(1) == "RETRY_OVER");
    CHECK(says(words(world),
               "group g, b, which has failed: restart script status=4 when the group was restarted; no process of it is known to run\n"));
    CHECK(says(words(world), "it began with b: process 101 ended: killed by signal 9 (KILL)\n"));
    CHECK(says(words(world, 1), "it began with b itself: process 101 ended: killed by signal 9 (KILL)\n"));
    CHECK(says(words(world), "its script now; the others of its group are looked for afresh\n"));
}

TEST_CASE("the limits name what counts as stalled, and what the process may use") {
    const std::string options = ":heartbeat=30:hung=60:check=/bin/c:check_failures=2:cpu=50%/60:rss=1G/90:fds=100/10:on_limit=";
    const std::string text = words(running("a:/bin/r:3600:3:continue" + options + "restart"));
    CHECK(says(text,
               "to appear\n        counts as stalled: no heartbeat for 30 s, standing still for 1 min, 2 bad health checks in a "
               "row\n        beyond cpu 50.0 % for 1 min, rss 1G for 1 min 30 s, fds 100 for 10 s: it is "
               "restarted\n"));
    const std::string without = words(running("a:-:3600:3:continue" + options + "alert"));
    CHECK(says(without, "limits  counts as stalled: no heartbeat"));
    CHECK(says(without, "in a row; that is only reported\n"));
    CHECK(says(without, "fds 100 for 10 s: that is only logged\n"));
}

TEST_CASE("a missed heartbeat that is only reported is told until one comes") {
    World world = running("crond:-:3600:3:continue:heartbeat=30", {}, 0s);
    world.pass(30s);
    CHECK(says(words(world), "it is stalled: no heartbeat for 30s, only reported\n"));
    SUBCASE("which is no more when one comes") { world.step(Heartbeat{1}); }
    SUBCASE("nor when it is paused") { world.order(Verb::stop, "crond"); }
    CHECK(lacks(words(world), "it is stalled:"));
}

TEST_CASE("of a group with 0 retries nobody is told to have failed who has not") {
    World world = running("a:/bin/a:3600:0:continue:group=g:heartbeat=300\nb:/bin/b:3600:0:continue:group=g");
    world.pass(300s);
    const std::string text = words(world, 1);
    CHECK(says(text, "why     a member of group g failed, and 0 restarts are allowed\n"));
    CHECK(says(text, "group g, a, which has failed: no heartbeat for 300s; process 100 runs, not watched\n"));
}

TEST_CASE("a dependency that is paused is told as that") {
    World world = running("crond:/bin/restart:3600:3:continue:after=db\ndb:/bin/restart:3600:3:continue");
    world.order(Verb::stop, "db");
    world.crash(2);
    world.crash(1);
    CHECK(says(words(world), "it comes after db, which is DOWN and paused\n"));
}
