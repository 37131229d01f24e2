// SPDX-License-Identifier: Apache-2.0
#include "pcheck/simulation.hpp"

#include <cstdio>

#include "common/sys/file.hpp"
#include "pcheck/core/simulator.hpp"
#include "pcheck/loader.hpp"

namespace banken {

int simulate(const std::string& scenario, const std::string& pfile) {
    const auto refuse = [](ExitCode code, const std::vector<std::string>& lines) {
        for (const std::string& line : lines) fmt::print(stderr, "{}\n", line);
        return number_of(code);
    };
    auto loaded = load_pfile(pfile);
    if (!loaded) return refuse(loaded.error().code, loaded.error().lines);
    const auto text = sys::read_file(scenario, core::scenario_max_bytes);
    if (!text) return refuse(ExitCode::no_input, {fmt::format("pcheck: {}", text.error().text)});
    const core::ParsedScenario parsed = core::parse_scenario(*text, loaded->pfile);
    if (!parsed.good()) return refuse(ExitCode::config, sys::error_lines(parsed.diagnostics, scenario));
    if (!loaded->pfile.resources.empty()) fmt::print(stderr, "pcheck: warning: resources are not simulated\n");
    core::Simulator simulator(std::move(loaded->pfile), [](Duration at, std::string_view line) {
        std::fputs(fmt::format("{} {}\n", core::simulated_time(at), line).c_str(), stdout);  // a reader that went away is no error
    });
    simulator.play(parsed.scenario);
    return number_of(ExitCode::ok);
}

}  // namespace banken
