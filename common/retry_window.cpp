// SPDX-License-Identifier: Apache-2.0
#include "common/retry_window.hpp"

#include <algorithm>
#include <cstdint>

namespace banken {
namespace {

// FNV-1a: the same on every machine and in every version, so that padmin and pcheck, and an adopting pcheck, agree.
std::uint64_t hash_of(std::string_view name, unsigned count) {
    std::uint64_t hash = 0xcbf29ce484222325;
    const auto mix = [&hash](unsigned char byte) { hash = (hash ^ byte) * 0x100000001b3; };
    for (const char c : name) mix(static_cast<unsigned char>(c));
    for (int shift = 0; shift < 32; shift += 8) mix(static_cast<unsigned char>(count >> shift));
    return hash ^ (hash >> 32);
}

}  // namespace

bool has_passed(const RetryWindow& window, const RetryRule& rule, Instant now) { return window.first && now - *window.first >= rule.grace; }

bool used_up(const RetryWindow& window, const RetryRule& rule) { return rule.retries && window.count >= *rule.retries; }

Duration delay_before(const Pacing& pacing, unsigned count, std::string_view name) {
    if (count == 0 || pacing.delay == Duration{}) return {};
    Duration delay = pacing.delay;
    if (pacing.longest > Duration{}) {
        for (unsigned doubled = 1; doubled < count && delay < pacing.longest; ++doubled) delay *= 2;
        delay = std::min(delay, pacing.longest);
    }
    const auto permille = static_cast<std::int64_t>(hash_of(name, count) % 201) - 100;  // −100 … +100
    return delay + delay / 1000 * permille;
}

}  // namespace banken
