// SPDX-License-Identifier: Apache-2.0
#include "common/pattern.hpp"

#include <doctest/doctest.h>

#include <chrono>

using banken::Pattern;

TEST_CASE("a pattern is found anywhere unless it is anchored") {
    CHECK(Pattern::compile("jar")->found_in("java -jar app.jar"));
    CHECK_FALSE(Pattern::compile("^jar")->found_in("java -jar app.jar"));
    CHECK(Pattern::compile("^java .* app\\.jar$")->found_in("java -jar app.jar"));
    CHECK_FALSE(Pattern::compile("app\\.jar$")->found_in("java -jar app.jar\nx"));
}

TEST_CASE("a pattern works on bytes that are no characters") {
    CHECK(
        Pattern::compile("^a.b$")->found_in("a\xff"
                                            "b"));
    CHECK(Pattern::compile("\xfc")->found_in("M\xfcnchen"));
    CHECK(Pattern::compile("München")->found_in("--city München"));
}

TEST_CASE("a bad pattern says what is wrong with which part") {
    const auto bad = Pattern::compile("a(b");
    REQUIRE_FALSE(bad);
    CHECK(bad.error().text == "missing ): a(b");
    CHECK(Pattern::compile("a(\t\x1b").error().text == "missing ): a(\\t\\x1b");
    CHECK_FALSE(Pattern::compile("(a{500}){500}"));
    CHECK_FALSE(Pattern::compile("(a)\\1"));
}

TEST_CASE("patterns with the same text are equal") {
    CHECK(*Pattern::compile("a+") == *Pattern::compile("a+"));
    CHECK_FALSE(*Pattern::compile("a+") == *Pattern::compile("a*"));
}

TEST_CASE("the worst of patterns takes linear time on a command line of a MiB") {
    const std::string line(1u << 20, 'a');
    const auto begin = std::chrono::steady_clock::now();
    CHECK_FALSE(Pattern::compile("(a*)*(a|aa)*(a?){20}b$")->found_in(line));
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
}
