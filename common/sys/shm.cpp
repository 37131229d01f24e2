// SPDX-License-Identifier: Apache-2.0
#include "common/sys/shm.hpp"

#include <sys/shm.h>

#include <utility>

namespace banken::sys {
namespace {

SegmentStat stat_of(int id, const shmid_ds& status) {
    return {.id = id,
            .key = static_cast<std::uint32_t>(status.shm_perm.__key),
            .permissions = permissions_of(status.shm_perm),
            .bytes = status.shm_segsz,
            .creator = status.shm_cpid,
            .attached = status.shm_nattch};
}

Result<SegmentStat> stat_of(int id) {
    shmid_ds status{};
    if (shmctl(id, IPC_STAT, &status) != 0) return fail_errno("shmctl");
    return stat_of(id, status);
}

Result<std::span<std::uint64_t>> attach_words(int id, std::size_t bytes, int flags) {
    void* const address = shmat(id, nullptr, flags);
    if (address == reinterpret_cast<void*>(-1)) return fail_errno("shmat");
    return std::span(static_cast<std::uint64_t*>(address), bytes / sizeof(std::uint64_t));
}

}  // namespace

Result<SegmentStat> find_segment(std::uint32_t key) {
    const int id = shmget(static_cast<key_t>(key), 0, 0);
    if (id < 0) return fail_errno("shmget");
    return stat_of(id);
}

std::vector<SegmentStat> all_segments() {
    std::vector<SegmentStat> segments;
    shmid_ds status{};
    const int last = shmctl(0, SHM_INFO, &status);
    for (int index = 0; index <= last; ++index) {
        const int id = shmctl(index, SHM_STAT_ANY, &status);
        if (id >= 0) segments.push_back(stat_of(id, status));
    }
    return segments;
}

Result<Segment> Segment::create(std::uint32_t key, std::size_t bytes, std::optional<gid_t> readers) {
    const int id = shmget(static_cast<key_t>(key), bytes, IPC_CREAT | IPC_EXCL | SHM_NORESERVE | 0600);
    if (id < 0) return fail_errno("shmget");
    auto words = attach_words(id, bytes, 0);
    if (!words) {
        shmctl(id, IPC_RMID, nullptr);
        return Failure(words.error());
    }
    Segment segment(id, *words);
    shmid_ds status{};
    if (readers) {
        if (shmctl(id, IPC_STAT, &status) != 0) return fail_errno("shmctl");
        status.shm_perm.gid = *readers;
        status.shm_perm.mode = 0640;
        if (shmctl(id, IPC_SET, &status) != 0) {
            auto failure = fail_errno("shmctl");
            shmctl(id, IPC_RMID, nullptr);
            return failure;
        }
    }
    return segment;
}

Result<Segment> Segment::attach(const SegmentStat& stat, Access access) {
    auto words = attach_words(stat.id, stat.bytes, access == Access::read ? SHM_RDONLY : 0);
    if (!words) return Failure(words.error());
    return Segment(stat.id, *words);
}

Segment& Segment::operator=(Segment&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(words_, other.words_);
    return *this;
}

Segment::~Segment() {
    if (!words_.empty()) shmdt(words_.data());
}

Result<SegmentStat> Segment::stat() const { return stat_of(id_); }

bool Segment::removed() const {
    const auto now = stat();
    return !now || now->permissions.removed;
}

Result<> Segment::remove() const {
    if (shmctl(id_, IPC_RMID, nullptr) != 0) return fail_errno("shmctl");
    return {};
}

}  // namespace banken::sys
