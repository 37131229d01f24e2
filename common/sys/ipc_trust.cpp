// SPDX-License-Identifier: Apache-2.0
#include "common/sys/ipc_trust.hpp"

#include <sys/shm.h>
#include <unistd.h>

namespace banken::sys {

IpcPermissions permissions_of(const ipc_perm& perm) {
    return {.owner = perm.uid, .creator = perm.cuid, .mode = perm.mode & mode_t{0777}, .removed = (perm.mode & SHM_DEST) != 0};
}

Result<> believe(const IpcPermissions& permissions, std::optional<uid_t> pfile_owner) {
    for (const uid_t uid : {permissions.creator, permissions.owner}) {
        if (uid != 0 && uid != geteuid() && uid != pfile_owner) return fail("it belongs to uid {}", uid);
    }
    if (permissions.mode & 022) return fail("it is writable by others (mode {:04o})", permissions.mode);
    if (permissions.removed) return fail("it is marked for removal");
    return {};
}

}  // namespace banken::sys
