// SPDX-License-Identifier: Apache-2.0
// Reads and judges the files that pcheck is configured by: the same for the start, for a reload and for -t. Everything here may hang on a dead mount
// or a name service, so a running daemon calls it in helper threads.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/pfile.hpp"
#include "common/segment_records.hpp"
#include "common/sys/config_file.hpp"

namespace banken {

using sys::LoadFailure;

struct LoadedPfile {
    Pfile pfile;       // uid and runner of its entries resolved
    std::string path;  // resolved
    FileStamp stamp;
    uid_t owner = 0;
    std::optional<gid_t> readers;         // STATE_GROUP
    std::vector<GivenOptions> given;      // for each of its entries; for -t alone
    std::vector<Diagnostic> diagnostics;  // of load_pfile: warnings of the text, for -t alone
};

[[nodiscard]] tl::expected<LoadedPfile, LoadFailure> load_pfile(const std::string& path);

// For -t, which goes on where a daemon would not: a file with mistakes, all of which are in its diagnostics, and what could be made of it.
// Error: the file cannot be read or is not trusted.
[[nodiscard]] tl::expected<LoadedPfile, LoadFailure> examine_pfile(const std::string& path);

// A script that would not be run if its entry were lost now.
struct RefusedScript {
    std::string name;
    unsigned pent_id = 0;
    std::optional<PentOption> option;  // check or stop; unset: the restart script
    std::string reason;                // "/path is writable by others"
};
[[nodiscard]] std::vector<RefusedScript> refused_scripts(const Pfile& pfile);

}  // namespace banken
