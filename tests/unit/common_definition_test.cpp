// SPDX-License-Identifier: Apache-2.0
// What a definition file and DEFAULTS_FILE mean for a resource, and the exact text of every mistake in them.
#include "common/definition_file.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "common/definition_depends.hpp"
#include "common/schema.hpp"

namespace banken {
namespace {

using namespace std::chrono_literals;
using Script = ResourceScript;
using Texts = std::vector<std::string>;

Definition line_of(std::string_view tag, ResourceKind kind) {
    Definition line;
    line.tag = tag;
    line.kind = kind;
    line.file = "/etc/def";
    line.line = 7;
    return line;
}
const Definition web = line_of("web", ResourceKind::generic), db = line_of("db", ResourceKind::cmdline);

Texts told(const std::vector<Diagnostic>& diagnostics) {
    Texts texts;
    for (const auto& d : diagnostics) texts.push_back(text_of(d, "F"));
    return texts;
}

Definition good(std::string_view text, const Definition& line, const Defaults& defaults = {}) {
    const auto parsed = parse_definition(text, line, defaults);
    for (const auto& d : parsed.diagnostics) FAIL_CHECK(text_of(d, "F"));
    return parsed.definition;
}

// With what is required; the line given is the fourth.
std::string generic_with(std::string_view line) { return fmt::format("[generic]\nrestore=/r\nremove=/s\n{}\n", line); }
Definition good_generic(std::string_view line, const Defaults& defaults = {}) { return good(generic_with(line), web, defaults); }
Texts told_of_generic(std::string_view line, const Defaults& defaults = {}) {
    return told(parse_definition(generic_with(line), web, defaults).diagnostics);
}
// The line given is the third.
std::string cmdline_with(std::string_view line) { return fmt::format("[cmdline]\nstart=/r\n{}\n", line); }
Definition good_cmdline(std::string_view line) { return good(cmdline_with(line), db); }
Texts told_of_cmdline(std::string_view line) { return told(parse_definition(cmdline_with(line), db, {}).diagnostics); }

TEST_CASE("the scripts are the first keys of the table, and every key is found by its name") {
    constexpr std::array<std::string_view, resource_scripts> names{"restore", "remove", "quickCheck", "deepCheck",
                                                                   "recover", "start",  "stop",       "check"};
    for (std::size_t i = 0; i < resource_scripts; ++i) CHECK(text_of(static_cast<Script>(i)) == names[i]);
    for (std::size_t i = 0; i < definition_keys; ++i)
        CHECK(definition_key_of(definition_rules[i].rule.name) == static_cast<DefinitionKey>(i));
    CHECK_FALSE(definition_key_of("quickcheck"));
    CHECK(text_of(ResourceKind::generic) == "generic");
    CHECK(text_of(ResourceKind::cmdline) == "cmdline");
}

TEST_CASE("a definition of what is required has the defaults, and what the pfile says") {
    Definition wanted = web;
    wanted.scripts[0] = {{"/r", "a b"}, "/r \"a b\""};
    wanted.scripts[1] = {{"/s"}, "/s"};
    wanted.id = "web";
    CHECK(good("[generic]\nrestore = /r \"a b\"\nremove = /s\n", web) == wanted);
    CHECK(wanted.initial == InitialState::last);
    CHECK(wanted.on_failure == OnFailure::continue_);
    CHECK(wanted.quick_interval == 120s);
    CHECK(wanted.deep_interval == 300s);

    wanted = db;
    wanted.scripts[static_cast<std::size_t>(Script::start)] = {{"/r"}, "/r"};
    wanted.limits = {0s, 0s, 0s, 0s, 0s, 300s, 300s, 300s};
    wanted.flags = {.null_detector = true, .auto_recover = false};
    wanted.id = "db";
    CHECK(good("[cmdline]\nstart=/r\n", db) == wanted);
}

TEST_CASE("the defaults written out are the defaults") {
    std::string text = "quickCheck=/q\ndeepCheck=/d\nrecover=/c\n";
    const auto without = good_generic(text);
    for (const auto& [kind, rule] : definition_rules) {
        const bool plain =
            rule.value.kind == ValueKind::choice || rule.value.kind == ValueKind::seconds || rule.value.kind == ValueKind::number;
        if (kind != ResourceKind::cmdline && plain && rule.fallback.find(' ') == std::string_view::npos && !rule.fallback.empty())
            text += fmt::format("{}={}\n", rule.name, rule.fallback);
    }
    CHECK(text.find("on_check_timeout=good\n") != std::string::npos);
    CHECK(good_generic(text) == without);
    text = "check=/c\n";
    const auto flags = good_cmdline(text);
    for (const auto& [kind, rule] : definition_rules) {
        if (kind == ResourceKind::cmdline && (rule.fallback == "Yes" || rule.fallback == "No" || rule.fallback == "300"))
            text += fmt::format("{}={}\n", rule.name, rule.fallback);
    }
    CHECK(text.find("AUTORECOVER=Yes\n") != std::string::npos);
    CHECK(good_cmdline(text) == flags);
}

TEST_CASE("every key of both kinds reaches its place") {
    const auto d = good_generic(
        "depends = vip , fs/data\ninitial = none\non_failure = shutdown\nquickCheck=/q\ncheck_failures = 3\nrecover=/c\n"
        "recover_limit = 2/3600\nremove_failure = stay\nevents = net/down,fs/full\ncopy = YES\ninfo = port=80 a,b\nid = 7\n");
    CHECK(d.depends == Texts{"vip", "fs/data"});
    CHECK(d.initial == InitialState::none);
    CHECK(d.on_failure == OnFailure::shutdown);
    CHECK(d.check_failures == 3);
    CHECK(d.recover_limit == RecoverLimit{2, 3600s});
    CHECK(d.stay_when_not_removed);
    CHECK(d.events == Texts{"net/down", "fs/full"});
    CHECK(d.copy);
    CHECK(d.info == "port=80 a,b");
    CHECK(d.id == "7");
    CHECK(good_generic("initial=restore").initial == InitialState::restore);
    CHECK(good_generic("on_failure=exit").on_failure == OnFailure::exit);
    CHECK_FALSE(good_generic("copy=no\nremove_failure=continue").copy);
}

TEST_CASE("every key of generic reaches its place") {
    const auto d = good_generic(
        "quickCheck=/q\ndeepCheck=/d 1\nrecover=/c\nquick_interval=60\ndeep_interval=0\nrestore_timeout=1\nremove_timeout=2\n"
        "quickCheck_timeout=3\ndeepCheck_timeout=4\nrecover_timeout=5\non_check_timeout=bad\n");
    CHECK(d.script(Script::quick_check).text == "/q");
    CHECK(d.script(Script::deep_check).argv == Texts{"/d", "1"});
    CHECK(d.script(Script::recover).text == "/c");
    CHECK_FALSE(d.has(Script::check));
    CHECK(d.quick_interval == 60s);
    CHECK(d.deep_interval == 0s);
    CHECK(d.limits == std::array<Duration, resource_scripts>{1s, 2s, 3s, 4s, 5s, 0s, 0s, 0s});
    CHECK(d.check_timeout_is_bad);
}

TEST_CASE("every key of cmdline reaches its place, flags in any letter case") {
    const auto d = good_cmdline(
        "stop=/s\ncheck=/c\nTIMEOUT=60\ncheck_timeout=7\nNULLDETECTOR=no\nALLEXITCODES=YES\nCLUSTEREXCLUSIVE=yes\nAUTORECOVER=No\n"
        "MONITORONLY=Yes\nSTANDBYCAPABLE=yEs\nREALTIME=yes\n");
    CHECK(d.limit(Script::start) == 60s);
    CHECK(d.limit(Script::stop) == 60s);
    CHECK(d.limit(Script::check) == 7s);
    CHECK(d.flags == CmdlineFlags{false, true, false, true, false, true, true, true});
    CHECK(good_cmdline("check=/c\nLIEOFFLINE=yes").flags == CmdlineFlags{.lie_offline = true});
    CHECK(good_cmdline("check=/c\nTIMEOUT=60").limit(Script::check) == 60s);
}

TEST_CASE("without a Check, and with NULLDETECTOR, all other flags are No") {
    const CmdlineFlags alone{.null_detector = true, .auto_recover = false};
    CHECK(good_cmdline("NULLDETECTOR=Yes\nREALTIME=No").flags == alone);
    CHECK(told_of_cmdline("NULLDETECTOR=Yes\ncheck=/c\nAUTORECOVER=Yes\nREALTIME=no\ncheck_timeout=3") ==
          Texts{"F:4:7: warning: check: no effect with NULLDETECTOR", "F:5:13: warning: AUTORECOVER: no effect with NULLDETECTOR",
                "F:7:15: warning: check_timeout: no effect with NULLDETECTOR"});
    const auto parsed = parse_definition(cmdline_with("NULLDETECTOR=Yes\ncheck=/c\nAUTORECOVER=Yes"), db, {});
    CHECK(parsed.definition.flags == alone);
    CHECK_FALSE(parsed.definition.has(Script::check));
    CHECK(told_of_cmdline("ALLEXITCODES=Yes") == Texts{"F:3:14: warning: ALLEXITCODES: no effect without check"});
    CHECK(told_of_cmdline("NULLDETECTOR=No") == Texts{"F:3:14: error: NULLDETECTOR: No needs check"});
}

TEST_CASE("every value, wrong once, is told with its place and what was expected") {
    struct Case {
        std::string_view line, error;
    };
    for (const auto& wrong : std::initializer_list<Case>{
             {"quickCheck = q", "F:4:14: error: quickCheck: \"q\" is not an absolute path"},
             {"recover=/c \"a", "F:4:9: error: recover: double quote is not closed"},
             {"depends=a,,b", "F:4:9: error: depends: \"a,,b\" has an empty part"},
             {"depends=a,a", "F:4:9: error: depends: \"a\" is given twice"},
             {"depends=.a", "F:4:9: error: depends: \".a\" is no tag: 1..255 of A-Za-z0-9._/-, not beginning with one of ./-"},
             {"initial=first", "F:4:9: error: initial: \"first\" is not one of last, restore, none"},
             {"on_failure=hold", "F:4:12: error: on_failure: \"hold\" is not one of continue, exit, shutdown"},
             {"remove_failure=go", "F:4:16: error: remove_failure: \"go\" is not one of continue, stay"},
             {"events=disk", "F:4:8: error: events: \"disk\" is not class/event, each of A-Za-z0-9._-"},
             {"copy=1", "F:4:6: error: copy: \"1\" is not one of Yes, No"},
             {"restore_timeout=-1", "F:4:17: error: restore_timeout: \"-1\" is not a number, 0..86400 expected"},
             {"restore=/again", "F:4:1: error: duplicate key restore, first in line 2"},
             {"info=", "F:4:6: error: info: value is empty"},
             {"quickcheck=/q", "F:4:1: error: unknown key \"quickcheck\" in section generic, did you mean quickCheck?"},
             {"colour=red", "F:4:1: error: unknown key \"colour\" in section generic, see resource(5)"},
             {"check=/c", "F:4:1: error: check is a key of cmdline, not of generic"},
             {"TIMEOUT=3", "F:4:1: error: TIMEOUT is a key of cmdline, not of generic"},
         }) {
        CAPTURE(wrong.line);
        CHECK(told_of_generic(wrong.line) == Texts{std::string(wrong.error)});
    }
    const auto told_of_limit = [](std::string_view value) { return told_of_generic(fmt::format("recover=/c\nrecover_limit={}", value)); };
    CHECK(told_of_limit("3") == Texts{"F:5:15: error: recover_limit: \"3\" is not N/SECONDS"});
    CHECK(told_of_limit("0/60") == Texts{"F:5:15: error: recover_limit: N: \"0\" is out of range, 1..128 expected"});
    CHECK(told_of_limit("1/x") == Texts{"F:5:15: error: recover_limit: SECONDS: \"x\" is not a number, 1..31536000 expected"});
    const std::string checks = "quickCheck=/q\ndeepCheck=/d\n";  // so that nothing else is told
    CHECK(told_of_generic(checks + "check_failures=0") == Texts{"F:6:16: error: check_failures: \"0\" is out of range, 1..100 expected"});
    CHECK(told_of_generic(checks + "quick_interval=86401") ==
          Texts{"F:6:16: error: quick_interval: \"86401\" is out of range, 0..86400 expected"});
    CHECK(told_of_generic(checks + "check_limits=yes") == Texts{"F:6:14: error: check_limits: \"yes\" is not one of derived"});
    CHECK(told_of_generic(checks + "on_check_timeout=ok") == Texts{"F:6:18: error: on_check_timeout: \"ok\" is not one of good, bad"});
    CHECK(told_of_cmdline("check=/c\nREALTIME=1") == Texts{"F:4:10: error: REALTIME: \"1\" is not one of Yes, No"});
    CHECK(told_of_cmdline("NULLDETECTOR=2") == Texts{"F:3:14: error: NULLDETECTOR: \"2\" is not one of Yes, No"});
    CHECK(told_of_cmdline("TIMEOUT=0") == Texts{"F:3:9: error: TIMEOUT: \"0\" is out of range, 1..86400 expected"});
    CHECK(told_of_cmdline("recover=/c") == Texts{"F:3:1: error: recover is a key of generic, not of cmdline"});
}

TEST_CASE("a definition has the one section of its kind") {
    const auto errors = [](std::string_view text) { return told(parse_definition(text, web, {}).diagnostics); };
    CHECK(errors("") == Texts{"F: error: section generic is missing"});
    CHECK(errors("[generic]\n") == Texts{"F: error: restore is missing", "F: error: remove is missing"});
    CHECK(errors("restore=/r\n[cmdline]\nstart=x\n") == Texts{"F:1:1: error: restore: key ahead of any section",
                                                              "F:2:1: error: section cmdline, but web is generic in line 7 of the pfile"});
    CHECK(errors("[genric]\nrestore=x\n") == Texts{"F:1:1: error: unknown section \"genric\", generic expected, did you mean generic?"});
    CHECK(errors("[generic]\nrestore=/r\n[generic]\nremove=/s\nrestore=/r\n") ==
          Texts{"F:3:1: error: section generic again, first in line 1", "F:5:1: error: duplicate key restore, first in line 2"});
    CHECK(errors("[generic]\nrestore=x\n") == Texts{"F:2:9: error: restore: \"x\" is not an absolute path", "F: error: remove is missing"});
    CHECK(told(parse_definition("[cmdline]\nstop=/s\n", db, {}).diagnostics) == Texts{"F: error: start is missing"});
}

TEST_CASE("what has no effect, and what is hardly meant, is a warning") {
    struct Case {
        std::string_view line, warning;
    };
    for (const auto& odd : std::initializer_list<Case>{
             {"quick_interval=5", "F:4:16: warning: quick_interval: no effect without quickCheck"},
             {"deepCheck_timeout=5", "F:4:19: warning: deepCheck_timeout: no effect without deepCheck"},
             {"recover_limit=1/5", "F:4:15: warning: recover_limit: no effect without recover"},
             {"check_failures=5", "F:4:16: warning: check_failures: no effect without a check"},
             {"check_limits=derived", "F:4:14: warning: check_limits: no effect without a check"},
         }) {
        CAPTURE(odd.line);
        CHECK(told_of_generic(odd.line) == Texts{std::string(odd.warning)});
    }
    CHECK(told_of_cmdline("check=/c\nstop=/s\nLIEOFFLINE=Yes") == Texts{"F:5:12: warning: LIEOFFLINE: no effect with stop"});
    CHECK(told_of_cmdline("check=/c\nTIMEOUT=10") ==
          Texts{"F:4:9: warning: TIMEOUT: one Check at most says within it that Start or Stop was well: there are 10 s between two"});
    CHECK(told_of_cmdline("check=/c\nTIMEOUT=11").empty());
    CHECK(told_of_cmdline("check=/c\nSTANDBYCAPABLE=Yes") ==
          Texts{"F:4:16: warning: STANDBYCAPABLE: check cannot say Standby without ALLEXITCODES"});
    CHECK(told_of_cmdline("check=/c\nAUTORECOVER=No\nrecover_limit=1/9") ==
          Texts{"F:5:15: warning: recover_limit: no effect without AUTORECOVER"});
}

TEST_CASE("a check's time limit that is longer than its interval is a warning") {
    CHECK(told_of_generic("quickCheck=/q\nquick_interval=60\nquickCheck_timeout=61") ==
          Texts{"F:6:20: warning: quickCheck_timeout: the time limit of quickCheck, 61 s, is longer than its interval, 60 s"});
    CHECK(told_of_generic("deepCheck=/q\ndeepCheck_timeout=301") ==
          Texts{"F:5:19: warning: deepCheck_timeout: the time limit of deepCheck, 301 s, is longer than its interval, 300 s"});
    CHECK(told_of_generic("quickCheck=/q\nquick_interval=0\nquickCheck_timeout=61").empty());
    CHECK(told_of_generic("quickCheck=/q\nquick_interval=60\nquickCheck_timeout=60").empty());
    Defaults defaults;
    defaults.limits["GENAPP_web_QUICKCHECK_TIMEOUT"] = 30s;
    CHECK(told_of_generic("quickCheck=/q\nquick_interval=20", defaults) ==
          Texts{"F:5:16: warning: quick_interval: the time limit of quickCheck, 30 s, is longer than its interval, 20 s"});
    defaults.check_interval = 10s;
    CHECK(told_of_generic("quickCheck=/q", defaults) ==
          Texts{"F: warning: quick_interval: the time limit of quickCheck, 30 s, is longer than its interval, 10 s"});
}

TEST_CASE("time limits: the definition's own, else derived if it says so, else those of DEFAULTS_FILE") {
    Defaults defaults;
    defaults.check_interval = 60s;
    defaults.limits = {{"GENAPP_web_RESTORE_TIMEOUT", 11s},   {"GENAPP_web_REMOVE_TIMEOUT", 12s},  {"GENAPP_web_QUICKCHECK_TIMEOUT", 13s},
                       {"GENAPP_web_DEEPCHECK_TIMEOUT", 14s}, {"GENAPP_web_RECOVER_TIMEOUT", 15s}, {"web_TIMEOUT", 16s}};
    const std::string checks = "quickCheck=/q\ndeepCheck=/d\n";
    const auto limits = [&](std::string_view lines) { return good_generic(checks + std::string(lines), defaults).limits; };
    using Limits = std::array<Duration, resource_scripts>;
    CHECK(limits("") == Limits{11s, 12s, 13s, 14s, 15s});
    CHECK(limits("restore_timeout=0\nquickCheck_timeout=5") == Limits{0s, 12s, 5s, 14s, 15s});
    CHECK(limits("check_limits=derived") == Limits{11s, 12s, 60s, 600s, 15s});
    CHECK(limits("check_limits=derived\nquick_interval=30\ndeep_interval=40\ndeepCheck_timeout=5") == Limits{11s, 12s, 30s, 5s, 15s});
    CHECK(good_generic(checks, defaults).quick_interval == 60s);
    CHECK(good_generic(checks + "quick_interval=0", defaults).quick_interval == 0s);
    defaults.limits.erase("GENAPP_web_QUICKCHECK_TIMEOUT");
    CHECK(limits("")[2] == 16s);
    defaults.limits["GENAPP_web_QUICKCHECK_TIMEOUT"] = 0s;
    CHECK(limits("")[2] == 0s);
    CHECK(good_cmdline("check=/c").limits == Limits{0s, 0s, 0s, 0s, 0s, 300s, 300s, 300s});
}

TEST_CASE("DEFAULTS_FILE is read as LifeKeeper's, what is not ours is passed over") {
    const std::vector<Definition> resources{line_of("web-1.a", ResourceKind::generic), db};
    const auto parsed = parse_defaults(
        "# settings of LifeKeeper\n"
        "LKROOT=/opt/LifeKeeper   # where it is\n"
        "  export LKCHECKINTERVAL=\"60\"  # seconds\r\n"
        "GENAPP_web_1_a_RESTORE_TIMEOUT='300'\n"
        "GENAPP_web_1_a_REMOVE_TIMEOUT=30\t# half a minute\n"
        "web_1_a_TIMEOUT=22\n"
        "GENAPP_web_1_a_RECOVER_TIMEOUT = 0\n"
        "#GENAPP_web_1_a_QUICKCHECK_TIMEOUT=1\n"
        "GENAPP_other_RESTORE_TIMEOUT=never\n"
        "GENAPP_db_RESTORE_TIMEOUT=x\n"
        "REMOTETIMEOUT=900 seconds\n"
        "if [ -f \xff ]; then echo; fi\n"
        "GENAPP_web_1_a_DEEPCHECK_TIMEOUT=9",
        resources);
    CHECK(told(parsed.diagnostics).empty());
    CHECK(parsed.defaults.check_interval == 60s);
    const auto limit = [&](Script script) { return parsed.defaults.limit("web-1.a", script); };
    CHECK(limit(Script::restore) == 300s);
    CHECK(limit(Script::remove) == 30s);
    CHECK(limit(Script::quick_check) == 22s);
    CHECK(limit(Script::deep_check) == 9s);
    CHECK(limit(Script::recover) == 0s);
    CHECK(parsed.defaults.limits.size() == 5);
    CHECK(parsed.defaults.limit("web", Script::restore) == 0s);
    CHECK(variable_part_of("fs/data-1_ö") == "fs_data_1___");
}

TEST_CASE("a value of ours that is not understood is told with its place, and the last of several counts") {
    const std::vector<Definition> resources{web};
    const auto errors = [&](std::string_view text) { return told(parse_defaults(text, resources).diagnostics); };
    CHECK(errors("\nLKCHECKINTERVAL=2m\nGENAPP_web_REMOVE_TIMEOUT=\nexport web_TIMEOUT=\"22\nGENAPP_web_RECOVER_TIMEOUT=86401\n"
                 "GENAPP_web_DEEPCHECK_TIMEOUT=$X\nGENAPP_web_RESTORE_TIMEOUT=\"3\" 4") ==
          Texts{"F:2:17: error: LKCHECKINTERVAL: \"2m\" is not a number, 0..86400 expected",
                "F:3:27: error: GENAPP_web_REMOVE_TIMEOUT: \"\" is not a number, 0..86400 expected",
                "F:4:20: error: web_TIMEOUT: \"\"22\" is not a number, 0..86400 expected",
                "F:5:28: error: GENAPP_web_RECOVER_TIMEOUT: \"86401\" is out of range, 0..86400 expected",
                "F:6:30: error: GENAPP_web_DEEPCHECK_TIMEOUT: \"$X\" is not a number, 0..86400 expected",
                "F:7:28: error: GENAPP_web_RESTORE_TIMEOUT: \"\"3\" 4\" is not a number, 0..86400 expected"});
    CHECK(
        errors("LKCHECKINTERVAL=1\nLKCHECKINTERVAL=2\nLKCHECKINTERVAL=3") ==
        Texts{"F:2:17: warning: LKCHECKINTERVAL: counts instead of line 1", "F:3:17: warning: LKCHECKINTERVAL: counts instead of line 2"});
    CHECK(parse_defaults("LKCHECKINTERVAL=1\nLKCHECKINTERVAL=3", resources).defaults.check_interval == 3s);
}

Texts depends_errors(std::initializer_list<std::pair<std::string_view, Texts>> resources) {
    std::vector<Definition> definitions;
    for (const auto& [tag, depends] : resources) {
        definitions.push_back(line_of(tag, ResourceKind::generic));
        definitions.back().depends = depends;
    }
    Texts texts;
    for (const auto& error : check_depends(definitions))
        texts.push_back(fmt::format("{}: {}", definitions[error.resource].tag, error.text));
    return texts;
}

TEST_CASE("each of the 256 characters is one of a tag or refused, first and later") {
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; };
    for (int code = 0; code < 256; ++code) {
        const char c = static_cast<char>(code);
        CAPTURE(code);
        CHECK(tag_of(std::string("a") + c).has_value() == (is_letter(c) || c == '.' || c == '/' || c == '-'));
        CHECK(tag_of(std::string(1, c) + "a").has_value() == is_letter(c));
    }
}

TEST_CASE("depends names tags, and goes in no circle") {
    CHECK(depends_errors({{"web", {"vip", "fs"}}, {"vip", {}}, {"fs", {"disk"}}, {"disk", {}}, {"mail", {"fs", "vip"}}}).empty());
    CHECK(depends_errors({{"web", {"vipp", "x"}}, {"vip", {}}}) ==
          Texts{"web: there is no resource \"vipp\", did you mean vip?", "web: there is no resource \"x\""});
    CHECK(depends_errors({{"web", {"web"}}}) == Texts{"web: goes in a circle: web -> web"});
    CHECK(depends_errors({{"top", {"a"}}, {"a", {"leaf", "b"}}, {"b", {"c"}}, {"c", {"a"}}, {"leaf", {}}}) ==
          Texts{"c: goes in a circle: a -> b -> c -> a"});
    CHECK(depends_errors({{"a", {"b"}}, {"b", {"a"}}, {"c", {"d", "a"}}, {"d", {"c"}}}) ==
          Texts{"b: goes in a circle: a -> b -> a", "d: goes in a circle: c -> d -> c"});
}

TEST_CASE("a circle of many is told in one line of bounded length, and many mistakes are bounded") {
    std::vector<Definition> chain;
    for (std::size_t i = 0; i < 1024; ++i) {
        chain.push_back(line_of(fmt::format("t{}", i), ResourceKind::generic));
        chain.back().depends = {fmt::format("t{}", (i + 1) % 1024)};
    }
    const auto errors = check_depends(chain);
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].resource == 1023);
    CHECK(errors[0].text.ends_with("t19 -> 1004 more -> t0"));
    for (auto& definition : chain) definition.depends = {"x", "y"};
    CHECK(check_depends(chain).size() <= Diagnostics::max_kept);
}

}  // namespace
}  // namespace banken
