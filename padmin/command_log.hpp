// SPDX-License-Identifier: Apache-2.0
// padmin's own line in the log: `Command execute. [reload] pfile=…`.
#pragma once

#include <string>

#include "common/config.hpp"
#include "padmin/target.hpp"

namespace banken {

// banken.conf. An empty path: the usual place, where a missing file means the defaults.
[[nodiscard]] Outcome<Config> load_padmin_config(const std::string& named);

// Waits for the log daemon for at most a second.
[[nodiscard]] Result<> log_command(const LogConfig& config, const Message& message, std::string_view pfile);

}  // namespace banken
