// SPDX-License-Identifier: Apache-2.0
// Trace records, one a line: its event, entry, pid, seconds since the record before, and its detail. Each that can be read is told to the core.
#include <algorithm>
#include <charconv>

#include "common/text.hpp"
#include "pcheck/core/record.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace banken::fuzz {
namespace {

using core::RecordReader;
using core::Supervisor;
using core::Told;

constexpr std::string_view pfile_text = R"(IPCKEY 0x1f000501
SHM_DUMP_FILE /var/tmp/dump
crond:/etc/restart:3600:3:continue:check=/bin/check:heartbeat=10:hung=30
nginx:/etc/restart -x:3600:3:hold:confirm=1.5:group=shop:cpu=90%/30
db:/etc/restart:60:0:exit:group=shop:after=crond
worker:-:0:0:continue:min=2:max=4
)";
constexpr std::size_t most_records = 400, most_entries = 32;

std::string_view take_word(std::string_view& line) {
    const auto word = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(word.size() + 1, line.size()));
    return word;
}

template <class Number>
Number number_of(std::string_view text) {
    Number number{};
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

TraceRecord record_from(std::string_view line, Now& now) {
    TraceRecord record;
    record.event = take_word(line);
    record.key = number_of<std::uint32_t>(take_word(line));
    record.pid = number_of<pid_t>(take_word(line));
    const std::chrono::seconds passed(number_of<std::uint16_t>(take_word(line)));
    now = {now.instant + passed, now.wall + passed, now.ticks + static_cast<BootTicks>(passed.count()) * 100};
    record.instant = now.instant;
    record.wall = now.wall;
    record.detail = line.substr(0, 383);
    return record;
}

void write_and_read(const Told& told, const Supervisor& core) {
    const auto records = records_of(told, core);
    RecordReader reader;
    std::optional<Told> again;
    for (const TraceRecord& record : records) {
        require(record.detail.size() <= 383 && record.event.size() <= 47, "a record that fits the ring", record.detail);
        require_printable(record.detail);
        const auto taken = reader.take(record, core);
        require(taken.has_value(), "what was written is read", taken ? "" : taken.error().text);
        require(!again, "the last record is the last");
        again = *taken;
    }
    require(again && records_of(*again, core) == records, "the same records after writing and reading",
            records.empty() ? "" : records.front().detail);
}

void judge_core(const Supervisor& core, const std::vector<core::Action>& actions) {
    for (const core::Action& action : actions) {
        if (const auto* log = std::get_if<core::Log>(&action)) require_printable(log->message.text);
    }
    for (const core::EntryKey key : core.entries()) require(core.find(key) != nullptr, "every listed entry is there");
}

}  // namespace

const bool repeatable = false;  // what a record does depends on all before it

void test_one(std::string_view input) {
    Now now{Instant(std::chrono::hours(1)), WallTime(std::chrono::hours(400000)), 360000};
    static const ParsedPfile pfile = parse_pfile(pfile_text);
    require(pfile.good(), "a good pfile to begin with", pfile.good() ? "" : pfile.diagnostics.front().text);
    Supervisor core(pfile.pfile, {}, now);
    RecordReader reader;
    auto lines = split(input, '\n');
    if (lines.size() > most_records) lines.resize(most_records);
    for (const std::string_view line : lines) {
        const auto told = reader.take(record_from(line, now), core);
        if (!told) {
            require_printable(told.error().text);
            continue;
        }
        if (!*told) continue;
        write_and_read(**told, core);
        judge_core(core, core.step((**told).event, now));
        if (core.entries().size() > most_entries) return;
    }
}

}  // namespace banken::fuzz
