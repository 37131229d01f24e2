// SPDX-License-Identifier: Apache-2.0
#include "common/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "common/ini.hpp"
#include "common/schema.hpp"

namespace banken {
namespace {

constexpr std::string_view page = "banken.conf(5)";

// Their names in the order of config_rules' choices; the numbers of syslog(3) leave a gap between ftp (11) and local0 (16).
unsigned facility_number(std::uint64_t choice) { return static_cast<unsigned>(choice < 11 ? choice + 1 : choice + 5); }

Priority level_of(std::uint64_t choice) { return static_cast<Priority>(choice + static_cast<unsigned>(Priority::err)); }

void store(Config& config, ConfigKey key, const Value& value) {
    const auto asks = [&value](unsigned choice) { return (value.number >> choice & 1) != 0; };
    switch (key) {
        case ConfigKey::log_target: config.log.target = static_cast<LogTarget>(value.number); break;
        case ConfigKey::log_socket: config.log.socket = value.path; break;
        case ConfigKey::log_facility: config.log.facility = facility_number(value.number); break;
        case ConfigKey::log_level: config.log.level = level_of(value.number); break;
        case ConfigKey::log_burst:
            config.log.burst_lines = value.number;
            config.log.burst_period = value.duration;
            break;
        case ConfigKey::events_dir: config.events_dir = value.path; break;
        case ConfigKey::events_timeout: config.events_timeout = value.duration; break;
        case ConfigKey::detect_causes:
            config.detect.stat = asks(0);
            config.detect.pidfd = asks(1);
            config.detect.connector = asks(2);
            config.detect.oom = asks(3);
            break;
        case ConfigKey::detect_connector: config.detect.connector_always = value.number == 1; break;
        case ConfigKey::state_dir: config.state_dir = value.path; break;
    }
}

std::vector<std::string_view> section_names() {
    std::vector<std::string_view> names;
    for (const auto& rule : config_rules) {
        if (names.empty() || names.back() != rule.section) names.push_back(rule.section);
    }
    return names;
}

std::vector<std::string_view> key_names(std::string_view section) {
    std::vector<std::string_view> names;
    for (const auto& rule : config_rules) {
        if (rule.section == section) names.push_back(rule.name);
    }
    return names;
}

void read(const IniEntry& entry, Config& config, Diagnostics& diagnostics) {
    const auto* const rule = std::find_if(config_rules.begin(), config_rules.end(),
                                          [&entry](const ConfigRule& r) { return r.section == entry.section && r.name == entry.key; });
    if (rule == config_rules.end()) {
        return diagnostics.error(entry.line, 1, [&entry] {
            return fmt::format("unknown key {} in section {}{}", quoted(entry.key), entry.section,
                               did_you_mean(entry.key, key_names(entry.section), page));
        });
    }
    const auto value = value_of(entry.value, rule->value);
    if (value)
        store(config, static_cast<ConfigKey>(rule - config_rules.begin()), *value);
    else
        diagnostics.error(entry.line, entry.column, value.error().in(entry.key).text);
}

}  // namespace

ParsedConfig parse_config(std::string_view text) {
    ParsedConfig parsed;
    Diagnostics diagnostics;
    const auto ini = parse_ini(text, diagnostics);
    const auto known = section_names();
    const auto is_known = [&known](std::string_view name) { return std::find(known.begin(), known.end(), name) != known.end(); };
    for (const auto& section : ini.sections) {
        if (is_known(section.name)) continue;
        diagnostics.error(section.line, 1, [&] {
            return fmt::format("unknown section {}{}", quoted(section.name), did_you_mean(section.name, known, page));
        });
    }
    for (const auto& entry : ini.entries) {
        if (entry.section.empty())
            diagnostics.error(entry.line, 1, fmt::format("{}: key ahead of any section", shortened(entry.key)));
        else if (is_known(entry.section))
            read(entry, parsed.config, diagnostics);
    }
    parsed.diagnostics = diagnostics.take();
    return parsed;
}

}  // namespace banken
