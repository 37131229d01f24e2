// SPDX-License-Identifier: Apache-2.0
// One attached System V shared-memory segment.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "common/result.hpp"
#include "common/sys/ipc_trust.hpp"

namespace banken::sys {

// A segment as the kernel knows it, without a look into it.
struct SegmentStat {
    int id = -1;
    std::uint32_t key = 0;
    IpcPermissions permissions;
    std::size_t bytes = 0;
    pid_t creator = 0;           // who made it; no proof of who owns it now
    std::uint64_t attached = 0;  // how often
};

// The segment at a key. number ENOENT: there is none; EACCES: not permitted to read it.
[[nodiscard]] Result<SegmentStat> find_segment(std::uint32_t key);
// Every segment of this IPC namespace, readable or not.
[[nodiscard]] std::vector<SegmentStat> all_segments();

class Segment {
public:
    enum class Access { read, write };

    // A new one of zeros, at a key that is free (number EEXIST: it is not), readable and writable by this user, readable by the group `readers`.
    // Its pages are neither reserved nor made before they are written.
    [[nodiscard]] static Result<Segment> create(std::uint32_t key, std::size_t bytes, std::optional<gid_t> readers);
    // Believe its SegmentStat first. number EACCES: not permitted.
    [[nodiscard]] static Result<Segment> attach(const SegmentStat& stat, Access access);

    Segment(Segment&& other) noexcept : id_(std::exchange(other.id_, -1)), words_(std::exchange(other.words_, {})) {}
    Segment& operator=(Segment&& other) noexcept;
    ~Segment();

    // Only to be read with Access::read.
    [[nodiscard]] std::span<std::uint64_t> words() const { return words_; }

    [[nodiscard]] Result<SegmentStat> stat() const;
    // Removed by whomever: the key is free again, and this mapping is seen by those alone who had it before.
    [[nodiscard]] bool removed() const;
    // The mapping stays until the owner's end.
    [[nodiscard]] Result<> remove() const;

private:
    Segment(int id, std::span<std::uint64_t> words) : id_(id), words_(words) {}
    int id_ = -1;
    std::span<std::uint64_t> words_;
};

}  // namespace banken::sys
