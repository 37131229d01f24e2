// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cstdlib>
#include <ctime>

#include "padmin/words.hpp"

using namespace banken;
using namespace std::chrono_literals;

namespace {

struct Utc {
    Utc() {
        setenv("TZ", "UTC", 1);
        tzset();
    }
} const utc;

constexpr WallTime wall{1169127283s};  // Thu Jan 18 13:34:43 2007

View view_with(std::vector<std::string> names) {
    View view;
    view.header.pfile = "/etc/banken/pfile_cron";
    view.now = {.instant = Instant(1000s), .wall = wall, .ticks = 0};
    for (std::string& name : names) {
        view.entries.emplace_back().name = std::move(name);
        view.entries.back().pent_id = static_cast<std::uint32_t>(view.entries.size());
    }
    return view;
}

std::string clear_of(const View& view, std::size_t index) { return command_words(view, "clear", view.entries.at(index)); }

}  // namespace

TEST_CASE("spans are said in their two largest units") {
    CHECK(span_words(0s) == "0 s");
    CHECK(span_words(1500ms) == "2 s");
    CHECK(span_words(60s) == "1 min");
    CHECK(span_words(200s) == "3 min 20 s");
    CHECK(span_words(7500s) == "2 h 5 min");
    CHECK(span_words(24h) == "1 d");
    CHECK(span_words(76h) == "3 d 4 h");
    CHECK(count_words(1, "process") == "1 process");
    CHECK(count_words(2, "process") == "2 processes");
}

TEST_CASE("sizes are said as a limit is written") {
    CHECK(size_words(1000) == "1000");
    CHECK(size_words(50u << 20) == "50M");
    CHECK(size_words((2u << 20) + (100u << 10)) == "2.1M");
}

TEST_CASE("moments are a clock time on the same day, and how far away they are") {
    const View view = view_with({});
    CHECK(moment_words(view, wall) == "13:34:43 (now)");
    CHECK(moment_words(view, wall + 8s) == "13:34:51 (in 8 s)");
    CHECK(moment_words(view, wall - 200s) == "13:31:23 (3 min 20 s ago)");
    CHECK(moment_words(view, Instant(1008s)) == "13:34:51 (in 8 s)");
    CHECK(moment_words(view, wall + 24h) == "Fri Jan 19 13:34:43 2007 (in 1 d)");
    CHECK(time_words(view, wall - 24h * 365) == "Wed Jan 18 13:34:43 2006");
}

TEST_CASE("a command that is advised can be typed as it stands") {
    View view = view_with({"crond", "java -Dapp=shop", "it's", "twin", "twin", "8033", "-odd"});
    CHECK(clear_of(view, 0) == "padmin -f /etc/banken/pfile_cron -c clear crond");
    CHECK(clear_of(view, 1) == "padmin -f /etc/banken/pfile_cron -c clear 'java -Dapp=shop'");
    CHECK(clear_of(view, 2) == R"(padmin -f /etc/banken/pfile_cron -c clear 'it'\''s')");
    CHECK(clear_of(view, 3) == "padmin -f /etc/banken/pfile_cron -c clear 4");
    CHECK(clear_of(view, 5) == "padmin -f /etc/banken/pfile_cron -c clear 6");
    CHECK(clear_of(view, 6) == "padmin -f /etc/banken/pfile_cron -c clear 7");
    view.header.pfile = "/etc/my pfile";
    CHECK(clear_of(view, 0) == "padmin -f '/etc/my pfile' -c clear crond");
}
