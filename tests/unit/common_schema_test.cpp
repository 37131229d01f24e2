// SPDX-License-Identifier: Apache-2.0
#include "common/schema.hpp"

#include <doctest/doctest.h>

#include <set>

namespace banken {
namespace {

using namespace std::chrono_literals;

TEST_CASE("every key, option and section key has a name of its own and a default") {
    std::set<std::string> names;
    for (const auto& rule : param_rules) {
        CHECK(names.emplace(rule.name).second);
        CHECK_FALSE(rule.fallback.empty());
        CHECK(param_key_of(rule.name).has_value());
    }
    CHECK_FALSE(param_key_of("ipckey"));
    for (const auto& rule : option_rules) CHECK(names.emplace(rule.name).second);
    for (const auto& rule : config_rules) CHECK(names.insert(fmt::format("{}.{}", rule.section, rule.name)).second);
}

TEST_CASE("the key of a name is its place in the table") {
    CHECK(param_key_of("IPCKEY") == ParamKey::ipckey);
    CHECK(param_key_of("DETECT") == ParamKey::detect);
    CHECK(param_key_of("HISTORY_SIZE") == ParamKey::history_size);
}

TEST_CASE("every default that is a value passes its own rule") {
    for (const auto& rule : param_rules) {
        CAPTURE(rule.name);
        const bool is_prose = rule.fallback == "required" || rule.fallback == "none" || rule.fallback.find(' ') != rule.fallback.npos;
        if (!is_prose) CHECK(value_of(rule.fallback, rule.value).has_value());
    }
    for (const auto& rule : config_rules) {
        CAPTURE(rule.name);
        CHECK(value_of(rule.fallback, rule.value).has_value());
    }
}

TEST_CASE("the manuals' words for a rule follow from the rule") {
    const auto words = [](ParamKey key) { return text_of(param_rules[static_cast<std::size_t>(key)].value); };
    CHECK(words(ParamKey::ipckey) == "1..0xffffffff, hex or decimal");
    CHECK(words(ParamKey::msg_check_interval) == "1..3600 s");
    CHECK(words(ParamKey::monitor_try_count) == "1..100");
    CHECK(words(ParamKey::shm_dump_file) == "absolute path");
    CHECK(words(ParamKey::detect) == "event, poll");
    CHECK(words(ParamKey::confirm_wait) == "0..60 s, decimals allowed");
    CHECK(words(ParamKey::script_output) == "inherit, null, absolute path");
    CHECK(words(ParamKey::state_group) == "name");
    CHECK(text_of(config_rules[static_cast<std::size_t>(ConfigKey::detect_causes)].value) ==
          "list of stat, pidfd, connector, oom, or none");
    CHECK(text_of(config_rules[static_cast<std::size_t>(ConfigKey::log_burst)].value) == "LINES/SECONDS, or 0");
}

TEST_CASE("a list of choices is a set of bits, each at most once") {
    const ValueRule rule{ValueKind::choices, {}, "stat, pidfd, connector, oom"};
    CHECK(value_of("stat,oom", rule)->number == 0b1001);
    CHECK(value_of("oom , stat", rule)->number == 0b1001);
    CHECK(value_of("none", rule)->number == 0);
    CHECK(value_of("stat,stat", rule).error().text == "\"stat\" is given twice");
    CHECK(value_of("stat,", rule).error().text == "\"\" is not one of stat, pidfd, connector, oom");
    CHECK(value_of("pidfs", rule).error().text == "\"pidfs\" is not one of stat, pidfd, connector, oom, did you mean pidfd?");
}

TEST_CASE("a rate is lines in a period, or no limit") {
    const ValueRule rule{ValueKind::rate, {1, 100}};
    CHECK(value_of("20/10", rule)->number == 20);
    CHECK(value_of("20/10", rule)->duration == 10s);
    CHECK(value_of("0", rule)->number == 0);
    CHECK(value_of("20", rule).error().text == "\"20\" is not LINES/SECONDS, or 0");
    CHECK(value_of("1/2/3", rule).error().text == "\"1/2/3\" is not LINES/SECONDS, or 0");
    CHECK(value_of("0/10", rule).error().text == "\"0\" is out of range, 1..100 expected");
    CHECK(value_of("10/x", rule).error().text == "\"x\" is not a number, 1..100 expected");
}

}  // namespace
}  // namespace banken
