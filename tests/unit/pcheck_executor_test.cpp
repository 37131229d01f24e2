// SPDX-License-Identifier: Apache-2.0
// The executor with real kernel objects and a real core whose actions the test hands over.
#include "pcheck/executor.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <variant>

#include "common/pfile.hpp"
#include "tests/unit/private_key.hpp"
#include "tests/unit/temporary_directory.hpp"

using namespace banken;
using namespace std::chrono_literals;

namespace {

Pfile pfile_of(const std::string& script) {
    ParsedPfile parsed =
        parse_pfile(fmt::format("IPCKEY 0x1f000501\nSHM_DUMP_FILE /dump\nCONFIRM_WAIT 0\nalpha:{}:86400:3:continue\n", script));
    for (const Diagnostic& diagnostic : parsed.diagnostics)
        CHECK_MESSAGE(diagnostic.severity != Diagnostic::Severity::error, diagnostic.text);
    return std::move(parsed.pfile);
}

struct Edges : test::PrivateKey {
    core::Supervisor core;
    sys::EventLoop loop = sys::EventLoop::open().value();
    sys::Log log = sys::Log::open({}, {}).value();
    SegmentWriter segment;
    OrderServer orders{segment.words(), segment.slots(), [](ProcessId) { return true; }};
    Deaths deaths = Deaths::open({}, true, {[](auto...) {}, [](auto...) {}, [](const std::string&) {}}).value();
    Sweep sweep = Sweep::open({[](core::Looked) {}, [] {}, [](std::size_t) {}, [](const std::string&) {}}).value();
    sys::Spawner spawner = sys::Spawner::open(sys::Inheritance::of_this_process()).value();
    sys::Worker files = sys::Worker::open(1, 4).value();
    std::optional<Heartbeats> heartbeats;
    HeartbeatFiles heartbeat_files{sys::Worker::open(1, 1).value(), {[](core::HeartbeatRead) {}, [](const std::string&) {}}};
    ServiceUnits units{sys::Worker::open(1, 1).value(), {}};
    std::vector<core::Event> fed;
    std::function<void()> on_feed = [] {};
    Executor executor;

    explicit Edges(Pfile pfile)
        : core(std::move(pfile), {}, Now{}),
          segment(open_segment()),
          executor({loop, log, segment, orders, deaths, sweep, spawner, files, heartbeats, heartbeat_files, units}, core, {}, "/etc/pfile",
                   [this](const core::Event& event) {
                       fed.push_back(event);
                       on_feed();
                   }) {}
    [[nodiscard]] SegmentWriter open_segment() const {
        Param param = core.param();
        param.ipc_key = key;
        SegmentRequest request;
        request.pfile = "/etc/pfile";
        return SegmentWriter::open(param, request, Now{Instant(1000s), {}, 0}).value();
    }
};

ProcessId self() { return sys::read_stat(::getpid()).value().id(); }

// What the core wants run for an entry that is absent at the start.
core::RunScript first_script(core::Supervisor& core, core::EntryKey entry) {
    std::vector<core::Action> actions = core.step(core::Looked{entry, 0, {}}, Now{});
    std::ranges::copy(core.step(core::FirstSweepDone{}, Now{}), std::back_inserter(actions));
    for (std::size_t next = 0; next < actions.size(); ++next) {
        if (const auto* run = std::get_if<core::RunScript>(&actions[next])) return *run;
        const auto* look = std::get_if<core::Look>(&actions[next]);
        if (look) std::ranges::copy(core.step(core::Looked{entry, look->number, {}}, Now{}), std::back_inserter(actions));
    }
    return {};
}

}  // namespace

TEST_CASE("what an action results in is told when the whole batch is done") {
    Edges edges(pfile_of("/bin/true"));
    const core::EntryKey entry = edges.core.entries().front();
    bool ended_before = false;
    edges.on_feed = [&] { ended_before = edges.executor.end().has_value(); };
    edges.executor.perform({core::Measure{entry, self()}, core::End{}});
    REQUIRE(edges.fed.size() == 1);
    CHECK(std::holds_alternative<core::Measured>(edges.fed[0]));
    CHECK(ended_before);
}

TEST_CASE("results of what a result has led to are told after those that wait") {
    Edges edges(pfile_of("/bin/true"));
    const core::EntryKey entry = edges.core.entries().front();
    edges.on_feed = [&] {
        if (edges.fed.size() == 1) edges.executor.perform({core::WriteDump{2}, core::WriteDump{3}, core::Measure{entry, self()}});
    };
    edges.executor.perform({core::Measure{entry, self()}, core::Measure{entry, self()}});
    REQUIRE(edges.fed.size() == 4);
    CHECK(std::holds_alternative<core::Measured>(edges.fed[1]));
    const auto* refused = std::get_if<core::DumpDone>(&edges.fed[2]);
    REQUIRE(refused);
    CHECK(refused->order == 3);
    CHECK(refused->error == "another dump is being written");
    CHECK(std::holds_alternative<core::Measured>(edges.fed[3]));
}

TEST_CASE("a dump is written again when the one before is done") {
    const test::TemporaryDirectory directory;
    Pfile pfile = pfile_of("/bin/true");
    pfile.param.shm_dump_file = directory / "dump";
    Edges edges(std::move(pfile));
    for (const core::OrderId order : {1u, 2u}) {
        edges.executor.perform({core::WriteDump{order}});
        edges.files.drain_within(20s);
        REQUIRE(edges.fed.size() == order);
        CHECK(std::get<core::DumpDone>(edges.fed.back()).error.empty());
    }
}

TEST_CASE("a script of a run that the core knows no more is not started, nor one after the end") {
    Edges edges(pfile_of("/bin/true"));
    const core::EntryKey entry = edges.core.entries().front();
    edges.executor.perform({core::RunScript{77, entry, core::ScriptKind::restart}, core::RunScript{78, 99, core::ScriptKind::restart}});
    CHECK(edges.fed.empty());
    const core::RunScript wanted = first_script(edges.core, entry);
    REQUIRE(edges.core.entry_of(wanted.run) == entry);
    edges.executor.perform({core::End{}, wanted});
    CHECK(edges.fed.empty());
}

TEST_CASE("a script that a reload has taken away is told as not executed") {
    Edges edges(pfile_of("/bin/true"));
    const core::EntryKey entry = edges.core.entries().front();
    core::RunScript wanted = first_script(edges.core, entry);
    REQUIRE(edges.core.entry_of(wanted.run) == entry);
    wanted.kind = core::ScriptKind::check;  // the entry has none
    edges.executor.perform({wanted});
    REQUIRE(edges.fed.size() == 1);
    const auto& ended = std::get<core::ScriptEnded>(edges.fed[0]);
    CHECK(ended.run == wanted.run);
    CHECK(ended.how == core::ScriptEnded::How::not_executed);
    CHECK(ended.reason == "it has none any more");
}
