// SPDX-License-Identifier: Apache-2.0
#include "common/defaults_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_set>

#include "common/definition_schema.hpp"
#include "common/text.hpp"

namespace banken {
namespace {

using Script = ResourceScript;

constexpr std::string_view interval_variable = "LKCHECKINTERVAL";
constexpr std::array limited{Script::restore, Script::remove, Script::quick_check, Script::deep_check, Script::recover};

std::string limit_variable(std::string_view tag, Script script) {
    std::string action(text_of(script));
    std::ranges::transform(action, action.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return fmt::format("GENAPP_{}_{}_TIMEOUT", variable_part_of(tag), action);
}

std::string old_variable(std::string_view tag) { return variable_part_of(tag) + "_TIMEOUT"; }

struct Setting {
    std::string_view name, value;
};

// As a shell would take it, as far as a number can be written: in quotes, or up to a comment.
std::string_view value_of_rest(std::string_view rest) {
    if (rest.starts_with('"') || rest.starts_with('\'')) {
        const auto close = rest.find(rest.front(), 1);
        if (close == rest.npos) return rest;
        const auto behind = trimmed(rest.substr(close + 1));
        return behind.empty() || behind.starts_with('#') ? rest.substr(1, close - 1) : rest;
    }
    for (auto at = rest.find('#'); at != rest.npos; at = rest.find('#', at + 1)) {
        if (at == 0 || is_blank(rest[at - 1])) return trimmed(rest.substr(0, at));
    }
    return rest;
}

// Nothing: a line of another kind.
std::optional<Setting> setting_of(std::string_view line) {
    constexpr std::string_view exported = "export";
    line = trimmed(line);
    if (line.starts_with('#')) return std::nullopt;
    const auto equals = line.find('=');
    if (equals == line.npos) return std::nullopt;
    auto name = trimmed(line.substr(0, equals));
    if (name.starts_with(exported) && name.size() > exported.size() && is_blank(name[exported.size()])) {
        name = trimmed(name.substr(exported.size()));
    }
    return Setting{name, value_of_rest(trimmed(line.substr(equals + 1)))};
}

std::unordered_set<std::string> variables_of(std::span<const Definition> resources) {
    std::unordered_set<std::string> names{std::string(interval_variable)};
    for (const Definition& resource : resources) {
        if (resource.kind != ResourceKind::generic) continue;
        for (const Script script : limited) names.insert(limit_variable(resource.tag, script));
        names.insert(old_variable(resource.tag));
    }
    return names;
}

}  // namespace

std::string variable_part_of(std::string_view tag) {
    static constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    std::string part(tag);
    std::ranges::replace_if(
        part, [](char c) { return letters.find(c) == letters.npos; }, '_');
    return part;
}

Duration Defaults::limit(std::string_view tag, ResourceScript script) const {
    if (limits.empty()) return {};
    auto found = limits.find(limit_variable(tag, script));
    if (found == limits.end() && script == Script::quick_check) found = limits.find(old_variable(tag));
    return found == limits.end() ? Duration{} : found->second;
}

ParsedDefaults parse_defaults(std::string_view text, std::span<const Definition> resources) {
    const auto ours = variables_of(resources);
    ParsedDefaults parsed;
    Diagnostics diagnostics;
    std::unordered_map<std::string, std::size_t> lines;
    std::size_t number = 0;
    for (auto line : split(text, '\n')) {
        ++number;
        if (line.ends_with('\r')) line.remove_suffix(1);
        const auto setting = setting_of(line);
        if (!setting) continue;
        const std::string name(setting->name);
        if (!ours.contains(name)) continue;
        const auto column = static_cast<std::size_t>(setting->value.data() - line.data()) + 1;
        if (const auto [before, is_first] = lines.try_emplace(name, number); !is_first) {
            diagnostics.warning(number, column, fmt::format("{}: counts instead of line {}", shortened(name), before->second));
            before->second = number;
        }
        const auto seconds = seconds_of(setting->value, seconds_or_none);
        if (!seconds)
            diagnostics.error(number, column, seconds.error().in(shortened(name)).text);
        else if (name == interval_variable)
            parsed.defaults.check_interval = *seconds;
        else
            parsed.defaults.limits[name] = *seconds;
    }
    parsed.diagnostics = diagnostics.take();
    return parsed;
}

}  // namespace banken
