// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "padmin/options.hpp"

using namespace banken;
using namespace std::chrono_literals;

namespace {

using Words = std::vector<std::string>;

PadminOptions good(const Words& arguments) {
    auto parsed = parse_padmin_options(arguments);
    if (const auto* end = std::get_if<PadminOptionsEnd>(&parsed)) FAIL(end->text);
    return std::get<PadminOptions>(parsed);
}

std::string refused(const Words& arguments) {
    const auto parsed = parse_padmin_options(arguments);
    const auto* end = std::get_if<PadminOptionsEnd>(&parsed);
    REQUIRE(end);
    CHECK(end->exit_status == 64);
    return end->text.substr(0, end->text.find('\n'));
}

Words words(Words after) {
    after.insert(after.begin(), {"-f", "/p", "-c"});
    return good(after).words;
}

}  // namespace

TEST_CASE("the words of an order follow -c, quoted or not") {
    CHECK(words({"show", "pent"}) == Words{"show", "pent"});
    CHECK(words({"show pent"}) == Words{"show", "pent"});
    CHECK(words({"  show \t pent "}) == Words{"show", "pent"});
    CHECK(words({"show", "pent", "java -Dapp=shop"}) == Words{"show", "pent", "java -Dapp=shop"});
    CHECK(words({"clear", "[x,y]"}) == Words{"clear", "[x,y]"});
}

TEST_CASE("options are taken out of the words wherever they stand, unless after --") {
    const PadminOptions options = good({"-f", "/p", "-c", "show", "-v", "pent", "--json", "--wait", "3", "crond", "-q"});
    CHECK(options.words == Words{"show", "pent", "crond"});
    CHECK((options.verbose && options.json && options.quiet));
    CHECK(options.wait == 3s);
    CHECK(good({"-f", "/p", "-c", "show pent -v"}).verbose);
    CHECK(good({"-f", "/p", "-c", "show pent", "-v"}).words == Words{"show", "pent"});
    CHECK(good({"-f", "/p", "-c", "reload", "--wait=7"}).wait == 7s);
    CHECK(words({"clear", "--", "-crond"}) == Words{"clear", "-crond"});
    CHECK(words({"clear", "--", "-v", "--"}) == Words{"clear", "-v", "--"});
    CHECK(words({"--", "show pent"}) == Words{"show pent"});
    CHECK(good({"-v", "-f", "/p", "-v", "-c", "show pent", "-v"}).verbose);
}

TEST_CASE("wrong words are usage errors with their reason") {
    CHECK(refused({"-f", "/p", "-c", "show", "-c", "pent"}) == "padmin: -c is given twice");
    CHECK(refused({"-f", "/p", "-c"}) == "padmin: -c needs an order");
    CHECK(refused({"-f", "/p", "-c", "-v"}) == "padmin: -c needs an order");
    CHECK(refused({"-c", "show", "pent", "-f", "/p"}) == "padmin: option -f stands behind -c (a name that begins with - follows --)");
    CHECK(refused({"-f", "/p", "-cshow"}) == "padmin: -c and its order are two words");
    CHECK(refused({"-f", "/p", "-c", "reload", "--wait"}) == "padmin: --wait needs a number");
    CHECK(refused({"-f", "/p", "-c", "reload", "--wait", "x"}) == R"(padmin: --wait: "x" is not a number, 0..86400 expected)");
    CHECK(refused({"-f", "/p", "-c", "stop", "-q"}) == "padmin: -q goes with show pent only");
}

TEST_CASE("options go with the orders that know them") {
    CHECK(good({"-f", "/p", "-c", "reload", "-t"}).difference);
    CHECK(good({"-f", "/p", "-c", "show", "trace", "-n", "5"}).lines == 5);
    CHECK(refused({"-f", "/p", "-c", "show", "trace", "-n", "0"}) == R"(padmin: -n: "0" is out of range, 1..65536 expected)");
    CHECK(refused({"-f", "/p", "-c", "stop", "-t"}) == "padmin: -t goes with reload only");
    CHECK(refused({"-f", "/p", "-c", "show", "pent", "-n", "5"}) == "padmin: -n goes with show trace only");
    CHECK(good({"--dump", "/d", "-c", "explain", "crond"}).dump == "/d");
}

TEST_CASE("an option that an order does not know stops it") {
    CHECK(refused({"-f", "/p", "-c", "stop -v"}) == R"(padmin: -v does not go with "stop")");
    CHECK(refused({"-v", "-f", "/p", "-c", "restart", "crond"}) == R"(padmin: -v does not go with "restart")");
    CHECK(refused({"-f", "/p", "-c", "clear", "crond", "--json"}) == R"(padmin: --json does not go with "clear")");
    CHECK(good({"-f", "/p", "-c", "explain", "crond", "--json"}).json);
}

TEST_CASE("words without -c are told where an order stands") {
    const std::string hint = " stands alone: an order follows -c, as in `padmin -f PFILE -c show pent`";
    CHECK(refused({"-f", "/p", "show", "pent"}) == "padmin: \"show\"" + hint);
    CHECK(refused({"show", "pent"}) == "padmin: \"show\"" + hint);
    CHECK(refused({"--no-such-option"}) == "padmin: there is no option --no-such-option");
}

TEST_CASE("one pcheck is meant by -f, -k or --dump, all by -l") {
    CHECK(good({"-l", "-v", "--json"}).list);
    CHECK(good({"-k", "0x1f000501", "-c", "show", "pent"}).key == 0x1f000501);
    CHECK(good({"-k", "520094977", "-c", "show", "pent"}).key == 520094977);
    CHECK(good({"--dump", "/d", "-c", "show", "pent"}).dump == "/d");
    CHECK(good({"--conf", "/c", "-l"}).conf == "/c");
    CHECK(refused({}) == "padmin: -l or -c is needed");
    CHECK(refused({"-f", "/p"}) == "padmin: -l or -c is needed");
    CHECK(refused({"-c", "show", "pent"}) == "padmin: one of -f, -k and --dump is needed");
    CHECK(refused({"-f", "/p", "-k", "1", "-c", "show", "pent"}) == "padmin: only one of -f, -k and --dump");
    CHECK(refused({"-l", "-q"}) == "padmin: -q does not go with -l");
    CHECK(refused({"-l", "-t"}) == "padmin: -t does not go with -l");
    CHECK(refused({"-l", "-n", "5"}) == "padmin: -n does not go with -l");
    CHECK(refused({"-l", "--wait", "5"}) == "padmin: --wait does not go with -l");
    CHECK(refused({"-l", "-c", "reload"}) == "padmin: -l and -c exclude each other");
    CHECK(refused({"-l", "-f", "/p"}) == "padmin: -l lists all: it goes without -f, -k and --dump");
    CHECK(refused({"--dump", "/d", "-c", "reload"}) == "padmin: --dump goes with show and explain only");
    CHECK(refused({"-k", "0", "-c", "reload"}).starts_with("padmin: -k: "));
    CHECK(refused({"-k", "0x100000000", "-c", "reload"}).starts_with("padmin: -k: "));
}

TEST_CASE("help and version end with 0") {
    for (const char* option : {"-h", "--help", "-V"}) {
        const auto parsed = parse_padmin_options(Words{option});
        const auto* end = std::get_if<PadminOptionsEnd>(&parsed);
        REQUIRE(end);
        CHECK(end->exit_status == 0);
        CHECK(end->text.ends_with("\n"));
    }
}
