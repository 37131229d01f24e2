// SPDX-License-Identifier: Apache-2.0
// What may stand in a pfile and in banken.conf, as tables: the readers obey them, man pages and tests are compared with them.
// Source: spec/pfile.md (PARAM, PENT, RESOURCE), spec/pcheck.md (banken.conf).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/messages.hpp"
#include "common/result.hpp"
#include "common/text.hpp"
#include "common/time.hpp"

namespace banken {

enum class ValueKind {
    shm_key,          // 1..0xffffffff, hex or decimal
    number,           // in `range`
    seconds,          // in `range`
    decimal_seconds,  // in `range`, 0.5
    path,             // absolute
    word,             // anything, no blanks
    choice,           // one of `choices`
    choice_or_path,   // one of `choices`, or an absolute path
    choices,          // some of `choices`, separated by commas, or none
    rate,             // LINES/SECONDS, each in `range`; or 0
};

struct ValueRule {
    ValueKind kind{};
    Range range{};               // where `kind` says so
    std::string_view choices{};  // "event, poll"
};

// What a value means; which member counts is said by the kind.
struct Value {
    std::uint64_t number = 0;  // choice: its place; choices: a bit for each, the first is bit 0; rate: its lines, 0: no limit
    Duration duration{};       // seconds, decimal_seconds; rate: its period
    std::string path{};        // path, word; choice_or_path: empty if it was one of the choices
};

// The error says what is wrong with the value and what was expected.
[[nodiscard]] Result<Value> value_of(std::string_view text, const ValueRule& rule);

// The names in a table, for did_you_mean().
template <class Rules>
[[nodiscard]] std::vector<std::string_view> names_of(const Rules& rules) {
    std::vector<std::string_view> names(std::size(rules));
    std::transform(std::begin(rules), std::end(rules), names.begin(), [](const auto& rule) { return rule.name; });
    return names;
}

// "event, poll" as a list.
[[nodiscard]] std::vector<std::string_view> choices_of(const ValueRule& rule);
// The words of the manuals: "1..3600 s", "event, poll", "absolute path".
[[nodiscard]] std::string text_of(const ValueRule& rule);

// ---- the PARAM section of a pfile ----

enum class ParamKey {
    ipckey,
    msg_check_interval,
    monitor_interval,
    monitor_try_count,
    shm_dump_file,
    detect,
    confirm_wait,
    script_timeout,
    script_kill_wait,
    script_parallel,
    script_output,
    script_env,
    script_check,
    remind_interval,
    state_group,
    events_dir,
    defaults_file,
    history_size,
};
inline constexpr std::size_t param_keys = static_cast<std::size_t>(ParamKey::history_size) + 1;

struct ParamRule {
    std::string_view name;
    ValueRule value;
    std::string_view fallback;  // the default as the manual says it; "required": there is none
};

// In the order of ParamKey.
inline constexpr std::array<ParamRule, param_keys> param_rules{{
    {"IPCKEY", {ValueKind::shm_key}, "required"},
    {"MSG_CHECK_INTERVAL", {ValueKind::seconds, {1, 3600}}, "5"},
    {"MONITOR_INTERVAL", {ValueKind::seconds, {1, 86400}}, "10"},
    {"MONITOR_TRY_COUNT", {ValueKind::number, {1, 100}}, "2"},
    {"SHM_DUMP_FILE", {ValueKind::path}, "required"},
    {"DETECT", {ValueKind::choice, {}, "event, poll"}, "event"},
    {"CONFIRM_WAIT", {ValueKind::decimal_seconds, {0, 60}}, "2, or MONITOR_INTERVAL if shorter"},
    {"SCRIPT_TIMEOUT", {ValueKind::seconds, {0, 86400}}, "0"},
    {"SCRIPT_KILL_WAIT", {ValueKind::seconds, {0, 600}}, "5"},
    {"SCRIPT_PARALLEL", {ValueKind::number, {1, 1024}}, "16"},
    {"SCRIPT_OUTPUT", {ValueKind::choice_or_path, {}, "inherit, null"}, "inherit"},
    {"SCRIPT_ENV", {ValueKind::choice, {}, "inherit, clean"}, "inherit"},
    {"SCRIPT_CHECK", {ValueKind::choice, {}, "strict, off"}, "strict"},
    {"REMIND_INTERVAL", {ValueKind::seconds, {0, 604800}}, "3600"},
    {"STATE_GROUP", {ValueKind::word}, "none"},
    {"EVENTS_DIR", {ValueKind::path}, "[events] dir of banken.conf"},
    {"DEFAULTS_FILE", {ValueKind::path}, "none"},
    {"HISTORY_SIZE", {ValueKind::number, {64, 65536}}, "1024"},
}};

[[nodiscard]] constexpr const ParamRule& rule_of(ParamKey key) { return param_rules[static_cast<std::size_t>(key)]; }

// The key of that name.
[[nodiscard]] std::optional<ParamKey> param_key_of(std::string_view name);

// ---- a PENT line: name:script:grace:retries:action[:option=value]... ----

enum class PentField { name, script, grace, retries, action };
inline constexpr std::size_t pent_fields = static_cast<std::size_t>(PentField::action) + 1;

struct FieldRule {
    std::string_view name;   // in the manual
    std::string_view title;  // in messages
    std::string_view values;
};
inline constexpr std::array<FieldRule, pent_fields> pent_field_rules{{
    {"name", "process name", "1..255 bytes"},
    {"script", "restart script", "absolute path with arguments, or -"},
    {"grace", "grace", "1..31536000 s"},
    {"retries", "retry count", "0..10000, or unlimited"},
    {"action", "retry-over action", "continue, exit, shutdown, hold"},
}};
inline constexpr std::size_t max_name = 255;  // bytes
inline constexpr Range grace_range{1, 31536000}, grace_range_without_script{0, 31536000}, retries_range{0, 10000};

struct ActionRule {
    std::string_view name;
    RetryOverAction action;
};
inline constexpr std::array<ActionRule, 4> action_rules{{
    {"continue", RetryOverAction::continue_},
    {"exit", RetryOverAction::exit},
    {"shutdown", RetryOverAction::shutdown},
    {"hold", RetryOverAction::hold},
}};

enum class PentOption {
    match,
    args,
    exe,
    user,
    cgroup,
    pidns,
    pidfile,
    min,
    max,
    group,
    after,
    confirm,
    delay,
    stable,
    script_timeout,
    start_timeout,
    success_exit,
    run_as,
    check,
    check_interval,
    check_timeout,
    check_failures,
    heartbeat,
    hung,
    cpu,
    rss,
    fds,
    on_limit,
    stop,
    monitor,
    events,
};
inline constexpr std::size_t pent_options = static_cast<std::size_t>(PentOption::events) + 1;

struct OptionRule {
    std::string_view name;
    ValueRule value;            // of the whole value, or of the part that `form` leaves open
    std::string_view form;      // in the manual: {} stands for the words of `value`; empty: they are all
    std::string_view fallback;  // the default as the manual says it; empty: the option is off
};

inline constexpr Range limit_seconds_range{1, 86400}, percent_range{1, 1000000}, fds_range{1, 1000000000}, exit_code_range{0, 255};
inline constexpr std::size_t max_group = 31;  // bytes

// In the order of PentOption.
inline constexpr std::array<OptionRule, pent_options> option_rules{{
    {"match", {ValueKind::choice, {}, "name, label"}, {}, "name"},
    {"args", {}, "RE2 pattern", {}},
    {"exe", {ValueKind::path}, {}, {}},
    {"user", {}, "name or uid", {}},
    {"cgroup", {}, "glob", {}},
    {"pidns", {ValueKind::choice, {}, "same, any"}, {}, "same"},
    {"pidfile", {ValueKind::path}, {}, {}},
    {"min", {ValueKind::number, {0, 100000}}, {}, "1 with max"},
    {"max", {ValueKind::number, {0, 100000}}, {}, {}},
    {"group", {}, "1..31 of A-Za-z0-9_-", {}},
    {"after", {}, "names of entries, separated by commas", {}},
    {"confirm", {ValueKind::decimal_seconds, {0, 60}}, "{}; /always may follow", "CONFIRM_WAIT"},
    {"delay", {ValueKind::seconds, {0, 3600}}, "{}; -MAX may follow, up to 86400", "MONITOR_INTERVAL"},
    {"stable", {ValueKind::seconds, {0, 86400}}, {}, "0"},
    {"script_timeout", {ValueKind::seconds, {0, 86400}}, {}, "SCRIPT_TIMEOUT"},
    {"start_timeout", {ValueKind::seconds, {1, 86400}}, {}, "MONITOR_INTERVAL x MONITOR_TRY_COUNT"},
    {"success_exit", {ValueKind::number, exit_code_range}, "{}, separated by commas", "0"},
    {"run_as", {}, "name or uid", {}},
    {"check", {}, "absolute path with arguments", {}},
    {"check_interval", {ValueKind::seconds, {1, 86400}}, {}, "30"},
    {"check_timeout", {ValueKind::seconds, {1, 86400}}, {}, "10"},
    {"check_failures", {ValueKind::number, {1, 100}}, {}, "3"},
    {"heartbeat", {ValueKind::seconds, {1, 86400}}, "{}; ,PATH may follow", {}},
    {"hung", {ValueKind::seconds, {1, 86400}}, {}, {}},
    {"cpu", {ValueKind::seconds, limit_seconds_range}, "1%..1000000%, then / and {}", {}},
    {"rss", {ValueKind::seconds, limit_seconds_range}, "bytes, or a number of K, M, G, then / and {}", {}},
    {"fds", {ValueKind::seconds, limit_seconds_range}, "1..1000000000, then / and {}", {}},
    {"on_limit", {ValueKind::choice, {}, "alert, restart"}, {}, "alert"},
    {"stop", {ValueKind::seconds, {0, 86400}}, "name of a signal, or absolute path with arguments; / and {} may follow", "TERM/60"},
    {"monitor", {ValueKind::choice, {}, "on, off"}, {}, "on"},
    {"events", {}, "class/event, separated by commas", {}},
}};
inline constexpr std::uint64_t longest_delay = 86400;  // seconds

// The option of that name.
[[nodiscard]] std::optional<PentOption> option_of(std::string_view name);
[[nodiscard]] constexpr const OptionRule& rule_of(PentOption option) { return option_rules[static_cast<std::size_t>(option)]; }
// "0..60 s, decimals allowed; /always may follow".
[[nodiscard]] std::string text_of(const OptionRule& rule);

// ---- a RESOURCE line: tag:kind:file ----

inline constexpr std::string_view tag_rule = "1..255 of A-Za-z0-9._/-, not beginning with one of ./-";
inline constexpr ValueRule resource_kind_rule{ValueKind::choice, {}, "generic, cmdline"}, resource_file_rule{ValueKind::path};

// ---- banken.conf ----

enum class ConfigKey {
    log_target,
    log_socket,
    log_facility,
    log_level,
    log_burst,
    events_dir,
    events_timeout,
    detect_causes,
    detect_connector,
    state_dir,
};
inline constexpr std::size_t config_keys = static_cast<std::size_t>(ConfigKey::state_dir) + 1;

struct ConfigRule {
    std::string_view section, name;
    ValueRule value;
    std::string_view fallback;
};

// In the order of ConfigKey.
inline constexpr std::array<ConfigRule, config_keys> config_rules{{
    {"log", "target", {ValueKind::choice, {}, "auto, syslog, journal, stderr"}, "auto"},
    {"log", "socket", {ValueKind::path}, "/dev/log"},
    {"log",
     "facility",
     {ValueKind::choice,
      {},
      "user, mail, daemon, auth, syslog, lpr, news, uucp, cron, authpriv, ftp, "
      "local0, local1, local2, local3, local4, local5, local6, local7"},
     "daemon"},
    {"log", "level", {ValueKind::choice, {}, "err, warning, notice, info, debug"}, "info"},
    {"log", "burst", {ValueKind::rate, {1, 100000}}, "20/10"},
    {"events", "dir", {ValueKind::path}, "/etc/banken/events"},
    {"events", "timeout", {ValueKind::seconds, {1, 86400}}, "300"},
    {"detect", "causes", {ValueKind::choices, {}, "stat, pidfd, connector, oom"}, "stat,pidfd,connector,oom"},
    {"detect", "connector", {ValueKind::choice, {}, "auto, always"}, "auto"},
    {"state", "dir", {ValueKind::path}, "/var/lib/banken"},
}};

}  // namespace banken
