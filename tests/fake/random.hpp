// SPDX-License-Identifier: Apache-2.0
// Numbers that look random and are the same for the same seed everywhere (xorshift64*, seeded by splitmix64).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace banken {

class Random {
public:
    explicit Random(std::uint64_t seed) {
        std::uint64_t mixed = seed + 0x9e3779b97f4a7c15;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
        state_ = (mixed ^ (mixed >> 31)) | 1;
    }

    // 0 … below − 1; `below` is not 0.
    std::size_t below(std::size_t below) {
        state_ ^= state_ >> 12, state_ ^= state_ << 25, state_ ^= state_ >> 27;
        return static_cast<std::size_t>((state_ * 0x2545f4914f6cdd1d) >> 11) % below;
    }
    bool chance(unsigned percent) { return below(100) < percent; }
    template <class Range>
    auto& among(Range& range) {
        return range[below(std::size(range))];
    }

private:
    std::uint64_t state_;
};

}  // namespace banken
