// SPDX-License-Identifier: Apache-2.0
#include "common/schema.hpp"

#include <algorithm>

namespace banken {
namespace {

constexpr Range shm_key_range{1, 0xffffffff};
constexpr std::string_view shm_key_values = "1..0xffffffff";

std::optional<std::size_t> place_in(const std::vector<std::string_view>& choices, std::string_view word) {
    const auto found = std::find(choices.begin(), choices.end(), word);
    if (found == choices.end()) return std::nullopt;
    return static_cast<std::size_t>(found - choices.begin());
}

Result<Value> numeric(Result<std::uint64_t> number) {
    if (!number) return Failure(number.error());
    return Value{.number = *number};
}

Result<Value> timed(Result<Duration> duration) {
    if (!duration) return Failure(duration.error());
    return Value{.duration = *duration};
}

Result<Value> path_of(std::string_view text) {
    if (!text.starts_with('/')) return fail("{} is not an absolute path", quoted(text));
    return Value{.path = std::string(text)};
}

Result<Value> choice_of(std::string_view text, const ValueRule& rule) {
    const auto choices = choices_of(rule);
    if (const auto place = place_in(choices, text)) return Value{.number = *place};
    const auto* or_path = rule.kind == ValueKind::choice_or_path ? ", nor an absolute path" : "";
    return fail("{} is not one of {}{}{}", quoted(text), rule.choices, or_path, did_you_mean(text, choices));
}

Result<Value> list_of(std::string_view text, const ValueRule& rule) {
    Value value;
    if (text == "none") return value;
    const auto choices = choices_of(rule);
    for (const auto part : split(text, ',')) {
        const auto word = trimmed(part);
        const auto place = place_in(choices, word);
        if (!place) return fail("{} is not one of {}{}", quoted(word), rule.choices, did_you_mean(word, choices));
        const std::uint64_t bit = std::uint64_t{1} << *place;
        if ((value.number & bit) != 0) return fail("{} is given twice", quoted(word));
        value.number |= bit;
    }
    return value;
}

Result<Value> rate_of(std::string_view text, const ValueRule& rule) {
    if (text == "0") return Value{};
    const auto parts = split(text, '/');
    if (parts.size() != 2) return fail("{} is not {}", quoted(text), text_of(rule));
    const auto lines = number_of(parts[0], rule.range);
    const auto period = seconds_of(parts[1], rule.range);
    if (!lines) return Failure(lines.error());
    if (!period) return Failure(period.error());
    return Value{.number = *lines, .duration = *period};
}

}  // namespace

Result<Value> value_of(std::string_view text, const ValueRule& rule) {
    switch (rule.kind) {
        case ValueKind::shm_key: return numeric(hex_or_decimal_of(text, shm_key_range, shm_key_values));
        case ValueKind::number: return numeric(number_of(text, rule.range));
        case ValueKind::seconds: return timed(seconds_of(text, rule.range));
        case ValueKind::decimal_seconds: return timed(decimal_seconds_of(text, rule.range));
        case ValueKind::path: return path_of(text);
        case ValueKind::word: return Value{.path = std::string(text)};
        case ValueKind::choice: return choice_of(text, rule);
        case ValueKind::choice_or_path: return text.starts_with('/') ? path_of(text) : choice_of(text, rule);
        case ValueKind::choices: return list_of(text, rule);
        case ValueKind::rate: break;
    }
    return rate_of(text, rule);
}

std::optional<ParamKey> param_key_of(std::string_view name) {
    for (std::size_t i = 0; i < param_keys; ++i) {
        if (param_rules[i].name == name) return static_cast<ParamKey>(i);
    }
    return std::nullopt;
}

std::optional<PentOption> option_of(std::string_view name) {
    for (std::size_t i = 0; i < pent_options; ++i) {
        if (option_rules[i].name == name) return static_cast<PentOption>(i);
    }
    return std::nullopt;
}

std::string text_of(const OptionRule& rule) {
    return rule.form.empty() ? text_of(rule.value) : fmt::format(fmt::runtime(rule.form), text_of(rule.value));
}

std::vector<std::string_view> choices_of(const ValueRule& rule) {
    auto choices = split(rule.choices, ',');
    std::transform(choices.begin(), choices.end(), choices.begin(), trimmed);
    return choices;
}

std::string text_of(const ValueRule& rule) {
    switch (rule.kind) {
        case ValueKind::shm_key: return fmt::format("{}, hex or decimal", shm_key_values);
        case ValueKind::number: return fmt::format("{}..{}", rule.range.min, rule.range.max);
        case ValueKind::seconds: return fmt::format("{}..{} s", rule.range.min, rule.range.max);
        case ValueKind::decimal_seconds: return fmt::format("{}..{} s, decimals allowed", rule.range.min, rule.range.max);
        case ValueKind::path: return "absolute path";
        case ValueKind::word: return "name";
        case ValueKind::choice: return std::string(rule.choices);
        case ValueKind::choice_or_path: return fmt::format("{}, absolute path", rule.choices);
        case ValueKind::choices: return fmt::format("list of {}, or none", rule.choices);
        case ValueKind::rate: break;
    }
    return "LINES/SECONDS, or 0";
}

}  // namespace banken
