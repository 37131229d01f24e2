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
               "it is stalled unless a heartbeat has come, which is only reported: it has no restart script\n"));
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
        CHECK(says(text, "its memory (rss) of 2048 KiB is over its limit of 1024 KiB\n"));
        CHECK(says(text, stops ? "next    when it has been over its limit for as long as the limit lasts, without a break, it is stopped"
                               : "nothing is due"));
    }
}

TEST_CASE("from when on a process that stands still counts as hung is told, and comes") {
    World world = running("web:/bin/r:3600:3:continue:hung=60");
    const auto stands = [&](char state) { world.step(Measured{1, *world.entry(1).main, state, 5s, 0, 0}); };
    stands('T');
    world.pass(20s);
    CHECK(says(words(world), "(in 40 s) or soon after it is stalled, unless it uses the processor (hung)"));
    world.pass(39s);
    stands('T');
    CHECK(world.state(1) == "AVAIL");
    world.pass(1s);
    stands('T');
    CHECK(world.state(1) == "STALL");
    CHECK(lacks(words(world), "(hung)"));
}

TEST_CASE("just after a clear nobody says that something could not be ended") {
    World world = running("crond:/bin/restart:3600:0:continue");
    world.crash(1);
    REQUIRE(world.state(1) == "RETRY_OVER");
    world.answer_at_once = false;
    world.order(Verb::clear, "crond");
    REQUIRE(world.state(1) == "RETRY_OVER");
    View view = view_of(world);
    view.entries.front().line = "crond:/bin/restart:3600:1:continue";
    CHECK(says(words(view), "it was cleared just now, and is looked for afresh\n"));
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
               "it is stalled unless a heartbeat has come, and since no attempt is left: RETRY_OVER: exit ends pcheck with status 1; "
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
    CHECK(says(words(view), "nothing is due; if it crashed now, its restart script runs"));
}

TEST_CASE("a member that runs is told that its group is about to be restarted, and what the group waits for") {
    World world = running("db:/bin/d:3600:3:continue\na:/bin/a:3600:3:continue:group=shop:after=db\nb:/bin/b:3600:3:continue:group=shop");
    CHECK(says(words(world, 2), "nothing is due"));
    world.crash(1);
    world.crash(2);
    REQUIRE(world.state(3) == "AVAIL");
    const View view = view_of(world);
    CHECK(says(words(view, 2),
               "next    its group shop is about to be restarted: then its own restart script runs in its turn, although it is there\n"));
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
    CHECK(says(words(world), "it was stalled when no restart was left (the log says why)\n"));
    CHECK(says(words(world), "its health: the last check failed: status=3\n"));
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
