// SPDX-License-Identifier: Apache-2.0
// Holds back what says the same thing too often (spec/messages.md, `burst`): so many lines per text and entry in a period, then one
// line that tells how many were suppressed. Down, Up and RETRY_OVER always pass. Pure: time is an argument.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/messages.hpp"
#include "common/time.hpp"

namespace banken {

struct BurstRule {
    std::size_t lines = 20;  // 0: no limit
    Duration period = std::chrono::seconds(10);
};

class Burst {
public:
    // More texts than this in one period are not counted, and pass.
    static constexpr std::size_t most_counters = 16384;

    explicit Burst(BurstRule rule) : rule_(rule) {}

    // One line for every period that has ended by now and had lines suppressed. To be written as they are, and asked for ahead of passes().
    [[nodiscard]] std::vector<Message> ended(Instant now);
    // Whether this line may be written now; else it is counted.
    [[nodiscard]] bool passes(const Message& message, Instant now);
    // When to ask for ended() in any case; nothing while nothing is suppressed. May be early.
    [[nodiscard]] std::optional<Instant> next_deadline() const;

private:
    // One text of one entry in the period that began with its first line.
    struct Counter {
        Instant begin{};
        std::size_t lines = 0;
        std::string entry;  // escaped, as in Message
        unsigned pent_id = 0;
    };

    BurstRule rule_;
    std::unordered_map<std::string, Counter> counters_;
    std::deque<const std::string*> by_begin_;  // the keys
    std::size_t suppressing_ = 0;              // counters beyond the limit
};

}  // namespace banken
