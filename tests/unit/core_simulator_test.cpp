// SPDX-License-Identifier: Apache-2.0
#include "pcheck/core/simulator.hpp"

#include <doctest/doctest.h>

#include "tests/fake/core_world.hpp"

using namespace banken;
using namespace banken::core;

namespace {

constexpr std::string_view crond = "crond:/etc/restart:86400:3:continue\n";

constexpr std::string_view short_window = "crond:/etc/restart:3600:3:continue\n";

using Lines = std::vector<std::string>;

Lines played(std::string_view pents, std::string_view scenario, std::string_view params = {}) {
    const Pfile pfile = World::pfile(pents, params);
    const ParsedScenario parsed = parse_scenario(scenario, pfile);
    for (const Diagnostic& diagnostic : parsed.diagnostics) FAIL_CHECK(text_of(diagnostic, "scenario"));
    Lines lines;
    Simulator simulator(pfile,
                        [&lines](Duration at, std::string_view line) { lines.push_back(fmt::format("{} {}", simulated_time(at), line)); });
    simulator.play(parsed.scenario);
    return lines;
}

Lines mistakes(std::string_view scenario) {
    Lines lines;
    const Pfile pfile = World::pfile("crond:/etc/restart:86400:3:continue\nnginx:-:0:0:continue\nnginx:-:0:0:continue:args=x\n");
    for (const Diagnostic& diagnostic : parse_scenario(scenario, pfile).diagnostics) lines.push_back(text_of(diagnostic, "s"));
    return lines;
}

}  // namespace

TEST_CASE("a killed process is back at once") {
    CHECK(played(crond, "at 10m kill crond\nrun 1h\n") == Lines{
                                                              "day 0 00:00:00 (crond ,pid=1001) Up",
                                                              "day 0 00:10:00 Process [crond, pid=1001] Down",
                                                              "day 0 00:10:00 Cause [crond, pid=1001] killed by signal 9 (KILL)",
                                                              "day 0 00:10:00 Try to restart (crond)",
                                                              "day 0 00:10:00 (crond ,pid=1003) Up",
                                                          });
}

TEST_CASE("an orderly end waits for a replacement that somebody else starts") {
    CHECK(played(crond, "at 20m end crond\nat 40m end crond\nat 40m appear crond\nrun 1h") ==
          Lines{
              "day 0 00:00:00 (crond ,pid=1001) Up",
              "day 0 00:20:00 Process [crond, pid=1001] Down",
              "day 0 00:20:00 Cause [crond, pid=1001] killed by signal 15 (TERM)",
              "day 0 00:20:02 Try to restart (crond)",
              "day 0 00:20:02 (crond ,pid=1003) Up",
              "day 0 00:40:00 Process [crond, pid=1003] Down",
              "day 0 00:40:00 Cause [crond, pid=1003] killed by signal 15 (TERM)",
              "day 0 00:40:00 (crond ,pid=1004) Up",
          });
}

TEST_CASE("a script that fails uses the retries up, and a reload clears that") {
    const Lines lines = played(crond, "at 1h script crond fails\nat 2h kill crond\nat 2d script crond works\nat 2d order reload\nrun 3d",
                               "REMIND_INTERVAL 0\n");
    REQUIRE(lines.size() == 16);
    CHECK(lines[3] == "day 0 02:00:00 Try to restart (crond)");
    CHECK(lines[4] == "day 0 02:00:00 Restart script failed (crond) status=1");
    CHECK(lines[11] == "day 0 02:00:19 (crond) RETRY_OVER:CONTINUE");
    CHECK(lines[12] == "day 2 00:00:00 Reload done: +0 -0 ~0 =1");
    CHECK(lines[13] == "day 2 00:00:00 Set pid fail (crond)");
    CHECK(lines[14] == "day 2 00:00:00 Try to restart (crond)");
}

TEST_CASE("a script that hangs is ended at its limit") {
    const Lines lines =
        played(crond, "at 0s script crond hangs\nat 1m kill crond\nat 70s script crond works\nrun 10m", "SCRIPT_TIMEOUT 30\n");
    REQUIRE(lines.size() == 7);
    CHECK(lines[4] == "day 0 00:01:30 Restart script failed (crond) timeout=30s");
    CHECK(lines[6] == "day 0 00:01:30 (crond ,pid=1004) Up");
}

TEST_CASE("with DETECT poll only sweeps find a loss") {
    const Lines lines = played(crond, "at 13s kill crond\nrun 1m", "DETECT poll\n");
    REQUIRE(lines.size() == 4);
    CHECK(lines[1] == "day 0 00:00:20 Process [crond, pid=1001] Down");
    CHECK(lines[3] == "day 0 00:00:30 (crond ,pid=1003) Up");
}

TEST_CASE("every happens as often as there is time for it, and what is refused is said") {
    CHECK(played(short_window, "every 2h kill crond\nat 1h order restart 9\nrun 1d").size() == 1 + 12 * 4 + 1);
    const Lines refused = played("crond:-:0:0:continue\n", "at 1h order restart crond\nrun 1d", "REMIND_INTERVAL 0\n");
    CHECK(refused.back() == "day 0 01:00:00 order refused: crond: it has no restart script");
    CHECK(played("crond:-:0:0:continue\n", "at 1h order clear \x1b[2J\nrun 1d", "REMIND_INTERVAL 0\n").back() ==
          R"(day 0 01:00:00 order refused: no entry "\x1b[2J")");
}

TEST_CASE("the simulation ends with pcheck") {
    const Lines lines = played("crond:/etc/restart:86400:0:exit\n", "at 1h kill crond\nat 2h kill crond\nrun 1d");
    CHECK(lines.back() == "day 0 01:00:00 pcheck ends with exit status 1: retry-over exit (crond)");
}

TEST_CASE("pauses are orders too") {
    const Lines lines = played(crond, "at 1h order stop crond for 30m\nat 70m kill crond\nrun 1d", "REMIND_INTERVAL 0\n");
    REQUIRE(lines.size() == 6);
    CHECK(lines[1] == "day 0 01:00:00 Monitoring stopped [crond]");
    CHECK(lines[2] == "day 0 01:30:00 Monitoring started [crond]");
    CHECK(lines[5] == "day 0 01:30:00 (crond ,pid=1003) Up");
}

TEST_CASE("thirty days go by") {
    const Lines lines = played(short_window, "every 2h kill crond\nrun 30d");
    CHECK(lines.back().starts_with("day 30 "));
}

TEST_CASE("every mistake of a scenario is told with its place") {
    const Lines found = mistakes(
        "at 10x kill crond\n"
        "at 10m kil crond\n"
        "at 10m kill crnd   # a comment\n"
        "at 10m kill nginx\n"
        "\n"
        "at 10m script 2 fails\n"
        "at 10m script crond\n"
        "at 10m script crond fail\n"
        "at 10m check crond fails\n"
        "at 10m heartbeat crond fails\n"
        "at 10m kill \"crond\n"
        "at 10m kill crond now\n"
        "every 0s kill crond\n"
        "at 10m order stpo\n"
        "at 10m order explain crond\n"
        "whenever 1m kill crond\n"
        "at 4294967295d kill crond\n"
        "run 0s\n");
    const Lines wanted{
        "s:1:4: error: \"10x\" is no time: 90s, 1h30m or 2d expected, at most 3650d",
        "s:2:8: error: \"kil\": kill, end, appear, script, check, heartbeat, order expected, did you mean kill?",
        "s:3:13: error: no entry \"crnd\", did you mean crond?",
        "s:4:13: error: \"nginx\" is the name of several entries: say which by its number (2, 3)",
        "s:6:15: error: this entry has no restart script",
        "s:7:20: error: works, fails, hangs expected",
        "s:8:21: error: \"fail\": works, fails, hangs expected, did you mean fails?",
        "s:9:14: error: this entry has no health check",
        "s:10:18: error: this entry has no heartbeat",
        "s:11:13: error: a double quote is open",
        "s:12:19: error: \"now\" is too much",
        "s:13:7: error: not more often than every 1s",
        "s:14:14: error: unknown order \"stpo\", did you mean stop?",
        "s:15:14: error: order explain only reads: pcheck is not asked",
        "s:16:1: error: \"whenever\": at, every, run expected",
        "s:17:4: error: \"4294967295d\" is no time: 90s, 1h30m or 2d expected, at most 3650d",
        "s:18:5: error: nothing happens in 0s",
        "s: error: no line says how long: run 3d",
    };
    CHECK(fmt::format("{}", fmt::join(found, "\n")) == fmt::format("{}", fmt::join(wanted, "\n")));
}

TEST_CASE("a scenario that is right has no mistakes") {
    CHECK(mistakes("  # nothing\r\n\n\tat 1h30m kill 1 # the first\r\nrun 2d") == Lines{});
    CHECK(mistakes("at 2d kill crond\nrun 1d") == Lines{"s:1:1: error: this comes after the end of the run"});
    CHECK(mistakes("run 1d\nrun 1d") == Lines{"s:2:1: error: run is given twice"});
}
