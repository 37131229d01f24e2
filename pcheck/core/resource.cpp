// SPDX-License-Identifier: Apache-2.0
#include "pcheck/core/resource.hpp"

#include <algorithm>
#include <array>

namespace banken::core {

ResourceState Resource::shown() const {
    if (!paused) return state;
    if (!is_generic()) return ResourceState::deact;
    return state == ResourceState::isp ? ResourceState::isu : state;
}

bool Resource::in_service() const { return is_in_service(state, recovering || was_in); }

bool Resource::coming_in() const {
    if (!is_generic()) return step == Step::starting || step == Step::started;
    return runs(ResourceScript::restore) || runs(ResourceScript::recover);
}

bool Resource::cannot_be_ended() const {
    return std::ranges::any_of(unended, [](const ResourceRun& one) { return !is_check(one.script); });
}

bool Resource::out() const { return state == ResourceState::osu || state == ResourceState::offline || state == ResourceState::illstate; }

bool Resource::is_removed() const { return (out() || state == ResourceState::offline_fault) && !coming_in(); }

const ResourceRun* Resource::find_run(RunId number) const {
    for (const auto* place : {&run, &check}) {
        if (*place && (*place)->run == number) return &**place;
    }
    const auto found = std::ranges::find(unended, number, &ResourceRun::run);
    return found == unended.end() ? nullptr : &*found;
}

std::optional<Instant> Resource::next_deadline() const {
    std::optional<Instant> next;
    const auto consider = [&next](const std::optional<Instant>& at) {
        if (at && (!next || *at < *next)) next = at;
    };
    for (const auto& at : {paused_until, quick_at, deep_at, remind_at, remind_state_at, tick_at, wait_at}) consider(at);
    if (run) consider(run->deadline);
    if (check) consider(check->deadline);
    return next;
}

}  // namespace banken::core
