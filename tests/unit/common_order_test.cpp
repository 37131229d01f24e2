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
    CHECK(parse_order(Words{"stop"}).value() == ParsedOrder{OrderVerb::stop, "", {}});
    CHECK(parse_order(Words{"start", "crond"}).value() == ParsedOrder{OrderVerb::start, "crond", {}});
    CHECK(parse_order(Words{"clear", "java -Dapp=shop"}).value() == ParsedOrder{OrderVerb::clear, "java -Dapp=shop", {}});
    CHECK(parse_order(Words{"shutdown"}).value() == ParsedOrder{OrderVerb::shutdown, "", {}});
    CHECK(reason({}) == "no order");
    CHECK(reason({"restart"}) == "order restart needs a name or an id");
    CHECK(reason({"reload", "crond"}) == R"(order reload: "crond" is too much)");
    CHECK(reason({"stop", "crond", "sshd"}) == R"(order stop: "sshd" is too much)");
    CHECK(reason({"stop", ""}) == "order stop: the name is empty");
    CHECK(reason({"relaod"}) == R"(unknown order "relaod", did you mean reload?)");
}

TEST_CASE("a stop may be for a time") {
    CHECK(parse_order(Words{"stop", "crond", "for", "30m"}).value() == ParsedOrder{OrderVerb::stop, "crond", 30min});
    CHECK(parse_order(Words{"stop", "for", "90s"}).value() == ParsedOrder{OrderVerb::stop, "", 90s});
    CHECK(parse_order(Words{"stop", "for"}).value() == ParsedOrder{OrderVerb::stop, "for", {}});
    CHECK(parse_order(Words{"stop", "crond", "for", "2d"})->duration == 48h);
    CHECK(reason({"stop", "crond", "for", "30"}) == R"("30" is no duration: 90s, 30m, 2h or 1d expected)");
    CHECK_FALSE(parse_order(Words{"stop", "crond", "for", "0s"}));
    CHECK_FALSE(parse_order(Words{"stop", "crond", "for", "99999999999999999999d"}));
    CHECK_FALSE(parse_order(Words{"start", "crond", "for", "30m"}));
}

TEST_CASE("orders of later versions are refused by name") {
    CHECK(reason({"explain", "crond"}) == "order explain is not built yet");
    CHECK(reason({"shutdown", "remove"}) == "order shutdown remove is not built yet");
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
