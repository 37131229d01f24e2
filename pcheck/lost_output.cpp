// SPDX-License-Identifier: Apache-2.0
#include "pcheck/lost_output.hpp"

#include <fmt/format.h>

#include <utility>

#include "common/messages.hpp"

namespace banken {

void LostOutput::report(const std::optional<sys::WaitingScript>& script, core::ScriptEnded& event, sys::Log& log, Now now) {
    if (!script) return;
    auto said = script->reports();
    if (said.not_run) {
        event.how = said.not_run->refused ? core::ScriptEnded::How::refused : core::ScriptEnded::How::not_executed;
        event.reason = said.not_run->reason;
    }
    const bool is_new = !said.output_lost.empty() && said.output_lost != told_;
    told_ = std::move(said.output_lost);
    if (is_new) log.write(messages::warning(fmt::format("SCRIPT_OUTPUT: what scripts print is lost: {}", told_)), now);
}

}  // namespace banken
