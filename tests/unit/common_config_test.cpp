// SPDX-License-Identifier: Apache-2.0
#include "common/config.hpp"

#include <doctest/doctest.h>

#include "common/schema.hpp"

namespace banken {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> errors_of(std::string_view text) {
    std::vector<std::string> errors;
    for (const auto& d : parse_config(text).diagnostics) errors.push_back(text_of(d, "F"));
    return errors;
}

Config good_config(std::string_view text) {
    auto parsed = parse_config(text);
    for (const auto& d : parsed.diagnostics) FAIL_CHECK(text_of(d, "F"));
    return std::move(parsed.config);
}

TEST_CASE("an empty banken.conf means the defaults") { CHECK(good_config("# nothing\n[log]\n") == Config{}); }

TEST_CASE("the defaults written out are the defaults") {
    std::string text;
    for (const auto& rule : config_rules) text += fmt::format("[{}]\n{} = {}\n", rule.section, rule.name, rule.fallback);
    CHECK(good_config(text) == Config{});
}

TEST_CASE("every key of banken.conf reaches its place") {
    const auto config = good_config(
        "[log]\ntarget = journal\nsocket = /run/log\nfacility = local3\nlevel = err\nburst = 7/60\n"
        "[events]\ndir = /srv/events\ntimeout = 30\n"
        "[detect]\ncauses = pidfd,connector\nconnector = always\n"
        "[state]\ndir = /srv/state\n");
    CHECK(config.log == LogConfig{LogTarget::journal, "/run/log", 19, Priority::err, 7, 60s});
    CHECK(config.detect == DetectConfig{false, true, true, false, true});
    CHECK(config.events_dir == "/srv/events");
    CHECK(config.events_timeout == 30s);
    CHECK(config.state_dir == "/srv/state");
}

TEST_CASE("targets, facilities and levels have the numbers of their names") {
    const auto log_with = [](std::string_view line) { return good_config(fmt::format("[log]\n{}\n", line)).log; };
    CHECK(log_with("target = auto").target == LogTarget::automatic);
    CHECK(log_with("target = syslog").target == LogTarget::syslog);
    CHECK(log_with("target = stderr").target == LogTarget::stderr_);
    CHECK(log_with("facility = user").facility == 1);
    CHECK(log_with("facility = daemon").facility == 3);
    CHECK(log_with("facility = ftp").facility == 11);
    CHECK(log_with("facility = local0").facility == 16);
    CHECK(log_with("facility = local7").facility == 23);
    CHECK(log_with("level = debug").level == Priority::debug);
    CHECK(log_with("level = warning").level == Priority::warning);
    CHECK(log_with("burst = 0").burst_lines == 0);
    CHECK(good_config("[detect]\ncauses = none").detect == DetectConfig{false, false, false, false, false});
}

TEST_CASE("every mistake in banken.conf is told at once, with its place") {
    CHECK(errors_of("stray = 1\n"
                    "[logg]\n"
                    "level = info\n"
                    "[log]\n"
                    "levle = info\n"
                    "level = loud\n"
                    "target = console\n"
                    "facility = kern\n"
                    "socket = dev/log\n"
                    "burst = 5\n"
                    "dir = /x\n"
                    "[events]\n"
                    "timeout = 0\n"
                    "timeout = 5\n"
                    "dir =\n"
                    "[detect]\n"
                    "causes = stat,pidfs\n"
                    "connector = yes ; really\n"
                    "[state]\n"
                    "dir = state\n") ==
          std::vector<std::string>{
              "F:1:1: error: stray: key ahead of any section",
              "F:2:1: error: unknown section \"logg\", did you mean log?",
              "F:5:1: error: unknown key \"levle\" in section log, did you mean level?",
              "F:6:9: error: level: \"loud\" is not one of err, warning, notice, info, debug",
              "F:7:10: error: target: \"console\" is not one of auto, syslog, journal, stderr",
              fmt::format("F:8:12: error: facility: \"kern\" is not one of {}",
                          config_rules[static_cast<std::size_t>(ConfigKey::log_facility)].value.choices),
              "F:9:10: error: socket: \"dev/log\" is not an absolute path",
              "F:10:9: error: burst: \"5\" is not LINES/SECONDS, or 0",
              "F:11:1: error: unknown key \"dir\" in section log, see banken.conf(5)",
              "F:13:11: error: timeout: \"0\" is out of range, 1..86400 expected",
              "F:14:1: error: duplicate key timeout, first in line 13",
              "F:15:6: error: dir: value is empty",
              "F:17:10: error: causes: \"pidfs\" is not one of stat, pidfd, connector, oom, did you mean pidfd?",
              "F:18:17: error: ; after a blank: a comment needs a line of its own",
              "F:20:7: error: dir: \"state\" is not an absolute path",
          });
}

}  // namespace
}  // namespace banken
