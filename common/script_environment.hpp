// SPDX-License-Identifier: Apache-2.0
// The environment of restart, stop, check and resource scripts (spec/pcheck.md, Script environment). Pure: lists of NAME=value in and out.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/definition.hpp"
#include "common/entry_state.hpp"

namespace banken {

// The value of `name` in `environment`.
[[nodiscard]] std::optional<std::string_view> environment_value(std::span<const std::string> environment, std::string_view name);

// What scripts inherit of the program's own environment as at its start: without what is meant for the program itself
// (NOTIFY_SOCKET, WATCHDOG_*, LISTEN_*, JOURNAL_STREAM, INVOCATION_ID, LD_*) and without the variables that every script is given
// anew; `clean`: PATH, HOME, LANG only.
[[nodiscard]] std::vector<std::string> inherited_environment(std::span<const std::string> own, bool clean);

struct ScriptVariables {
    std::string_view name{};  // PCHECK_PNAME
    unsigned pent_id = 0;
    pid_t old_pid = 0;  // 0: there was none
    EntryReason reason{};
    std::string_view cause{};  // "killed by signal 9 (KILL)"; empty: none
    unsigned restart_count = 0;
    std::optional<unsigned> retries{};  // unset: unlimited
    std::string_view pfile{};
    std::string_view notify{};        // PCHECK_NOTIFY: where heartbeats are sent to; empty: nowhere, and the variable is left out
    std::uint32_t ipc_key = 0;        // BANKEN_IPCKEY=0x1f000501
    std::string_view user{}, home{};  // run_as: USER, LOGNAME, HOME; empty: pcheck's own stay
};

// Of a resource's script (spec/resources.md). `root` has our compat commands in its bin, which comes first in PATH.
struct ResourceVariables {
    const Definition* definition = nullptr;
    ResourceScript script{};
    std::string_view application{};                        // cmdline: the top of its tree
    std::string_view last_report{}, intended{}, reason{};  // cmdline, Start and Stop
    bool autorecover = false;
    std::string_view root{};
    std::string_view pfile{};
    std::uint32_t ipc_key = 0;
};
[[nodiscard]] std::vector<std::string> resource_environment(std::span<const std::string> inherited, const ResourceVariables& variables);
// What it is executed with: of generic with -t TAG -i ID behind the definition's own.
[[nodiscard]] Command resource_command(const Definition& definition, ResourceScript script);

[[nodiscard]] std::vector<std::string> script_environment(std::span<const std::string> inherited, const ScriptVariables& variables);

}  // namespace banken
