// SPDX-License-Identifier: Apache-2.0
// The options of PENT lines: what each means, and the exact text of every mistake in them.
#include "common/pfile_options.hpp"

#include <doctest/doctest.h>

#include <csignal>

#include "common/pfile_after.hpp"
#include "common/segment_records.hpp"

namespace banken {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> told(std::string_view text, Diagnostic::Severity severity) {
    std::vector<std::string> texts;
    for (const auto& d : parse_pfile(text).diagnostics) {
        if (d.severity == severity) texts.push_back(text_of(d, "F"));
    }
    return texts;
}

// A pfile whose only entry, in line 6, has these options; the first begins in column 14.
std::string with_options(std::string_view options, std::string_view param = "SCRIPT_TIMEOUT 9") {
    return fmt::format("[PARAM]\nIPCKEY 1\nSHM_DUMP_FILE /d\n{}\n[PENT]\na:/r:60:3:exit:{}\n", param, options);
}
std::vector<std::string> errors_of(std::string_view options) { return told(with_options(options), Diagnostic::Severity::error); }
std::vector<std::string> warnings_of(std::string_view options, std::string_view param = "SCRIPT_TIMEOUT 9") {
    return told(with_options(options, param), Diagnostic::Severity::warning);
}
Pent pent_of(std::string_view options, std::string_view param = "SCRIPT_TIMEOUT 9") {
    const auto parsed = parse_pfile(with_options(options, param));
    for (const auto& d : parsed.diagnostics) {
        if (d.severity == Diagnostic::Severity::error) FAIL_CHECK(text_of(d, "F"));
    }
    return parsed.pfile.pents.at(0);
}

TEST_CASE("options that say which process reach their places") {
    const Pent pent = pent_of(
        R"(match=label:args=^java .*-jar app\.jar$:exe=/usr/bin/java: user = tomcat :cgroup=/app.slice/*:pidns=any:pidfile=/run/a\:b.pid)");
    CHECK(pent.label);
    CHECK(pent.args == R"(^java .*-jar app\.jar$)");
    CHECK(pent.exe == "/usr/bin/java");
    CHECK(pent.user == "tomcat");
    CHECK_FALSE(pent.uid);
    CHECK(pent.cgroup == "/app.slice/*");
    CHECK(pent.any_pid_namespace);
    CHECK(pent.pidfile == "/run/a:b.pid");
    CHECK_FALSE(pent_of("match=name:pidns=same").any_pid_namespace);
    CHECK(pent_of("user=1000").uid == 1000U);
    CHECK(pent_of("user=0").uid == 0U);
    CHECK(pent_of(R"(args=^a\\b\d)").args == R"(^a\b\d)");
}

TEST_CASE("either of min and max makes an entry count") {
    CHECK_FALSE(pent_of("pidns=any").counts());
    CHECK(pent_of("min=3").min == 3U);
    CHECK_FALSE(pent_of("min=3").max);
    CHECK(pent_of("max=5").min == 1U);
    CHECK(pent_of("max=5").max == 5U);
    CHECK(pent_of("min=0:max=0").max == 0U);
}

TEST_CASE("options of groups, order and pacing reach their places") {
    const Pent pent = pent_of(
        "group=web_1-A:confirm=0.5/always:delay=5-600:stable=86400:script_timeout=0:start_timeout=86400:success_exit= 0, "
        "3,255:run_as=oracle");
    CHECK(pent.group == "web_1-A");
    CHECK(pent.confirm == 500ms);
    CHECK(pent.confirm_always);
    CHECK(pent.delay == 5s);
    CHECK(pent.delay_max == 600s);
    CHECK(pent.stable == 86400s);
    CHECK(pent.script_timeout == 0s);
    CHECK(pent.start_timeout == 86400s);
    CHECK(pent.success_exit == std::vector{0, 3, 255});
    CHECK(pent.run_as == "oracle");
    CHECK_FALSE(pent.runner);
    CHECK_FALSE(pent_of("confirm=60").confirm_always);
    CHECK(pent_of("delay=0").delay == 0s);
    CHECK(pent_of("delay=7").delay_max == 0s);
    CHECK(pent_of("success_exit=3").success_exit == std::vector{3});
}

TEST_CASE("options of health and limits reach their places") {
    const Pent pent = pent_of(
        "check=/c \"a b\":check_interval=1:check_timeout=86400:check_failures=100:heartbeat=30,/run/a b:hung=60:cpu=90%/60:rss=2G/30:"
        "fds=1000/10:on_limit=restart:stop=/stop now/15:monitor=off:events=filesys/diskfull, app.1/no-answer");
    CHECK(pent.check.argv == std::vector<std::string>{"/c", "a b"});
    CHECK(pent.check_interval == 1s);
    CHECK(pent.check_timeout == 86400s);
    CHECK(pent.check_failures == 100);
    CHECK(pent.heartbeat == 30s);
    CHECK(pent.heartbeat_path == "/run/a b");
    CHECK(pent.hung == 60s);
    CHECK(pent.cpu == Limit{900, 60s});
    CHECK(pent.rss == Limit{std::uint64_t{2} << 30, 30s});
    CHECK(pent.fds == Limit{1000, 10s});
    CHECK(pent.limit_restarts);
    CHECK(pent.stop.script.argv == std::vector<std::string>{"/stop", "now"});
    CHECK(pent.stop.limit == 15s);
    CHECK_FALSE(pent.monitor);
    CHECK(pent.events == std::vector<std::string>{"filesys/diskfull", "app.1/no-answer"});
    CHECK(pent_of("heartbeat=86400").heartbeat_path.empty());
    CHECK(pent_of("cpu=400%/1").cpu->value == 4000);
    CHECK(pent_of("rss=4096/1").rss->value == 4096);
    CHECK(pent_of("rss=64K/1").rss->value == 65536);
    CHECK(pent_of("rss=512M/1").rss->value == 512U << 20);
    CHECK(pent_of("monitor=on").monitor);
}

TEST_CASE("stop is a signal or a script, and a last slash before digits is its seconds") {
    const auto stop = [](std::string_view value) { return pent_of(fmt::format("stop={}", value)).stop; };
    CHECK(stop("TERM") == StopRule{});
    CHECK(stop("SIGTERM/60") == StopRule{});
    CHECK(stop("INT/5").signal == SIGINT);
    CHECK(stop("INT/5").limit == 5s);
    CHECK(stop("TERM/0").limit == 0s);
    CHECK(stop("RTMIN+3").signal == SIGRTMIN + 3);
    CHECK(stop("/etc/init.d/a stop").script.argv == std::vector<std::string>{"/etc/init.d/a", "stop"});
    CHECK(stop("/etc/init.d/a stop").limit == 60s);
    CHECK(stop("/etc/init.d/a stop /5").script.text == "/etc/init.d/a stop");
    CHECK(stop("/opt/a/9").script.text == "/opt/a");
    CHECK(stop("/opt/a/\"9\"").script.argv == std::vector<std::string>{"/opt/a/9"});
}

struct Case {
    std::string_view options, error;
};

void check_errors(std::initializer_list<Case> cases) {
    for (const auto& wrong : cases) {
        CAPTURE(wrong.options);
        CHECK(errors_of(wrong.options) == std::vector<std::string>{std::string(wrong.error)});
    }
}

TEST_CASE("every option that says which process, wrong once, is told with its place and what was expected") {
    check_errors({
        {"match=nam", "F:6:22: error: a, match: \"nam\" is not one of name, label, did you mean name?"},
        {"match=label", "F:6:22: error: a, match: label needs one of args, exe, pidfile"},
        {"match=label:user=root", "F:6:22: error: a, match: label needs one of args, exe, pidfile"},
        {"args=", "F:6:21: error: a, args: empty"},
        {"args = a(b", "F:6:23: error: a, args: \"a(b\" is no RE2 pattern: missing ): a(b"},
        {"args=(?=a)", "F:6:21: error: a, args: \"(?=a)\" is no RE2 pattern: invalid perl operator: (?="},
        {"exe=java", "F:6:20: error: a, exe: \"java\" is not an absolute path"},
        {"user=4294967295", "F:6:21: error: a, user: \"4294967295\" is out of range, 0..4294967294 expected"},
        {"cgroup=", "F:6:23: error: a, cgroup: empty"},
        {"pidns=all", "F:6:22: error: a, pidns: \"all\" is not one of same, any"},
        {"pidfile=run/a", "F:6:24: error: a, pidfile: \"run/a\" is not an absolute path"},
        {"min=-1", "F:6:20: error: a, min: \"-1\" is not a number, 0..100000 expected"},
        {"max=100001", "F:6:20: error: a, max: \"100001\" is out of range, 0..100000 expected"},
        {"min=5:max=4", "F:6:26: error: a, max: 4 is less than min, 5"},
        {"max=0", "F:6:20: error: a, max: 0 is less than min, 1"},
    });
}

TEST_CASE("every option of groups, order and pacing, wrong once, is told with its place and what was expected") {
    check_errors({
        {"group=a.b", "F:6:22: error: a, group: \"a.b\" is not 1..31 of A-Za-z0-9_-"},
        {"group=abcdefghijklmnopqrstuvwxyzABCDEF",
         "F:6:22: error: a, group: \"abcdefghijklmnopqrstuvwxyzABCDEF\" is not 1..31 of A-Za-z0-9_-"},
        {"after=b,,c", "F:6:22: error: a, after: \"b,,c\" has an empty part"},
        {"confirm=61", "F:6:24: error: a, confirm: \"61\" is out of range, 0..60 expected"},
        {"confirm=/always", "F:6:24: error: a, confirm: \"\" is not a number of seconds, 0..60 expected"},
        {"confirm=2/ever", "F:6:24: error: a, confirm: \"/ever\" is not /always"},
        {"delay=3601", "F:6:22: error: a, delay: \"3601\" is out of range, 0..3600 expected"},
        {"delay=1.5", "F:6:22: error: a, delay: \"1.5\" is not a number, 0..3600 expected"},
        {"delay=10-", "F:6:22: error: a, delay: MAX: \"\" is not a number, 1..86400 expected"},
        {"delay=10-86401", "F:6:22: error: a, delay: MAX: \"86401\" is out of range, 1..86400 expected"},
        {"delay=10-9", "F:6:22: error: a, delay: \"10-9\" grows to less than it begins with"},
        {"delay=0-9", "F:6:22: error: a, delay: a delay of 0 cannot grow to \"9\""},
        {"stable=1h", "F:6:23: error: a, stable: \"1h\" is not a number, 0..86400 expected"},
        {"script_timeout=86401", "F:6:31: error: a, script_timeout: \"86401\" is out of range, 0..86400 expected"},
        {"start_timeout=0", "F:6:30: error: a, start_timeout: \"0\" is out of range, 1..86400 expected"},
        {"success_exit=0,256", "F:6:29: error: a, success_exit: \"256\" is out of range, 0..255 expected"},
        {"success_exit=3,3", "F:6:29: error: a, success_exit: \"3\" is given twice"},
        {"success_exit=0,", "F:6:29: error: a, success_exit: \"0,\" has an empty part"},
        {"run_as=", "F:6:23: error: a, run_as: empty"},
    });
}

TEST_CASE("every option of health and limits, wrong once, is told with its place and what was expected") {
    check_errors({
        {"check=-", "F:6:22: error: a, check: \"-\" is not an absolute path"},
        {"check=/c \"x", "F:6:22: error: a, check: double quote is not closed"},
        {"check=/c:check_interval=0", "F:6:40: error: a, check_interval: \"0\" is out of range, 1..86400 expected"},
        {"check=/c:check_timeout=x", "F:6:39: error: a, check_timeout: \"x\" is not a number, 1..86400 expected"},
        {"check=/c:check_failures=101", "F:6:40: error: a, check_failures: \"101\" is out of range, 1..100 expected"},
        {"heartbeat=0", "F:6:26: error: a, heartbeat: \"0\" is out of range, 1..86400 expected"},
        {"heartbeat=5,beat", "F:6:26: error: a, heartbeat: \"beat\" is not an absolute path"},
        {"heartbeat=/beat", "F:6:26: error: a, heartbeat: \"/beat\" is not a number, 1..86400 expected"},
        {"hung=0", "F:6:21: error: a, hung: \"0\" is out of range, 1..86400 expected"},
        {"cpu=90%", "F:6:20: error: a, cpu: \"90%\" is not LIMIT/SECONDS"},
        {"cpu=90/60", "F:6:20: error: a, cpu: \"90\" is not a percentage such as 90%"},
        {"cpu=0%/60", "F:6:20: error: a, cpu: \"0\" is out of range, 1..1000000 expected"},
        {"cpu=90%/0", "F:6:20: error: a, cpu: \"0\" is out of range, 1..86400 expected"},
        {"rss=2T/30", "F:6:20: error: a, rss: \"2T\" is not a size such as 512M or 2G"},
        {"rss=G/30", "F:6:20: error: a, rss: \"G\" is not a size such as 512M or 2G"},
        {"rss=/30", "F:6:20: error: a, rss: \"\" is not a size such as 512M or 2G"},
        {"rss=0/30", "F:6:20: error: a, rss: \"0\" is out of range, 1 byte..1073741824G expected"},
        {"rss=1073741825G/30", "F:6:20: error: a, rss: \"1073741825G\" is out of range, 1 byte..1073741824G expected"},
        {"fds=many/10", "F:6:20: error: a, fds: \"many\" is not a number, 1..1000000000 expected"},
        {"fds=10/", "F:6:20: error: a, fds: \"\" is not a number, 1..86400 expected"},
        {"cpu=90%/60:on_limit=kill", "F:6:36: error: a, on_limit: \"kill\" is not one of alert, restart"},
        {"stop=term", "F:6:21: error: a, stop: \"term\" is neither the name of a signal nor an absolute path"},
        {"stop=9/5", "F:6:21: error: a, stop: \"9\" is neither the name of a signal nor an absolute path"},
        {"stop=32", "F:6:21: error: a, stop: \"32\" is neither the name of a signal nor an absolute path"},
        {"stop=TERM/86401", "F:6:21: error: a, stop: \"86401\" is out of range, 0..86400 expected"},
        {"stop=/s \"x/5", "F:6:21: error: a, stop: double quote is not closed"},
        {"monitor=yes", "F:6:24: error: a, monitor: \"yes\" is not one of on, off"},
        {"events=full", "F:6:23: error: a, events: \"full\" is not class/event, each of A-Za-z0-9._-"},
        {"events=disk/full,/x", "F:6:23: error: a, events: \"/x\" is not class/event, each of A-Za-z0-9._-"},
        {"events=../full", "F:6:23: error: a, events: \"../full\" is not class/event, each of A-Za-z0-9._-"},
        {"events=disk/full/er", "F:6:23: error: a, events: \"disk/full/er\" is not class/event, each of A-Za-z0-9._-"},
        {"events=disk/fu ll", "F:6:23: error: a, events: \"disk/fu ll\" is not class/event, each of A-Za-z0-9._-"},
        {"events=disk/full,", "F:6:23: error: a, events: \"disk/full,\" has an empty part"},
        {"events=disk/full,disk/full", "F:6:23: error: a, events: \"disk/full\" is given twice"},
    });
}

TEST_CASE("what cannot be an option is told with its field, a second time of one too") {
    check_errors({
        {"", "F:6:16: error: a, field 6: empty"},
        {"delay=1::monitor=on", "F:6:24: error: a, field 7: empty"},
        {"delay", "F:6:16: error: a, field 6: \"delay\" is not an option, option=value expected"},
        {"arg=x", "F:6:16: error: a, field 6: unknown option \"arg\", did you mean args?"},
        {"Delay=1", "F:6:16: error: a, field 6: unknown option \"Delay\", did you mean delay?"},
        {"colour=red", "F:6:16: error: a, field 6: unknown option \"colour\", see pfile(5)"},
        {"=x", "F:6:16: error: a, field 6: unknown option \"\", see pfile(5)"},
        {"delay=1: delay=1", "F:6:25: error: a, field 7: option \"delay\" is given twice"},
    });
}

TEST_CASE("what needs a main process is refused in count mode, each at its place") {
    CHECK(errors_of("min=2:pidfile=/p:check=/c:heartbeat=1:hung=1:cpu=1%/1:rss=1/1:fds=1/1:stop=TERM:events=a/b") ==
          std::vector<std::string>{
              "F:6:30: error: a, pidfile: cannot be used together with min",
              "F:6:39: error: a, check: cannot be used together with min",
              "F:6:52: error: a, heartbeat: cannot be used together with min",
              "F:6:59: error: a, hung: cannot be used together with min",
              "F:6:65: error: a, cpu: cannot be used together with min",
              "F:6:74: error: a, rss: cannot be used together with min",
              "F:6:82: error: a, fds: cannot be used together with min",
              "F:6:91: error: a, stop: cannot be used together with min",
              "F:6:103: error: a, events: cannot be used together with min",
          });
    CHECK(errors_of("max=2:stop=TERM") == std::vector<std::string>{"F:6:27: error: a, stop: cannot be used together with max"});
    CHECK(errors_of("min=x:max=0") == std::vector<std::string>{"F:6:20: error: a, min: \"x\" is not a number, 0..100000 expected"});
}

TEST_CASE("what has no effect or is hardly meant is a warning") {
    CHECK(warnings_of("check_failures=5") == std::vector<std::string>{"F:6:31: warning: a, check_failures: has no effect without check"});
    CHECK(warnings_of("check=/c:check_failures=5").empty());
    CHECK(warnings_of("on_limit=restart") ==
          std::vector<std::string>{"F:6:25: warning: a, on_limit: has no effect without cpu, rss or fds"});
    CHECK(warnings_of("min=0") == std::vector<std::string>{"F:6:20: warning: a, min: with 0 nothing is ever lost"});
    CHECK(warnings_of("confirm=3", "SCRIPT_TIMEOUT 9\nDETECT poll") ==
          std::vector<std::string>{"F:7:24: warning: a, confirm: no effect with DETECT poll"});
    CHECK(warnings_of("args=-jar app") ==
          std::vector<std::string>{"F:6:21: warning: a, args: not anchored by ^ or $: it may be found in other command lines too"});
    for (const auto anchored : {"-jar app$", "^/usr/bin/java", "-jar app( |$)", "(^| )app", "^[^/]*$"}) {
        CAPTURE(anchored);
        CHECK(warnings_of(fmt::format("args={}", anchored)).empty());
    }
    CHECK(warnings_of("args=[^/]app").size() == 1);
    CHECK(warnings_of("args=a\\$").size() == 1);
    const auto warnings = [](std::string_view line) {
        return told(fmt::format("[PARAM]\nIPCKEY 1\nSHM_DUMP_FILE /d\nSCRIPT_TIMEOUT 9\n[PENT]\n{}\n", line),
                    Diagnostic::Severity::warning);
    };
    CHECK(warnings("a:/r:60:unlimited:exit:delay=0") ==
          std::vector<std::string>{
              "F:6:30: warning: a, delay: 0 with unlimited retries: a script that fails is run again at once, for ever"});
    CHECK(warnings("a:/r:60:3:exit:delay=0").empty());
    CHECK(warnings("a:-:0:0:exit:delay=5:stable=9") == std::vector<std::string>{"F:6:20: warning: a, delay: has no effect with script -",
                                                                                "F:6:29: warning: a, stable: has no effect with script -"});
}

TEST_CASE("a member of a group that says other than the first is warned of") {
    const auto warnings = [](std::string_view lines) {
        return told(fmt::format("[PARAM]\nIPCKEY 1\nSHM_DUMP_FILE /d\nSCRIPT_TIMEOUT 9\n[PENT]\n{}\n", lines),
                    Diagnostic::Severity::warning);
    };
    CHECK(warnings("a:/r:60:3:exit:group=g\nb:/s:60:3:exit:group=g:delay=10\nc:/s:1:1:exit:group=h").empty());
    CHECK(warnings("a:/r:60:3:exit:group=g\nb:/s:60:4:exit:group=g") ==
          std::vector<std::string>{"F:7: warning: b: grace, retries, action, delay and stable of group g are those of a in line 6"});
}

TEST_CASE("a script without a time limit is warned of once, unless its entry has a limit of its own") {
    CHECK(warnings_of("stable=1", "").size() == 1);
    CHECK(warnings_of("script_timeout=9", "").empty());
}

TEST_CASE("with DETECT poll nothing is confirmed, whatever the line says") {
    const Pent pent = pent_of("confirm=3/always", "DETECT poll");
    CHECK(pent.confirm == 0s);
    CHECK_FALSE(pent.confirm_always);
}

TEST_CASE("after names entries of this file, one after the other") {
    const auto errors = [](std::string_view lines) {
        return told(fmt::format("[PARAM]\nIPCKEY 1\nSHM_DUMP_FILE /d\n[PENT]\n{}\n", lines), Diagnostic::Severity::error);
    };
    CHECK(errors("db:-:0:0:exit\nweb:/r:1:1:exit:after=db,cache\ncache:-:0:0:exit").empty());
    CHECK(errors("db:-:0:0:exit\nweb:/r:1:1:exit:after= dc , x") ==
          std::vector<std::string>{"F:6:24: error: web, after: there is no entry \"dc\", did you mean db?",
                                   "F:6:24: error: web, after: there is no entry \"x\""});
    CHECK(errors("a:/r:1:1:exit:after=a") == std::vector<std::string>{"F:5:21: error: a, after: goes in a circle: a waits for a"});
    CHECK(errors("c:/r:1:1:exit:after=a\na:/r:1:1:exit:after=b\nb:/r:1:1:exit:after=c\nd:/r:1:1:exit:after=a") ==
          std::vector<std::string>{"F:5:21: error: c, after: goes in a circle: c waits for a, a waits for b, b waits for c"});
    CHECK(errors("a:/r:1:1:exit:after=b\nb:/r:1:1:exit:after=a\nc:/r:1:1:exit:after=d\nd:/r:1:1:exit:after=c,a").size() == 2);
}

TEST_CASE("of many unknown names in after only the first are worth a hint, and only those that are told have a text") {
    std::vector<Pent> pents(2000);
    for (Pent& pent : pents) {
        pent.name = "crond";
        pent.after = {"crnd"};
    }
    const auto errors = check_after(pents);
    REQUIRE(errors.size() == pents.size());
    CHECK(errors[after_hints - 1].text == "there is no entry \"crnd\", did you mean crond?");
    CHECK(errors[after_hints].text == "there is no entry \"crnd\"");
    CHECK_FALSE(errors[Diagnostics::max_kept - 1].text.empty());
    CHECK(errors[Diagnostics::max_kept].text.empty());
}

TEST_CASE("in a search for circles a group counts as one entry, and its own members do not count") {
    const auto errors = [](std::string_view lines) {
        return told(fmt::format("[PARAM]\nIPCKEY 1\nSHM_DUMP_FILE /d\n[PENT]\n{}\n", lines), Diagnostic::Severity::error);
    };
    CHECK(errors("a:/r:1:1:exit:group=g:after=b\nb:/r:1:1:exit:group=g:after=a").empty());
    CHECK(errors("a:/r:1:1:exit:group=g\nb:/r:1:1:exit:group=g:after=db\ndb:/r:1:1:exit:after=a") ==
          std::vector<std::string>{"F:6:29: error: b, after: goes in a circle: group g (b) waits for db, db waits for group g (b)"});
    // Namesakes: the one in the group does not count for the group, the other one does.
    CHECK(errors("a:/r:1:1:exit:group=g:after=b\nb:/r:1:1:exit:group=g\nb:/r:1:1:exit:args=^x").empty());
    CHECK(errors("a:/r:1:1:exit:group=g:after=b\nb:/r:1:1:exit:group=g\nb:/r:1:1:exit:args=^x:after=a").size() == 1);
}

TEST_CASE("namesakes that wait for namesakes cost no more than their lines") {
    std::string lines = "[PARAM]\nIPCKEY 1\nSHM_DUMP_FILE /d\n[PENT]\n";
    for (int i = 0; i < 8000; ++i) lines += fmt::format("a:/r:1:1:exit:exe=/{}:after=b\n", i);
    for (int i = 0; i < 8000; ++i) lines += fmt::format("b:/r:1:1:exit:exe=/{}\n", i);
    CHECK(parse_pfile(lines).good());
}

TEST_CASE("a line of a running pcheck is read by itself, with the defaults it had") {
    ParamRecord defaults;
    defaults.confirm_wait = 2s;
    defaults.monitor_interval = 7s;
    defaults.monitor_try_count = 3;
    defaults.script_timeout = 30s;
    const auto pent = parse_pent("web:/r:60:3:hold:after=elsewhere:user=www-data:stable=9", defaults);
    REQUIRE(pent);
    CHECK(pent->name == "web");
    CHECK(pent->action == RetryOverAction::hold);
    CHECK(pent->after == std::vector<std::string>{"elsewhere"});
    CHECK_FALSE(pent->uid);
    CHECK(pent->confirm == 2s);
    CHECK(pent->delay == 7s);
    CHECK(pent->start_timeout == 21s);
    CHECK(pent->script_timeout == 30s);
    CHECK(pent->line == 0);
    CHECK(parse_pent("web:/r:60:3:exit:colour=red:x", defaults).error().text == "web, field 6: unknown option \"colour\", see pfile(5)");
    CHECK(parse_pent("", defaults).error().text == "1 instead of 5 fields (name:script:grace:retries:action)");
}

TEST_CASE("the words of the manual for an option follow from its rule") {
    const auto words = [](PentOption option) { return text_of(rule_of(option)); };
    CHECK(words(PentOption::match) == "name, label");
    CHECK(words(PentOption::confirm) == "0..60 s, decimals allowed; /always may follow");
    CHECK(words(PentOption::delay) == "0..3600 s; -MAX may follow, up to 86400");
    CHECK(words(PentOption::cpu) == "1%..1000000%, then / and 1..86400 s");
    for (std::size_t i = 0; i < pent_options; ++i) {
        CHECK(option_of(option_rules[i].name) == static_cast<PentOption>(i));
        CHECK_FALSE(text_of(option_rules[i]).empty());
    }
}

TEST_CASE("every default of an option that is a value is what an entry has without it") {
    const Pent plain = pent_of("monitor=on");
    for (const auto& rule : option_rules) {
        const bool is_value = !rule.fallback.empty() && rule.fallback.find_first_of(" _") == rule.fallback.npos;
        if (!is_value) continue;
        CAPTURE(rule.name);
        Pent given = pent_of(fmt::format("{}={}", rule.name, rule.fallback));
        given.text = plain.text;
        CHECK(given == plain);
    }
}

}  // namespace

TEST_CASE("parameters of a segment that no pfile can say are cut") {
    ParamRecord hostile;
    hostile.monitor_interval = Duration((std::int64_t{1} << 62) - 1);
    hostile.monitor_try_count = 4294967295;
    const auto pent = parse_pent("web:/r:60:3:hold", hostile).value();
    CHECK(pent.start_timeout == std::chrono::hours(2400));
    CHECK(pent.delay == std::chrono::hours(24));
}

}  // namespace banken
