// SPDX-License-Identifier: Apache-2.0
// Which of the matching processes is the main process, which are orphans, who may take over (spec/pfile.md, Matching).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "pcheck/core/types.hpp"

namespace banken::core {

// What the choice of a main process remembers of an entry.
struct FollowMemory {
    static constexpr std::size_t most = 64;  // known and orphans are bounded: what is beyond is told apart by session and age

    std::optional<Candidate> last;   // the last main process as last seen
    std::vector<Candidate> known;    // what matched at the last look while the main process lived
    std::vector<ProcessId> orphans;  // survivors of a dead main process: they never stand in for it
    std::optional<BootTicks> death;  // since when a replacement may run: its death, or before that; unset at the next Up
    BootTicks noticed = 0;           // when the last main process was noticed dead: who takes over ran by then
};

enum class Scope {
    any_age,         // at start, and after an order
    after_the_loss,  // only roots younger than the death count
};

struct Choice {
    const Candidate* chosen = nullptr;  // into the matches given; null: not found
    std::size_t roots = 0;              // how many could have been chosen
    bool by_age_alone = false;          // nothing but age told them apart
    bool a_persons = false;             // runs as uid 1000 or above, chosen by a pcheck of root without a uid to compare
};

// pcheck's own view of who is trusted to stand in: as root, system users go before people.
[[nodiscard]] Choice choose(std::span<const Candidate> matches, const FollowMemory& memory, Scope scope, bool as_root);

// Who takes over silently from the dead main process (memory.last): a surviving root with its argv[0] that has exec'ed since its fork, or was a
// root before the death, or any when the dead one was `young` (it went to the background). Null: nobody.
[[nodiscard]] const Candidate* taker_over(std::span<const Candidate> matches, const FollowMemory& memory, bool young);

// The main process has died, which was `noticed`; what is younger than `death`, which may be earlier, may be its replacement. What was below it or
// in its session becomes an orphan.
void note_death(FollowMemory& memory, BootTicks death, BootTicks noticed);

// What matches beside a living main process.
void note_known(FollowMemory& memory, std::span<const Candidate> matches);

// Orphans that no longer match are forgotten.
void forget_gone_orphans(FollowMemory& memory, std::span<const Candidate> matches);

// Roots other than the main process that are no orphans: `Ambiguous match` counts them.
[[nodiscard]] std::size_t rivals(std::span<const Candidate> matches, const FollowMemory& memory, ProcessId main);

}  // namespace banken::core
