// SPDX-License-Identifier: Apache-2.0
// A process that runs but does not do its work, limits, STOP, and how many there are (spec/state-table.md; spec/pfile.md, options).
#include <doctest/doctest.h>

#include <csignal>

#include "tests/fake/core_world.hpp"

using namespace banken;
using namespace banken::core;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

namespace {

World just_up(std::string_view pents, std::string_view params = {}) { return running(pents, params, 0s); }

Measured measured(const World& world, char state, Duration cpu, std::uint64_t rss = 0, std::uint64_t fds = 0) {
    return {1, *world.entry(1).main, state, cpu, rss, fds};
}

}  // namespace

TEST_CASE("the first check runs one interval after Up, and one that fails so often in a row stops the process") {
    World world = just_up("web:/bin/r:3600:3:continue:check=/bin/ok:check_interval=10:check_failures=2");
    world.pass(9s);
    CHECK_FALSE(world.check_runs(1));
    world.pass(1s);
    REQUIRE(world.check_runs(1));
    world.check_ends(1, 1);
    CHECK(world.entry(1).bad_checks == 1);
    world.pass(10s);
    world.check_ends(1, 0);
    CHECK(world.entry(1).bad_checks == 0);
    for (int i = 0; i < 2; ++i) {
        world.pass(10s);
        world.check_ends(1, 7);
    }
    CHECK(world.log() == Lines{"Stalled (web ,pid=100): 2 health checks failed"});
    CHECK(world.state(1) == "STALL");
    REQUIRE(world.signals().size() == 2);
    CHECK(world.signals()[0].signal == SIGTERM);
    CHECK(world.signals()[1].signal == SIGCONT);
    world.die(1, {Cause::Kind::status, SIGTERM});
    CHECK(world.state(1) == "RESTART");
    CHECK(world.entry(1).reason == EntryReason::stall);
    CHECK(world.entry(1).window.count == 1);
}

TEST_CASE("a check that could not be run is told once and is no sign against the process") {
    World world = just_up("web:/bin/r:3600:3:continue:check=/bin/ok:check_interval=10:check_failures=2");
    const auto refused = [&world](ScriptEnded::How how, std::string why) {
        world.pass(10s);
        world.check_ends(1, how, std::move(why));
    };
    for (int i = 0; i < 3; ++i) refused(ScriptEnded::How::refused, "/bin/ok is writable by others");
    refused(ScriptEnded::How::not_executed, "Text file busy");
    world.pass(10s);
    world.check_ends(1, 0);
    refused(ScriptEnded::How::not_executed, "Text file busy");
    CHECK(world.log() == Lines{"Health check refused (web): /bin/ok is writable by others", "Health check refused (web): Text file busy",
                               "Health check refused (web): Text file busy"});
    CHECK(world.state(1) == "AVAIL");
}

TEST_CASE("a check that hangs is killed at its limit, counts as bad, and never runs twice at a time") {
    World world = just_up("web:/bin/r:3600:3:continue:check=/bin/hang:check_interval=10:check_timeout=3:check_failures=3");
    world.pass(13s);
    CHECK(world.entry(1).bad_checks == 1);
    CHECK(world.script_signals().back().signal == SIGKILL);
    world.pass(10s);  // it cannot be killed: no second one, but it counts
    CHECK(world.check_runs(1));
    CHECK(world.entry(1).bad_checks == 2);
    world.check_ends(1, 0);
    CHECK(world.entry(1).bad_checks == 2);  // too late to be good
}

TEST_CASE("a check's result that comes after the loss is thrown away") {
    World world = just_up("web:/bin/r:3600:3:continue:check=/bin/ok:check_interval=10:check_failures=1");
    world.pass(10s);
    world.crash(1);
    CHECK(world.state(1) == "RESTART");
    world.check_ends(1, 1);
    CHECK(world.state(1) == "RESTART");
    CHECK(world.log() == Lines{"Process [web, pid=100] Down", "Cause [web, pid=100] killed by signal 9 (KILL)", "Try to restart (web)"});
}

TEST_CASE("checks rest while the entry is paused, and go on at start") {
    World world = just_up("web:/bin/r:3600:3:continue:check=/bin/ok:check_interval=10:check_failures=1");
    world.order(Verb::stop, "web");
    world.pass(1h);
    CHECK_FALSE(world.check_runs(1));
    world.order(Verb::start, "web");
    world.pass(10s);
    CHECK(world.check_runs(1));
}

TEST_CASE("a heartbeat that does not come in time is a stall, counted from Up") {
    World world = just_up("web:/bin/r:3600:3:continue:heartbeat=30");
    world.pass(20s);
    world.step(Heartbeat{1});
    world.pass(29s);
    CHECK(world.state(1) == "AVAIL");
    world.pass(1s);
    CHECK(world.log() == Lines{"Stalled (web ,pid=100): no heartbeat for 30s"});
    CHECK(world.state(1) == "STALL");
}

TEST_CASE("a heartbeat file is read when its time is over, and no answer is no heartbeat") {
    World world = just_up("web:/bin/r:3600:3:continue:heartbeat=30,/run/beat");
    world.pass(30s);
    REQUIRE(world.heartbeats_read().size() == 1);
    world.step(HeartbeatRead{1, 10s});
    CHECK(world.state(1) == "AVAIL");
    world.pass(19s);
    CHECK(world.heartbeats_read().empty());
    world.pass(1s);
    REQUIRE(world.heartbeats_read().size() == 1);
    world.pass(30s);  // a dead mount
    CHECK(world.state(1) == "STALL");
}

TEST_CASE("a heartbeat file that is old or cannot be read is a stall at once") {
    for (const std::optional<Duration> age : {std::optional<Duration>(31s), std::optional<Duration>()}) {
        World world = just_up("web:/bin/r:3600:3:continue:heartbeat=30,/run/beat");
        world.pass(30s);
        world.step(HeartbeatRead{1, age});
        CHECK(world.state(1) == "STALL");
    }
}

TEST_CASE("a process that stays in state D or T without using CPU is hung") {
    World world = just_up("web:/bin/r:3600:3:continue:hung=60");
    world.pass(15s);
    REQUIRE(world.measures().size() >= 1);
    world.step(measured(world, 'D', 5s));
    world.pass(59s);
    world.step(measured(world, 'D', 6s));  // it has used CPU: not hung
    world.pass(59s);
    world.step(measured(world, 'T', 6s));
    CHECK(world.state(1) == "AVAIL");
    world.pass(1s);
    world.step(measured(world, 'S', 6s));  // it sleeps as it should
    for (int i = 0; i < 7; ++i) {
        world.pass(10s);
        world.step(measured(world, 'T', 6s));
    }
    CHECK(world.log() == Lines{"Stalled (web ,pid=100): in state T for 60s"});
}

TEST_CASE("an exceeded limit is told once with on_limit alert, and again after it was below") {
    World world = just_up("web:/bin/r:3600:3:continue:rss=2G/30");
    const auto pass_with = [&](std::uint64_t rss, int times) {
        for (int i = 0; i < times; ++i) {
            world.pass(10s);
            world.step(measured(world, 'S', 0s, rss));
        }
    };
    const std::uint64_t much = (21ull << 30) / 10, little = 1u << 30;
    pass_with(much, 10);
    CHECK(world.log() == Lines{"Over limit (web ,pid=100): rss 2.1G > 2G for 30s"});
    pass_with(little, 1);
    pass_with(much, 10);
    CHECK(world.log().size() == 1);
    CHECK(world.state(1) == "AVAIL");
}

TEST_CASE("an exceeded limit stops and restarts with on_limit restart") {
    World world = just_up("web:/bin/r:3600:3:continue:cpu=90%/20:on_limit=restart:stop=INT/5");
    Duration cpu{};
    for (int i = 0; i < 6 && world.state(1) == "AVAIL"; ++i) {
        world.pass(5s);
        world.step(measured(world, 'R', cpu += 5s));
    }
    CHECK(world.log() == Lines{"Over limit (web ,pid=100): cpu 100% > 90% for 20s"});
    CHECK(world.signals()[0].signal == SIGINT);
    world.pass(5s);
    CHECK(world.signals().back().signal == SIGKILL);
    world.die(1, {Cause::Kind::status, SIGKILL});
    CHECK(world.entry(1).reason == EntryReason::limit);
    CHECK(world.state(1) == "RESTART");
}

TEST_CASE("descriptors are a limit too, and figures are kept for show") {
    World world = just_up("web:/bin/r:3600:3:continue:fds=1000/10");
    world.pass(10s);
    world.step(measured(world, 'S', 0s, 4096, 1200));
    world.pass(10s);
    world.step(measured(world, 'S', 1s, 4096, 1200));
    CHECK(world.log() == Lines{"Over limit (web ,pid=100): fds 1200 > 1000 for 10s"});
    CHECK(world.entry(1).figures->permille == 100);
}

TEST_CASE("a stop script is awaited, its bad end is followed by TERM, and its time is the process's") {
    World world = just_up("web:/bin/r:3600:3:continue:heartbeat=30:stop=/bin/stop it/20");
    world.pass(30s);
    REQUIRE(world.script_runs(1));
    CHECK(world.signals().empty());
    world.script_exits(1, 3);
    CHECK(world.log().back() == "Stop script failed (web) status=3");
    CHECK(world.signals()[0].signal == SIGTERM);
    world.pass(20s);
    CHECK(world.signals().back().signal == SIGKILL);
    world.pass(10s);
    CHECK(world.log() == Lines{"Cannot be ended (web ,pid=100)", "(web) RETRY_OVER:CONTINUE"});
    CHECK(world.entry(1).main);  // left running
}

TEST_CASE("while a stop script lives no restart script begins") {
    World world = just_up("web:/bin/r:3600:3:continue:heartbeat=30:stop=/bin/stop/20");
    world.pass(30s);
    world.die(1, {Cause::Kind::status, 0});
    CHECK(world.state(1) == "STALL");
    world.script_exits(1, 0);
    CHECK(world.state(1) == "RESTART");
}

TEST_CASE("TERM/0 never kills: the entry stays STALL and reminds") {
    World world = just_up("web:/bin/r:3600:3:continue:heartbeat=30:stop=TERM/0");
    world.pass(30s);
    world.pass(2h);
    CHECK(world.state(1) == "STALL");
    CHECK(world.signals().size() == 2);
    REQUIRE_FALSE(world.reminders().empty());
    CHECK(world.reminders()[0].what == Remind::What::not_ended);
}

TEST_CASE("a stall with retries used up leaves the process running") {
    World world = just_up("web:/bin/r:3600:0:continue:heartbeat=30");
    world.pass(30s);
    CHECK(world.log() == Lines{"Stalled (web ,pid=100): no heartbeat for 30s", "(web) RETRY_OVER:CONTINUE"});
    CHECK(world.signals().empty());
    CHECK(world.entry(1).main);
}

TEST_CASE("with script - a stall is only reported") {
    World world = just_up("web:-:3600:3:continue:heartbeat=30");
    world.pass(30s);
    CHECK(world.log() == Lines{"Stalled (web ,pid=100): no heartbeat for 30s"});
    CHECK(world.state(1) == "AVAIL");
}

TEST_CASE("with script - a stall is reported once, and again after it was good") {
    World world = just_up("web:-:3600:3:continue:check=/bin/c:check_interval=10:check_failures=1");
    const auto check_ends = [&world](int status) {
        world.pass(10s);
        world.check_ends(1, status);
        return world.log();
    };
    CHECK(check_ends(1) == Lines{"Stalled (web ,pid=100): 1 health checks failed"});
    CHECK(check_ends(1) == Lines{});
    CHECK(world.entry(1).bad_check == "status=1");
    CHECK(check_ends(0) == Lines{});
    CHECK(check_ends(3) == Lines{"Stalled (web ,pid=100): 1 health checks failed"});
    CHECK(world.state(1) == "AVAIL");
}

TEST_CASE("hold waits until the window has passed, then tries again") {
    World world = just_up("web:/bin/r:3600:1:hold");
    world.crash(1);
    world.script_exits(1, 1);
    CHECK(world.state(1) == "HOLD");
    world.pass(3599s);
    CHECK(world.state(1) == "HOLD");
    world.pass(1s);
    const Lines lines = world.log();
    CHECK(Lines(lines.end() - 3, lines.end()) == Lines{"Hold ended (web)", "Set pid fail (web)", "Try to restart (web)"});
    CHECK(world.entry(1).window.count == 1);
}

TEST_CASE("a process that returns during hold is followed again, and the window is kept") {
    World world = just_up("web:/bin/r:3600:1:hold");
    world.crash(1);
    world.script_exits(1, 1);
    world.run(1, 300);
    world.sweep();
    CHECK(world.state(1) == "AVAIL");
    CHECK(world.entry(1).window.count == 1);
}

TEST_CASE("stable clears the window early") {
    World world = just_up("web:/bin/r:86400:3:continue:stable=60");
    world.crash(1);
    world.run(1, 101);
    world.script_exits(1, 0);
    CHECK(world.entry(1).window.count == 1);
    world.pass(60s);
    CHECK(world.entry(1).window.count == 0);
}

TEST_CASE("confirm=/always and a service manager that restarts let a crash wait") {
    World always = just_up("web:/bin/r:3600:3:continue:confirm=5/always");
    always.crash(1);
    CHECK(always.state(1) == "DOWN confirm");
    World brought_back = just_up("web:/bin/r:3600:3:continue");
    const ProcessId main = *brought_back.entry(1).main;
    brought_back.vanish(1);
    brought_back.step(Died{1, main, {Cause::Kind::status, 9}, brought_back.now.ticks, true});
    CHECK(brought_back.state(1) == "DOWN confirm");
}

TEST_CASE("monitor=off starts paused") {
    World world("web:/bin/r:3600:3:continue:monitor=off");
    world.start_up();
    CHECK(world.state(1) == "DOWN operator");
    CHECK(world.log().empty());
}

TEST_CASE("an entry that counts is lost when too few match, and the one whose death did it is named") {
    World world = just_up("web:/bin/r:3600:3:continue:min=2:max=3");
    CHECK(world.state(1) == "DOWN confirm");  // one alone is not enough
    world.run(1, 101);
    world.sweep();
    CHECK(world.state(1) == "AVAIL");
    CHECK(world.log() == Lines{"(web ,pid=100) Up"});
    const ProcessId second = world.entry(1).counted[1];
    world.vanish(1);
    world.run(1, 100);
    world.step(Died{1, second, {Cause::Kind::status, 9}, world.now.ticks});
    CHECK(world.log() == Lines{"Process [web, pid=101] Down", "Cause [web, pid=101] killed by signal 9 (KILL)", "Try to restart (web)"});
}

TEST_CASE("an entry that counts shows the oldest that is left, also after one that could be spared") {
    World world = just_up("web:/bin/r:3600:3:continue:min=1");
    world.run(1, 101);
    world.run(1, 102);
    world.sweep();
    const auto first = world.entry(1).counted[0];
    world.step(Died{1, first, {Cause::Kind::status, 9}, world.now.ticks});
    CHECK(world.entry(1).shown_pid == 101);
    world.vanish(1);
    world.run(1, 103);
    world.sweep();
    CHECK(world.entry(1).shown_pid == 103);
    CHECK(world.log() == Lines{});
    world.order(Verb::stop, "web");
    world.order(Verb::start, "web");
    CHECK(world.log() == Lines{"Monitoring stopped [web]", "Monitoring started [web]"});
}

TEST_CASE("more than max is told once, and again after it was less") {
    World world = just_up("web:/bin/r:3600:3:continue:max=1");
    const auto another = world.run(1, 101);
    world.sweep();
    world.sweep();
    CHECK(world.log() == Lines{"Too many processes (web): 2 > 1"});
    world.vanish(1);
    world.run(1, 100);
    world.sweep();
    world.add(1, {.id = another, .argv0 = "daemon"});
    world.sweep();
    CHECK(world.log() == Lines{"Too many processes (web): 2 > 1"});
}

TEST_CASE("a death that ends the excess arms the line again, although no sweep has seen it") {
    World world = just_up("web:/bin/r:3600:3:continue:max=1");
    const auto another = world.run(1, 101);
    world.sweep();
    world.step(Died{1, another, {Cause::Kind::status, 9}, world.now.ticks});
    world.run(1, 102);
    world.sweep();
    CHECK(world.log() == Lines{"Too many processes (web): 2 > 1", "Too many processes (web): 3 > 1"});
}

TEST_CASE("the pidfile's new process is followed, although the old one lives") {
    World world("web:/bin/r:3600:3:continue:pidfile=/run/web.pid");
    Candidate old{.id = {100, 1}, .argv0 = "web"}, young{.id = {101, 2}, .named = false, .argv0 = "web"};
    world.add(1, old);
    world.add(1, young);
    world.start_up();
    CHECK(world.entry(1).main->pid == 100);
    world.vanish(1);
    old.named = false;
    young.named = true;
    world.add(1, old);
    world.add(1, young);
    world.sweep();
    CHECK(world.entry(1).main->pid == 101);
    world.vanish(1);
    young.named = false;
    world.add(1, young);  // the file is gone: it stays followed
    world.sweep();
    CHECK(world.state(1) == "AVAIL");
}

TEST_CASE("pcheck ends well although a check of a removed entry has not ended") {
    World world = just_up("web:/bin/r:3600:3:continue:check=/bin/ok:check_interval=10\nother:/bin/r:3600:3:continue");
    world.pass(10s);
    REQUIRE(world.check_runs(1));
    world.reload("other:/bin/r:3600:3:continue");
    world.order(Verb::shutdown);
    CHECK(world.end());
}

TEST_CASE("a stop waits for the script of a removed entry of its name, and is asked again by the next bad sign") {
    World world("web:/bin/r:3600:3:continue");
    world.start_up();
    world.pass(3s);
    REQUIRE(world.script_runs(1));
    world.reload("web:/bin/r:3600:3:continue:args=x:heartbeat=5:stop=/bin/stop/5");
    world.run(2, 101);
    world.sweep();
    REQUIRE(world.state(2) == "AVAIL");
    world.pass(5s);
    CHECK(world.state(2) == "AVAIL");
    world.script_exits(1, 1);
    world.pass(5s);
    CHECK(world.state(2) == "STALL");
}

TEST_CASE("an ordered restart whose entry a reload changed during the stop runs no script that it has not, and none beside another") {
    World world("web:/bin/r:3600:3:continue:args=a\nweb:/bin/r:3600:3:continue:args=b");
    world.run(1, 100);
    world.start_up();
    world.pass(3s);
    REQUIRE(world.script_runs(2));
    world.order(Verb::restart, "1");
    REQUIRE(world.state(1) == "STALL");
    World other = world;
    world.reload("web:/bin/r:3600:3:continue:args=a");
    world.end_orderly(1);
    CHECK(world.state(1) == "DOWN slot");
    world.script_exits(2, 1);
    CHECK(world.state(1) == "RESTART");
    other.reload("web:-:3600:3:continue:args=a\nweb:/bin/r:3600:3:continue:args=b");
    other.end_orderly(1);
    CHECK(other.state(1) == "DOWN script");
}

TEST_CASE("a limit that was exceeded during a group's turn still restarts after it") {
    World world = just_up("web:/bin/r:3600:3:continue:group=g:rss=1M/1:on_limit=restart\ndb:/bin/r2:3600:3:continue:group=g");
    world.run(2, 200);
    world.sweep();
    world.crash(2);
    REQUIRE(world.state(1) == "RESTART");
    world.script_exits(1, 0);
    REQUIRE(world.state(1) == "AVAIL");
    REQUIRE(world.state(2) == "RESTART");
    for (int i = 0; i < 3; ++i) {
        world.step(measured(world, 'S', {}, 2 << 20));
        world.pass(1s);
    }
    CHECK(world.state(1) == "AVAIL");
    world.run(2, 201);
    world.script_exits(2, 0);
    REQUIRE(world.state(2) == "AVAIL");
    world.step(measured(world, 'S', {}, 2 << 20));
    CHECK(world.state(1) == "STALL");
}

TEST_CASE("hold does not end while the entry is paused, and ends at once when it goes on") {
    World world = just_up("web:/bin/r:3600:1:hold");
    world.crash(1);
    world.script_exits(1, 1);
    world.order(Verb::stop, "web");
    world.pass(2h);
    CHECK(world.state(1) == "HOLD");
    world.order(Verb::start, "web");
    world.pass(1s);
    CHECK(world.state(1) == "RESTART");
}

TEST_CASE("a survivor that the pidfile does not name takes over from nobody") {
    World world("web:/bin/r:3600:3:continue:pidfile=/run/web.pid");
    world.add(1, {.id = {100, 1}, .session = 100, .argv0 = "web"});
    world.add(1, {.id = {101, 2}, .named = false, .session = 101, .argv0 = "web"});
    world.start_up();
    world.die(1, {Cause::Kind::status, 0});
    CHECK(world.state(1) == "DOWN confirm");
}
