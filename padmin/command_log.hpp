// SPDX-License-Identifier: Apache-2.0
// padmin's own line in the log: `Command execute. [reload] pfile=…`.
#pragma once

#include <string_view>

#include "common/config.hpp"
#include "common/messages.hpp"
#include "common/result.hpp"

namespace banken {

// Waits for a log daemon that is stuck for at most a second, not for one that is not there.
[[nodiscard]] Result<> log_command(const LogConfig& config, const Message& message, std::string_view pfile);

}  // namespace banken
