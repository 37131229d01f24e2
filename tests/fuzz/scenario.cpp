// SPDX-License-Identifier: Apache-2.0
// The simulator: a pfile's PENT lines, and behind a line `%%` what is to happen to them.
#include <algorithm>
#include <array>

#include "common/text.hpp"
#include "pcheck/core/simulator.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace banken::fuzz {
namespace {

using core::Happening;
using core::ParsedScenario;
using core::Scenario;

constexpr std::string_view head = "IPCKEY 0x1f000501\nSHM_DUMP_FILE /var/tmp/dump\n";
constexpr std::string_view usual =
    "crond:/etc/restart:3600:3:continue:check=/bin/check:heartbeat=30\nnginx:-:60:1:hold:after=crond\nworker:/etc/restart "
    "x:60:2:continue:min=2\n";
constexpr std::size_t most_entries = 8, most_happenings = 200;
constexpr Duration longest = std::chrono::minutes(30);

std::string print(const Happening& happening) {
    const auto seconds = [](Duration duration) { return fmt::format("{}s", duration / std::chrono::seconds(1)); };
    std::string text = happening.every == Duration{} ? "at " + seconds(happening.at) : "every " + seconds(happening.every);
    constexpr std::array<std::string_view, 3> behaviours{"works", "fails", "hangs"};
    constexpr std::array<std::string_view, 7> deeds{"kill", "end", "appear", "script", "check", "heartbeat", "order"};
    text += fmt::format(" {}", deeds.at(static_cast<std::size_t>(happening.deed)));
    if (happening.deed == Happening::Deed::order) {
        text += fmt::format(" {}{}", text_of(happening.order.verb), happening.order.difference ? " -t" : "");
        if (!happening.order.target.empty()) text += fmt::format(" \"{}\"", happening.order.target);
        if (happening.order.duration) text += " for " + seconds(*happening.order.duration);
        return text + "\n";
    }
    text += fmt::format(" {}", happening.pent_id);
    const bool behaves = happening.deed == Happening::Deed::script || happening.deed == Happening::Deed::check ||
                         happening.deed == Happening::Deed::heartbeat;
    if (behaves) text += fmt::format(" {}", behaviours.at(static_cast<std::size_t>(happening.behaviour)));
    return text + "\n";
}

bool same(const Happening& one, const Happening& other) {
    return one.at == other.at && one.every == other.every && one.deed == other.deed && one.pent_id == other.pent_id &&
           one.behaviour == other.behaviour && one.order == other.order;
}

void print_and_read(const Scenario& scenario, const Pfile& pfile) {
    std::string printed;
    for (const Happening& happening : scenario.happenings) printed += print(happening);
    printed += fmt::format("run {}s\n", scenario.run / std::chrono::seconds(1));
    const ParsedScenario again = core::parse_scenario(printed, pfile);
    require(again.good(), "a printed scenario is read", again.good() ? "" : text_of(again.diagnostics.front(), printed));
    require(again.scenario.run == scenario.run && std::equal(again.scenario.happenings.begin(), again.scenario.happenings.end(),
                                                             scenario.happenings.begin(), scenario.happenings.end(), same),
            "the same happenings after printing and reading", printed);
}

std::string play(const Scenario& scenario, const Pfile& pfile) {
    std::string log;
    Duration last{};
    core::Simulator simulator(pfile, [&](Duration at, std::string_view line) {
        require(at >= last && at <= scenario.run, "a line within the run, none before the last", line);
        require_printable(line);
        last = at;
        log += fmt::format("{} {}\n", core::simulated_time(at), line);
    });
    simulator.play(scenario);
    return log;
}

bool is_short(const Scenario& scenario) {
    Duration happenings{};
    for (const Happening& happening : scenario.happenings) happenings += happening.every == Duration{} ? longest : happening.every;
    const bool often = std::ranges::any_of(scenario.happenings, [](const Happening& happening) {
        return happening.every != Duration{} && happening.every < std::chrono::seconds(20);
    });
    return scenario.run <= longest && scenario.happenings.size() <= most_happenings && !often;
}

}  // namespace

const bool repeatable = false;  // `run` may stand there once

void test_one(std::string_view input) {
    const auto texts = parts(input, 2);
    ParsedPfile parsed = parse_pfile(fmt::format("{}{}\n", head, texts[0]));
    if (!parsed.good() || parsed.pfile.pents.empty() || parsed.pfile.pents.size() > most_entries)
        parsed = parse_pfile(fmt::format("{}{}", head, usual));
    require(parsed.good(), "a good pfile", parsed.good() ? "" : parsed.diagnostics.front().text);
    const ParsedScenario scenario = core::parse_scenario(texts[1], parsed.pfile);
    require_diagnostics(scenario.diagnostics, texts[1]);
    if (!scenario.good()) return;
    print_and_read(scenario.scenario, parsed.pfile);
    if (!is_short(scenario.scenario)) return;
    require(play(scenario.scenario, parsed.pfile) == play(scenario.scenario, parsed.pfile), "the same log when played again");
}

}  // namespace banken::fuzz
