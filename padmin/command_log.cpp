// SPDX-License-Identifier: Apache-2.0
#include "padmin/command_log.hpp"

#include "common/sys/clock.hpp"
#include "common/sys/log.hpp"

namespace banken {

Result<> log_command(const LogConfig& config, const Message& message, std::string_view pfile) {
    auto log = sys::Log::open(config, {.identifier = "padmin", .echo_to_terminal = false});
    if (!log) return Failure(log.error());
    log->set_pfile(pfile);
    log->write(message, sys::read_now());
    if (!log->has_reader()) return fail("there is no log daemon");
    if (log->drain(std::chrono::seconds(1)) != 0) return fail("the log daemon takes no lines");
    return {};
}

}  // namespace banken
