// SPDX-License-Identifier: Apache-2.0
#include "common/responders.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "common/event_name.hpp"

using namespace banken;
using Words = std::vector<std::string>;

TEST_CASE("responders are looked for under class and event, then the event of any class, then everything") {
    CHECK(responder_directories("/e", "pcheck", "down") == Words{"/e/pcheck/down", "/e/genclass/down", "/e/allclass"});
    CHECK(responder_directories("/e", "genclass", "down") == Words{"/e/genclass/down", "/e/allclass"});  // each once
}

TEST_CASE("what editors, packages and dots leave behind is no responder") {
    for (const auto* name : {"mail", "10-mail.sh", "mail.bak.sh", "dpkg-old", "rpmsave", "MAIL", "-x", "a b"}) {
        CAPTURE(name);
        CHECK(is_responder_name(name));
    }
    for (const auto* name :
         {"", ".", "..", ".mail", "mail~", "mail.bak", "mail.dpkg-old", "mail.dpkg-dist", "mail.rpmsave", "mail.rpmnew"}) {
        CAPTURE(name);
        CHECK_FALSE(is_responder_name(name));
    }
}

TEST_CASE("words that lead out of a directory are no names of events") {
    for (const auto* word : {"down", "a.b", "..x", "A-Z_0", "-"}) CHECK(is_event_word(word));
    for (const auto* word : {"", ".", "..", "a/b", "../x", "a b", "a\n", "\xc3\xa9", "a*"}) CHECK_FALSE(is_event_word(word));
    CHECK(is_event_word(std::string(255, 'x')));
    CHECK_FALSE(is_event_word(std::string(256, 'x')));
}

TEST_CASE("a responder gets the arguments as they were typed, and -A behind them when a recovery was started") {
    const Words given{"-C", "a", "-x", "", "-x\n"};
    CHECK(responder_arguments("/e/mail", given, false) == Words{"/e/mail", "-C", "a", "-x", "", "-x\n"});
    CHECK(responder_arguments("/e/mail", given, true).back() == "-A");
}

TEST_CASE("the facts are in the environment, in place of those of an outer event") {
    const EventFacts facts{"filesys", "diskfull", "df", "/var", "err", "96% used", 1169091283, true};
    CHECK(responder_environment(Words{"PATH=/bin", "EVENT_TEXT=old", "EVENTS=x"}, facts) ==
          Words{"PATH=/bin", "EVENTS=x", "EVENT_CLASS=filesys", "EVENT_NAME=diskfull", "EVENT_MONITOR=df", "EVENT_INSTANCE=/var",
                "EVENT_SEVERITY=err", "EVENT_TEXT=96% used", "EVENT_TIME=1169091283", "EVENT_RECOVERING=1"});
}

TEST_CASE("a text that the kernel would not take as a variable is cut there") {
    EventFacts facts;
    facts.text = std::string(200000, 'x');
    const auto environment = responder_environment({}, facts);
    const auto longest = std::ranges::max_element(environment, {}, &std::string::size);
    CHECK(longest->size() == 131071);
    facts.text = std::string(100000, 'x');
    const auto whole = responder_environment({}, facts);
    CHECK(std::ranges::find(whole, "EVENT_TEXT=" + facts.text) != whole.end());
}

TEST_CASE("pcheck's own events have the arguments that sendevent would be given") {
    EventFacts facts{"pcheck", "down", "pcheck", "crond", "warning", "Process [crond, pid=8033] Down", 7, false};
    CHECK(arguments_of(facts) == Words{"-C", "pcheck", "-E", "down", "-m", "pcheck", "-n", "crond", "-s", "warning", "-T", "7", "-x",
                                       "Process [crond, pid=8033] Down"});
}
