// SPDX-License-Identifier: Apache-2.0
// The cycle of an entry (spec/state-table.md): start, loss, confirm, script, START, retry-over.
#include <doctest/doctest.h>

#include "tests/fake/core_world.hpp"

using namespace banken;
using namespace banken::core;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

namespace {

constexpr std::string_view crond = "crond:/bin/restart:86400:3:continue";

World running() { return core::running(crond); }

}  // namespace

TEST_CASE("a process that runs at the start is Up") {
    World world(crond);
    CHECK(world.state(1) == "UNKNOWN");
    world.run(1, 100);
    world.start_up();
    CHECK(world.state(1) == "AVAIL");
    CHECK(world.log() == Lines{"(crond ,pid=100) Up"});
    CHECK(world.entry(1).shown_pid == 100);
    CHECK(world.entry(1).window.count == 0);
}

TEST_CASE("a process that is absent at the start is looked for during CONFIRM_WAIT, then counted and restarted") {
    World world(crond);
    world.start_up();
    CHECK(world.state(1) == "DOWN confirm");
    CHECK(world.log().empty());
    world.pass(2s);
    CHECK(world.log() == Lines{"Set pid fail (crond)", "Try to restart (crond)"});
    CHECK(world.state(1) == "RESTART");
    CHECK(world.entry(1).reason == EntryReason::absent);
    CHECK(world.entry(1).window.count == 1);
}

TEST_CASE("with CONFIRM_WAIT 0 an absent process is restarted after the first look") {
    World world(crond, "CONFIRM_WAIT 0\n");
    world.start_up();
    CHECK(world.log() == Lines{"Set pid fail (crond)", "Try to restart (crond)"});
}

TEST_CASE("a crash is acted on in the same instant") {
    World world = running();
    world.crash(1);
    CHECK(world.log() ==
          Lines{"Process [crond, pid=100] Down", "Cause [crond, pid=100] killed by signal 9 (KILL)", "Try to restart (crond)"});
    CHECK(world.state(1) == "RESTART");
    CHECK(world.entry(1).attempts == 1);
    CHECK(world.entry(1).window.count == 1);
    CHECK(world.entry(1).window.first == world.now.instant);
}

TEST_CASE("after a good script the process is looked for at once and is Up with its new pid") {
    World world = running();
    world.crash(1);
    world.run(1, 200);
    world.script_exits(1, 0);
    CHECK(world.state(1) == "AVAIL");
    CHECK(world.log().back() == "(crond ,pid=200) Up");
    CHECK(world.entry(1).attempts == 0);
    CHECK(world.entry(1).window.count == 1);
    CHECK(world.entry(1).shown_pid == 200);
}

TEST_CASE("an orderly end waits for somebody else's restart: Down, Up, no script, no count") {
    World world = running();
    world.end_orderly(1);
    CHECK(world.state(1) == "DOWN confirm");
    world.pass(500ms);
    world.run(1, 200);
    world.pass(1s);
    CHECK(world.log() ==
          Lines{"Process [crond, pid=100] Down", "Cause [crond, pid=100] killed by signal 15 (TERM)", "(crond ,pid=200) Up"});
    CHECK(world.entry(1).window.count == 0);
    CHECK(world.scripts() == 0);
}

TEST_CASE("an orderly end that nobody mends is restarted when CONFIRM_WAIT is over") {
    World world = running();
    world.end_orderly(1);
    world.pass(2s - 1ms);
    CHECK(world.state(1) == "DOWN confirm");
    world.pass(1ms);
    CHECK(world.state(1) == "RESTART");
    CHECK(world.log().back() == "Try to restart (crond)");
}

TEST_CASE("an unknown cause is treated as an orderly end") {
    World world = running();
    world.die(1, {Cause::Kind::gone, 0});
    CHECK(world.log() == Lines{"Process [crond, pid=100] Down", "Cause [crond, pid=100] unknown (gone before it could be read)"});
    CHECK(world.state(1) == "DOWN confirm");
}

TEST_CASE("with DETECT poll there is no Cause and no confirm") {
    World world = running(crond, "DETECT poll\n");
    world.die(1, {Cause::Kind::not_asked, 0});
    CHECK(world.log() == Lines{"Process [crond, pid=100] Down", "Try to restart (crond)"});
}

TEST_CASE("with DETECT poll only the next sweep finds the new process") {
    World world = running(crond, "DETECT poll\n");
    world.die(1, {Cause::Kind::not_asked, 0});
    world.run(1, 200);
    world.script_exits(1, 0);
    world.pass(5s);
    CHECK(world.state(1) == "START");
    world.sweep();
    CHECK(world.state(1) == "AVAIL");
}

TEST_CASE("the fourth loss inside GRACE is retry-over, and the pid stays the last known") {
    World world = running();
    for (pid_t pid = 200; pid < 500; pid += 100) {
        world.crash(1);
        world.run(1, pid);
        world.script_exits(1, 0);
        world.pass(60s);
    }
    static_cast<void>(world.log());
    world.crash(1);
    CHECK(world.log() ==
          Lines{"Process [crond, pid=400] Down", "Cause [crond, pid=400] killed by signal 9 (KILL)", "(crond) RETRY_OVER:CONTINUE"});
    CHECK(world.state(1) == "RETRY_OVER");
    CHECK(world.entry(1).shown_pid == 400);
    CHECK(world.entry(1).window.count == 3);
    CHECK_FALSE(world.entry(1).paused);
    CHECK_FALSE(world.end());
}

TEST_CASE("after GRACE the count starts anew, at the instant itself too") {
    World world = running("crond:/bin/restart:100:1:continue");
    world.crash(1);
    const Instant first = world.now.instant;
    world.run(1, 200);
    world.script_exits(1, 0);
    world.pass(100s);
    world.crash(1);
    CHECK(world.state(1) == "RESTART");
    CHECK(world.entry(1).window.first == first + 100s);
    CHECK(world.entry(1).window.count == 1);
}

TEST_CASE("retries 0: the first loss is retry-over and the script is never run") {
    World world = running("crond:/bin/restart:100:0:continue");
    world.crash(1);
    CHECK(world.state(1) == "RETRY_OVER");
    CHECK(world.entry(1).total == 0);
}

TEST_CASE("unlimited retries never end") {
    World world = running("crond:/bin/restart:86400:unlimited:continue");
    for (int round = 0; round < 50; ++round) {
        world.crash(1);
        world.run(1, 200 + round);
        world.script_exits(1, 0);
        world.pass(20s);
    }
    CHECK(world.state(1) == "AVAIL");
    CHECK(world.entry(1).window.count == 50);
}

TEST_CASE("script -: a loss is only reported, and the return is Up") {
    World world = running("crond:-:0:0:continue");
    world.crash(1);
    CHECK(world.state(1) == "DOWN script");
    CHECK(world.log() == Lines{"Process [crond, pid=100] Down", "Cause [crond, pid=100] killed by signal 9 (KILL)"});
    world.pass(10s);
    world.run(1, 200);
    world.sweep();
    CHECK(world.log() == Lines{"(crond ,pid=200) Up"});
    CHECK(world.entry(1).window.count == 0);
}

TEST_CASE("a second loss soon after the first waits for the delay, which is told once") {
    World world = running();
    world.crash(1);
    world.run(1, 200);
    world.script_exits(1, 0);
    world.pass(3s);
    static_cast<void>(world.log());
    world.crash(1);
    CHECK(world.state(1) == "DOWN delay");
    const auto lines = world.log();
    REQUIRE(lines.size() == 3);
    CHECK(lines[2].starts_with("Waiting (crond): delay "));
    const Duration delay = *world.entry(1).timer - *world.entry(1).begun;
    CHECK(delay >= 9s);
    CHECK(delay <= 11s);
    world.pass(8s);
    CHECK(world.state(1) == "RESTART");
    CHECK(world.log() == Lines{"Try to restart (crond)"});
}

TEST_CASE("a process that appears during the delay is Up without a script") {
    World world = running();
    world.crash(1);
    world.run(1, 200);
    world.script_exits(1, 0);
    world.pass(3s);
    world.crash(1);
    static_cast<void>(world.log());
    world.pass(1s);
    world.run(1, 300);
    world.pass(8s);
    CHECK(world.log() == Lines{"(crond ,pid=300) Up"});
    CHECK(world.entry(1).window.count == 1);
}

TEST_CASE("a script that fails has its own line, one look, then the next attempt after the delay") {
    World world = running();
    world.crash(1);
    static_cast<void>(world.log());
    world.script_exits(1, 3);
    auto lines = world.log();
    REQUIRE(lines.size() == 2);
    CHECK(lines[0] == "Restart script failed (crond) status=3");
    CHECK(lines[1].starts_with("Waiting (crond): delay "));
    CHECK(world.state(1) == "DOWN delay");
    world.pass(12s);
    CHECK(world.entry(1).window.count == 2);
    CHECK(world.entry(1).attempts == 2);
}

TEST_CASE("a script that fails although the process is there: the process wins") {
    World world = running();
    world.crash(1);
    world.run(1, 200);
    static_cast<void>(world.log());
    world.script_exits(1, 3);
    CHECK(world.log() == Lines{"Restart script failed (crond) status=3", "(crond ,pid=200) Up"});
}

TEST_CASE("refused and not executable scripts count as failed attempts, each with its line") {
    World world = running("crond:/bin/restart:86400:2:continue");
    world.crash(1);
    static_cast<void>(world.log());
    world.script_ends(1, ScriptEnded::How::refused, "/bin/restart is writable by others");
    CHECK(world.log().front() == "Restart script refused (crond): /bin/restart is writable by others");
    world.pass(12s);
    static_cast<void>(world.log());
    world.script_ends(1, ScriptEnded::How::not_executed, "Text file busy");
    CHECK(world.log() == Lines{"Restart script failed (crond) cannot execute: Text file busy", "(crond) RETRY_OVER:CONTINUE"});
}

TEST_CASE("a process that does not appear in time is Set pid fail and the next attempt") {
    World world = running();
    world.crash(1);
    world.script_exits(1, 0);
    CHECK(world.state(1) == "START");
    static_cast<void>(world.log());
    world.pass(20s - 1ms);
    CHECK(world.state(1) == "START");
    world.pass(1ms);
    CHECK(world.log() == Lines{"Set pid fail (crond)", "Try to restart (crond)"});
    CHECK(world.entry(1).attempts == 2);
}

TEST_CASE("in START looks come after 10, 20, 40 ms and so on, then at the sweeps") {
    World world = running();
    world.crash(1);
    world.script_exits(1, 0);
    const Instant begin = world.now.instant;
    std::vector<Duration> looks;
    while (world.entry(1).look_at) {
        looks.push_back(*world.entry(1).look_at - begin);
        world.pass(*world.entry(1).look_at - world.now.instant);
    }
    REQUIRE(looks.size() >= 4);
    CHECK(looks[0] == 10ms);
    CHECK(looks[1] == 30ms);
    CHECK(looks[2] == 70ms);
    CHECK(looks[3] == 150ms);
    world.run(1, 200);
    world.sweep();
    CHECK(world.state(1) == "AVAIL");
}

TEST_CASE("a script over its limit gets TERM, KILL after SCRIPT_KILL_WAIT, and its failure names the limit") {
    World world = running(crond, "SCRIPT_TIMEOUT 30\n");
    world.crash(1);
    static_cast<void>(world.log());
    world.pass(30s);
    REQUIRE(world.script_signals().size() == 1);
    CHECK(world.script_signals()[0].signal == 15);
    world.pass(5s);
    REQUIRE(world.script_signals().size() == 2);
    CHECK(world.script_signals()[1].signal == 9);
    world.script_exits(1, 0);
    CHECK(world.log().front() == "Restart script failed (crond) timeout=30s");
}

TEST_CASE("a script that obeys TERM leaves no member of its group behind") {
    World world = running(crond, "SCRIPT_TIMEOUT 30\n");
    world.crash(1);
    world.pass(30s);
    world.script_exits(1, 0);
    REQUIRE(world.script_signals().size() == 2);
    CHECK(world.script_signals()[1].signal == 9);
}

TEST_CASE("a script that is still there 10 s after KILL cannot be ended, and the entry is given up beside it") {
    World world = running(crond, "SCRIPT_TIMEOUT 30\n");
    world.crash(1);
    static_cast<void>(world.log());
    world.pass(45s);
    const auto lines = world.log();
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].starts_with("Cannot be ended (crond ,pid="));
    CHECK(lines[1] == "(crond) RETRY_OVER:CONTINUE");
    world.order(Verb::clear, "crond");
    CHECK(world.state(1) == "DOWN slot");  // no second script beside it
    world.script_exits(1, 0);
    CHECK(world.state(1) == "RESTART");
}

TEST_CASE("a script that execs into the daemon is over, and is not ended by its limit") {
    World world = running(crond, "SCRIPT_TIMEOUT 30\n");
    world.crash(1);
    Candidate self;
    self.id = *world.entry(1).script->process;
    world.add(1, self);
    world.sweep();
    CHECK(world.state(1) == "AVAIL");
    CHECK(world.entry(1).main == self.id);
    CHECK_FALSE(world.entry(1).script);
    world.pass(100s);
    CHECK(world.script_signals().empty());
}

TEST_CASE("a script that execs into the daemon right at its limit is looked at once more before TERM") {
    World world = running(crond, "SCRIPT_TIMEOUT 30\n");
    world.crash(1);
    Candidate self;
    self.id = *world.entry(1).script->process;
    world.add(1, self);
    world.pass(30s);
    CHECK(world.state(1) == "AVAIL");
    CHECK(world.script_signals().empty());
}

TEST_CASE("in confirm an init script of the daemon's name is no replacement, the daemon it starts is") {
    World world = running();
    world.end_orderly(1);
    static_cast<void>(world.log());
    world.pass(50ms);
    Candidate script;
    script.id = {150, world.now.ticks};
    script.session = 150;
    script.argv0 = "/bin/sh";
    world.add(1, script);
    world.pass(100ms);
    CHECK(world.state(1) == "DOWN confirm");
    world.run(1, 200);
    world.pass(500ms);
    CHECK(world.log() == Lines{"(crond ,pid=200) Up"});
}

TEST_CASE("at the confirm deadline a replacement under another argv[0] counts: no second copy beside it") {
    World world = running();
    world.end_orderly(1);
    world.pass(50ms);
    Candidate other;
    other.id = {150, world.now.ticks};
    other.session = 150;
    other.argv0 = "/opt/crond";
    world.add(1, other);
    world.pass(2s);
    CHECK(world.log().back() == "(crond ,pid=150) Up");
}

TEST_CASE("a process that appears while its script runs waits for the script's end") {
    World world = running();
    world.crash(1);
    world.run(1, 200);
    world.sweep();
    CHECK(world.state(1) == "RESTART");
}

TEST_CASE("retry-over exit ends with 1 and without a Shutdown line, shutdown ends with 0 and with it") {
    World world = running("crond:/bin/restart:86400:0:exit");
    world.crash(1);
    REQUIRE(world.end());
    CHECK(world.end()->exit_status == 1);
    CHECK(world.end()->reason == "retry-over exit (crond)");
    CHECK(world.log().back() == "(crond) RETRY_OVER:EXIT");
    World other = running("crond:/bin/restart:86400:0:shutdown");
    other.crash(1);
    REQUIRE(other.end());
    CHECK(other.end()->exit_status == 0);
    const auto lines = other.log();
    CHECK(lines.at(lines.size() - 2) == "(crond) RETRY_OVER:SHUTDOWN");
    CHECK(lines.back() == "Shutdown pcheck");
}

TEST_CASE("a process started by hand in RETRY_OVER is noticed, but stays given up until an order") {
    World world = running("crond:/bin/restart:86400:0:continue");
    world.crash(1);
    static_cast<void>(world.log());
    world.pass(60s);
    const ProcessId by_hand = world.run(1, 300);
    world.sweep();
    CHECK(world.state(1) == "RETRY_OVER");
    CHECK(world.entry(1).seen == by_hand);
    world.pass(3600s);
    REQUIRE_FALSE(world.reminders().empty());
    CHECK(world.reminders().back().what == Remind::What::running_again);
    world.vanish(1);
    world.sweep();
    CHECK_FALSE(world.entry(1).seen);
}

TEST_CASE("a given-up entry is reminded of every REMIND_INTERVAL, not at all with 0") {
    World world = running("crond:/bin/restart:86400:0:continue", "REMIND_INTERVAL 60\n");
    world.crash(1);
    world.pass(180s);
    CHECK(world.reminders().size() == 3);
    CHECK(world.reminders()[0].what == Remind::What::given_up);
    World silent = running("crond:/bin/restart:86400:0:continue", "REMIND_INTERVAL 0\n");
    silent.crash(1);
    silent.pass(24h);
    CHECK(silent.reminders().empty());
}

TEST_CASE("a script that runs long is told after 300 s, then every REMIND_INTERVAL") {
    World world = running(crond, "REMIND_INTERVAL 600\n");
    world.crash(1);
    static_cast<void>(world.log());
    world.pass(900s);
    const auto lines = world.log();
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].starts_with("Restart script still running (crond ,pid="));
    CHECK(lines[0].ends_with(") for 300s"));
    CHECK(lines[1].ends_with(") for 900s"));
}
