// SPDX-License-Identifier: Apache-2.0
// Whose System V objects are believed: anybody can be first at a key (reference: spec/shared-memory.md, Ownership).
#pragma once

#include <sys/ipc.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "common/result.hpp"

namespace banken::sys {

// What IPC_STAT says. The kernel keeps it; nothing in the object itself can forge it.
struct IpcPermissions {
    uid_t owner = 0, creator = 0;
    mode_t mode = 0;
    bool removed = false;  // SHM_DEST: it lives on only for those who are attached
};
[[nodiscard]] IpcPermissions permissions_of(const ipc_perm& perm);

// Owner and creator are root, this process's user or the owner of the pfile, and neither group nor others may write. The error says which is not so.
[[nodiscard]] Result<> believe(const IpcPermissions& permissions, std::optional<uid_t> pfile_owner);

}  // namespace banken::sys
