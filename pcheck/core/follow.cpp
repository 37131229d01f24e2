// SPDX-License-Identifier: Apache-2.0
#include "pcheck/core/follow.hpp"

#include <algorithm>
#include <tuple>

namespace banken::core {
namespace {

constexpr uid_t first_person = 1000;  // uids below belong to the system and its daemons

bool knew(const FollowMemory& memory, ProcessId id) {
    return std::ranges::any_of(memory.known, [id](const Candidate& known) { return known.id == id; });
}

// Another process that was given the pid of the last main process is younger than its death, and its session is a new one: as long as one process
// is left of the old session, the kernel gives that number to nobody.
bool has_its_pid(const FollowMemory& memory, const Candidate& candidate) {
    return memory.last && candidate.id.pid == memory.last->id.pid && candidate.id != memory.last->id;
}

bool is_orphan(const FollowMemory& memory, const Candidate& candidate) {
    if (has_its_pid(memory, candidate)) return false;
    if (std::ranges::find(memory.orphans, candidate.id) != memory.orphans.end()) return true;
    return memory.last && memory.death && candidate.session == memory.last->session && candidate.id.start <= *memory.death;
}

// Start times are ticks of 10 ms and a replacement often starts in the very tick of the death: then only what was known before is older.
bool younger_than_the_death(const FollowMemory& memory, const Candidate& candidate) {
    if (!memory.death || candidate.id.start > *memory.death || has_its_pid(memory, candidate)) return true;
    return candidate.id.start == *memory.death && !knew(memory, candidate.id);
}

bool may_stand_in(const FollowMemory& memory, const Candidate& candidate, Scope scope) {
    return candidate.named && candidate.root && !is_orphan(memory, candidate) && (!memory.last || candidate.user == memory.last->user) &&
           (scope == Scope::any_age || younger_than_the_death(memory, candidate));
}

bool is_person(const Candidate& candidate) { return candidate.user >= first_person; }

}  // namespace

Choice choose(std::span<const Candidate> matches, const FollowMemory& memory, Scope scope, bool as_root) {
    const bool people_last = as_root && !memory.last;
    const auto merit = [&](const Candidate& candidate) {
        return std::tuple(people_last && is_person(candidate), memory.last && candidate.argv0 != memory.last->argv0,
                          candidate.in_session_scope);
    };
    const auto rank = [&](const Candidate& candidate) { return std::tuple(merit(candidate), candidate.id.start, candidate.id.pid); };
    Choice choice;
    for (const Candidate& candidate : matches) {
        if (!may_stand_in(memory, candidate, scope)) continue;
        ++choice.roots;
        if (choice.chosen && merit(candidate) == merit(*choice.chosen)) choice.by_age_alone = true;
        if (choice.chosen && merit(candidate) < merit(*choice.chosen)) choice.by_age_alone = false;
        if (!choice.chosen || rank(candidate) < rank(*choice.chosen)) choice.chosen = &candidate;
    }
    choice.a_persons = people_last && choice.chosen && is_person(*choice.chosen);
    return choice;
}

const Candidate* taker_over(std::span<const Candidate> matches, const FollowMemory& memory, bool young) {
    if (!memory.last || !memory.death) return nullptr;
    const auto was_root = [&](const Candidate& candidate) {
        const auto known = std::ranges::find(memory.known, candidate.id, &Candidate::id);
        return known != memory.known.end() && known->root;
    };
    const Candidate* taker = nullptr;
    for (const Candidate& candidate : matches) {
        if (!candidate.named || !candidate.root || candidate.id == memory.last->id) continue;
        if (candidate.id.start > memory.noticed && !knew(memory, candidate.id)) continue;  // a death is noticed within some ticks
        if (candidate.argv0 != memory.last->argv0 || candidate.user != memory.last->user) continue;
        if (candidate.fork_no_exec && !was_root(candidate) && !young) continue;
        if (!taker || candidate.id.start < taker->id.start) taker = &candidate;
    }
    return taker;
}

void note_death(FollowMemory& memory, BootTicks death, BootTicks noticed) {
    memory.death = death;
    memory.noticed = noticed;
    if (!memory.last) return;
    for (const Candidate& known : memory.known) {
        const bool survivor = known.id != memory.last->id && (!known.root || known.session == memory.last->session);
        if (survivor && memory.orphans.size() < FollowMemory::most) memory.orphans.push_back(known.id);
    }
}

void note_known(FollowMemory& memory, std::span<const Candidate> matches) {
    memory.known.assign(matches.begin(), matches.begin() + static_cast<std::ptrdiff_t>(std::min(matches.size(), FollowMemory::most)));
}

void forget_gone_orphans(FollowMemory& memory, std::span<const Candidate> matches) {
    std::erase_if(memory.orphans, [&](ProcessId id) { return std::ranges::find(matches, id, &Candidate::id) == matches.end(); });
}

std::size_t rivals(std::span<const Candidate> matches, const FollowMemory& memory, ProcessId main) {
    return static_cast<std::size_t>(std::ranges::count_if(
        matches, [&](const Candidate& candidate) { return candidate.root && candidate.id != main && !is_orphan(memory, candidate); }));
}

}  // namespace banken::core
