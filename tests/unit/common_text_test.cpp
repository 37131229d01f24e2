// SPDX-License-Identifier: Apache-2.0
#include "common/text.hpp"

#include <doctest/doctest.h>

#include <array>

namespace banken {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;

constexpr std::array<std::string_view, 4> keys{"MONITOR_INTERVAL", "MONITOR_TRY_COUNT", "IPCKEY", "DETECT"};

TEST_CASE("blanks around a text are dropped, and nothing else is") {
    CHECK(trimmed(" \tcrond \t") == "crond");
    CHECK(trimmed("a b") == "a b");
    CHECK(trimmed("\ra\n") == "\ra\n");
    CHECK(trimmed(" \t ").empty());
    CHECK(trimmed("").empty());
    const std::string_view blanks = "   ";
    CHECK(trimmed(blanks).data() == blanks.data() + 3);
}

TEST_CASE("a text is split into one part more than it has separators") {
    CHECK(split("a,,b", ',') == std::vector{"a"sv, ""sv, "b"sv});
    CHECK(split("", ',') == std::vector{""sv});
    CHECK(split(",", ',') == std::vector{""sv, ""sv});
}

TEST_CASE("only A to Z change to lower case") { CHECK(lower_case("ContinuE_Ä9") == "continue_Ä9"); }

TEST_CASE("well-formed UTF-8 is known by its first sequence") {
    CHECK(utf8_length("a") == 1);
    CHECK(utf8_length("\xc3\xa4") == 2);
    CHECK(utf8_length("\xe7\x95\xaa") == 3);
    CHECK(utf8_length("\xf0\x9f\x90\x95") == 4);
    CHECK(utf8_length("\xf4\x8f\xbf\xbf") == 4);
    for (const auto bad : {"", "\x80", "\xff", "\xc3", "\xc3z", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xe7\x95",
                           "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf0\x9f\x90"}) {
        CAPTURE(printable(bad));
        CHECK(utf8_length(bad) == 0);
    }
}

TEST_CASE("the first byte that is no UTF-8 and the first control character are found") {
    CHECK(find_invalid_utf8("番犬\xff") == 6U);
    CHECK_FALSE(find_invalid_utf8("番犬"));
    CHECK(find_control("a\tb\x01") == 3U);
    CHECK(find_control("ä\x7f") == 2U);
    CHECK(find_control("\xc2\x85") == 0U);
    CHECK_FALSE(find_control("a\tb\xff\xc2\xa0"));
}

TEST_CASE("printable text has no control character and is valid UTF-8") {
    CHECK(printable("a\tb\nc\\") == "a\\tb\\nc\\");
    CHECK(printable("\x1b[2J\x7f\r"sv) == "\\x1b[2J\\x7f\\x0d");
    CHECK(printable("\0"sv) == "\\x00");
    CHECK(printable("\xc2\x9b"
                    "1m") == "\\xc2\\x9b1m");
    CHECK(printable("番犬\xff\xe7\x95") == "番犬\\xff\\xe7\\x95");
}

TEST_CASE("a message repeats at most 80 bytes and never half a character") {
    CHECK(quoted("x") == "\"x\"");
    CHECK(shortened(std::string(80, 'x')) == std::string(80, 'x'));
    CHECK(shortened(std::string(81, 'x')) == std::string(80, 'x') + "...");
    CHECK(shortened(std::string(79, 'x') + "äx") == std::string(79, 'x') + "...");
    CHECK(shortened(std::string(100, '\x80')).ends_with("\\x80..."));
}

TEST_CASE("the nearest known word is offered only when it is near enough") {
    CHECK(nearest("MONITOR_INTERVALL", keys) == "MONITOR_INTERVAL");
    CHECK(nearest("monitor_interval", keys) == "MONITOR_INTERVAL");
    CHECK(nearest("IPCEKY", keys) == "IPCKEY");
    CHECK(nearest("DETCET", keys) == "DETECT");
    CHECK(nearest("COLOUR", keys).empty());
    constexpr std::array<std::string_view, 4> orders{"wait", "stop", "show", "match"};
    CHECK(nearest("list", orders).empty());
    CHECK(nearest("status", orders).empty());
    CHECK(nearest("watch", orders) == "match");
    CHECK(nearest("sotp", orders) == "stop");
    CHECK(nearest("stp", orders) == "stop");
    CHECK(nearest("", keys).empty());
    CHECK(nearest(std::string(65, 'M'), keys).empty());
    CHECK(did_you_mean("IPCKEYS", keys) == ", did you mean IPCKEY?");
    CHECK(did_you_mean("zzz", keys).empty());
}

TEST_CASE("a number is digits in a range, and the error says what was expected") {
    CHECK(*number_of("0", {0, 10000}) == 0);
    CHECK(*number_of("10000", {0, 10000}) == 10000);
    CHECK(*number_of("0018", {0, 100}) == 18);
    CHECK(*number_of("18446744073709551615", {0, UINT64_MAX}) == UINT64_MAX);
    for (const auto bad : {"x", "", "-1", "+1", "1 ", "0x10", "1e3", "1.0"}) {
        CAPTURE(bad);
        CHECK(number_of(bad, {0, 10000}).error().text == fmt::format("\"{}\" is not a number, 0..10000 expected", bad));
    }
    CHECK(number_of("10001", {0, 10000}).error().text == "\"10001\" is out of range, 0..10000 expected");
    CHECK(number_of("0", {1, 2}).error().text == "\"0\" is out of range, 1..2 expected");
    CHECK(number_of("99999999999999999999999", {1, 2}).error().text == "\"99999999999999999999999\" is out of range, 1..2 expected");
}

TEST_CASE("hexadecimal needs 0x ahead") {
    CHECK(*hex_or_decimal_of("0x1f000501", {1, 0xffffffff}, "R") == 0x1f000501);
    CHECK(*hex_or_decimal_of("0XFFFFFFFF", {1, 0xffffffff}, "R") == 0xffffffff);
    CHECK(*hex_or_decimal_of("520095001", {1, 0xffffffff}, "R") == 520095001);
    CHECK(hex_or_decimal_of("1f", {1, 0xffffffff}, "R").error().text == "\"1f\" is not a number, R expected");
    CHECK(hex_or_decimal_of("0x", {1, 0xffffffff}, "R").error().text == "\"0x\" is not a number, R expected");
    CHECK(hex_or_decimal_of("0x100000000", {1, 0xffffffff}, "R").error().text == "\"0x100000000\" is out of range, R expected");
}

TEST_CASE("seconds may have decimals where they are allowed") {
    CHECK(*seconds_of("10", {1, 60}) == 10s);
    CHECK(seconds_of("1.5", {1, 60}).error().text == "\"1.5\" is not a number, 1..60 expected");
    CHECK(*decimal_seconds_of("0.5", {0, 60}) == 500ms);
    CHECK(*decimal_seconds_of("2", {0, 60}) == 2s);
    CHECK(*decimal_seconds_of("60.000000000", {0, 60}) == 60s);
    CHECK(*decimal_seconds_of("1.000000001", {0, 60}) == 1s + 1ns);
    for (const auto bad : {"", ".", ".5", "1.", "1.0000000001", "1,5", "1.5.", "-1", "x"}) {
        CAPTURE(bad);
        CHECK(decimal_seconds_of(bad, {0, 60}).error().text == fmt::format("\"{}\" is not a number of seconds, 0..60 expected", bad));
    }
    CHECK(decimal_seconds_of("60.1", {0, 60}).error().text == "\"60.1\" is out of range, 0..60 expected");
}

}  // namespace
}  // namespace banken
