// SPDX-License-Identifier: Apache-2.0
#include "common/order.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "common/event_name.hpp"
#include "common/segment_layout.hpp"
#include "common/text.hpp"

namespace banken {
namespace {

enum class Target { none, optional, required };

struct Grammar {
    std::string_view word;
    OrderVerb verb;
    Target target;
};

constexpr std::array grammar{
    Grammar{"stop", OrderVerb::stop, Target::optional},       Grammar{"start", OrderVerb::start, Target::optional},
    Grammar{"reload", OrderVerb::reload, Target::none},       Grammar{"clear", OrderVerb::clear, Target::required},
    Grammar{"restart", OrderVerb::restart, Target::required}, Grammar{"event", OrderVerb::event, Target::required},
    Grammar{"dump", OrderVerb::dump, Target::none},           Grammar{"reexec", OrderVerb::reexec, Target::none},
    Grammar{"shutdown", OrderVerb::shutdown, Target::none},   Grammar{"restore", OrderVerb::restore, Target::required},
    Grammar{"remove", OrderVerb::remove, Target::required},   Grammar{"check", OrderVerb::check, Target::required},
    Grammar{"recover", OrderVerb::recover, Target::required}, Grammar{"standby", OrderVerb::standby, Target::required},
    Grammar{"update", OrderVerb::update, Target::required},   Grammar{"online", OrderVerb::restore, Target::required},
    Grammar{"offline", OrderVerb::remove, Target::required},
};

constexpr std::array<std::string_view, 1> not_built{"metrics"};
constexpr std::uint64_t longest_pause_days = 3650;

// "30m": s, m, h, d.
Result<Duration> duration_of(std::string_view text) {
    using std::chrono::seconds;
    const char unit = text.empty() ? '\0' : text.back();
    const std::uint64_t scale = unit == 's' ? 1 : unit == 'm' ? 60 : unit == 'h' ? 3600 : unit == 'd' ? 86400 : 0;
    if (scale == 0) return fail("{} is no duration: 90s, 30m, 2h or 1d expected", quoted(text));
    const std::uint64_t most = longest_pause_days * 86400 / scale;
    const auto number = number_of(text.substr(0, text.size() - 1), {1, most});
    if (!number) return fail("{} is no duration: 1{}..{}{} expected", quoted(text), unit, most, unit);
    return Duration(seconds(*number * scale));
}

// A word that only this order knows.
void take_word(std::span<const std::string>& rest, bool knows, std::string_view word, bool& given) {
    if (!knows || rest.empty() || rest.front() != word) return;
    given = true;
    rest = rest.subspan(1);
}

// `stop crond 30m` lacks a word.
std::string hint_of_for(const ParsedOrder& order, const std::string& word) {
    if (order.verb != OrderVerb::stop || !duration_of(word)) return {};
    return fmt::format(", did you mean stop {} for {}?", shortened(order.target), word);
}

}  // namespace

bool free_slot(std::span<std::uint64_t> slot, std::uint64_t state, std::uint64_t claimant) {
    if (!exchange(slot[slot::state], state, freed(state))) return false;
    (void)exchange(slot[slot::claimant], claimant, 0);
    return true;
}

Result<std::string> pack_words(std::span<const std::string> words) {
    std::string bytes;
    for (const std::string& word : words) {
        if (word.find('\0') != std::string::npos) return fail("a word of the order holds a NUL byte");
        bytes.append(word).push_back('\0');
    }
    if (bytes.size() > slot::order_bytes) return fail("the order is longer than {} bytes", slot::order_bytes);
    return bytes;
}

Result<std::vector<std::string>> unpack_words(std::string_view bytes) {
    if (bytes.empty() || bytes.back() != '\0') return fail("the order is damaged");
    std::vector<std::string> words;
    for (const std::string_view word : split(bytes.substr(0, bytes.size() - 1), '\0')) words.emplace_back(word);
    return words;
}

std::string cut_answer(std::string_view text) {
    if (text.size() <= slot::answer_bytes) return std::string(text);
    constexpr std::size_t room = 40;
    const std::size_t kept = slot::answer_bytes - room;
    return fmt::format("{}... ({} bytes more)", text.substr(0, kept), text.size() - kept);
}

std::string_view text_of(OrderVerb verb) { return std::ranges::find(grammar, verb, &Grammar::verb)->word; }

bool is_for_resources(OrderVerb verb) {
    switch (verb) {
        case OrderVerb::restore:
        case OrderVerb::remove:
        case OrderVerb::check:
        case OrderVerb::recover:
        case OrderVerb::standby:
        case OrderVerb::update: return true;
        case OrderVerb::stop:
        case OrderVerb::start:
        case OrderVerb::reload:
        case OrderVerb::clear:
        case OrderVerb::restart:
        case OrderVerb::event:
        case OrderVerb::dump:
        case OrderVerb::reexec:
        case OrderVerb::shutdown: return false;
    }
    return false;
}

std::optional<OrderVerb> verb_of(std::string_view word) {
    const auto* const rule = std::ranges::find(grammar, word, &Grammar::word);
    return rule == grammar.end() ? std::nullopt : std::optional(rule->verb);
}

Result<ParsedOrder> parse_order(std::span<const std::string> words) {
    if (words.empty()) return fail("no order");
    const std::string& word = words.front();
    if (std::ranges::find(not_built, word) != not_built.end()) return fail("order {} is not built yet", word);
    const auto rule = std::ranges::find(grammar, word, &Grammar::word);
    if (rule == grammar.end()) {
        if (std::ranges::find(reading_orders, word) != reading_orders.end()) return fail("order {} only reads: pcheck is not asked", word);
        std::vector<std::string_view> known(reading_orders.begin(), reading_orders.end());  // a misspelt one is recognised too
        for (const Grammar& one : grammar) known.push_back(one.word);
        const std::string hint = did_you_mean(word, known);
        return fail("unknown order {}{}", quoted(word), hint.empty() ? fmt::format(", one of {} expected", fmt::join(known, ", ")) : hint);
    }

    ParsedOrder order;
    order.verb = rule->verb;
    std::span<const std::string> rest = words.subspan(1);
    if (order.verb == OrderVerb::stop && rest.size() >= 2 && rest[rest.size() - 2] == "for") {
        const auto duration = duration_of(rest.back());
        if (!duration) return Failure(duration.error());
        order.duration = *duration;
        rest = rest.first(rest.size() - 2);
    }
    if (order.verb == OrderVerb::stop && rest.size() >= 2 && rest.back() == "for")
        return fail("order stop: a time is missing behind for, such as 30m");
    take_word(rest, order.verb == OrderVerb::shutdown, "remove", order.remove);
    take_word(rest, order.verb == OrderVerb::reload, "-t", order.difference);
    if (order.verb == OrderVerb::event) {
        if (rest.empty()) return fail("order event needs class/event and a name");
        if (const auto named = check_event_name(rest.front()); !named) return Failure(named.error().in("order event"));
        order.event = rest.front();
        rest = rest.subspan(1);
    }
    if (!rest.empty() && rule->target != Target::none) {
        order.target = rest.front();
        if (order.target.empty()) return fail("order {}: the name is empty", word);
        rest = rest.subspan(1);
    }
    take_word(rest, order.verb == OrderVerb::check, "deep", order.deep);
    if (!rest.empty()) return fail("order {}: {} is too much{}", word, quoted(rest.front()), hint_of_for(order, rest.front()));
    if (rule->target == Target::required && order.target.empty())
        return fail("order {} needs {}", word, is_for_resources(order.verb) ? "the tag of a resource" : "a name or an id");
    return order;
}

}  // namespace banken
