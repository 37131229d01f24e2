// SPDX-License-Identifier: Apache-2.0
// Whole files in one call. All may hang on a dead mount, except in /proc: in the daemon they are called by helper threads.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace banken::sys {

// Only regular files of at most `limit` bytes, so that a FIFO or a device can neither hang nor flood us.
// "/etc/pfile: is a directory"; `number` is errno where the kernel refused.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t limit);

// The last bytes of a regular file, at most `most` of them, however large it is.
[[nodiscard]] Result<std::string> read_end(const std::string& path, std::size_t most);

// A file of /proc, relative to an open directory: its size is not known ahead. More than `limit` bytes are cut off.
[[nodiscard]] Result<std::string> read_at(int directory, const char* relative, std::size_t limit);

// Readers see the old file or the new one, whole, also after a crash: a temporary file beside it is written, synced and renamed.
// What was at `path` (a link too) is replaced; `mode` counts as given, whatever the umask.
[[nodiscard]] Result<> write_atomically(const std::string& path, std::string_view bytes, mode_t mode);

// As a shell's `>` does: what is there is emptied, a FIFO or device is written to; made with mode 0644 less the umask.
[[nodiscard]] Result<> write_file(const std::string& path, std::string_view bytes);

// The absolute path without links, `.` and `..`; it must exist.
[[nodiscard]] Result<std::string> resolved_path(const std::string& path);

// Its uid, links followed.
[[nodiscard]] Result<uid_t> owner_of(const std::string& path);

}  // namespace banken::sys
