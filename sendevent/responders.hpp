// SPDX-License-Identifier: Apache-2.0
// Starts the responders of an event and keeps them in the background (spec/events.md, Responders).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/exit_code.hpp"
#include "common/responders.hpp"
#include "common/time.hpp"

namespace banken {

struct ResponderOrder {
    std::vector<std::string> paths;
    std::vector<std::string> given;        // arguments
    std::vector<std::string> environment;  // of this program
    EventFacts facts;
    Duration limit{};
    bool wait = false;  // for their ends; then they have our stdout and stderr, and what failed is told on stderr
};

// Returns when they have been started, or have ended. ok, responder_failed or system.
[[nodiscard]] ExitCode run_responders(const ResponderOrder& order);

}  // namespace banken
