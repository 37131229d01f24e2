// SPDX-License-Identifier: Apache-2.0
// Which process is the main process (spec/pfile.md, Matching): roots, orphans, hand-over, ambiguity.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/fake/core_world.hpp"

using namespace banken;
using namespace banken::core;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

namespace {

Candidate process(pid_t pid, BootTicks start) {
    Candidate candidate;
    candidate.id = {pid, start};
    candidate.session = pid;
    candidate.argv0 = "nginx";
    return candidate;
}

Candidate worker(pid_t pid, BootTicks start, pid_t session) {
    Candidate candidate = process(pid, start);
    candidate.root = false;
    candidate.fork_no_exec = true;
    candidate.session = session;
    return candidate;
}

FollowMemory after(const Candidate& main, std::vector<Candidate> known, BootTicks death) {
    FollowMemory memory;
    memory.last = main;
    known.push_back(main);
    memory.known = std::move(known);
    note_death(memory, death, death);
    return memory;
}

pid_t chosen(const Choice& choice) { return choice.chosen ? choice.chosen->id.pid : 0; }

}  // namespace

TEST_CASE("of several roots the oldest is chosen, and age alone is said") {
    const std::vector matches{process(7, 70), process(5, 50), process(6, 60)};
    const Choice choice = choose(matches, {}, Scope::any_age, false);
    CHECK(chosen(choice) == 5);
    CHECK(choice.by_age_alone);
    CHECK(choice.roots == 3);
}

TEST_CASE("a process whose parent matches too is no root") {
    CHECK(chosen(choose(std::vector{worker(5, 50, 4), process(6, 60)}, {}, Scope::any_age, false)) == 6);
    CHECK(chosen(choose(std::vector{worker(5, 50, 4)}, {}, Scope::any_age, false)) == 0);
}

TEST_CASE("the argv[0] of the last main process goes first, then who is in no login session") {
    FollowMemory memory;
    memory.last = process(1, 10);
    memory.last->argv0 = "sshd: listener";
    Candidate session = process(5, 50), listener = process(6, 60);
    session.argv0 = "sshd: root@notty";
    listener.argv0 = "sshd: listener";
    const std::vector both{session, listener};
    const Choice choice = choose(both, memory, Scope::any_age, false);
    CHECK(chosen(choice) == 6);
    CHECK_FALSE(choice.by_age_alone);
    session.in_session_scope = true;
    CHECK(chosen(choose(std::vector{session, listener}, {}, Scope::any_age, false)) == 6);
}

TEST_CASE("nobody of another uid stands in for the last main process") {
    FollowMemory memory;
    memory.last = process(1, 10);
    Candidate stranger = process(5, 50);
    stranger.user = 1000;
    CHECK(chosen(choose(std::vector{stranger}, memory, Scope::any_age, true)) == 0);
}

TEST_CASE("as root system users go before people, and a person's process is told") {
    Candidate person = process(5, 50), daemon = process(6, 60);
    person.user = 1000;
    daemon.user = 33;
    CHECK(chosen(choose(std::vector{person, daemon}, {}, Scope::any_age, true)) == 6);
    CHECK(chosen(choose(std::vector{person, daemon}, {}, Scope::any_age, false)) == 5);
    CHECK(choose(std::vector{person}, {}, Scope::any_age, true).a_persons);
}

TEST_CASE("a person's process that user= asks for is not told") {
    World world("app:/bin/restart:86400:3:continue:user=1000\nweb:/bin/restart:86400:3:continue", {}, true);
    Candidate person = process(100, 10);
    person.user = 1000;
    world.add(1, person);
    world.add(2, person);
    world.start_up();
    const auto lines = world.log();
    CHECK(std::ranges::count(lines, "Ambiguous match (app): 1 processes, watching pid=100") == 0);
    CHECK(std::ranges::count(lines, "Ambiguous match (web): 1 processes, watching pid=100") == 1);
}

TEST_CASE("workers that survive their master are orphans, in their own session too") {
    const Candidate master = process(10, 100);
    const Candidate below = worker(11, 110, 11), in_session = worker(12, 110, 10);
    const FollowMemory memory = after(master, {below, in_session}, 500);
    Candidate freed = below;
    freed.root = true;  // its parent is dead
    Candidate late = worker(13, 499, 10);
    late.root = true;  // forked since the last look, in the session of the dead one
    CHECK(chosen(choose(std::vector{freed, late}, memory, Scope::any_age, false)) == 0);
}

TEST_CASE("after a loss only roots younger than the death count") {
    const FollowMemory memory = after(process(10, 100), {}, 500);
    CHECK(chosen(choose(std::vector{process(20, 499)}, memory, Scope::after_the_loss, false)) == 0);
    CHECK(chosen(choose(std::vector{process(20, 501)}, memory, Scope::after_the_loss, false)) == 20);
    CHECK(chosen(choose(std::vector{process(20, 499)}, memory, Scope::any_age, false)) == 20);
}

TEST_CASE("a replacement that starts in the very tick of the death is younger, unless it was known before") {
    const Candidate twin = process(20, 500);
    CHECK(chosen(choose(std::vector{twin}, after(process(10, 100), {}, 500), Scope::after_the_loss, false)) == 20);
    CHECK(chosen(choose(std::vector{twin}, after(process(10, 100), {twin}, 500), Scope::after_the_loss, false)) == 0);
}

TEST_CASE("whoever has the pid of the dead main process is younger than its death, and no orphan of its session") {
    const Candidate main = process(7, 70);
    const FollowMemory memory = after(main, {}, 100);
    CHECK(chosen(choose(std::vector{process(7, 90)}, memory, Scope::after_the_loss, false)) == 7);
    CHECK(chosen(choose(std::vector{process(7, 90)}, memory, Scope::any_age, false)) == 7);
    CHECK(chosen(choose(std::vector{main}, memory, Scope::any_age, false)) == 0);
}

TEST_CASE("a survivor takes over when it has exec'ed, was a root before, or the dead one was young") {
    const Candidate master = process(10, 100);
    Candidate child = worker(11, 400, 11);
    child.root = true;
    CHECK_FALSE(taker_over(std::vector{child}, after(master, {}, 500), false));
    CHECK(taker_over(std::vector{child}, after(master, {}, 500), true));
    Candidate upgraded = child;
    upgraded.fork_no_exec = false;
    CHECK(taker_over(std::vector{upgraded}, after(master, {}, 500), false));
    CHECK(taker_over(std::vector{child}, after(master, {child}, 500), false));
    CHECK(taker_over(std::vector{child}, after(master, {child}, child.id.start - 1), true));  // known before: the death was noticed later
    Candidate other_name = upgraded;
    other_name.argv0 = "nginx: worker";
    CHECK_FALSE(taker_over(std::vector{other_name}, after(master, {}, 500), false));
}

TEST_CASE("a daemon that goes to the background is handed over: one more Up, no Down, no count") {
    World world("crond:/bin/restart:86400:3:continue");
    world.run(1, 100);
    world.start_up();
    world.pass(1s);
    Candidate child;
    child.id = {101, world.now.ticks};
    child.session = 101;
    child.fork_no_exec = true;
    child.argv0 = "daemon";
    world.add(1, child);
    world.die(1, {Cause::Kind::status, 0});
    CHECK(world.log() == Lines{"(crond ,pid=100) Up", "(crond ,pid=101) Up"});
    CHECK(world.entry(1).window.count == 0);
}

TEST_CASE("a chain of hand-overs that never settles ends in Down") {
    World world("crond:/bin/restart:86400:3:continue");
    world.run(1, 100);
    world.start_up();
    for (pid_t pid = 101; pid < 110; ++pid) {
        world.pass(100ms);
        world.run(1, pid);
        if (world.entry(1).main) world.die(1, {Cause::Kind::status, 0});
    }
    const auto lines = world.log();
    CHECK(std::ranges::count_if(lines, [](const std::string& line) { return line.ends_with("Up"); }) == 10);
    CHECK(std::ranges::count_if(lines, [](const std::string& line) { return line.ends_with("Down"); }) == 1);
}

TEST_CASE("a crash hands nothing over: workers do not stand in for their master") {
    World world("nginx:/bin/restart:86400:3:continue");
    world.run(1, 100);
    world.start_up();
    world.pass(60s);
    Candidate child = worker(101, 1, 100);
    world.add(1, child);
    world.sweep();
    world.crash(1);
    CHECK(world.state(1) == "RESTART");
    world.script_exits(1, 0);
    CHECK(world.state(1) == "START");  // the worker is there, and does not count
}

TEST_CASE("a further root is told once, and again when a new one comes after it was gone") {
    World world("crond:/bin/restart:86400:3:continue");
    world.run(1, 100);
    world.start_up();
    static_cast<void>(world.log());
    world.run(1, 200);
    world.sweep();
    world.sweep();
    CHECK(world.log() == Lines{"Ambiguous match (crond): 2 processes, watching pid=100"});
}

TEST_CASE("a main process that execs into something else is lost without a known cause") {
    World world("crond:/bin/restart:86400:3:continue");
    world.run(1, 100);
    world.start_up();
    static_cast<void>(world.log());
    world.vanish(1);
    world.sweep();
    CHECK(world.log() == Lines{"Process [crond, pid=100] Down", "Cause [crond, pid=100] unknown (gone before it could be read)"});
    CHECK(world.state(1) == "DOWN confirm");
}

TEST_CASE("that two entries follow one process is told once, and again when both follow another") {
    World world("web:-:3600:3:continue\nsite:-:3600:3:continue");
    const auto told = [&world] {
        Lines lines = world.log();
        std::erase_if(lines, [](const std::string& line) { return line.find("same process") == std::string::npos; });
        return lines;
    };
    world.add(1, process(100, 10));
    world.add(2, process(100, 10));
    world.start_up();
    CHECK(told() == Lines{"entries web (pent_id 1) and site (pent_id 2) follow the same process, pid=100"});
    world.sweep();
    world.pass(60s);
    CHECK(told() == Lines{});

    world.end_orderly(1);
    world.end_orderly(2);
    const Candidate next = process(200, world.now.ticks + 1);
    world.add(2, next);
    world.sweep();
    CHECK(told() == Lines{});
    world.add(1, next);
    world.sweep();
    CHECK(told() == Lines{"entries site (pent_id 2) and web (pent_id 1) follow the same process, pid=200"});
}
