// SPDX-License-Identifier: Apache-2.0
// Which segment is meant, and whether it may be believed (spec/shared-memory.md, Ownership; spec/padmin.md, Manners).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/refusal.hpp"
#include "common/sys/shm.hpp"
#include "padmin/options.hpp"
#include "padmin/view.hpp"

namespace banken {

struct Target {
    sys::SegmentStat stat;  // believed
    View view;
};

// How many trace records a view is to have at most.
enum class Traces : std::size_t { none = 0, all = 65536 };

// The running pcheck of a pfile: the file must be readable and say its IPCKEY. `note` is for stderr: the running pcheck has another key than the file.
[[nodiscard]] Outcome<Target> find_by_pfile(const std::string& pfile, Traces traces, std::string& note);
// The running pcheck at a key.
[[nodiscard]] Outcome<Target> find_by_key(std::uint32_t key, Traces traces);

// The running pcheck that -f or -k means; what is to be noted goes to stderr.
[[nodiscard]] Outcome<Target> find_target(const PadminOptions& options, Traces traces);

// What a pcheck that was killed has left; fails where one runs, or nothing is left. For reading only.
[[nodiscard]] Outcome<View> find_left(const PadminOptions& options, Traces traces);

struct Found {
    std::vector<View> views;     // by key
    std::size_t unreadable = 0;  // segments that may be pcheck's, but not for this user
};
// The segments of all pchecks; with `dead` also those whose owner has died.
[[nodiscard]] Found find_all(bool dead);

[[nodiscard]] Outcome<View> read_dump(const std::string& path, Traces traces);

}  // namespace banken
