// SPDX-License-Identifier: Apache-2.0
// What is to happen to the processes and scripts of a pfile, as text (spec/pcheck.md, --simulate; the grammar is in pcheck(8), SIMULATION). Pure.
#pragma once

#include <string_view>
#include <vector>

#include "common/diagnostic.hpp"
#include "common/order.hpp"
#include "common/pfile.hpp"

namespace banken::core {

// How a script, a health check or a process that should send heartbeats behaves until told otherwise.
enum class Behaviour { works, fails, hangs };

struct Happening {
    enum class Deed { kill, end, appear, script, check, heartbeat, order };
    Duration at{};     // since the start; with `every`: the first time
    Duration every{};  // 0: once
    Deed deed{};
    unsigned pent_id = 0;   // whose; 0 with an order
    Behaviour behaviour{};  // with script, check, heartbeat (which works or fails)
    ParsedOrder order;      // with order
    std::size_t line = 0;   // of the scenario
};

struct Scenario {
    std::vector<Happening> happenings;  // in the order of the file
    Duration run{};                     // how long it is played
};

struct ParsedScenario {
    Scenario scenario;                    // meaningful only without errors
    std::vector<Diagnostic> diagnostics;  // all of them, in the order of the file, what is missing last

    [[nodiscard]] bool good() const { return banken::good(diagnostics); }
};

inline constexpr std::size_t scenario_max_bytes = 1u << 20;
inline constexpr std::chrono::hours scenario_longest(24 * 3650);
inline constexpr Duration scenario_shortest_period = std::chrono::seconds(1);

// `pfile`: whose entries the names mean.
[[nodiscard]] ParsedScenario parse_scenario(std::string_view text, const Pfile& pfile);

}  // namespace banken::core
