// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "common/sys/semaphore.hpp"
#include "common/sys/shm.hpp"
#include "tests/unit/private_key.hpp"

using namespace banken;
using namespace banken::sys;
using banken::test::PrivateKey;

namespace {

// Runs `body` in a child, which then waits to be killed. Returns its pid once body has returned true.
template <class Body>
pid_t child_that(Body body) {
    int pipe_ends[2];
    REQUIRE(pipe(pipe_ends) == 0);
    const pid_t pid = fork();
    if (pid == 0) {
        if (body() && write(pipe_ends[1], "", 1) == 1) pause();
        _exit(1);
    }
    close(pipe_ends[1]);
    char byte = 0;
    const bool ready = read(pipe_ends[0], &byte, 1) == 1;
    close(pipe_ends[0]);
    REQUIRE(ready);
    return pid;
}

void end(pid_t child) {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
}

}  // namespace

TEST_CASE("whose System V objects are believed") {
    const IpcPermissions root{.owner = 0, .creator = 0, .mode = 0600, .removed = false};
    CHECK(believe(root, {}));
    IpcPermissions other = root;
    other.creator = 12345;
    CHECK(believe(other, {}).error().text == "it belongs to uid 12345");
    CHECK(believe(other, 12345));
    other.owner = 999;
    CHECK_FALSE(believe(other, 12345));
    IpcPermissions writable = root;
    writable.mode = 0620;
    CHECK(believe(writable, {}).error().text == "it is writable by others (mode 0620)");
    IpcPermissions readable = root;
    readable.mode = 0640;
    CHECK(believe(readable, {}));
    IpcPermissions removed = root;
    removed.removed = true;
    CHECK_FALSE(believe(removed, {}));
}

TEST_CASE("a segment is made once at a key, found, attached and removed") {
    const PrivateKey at;
    CHECK(find_segment(at.key).error().number == ENOENT);
    const auto segment = Segment::create(at.key, 1 << 16, {});
    REQUIRE(segment);
    CHECK(Segment::create(at.key, 1 << 16, {}).error().number == EEXIST);
    segment->words()[3] = 42;

    const auto stat = find_segment(at.key);
    REQUIRE(stat);
    CHECK(stat->key == at.key);
    CHECK(stat->bytes == 1 << 16);
    CHECK(stat->permissions.mode == 0600);
    CHECK(stat->permissions.creator == geteuid());
    CHECK(Segment::attach(*stat, Segment::Access::read)->words()[3] == 42);
    CHECK(std::ranges::count(all_segments(), at.key, &SegmentStat::key) == 1);

    CHECK_FALSE(segment->removed());
    CHECK(segment->remove());
    CHECK(segment->removed());
    CHECK(segment->words()[3] == 42);
    CHECK(find_segment(at.key).error().number == ENOENT);
    CHECK(Segment::create(at.key, 1 << 16, {}));
}

TEST_CASE("a group may be let read") {
    const PrivateKey at;
    const auto segment = Segment::create(at.key, 4096, gid_t{12});
    REQUIRE(segment);
    CHECK(find_segment(at.key)->permissions.mode == 0640);
}

TEST_CASE("a key is owned by one, and free again when its owner is killed") {
    const PrivateKey at;
    CHECK(key_is_held(at.key, {}).error().number == ENOENT);
    const auto take = [&] { return Ownership::take({.key = at.key, .readers = {}, .pfile_owner = {}}); };
    const pid_t child = child_that([&] {
        static auto owned = take();
        return owned.has_value();
    });
    CHECK(key_is_held(at.key, {}).value());
    CHECK(holder_of(at.key) == child);
    CHECK(take().error().number == EAGAIN);
    end(child);
    CHECK_FALSE(key_is_held(at.key, {}).value());
    {
        const auto owned = take();
        CHECK(owned);
        CHECK(key_is_held(at.key, {}).value());
    }
    CHECK_FALSE(key_is_held(at.key, {}).value());
}

TEST_CASE("a program executed in place goes on with the key that its process holds, and with no other") {
    const PrivateKey at;
    const auto take = [&](bool in_place) {
        return Ownership::take({.key = at.key, .readers = {}, .pfile_owner = {}, .in_place = in_place});
    };
    {
        const auto owned = take(false);
        REQUIRE(owned);
        CHECK(take(false).error().number == EAGAIN);
        const auto again = take(true);
        CHECK(again);
    }
    const pid_t other = child_that([&] {
        static auto owned = take(false);
        return owned.has_value();
    });
    CHECK(take(true).error().number == EAGAIN);
    end(other);
}

TEST_CASE("the semaphore that was made for nothing is removed, and so is the one of an ordered end") {
    const PrivateKey at;
    const Ownership::Request request{.key = at.key, .readers = gid_t{12}, .pfile_owner = {}};
    CHECK(Ownership::take(request));
    CHECK(key_is_held(at.key, {}).error().number == ENOENT);
    auto owned = Ownership::take(request);
    REQUIRE(owned);
    CHECK(owned->remove());
    CHECK(key_is_held(at.key, {}).error().number == ENOENT);
}

TEST_CASE("a semaphore of somebody else is refused and left untouched") {
    const PrivateKey at;
    for (const int size : {1, 2}) {
        const int id = semget(static_cast<key_t>(at.key), size, IPC_CREAT | 0600);
        REQUIRE(id >= 0);
        REQUIRE(semctl(id, size - 1, SETVAL, 7) == 0);
        const auto owned = Ownership::take({.key = at.key, .readers = {}, .pfile_owner = {}});
        CHECK(owned.error().number == 0);
        CHECK(owned.error().text == "it is not of pcheck");
        CHECK(semctl(id, size - 1, GETVAL) == 7);
        CHECK(key_is_held(at.key, {}).error().number == 0);
        at.clear();
    }
}
