// SPDX-License-Identifier: Apache-2.0
#include "common/script_environment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace banken {
namespace {

// A trailing * stands for any rest of a name. The last two are given to every script anew.
constexpr std::array<std::string_view, 8> withheld{"NOTIFY_SOCKET", "WATCHDOG_*", "LISTEN_*", "JOURNAL_STREAM",
                                                   "INVOCATION_ID", "LD_*",       "PCHECK_*", "BANKEN_IPCKEY"};
constexpr std::array<std::string_view, 3> clean_names{"PATH", "HOME", "LANG"};

std::string_view name_in(std::string_view variable) { return variable.substr(0, variable.find('=')); }

bool is_withheld(std::string_view name) {
    return std::any_of(withheld.begin(), withheld.end(), [&](std::string_view pattern) {
        return pattern.ends_with('*') ? name.starts_with(pattern.substr(0, pattern.size() - 1)) : name == pattern;
    });
}

bool is_of_a_user(std::string_view name) { return name == "HOME" || name == "USER" || name == "LOGNAME"; }

bool is_clean(std::string_view name) { return std::find(clean_names.begin(), clean_names.end(), name) != clean_names.end(); }

}  // namespace

std::optional<std::string_view> environment_value(std::span<const std::string> environment, std::string_view name) {
    for (const std::string_view variable : environment) {
        if (variable.size() > name.size() && variable[name.size()] == '=' && variable.starts_with(name)) {
            return variable.substr(name.size() + 1);
        }
    }
    return {};
}

std::vector<std::string> inherited_environment(std::span<const std::string> own, bool clean) {
    std::vector<std::string> kept;
    for (const auto& variable : own) {
        const auto name = name_in(variable);
        if (clean ? is_clean(name) : !is_withheld(name)) kept.push_back(variable);
    }
    return kept;
}

std::vector<std::string> script_environment(std::span<const std::string> inherited, const ScriptVariables& variables) {
    std::vector<std::string> all(inherited.begin(), inherited.end());
    if (!variables.user.empty()) {
        std::erase_if(all, [](const std::string& variable) { return is_of_a_user(name_in(variable)); });
        all.push_back(fmt::format("HOME={}", variables.home));
        for (const std::string_view name : {"USER", "LOGNAME"}) all.push_back(fmt::format("{}={}", name, variables.user));
    }
    all.push_back(fmt::format("PCHECK_PNAME={}", variables.name));
    all.push_back(fmt::format("PCHECK_PENT_ID={}", variables.pent_id));
    all.push_back(fmt::format("PCHECK_OLD_PID={}", variables.old_pid));
    all.push_back(fmt::format("PCHECK_REASON={}", text_of(variables.reason)));
    all.push_back(fmt::format("PCHECK_CAUSE={}", variables.cause));
    all.push_back(fmt::format("PCHECK_RESTART_COUNT={}", variables.restart_count));
    all.push_back(fmt::format("PCHECK_RETRIES={}", variables.retries ? std::to_string(*variables.retries) : "unlimited"));
    all.push_back(fmt::format("PCHECK_PFILE={}", variables.pfile));
    if (!variables.notify.empty()) all.push_back(fmt::format("PCHECK_NOTIFY={}", variables.notify));
    all.push_back(fmt::format("BANKEN_IPCKEY=0x{:08x}", variables.ipc_key));
    return all;
}

std::vector<std::string> resource_environment(std::span<const std::string> inherited, const ResourceVariables& variables) {
    std::vector<std::string> all(inherited.begin(), inherited.end());
    const Definition& definition = *variables.definition;
    const auto set = [&all](std::string_view name, std::string_view value) {
        std::erase_if(all, [name](const std::string& variable) { return name_in(variable) == name; });
        all.push_back(fmt::format("{}={}", name, value));
    };
    const std::string path(environment_value(inherited, "PATH").value_or("/usr/sbin:/usr/bin:/sbin:/bin"));
    set("PATH", fmt::format("{}/bin:{}", variables.root, path));
    set("LKROOT", variables.root);
    set("PCHECK_PFILE", variables.pfile);
    set("BANKEN_IPCKEY", fmt::format("0x{:08x}", variables.ipc_key));
    if (definition.kind == ResourceKind::generic) {
        set("TAG", definition.tag);
        set("ID", definition.id);
        set("INFO", definition.info);
        set("LKCHECKINTERVAL", std::to_string(std::chrono::duration_cast<std::chrono::seconds>(definition.quick_interval).count()));
        return all;
    }
    std::erase_if(all, [](const std::string& variable) { return variable.starts_with("HV_"); });
    set("HV_APPLICATION", variables.application);
    set("HV_NODENAME", definition.tag);
    if (variables.script == ResourceScript::check) return all;
    set("HV_SCRIPT_TYPE", variables.script == ResourceScript::start ? "Online" : "Offline");
    set("HV_LAST_DET_REPORT", variables.last_report);
    set("HV_INTENDED_STATE", variables.intended);
    set("HV_OFFLINE_REASON", variables.reason);
    set("HV_AUTORECOVER", variables.autorecover ? "1" : "0");
    set("HV_FORCED_REQUEST", "0");
    return all;
}

Command resource_command(const Definition& definition, ResourceScript script) {
    Command command = definition.script(script);
    if (definition.kind != ResourceKind::generic || command.none()) return command;
    for (const std::string& word : {std::string("-t"), definition.tag, std::string("-i"), definition.id}) command.argv.push_back(word);
    return command;
}

}  // namespace banken
