// SPDX-License-Identifier: Apache-2.0
#include "pcheck/segment_writer.hpp"

#include <algorithm>

#include "common/segment_codec.hpp"
#include "common/segment_reader.hpp"
#include "common/sys/identity.hpp"
#include "common/sys/pid_ref.hpp"
#include "common/text.hpp"

namespace banken {
namespace {

std::string key_text(std::uint32_t key) { return fmt::format("IPCKEY 0x{:08x}", key); }

// What the segment says of who left or holds it, as far as it can be believed.
std::optional<HeaderRecord> header_of(const sys::SegmentStat& stat, std::optional<uid_t> pfile_owner) {
    if (!sys::believe(stat.permissions, pfile_owner)) return std::nullopt;
    const auto segment = sys::Segment::attach(stat, sys::Segment::Access::read);
    if (!segment) return std::nullopt;
    const auto reader = SegmentReader::open(segment->words());
    auto header = reader ? reader->header() : fail("");
    return header ? std::optional(*std::move(header)) : std::nullopt;
}

// "pid=7750, pfile=/etc/banken/pfile"
std::string owner_text(const HeaderRecord& header) { return fmt::format("pid={}, pfile={}", header.owner.id.pid, printable(header.pfile)); }

// It was killed, but a thread of it waits in the kernel and keeps the key: its first thread, which never leaves alone, has ended.
bool is_ending(ProcessId process) {
    const auto stat = sys::read_stat(process.pid);
    return stat && stat->id() == process && stat->state == 'Z' && !stat->dead();
}

Failure already_running(std::uint32_t key, std::optional<uid_t> pfile_owner) {
    const auto stat = sys::find_segment(key);
    const auto header = stat ? header_of(*stat, pfile_owner) : std::nullopt;
    if (!header) return fail("{} is in use: its semaphore is held by pid={}", key_text(key), sys::holder_of(key));
    if (!is_ending(header->owner.id)) return fail("already running, {}", owner_text(*header));
    constexpr std::string_view why =
        "was killed and has not ended yet: a thread of it waits, for a dead mount perhaps; start again when it has gone";
    return Failure(Error{fmt::format("the pcheck of before ({}) {}", owner_text(*header), why), EBUSY});  // a supervisor tries again
}

// A segment that is at the key, for whoever holds it now. `state`: nothing, where there is nothing to go on with.
struct Found {
    std::optional<sys::Segment> segment;
    std::optional<LeftState> state;
};

Result<std::optional<LeftState>> state_in(const sys::Segment& segment, const OwnerRecord& self) {
    const auto reader = SegmentReader::open(segment.words());
    return reader ? left_in(*reader, self) : Failure(reader.error());
}

// Records of this program fit the copies that it was made with: else it would have to be made anew.
bool has_room(const TablePlaces& places) {
    const auto copy = [&](Table table) { return places[static_cast<std::size_t>(table)].copy; };
    return longest<HeaderRecord>() <= copy(Table::header) && longest<HeartbeatRecord>() <= copy(Table::heartbeat) &&
           longest<ParamRecord>() <= copy(Table::param) && longest<EntryRecord>() <= copy(Table::entries) &&
           longest<ResourceRecord>() <= copy(Table::resources) && longest<TraceRecord>() <= copy(Table::trace);
}

// A pcheck was killed before its segment had its magic: it is as large as ours are to the word, nobody uses it and nothing in it speaks against it.
bool is_half_made(const sys::SegmentStat& stat, const sys::Segment& segment) {
    const auto words = segment.words();
    if (stat.attached != 0 || !is_live_size(words.size()) || load(words[preamble::magic]) != 0) return false;
    const std::uint64_t key = load(words[preamble::key]);
    return key == 0 || key == stat.key;
}

// The key is ours, so whoever made a segment of ours there is dead. Anybody else's is not touched.
Result<Found> look_at_key(std::uint32_t key, const SegmentRequest& request, const OwnerRecord& self) {
    const auto stat = sys::find_segment(key);
    if (!stat && stat.error().number == ENOENT) return Found{};
    if (!stat && stat.error().number == EACCES) return fail("{} is in use by a segment of another user", key_text(key));
    if (!stat) return Failure(stat.error());
    const auto refuse = [&](std::string_view why) {
        return fail("{} is in use by a segment that is not touched: {} (uid={}, made by pid={}): choose another IPCKEY", key_text(key), why,
                    stat->permissions.creator, stat->creator);
    };
    if (const auto believed = sys::believe(stat->permissions, request.pfile_owner); !believed) return refuse(believed.error().text);
    auto segment = sys::Segment::attach(*stat, sys::Segment::Access::write);
    if (!segment) return refuse(segment.error().text);
    const bool half_made = is_half_made(*stat, *segment);
    if (!half_made && !SegmentReader::is_ours(segment->words())) return refuse("it is not of pcheck");
    Found found;
    if (!request.fresh && !half_made) {
        auto state = state_in(*segment, self);
        if (!state) {
            const auto header = header_of(*stat, request.pfile_owner);
            return fail("{} holds the state of a pcheck that was killed{}, which cannot be adopted: {}; --fresh discards it", key_text(key),
                        header ? ", " + owner_text(*header) : "", state.error().text);
        }
        if (request.dry_run && *state && (*state)->header.capabilities.find("dry_run = yes") == std::string::npos)
            return fail("{} holds the state of a pcheck that was killed: a dry run needs an IPCKEY and a SHM_DUMP_FILE of its own",
                        key_text(key));
        found.state = *std::move(state);
    }
    if (found.state && has_room(SegmentReader::open(segment->words())->places())) {
        found.segment = *std::move(segment);
        return found;
    }
    if (auto removed = segment->remove(); !removed) return Failure(removed.error());
    return found;
}

}  // namespace

ParamRecord record_of(const Param& param) {
    return {.msg_check_interval = param.msg_check_interval,
            .monitor_interval = param.monitor_interval,
            .monitor_try_count = param.monitor_try_count,
            .confirm_wait = param.confirm_wait,
            .script_timeout = param.script_timeout,
            .script_kill_wait = param.script_kill_wait,
            .remind_interval = param.remind_interval,
            .script_parallel = param.script_parallel,
            .detect_event = param.detect_event,
            .script_check_strict = param.script_check_strict,
            .shm_dump_file = param.shm_dump_file,
            .script_output_file = param.script_output == ScriptOutput::file ? param.script_output_file : std::string()};
}

Result<SegmentWriter> SegmentWriter::open(const Param& param, const SegmentRequest& request, Now now) {
    const std::uint32_t key = param.ipc_key;
    const auto identity = sys::own_identity();
    if (!identity) return Failure(identity.error());
    auto ownership =
        sys::Ownership::take({.key = key, .readers = request.readers, .pfile_owner = request.pfile_owner, .in_place = request.in_place});
    if (!ownership) {
        const Error& error = ownership.error();
        if (error.number == EAGAIN) return already_running(key, request.pfile_owner);
        if (error.number == 0 || error.number == EACCES)
            return fail("{} is in use by a semaphore that is not touched: {}", key_text(key), error.text);
        return Failure(error);
    }
    auto found = look_at_key(key, request, *identity);
    if (!found) return Failure(found.error());
    TablePlaces places = live_places(param.history_size);
    const bool goes_on = found->segment.has_value();
    if (goes_on) {
        places = SegmentReader::open(found->segment->words())->places();
    } else {
        auto segment = sys::Segment::create(key, end_of(places) * sizeof(std::uint64_t), request.readers);
        if (!segment) return Failure(segment.error().in(key_text(key)));
        found->segment = *std::move(segment);
    }
    SegmentWriter writer(*std::move(ownership), std::move(*found->segment));
    writer.left_ = std::move(found->state);
    writer.key_ = key;
    writer.places_ = places;
    writer.readers_ = request.readers;
    writer.pfile_owner_ = request.pfile_owner;
    writer.header_.owner = *identity;
    writer.header_.file = request.file;
    writer.header_.pfile = request.pfile;
    writer.header_.version = BANKEN_VERSION;
    writer.param_ = record_of(param);
    writer.heartbeat_ = {.instant = now.instant, .wall = now.wall};
    if (goes_on) {
        writer.go_on();
    } else {
        writer.lay_out();
    }
    return writer;
}

Result<> SegmentWriter::can_go_on(std::uint32_t key, std::optional<uid_t> pfile_owner) {
    const auto self = sys::own_identity();
    if (!self) return Failure(self.error());
    const auto stat = sys::find_segment(key);
    if (!stat && stat.error().number == ENOENT) return {};
    if (!stat) return Failure(stat.error().in(key_text(key)));
    if (auto believed = sys::believe(stat->permissions, pfile_owner); !believed) return Failure(believed.error().in(key_text(key)));
    const auto segment = sys::Segment::attach(*stat, sys::Segment::Access::read);
    if (!segment) return Failure(segment.error().in(key_text(key)));
    if (const auto state = state_in(*segment, *self); !state) return Failure(state.error().in(key_text(key)));
    return {};
}

// What is there stays readable at every moment: a record is what it was, or what it is now.
void SegmentWriter::go_on() {
    traced_ = load(words()[preamble::traced]);
    header_.entries = left_->header.entries;  // second copies included
    header_.leaving = left_->header.leaving;
    header_.resources = left_->header.resources;
    header_.ending = left_->header.ending;
    header_.ended_by = left_->header.ended_by;
    header_.kept_by = left_->header.kept_by;
    header_.capabilities = left_->header.capabilities;
    publish_header();
    write(Table::heartbeat, 0, encode(heartbeat_));
    write(Table::param, 0, encode(param_));
    store(words()[preamble::version], std::uint64_t{layout_major} << 32 | layout_minor);
}

// The magic comes last: until then the segment is nobody's.
void SegmentWriter::lay_out() {
    const auto segment = words();
    store(segment[preamble::version], std::uint64_t{layout_major} << 32 | layout_minor);
    store(segment[preamble::size], segment.size());
    store(segment[preamble::key], key_);
    write_places(segment, places_);
    write(Table::heartbeat, 0, encode(heartbeat_));
    write(Table::param, 0, encode(param_));
    publish_header();
    store(segment[preamble::magic], segment_magic);
}

const TablePlace& SegmentWriter::place_of(Table table) const { return places_[static_cast<std::size_t>(table)]; }

void SegmentWriter::write(Table table, std::uint64_t index, std::span<const std::uint64_t> content) {
    const TablePlace& place = place_of(table);
    if (index >= place.capacity) return;
    write_record(record_at(words(), place, index), place.copy, content,
                 [](std::uint64_t& word, std::uint64_t value) { store(word, value); });
}

void SegmentWriter::publish_header() { write(Table::header, 0, encode(header_)); }

void SegmentWriter::publish(std::size_t index, const EntryRecord& entry) { write(Table::entries, index, encode(entry)); }

void SegmentWriter::publish(std::size_t index, const ResourceRecord& resource) {
    if (index >= place_of(Table::resources).capacity) return;
    write(Table::resources, index, encode(resource));
    if (index < header_.resources) return;
    header_.resources = static_cast<std::uint32_t>(index + 1);
    publish_header();
}

void SegmentWriter::set_ending(ResourceEnd ending, std::uint32_t by, std::uint32_t kept_by) {
    if (header_.ending == ending && header_.ended_by == by && header_.kept_by == kept_by) return;
    header_.ending = ending;
    header_.ended_by = by;
    header_.kept_by = kept_by;
    publish_header();
}

void SegmentWriter::publish_param(const Param& param) {
    param_ = record_of(param);
    write(Table::param, 0, encode(param_));
}

void SegmentWriter::set_entries(std::size_t count, std::size_t leaving) {
    const std::uint64_t capacity = place_of(Table::entries).capacity;
    header_.entries = static_cast<std::uint32_t>(std::min<std::uint64_t>(count, capacity));
    header_.leaving = static_cast<std::uint32_t>(std::min<std::uint64_t>(leaving, capacity - header_.entries));
    publish_header();
}

void SegmentWriter::set_life(Life life, std::string_view reason) {
    header_.life = life;
    header_.reason = reason;
    publish_header();
}

void SegmentWriter::set_busy(Busy busy) {
    header_.busy = busy;
    publish_header();
}

void SegmentWriter::set_file(const FileStamp& file) {
    header_.file = file;
    publish_header();
}

void SegmentWriter::set_capabilities(std::string lines) {
    header_.capabilities = std::move(lines);
    publish_header();
}

void SegmentWriter::heartbeat(Now now) {
    heartbeat_ = {.instant = now.instant, .wall = now.wall};
    write(Table::heartbeat, 0, encode(heartbeat_));
}

void SegmentWriter::trace(TraceRecord record) {
    record.number = traced_;
    write(Table::trace, traced_ % place_of(Table::trace).capacity, encode(record));
    store(words()[preamble::traced], ++traced_);
}

std::string SegmentWriter::image() const {
    const auto live = segment_.words();
    const std::uint64_t trace_records = std::min(traced_, place_of(Table::trace).capacity);
    const std::array<std::uint64_t, table_count> used{1, 1, 1, header_.entries + header_.leaving, header_.resources, 0, trace_records};
    std::vector<std::uint64_t> image(live.begin(), live.begin() + preamble::words);
    TablePlaces places{};
    for (std::size_t table = 0; table < table_count; ++table) {
        // One copy of each record, all as long as the longest: with sequence 0 the first copy is the valid one.
        std::vector<std::vector<std::uint64_t>> records;
        std::size_t copy = 0;
        for (std::uint64_t index = 0; index < used[table]; ++index) {
            records.push_back(
                read_record(record_at(live, places_[table], index), places_[table].copy).value_or(std::vector<std::uint64_t>()));
            copy = std::max(copy, records.back().size());
        }
        places[table] = {.place = image.size(), .distance = 1 + copy, .copy = copy, .capacity = records.size()};
        for (const auto& record : records) {
            image.push_back(0);
            image.insert(image.end(), record.begin(), record.end());
            image.resize(image.size() + copy - record.size());
        }
    }
    image[preamble::size] = image.size();
    write_places(image, places);
    return {reinterpret_cast<const char*>(image.data()), image.size() * sizeof(std::uint64_t)};
}

Result<bool> SegmentWriter::recreated() {
    if (ownership_.removed()) {
        auto again = sys::Ownership::take({.key = key_, .readers = readers_, .pfile_owner = pfile_owner_});
        if (!again) return Failure(again.error().in(key_text(key_)));
        ownership_ = *std::move(again);
    }
    if (!segment_.removed()) return false;
    auto segment = sys::Segment::create(key_, end_of(places_) * sizeof(std::uint64_t), readers_);
    if (!segment) return Failure(segment.error().in(key_text(key_)));
    segment_ = *std::move(segment);
    traced_ = 0;
    header_.entries = header_.leaving = header_.resources = 0;
    lay_out();
    return true;
}

Result<> SegmentWriter::remove() {
    auto segment = segment_.remove();
    auto semaphore = ownership_.remove();
    return segment ? semaphore : segment;
}

}  // namespace banken
