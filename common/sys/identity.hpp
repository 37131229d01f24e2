// SPDX-License-Identifier: Apache-2.0
// Which process this is, as the segment's header tells others, and whether another process is the one that a header names.
#pragma once

#include <sys/types.h>

#include "common/result.hpp"
#include "common/segment_records.hpp"

namespace banken::sys {

// This process: pid, start time, boot, namespaces and executable.
[[nodiscard]] Result<OwnerRecord> own_identity();

// This machine's; empty where the kernel does not tell it.
[[nodiscard]] std::string host_name();

// The user that this process acts as.
[[nodiscard]] uid_t own_user();

// The process exists, was started when the record says, belongs to `user` (who made the segment: nobody can have us signal a stranger's process) and
// runs the executable that the record names (where /proc/PID/exe may not be followed: a program called pcheck). The error says what does not fit:
// a signal must not be sent then. number EAGAIN: it is called pcheck but runs another file, as one does for a moment that was just executed in place.
[[nodiscard]] Result<> verify_pcheck(const OwnerRecord& owner, uid_t user);

// Device, inode and modification time. number ENOENT …: as stat(2).
[[nodiscard]] Result<FileStamp> stamp_of(const std::string& path);

}  // namespace banken::sys
