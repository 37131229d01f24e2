// SPDX-License-Identifier: Apache-2.0
// banken.conf: its shape, and what its keys mean.
#include <fmt/format.h>

#include <algorithm>

#include "common/config.hpp"
#include "common/ini.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace banken::fuzz {
namespace {

std::string print(const Ini& ini) {
    std::string text;
    auto entry = ini.entries.begin();
    const auto print_until = [&](std::size_t line) {
        for (; entry != ini.entries.end() && entry->line < line; ++entry) text += fmt::format("{}={}\n", entry->key, entry->value);
    };
    for (const IniSection& section : ini.sections) {
        print_until(section.line);
        text += fmt::format("[{}]\n", section.name);
    }
    print_until(static_cast<std::size_t>(-1));
    return text;
}

void print_and_read(const Ini& ini) {
    const std::string printed = print(ini);
    Diagnostics diagnostics;
    const Ini again = parse_ini(printed, diagnostics);
    const auto told = diagnostics.take();
    require(told.empty(), "what was read is read again", told.empty() ? "" : text_of(told.front(), printed));
    require(std::ranges::equal(again.sections, ini.sections, {}, &IniSection::name, &IniSection::name), "the same sections", printed);
    const auto same = [](const IniEntry& one, const IniEntry& other) {
        return one.section == other.section && one.key == other.key && one.value == other.value;
    };
    require(std::equal(again.entries.begin(), again.entries.end(), ini.entries.begin(), ini.entries.end(), same),
            "the same keys and values", printed);
}

}  // namespace

const bool repeatable = true;

void test_one(std::string_view input) {
    Diagnostics diagnostics;
    const Ini ini = parse_ini(input, diagnostics);
    const auto told = diagnostics.take();
    require_diagnostics(told, input);
    std::vector<Diagnostic> places;
    for (const IniEntry& entry : ini.entries) {
        require(!entry.key.empty() && !entry.value.empty(), "a key and a value");
        places.push_back({Diagnostic::Severity::warning, entry.line, entry.column, "a value"});
    }
    require_diagnostics(places, input);
    print_and_read(ini);
    const ParsedConfig parsed = parse_config(input);
    require_diagnostics(parsed.diagnostics, input);
    require(!good(parsed.diagnostics) || good(told), "a file of wrong shape is no good configuration");
}

}  // namespace banken::fuzz
