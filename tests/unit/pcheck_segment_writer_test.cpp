// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cstring>

#include "common/segment_reader.hpp"
#include "pcheck/records.hpp"
#include "pcheck/segment_writer.hpp"
#include "tests/unit/private_key.hpp"

using namespace banken;
using namespace std::chrono_literals;
using banken::test::PrivateKey;

namespace {

constexpr Now now{Instant(1000s), WallTime(1169127283s), 0};

struct Key : PrivateKey {
    Param param;
    SegmentRequest request;

    Key() {
        param.ipc_key = key;
        param.shm_dump_file = "/dump";
        param.history_size = 64;
        request.pfile = "/etc/pfile";
    }
    Result<SegmentWriter> open() const { return SegmentWriter::open(param, request, now); }
    std::string refused() const {
        const auto writer = open();
        REQUIRE_FALSE(writer);
        CHECK(writer.error().number == 0);
        return writer.error().text;
    }
    sys::Segment attached() const {
        auto segment = sys::Segment::attach(sys::find_segment(key).value(), sys::Segment::Access::read);
        REQUIRE(segment);
        return *std::move(segment);
    }
};

EntryRecord entry(const char* name) {
    EntryRecord record;
    record.pent_id = 1;
    record.name = name;
    return record;
}

std::vector<std::uint64_t> words_of(const std::string& image) {
    std::vector<std::uint64_t> words(image.size() / 8);
    std::memcpy(words.data(), image.data(), words.size() * 8);
    return words;
}

// As if the owner had been killed: its segment is there, the key is not held.
void leave_behind(const Key& key, const EntryRecord& record = entry("crond")) {
    auto writer = key.open();
    REQUIRE(writer);
    writer->publish(0, record);
    writer->set_entries(1);
}

// As a pcheck leaves it that is killed before its segment has its magic.
sys::Segment half_made(const Key& key, std::size_t words) {
    auto segment = sys::Segment::create(key.key, words * sizeof(std::uint64_t), {});
    REQUIRE(segment);
    store(segment->words()[preamble::key], key.key);
    return *std::move(segment);
}

std::size_t live_size() { return end_of(live_places(64)); }

}  // namespace

TEST_CASE("what is published is what readers see") {
    const Key key;
    auto writer = key.open();
    REQUIRE(writer);
    const auto segment = key.attached();
    const auto reader = SegmentReader::open(segment.words());
    REQUIRE(reader);
    CHECK(reader->key() == key.key);
    CHECK(reader->header()->owner.id.pid == getpid());
    CHECK(reader->header()->life == Life::starting);
    CHECK(reader->header()->pfile == "/etc/pfile");
    CHECK(reader->entries()->empty());
    CHECK(reader->heartbeat()->instant == now.instant);

    writer->publish(0, entry("crond"));
    writer->publish(1, entry("sshd"));
    writer->set_entries(2);
    writer->set_life(Life::running);
    writer->set_busy(Busy::reload);
    writer->set_file({1, 2, WallTime(3s)});
    writer->heartbeat({Instant(1001s), WallTime(4s), 0});
    CHECK(reader->entries()->back() == entry("sshd"));
    CHECK(reader->header()->life == Life::running);
    CHECK(reader->header()->busy == Busy::reload);
    CHECK(reader->header()->file.inode == 2);
    CHECK(reader->heartbeat()->wall == WallTime(4s));
    CHECK(reader->param()->shm_dump_file == "/dump");
    Param changed = key.param;
    changed.monitor_interval = 60s;
    writer->publish_param(changed);
    CHECK(reader->param()->monitor_interval == 60s);
}

TEST_CASE("an entry that is there twice, while its place changes, is read once") {
    const Key key;
    auto writer = key.open();
    REQUIRE(writer);
    const auto keyed = [](const char* name, std::uint32_t number) {
        EntryRecord record = entry(name);
        record.key = number;
        return record;
    };
    const auto names = [&key] {
        std::string all;
        const auto segment = key.attached();
        const auto entries = SegmentReader::open(segment.words())->entries();
        for (const EntryRecord& record : entries.value()) all += record.name + " ";
        return all;
    };
    const auto a = keyed("a", 7), b = keyed("b", 8);
    writer->publish(0, a);
    writer->publish(1, b);
    writer->publish(2, b);
    writer->publish(3, a);
    writer->set_entries(4);
    CHECK(names() == "a b ");
    writer->publish(0, b);
    CHECK(names() == "b a ");
    writer->publish(1, a);
    writer->set_entries(2);
    CHECK(names() == "b a ");
}

TEST_CASE("what is no entry any more lies behind the entries, is read apart from them, and goes on with the state") {
    Key key;
    {
        auto writer = key.open();
        REQUIRE(writer);
        EntryRecord gone = entry("gone");
        gone.key = 9;
        writer->publish(0, entry("crond"));
        writer->publish(1, gone);
        writer->publish(2, gone);
        for (const std::size_t entries : {1u, 2u}) {  // the second as while places change
            writer->set_entries(entries, 1);
            const auto image = words_of(writer->image());
            const auto reader = SegmentReader::open(image);
            REQUIRE(reader);
            REQUIRE(reader->entries());
            CHECK(reader->entries()->size() == 1);
            REQUIRE(reader->leaving());
            CHECK(reader->leaving()->size() == 1);
            CHECK(reader->leaving()->front() == gone);
        }
    }
    auto next = key.open();
    REQUIRE(next);
    REQUIRE(next->left());
    CHECK(next->left()->entries.size() == 1);
    CHECK(next->left()->leaving.size() == 1);
    CHECK(SegmentReader::open(key.attached().words())->header()->leaving == 1);  // still there, should this one be killed now
}

TEST_CASE("the trace ring keeps the newest records") {
    const Key key;
    auto writer = key.open();
    REQUIRE(writer);
    for (pid_t pid = 0; pid < 100; ++pid) {
        TraceRecord record;
        record.pid = pid;
        writer->trace(record);
    }
    const auto segment = key.attached();
    const auto trace = SegmentReader::open(segment.words())->trace(1000).value();
    REQUIRE(trace.size() == 64);
    CHECK(trace.front().pid == 36);
    CHECK(trace.back().number == 99);
}

TEST_CASE("the image is read as the segment is, and is no longer than what is used") {
    const Key key;
    auto writer = key.open();
    REQUIRE(writer);
    writer->publish(0, entry("crond"));
    writer->publish(1, entry("a name that is longer"));
    writer->publish(2, entry("not used"));
    writer->set_entries(2);
    for (pid_t pid = 0; pid < 70; ++pid) writer->trace({});
    writer->set_life(Life::ended, "order");
    const auto image = words_of(writer->image());
    const auto reader = SegmentReader::open(image);
    REQUIRE(reader);
    CHECK(reader->header()->reason == "order");
    CHECK(reader->entries()->size() == 2);
    CHECK(reader->entries()->back() == entry("a name that is longer"));
    CHECK(reader->trace(1000)->back().number == 69);
    CHECK(image.size() < 3000);
}

TEST_CASE("a live owner is named, and its segment goes on") {
    const Key key;
    const auto writer = key.open();
    REQUIRE(writer);
    CHECK(key.refused() == fmt::format("already running, pid={}, pfile=/etc/pfile", getpid()));
    CHECK(SegmentReader::open(key.attached().words())->header());
}

TEST_CASE("a dead owner's state is gone on with, in place") {
    Key key;
    leave_behind(key);
    const auto before = key.attached();
    auto writer = key.open();
    REQUIRE(writer);
    REQUIRE(writer->left());
    CHECK(writer->left()->header.pfile == "/etc/pfile");
    CHECK(writer->left()->entries.size() == 1);
    const auto reader = SegmentReader::open(before.words());
    CHECK(reader->entries()->size() == 1);  // still there for the next one, should this one be killed now
    CHECK(reader->header()->owner.id.pid == getpid());
    writer->trace({});
    CHECK_FALSE(before.removed());
}

TEST_CASE("--fresh discards a dead owner's state") {
    Key key;
    leave_behind(key);
    key.request.fresh = true;
    const auto writer = key.open();
    REQUIRE(writer);
    CHECK_FALSE(writer->left());
    CHECK(SegmentReader::open(key.attached().words())->entries()->empty());
}

TEST_CASE("what cannot be adopted is refused with --fresh named, and stays") {
    Key key;
    leave_behind(key);
    const auto segment = key.attached();
    const auto id = shmget(static_cast<key_t>(key.key), 0, 0);
    auto* const words = static_cast<std::uint64_t*>(shmat(id, nullptr, 0));
    words[preamble::version] += 1;
    const std::string newer = key.refused();
    words[preamble::version] += std::uint64_t{1} << 32;
    const std::string major = key.refused();
    shmdt(words);
    CHECK(newer.find("it was made by a newer pcheck; --fresh discards it") != std::string::npos);
    CHECK(newer.find("pfile=/etc/pfile") != std::string::npos);
    CHECK(major.find("its layout is version") != std::string::npos);
    CHECK_FALSE(segment.removed());
}

TEST_CASE("an entry or a resource with a number that no pcheck gives is not adopted: the next numbers would be given twice") {
    Key key;
    EntryRecord record = entry("crond");
    record.key = 0xffffffff;
    leave_behind(key, record);
    CHECK(key.refused().find("it is damaged: no entry is number 4294967295; --fresh discards it") != std::string::npos);
    key.request.fresh = true;
    {
        auto writer = key.open();
        REQUIRE(writer);
        writer->set_ending(ResourceEnd::exit, 0x80000001, 0);
    }
    key.request.fresh = false;
    CHECK(key.refused().find("it is damaged: no resource is number 2147483649; --fresh discards it") != std::string::npos);
}

TEST_CASE("a foreign segment is refused and left untouched, also with --fresh") {
    Key key;
    const auto foreign = sys::Segment::create(key.key, 4096, {});
    REQUIRE(foreign);
    foreign->words()[0] = 42;
    for (const bool fresh : {false, true}) {
        key.request.fresh = fresh;
        const std::string text = key.refused();
        CHECK(text.find("it is not of pcheck") != std::string::npos);
        CHECK(text.ends_with(": choose another IPCKEY"));
    }
    CHECK_FALSE(foreign->removed());
    CHECK(foreign->words()[0] == 42);
    CHECK(semget(static_cast<key_t>(key.key), 0, 0) < 0);
}

TEST_CASE("a segment that a pcheck was killed over before it was whole is made anew") {
    const Key key;
    static_cast<void>(half_made(key, live_size()));
    const auto writer = key.open();
    REQUIRE(writer);
    CHECK(SegmentReader::open(key.attached().words())->header()->pfile == "/etc/pfile");
    CHECK_FALSE(writer->left());
}

TEST_CASE("a segment without magic is left untouched when it is used, has another size than ours or names another key") {
    const Key key;
    SUBCASE("used") {
        const auto segment = half_made(key, live_size());
        CHECK(key.refused().find("it is not of pcheck") != std::string::npos);
        CHECK_FALSE(segment.removed());
    }
    SUBCASE("another size") {
        static_cast<void>(half_made(key, live_size() + 1));
        CHECK(key.refused().find("it is not of pcheck") != std::string::npos);
        CHECK(sys::find_segment(key.key));
    }
    SUBCASE("another key") {
        store(half_made(key, live_size()).words()[preamble::key], key.key + 1);
        CHECK(key.refused().find("it is not of pcheck") != std::string::npos);
        CHECK(sys::find_segment(key.key));
    }
}

TEST_CASE("a segment of somebody who is not trusted is refused") {
    Key key;
    leave_behind(key);
    shmid_ds status{};
    const int id = shmget(static_cast<key_t>(key.key), 0, 0);
    REQUIRE(shmctl(id, IPC_STAT, &status) == 0);
    status.shm_perm.mode = 0666;
    REQUIRE(shmctl(id, IPC_SET, &status) == 0);
    key.request.fresh = true;
    CHECK(key.refused().find("it is writable by others (mode 0666)") != std::string::npos);
}

TEST_CASE("a segment that was removed behind our back is made anew") {
    const Key key;
    auto writer = key.open();
    REQUIRE(writer);
    writer->publish(0, entry("crond"));
    writer->set_entries(1);
    CHECK_FALSE(writer->recreated().value());
    shmctl(shmget(static_cast<key_t>(key.key), 0, 0), IPC_RMID, nullptr);
    CHECK(writer->recreated().value());
    const auto segment = key.attached();
    const auto reader = SegmentReader::open(segment.words());
    CHECK(reader->header()->pfile == "/etc/pfile");
    CHECK(reader->entries()->empty());
    writer->publish(0, entry("crond"));
    writer->set_entries(1);
    CHECK(reader->entries()->size() == 1);
}

TEST_CASE("an ordered end leaves nothing at the key, but the mapping for a last answer") {
    const Key key;
    auto writer = key.open();
    REQUIRE(writer);
    CHECK(writer->remove());
    CHECK(shmget(static_cast<key_t>(key.key), 0, 0) < 0);
    CHECK(semget(static_cast<key_t>(key.key), 0, 0) < 0);
    CHECK(SegmentReader::open(writer->words())->header());
}

TEST_CASE("that a script was sent KILL is known to the pcheck that adopts it, also when its entry was given up") {
    EntryRecord record;
    record.state = EntryState::retry_over;
    record.script.kind = ScriptRecord::Kind::restart;
    record.ending = EndingPhase::killed;
    CHECK(script_of(record, 1).phase == core::ScriptRun::Phase::killed);
    record.state = EntryState::stall;
    CHECK(script_of(record, 1).phase == core::ScriptRun::Phase::killed);
    record.ending = EndingPhase::asked;  // the process was, not the script that asks it
    CHECK(script_of(record, 1).phase == core::ScriptRun::Phase::running);
}
