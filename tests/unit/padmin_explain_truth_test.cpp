// SPDX-License-Identifier: Apache-2.0
// What explain says holds against what the core did, and against what padmin sees by itself.
#include <doctest/doctest.h>

#include "padmin/explain.hpp"
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

std::string words(const View& view, std::size_t index = 0, const Findings& findings = {}) {
    const EntryRecord& entry = view.entries.at(index);
    return text_of(explain(view, entry, pent_of(view, entry), findings));
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

Forecast future(const World& world, std::size_t index = 0) {
    const View view = view_of(world);
    return forecast(view, view.entries.at(index), pent_of(view, view.entries.at(index)).value());
}

// Count mode: 100 and 101 run, and 101 dies.
World too_few(std::string_view line) {
    World world(line);
    const ProcessId first = world.run(1, 100), second = world.run(1, 101);
    world.start_up();
    world.pass(100s);
    world.vanish(1);
    Candidate left;
    left.id = first;
    world.add(1, left);
    world.step(Died{1, second, {Cause::Kind::status, 9}, world.now.ticks});
    return world;
}

}  // namespace

TEST_CASE("of a count the process is named that has ended, and of a member how many run") {
    SUBCASE("while it is down") {
        const std::string text = words(too_few("w:/bin/r:3600:3:continue:min=2:max=3"));
        CHECK(says(text, "its process 101 ended: killed by signal 9 (KILL)\n"));
        CHECK(says(text, "1 process of it runs, at least 2 are wanted, and at most 3\n"));
    }
    SUBCASE("given up") {
        World world = too_few("w:/bin/r:3600:0:continue:min=2:group=g\na:-:3600:3:continue");
        REQUIRE(world.state(1) == "RETRY_OVER");
        CHECK(says(words(world),
                   "its process 101 ended: killed by signal 9 (KILL); 1 process of it runs, at least 2 are wanted, not watched\n"));
    }
}

TEST_CASE("with min=0 nobody is told of a loss, which cannot be") {
    World world("w:/bin/r:3600:3:continue:min=0:max=3");
    world.start_up();
    REQUIRE(world.state(1) == "AVAIL");
    CHECK(says(words(world), "next    nothing is due: with min=0 it is never lost\n"));
    CHECK(lacks(words(world), "if it were lost"));
}

TEST_CASE("a process that padmin finds gone is not said to run") {
    View view = view_of(running("a:/bin/r:3600:3:exit"));
    view.stopped = true;
    const std::string text = words(view, 0, {.refused = {}, .gone = true});
    CHECK(says(text,
               "process 100 ran when pcheck last looked, at 16:01:40 (now); it is gone now, and pcheck has not noticed: it is stopped\n"));
    CHECK(says(text, " is stopped by a signal: nothing is watched; kill -CONT "));
    CHECK(says(text, "its process is gone: what is said of a crash comes as soon as pcheck notices\n"));
    view.stopped = false;
    CHECK(says(words(view, 0, {.refused = {}, .gone = true}), "it is gone now, and pcheck has not noticed yet\n"));
    view.alive = false;
    CHECK(says(words(view, 0, {.refused = {}, .gone = true}), "at 16:01:40 (now); it is gone now\n"));
}

TEST_CASE("the wait for a replacement goes ahead of the first attempt, as it then comes") {
    World world = running("a:/bin/r:3600:3:continue:confirm=30/always");
    CHECK(says(words(world),
               "if it crashed now, a replacement is waited for until 16:02:10 (in 30 s) (confirm, 30 s); then its restart script "
               "runs: attempt 1 of 3 in this window\n"));
    const Timetable foretold = future(world).timetable;
    REQUIRE(foretold.attempts.size() == 3);
    world.crash(1);
    for (const Attempt& attempt : foretold.attempts) {
        world.pass(attempt.at - world.now.instant - 1ms);
        CHECK_FALSE(world.script_runs(1));
        world.pass(1ms);
        REQUIRE(world.script_runs(1));
        world.script_exits(1, 1);
    }
    CHECK(foretold.retry_over == world.now.instant);
}

TEST_CASE("with DETECT poll it is said how late a crash is seen") {
    CHECK(says(words(running("a:/bin/r:3600:3:continue:confirm=30/always", "DETECT poll\nMONITOR_INTERVAL 20\n")),
               "if it crashed now, pcheck sees that within 20 s (DETECT poll); then its restart script runs: attempt 1 of 3"));
}

TEST_CASE("what the end of a pause leads to when no restarts are left is told, and comes") {
    for (const auto& [line, why] : {std::pair{"a:/bin/r:3600:1:continue", "no restarts left; clear first"},
                                    std::pair{"a:/bin/r:3600:0:continue", "0 restarts are allowed"}}) {
        World world = running(line);
        if (world.entry(1).pent.retries == 1u) {
            world.crash(1);
            world.run(1, 200);
            world.script_exits(1, 0);
        }
        world.order(Verb::stop, "a");
        world.crash(1);
        REQUIRE(world.state(1) == "DOWN operator");
        CHECK(says(words(world),
                   fmt::format("-c start a  ends the pause: a fresh look; if it is not there then, RETRY_OVER: it is left alone, all "
                               "other entries go on ({})\n",
                               why)));
        world.order(Verb::start, "a");
        CHECK(world.state(1) == "RETRY_OVER");
    }
}

TEST_CASE("one that was given up and paused is told that a clear alone starts nothing") {
    World world = running("a:/bin/r:3600:1:continue");
    world.crash(1);
    world.script_exits(1, 1);
    world.order(Verb::stop, "a");
    CHECK(says(words(world), "-c start a  ends the pause; it stays given up\n"));
    CHECK(says(words(world), "-c clear a  counters to 0, and a fresh look; it stays paused: start as well\n"));
    world.answer_at_once = false;
    world.order(Verb::clear, "a");
    CHECK(says(words(world), "next    pcheck looks for it; it stays paused: if it is not there, nothing follows before `start`\n"));
    world.answer_at_once = true;
    world.answer_looks();
    CHECK(world.state(1) == "DOWN operator");
    CHECK_FALSE(world.script_runs(1));
}

TEST_CASE("at the end of a hold nobody is said to have cleared it") {
    World world = running("a:/bin/r:600:1:hold");
    world.crash(1);
    world.script_exits(1, 1);
    REQUIRE(world.state(1) == "HOLD");
    CHECK(says(words(world), "; if somebody starts it before, it is AVAIL then\n"));
    world.answer_at_once = false;
    SUBCASE("by its time") {
        world.pass(600s);
        CHECK(says(words(world), "why     its hold has ended, and pcheck looks for it at this moment\n"));
    }
    SUBCASE("but by order it was") {
        world.order(Verb::clear, "a");
        CHECK(says(words(world), "why     it was cleared, and pcheck looks for it at this moment\n"));
    }
}

TEST_CASE("a stall that was only reported is foretold again only after it was good") {
    World world = running("a:-:3600:3:continue:heartbeat=30", {}, 0s);
    CHECK(future(world).next == NextAction::heartbeat_deadline);
    world.pass(30s);
    CHECK(says(words(world), "this stall is told already; it is told again only after it has worked in between\n"));
    CHECK(says(words(world), "next    nothing is due; "));
    static_cast<void>(world.log());
    world.pass(120s);
    CHECK(world.log().empty());
    world.step(Heartbeat{1});
    CHECK(lacks(words(world), "told already"));
    CHECK(future(world).next == NextAction::heartbeat_deadline);
    world.pass(30s);
    CHECK(world.log().size() == 1);
}

TEST_CASE("an attempt whose script is refused is said to fail, and what goes first") {
    World world = running("a:/bin/r:3600:3:continue:delay=20");
    world.crash(1);
    world.script_ends(1, ScriptEnded::How::refused, "/bin/r does not exist");
    const std::string text = words(view_of(world), 0, {.refused = "/bin/r does not exist", .check_refused = "/c is not executable"});
    CHECK(says(text, "as its script is now, attempt 2 of 3 fails at once: /bin/r does not exist\n"));
    CHECK(says(text, "you can mend its script first (refused): each attempt fails at once\n"));
    CHECK(says(text, "-c restart a  once its script is mended: starts it now, past every wait, not counted\n"));
    CHECK(says(text, "its check cannot be run: /c is not executable; so nobody checks it\n"));
}

TEST_CASE("an excess that is only logged is foretold, and comes") {
    World world = running("a:/bin/r:3600:3:continue:rss=1M/60");
    const auto measured = [&] { world.step(Measured{1, *world.entry(1).main, 'S', 5s, 2 << 20, 0}); };
    measured();
    CHECK(says(words(world),
               "(in 1 min) or soon after, if it is over its limit without a break until then: `Over limit` is logged, and "
               "nothing is stopped\n"));
    static_cast<void>(world.log());
    world.pass(60s);
    measured();
    CHECK(world.log().size() == 1);
    CHECK(world.state(1) == "AVAIL");
    CHECK(future(world).next == NextAction::none);
}

TEST_CASE("why it was restarted is told while it starts, and when it runs again, until the window has passed") {
    World world = running("a:/bin/r:600:3:continue:heartbeat=60", {}, 0s);
    world.pass(60s);
    world.end_orderly(1);
    world.script_exits(1, 1);
    world.pass(20s);
    world.script_exits(1, 0);
    REQUIRE(world.state(1) == "START");
    CHECK(says(words(world), "its process 100 was stalled: no heartbeat for 60s; it was stopped: killed by signal 15 (TERM)\n"));
    CHECK(says(words(world), "it is attempt 2 of 3 in this window\n"));
    world.order(Verb::stop, "a");
    CHECK(says(words(world), "if the process is not there; then nothing follows while it is paused\n"));
    world.order(Verb::start, "a");
    world.run(1, 200);
    world.sweep();
    REQUIRE(world.state(1) == "AVAIL");
    CHECK(says(words(world), " ago): process 100 was stalled: no heartbeat for 60s\n"));
    CHECK(says(words(world), "restarted at "));
    world.order(Verb::clear, "a");
    CHECK(lacks(words(world), "restarted at "));
}

TEST_CASE("in a group the member is named with which its restart began, while it goes on and afterwards") {
    World world = running("web:/bin/w:3600:3:continue:group=g\nha:/bin/h:3600:3:continue:group=g");
    world.crash(2);
    REQUIRE(world.state(1) == "RESTART");
    CHECK(says(words(world, 0), "its group g is being restarted; it began with ha: process 101 ended: killed by signal 9 (KILL)\n"));
    world.vanish(1);
    world.run(1, 200);
    world.script_exits(1, 0);
    REQUIRE(world.state(2) == "RESTART");
    CHECK(says(words(world, 0), "it began with ha: process 101 ended: killed by signal 9 (KILL)\n"));
    CHECK(says(words(world, 1), "its group g is being restarted; it began with ha itself: process 101 ended: killed by signal 9 (KILL)\n"));
    world.run(2, 300);
    world.script_exits(2, 0);
    CHECK(says(words(world, 0), "restarted with its group at 16:01:40 (now); it began with ha: process 101 ended: "));
    CHECK(says(words(world, 1), "restarted at 16:01:40 (now): process 101 ended: killed by signal 9 (KILL)\n"));
}

TEST_CASE("a restart by order is told as that, alone and in a group, until the next loss") {
    World world = running("a:/bin/r:600:3:continue\nweb:/bin/w:3600:3:continue:group=g\nha:/bin/h:3600:3:continue:group=g");
    world.crash(3);
    for (const EntryKey key : {2u, 3u}) {
        world.vanish(key);
        world.run(key, 200 + static_cast<pid_t>(key));
        world.script_exits(key, 0);
    }
    CHECK(says(words(world, 1), "restarted with its group at 16:01:40 (now); it began with ha: process 102 ended: "));
    world.pass(100s);
    for (const EntryKey key : {1u, 3u}) {
        world.order(Verb::restart, world.entry(key).pent.name);
        world.end_orderly(key);
        world.run(key, 300 + static_cast<pid_t>(key));
        world.script_exits(key, 0);
        REQUIRE(world.state(key) == "AVAIL");
        CHECK(says(words(world, key - 1), "        restarted at 16:03:20 (now) by order\n"));
    }
    CHECK(lacks(words(world, 2), "it began with"));
    CHECK(says(words(world, 1), "restarted with its group at 16:01:40 (1 min 40 s ago)\n"));  // ha's loss of then is forgotten
    world.crash(1);
    world.run(1, 400);
    world.script_exits(1, 0);
    CHECK(says(words(world), "restarted at 16:03:20 (now): process 301 ended: killed by signal 9 (KILL)\n"));
}

TEST_CASE("a process that has taken over is not said to have been restarted") {
    World world = running("a:/bin/r:600:3:continue:pidfile=/run/a.pid");
    Candidate old;
    old.id = {90, world.now.ticks - 50000};
    world.crash(1);
    world.pass(100s);
    const ProcessId restarted = world.run(1, 200);
    world.script_exits(1, 0);
    REQUIRE(world.state(1) == "AVAIL");
    CHECK(says(words(world), "restarted at 16:01:40 (1 min 40 s ago): process 100 ended: killed by signal 9 (KILL)\n"));
    world.pass(100s);
    const auto name = [&](const Candidate& candidate) {
        Candidate main;
        main.id = restarted;
        main.named = false;
        world.vanish(1);
        world.add(1, main);
        world.add(1, candidate);
        world.sweep();
        REQUIRE(world.entry(1).main->pid == candidate.id.pid);
    };
    SUBCASE("one that began to run since") {
        Candidate young;
        young.id = {300, world.now.ticks};
        name(young);
        CHECK(says(words(world), "(KILL); process 300 has taken over from the one that was started then\n"));
    }
    SUBCASE("one that ran before the script began") {
        name(old);
        CHECK(says(words(world), "why     process 90 runs\n"));
        CHECK(lacks(words(world), "restarted at"));
    }
}

TEST_CASE("a window that has passed is not said to end retry-over") {
    World world = running("a:/bin/r:600:1:continue");
    world.crash(1);
    world.script_exits(1, 1);
    world.pass(700s);
    REQUIRE(world.state(1) == "RETRY_OVER");
    CHECK(says(words(world), "limits  1 of 1 restart used; the window has passed, but that does not end RETRY_OVER\n"));
}

TEST_CASE("a health check that runs is bad only if it does not end in time, and a failure that was cut is said to be") {
    World world = running("a:/bin/r:3600:3:continue:check=/bin/c -x:check_interval=60:check_failures=3:check_timeout=10", {}, 0s);
    world.pass(60s);
    CHECK(says(words(world), "if its health check, which runs now, has not ended by 16:01:10 (in 10 s), it counts as bad (1 of 3)\n"));
    const std::string reason = "/a/long/way/to/a/check/that/is/not/there: No such file or directory";
    world.step(ScriptEnded{world.entry(1).check->run, ScriptEnded::How::refused, 0, reason});
    View view = view_of(world);
    view.entries.front().health.resize(63);  // as the segment cuts it
    CHECK(says(words(view), "its health: the check could not be run (/a/long/way/to/a/check/that/is/not/...\n"));
    const std::string told = words(view, 0, {.refused = {}, .check_refused = reason});
    CHECK(says(told, "its health: the check could not be run\n"));
    CHECK(says(told, "its check cannot be run: " + reason + "; so nobody checks it\n"));
    CHECK(says(words(world), "you can /bin/c -x  its check, to run by hand\n"));
}

TEST_CASE("a dump is told with dates, and nothing in it is near") {
    World world = running("a:/bin/r:3600:3:continue");
    world.crash(1);
    View view = view_of(world);
    view.dumped = true;
    CHECK(says(words(view), "is RESTART since Wed Aug 19 16:01:40 2015\n"));
    CHECK(lacks(words(view), "(now)"));
    CHECK(lacks(words(view), "(in "));
}

TEST_CASE("a timetable beside a running script says what it takes for certain") {
    World world = running("a:/bin/r:3600:3:continue:script_timeout=30:stop=TERM/60");
    world.order(Verb::restart, "a");
    CHECK(says(words(world), "\nif the script by order failed at once, and every attempt after it:\n"));
    world.crash(1);
    REQUIRE(world.state(1) == "RESTART");
    CHECK(says(words(world), "\nif this script failed now, and every attempt after it at once:\n"));
    CHECK(says(words(world), "you can ps f -g "));
}

TEST_CASE("a dependency that is given up is said not to come by itself") {
    World world = running("a:/bin/r:3600:3:continue:after=db\ndb:/bin/d:3600:0:continue");
    world.crash(2);
    world.crash(1);
    CHECK(says(words(world),
               "as soon as db is AVAIL it is looked for once more; if it is not there, its restart script runs; one that is given "
               "up does not come by itself\n"));
}

TEST_CASE("one without a script is not said to wait for it") {
    World world = running("a:-:3600:3:continue");
    world.crash(1);
    CHECK(says(words(world), "is DOWN (no script) since "));
}

TEST_CASE("explain names who follows the same process, a changed pfile, and what starts an entry without a script") {
    World world = running("w:/bin/r:3600:3:continue\ns:/bin/s:3600:3:continue\nn:-:3600:3:continue");
    View view = view_of(world);
    view.entries.at(1).main = view.entries.at(0).main;
    CHECK(says(words(view), "s (pent_id 2) follows this process too\n"));
    CHECK(says(words(view),
               "you can a filter (args, exe, user, cgroup or pidfile: pfile(5)) in the line of w or s tells the two apart; then "));
    CHECK(lacks(words(view), "reload -t"));
    CHECK(lacks(words(view), "processes that match"));
    view.entries.at(0).proc_count = 4;
    CHECK(
        says(words(view),
             "process it is one of 4 processes that match, those below another one of them among them; padmin -f /etc/banken/pfile_cron -c "
             "match w tells which\n"));
    const std::string line = std::exchange(view.entries.at(0).line, view.entries.at(0).line + ":pidfile=/run/w.pid");
    CHECK(lacks(words(view), "processes that match"));
    view.entries.at(0).line = line;
    view.file_is_newer = true;
    CHECK(says(words(view), "-c reload -t  the pfile was changed after pcheck read it: what a reload would do\n"));
    world.crash(3);
    REQUIRE(world.state(3) == "DOWN script");
    CHECK(says(words(world, 2), "start it by hand: it has no restart script"));
}

TEST_CASE("a process that another entry follows is not taken for the return of one that was given up") {
    World world = running("shd:/bin/r:3600:0:continue\npidd:/bin/s:3600:3:continue");
    world.crash(1);
    REQUIRE(world.state(1) == "RETRY_OVER");
    Candidate anothers;
    anothers.id = *world.entry(2).main;
    world.add(1, anothers);
    world.sweep();
    CHECK(says(words(world), "process 101 belongs to pidd (pent_id 2), which follows it; shd itself does not run\n"));
    CHECK(says(words(world),
               "you can a filter (args, exe, user, cgroup or pidfile: pfile(5)) in the line of shd or pidd tells the two apart"));
    CHECK(says(words(world), "clear and restart, before that, take process 101 for its own\n"));
    CHECK(lacks(words(world), "runs again"));
    world.vanish(1);
    world.run(1, 300);
    world.sweep();
    CHECK(says(words(world), "process 300 runs again: somebody has started it"));
}

TEST_CASE("that an entry was cleared and is being looked for is in its record, and comes back from it") {
    World world = running("held:/bin/r:60:0:continue");
    world.vanish(1);
    world.crash(1);
    CHECK(watch_of(record_of(world.entry(1), world.core), world.entry(1).pent).question == Question::none);
    world.answer_at_once = false;
    world.order(Verb::clear, "held");
    CHECK(watch_of(record_of(world.entry(1), world.core), world.entry(1).pent).question == Question::fresh);
}
