// SPDX-License-Identifier: Apache-2.0
// The grammar of lines, sections, escapes and limits of a pfile, and what hostile files cost.
#include "common/pfile_text.hpp"

#include <doctest/doctest.h>

#include "common/pfile.hpp"

namespace banken {
namespace {

constexpr std::string_view head = "[PARAM]\nIPCKEY 1\nSHM_DUMP_FILE /d\n[PENT]\n";  // four lines

std::vector<std::string> errors_of(std::string_view text) {
    std::vector<std::string> errors;
    for (const auto& d : parse_pfile(text).diagnostics) {
        if (d.severity == Diagnostic::Severity::error) errors.push_back(text_of(d, "F"));
    }
    return errors;
}
std::vector<std::string> errors_below(std::string_view text) { return errors_of(std::string(head).append(text)); }
using Errors = std::vector<std::string>;

std::vector<std::string> names_in(std::string_view text) {
    CHECK(errors_of(text).empty());
    std::vector<std::string> names;
    for (const auto& pent : parse_pfile(text).pfile.pents) names.push_back(pent.name);
    return names;
}

TEST_CASE("sections begin with headers in either form, in any order and as often as one likes") {
    CHECK(
        names_in(
            "[PENT]\na:-:0:0:exit\n#PARAM#\nIPCKEY 1\n  ### PENT #  \t\nb:-:0:0:exit\n\t[PARAM] \nSHM_DUMP_FILE /d\n##\tPENT\t##########\n"
            "c:-:0:0:exit") == Errors{"a", "b", "c"});
}

TEST_CASE("what only looks like a header is a comment") {
    for (const auto comment :
         {"##### PARAM", "# PARAM of # this #", "##### param #####", "##### GROUP #####", "#", "##########", "# PARAM # x", "#[PARAM]"}) {
        CAPTURE(comment);
        CHECK(names_in(fmt::format("{}{}\na:-:0:0:exit\n", head, comment)) == Errors{"a"});
    }
}

TEST_CASE("a comment that nearly is a header is told with the header that was meant") {
    const auto warnings = [](std::string_view comment) {
        Errors texts;
        for (const auto& one : parse_pfile(fmt::format("{}{}\na:-:0:0:exit\n", head, comment)).diagnostics)
            if (one.severity == Diagnostic::Severity::warning && one.line != 0) texts.push_back(text_of(one, "F"));
        return texts;
    };
    const auto line = std::ranges::count(head, '\n') + 1;
    CHECK(warnings("##### PNET #####") ==
          Errors{fmt::format("F:{}:1: warning: \"##### PNET #####\" is a comment, did you mean ##### PENT #####?", line)});
    CHECK(warnings("# Resources #").size() == 1);
    for (const auto comment : {"##### PENT #####", "##### PNET", "##### GROUP #####", "##########", "# #"})
        CHECK(warnings(comment).empty());
}

TEST_CASE("an unknown section is told once, and the lines below it are sorted by their shape") {
    CHECK(errors_of("[PARM]\nIPCKEY 1\nSHM_DUMP_FILE /d\n[pent]\na:-:0:0:exit\n[PENT\nb:-:0:0:exit\n[PENT] # x\n[]\n") ==
          Errors{"F:1:1: error: unknown section \"[PARM]\", [PARAM], [PENT] or [RESOURCE] expected",
                 "F:4:1: error: unknown section \"[pent]\", [PARAM], [PENT] or [RESOURCE] expected",
                 "F:6:1: error: unknown section \"[PENT\", [PARAM], [PENT] or [RESOURCE] expected",
                 "F:8:1: error: unknown section \"[PENT] # x\", [PARAM], [PENT] or [RESOURCE] expected",
                 "F:9:1: error: unknown section \"[]\", [PARAM], [PENT] or [RESOURCE] expected"});
    CHECK(names_in(std::string(head) + "[kworker]:-:0:0:exit") == Errors{"[kworker]"});
}

TEST_CASE("ahead of any header lines are sorted by their shape") {
    CHECK(names_in("IPCKEY 1\nSHM_DUMP_FILE /d\na:-:0:0:exit\nMONITOR_INTERVAL 3\n") == Errors{"a"});
    CHECK(
        errors_of("IPCKEY 1\nSHM_DUMP_FILE /d\nMONITOR_INTERVALL 3\n a:-:0:0\n") ==
        Errors{
            "F:3:1: error: \"MONITOR_INTERVALL 3\" is neither a PARAM key nor a PENT line (name:script:grace:retries:action), did you mean "
            "MONITOR_INTERVAL?",
            "F:4:2: error: \"a:-:0:0\" is neither a PARAM key nor a PENT line (name:script:grace:retries:action)"});
    CHECK(errors_of("IPCKEY 1\nSHM_DUMP_FILE /d\na\\:-:0:0:exit\n").size() == 1);  // three separators
}

TEST_CASE("lines end with LF or CRLF, also mixed, and the last one needs no end") {
    CHECK(names_in("[PARAM]\r\nIPCKEY 1\r\n\r\nSHM_DUMP_FILE /d\n[PENT]\r\na:-:0:0:exit\r\nb:-:0:0:exit\nc:-:0:0:exit\r") ==
          Errors{"a", "b", "c"});
    CHECK(parse_pfile("IPCKEY 1\r\nSHM_DUMP_FILE /d\r\n").pfile.param.shm_dump_file == "/d");
    CHECK(errors_below("a:-:0:0:exit\r\r\n") == Errors{"F:5:13: error: control character"});
}

TEST_CASE("a byte order mark is no part of the first line") {
    CHECK(names_in("\xef\xbb\xbf# c\nIPCKEY 1\nSHM_DUMP_FILE /d\na:-:0:0:exit\n") == Errors{"a"});
}

TEST_CASE("backslashes hide colons and themselves, in quotes too, and stay before anything else") {
    const auto pents = parse_pfile(std::string(head) + R"(a\:b\\:/r "x\:y" \z\\:1:0:exit)"
                                                       "\n")
                           .pfile.pents;
    REQUIRE(pents.size() == 1);
    CHECK(pents[0].name == R"(a:b\)");
    CHECK(pents[0].script.argv == std::vector<std::string>{"/r", "x:y", R"(\z\)"});
    CHECK(pents[0].script.text == R"(/r "x:y" \z\)");
    CHECK(pents[0].text == R"(a\:b\\:/r "x\:y" \z\\:1:0:exit)");
    CHECK(errors_below("a:/r \"x:y\":1:0:exit").front() == "F:5:3: error: a, field 2 (restart script): double quote is not closed");
}

TEST_CASE("fields know where they stand") {
    const auto fields = split_fields(R"(a : b\: c::)", 10);
    REQUIRE(fields.size() == 4);
    CHECK(fields[0].raw == "a");
    CHECK(fields[0].column == 10);
    CHECK(fields[1].text() == "b: c");
    CHECK(fields[1].column == 14);
    CHECK(fields[2].column == 20);
    CHECK(fields[3].raw.empty());
    CHECK(fields[3].column == 21);
    CHECK(split_fields("", 1).size() == 1);
    CHECK(split_fields("\\", 1)[0].text() == "\\");
}

TEST_CASE("a command is split at blanks, double quotes group") {
    CHECK(*split_command("/r  a\tb") == std::vector<std::string>{"/r", "a", "b"});
    CHECK(*split_command("\"/a b\"/c \"\"") == std::vector<std::string>{"/a b/c", ""});
    CHECK(*split_command("/r 'a b' $x *") == std::vector<std::string>{"/r", "'a", "b'", "$x", "*"});
    CHECK(split_command(" ")->empty());
    CHECK(split_command("/r \"a").error().text == "double quote is not closed");
}

TEST_CASE("comments may hold any bytes but NUL, everything else is UTF-8 without control characters") {
    CHECK(names_in(std::string(head) + "# \xff\x01\x1b\na:-:0:0:exit\n") == Errors{"a"});
    CHECK(errors_below(std::string_view("# \0 x\0\n", 7)) == Errors{"F:5:3: error: NUL byte"});
    CHECK(errors_below(std::string_view("a:\0\n", 4)) == Errors{"F:5:3: error: NUL byte"});
    CHECK(errors_below(" a\xff:-:0:0:exit") == Errors{"F:5:3: error: invalid UTF-8"});
    CHECK(errors_below("a\x1b:-:0:0:exit") == Errors{"F:5:2: error: control character"});
    CHECK(errors_below("a:/r \xc2\x9b:0:0:exit") == Errors{"F:5:6: error: control character"});
    CHECK(errors_below("a:/r\tb:1:0:exit").empty());
}

TEST_CASE("a line holds at most 4096 bytes without its end, comments too") {
    const std::string longest = "a:/" + std::string(4096 - 14, 'r') + ":1:0:exit  ";
    REQUIRE(longest.size() == 4096);
    CHECK(errors_below(longest + "\r\n").empty());
    CHECK(errors_below(longest + " \n") == Errors{"F:5:4097: error: line is longer than 4096 bytes"});
    CHECK(errors_below("#" + std::string(4096, 'c')) == Errors{"F:5:4097: error: line is longer than 4096 bytes"});
    CHECK(errors_below(std::string(4097, ' ')) == Errors{"F:5:4097: error: line is longer than 4096 bytes"});
}

TEST_CASE("a key on a line that cannot be read is not also missing") {
    CHECK(errors_of("IPCKEY \xff\n[PARAM]\nSHM_DUMP_FILE /" + std::string(4096, 'd') + "\n") ==
          Errors{"F:1:8: error: invalid UTF-8", "F:3:4097: error: line is longer than 4096 bytes"});
}

TEST_CASE("at most 16384 PENT and 1024 RESOURCE lines are read, and the rest is told once") {
    std::string text(head);
    for (std::size_t i = 0; i < pfile_max_pents; ++i) text += fmt::format("p{}:-:0:0:exit\n", i);
    CHECK(parse_pfile(text).good());
    CHECK(parse_pfile(text).pfile.pents.size() == pfile_max_pents);
    CHECK(errors_of(text + "x:-:0:0:exit\ny\n") == Errors{"F:16389:1: error: more than 16384 PENT lines"});

    text = std::string(head) + "[RESOURCE]\n";
    for (std::size_t i = 0; i < pfile_max_resources; ++i) text += fmt::format("t{}:generic:/f\n", i);
    CHECK(errors_of(text).empty());
    CHECK(parse_pfile(text).pfile.resources.size() == pfile_max_resources);
    CHECK(errors_of(text + "x:generic:/f\ny\n") == Errors{"F:1030:1: error: more than 1024 RESOURCE lines"});
}

TEST_CASE("a file of more than 16 MiB is not read at all") {
    CHECK(errors_of(std::string(pfile_max_bytes + 1, '#')) == Errors{"F: error: file is larger than 16 MiB"});
}

std::string repeated(std::string_view start, std::string_view unit, std::size_t size) {
    std::string noise(start);
    noise.reserve(size);
    while (noise.size() + unit.size() <= size) noise += unit;
    return noise;
}

void check_bounded(std::string_view noise) {
    const auto parsed = parse_pfile(noise);
    CHECK_FALSE(parsed.good());
    CHECK(parsed.diagnostics.size() <= Diagnostics::max_kept + 3);  // the count of the rest, two warnings
    CHECK(parsed.pfile.pents.size() <= pfile_max_pents);
}

TEST_CASE("noise of any shape keeps a bounded number of texts and entries") {
    for (const std::string_view unit :
         {"\n", "x\n", ":", "::::\n", ":::::::::x=\n", "IPCKEY\n", "\"", "\\", "\xff\n", "[\n", "#", "p:/r:x:y:z\n"}) {
        for (const std::string_view start : {"", "[PARAM]\n", "[PENT]\n", "[RESOURCE]\n"}) {
            CAPTURE(unit);
            check_bounded(repeated(start, unit, 1U << 18));
        }
    }
}

#ifdef __OPTIMIZE__
constexpr std::size_t much = pfile_max_bytes;
#else
constexpr std::size_t much = pfile_max_bytes / 16;  // the scenarios feed all of it to pcheck
#endif

// The time limit of the test run holds these: each is linear in time.
TEST_CASE("much noise costs little time and memory") {
    for (const std::string_view unit : {"::::\n", "x\n"}) check_bounded(repeated("", unit, much));
    std::string noise(much, '\0');
    std::uint32_t state = 1;
    for (char& c : noise) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    check_bounded(noise);
}

TEST_CASE("many options in lines of the greatest length cost little time and memory") {
    const std::string line = "p:/r:1:1:exit" + std::string(4096 - 13, ':') + "\n";
    CHECK(errors_of(repeated(head, line, much)).size() == Diagnostics::max_kept + 1);
}

}  // namespace
}  // namespace banken
