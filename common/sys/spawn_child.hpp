// SPDX-License-Identifier: Apache-2.0
// What the child of a Spawner does between clone and exec. Only system calls, on memory prepared before: its memory is a copy in
// which locks may be held by threads that do not exist in it, or ours. Only spawn.cpp and spawn_thread.cpp call this.
#pragma once

#include <sys/resource.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "common/pfile.hpp"
#include "common/sys/trust.hpp"

namespace banken::sys {

struct ChildPlan {
    const char* path = nullptr;
    char* const* argv = nullptr;
    char* const* environment = nullptr;
    ScriptOutput output = ScriptOutput::inherit;
    const char* output_file = nullptr;
    const char* output_directory = nullptr;  // where it is, absolute
    bool check_trust = true;
    uid_t user = 0;          // whom Trust allows beside root to own the output's directory, …
    uid_t script_owner = 0;  // … and to own the script

    // run_as, where it is another user than ours.
    bool becomes = false;
    uid_t uid = 0;
    gid_t gid = 0;
    const std::uint32_t* groups = nullptr;
    std::size_t group_count = 0;

    // Descriptors. Until the first call sets `own_table`, a child that shares our table may change nothing in it.
    int null = -1, place = -1;              // low
    int control = -1;                       // the child's end of the socket pair; it belongs at `place`
    std::atomic<int>* own_table = nullptr;  // null: the table is the child's own from the beginning

    std::uint64_t signals_to_default = 0;  // bit N - 1: signal N
    std::array<rlimit, RLIM_NLIMITS> limits{};
    std::uint32_t limits_to_set = 0;  // bit N: resource N
    int nice = 0;
    bool set_nice = false;
    bool reset_oom_score = false;
};

// What the child sends when it does not execute, and, with Step::output, when it does without its output file.
struct ChildReport {
    enum class Step : std::uint8_t { descriptors, session, directory, limits, nice, output, user, trust, exec };
    Step step{};
    int number = 0;        // errno
    TrustFinding finding;  // with Step::trust and Step::output
};

// The child's first call. False: it could not, which `report` says.
[[nodiscard]] bool take_own_table(const ChildPlan& plan, ChildReport& report) noexcept;
// All that follows; `separate` is what take_own_table() returned.
[[noreturn]] void go_on(const ChildPlan& plan, ChildReport& report, bool separate) noexcept;
[[noreturn]] void run_child(const ChildPlan& plan) noexcept;

}  // namespace banken::sys
