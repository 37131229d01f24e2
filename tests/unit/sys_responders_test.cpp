// SPDX-License-Identifier: Apache-2.0
// As root: trust is judged for its files.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "common/sys/background.hpp"
#include "common/sys/clock.hpp"
#include "common/sys/responder_keeper.hpp"
#include "common/sys/responder_list.hpp"
#include "tests/unit/child_process.hpp"
#include "tests/unit/temporary_directory.hpp"

using namespace banken;
using namespace banken::sys;
using namespace std::chrono_literals;
using banken::test::TemporaryDirectory;
using Words = std::vector<std::string>;

namespace {

std::string script(const std::string& path, const std::string& body, mode_t mode = 0755) {
    std::ofstream(path) << "#!/bin/sh\n" << body << "\n";
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    return path;
}

Spawner spawner() { return Spawner::open(Inheritance::of_this_process()).value(); }

ScriptStart start_of(const std::string& path, const Words& words = {}) {
    ScriptStart start;
    start.command.argv = {path};
    start.command.argv.insert(start.command.argv.end(), words.begin(), words.end());
    start.environment = {"PATH=/usr/bin:/bin"};
    start.output = ScriptOutput::null;
    start.check_trust = false;
    return start;
}

// Until one has ended; `now` is what the test says, not what the clock does.
ResponderKeeper::Ended next_end(ResponderKeeper& keeper, Instant now) {
    std::vector<ResponderKeeper::Ended> ended;
    while ((ended = keeper.turn(now)).empty()) banken::test::await(keeper.fd());
    REQUIRE(ended.size() == 1);
    return ended.front();
}

}  // namespace

TEST_CASE("responders are executable regular files, in byte order, directory after directory") {
    const TemporaryDirectory root;
    for (const auto* directory : {"one", "two"}) REQUIRE(::mkdir((root / directory).c_str(), 0755) == 0);
    for (const auto* name : {"b", "a", "B", "10", "9", "x~", ".x", "x.bak", "x.rpmsave"}) script(root / "one/" + name, "");
    script(root / "one/plain", "", 0644);
    REQUIRE(::mkdir((root / "one/directory").c_str(), 0755) == 0);
    REQUIRE(::mkfifo((root / "one/fifo").c_str(), 0755) == 0);
    REQUIRE(::symlink((root / "one/a").c_str(), (root / "two/link").c_str()) == 0);
    const auto list = list_responders(Words{root / "one", root / "missing", root / "one/a", root / "two"}, std::nullopt);
    CHECK(list.paths == Words{root / "one/10", root / "one/9", root / "one/B", root / "one/a", root / "one/b", root / "two/link"});
    CHECK(list.refused.empty());
}

TEST_CASE("what others could have written, and a link that leads nowhere, is refused and told") {
    const TemporaryDirectory root;
    script(root / "good", "");
    script(root / "loose", "", 0777);
    REQUIRE(::symlink("/nowhere/at/all", (root / "dangling").c_str()) == 0);
    const auto list = list_responders(Words{root.path()}, ::geteuid());
    CHECK(list.refused == Words{(root / "dangling") + ": No such file or directory", (root / "loose") + " is writable by others"});
    CHECK(list.paths == Words{root / "good"});
    CHECK(list_responders(Words{root.path()}, std::nullopt).paths == Words{root / "good", root / "loose"});
}

TEST_CASE("what a responder came to is told once") {
    const TemporaryDirectory root;
    auto keeper = ResponderKeeper::open(300s).value();
    auto starter = spawner();
    const Instant now = read_instant();
    const std::vector<std::pair<std::string, std::string>> cases{
        {"exit 0", ""}, {"exit 3", "status=3"}, {"kill -9 $$", "signal=9"}, {"[ \"$1\" = 'a b' ] && [ -z \"$2\" ]", ""}};
    for (const auto& [body, failure] : cases) {
        const auto path = script(root / "responder", body);
        REQUIRE(keeper.start(starter, start_of(path, {"a b", ""}), now));
        const auto ended = next_end(keeper, now);
        CHECK(ended.path == path);
        CHECK(ended.failure == failure);
        CHECK(keeper.running() == 0);
        CHECK_FALSE(keeper.next_deadline());
    }
    REQUIRE(keeper.start(starter, start_of(root / "missing"), now));
    CHECK(next_end(keeper, now).failure == "cannot execute: No such file or directory");
    auto untrusted = start_of(script(root / "loose", "", 0777));
    untrusted.check_trust = true;
    REQUIRE(keeper.start(starter, untrusted, now));
    CHECK(next_end(keeper, now).failure == "refused: " + (root / "loose") + " is writable by others");
}

TEST_CASE("a responder that takes too long gets TERM, its group too, and what ignores that is killed 5 s later") {
    const TemporaryDirectory root;
    for (const auto* fifo : {"held", "never"}) REQUIRE(::mkfifo((root / fifo).c_str(), 0600) == 0);
    auto keeper = ResponderKeeper::open(300s).value();
    auto starter = spawner();
    const Instant now = read_instant();
    const std::string hang = "trap '' TERM; read x < " + (root / "never");
    const auto path = script(root / "deaf", "exec 9> " + (root / "held") + "\n(" + hang + ") &\n" + hang);
    REQUIRE(keeper.start(starter, start_of(path), now));
    std::ifstream held(root / "held");  // its end is the end of both
    CHECK(keeper.next_deadline() == now + 300s);
    CHECK(keeper.turn(now + 299s).empty());
    CHECK(keeper.turn(now + 300s).empty());
    CHECK(keeper.next_deadline() == now + 305s);
    CHECK(keeper.turn(now + 304s).empty());
    CHECK(keeper.turn(now + 305s).empty());
    CHECK(next_end(keeper, now + 305s).failure == "timeout=300s");
    CHECK(keeper.running() == 0);
    std::string line;
    CHECK_FALSE(std::getline(held, line));
}

TEST_CASE("what a responder leaves behind goes on when it ended in time") {
    const TemporaryDirectory root;
    REQUIRE(::mkfifo((root / "go").c_str(), 0600) == 0);
    REQUIRE(::mkfifo((root / "done").c_str(), 0600) == 0);
    auto keeper = ResponderKeeper::open(300s).value();
    auto starter = spawner();
    const auto path = script(root / "leaves", "(read x < " + (root / "go") + "; echo $x > " + (root / "done") + ") &");
    REQUIRE(keeper.start(starter, start_of(path), read_instant()));
    CHECK(next_end(keeper, read_instant()).failure.empty());
    std::ofstream(root / "go") << "still-there\n";
    std::string line;
    std::ifstream(root / "done") >> line;
    CHECK(line == "still-there");
}

TEST_CASE("the background tells numbers, and its end") {
    auto background = Background::start(Background::Output::dropped, [](const Background::Tell& tell) {
        tell(7);
        tell(::getsid(0) == ::getpid() ? 1 : 0);
    });
    REQUIRE(background);
    CHECK(background->next() == 7);
    CHECK(background->next() == 1);
    CHECK_FALSE(background->next());
}

TEST_CASE("a time of twelve digits is local time") {
    ::setenv("TZ", "UTC-9", 1);
    ::tzset();
    CHECK(time_of_digits("070118133443") == WallTime(1169094883s));
    for (const auto* wrong :
         {"", "0701181334", "07011813344x", "071318133443", "070118256060", "070230000000", "070431120000", "0701181334430"})
        CHECK_FALSE(time_of_digits(wrong));
    ::unsetenv("TZ");
    ::tzset();
}
