// SPDX-License-Identifier: Apache-2.0
#include "common/sys/pidfd_set.hpp"

#include <doctest/doctest.h>

#include <list>
#include <set>

#include "tests/unit/child_process.hpp"

using namespace banken;
using namespace banken::sys;
using banken::test::await;
using banken::test::Child;
using banken::test::exits_with;
using banken::test::Pipe;

namespace {

PidfdSet open_set() {
    auto set = PidfdSet::open();
    REQUIRE(set);
    return *std::move(set);
}

}  // namespace

TEST_CASE("a death is told once") {
    PidfdSet set = open_set();
    const Child child(exits_with(1));
    const auto ref = PidRef::open(child.id());
    REQUIRE(set.add(ref->fd(), 17));
    CHECK(set.take().empty());
    child.let_go();
    await(set.fd());
    const auto ready = set.take();
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].token == 17);
    CHECK_FALSE(ready[0].reaped);
    CHECK(set.take().empty());
}

TEST_CASE("the reap after the death is told where the kernel tells exit statuses") {
    if (!kernel_tells_exit_status()) return;
    PidfdSet set = open_set();
    const Child child(exits_with(1));
    const auto ref = PidRef::open(child.id());
    REQUIRE(set.add(ref->fd(), 17));
    child.let_go();
    await(set.fd());
    REQUIRE(set.take().size() == 1);
    REQUIRE(set.await_reap(ref->fd(), 17));
    CHECK(set.take().empty());
    child.reap();
    const auto ready = set.take();
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].reaped);
    CHECK(set.take().empty());
}

TEST_CASE("what was removed is not told") {
    PidfdSet set = open_set();
    const Child child(exits_with(1));
    const auto ref = PidRef::open(child.id());
    REQUIRE(set.add(ref->fd(), 17));
    set.remove(ref->fd());
    child.end();
    CHECK(set.take().empty());
}

TEST_CASE("a descriptor that is no pidfd is told as long as it is readable") {
    PidfdSet set = open_set();
    const Pipe pipe;
    REQUIRE(set.add_readable(pipe.read_end.get(), 3));
    pipe.put();
    CHECK(set.take().size() == 1);
    CHECK(set.take().size() == 1);
    CHECK(pipe.take<char>() == '.');
    CHECK(set.take().empty());
}

TEST_CASE("a closed descriptor is refused") {
    const auto added = open_set().add(9999, 1);
    REQUIRE_FALSE(added);
    CHECK(added.error().number == EBADF);
}

TEST_CASE("a storm of deaths comes in batches, each death once") {
    PidfdSet set = open_set();
    std::list<Child> children;
    std::list<PidRef> refs;
    for (std::uint64_t token = 1; token <= 150; ++token) {
        const Child& child = children.emplace_back(exits_with(1));
        const PidRef& ref = refs.emplace_back(*PidRef::open(child.id()));
        REQUIRE(set.add(ref.fd(), token));
    }
    for (const Child& child : children) child.end();
    std::set<std::uint64_t> seen;
    std::vector<std::size_t> sizes;
    do {
        const auto ready = set.take();
        sizes.push_back(ready.size());
        for (const auto& one : ready) seen.insert(one.token);
    } while (sizes.back() == PidfdSet::batch);
    CHECK(sizes == std::vector<std::size_t>{64, 64, 22});
    CHECK(seen.size() == 150);
}
