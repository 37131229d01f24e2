// SPDX-License-Identifier: Apache-2.0
#include "sendevent/options.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace banken;
using Words = std::vector<std::string>;

namespace {

const Words least{"-C", "filesys", "-E", "diskfull", "-m", "df", "-n", "/var"};

Words with(const Words& more) {
    Words words = least;
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

SendeventOptions good(const Words& words) {
    const auto parsed = parse_sendevent_options(words);
    if (const auto* end = std::get_if<SendeventOptionsEnd>(&parsed)) FAIL(end->text);
    return std::get<SendeventOptions>(parsed);
}

// The first line of a usage error.
std::string wrong(const Words& words) {
    const auto parsed = parse_sendevent_options(words);
    const auto* end = std::get_if<SendeventOptionsEnd>(&parsed);
    if (end == nullptr) return "accepted";
    CHECK(end->exit_status == 64);
    return end->text.substr(0, end->text.find('\n'));
}

}  // namespace

TEST_CASE("every option reaches its place, and all are handed on as typed") {
    const Words words =
        with({"-c", "disk", "-i", "7",  "-t", "070118133443", "-T",   "1169091283", "-s",       "err", "-o",   "-z", "-w",       "-a",
              "t",  "-P",   "p",  "-p", "9",  "-d",           "data", "-x",         "96% used", "-S",  "host", "-O", "/tmp/list"});
    const auto options = good(words);
    CHECK(options.event_class == "filesys");
    CHECK(options.event == "diskfull");
    CHECK(options.monitor == "df");
    CHECK(options.instance == "/var");
    CHECK(options.severity == "err");
    CHECK(options.text == "96% used");
    CHECK(options.digits == "070118133443");
    CHECK(options.epoch == 1169091283);
    CHECK((options.notify_only && options.print_only && options.wait));
    CHECK(options.list_file == "/tmp/list");
    CHECK(options.given == words);
}

TEST_CASE("options may stand together and with their values, and are handed on like that") {
    const Words words{"-owCfilesys", "-Ediskfull", "-m", "df", "-n/var"};
    const auto options = good(words);
    CHECK((options.notify_only && options.wait));
    CHECK(options.event_class == "filesys");
    CHECK(options.instance == "/var");
    CHECK(options.given == words);
}

TEST_CASE("a value is a value, whatever it looks like") {
    for (const std::string value :
         {"-x", "--", "--conf", "-C", "", "--help", "{}", "[a,b]", "a=b", "\n\x01\xff", "%s %n", "$(id)", "`id`", "'"}) {
        CAPTURE(value);
        const auto options = good(with({"-x", value}));
        CHECK(options.text == value);
        CHECK(options.given.back() == value);
    }
    const std::string long_one(100000, 'y');
    CHECK(good(with({"-x", long_one})).text == long_one);
}

TEST_CASE("where banken.conf is is not handed on") {
    CHECK(good(with({"--conf", "/c"})).conf == "/c");
    CHECK(good(with({"--conf", "/c"})).given == least);
    CHECK(good(with({"--conf=/c", "-o"})).given == with({"-o"}));
    CHECK(good(with({"-x", "--conf"})).conf.empty());
    CHECK(wrong(with({"--conf"})) == "sendevent: --conf needs a file");
    CHECK(wrong(with({"--conf", "a", "--conf=b"})) == "sendevent: --conf is given twice");
}

TEST_CASE("class, event, monitor and instance are needed, each once") {
    for (std::size_t i = 0; i < least.size(); i += 2) {
        Words words = least;
        words.erase(words.begin() + static_cast<std::ptrdiff_t>(i), words.begin() + static_cast<std::ptrdiff_t>(i) + 2);
        CHECK(wrong(words) == "sendevent: " + least[i] + " is needed");
        words = least;
        words[i + 1].clear();
        CHECK(wrong(words) == "sendevent: " + least[i] + " is needed");
        CHECK(wrong(with({least[i], "again"})) != "accepted");
    }
}

TEST_CASE("class and event lead nowhere else") {
    for (const auto* word : {"..", ".", "../x", "a/b", "/etc", "a b", "a\n"}) {
        CAPTURE(word);
        CHECK(wrong({"-C", word, "-E", "e", "-m", "m", "-n", "n"}).starts_with("sendevent: -C: "));
        CHECK(wrong({"-C", "c", "-E", word, "-m", "m", "-n", "n"}).starts_with("sendevent: -E: "));
    }
}

TEST_CASE("what is no option is a usage error that names it") {
    CHECK(wrong(with({"-A"})) == "sendevent: there is no option -A");
    CHECK(wrong(with({"-oA"})) == "sendevent: there is no option -A");
    CHECK(wrong(with({"--wait"})) == "sendevent: there is no option --wait");
    CHECK(wrong(with({"crond"})) == "sendevent: \"crond\" stands alone: every word belongs to an option");
    CHECK(wrong(with({"-x"})) == "sendevent: -x needs a value");
    CHECK(wrong(with({"-T", "now"})) == "sendevent: -T: \"now\" is no number of seconds since the epoch");
    CHECK(wrong(with({"-\x1b"})) == "sendevent: there is no option -\\x1b");
}

TEST_CASE("help and version end with 0") {
    for (const auto* word : {"-h", "--help", "-V", "--version"}) {
        const auto parsed = parse_sendevent_options(Words{word});
        REQUIRE(std::holds_alternative<SendeventOptionsEnd>(parsed));
        CHECK(std::get<SendeventOptionsEnd>(parsed).exit_status == 0);
    }
}
