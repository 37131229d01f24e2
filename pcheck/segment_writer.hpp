// SPDX-License-Identifier: Apache-2.0
// pcheck's side of the shared segment: owns the segment and the semaphore that makes this process its only writer (spec/shared-memory.md).
// Everything but the order slots is written here and nowhere else. Main thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/pfile.hpp"
#include "common/result.hpp"
#include "common/segment_layout.hpp"
#include "common/segment_records.hpp"
#include "common/sys/semaphore.hpp"
#include "common/sys/shm.hpp"
#include "pcheck/left_state.hpp"

namespace banken {

struct SegmentRequest {
    std::string pfile;             // resolved path
    FileStamp file;                // of the pfile as it was read
    uid_t pfile_owner = 0;         // whose segments are believed beside root's and our own
    std::optional<gid_t> readers;  // STATE_GROUP: this group may read
    bool fresh = false;            // --fresh: a dead owner's state is discarded
    bool dry_run = false;          // only what a dry run has left is gone on with
    bool in_place = false;         // executed in place: the key may be held by this very process
};

class SegmentWriter {
public:
    // Takes the ownership of IPCKEY, makes the segment and publishes header (starting, no entries) and parameters. A segment that a killed pcheck
    // of this boot and PID namespace has left is gone on with as it is: its entries and trace stay until they are published anew.
    // Error::number 0: the key is in use, or what is there cannot be used or believed (exit 69), and nothing of it was touched; the text says by whom
    // and what to do. Else the system refused (exit 71).
    [[nodiscard]] static Result<SegmentWriter> open(const Param& param, const SegmentRequest& request, Now now);

    // Whether open() could go on with what is at the key, be its owner alive or not: for a newer program, before it is executed in place.
    [[nodiscard]] static Result<> can_go_on(std::uint32_t key, std::optional<uid_t> pfile_owner);

    // What was there; nothing when the segment is new.
    [[nodiscard]] const std::optional<LeftState>& left() const { return left_; }

    // ---- publishing; nothing here can fail: what is too long is cut, what is beyond the tables is left out ----
    void publish(std::size_t index, const EntryRecord& entry);
    // A place that is beyond those in use so far counts as used from now on.
    void publish(std::size_t index, const ResourceRecord& resource);
    void publish_param(const Param& param);
    void set_ending(ResourceEnd ending, std::uint32_t by, std::uint32_t kept_by);
    // How many of the published entries are in use. Of two with one key readers see the first.
    void set_entries(std::size_t count, std::size_t leaving = 0);
    void set_life(Life life, std::string_view reason = {});
    // What MESSAGE_BOX shows while a reload or a shutdown is being carried out.
    void set_busy(Busy busy);
    // The pfile was loaded anew.
    void set_file(const FileStamp& file);
    // Lines `name = value`.
    void set_capabilities(std::string lines);
    void heartbeat(Now now);
    // `number` is given here.
    void trace(TraceRecord record);

    // The used parts in the layout of the segment, as bytes for the dump file; read by SegmentReader.
    [[nodiscard]] std::string image() const;

    // The words of the segment, for the OrderServer. Valid until recreated() has returned true.
    [[nodiscard]] std::span<std::uint64_t> words() const { return segment_.words(); }
    [[nodiscard]] const TablePlace& slots() const { return place_of(Table::slots); }
    [[nodiscard]] std::uint32_t key() const { return key_; }

    // Whether the segment had been removed behind our back (ipcrm) and was made anew: header, parameters and heartbeat are published again, entries and
    // trace are the caller's to publish. Asked every MSG_CHECK_INTERVAL.
    [[nodiscard]] Result<bool> recreated();

    // The end by order: segment and semaphore are gone. This process keeps its mapping, so an answer can still be given.
    [[nodiscard]] Result<> remove();

private:
    SegmentWriter(sys::Ownership ownership, sys::Segment segment) : ownership_(std::move(ownership)), segment_(std::move(segment)) {}
    void lay_out();
    void go_on();
    void write(Table table, std::uint64_t index, std::span<const std::uint64_t> content);
    void publish_header();
    [[nodiscard]] const TablePlace& place_of(Table table) const;

    sys::Ownership ownership_;
    sys::Segment segment_;
    TablePlaces places_{};
    std::uint32_t key_ = 0;
    std::optional<gid_t> readers_;
    uid_t pfile_owner_ = 0;
    std::uint64_t traced_ = 0;
    HeaderRecord header_;
    ParamRecord param_;
    HeartbeatRecord heartbeat_;
    std::optional<LeftState> left_;
};

[[nodiscard]] ParamRecord record_of(const Param& param);

}  // namespace banken
