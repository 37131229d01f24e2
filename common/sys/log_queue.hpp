// SPDX-License-Identifier: Apache-2.0
// The lines that wait for a reader: bounded, in their order. Full: the oldest that need not arrive goes first, then the oldest of all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

namespace banken::sys {

class LogQueue {
public:
    static constexpr std::size_t least_capacity = 8192;

    explicit LogQueue(std::size_t capacity = least_capacity) : capacity_(capacity) {}
    void set_capacity(std::size_t lines) { capacity_ = lines; }

    void push(std::string line, bool must_arrive);
    [[nodiscard]] bool empty() const { return size() == 0; }
    [[nodiscard]] std::size_t size() const { return spare_.size() + vital_.size(); }
    [[nodiscard]] const std::string& front() const { return (spare_is_oldest() ? spare_ : vital_).front().text; }
    void pop() { (spare_is_oldest() ? spare_ : vital_).pop_front(); }
    // The oldest line cannot be sent at all.
    void lose_front();

    // How many were lost since this was last asked; 0 also as long as the queue is more than half full, so that a reader who stays
    // slow is not busy with hearing of it.
    [[nodiscard]] std::size_t take_lost();

private:
    struct Line {
        std::uint64_t number = 0;
        std::string text;
    };
    [[nodiscard]] bool spare_is_oldest() const;

    std::size_t capacity_;
    std::size_t lost_ = 0;
    std::uint64_t next_number_ = 0;
    std::deque<Line> spare_, vital_;  // each in order; the number tells the order across both
};

}  // namespace banken::sys
