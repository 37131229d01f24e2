// SPDX-License-Identifier: Apache-2.0
#include "pcheck/service_units.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/unit/child_process.hpp"

using namespace banken;
using banken::test::Child;

namespace {

// A cgroup as a service manager makes it, with one process in it; none where we may not make one.
class Service {
public:
    explicit Service(const std::string& name)
        : name_(fmt::format("banken-{}-{}.service", name, ::getpid())),
          path_("/sys/fs/cgroup/systemd/" + name_),
          child_([] { ::pause(); }) {
        made_ = ::mkdir(path_.c_str(), 0755) == 0 && (std::ofstream(path_ + "/cgroup.procs") << child_.id().pid).flush().good();
    }
    Service(Service&&) = delete;
    Service& operator=(Service&&) = delete;
    ~Service() {
        if (const auto ref = sys::PidRef::open(child_.id())) {
            std::ignore = ref->signal(SIGKILL);
            test::await(ref->fd());
        }
        child_.reap();
        ::rmdir(path_.c_str());
    }
    [[nodiscard]] bool made() const { return made_; }
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] ProcessId process() const { return child_.id(); }

private:
    std::string name_, path_;
    Child child_;
    bool made_ = false;
};

sys::Worker one_thread() { return sys::Worker::open(1, 1).value(); }

void wait_for_answer(ServiceUnits& units) {
    test::await(units.fd());
    units.drain();
}

}  // namespace

TEST_CASE("a process that no service holds is brought back by nobody") {
    ServiceUnits units(one_thread(), [](const std::vector<std::string>&) { return ServiceUnits::Answers(); });
    const Child child(test::exits_with(0));
    units.follow(1, child.id());
    CHECK_FALSE(units.brings_back(1));
    CHECK_FALSE(units.brings_back(2));
}

TEST_CASE("a service restarts what it holds until systemd has said that it does not") {
    const Service no("no"), always("always");
    if (!no.made() || !always.made()) {
        MESSAGE("no cgroup of ours can be made here: skipped");
        return;
    }
    ServiceUnits units(one_thread(), [&](const std::vector<std::string>&) {
        return ServiceUnits::Answers{{no.name(), "no"}, {always.name(), "on-failure"}};
    });
    units.follow(1, no.process());
    CHECK(units.brings_back(1));
    wait_for_answer(units);
    CHECK_FALSE(units.brings_back(1));
    units.follow(2, always.process());
    wait_for_answer(units);
    CHECK(units.brings_back(2));
    units.follow(1, no.process());  // asked again, and known meanwhile
    CHECK_FALSE(units.brings_back(1));
    units.unfollow(2);
    CHECK_FALSE(units.brings_back(2));
}

TEST_CASE("without an answer a service restarts, and where systemd is not the init nobody is asked") {
    const Service mute("mute");
    if (!mute.made()) return;
    ServiceUnits units(one_thread(), [](const std::vector<std::string>&) { return ServiceUnits::Answers(); });
    units.follow(1, mute.process());
    wait_for_answer(units);
    CHECK(units.brings_back(1));
    ServiceUnits elsewhere(one_thread(), {});
    elsewhere.follow(1, mute.process());
    CHECK_FALSE(elsewhere.brings_back(1));
}

TEST_CASE("a service that no thread could be had for is asked for later") {
    const Service one("later");
    if (!one.made()) return;
    sys::Worker busy = one_thread();
    const test::Pipe go_on;
    REQUIRE(busy.submit([fd = go_on.read_end.get()] {
        char byte = 0;
        [[maybe_unused]] const auto got = ::read(fd, &byte, 1);
        return sys::Worker::Then();
    }));
    ServiceUnits units(std::move(busy), [&](const std::vector<std::string>&) { return ServiceUnits::Answers{{one.name(), "no"}}; });
    units.follow(1, one.process());
    CHECK(units.brings_back(1));
    go_on.put('+');
    wait_for_answer(units);
    wait_for_answer(units);
    CHECK_FALSE(units.brings_back(1));
}

TEST_CASE("many services are asked for in batches, each once") {
    std::vector<std::size_t> batches;
    const Service one("one");
    if (!one.made()) return;
    ServiceUnits units(one_thread(), [&](const std::vector<std::string>& services) {
        batches.push_back(services.size());
        return ServiceUnits::Answers();
    });
    for (core::EntryKey entry = 1; entry <= 10; ++entry) units.follow(entry, one.process());
    wait_for_answer(units);
    wait_for_answer(units);
    CHECK(batches == std::vector<std::size_t>{1, 1});
}
