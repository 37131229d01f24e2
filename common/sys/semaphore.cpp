// SPDX-License-Identifier: Apache-2.0
#include "common/sys/semaphore.hpp"

#include <sys/sem.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "common/sys/ipc_trust.hpp"

namespace banken::sys {
namespace {

// A set of two: [holder] is 1 while the key is held, [mark] tells our sets from others at the same key.
constexpr unsigned short holder = 0, mark = 1;
constexpr int set_size = 2, mark_value = 0x4b42;  // "BK"

// semctl(2): the caller declares it.
union SemaphoreArgument {
    int value;
    semid_ds* status;
};

int find(std::uint32_t key) { return semget(static_cast<key_t>(key), 0, 0); }

// Set `id` is ours and believable. A set that is being made has no mark yet.
Result<> check(int id, std::optional<uid_t> pfile_owner) {
    semid_ds status{};
    if (semctl(id, 0, IPC_STAT, SemaphoreArgument{.status = &status}) != 0) return fail_errno("semctl");
    auto believed = believe(permissions_of(status.sem_perm), pfile_owner);
    if (!believed) return believed;
    const int marked = status.sem_nsems == set_size ? semctl(id, mark, GETVAL) : -1;
    if (marked != mark_value && marked != 0) return fail("it is not of pcheck");
    return {};
}

Result<> allow_reading(int id, gid_t readers) {
    semid_ds status{};
    const SemaphoreArgument argument{.status = &status};
    if (semctl(id, 0, IPC_STAT, argument) != 0) return fail_errno("semctl");
    status.sem_perm.gid = readers;
    status.sem_perm.mode = 0640;
    if (semctl(id, 0, IPC_SET, argument) != 0) return fail_errno("semctl");
    return {};
}

// The mark and the key are taken in one step, so that of two who start at once one succeeds.
bool take_set(int id) {
    std::array<sembuf, 4> operations{
        {{holder, 0, IPC_NOWAIT}, {holder, 1, IPC_NOWAIT | SEM_UNDO}, {mark, 0, IPC_NOWAIT}, {mark, mark_value, IPC_NOWAIT}}};
    const std::size_t count = semctl(id, mark, GETVAL) == mark_value ? 2 : operations.size();
    return semop(id, operations.data(), count) == 0;
}

}  // namespace

Result<bool> key_is_held(std::uint32_t key, std::optional<uid_t> pfile_owner) {
    const int id = find(key);
    if (id < 0) return fail_errno("semget");
    auto checked = check(id, pfile_owner);
    if (!checked) return Failure(checked.error());
    const int value = semctl(id, holder, GETVAL);
    if (value < 0) return fail_errno("semctl");
    return value > 0;
}

Result<Ownership> Ownership::take(const Request& request) {
    int id = semget(static_cast<key_t>(request.key), set_size, IPC_CREAT | IPC_EXCL | 0600);
    const bool made_here = id >= 0;
    if (!made_here && errno == EEXIST) id = find(request.key);
    if (id < 0) return fail_errno("semget");
    if (!made_here) {
        auto checked = check(id, request.pfile_owner);
        if (!checked) return Failure(checked.error());
    }
    if (!take_set(id)) {
        const auto refused = fail_errno("semop");
        const bool is_ours = request.in_place && refused.value().number == EAGAIN && semctl(id, holder, GETPID) == ::getpid();
        if (!is_ours) return refused;
    }
    Ownership ownership(id, made_here);
    if (request.readers) {
        auto allowed = allow_reading(id, *request.readers);
        if (!allowed) return Failure(allowed.error());
    }
    return ownership;
}

Ownership& Ownership::operator=(Ownership&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(made_here_, other.made_here_);
    return *this;
}

Ownership::~Ownership() {
    if (id_ < 0) return;
    sembuf give_back{holder, -1, IPC_NOWAIT | SEM_UNDO};
    if (made_here_) {
        semctl(id_, 0, IPC_RMID);
    } else {
        semop(id_, &give_back, 1);
    }
}

bool Ownership::removed() const { return semctl(id_, holder, GETVAL) < 0 && (errno == EINVAL || errno == EIDRM); }

Result<> Ownership::remove() {
    if (semctl(std::exchange(id_, -1), 0, IPC_RMID) != 0) return fail_errno("semctl");
    return {};
}

pid_t holder_of(std::uint32_t key) {
    const int id = find(key);
    const int pid = id < 0 ? 0 : semctl(id, holder, GETPID);
    return pid < 0 ? 0 : pid;
}

}  // namespace banken::sys
