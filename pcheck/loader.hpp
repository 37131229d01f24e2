// SPDX-License-Identifier: Apache-2.0
// Reads and judges the files that pcheck is configured by: the same for the start, for a reload and for -t. Everything here may hang on a dead mount
// or a name service, so a running daemon calls it in helper threads.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "common/pfile.hpp"
#include "common/segment_records.hpp"
#include "common/sys/config_file.hpp"

namespace banken {

using sys::LoadFailure;

struct LoadedPfile {
    Pfile pfile;
    std::string path;  // resolved
    FileStamp stamp;
    uid_t owner = 0;
    std::optional<gid_t> readers;      // STATE_GROUP
    std::vector<Diagnostic> warnings;  // of the text; for -t alone
};

[[nodiscard]] tl::expected<LoadedPfile, LoadFailure> load_pfile(const std::string& path);

// A script that would not be run if its entry were lost now.
struct RefusedScript {
    std::string name;
    unsigned pent_id = 0;
    std::string reason;  // "/path is writable by others"
};
[[nodiscard]] std::vector<RefusedScript> refused_scripts(const Pfile& pfile);

}  // namespace banken
