// SPDX-License-Identifier: Apache-2.0
// Reads and judges the files that pcheck is configured by: the same for the start, for a reload and for -t. Everything here may hang on a dead mount
// or a name service, so a running daemon calls it in helper threads.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/definition_file.hpp"
#include "common/pfile.hpp"
#include "common/segment_records.hpp"
#include "common/sys/config_file.hpp"

namespace banken {

using sys::LoadFailure;

struct LoadedPfile {
    Pfile pfile;       // uid and runner of its entries resolved, definitions of its resources read
    std::string path;  // resolved
    FileStamp stamp;
    uid_t owner = 0;
    std::optional<gid_t> readers;         // STATE_GROUP
    std::vector<GivenOptions> given;      // for each of its entries; for -t alone
    std::vector<GivenKeys> given_keys;    // for each of its resources; for -t alone
    std::vector<Diagnostic> diagnostics;  // of load_pfile: warnings of the texts, for -t alone
};

[[nodiscard]] tl::expected<LoadedPfile, LoadFailure> load_pfile(const std::string& path);

// For -t, which goes on where a daemon would not: a file with mistakes, all of which are in its diagnostics, and what could be made of it.
// Error: the file cannot be read or is not trusted.
[[nodiscard]] tl::expected<LoadedPfile, LoadFailure> examine_pfile(const std::string& path);

// A script that a line of the pfile or a definition file names.
struct NamedScript {
    const Command* command = nullptr;    // in the Pfile
    std::string_view name;               // of the entry or the resource
    std::size_t index = 0;               // which entry or resource
    unsigned pent_id = 0;                // 0: a resource
    std::optional<PentOption> option{};  // an entry's check or stop; unset: its restart script
    ResourceScript script{};             // a resource's
    std::optional<uid_t> runner{};       // run_as
};
[[nodiscard]] std::vector<NamedScript> scripts_of(const Pfile& pfile);
// Why it would not be run now: "/path is writable by others". Nothing with SCRIPT_CHECK off.
[[nodiscard]] std::optional<std::string> why_refused(const NamedScript& script, const Param& param);

// A script that would not be run if its entry were lost, or its resource asked for it, now.
struct RefusedScript {
    std::string name;
    unsigned pent_id = 0;  // 0: a resource
    std::string reason;
    std::string_view script;  // "Health check"
};
[[nodiscard]] std::vector<RefusedScript> refused_scripts(const Pfile& pfile);

}  // namespace banken
