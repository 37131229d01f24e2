// SPDX-License-Identifier: Apache-2.0
#include "common/burst.hpp"

#include <fmt/format.h>

namespace banken {
namespace {

// What counts as the same text. Lines without words of their own (MessageId::warning) are told apart by their whole text.
std::string key_of(const Message& message) {
    const std::string_view text = message.id == MessageId::warning ? std::string_view(message.text) : std::string_view();
    return fmt::format("{}\n{}\n{}\n{}", name_of(message.id), message.pent_id, message.entry, text);
}

}  // namespace

bool Burst::passes(const Message& message, Instant now) {
    if (rule_.lines == 0 || must_arrive(message.id)) return true;
    if (counters_.size() >= most_counters) return true;
    const auto [found, is_new] = counters_.try_emplace(key_of(message));
    Counter& counter = found->second;
    if (is_new) {
        counter = {now, 0, message.entry, message.pent_id};
        by_begin_.push_back(&found->first);
    }
    if (++counter.lines <= rule_.lines) return true;
    if (counter.lines == rule_.lines + 1) ++suppressing_;
    return false;
}

std::optional<Instant> Burst::next_deadline() const {
    if (suppressing_ == 0) return {};
    return counters_.at(*by_begin_.front()).begin + rule_.period;
}

std::vector<Message> Burst::ended(Instant now) {
    std::vector<Message> lines;
    while (!by_begin_.empty()) {
        const auto found = counters_.find(*by_begin_.front());
        const Counter& counter = found->second;
        if (now - counter.begin < rule_.period) break;
        if (counter.lines > rule_.lines) {
            --suppressing_;
            lines.push_back(messages::suppressed({counter.entry, counter.pent_id}, counter.lines - rule_.lines));
        }
        by_begin_.pop_front();
        counters_.erase(found);
    }
    return lines;
}

}  // namespace banken
