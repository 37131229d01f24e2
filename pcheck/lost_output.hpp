// SPDX-License-Identifier: Apache-2.0
// What the child of a script reported, for the core and for the log.
#pragma once

#include <optional>
#include <string>

#include "common/sys/log.hpp"
#include "common/sys/spawn.hpp"
#include "pcheck/core/types.hpp"

namespace banken {

class LostOutput {
public:
    // `script`: none of a pcheck before, whose child told nobody. An output that goes nowhere is told once, and again after it went somewhere.
    void report(const std::optional<sys::WaitingScript>& script, core::ScriptEnded& event, sys::Log& log, Now now);

private:
    std::string told_;
};

}  // namespace banken
