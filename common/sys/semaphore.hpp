// SPDX-License-Identifier: Apache-2.0
// Who owns a key: a System V semaphore that the kernel gives back when its holder dies, however it dies and in whichever PID namespace.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <utility>

#include "common/result.hpp"

namespace banken::sys {

// Whether somebody holds the key now. number ENOENT: there is no semaphore; EACCES: not permitted to look; 0: it is not ours, or cannot be believed.
[[nodiscard]] Result<bool> key_is_held(std::uint32_t key, std::optional<uid_t> pfile_owner);

// A key held by this process until its end. Threads share it; a child does not inherit it, a program executed in place keeps it.
class Ownership {
public:
    struct Request {
        std::uint32_t key = 0;
        std::optional<gid_t> readers;  // may look whether the key is held
        std::optional<uid_t> pfile_owner;
        bool in_place = false;  // this program was executed in place of one that may hold the key
    };
    // Never waits. number EAGAIN: somebody holds it, holder_of() tells who; 0 or EACCES: a semaphore that is not ours or cannot be believed, left
    // untouched.
    [[nodiscard]] static Result<Ownership> take(const Request& request);

    Ownership(Ownership&& other) noexcept : id_(std::exchange(other.id_, -1)), made_here_(other.made_here_) {}
    Ownership& operator=(Ownership&& other) noexcept;
    // Gives the key back; removes the semaphore if take() made it.
    ~Ownership();

    // Removed by whomever (ipcrm): the key can be taken by others, and by us again.
    [[nodiscard]] bool removed() const;

    // At the end by order: the semaphore is gone.
    [[nodiscard]] Result<> remove();

private:
    Ownership(int id, bool made_here) : id_(id), made_here_(made_here) {}
    int id_ = -1;
    bool made_here_ = false;
};

// The process that took the key last, in our PID namespace; 0: unknown, or in another one.
[[nodiscard]] pid_t holder_of(std::uint32_t key);

}  // namespace banken::sys
