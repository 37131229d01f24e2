// SPDX-License-Identifier: Apache-2.0
#include "pcheck/core/record_words.hpp"

#include "common/schema.hpp"

namespace banken::core::record_words {

std::vector<std::pair<std::string_view, std::string>> of_param(const Param& param) {
    std::vector<std::pair<std::string_view, std::string>> words;
    const auto seconds = [](Duration duration) { return duration / std::chrono::seconds(1); };
    const auto add = [&](ParamKey key, const auto& value) {
        std::string text = fmt::format("{}", value);
        if (!text.empty()) words.emplace_back(param_rules[static_cast<std::size_t>(key)].name, std::move(text));
    };
    add(ParamKey::ipckey, param.ipc_key);
    add(ParamKey::msg_check_interval, seconds(param.msg_check_interval));
    add(ParamKey::monitor_interval, seconds(param.monitor_interval));
    add(ParamKey::monitor_try_count, param.monitor_try_count);
    add(ParamKey::shm_dump_file, param.shm_dump_file);
    add(ParamKey::detect, param.detect_event ? "event" : "poll");
    add(ParamKey::confirm_wait, fmt::format("{}.{:09}", seconds(param.confirm_wait), param.confirm_wait.count() % 1'000'000'000));
    add(ParamKey::script_timeout, seconds(param.script_timeout));
    add(ParamKey::script_kill_wait, seconds(param.script_kill_wait));
    add(ParamKey::script_parallel, param.script_parallel);
    switch (param.script_output) {
        case ScriptOutput::inherit: break;
        case ScriptOutput::null: add(ParamKey::script_output, "null"); break;
        case ScriptOutput::file: add(ParamKey::script_output, param.script_output_file); break;
    }
    add(ParamKey::script_env, param.script_env_clean ? "clean" : "inherit");
    add(ParamKey::script_check, param.script_check_strict ? "strict" : "off");
    add(ParamKey::remind_interval, seconds(param.remind_interval));
    add(ParamKey::state_group, param.state_group);
    add(ParamKey::events_dir, param.events_dir);
    add(ParamKey::defaults_file, param.defaults_file);
    add(ParamKey::history_size, param.history_size);
    return words;
}

}  // namespace banken::core::record_words
