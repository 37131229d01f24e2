// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

#include <cstdint>

namespace banken::test {

// A key of our own, with nothing at it before and after.
struct PrivateKey {
    std::uint32_t key = 0x62000000u + static_cast<std::uint32_t>(getpid());

    PrivateKey() { clear(); }
    ~PrivateKey() { clear(); }
    PrivateKey(const PrivateKey&) = delete;
    PrivateKey& operator=(const PrivateKey&) = delete;

    void clear() const {
        if (const int id = shmget(static_cast<key_t>(key), 0, 0); id >= 0) shmctl(id, IPC_RMID, nullptr);
        if (const int id = semget(static_cast<key_t>(key), 0, 0); id >= 0) semctl(id, 0, IPC_RMID);
    }
};

}  // namespace banken::test
