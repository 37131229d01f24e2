// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "common/order.hpp"
#include "common/segment_layout.hpp"

using namespace banken;
using namespace std::chrono_literals;

namespace {

using Words = std::vector<std::string>;

std::string reason(const Words& words) { return parse_order(words).error().text; }

}  // namespace

TEST_CASE("orders are a verb, and a name or an id where one belongs") {
    CHECK(parse_order(Words{"stop"}).value() == ParsedOrder{OrderVerb::stop, "", {}, false});
    CHECK(parse_order(Words{"start", "crond"}).value() == ParsedOrder{OrderVerb::start, "crond", {}, false});
    CHECK(parse_order(Words{"clear", "java -Dapp=shop"}).value() == ParsedOrder{OrderVerb::clear, "java -Dapp=shop", {}, false});
    CHECK(parse_order(Words{"shutdown"}).value() == ParsedOrder{OrderVerb::shutdown, "", {}, false});
    CHECK(reason({}) == "no order");
    CHECK(reason({"restart"}) == "order restart needs a name or an id");
    CHECK(reason({"reload", "crond"}) == R"(order reload: "crond" is too much)");
    CHECK(reason({"stop", "crond", "sshd"}) == R"(order stop: "sshd" is too much)");
    CHECK(reason({"stop", ""}) == "order stop: the name is empty");
    CHECK(
        reason({"frobnicate"}) ==
        R"(unknown order "frobnicate", one of show, explain, match, wait, stop, start, reload, clear, restart, event, dump, reexec, shutdown, restore, remove, check, recover, standby, update, online, offline expected)");
    CHECK(reason({"relaod"}) == R"(unknown order "relaod", did you mean reload?)");
}

TEST_CASE("orders for resources need a tag, and shutdown may remove them first") {
    CHECK(parse_order(Words{"restore", "web"}).value() == ParsedOrder{OrderVerb::restore, "web", {}, false});
    CHECK(parse_order(Words{"online", "db"})->verb == OrderVerb::restore);
    CHECK(parse_order(Words{"offline", "db"})->verb == OrderVerb::remove);
    CHECK(reason({"standby"}) == "order standby needs the tag of a resource");
    CHECK(parse_order(Words{"shutdown", "remove"})->remove);
    CHECK(parse_order(Words{"check", "web", "deep"})->deep);
    CHECK_FALSE(parse_order(Words{"check", "web"})->deep);
    CHECK(reason({"check", "web", "quick"}) == R"(order check: "quick" is too much)");
    CHECK_FALSE(parse_order(Words{"shutdown"})->remove);
    CHECK(reason({"shutdown", "remove", "web"}) == R"(order shutdown: "web" is too much)");
    for (const OrderVerb verb : {OrderVerb::restore, OrderVerb::remove, OrderVerb::update}) CHECK(verb_of(text_of(verb)) == verb);
}

TEST_CASE("a stop may be for a time") {
    CHECK(parse_order(Words{"stop", "crond", "for", "30m"}).value() == ParsedOrder{OrderVerb::stop, "crond", 30min, false});
    CHECK(parse_order(Words{"stop", "for", "90s"}).value() == ParsedOrder{OrderVerb::stop, "", 90s, false});
    CHECK(parse_order(Words{"stop", "for"}).value() == ParsedOrder{OrderVerb::stop, "for", {}, false});
    CHECK(parse_order(Words{"stop", "crond", "for", "2d"})->duration == 48h);
    CHECK(reason({"stop", "crond", "for", "30"}) == R"("30" is no duration: 90s, 30m, 2h or 1d expected)");
    CHECK(reason({"stop", "crond", "for", "0s"}) == R"("0s" is no duration: 1s..315360000s expected)");
    CHECK(reason({"stop", "crond", "for", "9999999d"}) == R"("9999999d" is no duration: 1d..3650d expected)");
    CHECK(reason({"stop", "crond", "for"}) == "order stop: a time is missing behind for, such as 30m");
    CHECK_FALSE(parse_order(Words{"stop", "crond", "for", "99999999999999999999d"}));
    CHECK_FALSE(parse_order(Words{"start", "crond", "for", "30m"}));
}

TEST_CASE("a stop that lacks its `for` is told so") {
    CHECK(reason({"stop", "crond", "30m"}) == R"(order stop: "30m" is too much, did you mean stop crond for 30m?)");
    CHECK(reason({"stop", "a\x1b", "30m"}) == R"(order stop: "30m" is too much, did you mean stop a\x1b for 30m?)");
}

TEST_CASE("a reload may ask for the difference alone") {
    CHECK(parse_order(Words{"reload", "-t"})->difference);
    CHECK_FALSE(parse_order(Words{"reload"})->difference);
    CHECK(reason({"reload", "-t", "crond"}) == R"(order reload: "crond" is too much)");
    CHECK(reason({"explian", "crond"}) == R"(unknown order "explian", did you mean explain?)");
}

TEST_CASE("an event has a class, a name, and an instance that is never an id") {
    const auto order = parse_order(Words{"event", "filesys/diskfull", "12"}).value();
    CHECK(order == ParsedOrder{OrderVerb::event, "12", {}, false, "filesys/diskfull"});
    CHECK(reason({"event"}) == "order event needs class/event and a name");
    CHECK(reason({"event", "filesys/diskfull"}) == "order event needs a name or an id");
    CHECK(reason({"event", "crond"}) == R"(order event: "crond" is not class/event, each of A-Za-z0-9._-)");
    CHECK(reason({"event", "filesys/..", "crond"}) == R"(order event: "filesys/.." is not class/event, each of A-Za-z0-9._-)");
    CHECK(reason({"event", "a/b", "crond", "for"}) == R"(order event: "for" is too much)");
    CHECK_FALSE(parse_order(Words{"event", std::string(256, 'x') + "/y", "crond"}));
    CHECK(parse_order(Words{"event", std::string(255, 'x') + "/y", "crond"}));
}

TEST_CASE("orders of later versions are refused by name") {
    CHECK(reason({"reexec", "now"}) == "order reexec: \"now\" is too much");
    CHECK(reason({"metrics"}) == "order metrics is not built yet");
}

TEST_CASE("words come back from the bytes of a slot, whatever they hold") {
    const Words words{"stop", "java -Dapp=shop", "", "\xff\n"};
    CHECK(unpack_words(pack_words(words).value()).value() == words);
    CHECK(pack_words(Words{std::string(slot::order_bytes - 1, 'x')}));
    CHECK_FALSE(pack_words(Words{std::string(slot::order_bytes, 'x')}));
    CHECK_FALSE(pack_words(Words{std::string("a\0b", 3)}));
    CHECK_FALSE(unpack_words(""));
    CHECK_FALSE(unpack_words("stop"));
}

TEST_CASE("what an answer has too much is cut off and counted") {
    CHECK(cut_answer("done") == "done");
    const std::string most(slot::answer_bytes, 'x');
    CHECK(cut_answer(most) == most);
    const std::string cut = cut_answer(most + "1234567");
    CHECK(cut.size() <= slot::answer_bytes);
    CHECK(cut.ends_with("x... (47 bytes more)"));
}

TEST_CASE("the words of a slot keep pid, start time, state and generation apart") {
    const ProcessId process{4194303, (std::uint64_t{1} << 42) - 1};
    CHECK(claimant_of(claimant_word(process)) == process);
    const std::uint64_t posted = with_state(0x500, SlotState::posted);
    CHECK(state_of(posted) == SlotState::posted);
    CHECK(freed(posted) == 0x600);
}
