// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "common/segment_codec.hpp"
#include "common/segment_reader.hpp"

using namespace banken;
using namespace std::chrono_literals;

namespace {

using Words = std::vector<std::uint64_t>;

// What later minor versions have added.
void fill_later_fields(EntryRecord& entry) {
    entry.check = {ScriptRecord::Kind::none, {8037, 101}, 8037, Instant(13s), 0};
    entry.bad_checks = 2;
    entry.last_beat = Instant(14s);
    entry.group_window = {Instant(15s), WallTime(1169127285s), 1};
    entry.group_begun = Instant(16s);
    entry.group_timer = Instant(17s);
    entry.group_wait = EntryWait::slot;
    entry.group_turn = 6;
    entry.ending = EndingPhase::killed;
    entry.remind_at = Instant(18s);
    entry.next_check = Instant(19s);
    entry.paused_since = WallTime(1169127286s);
    entry.stable_at = Instant(20s);
    entry.beat_at = Instant(21s);
    entry.last_failure_at = WallTime(1169127287s);
    entry.last_failure = "status=3";
    entry.excess_at = Instant(22s);
    entry.looked_for = true;
    entry.lost_at = Instant(23s);
    entry.lost_pid = 7;
    entry.stall_told = 5;
    entry.lost_by = EntryReason::stall;
    entry.lost_why = "no heartbeat for 30s";
    entry.trouble = "no heartbeat for 30s";
}

EntryRecord full_entry() {
    EntryRecord entry;
    entry.pent_id = 7;
    entry.key = 12;
    entry.state = EntryState::hold;
    entry.wait = EntryWait::dependency;
    entry.reason = EntryReason::group;
    entry.action = RetryOverAction::hold;
    entry.main = {4194303, 1u << 31};
    entry.shown_pid = 8033;
    entry.logged_pid = 8034;
    entry.seen = {8035, 99};
    entry.last_uid = 65534;
    entry.death = 77;
    entry.window = {Instant(5s), WallTime(1169127283s), 3};
    entry.attempts = 2;
    entry.total = 40;
    entry.losses = 41;
    entry.retry_overs = 1;
    entry.stalls = 5;
    entry.begun = Instant(6s);
    entry.script = {ScriptRecord::Kind::stop, {8036, 100}, 8036, Instant(7s), 3};
    entry.paused = true;
    entry.paused_until = Instant(8s);
    entry.timer = Instant(9s);
    entry.since = Instant(10s);
    entry.since_wall = WallTime(1169127284s);
    entry.window_ends = Instant(11s);
    entry.next_attempt = Instant(12s);
    entry.proc_count = 0;
    entry.cpu_permille = 905;
    entry.rss_bytes = 1u << 30;
    entry.fds = 1000;
    entry.name = "java -Dapp=shop";
    entry.line = std::string(4096, 'x');
    entry.last_cause = "killed by signal 9 (KILL)";
    entry.waits_for = "db";
    entry.group = "shop";
    entry.health = "bad";
    entry.last_argv0 = "/usr/bin/java";
    entry.orphans = {{1, 2}, {3, 4}};
    fill_later_fields(entry);
    return entry;
}

HeaderRecord full_header() {
    HeaderRecord header;
    header.owner = {{7750, 123456}, {1, 2}, 4026531836, 4026531834, 2049, 1234};
    header.life = Life::running;
    header.busy = Busy::reload;
    header.entries = 1;
    header.leaving = 1;
    header.file = {2049, 99, WallTime(1169127283s)};
    header.pfile = "/etc/banken/pfile_cron";
    header.reason = "order";
    header.version = "0.1.0";
    header.capabilities = "stat = yes\n";
    return header;
}

TraceRecord trace_record(std::uint64_t number) {
    TraceRecord record;
    record.number = number;
    record.instant = Instant(number * 1s);
    record.key = 12;
    record.pid = 8033;
    record.event = "died";
    record.detail = "killed by signal 9 (KILL)";
    return record;
}

void append_table(Words& image, TablePlaces& places, Table table, const std::vector<Words>& records) {
    std::size_t copy = 0;
    for (const Words& record : records) copy = std::max(copy, record.size());
    places[static_cast<std::size_t>(table)] = {image.size(), 1 + copy, copy, records.size()};
    for (const Words& record : records) {
        image.push_back(0);
        image.insert(image.end(), record.begin(), record.end());
        image.resize(image.size() + copy - record.size());
    }
}

Words small_image() {
    Words image(preamble::words);
    TablePlaces places{};
    EntryRecord entry = full_entry();
    entry.line = "java -Dapp=shop:/restart:3600:3:hold";
    append_table(image, places, Table::header, {encode(full_header())});
    append_table(image, places, Table::heartbeat, {encode(HeartbeatRecord{Instant(5s), WallTime(6s)})});
    append_table(image, places, Table::param,
                 {encode(ParamRecord{.monitor_try_count = 2, .shm_dump_file = "/dump", .script_output_file = {}})});
    append_table(image, places, Table::entries, {encode(entry), encode(EntryRecord{})});
    append_table(image, places, Table::trace, {encode(trace_record(3)), encode(trace_record(1)), encode(trace_record(2))});
    image[preamble::magic] = segment_magic;
    image[preamble::version] = std::uint64_t{layout_major} << 32;
    image[preamble::size] = image.size();
    image[preamble::key] = 0x1f000501;
    image[preamble::traced] = 4;
    write_places(image, places);
    return image;
}

// Whether everything in it could be read.
bool read_all(const Words& image) {
    const auto reader = SegmentReader::open(image);
    if (!reader) return false;
    const bool fixed = reader->header() && reader->heartbeat() && reader->param();
    const auto entries = reader->entries();
    const auto trace = reader->trace(100);
    return fixed && entries && trace;
}

// Lets a writer do only its first stores: as if it had been killed then.
struct StoppedWriter {
    std::size_t left;
    void operator()(std::uint64_t& word, std::uint64_t value) {
        if (left == 0) return;
        --left;
        store(word, value);
    }
};

}  // namespace

TEST_CASE("every record comes back from its words as it was") {
    CHECK(decode<EntryRecord>(encode(full_entry())).value() == full_entry());
    CHECK(decode<EntryRecord>(encode(EntryRecord{})).value() == EntryRecord{});
    CHECK(decode<HeaderRecord>(encode(full_header())).value() == full_header());
    CHECK(decode<TraceRecord>(encode(trace_record(9))).value() == trace_record(9));
    const ParamRecord param{5s, 10s, 2, 1500ms, 0s, 3s, 1h, 16, false, true, "/var/opt/dump", "/var/log/scripts"};
    CHECK(decode<ParamRecord>(encode(param)).value() == param);
    const HeartbeatRecord beat{Instant(1ns), WallTime(2ns)};
    CHECK(decode<HeartbeatRecord>(encode(beat)).value() == beat);
}

TEST_CASE("the longest record of each kind fits a copy of its table") {
    const TablePlaces places = live_places(1024);
    const auto copy = [&](Table table) { return places[static_cast<std::size_t>(table)].copy; };
    CHECK(longest<HeaderRecord>() <= copy(Table::header));
    CHECK(longest<HeartbeatRecord>() <= copy(Table::heartbeat));
    CHECK(longest<ParamRecord>() <= copy(Table::param));
    CHECK(longest<EntryRecord>() <= copy(Table::entries));
    CHECK(longest<ResourceRecord>() <= copy(Table::resources));
    CHECK(longest<TraceRecord>() <= copy(Table::trace));
}

TEST_CASE("texts and lists that are too long are cut by the writer") {
    EntryRecord entry;
    entry.name = std::string(300, 'n');
    entry.orphans.assign(100, ProcessId{5, 6});
    const auto read = decode<EntryRecord>(encode(entry)).value();
    CHECK(read.name == std::string(255, 'n'));
    CHECK(read.orphans.size() == EntryRecord::most_orphans);
    CHECK(encode(entry).size() <= longest<EntryRecord>());
}

TEST_CASE("a time that is out of range is written as the nearest one that can be read again") {
    EntryRecord record;
    record.since = Instant::max();
    record.begun = Instant(-1s);
    const auto again = decode<EntryRecord>(encode(record));
    REQUIRE(again);
    CHECK(again->since > Instant(std::chrono::hours(24 * 365 * 100)));
    CHECK(again->begun == Instant());
}

TEST_CASE("what an older writer did not know reads as its default") {
    Words words = encode(trace_record(9));
    const std::size_t fixed = words[0] & 0xffffffff;
    words.erase(words.begin() + static_cast<std::ptrdiff_t>(fixed) - 1);  // no pid
    words.resize(words.size() - 5);                                       // no detail
    words[0] = (fixed - 1) | words.size() << 32;
    const auto read = decode<TraceRecord>(words).value();
    CHECK(read.event == "died");
    CHECK(read.pid == 0);
    CHECK(read.detail.empty());
}

TEST_CASE("what a newer writer has added is passed over") {
    Words words = encode(trace_record(9));
    const std::size_t fixed = words[0] & 0xffffffff;
    words.insert(words.begin() + static_cast<std::ptrdiff_t>(fixed), 42);
    words.insert(words.end(), {3, 0x636261});
    words[0] = (fixed + 1) | words.size() << 32;
    CHECK(decode<TraceRecord>(words).value() == trace_record(9));
}

TEST_CASE("a writer that is killed after any store leaves one whole record") {
    const std::size_t copy = 64;
    const Words old_words = encode(trace_record(1)), new_words = encode(TraceRecord{});
    for (std::size_t done_before = 0; done_before < 2; ++done_before) {  // either copy may be the valid one
        Words start(1 + 2 * copy);
        for (std::size_t i = 0; i <= done_before; ++i) write_record(start, copy, old_words, StoppedWriter{1000});
        for (std::size_t stores = 0; stores <= new_words.size() + 1; ++stores) {
            Words record = start;
            write_record(record, copy, new_words, StoppedWriter{stores});
            CHECK(read_record(record, copy).value() == (stores == new_words.size() + 1 ? new_words : old_words));
            write_record(record, copy, new_words, StoppedWriter{1000});  // the next writer goes on from there
            CHECK(read_record(record, copy).value() == new_words);
        }
    }
}

TEST_CASE("a reader beside a writer at full speed reads whole records") {
    const std::size_t copy = 64;
    Words record(1 + 2 * copy);
    std::atomic<bool> over = false;
    write_record(record, copy, encode(trace_record(0)), store);
    std::thread writer([&] {
        for (std::uint64_t number = 0; !over; ++number) {
            TraceRecord next = trace_record(number);
            next.detail = std::string(number % 300, static_cast<char>('a' + number % 26));
            next.pid = static_cast<pid_t>(next.detail.size());
            write_record(record, copy, encode(next), store);
        }
    });
    std::size_t torn = 0;
    for (int i = 0; i < 20000; ++i) {
        const auto words = read_record(record, copy);
        if (!words) continue;
        const auto read = decode<TraceRecord>(*words);
        const bool whole = read && read->instant == Instant(read->number * 1s) &&
                           (read->detail == trace_record(0).detail || read->detail.size() == static_cast<std::size_t>(read->pid));
        if (!whole) ++torn;
    }
    over = true;
    writer.join();
    CHECK(torn == 0);
}

TEST_CASE("an image is read back, the newest trace records oldest first") {
    const Words image = small_image();
    const auto reader = SegmentReader::open(image).value();
    CHECK(reader.key() == 0x1f000501);
    CHECK(reader.header().value() == full_header());
    CHECK(reader.param()->shm_dump_file == "/dump");
    CHECK(reader.heartbeat()->wall == WallTime(6s));
    REQUIRE(reader.entries()->size() == 1);
    CHECK(reader.entries()->front().orphans == full_entry().orphans);
    CHECK(reader.leaving()->size() == 1);
    const auto trace = reader.trace(2).value();
    REQUIRE(trace.size() == 2);
    CHECK(trace.front().number == 2);
    CHECK(trace.back().number == 3);
    CHECK(reader.trace(100)->size() == 3);
}

TEST_CASE("what is not ours, of another major version or too short is refused with words") {
    const auto reason = [](const Words& words) { return SegmentReader::open(words).error().text; };
    CHECK(reason({}) == "it is not a segment of pcheck");
    CHECK(reason(Words(100)) == "it is not a segment of pcheck");
    Words image = small_image();
    image[preamble::version] = std::uint64_t{2} << 32 | 5;
    CHECK(reason(image) == "its layout is version 2.5, this program knows 1.x");
    image = small_image();
    image.pop_back();
    CHECK(reason(image).starts_with("it is damaged"));
    image = small_image();
    image[preamble::version] += 1;
    CHECK(SegmentReader::open(image)->minor_version() == 1);
}

TEST_CASE("more entries than the table has are damage, not a walk through memory") {
    Words image = small_image();
    HeaderRecord header = full_header();
    const auto is_damage = [&image](const HeaderRecord& head) {
        const auto words = encode(head);
        std::copy(words.begin(), words.end(), image.begin() + preamble::words + 1);
        return !SegmentReader::open(image)->entries();
    };
    header.entries = 4000000000;
    CHECK(is_damage(header));
    header.entries = 1;
    header.leaving = 4294967295;
    CHECK(is_damage(header));
    CHECK_FALSE(SegmentReader::open(image)->leaving());
}

TEST_CASE("an image with any one byte wrong, or cut anywhere, is read or refused, never followed") {
    const Words good = small_image();
    REQUIRE(read_all(good));
    std::size_t refused = 0;
    for (std::size_t byte = 0; byte < good.size() * 8; ++byte) {
        for (const unsigned change : {0x01u, 0x80u, 0xffu}) {
            Words image = good;
            image[byte / 8] ^= std::uint64_t{change} << (byte % 8 * 8);
            if (!read_all(image)) ++refused;
        }
    }
    CHECK(refused > 0);
    for (std::size_t size = 0; size < good.size(); ++size)
        CHECK_FALSE(read_all(Words(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))));
}
