// SPDX-License-Identifier: Apache-2.0
// Writes the seeds of the targets `adoption` and `segment` into a directory: dumps in the layout of today, so none that lies in the tree can grow old.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <vector>

#include "common/pfile.hpp"
#include "common/resource_record.hpp"
#include "common/segment_codec.hpp"
#include "common/segment_layout.hpp"

using namespace banken;
using namespace std::chrono_literals;

namespace {

using Words = std::vector<std::uint64_t>;

constexpr WallTime wall{1169127283s};
constexpr Instant instant{300000s};

HeaderRecord header(std::uint32_t entries, Life life) {
    HeaderRecord header;
    header.owner = {{7750, 1234}, {1, 2}, 4026531836, 4026531834, 1, 2};
    header.life = life;
    header.entries = entries;
    header.resources = 2;
    header.file = {1, 2, wall};
    header.pfile = "/etc/banken/pfile_shop";
    header.reason = life == Life::ended ? "order" : "";
    header.version = "0.1.0";
    header.capabilities = "root = yes\ncause_pidfd = yes\ndry_run = no\n";
    return header;
}

EntryRecord entry(std::uint32_t id, std::string line, EntryState state) {
    EntryRecord entry;
    entry.pent_id = entry.key = id;
    entry.name = line.substr(0, line.find(':'));
    entry.line = std::move(line);
    entry.state = state;
    entry.since = instant - 100s;
    entry.since_wall = wall - 100s;
    entry.window = {instant - 200s, wall - 200s, 2};
    entry.window_ends = instant + 3400s;
    entry.attempts = 2;
    entry.total = entry.losses = 7;
    return entry;
}

// A field of every kind that is set in some state only.
std::vector<EntryRecord> entries() {
    std::vector<EntryRecord> all{
        entry(1, "postgres:/etc/banken/restart.sh postgresql:86400:3:continue:user=postgres:check=/bin/check:stop=INT/90",
              EntryState::avail),
        entry(2, "app:/etc/banken/restart.sh app:3600:5:hold:match=label:args=^java .*app\\\\.jar:after=postgres:group=shop",
              EntryState::down),
        entry(3, "worker:/etc/banken/restart.sh w:3600:5:hold:min=4:max=8:group=shop:delay=10-600:stable=3600", EntryState::hold),
        entry(4, "nginx:/etc/banken/restart.sh nginx:3600:unlimited:exit:pidfile=/run/nginx.pid:heartbeat=60:hung=60", EntryState::restart),
        entry(5, "report:-:0:0:continue", EntryState::stall),
        entry(6, "java -Dapp=shop:/etc/x:60:0:shutdown:cpu=90%/60:rss=2G/30:fds=1000/10:on_limit=restart", EntryState::retry_over)};
    all[0].main = {8033, 99};
    all[0].shown_pid = all[0].logged_pid = 8033;
    all[0].check = {ScriptRecord::Kind::none, {8037, 101}, 8037, instant + 5s, 0};
    all[0].next_check = instant + 20s;
    all[0].health = "good";
    all[1].wait = EntryWait::dependency;
    all[1].reason = EntryReason::group;
    all[1].waits_for = "postgres";
    all[1].group = all[2].group = "shop";
    all[1].group_window = all[2].group_window = {instant - 50s, wall - 50s, 1};
    all[1].group_turn = all[2].group_turn = 2;
    all[1].next_attempt = all[1].timer = instant + 8s;
    all[1].last_failure = "status=3";
    all[1].trouble = "3 health checks failed";
    all[1].excess_at = instant + 30s;
    all[1].last_failure_at = wall;
    all[2].proc_count = 3;
    all[2].seen = {8040, 100};
    all[2].orphans = {{1, 2}, {3, 4}};
    all[3].script = {ScriptRecord::Kind::restart, {8036, 100}, 8036, instant + 7s, 3};
    all[3].ending = EndingPhase::asked;
    all[3].begun = instant - 5s;
    all[3].last_cause = "killed by signal 9 (KILL)";
    all[3].cause = Cause{Cause::Kind::status, 9};
    all[4].paused = true;
    all[4].paused_since = wall;
    all[4].paused_until = instant + 1800s;
    all[5].cpu_permille = 905;
    all[5].rss_bytes = 1u << 30;
    all[5].fds = 1000;
    all[5].remind_at = instant + 3600s;
    return all;
}

std::vector<ResourceRecord> resources() {
    ResourceRecord web{.resource_id = 1, .key = 1, .state = ResourceState::isp, .shown = ResourceState::isp};
    web.tag = "web";
    web.reason = "restore action has succeeded";
    web.depends = "db,net";
    web.last_check = "ok";
    web.quick_at = instant + 60s;
    web.run = {.script = 3, .process = {8100, 4711}, .begun = instant, .limit = 30s, .deadline = instant + 30s};
    web.recoveries = {instant, instant};
    ResourceRecord db{.resource_id = 2, .key = 2, .kind = 1, .state = ResourceState::wait, .shown = ResourceState::deact};
    db.tag = "db";
    db.goal = Goal::out;
    db.report = Report::standby;
    db.paused = true;
    db.unended = {{8101, 4712}};
    return {web, db};
}

std::vector<Words> trace() {
    std::vector<Words> all;
    for (const std::string_view event : {"died", "DOWN", "looked", "RESTART"}) {
        TraceRecord record{
            .number = all.size(), .instant = instant, .wall = wall, .key = 1, .pid = 8033, .event = std::string(event), .detail = {}};
        record.detail = "ticks=777 start=1234 cause=status status=9 noticed=776";
        all.push_back(encode(record));
    }
    return all;
}

// As SegmentWriter::image() lays it out: one copy of each record, all of a table as long as the longest.
Words image(const std::array<std::vector<Words>, table_count>& tables) {
    Words words(preamble::words);
    TablePlaces places{};
    for (std::size_t table = 0; table < table_count; ++table) {
        std::size_t copy = 0;
        for (const Words& record : tables[table]) copy = std::max(copy, record.size());
        places[table] = {.place = words.size(), .distance = 1 + copy, .copy = copy, .capacity = tables[table].size()};
        for (const Words& record : tables[table]) {
            words.push_back(0);
            words.insert(words.end(), record.begin(), record.end());
            words.resize(words.size() + copy - record.size());
        }
    }
    words[preamble::magic] = segment_magic;
    words[preamble::version] = std::uint64_t{layout_major} << 32 | layout_minor;
    words[preamble::size] = words.size();
    words[preamble::key] = 0x1f000501;
    words[preamble::traced] = tables[static_cast<std::size_t>(Table::trace)].size();
    write_places(words, places);
    return words;
}

Words dump(std::span<const EntryRecord> entries, Life life, std::uint32_t resource_key = 1) {
    std::array<std::vector<Words>, table_count> tables;
    const ParamRecord param{.msg_check_interval = 5s,
                            .monitor_interval = 10s,
                            .monitor_try_count = 2,
                            .confirm_wait = 2s,
                            .script_kill_wait = 5s,
                            .remind_interval = 3600s,
                            .script_parallel = 16,
                            .shm_dump_file = "/var/lib/banken/dump",
                            .script_output_file = "/var/log/scripts"};
    tables[0] = {encode(header(static_cast<std::uint32_t>(entries.size()), life))};
    tables[1] = {encode(HeartbeatRecord{instant, wall})};
    tables[2] = {encode(param)};
    for (const EntryRecord& one : entries) tables[3].push_back(encode(one));
    for (ResourceRecord one : resources()) {
        if (one.key == 1) one.key = resource_key;
        tables[4].push_back(encode(one));
    }
    tables[6] = trace();
    return image(tables);
}

void write(const std::string& path, const Words& words) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(words.data()), static_cast<std::streamsize>(words.size() * 8));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 64;
    auto all = entries();
    for (std::size_t i = 0; i < all.size(); ++i)
        write(fmt::format("{}/entry_{}", argv[1], all[i].pent_id), dump(std::span(all).subspan(i, 1), Life::running));
    write(fmt::format("{}/shop", argv[1]), dump(all, Life::running));
    write(fmt::format("{}/ended", argv[1]), dump(all, Life::ended));
    write(fmt::format("{}/empty", argv[1]), dump({}, Life::starting));
    constexpr std::array<std::uint32_t, 6> keys{4, 2, 1, 3, 0, 0};
    for (std::size_t i = 0; i < keys.size(); ++i) all[i].key = keys.at(i);
    write(fmt::format("{}/other_numbers", argv[1]), dump(all, Life::running, 7));
    all.front().key = std::numeric_limits<std::uint32_t>::max();
    write(fmt::format("{}/greatest_number", argv[1]), dump(all, Life::running));
}
