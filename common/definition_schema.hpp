// SPDX-License-Identifier: Apache-2.0
// What may stand in the definition file of a resource, as a table: the reader obeys it, resource(5) and tests are compared with it.
// Source: spec/resources.md, reference/lifekeeper.md 1.5 and 1.6, reference/primecluster.md 2.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "common/definition.hpp"
#include "common/schema.hpp"

namespace banken {

// The first are the scripts, in the order of ResourceScript; behind them their time limits, in that order too.
enum class DefinitionKey {
    restore,
    remove,
    quick_check,
    deep_check,
    recover,
    start,
    stop,
    check,
    restore_timeout,
    remove_timeout,
    quick_check_timeout,
    deep_check_timeout,
    recover_timeout,
    timeout,  // of start and stop
    check_timeout,
    null_detector,
    all_exit_codes,
    lie_offline,
    cluster_exclusive,
    auto_recover,
    monitor_only,
    standby_capable,
    realtime,
    quick_interval,
    deep_interval,
    check_limits,
    on_check_timeout,
    depends,
    initial,
    on_failure,
    check_failures,
    recover_limit,
    remove_failure,
    events,
    copy,
    info,
    id,
};
inline constexpr std::size_t definition_keys = static_cast<std::size_t>(DefinitionKey::id) + 1;

[[nodiscard]] constexpr DefinitionKey key_of(ResourceScript script) { return static_cast<DefinitionKey>(script); }

struct DefinitionRule {
    std::optional<ResourceKind> kind;  // unset: both
    OptionRule rule;
};

inline constexpr ValueRule yes_or_no{ValueKind::choice, {}, "Yes, No"};
inline constexpr Range recover_count_range{1, 128}, recover_period_range{1, 31536000};
inline constexpr Range seconds_or_none{0, 86400};

// In the order of DefinitionKey.
inline constexpr std::array<DefinitionRule, definition_keys> definition_rules{{
    {ResourceKind::generic, {"restore", {}, "absolute path with arguments", "required"}},
    {ResourceKind::generic, {"remove", {}, "absolute path with arguments", "required"}},
    {ResourceKind::generic, {"quickCheck", {}, "absolute path with arguments", "none"}},
    {ResourceKind::generic, {"deepCheck", {}, "absolute path with arguments", "none"}},
    {ResourceKind::generic, {"recover", {}, "absolute path with arguments", "none"}},
    {ResourceKind::cmdline, {"start", {}, "absolute path with arguments", "required"}},
    {ResourceKind::cmdline, {"stop", {}, "absolute path with arguments", "none"}},
    {ResourceKind::cmdline, {"check", {}, "absolute path with arguments", "none"}},
    {ResourceKind::generic, {"restore_timeout", {ValueKind::seconds, seconds_or_none}, {}, "that of DEFAULTS_FILE, else 0"}},
    {ResourceKind::generic, {"remove_timeout", {ValueKind::seconds, seconds_or_none}, {}, "that of DEFAULTS_FILE, else 0"}},
    {ResourceKind::generic, {"quickCheck_timeout", {ValueKind::seconds, seconds_or_none}, {}, "that of DEFAULTS_FILE, else 0"}},
    {ResourceKind::generic, {"deepCheck_timeout", {ValueKind::seconds, seconds_or_none}, {}, "that of DEFAULTS_FILE, else 0"}},
    {ResourceKind::generic, {"recover_timeout", {ValueKind::seconds, seconds_or_none}, {}, "that of DEFAULTS_FILE, else 0"}},
    {ResourceKind::cmdline, {"TIMEOUT", {ValueKind::seconds, {1, 86400}}, {}, "300"}},
    {ResourceKind::cmdline, {"check_timeout", {ValueKind::seconds, {1, 86400}}, {}, "TIMEOUT"}},
    {ResourceKind::cmdline, {"NULLDETECTOR", yes_or_no, {}, "Yes without check, else No"}},
    {ResourceKind::cmdline, {"ALLEXITCODES", yes_or_no, {}, "No"}},
    {ResourceKind::cmdline, {"LIEOFFLINE", yes_or_no, {}, "No"}},
    {ResourceKind::cmdline, {"CLUSTEREXCLUSIVE", yes_or_no, {}, "No"}},
    {ResourceKind::cmdline, {"AUTORECOVER", yes_or_no, {}, "Yes"}},
    {ResourceKind::cmdline, {"MONITORONLY", yes_or_no, {}, "No"}},
    {ResourceKind::cmdline, {"STANDBYCAPABLE", yes_or_no, {}, "No"}},
    {ResourceKind::cmdline, {"REALTIME", yes_or_no, {}, "No"}},
    {ResourceKind::generic, {"quick_interval", {ValueKind::seconds, seconds_or_none}, {}, "LKCHECKINTERVAL of DEFAULTS_FILE, else 120"}},
    {ResourceKind::generic, {"deep_interval", {ValueKind::seconds, seconds_or_none}, {}, "300"}},
    {ResourceKind::generic, {"check_limits", {ValueKind::choice, {}, "derived"}, {}, {}}},
    {ResourceKind::generic, {"on_check_timeout", {ValueKind::choice, {}, "good, bad"}, {}, "good"}},
    {{}, {"depends", {}, "tags, separated by commas", "none"}},
    {{}, {"initial", {ValueKind::choice, {}, "last, restore, none"}, {}, "last"}},
    {{}, {"on_failure", {ValueKind::choice, {}, "continue, exit, shutdown"}, {}, "continue"}},
    {{}, {"check_failures", {ValueKind::number, {1, 100}}, {}, "1"}},
    {{}, {"recover_limit", {ValueKind::seconds, recover_period_range}, "1..128, then / and {}", "none; with AUTORECOVER once"}},
    {{}, {"remove_failure", {ValueKind::choice, {}, "continue, stay"}, {}, "continue"}},
    {{}, {"events", {}, "class/event, separated by commas", "any"}},
    {{}, {"copy", {ValueKind::choice, {}, "no, yes"}, {}, "no"}},
    {{}, {"info", {}, "text", "none"}},
    {{}, {"id", {}, "text", "the tag"}},
}};

[[nodiscard]] constexpr const DefinitionRule& rule_of(DefinitionKey key) { return definition_rules[static_cast<std::size_t>(key)]; }
// The key of that name, whatever kind it belongs to.
[[nodiscard]] std::optional<DefinitionKey> definition_key_of(std::string_view name);

}  // namespace banken
