// SPDX-License-Identifier: Apache-2.0
#include "pcheck/core/record.hpp"

#include <doctest/doctest.h>

#include "common/text.hpp"
#include "tests/fake/core_world.hpp"

using namespace banken;
using namespace banken::core;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view two =
    "crond:/etc/restart:3600:3:continue\nnginx:/etc/restart -x:3600:3:hold:confirm=1.5:args=a \\\\ \"b\" \\: c\n";
const Now now{Instant(5s), WallTime(1'000'000s), 777};

// As it comes out again. A long one takes several records.
Event again(const Event& event, const Supervisor& core) {
    RecordReader reader;
    std::optional<Told> told;
    for (const TraceRecord& record : records_of({event, now}, core)) {
        REQUIRE(!told);
        REQUIRE(record.detail.size() <= 383);
        const auto taken = reader.take(record, core);
        REQUIRE_MESSAGE(taken, (taken ? "" : taken.error().text));
        told = *taken;
    }
    REQUIRE(told);
    CHECK(told->now.instant == now.instant);
    CHECK(told->now.wall == now.wall);
    CHECK(told->now.ticks == now.ticks);
    REQUIRE(told->event.index() == event.index());
    return told->event;
}

template <class Kind>
Kind kept(const Kind& event, const Supervisor& core) {
    return std::get<Kind>(again(event, core));
}

Candidate odd_candidate() { return {{8034, 99}, false, false, true, true, 8030, 33, std::string("a \"b\" \\ \n\x80\0=", 13)}; }

}  // namespace

TEST_CASE("a look keeps its number and all that is told of each process") {
    const World world(two);
    const Looked event{1, 17, {{{8033, 1234}, true, true, false, false, 8033, 0, "crond"}, odd_candidate()}};
    const Looked same = kept(event, world.core);
    CHECK(same.entry == 1);
    CHECK(same.number == 17);
    CHECK(same.matches == event.matches);
    CHECK(kept(Looked{2, 0, {}}, world.core).matches.empty());
}

TEST_CASE("a look that found many processes takes several records") {
    const World world(two);
    const Looked event{1, 0, std::vector<Candidate>(200, odd_candidate())};
    CHECK(records_of({event, now}, world.core).size() > 10);
    CHECK(kept(event, world.core).matches == event.matches);
}

TEST_CASE("a record of a death can be read by people") {
    const World world(two);
    const Died event{1, {8033, 1234}, {Cause::Kind::status, 9}, 776, true};
    const auto records = records_of({event, now}, world.core);
    REQUIRE(records.size() == 1);
    CHECK(records[0].event == "died");
    CHECK(records[0].key == 1);
    CHECK(records[0].pid == 8033);
    CHECK(records[0].detail == "ticks=777 start=1234 cause=status status=9 noticed=776 brought_back text=\"killed by signal 9 (KILL)\"");
    const Died same = kept(event, world.core);
    CHECK(same.process == event.process);
    CHECK(same.cause == event.cause);
    CHECK(same.noticed == 776);
    CHECK(same.brought_back);
}

TEST_CASE("what scripts, orders, dumps, heartbeats and measurements tell is kept") {
    const World world(two);
    CHECK(kept(ScriptStarted{4, {50, 60}}, world.core).process == ProcessId{50, 60});
    const ScriptEnded ended = kept(ScriptEnded{4, ScriptEnded::How::refused, 256, "/path is writable by others"}, world.core);
    CHECK(ended.run == 4);
    CHECK(ended.how == ScriptEnded::How::refused);
    CHECK(ended.status == 256);
    CHECK(ended.reason == "/path is writable by others");
    const Order order = kept(Order{9, Verb::stop, "a name", 30min}, world.core);
    CHECK(order.id == 9);
    CHECK(order.verb == Verb::stop);
    CHECK(order.target == "a name");
    CHECK(order.duration == Duration(30min));
    CHECK(order.event.empty());
    CHECK_FALSE(kept(Order{0, Verb::shutdown, "", {}}, world.core).duration);
    const Order told = kept(Order{9, Verb::event, "a name", {}, "disk/full"}, world.core);
    CHECK(told.verb == Verb::event);
    CHECK(told.target == "a name");
    CHECK(told.event == "disk/full");
    CHECK(kept(DumpDone{3, "No space left"}, world.core).error == "No space left");
    CHECK(kept(Heartbeat{2}, world.core).entry == 2);
    CHECK(kept(HeartbeatRead{2, 3s}, world.core).age == Duration(3s));
    CHECK_FALSE(kept(HeartbeatRead{2, {}}, world.core).age);
    const Measured measured = kept(Measured{2, {50, 60}, 'D', 7s, 1u << 30, 12}, world.core);
    CHECK(measured.state == 'D');
    CHECK(measured.cpu == Duration(7s));
    CHECK(measured.rss == 1u << 30);
    CHECK(measured.fds == 12);
    (void)again(Deadline{}, world.core);
    (void)again(FirstSweepDone{}, world.core);
}

TEST_CASE("a reload is told by what it changes") {
    const World world(two);
    const auto same = World::pfile(two);
    const auto records = records_of({Reloaded{7, same}, now}, world.core);
    REQUIRE(records.size() == 1);
    CHECK(records[0].detail == "ticks=777 order=7 same=1-2");

    Pfile other = World::pfile("new:-:1:0:continue\n" + std::string(two) + "last:/x:5:6:exit\n", "CONFIRM_WAIT 0.25\nDETECT event\n");
    other.pents[1].uid = 33;
    other.pents[2].runner = RunAs{33, 34, {1, 2}, "/home/a b"};
    const Reloaded told = kept(Reloaded{0, other}, world.core);
    CHECK(told.pfile.param == other.param);
    REQUIRE(told.pfile.pents.size() == 4);
    for (std::size_t i = 0; i < 4; ++i) {
        Pent pent = told.pfile.pents[i];
        pent.line = other.pents[i].line;
        CHECK(pent == other.pents[i]);
    }
}

TEST_CASE("a reload to other parameters gives entries their new defaults, though their lines are as they were") {
    const World world(two);
    const Pfile other = World::pfile(two, "CONFIRM_WAIT 7\nSCRIPT_OUTPUT \"/a dir/b\"\nSCRIPT_ENV clean\nREMIND_INTERVAL 0\n");
    const Reloaded told = kept(Reloaded{0, other}, world.core);
    CHECK(told.pfile.param == other.param);
    CHECK(told.pfile.pents[0].confirm == Duration(7s));
}

TEST_CASE("records of states are nothing told") {
    const World world(two);
    RecordReader reader;
    TraceRecord record;
    record.event = "DOWN";
    const auto taken = reader.take(record, world.core);
    REQUIRE(taken);
    CHECK_FALSE(*taken);
}

TEST_CASE("a long record that begins anew replaces what was never finished, and a rest without beginning is refused") {
    const World world(two);
    const auto records = records_of({Looked{1, 0, std::vector<Candidate>(20, odd_candidate())}, now}, world.core);
    REQUIRE(records.size() > 2);
    RecordReader reader;
    CHECK_FALSE(reader.take(records[1], world.core));
    CHECK(reader.take(records[0], world.core));
    std::optional<Told> told;
    for (const TraceRecord& record : records) told = reader.take(record, world.core).value();
    REQUIRE(told);
    CHECK(std::get<Looked>(told->event).matches.size() == 20);
    CHECK(reader.take(records[0], world.core));
    CHECK_FALSE(reader.take(records[2], world.core));
    CHECK_FALSE(reader.take(records[1], world.core));
}

TEST_CASE("damaged records are errors") {
    const World world(two);
    const auto refuses = [&](std::string_view event, std::string_view detail) {
        RecordReader reader;
        TraceRecord record;
        record.event = event;
        record.detail = detail;
        return !reader.take(record, world.core);
    };
    CHECK(refuses("died", ""));
    CHECK(refuses("died", "ticks=1 start=2 cause=murder status=9 noticed=3"));
    CHECK(refuses("looked", "ticks=1 pid=x"));
    CHECK(refuses("looked", "ticks=99999999999999999999999"));
    CHECK(refuses("looked", "ticks=1 argv0=\"open"));
    CHECK(refuses("looked", "ticks=1 argv0=\"a\\x4"));
    CHECK(refuses("looked", "ticks=1 =2"));
    CHECK(refuses("looked", "part=2/1 ticks=1"));
    CHECK(refuses("looked", "part=0/0 ticks=1"));
    CHECK(refuses("reloaded", "ticks=1 order=1 same=1-3"));
    CHECK(refuses("reloaded", "ticks=1 order=1 same=0-1"));
    CHECK(refuses("reloaded", "ticks=1 order=1 pent=\"x:y\""));
    CHECK(refuses("reloaded", "ticks=1 order=1 pent=\"a:-:1:0:exit\\x0ab:-:1:0:exit\""));
    CHECK(refuses("reloaded", "ticks=1 order=1 IPCKEY=nonsense"));
    CHECK(refuses("measured", "ticks=1 start=1 state=DD cpu=1 rss=1 fds=1"));
}

TEST_CASE("what is said of a damaged record can be read on a terminal") {
    const World world(two);
    for (const std::string detail : {"ticks=1 \x1b[2J=\"open", "ticks=\x9b", "ticks=1 order=1 \x1b=\"a\\x0ab\""}) {
        RecordReader reader;
        TraceRecord record;
        record.event = "reloaded";
        record.detail = detail;
        const auto told = reader.take(record, world.core);
        REQUIRE_FALSE(told);
        CHECK(printable(told.error().text) == told.error().text);
    }
}

TEST_CASE("no damage to a record is more than an error") {
    const World world(two);
    Pfile other = World::pfile(std::string(two) + "x:/y:5:6:exit:run_as=root\n", "CONFIRM_WAIT 1\n");
    const std::vector<Event> events{Looked{1, 3, {odd_candidate(), odd_candidate()}}, Died{1, {1, 2}, {}, 3},
                                    ScriptEnded{1, ScriptEnded::How::exited, 9, "a b"}, Order{1, Verb::stop, "x", 1s}, Reloaded{3, other}};
    std::uint64_t seed = 88172645463325252;
    const auto random = [&seed](std::size_t below) {
        seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
        return static_cast<std::size_t>(seed % below);
    };
    for (int round = 0; round < 2000; ++round) {
        RecordReader reader;
        for (TraceRecord record : records_of({events[random(events.size())], now}, world.core)) {
            for (std::size_t damage = random(4); damage > 0; --damage) {
                record.detail[random(record.detail.size())] = static_cast<char>(random(256));
                if (random(3) == 0) record.detail.resize(1 + random(record.detail.size()));
            }
            (void)reader.take(record, world.core).has_value();
        }
    }
}

TEST_CASE("a sweep's news that repeats itself is recorded twice") {
    World world(two);
    Recorder recorder;
    world.start_up();
    const auto tell = [&](const Event& event) {
        const auto records = recorder.before({event, world.now}, world.core);
        recorder.after(event, world.core.step(event, world.now));
        return records.size();
    };
    const Looked nothing{1, 0, {}};
    CHECK(tell(nothing) == 1);
    CHECK(tell(nothing) == 1);
    CHECK(tell(nothing) == 0);
    CHECK(tell(nothing) == 0);
    world.now.instant += 3s;
    CHECK(tell(Deadline{}) == 1);  // it touches the entry
    CHECK(tell(nothing) == 1);
}
