// SPDX-License-Identifier: Apache-2.0
// What the values of a pfile mean, and the exact text of every mistake in them. The grammar of lines is common_pfile_text_test.
#include "common/pfile.hpp"

#include <doctest/doctest.h>

#include "common/schema.hpp"

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
std::vector<std::string> errors_of(std::string_view text) { return told(text, Diagnostic::Severity::error); }
std::vector<std::string> warnings_of(std::string_view text) { return told(text, Diagnostic::Severity::warning); }

// A pfile with one more PARAM line, which is its fourth line.
std::string with_param(std::string_view line) {
    return fmt::format("[PARAM]\nIPCKEY 0x1\nSHM_DUMP_FILE /dump\n{}\n[PENT]\ncrond:/r:60:3:continue\n", line);
}
// A pfile with one PENT line, which is its fifth line.
std::string with_pent(std::string_view line) { return fmt::format("[PARAM]\nIPCKEY 0x1\nSHM_DUMP_FILE /dump\n[PENT]\n{}\n", line); }

Pfile good_pfile(std::string_view text) {
    auto parsed = parse_pfile(text);
    for (const auto& d : parsed.diagnostics) {
        if (d.severity == Diagnostic::Severity::error) FAIL_CHECK(text_of(d, "F"));
    }
    return std::move(parsed.pfile);
}
Pent good_pent(std::string_view line) { return good_pfile(with_pent(line)).pents.at(0); }

TEST_CASE("the pfile of ProcessSaver's quick reference loads unchanged") {  // reference/processsaver.md 1.1
    const auto pfile = good_pfile(
        "##### PARAM #####\n"
        "IPCKEY                0x1f000501\n"
        "MSG_CHECK_INTERVAL   5\n"
        "MONITOR_INTERVAL     10\n"
        "SHM_DUMP_FILE        /var/opt/HA/PS/log/pcheck_dump_crond\n"
        "\n"
        "##### PENT #####\n"
        "crond:/var/opt/HA/PS/conf/bin/restart_crond.sh:86400:3:continue\n");
    Param param;
    param.ipc_key = 0x1f000501;
    param.shm_dump_file = "/var/opt/HA/PS/log/pcheck_dump_crond";
    CHECK(pfile.param == param);
    REQUIRE(pfile.pents.size() == 1);
    Pent crond;
    crond.name = "crond";
    crond.script = {{"/var/opt/HA/PS/conf/bin/restart_crond.sh"}, "/var/opt/HA/PS/conf/bin/restart_crond.sh"};
    crond.grace = 86400s;
    crond.retries = 3;
    crond.line = 8;
    crond.text = "crond:/var/opt/HA/PS/conf/bin/restart_crond.sh:86400:3:continue";
    crond.confirm = 2s;
    crond.delay = 10s;
    crond.start_timeout = 20s;
    CHECK(pfile.pents[0] == crond);
}

TEST_CASE("the defaults of the schema are the defaults of Param") {
    std::string text = "[PARAM]\nIPCKEY 1\nSHM_DUMP_FILE /dump\n";
    for (const auto& rule : param_rules) {
        const bool is_value = rule.value.kind != ValueKind::shm_key && rule.fallback.find(' ') == rule.fallback.npos;
        if (is_value && rule.fallback != "required" && rule.fallback != "none") text += fmt::format("{} {}\n", rule.name, rule.fallback);
    }
    Param param;
    param.ipc_key = 1;
    param.shm_dump_file = "/dump";
    CHECK(good_pfile(text).param == param);
}

TEST_CASE("every PARAM key reaches its place") {
    const auto param =
        good_pfile(
            "[PARAM]\nIPCKEY 4294967295\nMSG_CHECK_INTERVAL 1\nMONITOR_INTERVAL 86400\nMONITOR_TRY_COUNT 100\nSHM_DUMP_FILE \"/a b\"\n"
            "DETECT event\nCONFIRM_WAIT 0.5\nSCRIPT_TIMEOUT 300\nSCRIPT_KILL_WAIT 0\nSCRIPT_PARALLEL 1\nSCRIPT_OUTPUT /var/log/out\n"
            "SCRIPT_ENV clean\nSCRIPT_CHECK off\nREMIND_INTERVAL 0\nSTATE_GROUP adm\nEVENTS_DIR /ev\nDEFAULTS_FILE /def\nHISTORY_SIZE 64\n")
            .param;
    const Param expected{.ipc_key = 0xffffffff,
                         .msg_check_interval = 1s,
                         .monitor_interval = 86400s,
                         .monitor_try_count = 100,
                         .shm_dump_file = "/a b",
                         .detect_event = true,
                         .confirm_wait = 500ms,
                         .script_timeout = 300s,
                         .script_kill_wait = 0s,
                         .script_parallel = 1,
                         .script_output = ScriptOutput::file,
                         .script_output_file = "/var/log/out",
                         .script_env_clean = true,
                         .script_check_strict = false,
                         .remind_interval = 0s,
                         .state_group = "adm",
                         .events_dir = "/ev",
                         .defaults_file = "/def",
                         .history_size = 64};
    CHECK(param == expected);
    CHECK(good_pfile(with_param("SCRIPT_OUTPUT null")).param.script_output == ScriptOutput::null);
    CHECK(good_pfile(with_param("SCRIPT_OUTPUT inherit")).param.script_output == ScriptOutput::inherit);
    CHECK_FALSE(good_pfile(with_param("DETECT poll")).param.detect_event);
}

TEST_CASE("every PARAM key, wrong once, is told with its place and what was expected") {
    struct Case {
        std::string_view line, error;
    };
    for (const auto& wrong : std::initializer_list<Case>{
             {"MSG_CHECK_INTERVAL 0", "F:4:20: error: MSG_CHECK_INTERVAL: \"0\" is out of range, 1..3600 expected"},
             {"MONITOR_INTERVAL   x", "F:4:20: error: MONITOR_INTERVAL: \"x\" is not a number, 1..86400 expected"},
             {"MONITOR_INTERVAL 10.5", "F:4:18: error: MONITOR_INTERVAL: \"10.5\" is not a number, 1..86400 expected"},
             {"MONITOR_TRY_COUNT 101", "F:4:19: error: MONITOR_TRY_COUNT: \"101\" is out of range, 1..100 expected"},
             {"DETECT polll", "F:4:8: error: DETECT: \"polll\" is not one of event, poll, did you mean poll?"},
             {"DETECT EVENT", "F:4:8: error: DETECT: \"EVENT\" is not one of event, poll, did you mean event?"},
             {"CONFIRM_WAIT 61", "F:4:14: error: CONFIRM_WAIT: \"61\" is out of range, 0..60 expected"},
             {"CONFIRM_WAIT -1", "F:4:14: error: CONFIRM_WAIT: \"-1\" is not a number of seconds, 0..60 expected"},
             {"CONFIRM_WAIT 10.5", "F:4:14: error: CONFIRM_WAIT: 10.5 is longer than MONITOR_INTERVAL, 10"},
             {"SCRIPT_TIMEOUT 86401", "F:4:16: error: SCRIPT_TIMEOUT: \"86401\" is out of range, 0..86400 expected"},
             {"SCRIPT_KILL_WAIT 601", "F:4:18: error: SCRIPT_KILL_WAIT: \"601\" is out of range, 0..600 expected"},
             {"SCRIPT_PARALLEL 0", "F:4:17: error: SCRIPT_PARALLEL: \"0\" is out of range, 1..1024 expected"},
             {"SCRIPT_OUTPUT nul",
              "F:4:15: error: SCRIPT_OUTPUT: \"nul\" is not one of inherit, null, nor an absolute path, did you mean null?"},
             {"SCRIPT_ENV x", "F:4:12: error: SCRIPT_ENV: \"x\" is not one of inherit, clean"},
             {"SCRIPT_CHECK of", "F:4:14: error: SCRIPT_CHECK: \"of\" is not one of strict, off, did you mean off?"},
             {"REMIND_INTERVAL 604801", "F:4:17: error: REMIND_INTERVAL: \"604801\" is out of range, 0..604800 expected"},
             {"STATE_GROUP a b", "F:4:13: error: STATE_GROUP: \"a b\" is more than one word, double quotes expected"},
             {"EVENTS_DIR events", "F:4:12: error: EVENTS_DIR: \"events\" is not an absolute path"},
             {"DEFAULTS_FILE ./d", "F:4:15: error: DEFAULTS_FILE: \"./d\" is not an absolute path"},
             {"HISTORY_SIZE 63", "F:4:14: error: HISTORY_SIZE: \"63\" is out of range, 64..65536 expected"},
             {"HISTORY_SIZE", "F:4:13: error: HISTORY_SIZE: value is empty"},
             {"HISTORY_SIZE \"\"", "F:4:14: error: HISTORY_SIZE: value is empty"},
             {"HISTORY_SIZE \"64", "F:4:14: error: HISTORY_SIZE: double quote is not closed"},
             {"HISTORY_SIZE \"64\" x", "F:4:14: error: HISTORY_SIZE: text after the closing double quote"},
             {"HISTORY_SIZE = 64", "F:4:14: error: HISTORY_SIZE: \"= 64\" is more than one word, double quotes expected"},
             {"MONITOR_INTERVALL 10", "F:4:1: error: unknown key \"MONITOR_INTERVALL\", did you mean MONITOR_INTERVAL?"},
             {"\tmonitor_interval 10", "F:4:2: error: unknown key \"monitor_interval\", did you mean MONITOR_INTERVAL?"},
             {"IPCKEY=0x1", "F:4:1: error: unknown key \"IPCKEY=0x1\", did you mean IPCKEY?"},
             {"COLOUR red", "F:4:1: error: unknown key \"COLOUR\", see pfile(5)"},
             {"IPCKEY 0x2", "F:4:1: error: duplicate key IPCKEY, first in line 2"},
             {"sshd:/r:60:3:exit", "F:4:1: error: \"sshd:/r:60:3:exit\" is a PENT line in section PARAM"},
         }) {
        CAPTURE(wrong.line);
        CHECK(errors_of(with_param(wrong.line)) == std::vector<std::string>{std::string(wrong.error)});
    }
}

TEST_CASE("IPCKEY and SHM_DUMP_FILE are required, and what is missing has no place") {
    CHECK(errors_of("") == std::vector<std::string>{"F: error: IPCKEY is missing", "F: error: SHM_DUMP_FILE is missing"});
    CHECK(errors_of("[PARAM]\nSHM_DUMP_FILE dump\nIPCKEY 0\n") ==
          std::vector<std::string>{"F:2:15: error: SHM_DUMP_FILE: \"dump\" is not an absolute path",
                                   "F:3:8: error: IPCKEY: \"0\" is out of range, 1..0xffffffff expected"});
    CHECK(errors_of("[PARAM]\nSHM_DUMP_FILE /d\nIPCKEY 1f\n") ==
          std::vector<std::string>{"F:3:8: error: IPCKEY: \"1f\" is not a number, 1..0xffffffff expected"});
}

TEST_CASE("CONFIRM_WAIT follows MONITOR_INTERVAL and DETECT") {
    const auto wait = [](std::string_view lines) { return good_pfile(with_param(lines)).pents.at(0).confirm; };
    CHECK(wait("") == 2s);
    CHECK(wait("MONITOR_INTERVAL 1") == 1s);
    CHECK(wait("CONFIRM_WAIT 10") == 10s);
    CHECK(wait("CONFIRM_WAIT 0") == 0s);
    CHECK(wait("DETECT poll") == 0s);
    CHECK(wait("DETECT poll\nCONFIRM_WAIT 1") == 0s);
    CHECK(errors_of(with_param("CONFIRM_WAIT 20\nMONITOR_INTERVAL x")).size() == 1);  // longer than what?
    CHECK(errors_of(with_param("CONFIRM_WAIT 3\nMONITOR_INTERVAL 2")) ==
          std::vector<std::string>{"F:4:14: error: CONFIRM_WAIT: 3 is longer than MONITOR_INTERVAL, 2"});
}

TEST_CASE("what an entry does not say itself comes from PARAM") {
    const auto pent = good_pfile(with_param("MONITOR_INTERVAL 7\nMONITOR_TRY_COUNT 3\nSCRIPT_TIMEOUT 30\nCONFIRM_WAIT 0.25")).pents.at(0);
    CHECK(pent.confirm == 250ms);
    CHECK(pent.delay == 7s);
    CHECK(pent.delay_max == 0s);
    CHECK(pent.start_timeout == 21s);
    CHECK(pent.script_timeout == 30s);
    CHECK(pent.stable == 0s);
    CHECK(pent.success_exit == std::vector{0});
}

TEST_CASE("the five fields of an entry have their values") {
    const auto pent = good_pent("  crond : /etc/init.d/crond  start \"a b\" \"\" c\"d e\"f : 31536000 : unlimited : SHUTDOWN  ");
    CHECK(pent.name == "crond");
    CHECK(pent.script.argv == std::vector<std::string>{"/etc/init.d/crond", "start", "a b", "", "cd ef"});
    CHECK(pent.script.text == "/etc/init.d/crond  start \"a b\" \"\" c\"d e\"f");
    CHECK(pent.grace == 31536000s);
    CHECK_FALSE(pent.retries);
    CHECK(pent.action == RetryOverAction::shutdown);
    CHECK(pent.text.starts_with("crond : /etc"));
    CHECK(pent.text.ends_with(": SHUTDOWN"));
    CHECK(good_pent("a:/r:1:0:Exit").action == RetryOverAction::exit);
    CHECK(good_pent("a:/r:1:0:exit").retries == 0U);
    CHECK(good_pent("a:/r:1:1:HOLD").action == RetryOverAction::hold);
    CHECK(good_pent("a:/r:1:10000:exit").retries == 10000U);
    CHECK(good_pent("4711:/r:1:0:exit").name == "4711");
    CHECK(good_pent("java -jar app:/r:1:0:exit").name == "java -jar app");
    CHECK(good_pent(std::string(255, 'n') + ":/r:1:0:exit").name.size() == 255);
    CHECK(good_pent("番犬:/r:1:0:exit").name == "番犬");
}

TEST_CASE("a script that is a dash only reports, and needs no window") {
    for (const auto line : {"a:-:0:3:continue", "a: - :60:3:continue", "a:\"-\":0:3:continue"}) {
        CAPTURE(line);
        CHECK(good_pent(line).script.none());
    }
}

TEST_CASE("every field of an entry, wrong once, is told with its place and what was expected") {
    struct Case {
        std::string_view line, error;
    };
    const std::string long_name(256, 'n'), long_line = long_name + ":/r:1:3:exit";
    const std::string long_error = "F:5:1: error: " + std::string(80, 'n') + "..., field 1 (process name): 256 bytes, 1..255 expected";
    for (const auto& wrong : std::initializer_list<Case>{
             {":/r:60:3:exit", "F:5:1: error: field 1 (process name): empty"},
             {"\"a\tb\":/r:60:3:exit", "F:5:1: error: \"a\\tb\", field 1 (process name): control character"},
             {long_line, long_error},
             {"crond::60:3:exit", "F:5:7: error: crond, field 2 (restart script): empty"},
             {"crond:r start:60:3:exit", "F:5:7: error: crond, field 2 (restart script): \"r\" is not an absolute path or -"},
             {"crond:- x:60:3:exit", "F:5:7: error: crond, field 2 (restart script): \"-\" is not an absolute path or -"},
             {"crond:/r \"a b:60:3:exit", "F:5:7: error: crond, field 2 (restart script): double quote is not closed"},
             {"crond:/r: :3:exit", "F:5:11: error: crond, field 3 (grace): empty"},
             {"crond:/r:0:3:exit", "F:5:10: error: crond, field 3 (grace): \"0\" is out of range, 1..31536000 expected"},
             {"crond:-:31536001:3:exit", "F:5:9: error: crond, field 3 (grace): \"31536001\" is out of range, 0..31536000 expected"},
             {"crond:/r:1d:3:exit", "F:5:10: error: crond, field 3 (grace): \"1d\" is not a number, 1..31536000 expected"},
             {"crond:/r:60::exit", "F:5:13: error: crond, field 4 (retry count): empty"},
             {"crond:/r:60: x:exit", "F:5:14: error: crond, field 4 (retry count): \"x\" is not a number, 0..10000, or unlimited expected"},
             {"crond:/r:60:10001:exit",
              "F:5:13: error: crond, field 4 (retry count): \"10001\" is out of range, 0..10000, or unlimited expected"},
             {"crond:/r:60:3:", "F:5:15: error: crond, field 5 (retry-over action): empty"},
             {"crond:/r:60:3:contine",
              "F:5:15: error: crond, field 5 (retry-over action): \"contine\" is not one of continue, exit, shutdown, hold, did you mean "
              "continue?"},
             {"crond:/r:60:0:Hold", "F:5:15: error: crond, field 5 (retry-over action): hold needs at least one retry"},
             {"crond:/r:60:3:exit:", "F:5:20: error: crond, field 6: empty"},
             {"crond:/r:60:3:exit:yes", "F:5:20: error: crond, field 6: \"yes\" is not an option, option=value expected"},
             {"crond:/r:60:3:exit:arg=x", "F:5:20: error: crond, field 6: unknown option \"arg\", did you mean args?"},
             {"crond:/r:60:3:exit:colour=red", "F:5:20: error: crond, field 6: unknown option \"colour\", see pfile(5)"},
             {"crond:/r:60:3", "F:5:1: error: crond, 4 instead of 5 fields (name:script:grace:retries:action)"},
             {"crond", "F:5:1: error: crond, 1 instead of 5 fields (name:script:grace:retries:action)"},
             {"MONITOR_INTERVAL 10", "F:5:1: error: MONITOR_INTERVAL is a PARAM key in section PENT"},
         }) {
        CAPTURE(wrong.line);
        CHECK(errors_of(with_pent(wrong.line)) == std::vector<std::string>{std::string(wrong.error)});
    }
}

TEST_CASE("all mistakes of one line are told") {
    CHECK(errors_of(with_pent("crond:r:x:y:z:args=(:b=c")) ==
          std::vector<std::string>{"F:5:7: error: crond, field 2 (restart script): \"r\" is not an absolute path or -",
                                   "F:5:9: error: crond, field 3 (grace): \"x\" is not a number, 1..31536000 expected",
                                   "F:5:11: error: crond, field 4 (retry count): \"y\" is not a number, 0..10000, or unlimited expected",
                                   "F:5:13: error: crond, field 5 (retry-over action): \"z\" is not one of continue, exit, shutdown, hold",
                                   "F:5:20: error: crond, args: \"(\" is no RE2 pattern: missing ): (",
                                   "F:5:22: error: crond, field 7: unknown option \"b\", see pfile(5)"});
}

TEST_CASE("two entries that are the same are refused, both lines named") {
    CHECK(errors_of(with_pent("crond:/r:60:3:exit\nsshd:/r:60:3:exit\n crond:/s:1:1:continue")) ==
          std::vector<std::string>{"F:7:2: error: crond: the same entry as in line 5"});
    CHECK(errors_of(with_pent("crond:/r:60:3:exit:args=a:delay=1\ncrond:/s:9:0:exit:delay=2:args=a")) ==
          std::vector<std::string>{"F:6:1: error: crond: the same entry as in line 5"});
    CHECK(good_pfile(with_pent("crond:/r:60:3:exit:args=a\ncrond:/r:60:3:exit:args=b\ncrond:/r:60:3:exit")).pents.size() == 3);
}

TEST_CASE("RESOURCE lines are read, and every field, wrong once, is told with its place") {
    const auto resources = good_pfile(with_pent("[RESOURCE]\nweb-1.a/x:generic:/etc/web\n db : cmdline : /etc/d\\:b\n")).resources;
    REQUIRE(resources.size() == 2);
    CHECK(resources[0].tag == "web-1.a/x");
    CHECK(resources[0].kind == ResourceKind::generic);
    CHECK(resources[0].file == "/etc/web");
    CHECK(resources[0].line == 6);
    CHECK(resources[1].kind == ResourceKind::cmdline);
    CHECK(resources[1].file == "/etc/d:b");
    const auto errors = errors_of(with_pent("crond:/r:60:3:exit\n[RESOURCE]\n-web:perl:etc\nweb\n"));
    CHECK(errors == std::vector<std::string>{
                        "F:7:1: error: -web, field 1 (tag): \"-web\" is no tag: 1..255 of A-Za-z0-9._/-, not beginning with one of ./-",
                        "F:7:6: error: -web, field 2 (kind): \"perl\" is not one of generic, cmdline",
                        "F:7:11: error: -web, field 3 (file): \"etc\" is not an absolute path",
                        "F:8:1: error: web, 1 instead of 3 fields (tag:kind:file)",
                    });
    CHECK(good_pfile(with_pent("[RESOURCE]\n" + std::string(255, 't') + ":generic:/f")).resources.size() == 1);
    CHECK(errors_of(with_pent("[RESOURCE]\n" + std::string(256, 't') + ":generic:/f")).size() == 1);
}

TEST_CASE("a tag is unique and no entry's name, both lines are named") {
    CHECK(errors_of(with_pent("[RESOURCE]\nweb:generic:/a\n web:cmdline:/b\ncrond:generic:/c\n[PENT]\ncrond:/r:60:3:exit\n")) ==
          std::vector<std::string>{"F:7:2: error: web: the same tag as in line 6",
                                   "F:8:1: error: crond: a tag cannot be the name of an entry, as in line 10"});
}

TEST_CASE("what is hardly meant is a warning, and the pfile is still good") {
    CHECK(parse_pfile(with_pent("")).good());
    CHECK(warnings_of(with_pent("")) == std::vector<std::string>{"F: warning: no PENT line: nothing is watched"});
    CHECK(warnings_of(with_pent("[RESOURCE]\nweb:generic:/etc/web")).empty());
    CHECK(warnings_of(with_param("")) ==
          std::vector<std::string>{"F: warning: no SCRIPT_TIMEOUT: a restart script that hangs is never ended"});
    CHECK(warnings_of(with_param("SCRIPT_TIMEOUT 300")).empty());
    CHECK(warnings_of(with_pent("crond:-:0:0:continue")).empty());
    CHECK(warnings_of(with_param("SCRIPT_TIMEOUT 9\nDETECT poll")).empty());
    CHECK(warnings_of(with_param("CONFIRM_WAIT 1\nSCRIPT_TIMEOUT 9\nDETECT poll")) ==
          std::vector<std::string>{"F:4:14: warning: CONFIRM_WAIT has no effect with DETECT poll"});
}

TEST_CASE("IPCKEY alone is read from a pfile that is wrong elsewhere") {
    CHECK(*ipc_key_of("[PARAM]\nCOLOUR\n \t IPCKEY\t\"0x1f000501\"\r\nMONITOR_INTERVAL \xff\n[PENT]\nIPCKEY:::\n") == 0x1f000501);
    CHECK(*ipc_key_of("IPCKEY 7\ncrond\n") == 7);
    CHECK(ipc_key_of("[PENT]\nIPCKEY 7\n").error().text == "IPCKEY is missing");
    CHECK(ipc_key_of("# IPCKEY 7\n").error().text == "IPCKEY is missing");
    CHECK(ipc_key_of("IPCKEY x").error().text == "line 1: IPCKEY: \"x\" is not a number, 1..0xffffffff expected");
    CHECK(ipc_key_of("\nIPCKEY").error().text == "line 2: IPCKEY: value is empty");
    CHECK(ipc_key_of("IPCKEY 1\nIPCKEY 1").error().text == "line 2: IPCKEY: duplicate key");
    CHECK(ipc_key_of("[PARAM]\nIPCKEY 1\xff").error().text == "line 2: IPCKEY: invalid UTF-8");
    CHECK(ipc_key_of(std::string(pfile_max_bytes + 1, '\n')).error().text == "file is larger than 16 MiB");
}

}  // namespace
}  // namespace banken
