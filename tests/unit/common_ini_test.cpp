// SPDX-License-Identifier: Apache-2.0
#include "common/ini.hpp"

#include <doctest/doctest.h>

#include "common/text.hpp"

namespace banken {
namespace {

struct Outcome {
    Ini ini;
    std::vector<std::string> errors;
};

Outcome parse(std::string_view text) {
    Diagnostics diagnostics;
    Outcome outcome{parse_ini(text, diagnostics), {}};
    for (const auto& d : diagnostics.take()) outcome.errors.push_back(text_of(d, "F"));
    return outcome;
}

std::string only_error(std::string_view text) {
    const auto errors = parse(text).errors;
    return errors.size() == 1 ? errors.front() : fmt::format("{} errors", errors.size());
}

TEST_CASE("sections, keys and values come with their lines") {
    const auto [ini, errors] =
        parse("; a comment\n# another ;with =\r\n\n[log]\r\nlevel = info\r\n  # indented\n\n[empty]\n[state]\ndir=/a b=c;d#e  \n");
    CHECK(errors.empty());
    REQUIRE(ini.sections.size() == 3);
    CHECK(ini.sections[0].name == "log");
    CHECK(ini.sections[0].line == 4);
    CHECK(ini.sections[1].line == 8);
    REQUIRE(ini.entries.size() == 2);
    CHECK(ini.entries[0].section == "log");
    CHECK(ini.entries[0].key == "level");
    CHECK(ini.entries[0].value == "info");
    CHECK(ini.entries[0].line == 5);
    CHECK(ini.entries[0].column == 9);
    CHECK(ini.entries[1].section == "state");
    CHECK(ini.entries[1].value == "/a b=c;d#e");
    CHECK(ini.entries[1].line == 10);
    CHECK(ini.entries[1].column == 5);
}

TEST_CASE("keys ahead of any section belong to the section without a name") {
    const auto [ini, errors] = parse(
        "\xef\xbb\xbf"
        "a = 1");
    CHECK(errors.empty());
    REQUIRE(ini.entries.size() == 1);
    CHECK(ini.entries[0].section.empty());
    CHECK(ini.entries[0].key == "a");
}

TEST_CASE("an empty text says nothing, and nothing wrong") {
    CHECK(parse("").errors.empty());
    CHECK(parse("\n\r\n \t\n").errors.empty());
}

TEST_CASE("the longest line that inih reads whole is accepted, one byte more is not") {
    const std::string longest = "k = " + std::string(194, 'v');
    CHECK(parse(longest + "\r\n").ini.entries.at(0).value.size() == 194);
    CHECK(only_error(longest + "v") == "F:1:199: error: line is longer than 198 bytes");
    CHECK(parse("#" + std::string(5000, 'c') + "\nk = v\n").ini.entries.size() == 1);
}

TEST_CASE("what inih would mangle is refused with its place") {
    CHECK(only_error("k = /x ; comment") == "F:1:8: error: ; after a blank: a comment needs a line of its own");
    CHECK(only_error("k =\t;x") == "F:1:5: error: ; after a blank: a comment needs a line of its own");
    CHECK(only_error("[log] ; comment") == "F:1:7: error: ; after a blank: a comment needs a line of its own");
    CHECK(only_error("a = 1\n  b = 2") == "F:2:1: error: line begins with a blank");
    CHECK(only_error("# c\n\xef\xbb\xbf[log\n") == "F:2:1: error: byte order mark within the text");
    CHECK(only_error("\xef\xbb\xbf\xef\xbb\xbfk = v") == "F:1:1: error: byte order mark within the text");
    CHECK(only_error(" [log]") == "F:1:1: error: line begins with a blank");
    CHECK(only_error("k: v") == "F:1:2: error: = expected, not :");
    CHECK(only_error("k:v = w") == "F:1:2: error: = expected, not :");
    CHECK(only_error("[" + std::string(50, 's') + "]") == "F:1:1: error: section name is longer than 49 bytes");
    CHECK(parse("[" + std::string(49, 's') + "]\nk=v").ini.entries.at(0).section.size() == 49);
    CHECK(parse(std::string(100, 'k') + "=v").ini.entries.at(0).key.size() == 100);
}

TEST_CASE("what is no INI is refused with its place") {
    CHECK(only_error("word") == "F:1:1: error: \"word\" is not key = value");
    CHECK(only_error("= v") == "F:1:1: error: key is missing");
    CHECK(only_error("k =") == "F:1:4: error: k: value is empty");
    CHECK(only_error("k =  \t") == "F:1:4: error: k: value is empty");
    CHECK(only_error("k\tl=") == "F:1:5: error: k\\tl: value is empty");
    CHECK(only_error("[log") == "F:1:1: error: ] is missing");
    CHECK(only_error("[]") == "F:1:1: error: section has no name");
    CHECK(only_error("[log] x") == "F:1:6: error: text behind ]");
    CHECK(only_error("[a]b]") == "F:1:4: error: text behind ]");
    CHECK(only_error("[s]\nk = 1\n[t]\nk = 2\n[s]\nk = 3") == "F:6:1: error: duplicate key k, first in line 2");
    CHECK(only_error("# a\nk = \xff") == "F:2:5: error: invalid UTF-8");
    CHECK(only_error("k = a\x01") == "F:1:6: error: control character");
    CHECK(only_error("k = a\rb") == "F:1:6: error: control character");
    CHECK(only_error(std::string_view("#\0\n", 3)) == "F:1:2: error: NUL byte");
    CHECK(only_error("# \xff may stand in a comment \x01").starts_with("0 errors"));
}

TEST_CASE("the keys below a header that was refused are in no other section") {
    const auto [ini, errors] = parse("[log]\na = 1\n[state\na = 2\nword\n[log]\nb = 3");
    CHECK(errors == std::vector<std::string>{"F:3:1: error: ] is missing", "F:5:1: error: \"word\" is not key = value"});
    REQUIRE(ini.entries.size() == 2);
    CHECK(ini.entries[1].key == "b");
}

TEST_CASE("noise costs a bounded number of texts") {
    std::string noise;
    while (noise.size() < 1U << 20) noise += "x\n";
    const auto errors = parse(noise).errors;
    CHECK(errors.size() == Diagnostics::max_kept + 1);
    CHECK(errors.back() == fmt::format("F: error: {} more errors", noise.size() / 2 - Diagnostics::max_kept));
}

}  // namespace
}  // namespace banken
