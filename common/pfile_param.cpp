// SPDX-License-Identifier: Apache-2.0
#include "common/pfile_param.hpp"

#include <algorithm>
#include <utility>

namespace banken {
namespace {

std::string unknown_key(const PfileLine& line) {
    const auto word = line.first_word();
    if (split_fields(line.text, line.column).size() >= pent_fields)
        return fmt::format("{} is a PENT line in section PARAM", quoted(line.text));
    return fmt::format("unknown key {}{}", quoted(word), did_you_mean(word, names_of(param_rules), "pfile(5)"));
}

// The value as meant: without its quotes.
Result<std::string_view> unquoted(std::string_view written) {
    if (written.empty()) return fail("value is empty");
    if (!written.starts_with('"')) {
        if (written.find_first_of(" \t") != written.npos) return fail("{} is more than one word, double quotes expected", quoted(written));
        return written;
    }
    const auto close = written.find('"', 1);
    if (close == written.npos) return fail("double quote is not closed");
    if (close + 1 != written.size()) return fail("text after the closing double quote");
    if (close == 1) return fail("value is empty");
    return written.substr(1, close - 1);
}

}  // namespace

ParamValue param_value(const PfileLine& line, const ValueRule& rule) {
    const auto written = trimmed(line.text.substr(line.first_word().size()));
    const auto column = line.column + static_cast<std::size_t>(written.data() - line.text.data());
    const auto text = unquoted(written);
    if (!text) return {column, Failure(text.error())};
    return {column, value_of(*text, rule)};
}

void ParamReader::read(const PfileLine& line) {
    const auto key = param_key_of(line.first_word());
    if (!key) return diagnostics_.error(line.number, line.column, [&line] { return unknown_key(line); });
    const auto name = rule_of(*key).name;
    if (const auto first = setting(*key).line; first != 0) {
        return diagnostics_.error(line.number, line.column, [&] { return fmt::format("duplicate key {}, first in line {}", name, first); });
    }
    const auto [column, value] = param_value(line, rule_of(*key).value);
    setting(*key) = {line.number, column, value.has_value()};
    if (value)
        store(*key, *value);
    else
        diagnostics_.error(line.number, column, value.error().in(name).text);
}

void ParamReader::skip(const PfileLine& line) {
    const auto key = param_key_of(line.first_word());
    if (key && setting(*key).line == 0) setting(*key).line = line.number;
}

void ParamReader::store(ParamKey key, const Value& value) {
    switch (key) {
        case ParamKey::ipckey: param_.ipc_key = static_cast<std::uint32_t>(value.number); break;
        case ParamKey::msg_check_interval: param_.msg_check_interval = value.duration; break;
        case ParamKey::monitor_interval: param_.monitor_interval = value.duration; break;
        case ParamKey::monitor_try_count: param_.monitor_try_count = static_cast<unsigned>(value.number); break;
        case ParamKey::shm_dump_file: param_.shm_dump_file = value.path; break;
        case ParamKey::detect: param_.detect_event = value.number == 0; break;
        case ParamKey::confirm_wait: param_.confirm_wait = value.duration; break;
        case ParamKey::script_timeout: param_.script_timeout = value.duration; break;
        case ParamKey::script_kill_wait: param_.script_kill_wait = value.duration; break;
        case ParamKey::script_parallel: param_.script_parallel = static_cast<unsigned>(value.number); break;
        case ParamKey::script_output:
            param_.script_output = !value.path.empty() ? ScriptOutput::file
                                   : value.number == 0 ? ScriptOutput::inherit
                                                       : ScriptOutput::null;
            param_.script_output_file = value.path;
            break;
        case ParamKey::script_env: param_.script_env_clean = value.number == 1; break;
        case ParamKey::script_check: param_.script_check_strict = value.number == 0; break;
        case ParamKey::remind_interval: param_.remind_interval = value.duration; break;
        case ParamKey::state_group: param_.state_group = value.path; break;
        case ParamKey::events_dir: param_.events_dir = value.path; break;
        case ParamKey::defaults_file: param_.defaults_file = value.path; break;
        case ParamKey::history_size: param_.history_size = static_cast<std::uint32_t>(value.number); break;
    }
}

void ParamReader::settle_confirm_wait() {
    const auto& wait = setting(ParamKey::confirm_wait);
    const auto& interval = setting(ParamKey::monitor_interval);
    const bool given = wait.line != 0, interval_known = interval.line == 0 || interval.good;
    if (wait.good && interval_known && param_.confirm_wait > param_.monitor_interval) {
        using Seconds = std::chrono::duration<double>;
        diagnostics_.error(wait.line, wait.column,
                           fmt::format("CONFIRM_WAIT: {} is longer than MONITOR_INTERVAL, {}", Seconds(param_.confirm_wait).count(),
                                       Seconds(param_.monitor_interval).count()));
    }
    if (!given) param_.confirm_wait = std::min(param_.confirm_wait, param_.monitor_interval);
    if (param_.detect_event) return;
    param_.confirm_wait = {};
    if (given) diagnostics_.warning(wait.line, wait.column, "CONFIRM_WAIT has no effect with DETECT poll");
}

Param ParamReader::finish() {
    for (std::size_t i = 0; i < param_keys; ++i) {
        const bool missing = settings_[i].line == 0 && param_rules[i].fallback == "required";
        if (missing) diagnostics_.error(0, 0, fmt::format("{} is missing", param_rules[i].name));
    }
    settle_confirm_wait();
    return std::move(param_);
}

Diagnostic error_about(ParamKey key, std::string_view pfile, std::string_view text) {
    const ParamRule& rule = rule_of(key);
    Diagnostic diagnostic;
    diagnostic.text = fmt::format("{}: {}", rule.name, text);
    PfileLines lines(pfile);
    while (const auto line = lines.next()) {
        if (line->section != PfileSection::param || line->first_word() != rule.name) continue;
        diagnostic.line = line->number;
        diagnostic.column = param_value(*line, rule.value).column;
    }
    return diagnostic;
}

}  // namespace banken
