// SPDX-License-Identifier: Apache-2.0
#include "sendevent/responders.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "common/script_environment.hpp"
#include "common/sys/background.hpp"
#include "common/sys/clock.hpp"
#include "common/sys/responder_keeper.hpp"
#include "common/text.hpp"

namespace banken {
namespace {

void say(std::string_view text) { fmt::print(stderr, "sendevent: {}\n", printable(text)); }

sys::ScriptStart start_of(const ResponderOrder& order, const std::string& path) {
    sys::ScriptStart start;
    start.command.argv = responder_arguments(path, order.given, order.facts.recovering);
    start.environment = responder_environment(inherited_environment(order.environment, false), order.facts);
    start.output = order.wait ? ScriptOutput::inherit : ScriptOutput::null;
    return start;
}

std::int32_t start_all(const ResponderOrder& order, sys::Spawner& spawner, sys::ResponderKeeper& keeper) {
    std::int32_t started = 0;
    for (const std::string& path : order.paths) {
        const auto begun = keeper.start(spawner, start_of(order, path), sys::read_instant());
        if (!begun) say(fmt::format("{}: {}", path, begun.error().text));
        started += begun ? 1 : 0;
    }
    return started;
}

std::int32_t await_all(sys::ResponderKeeper& keeper, bool tells) {
    std::int32_t failed = 0;
    while (keeper.awaited() > 0) {
        keeper.wait_for_turn();
        for (const auto& ended : keeper.turn(sys::read_instant())) {
            if (ended.failure.empty()) continue;
            ++failed;
            if (tells) say(fmt::format("{}: {}", ended.path, ended.failure));
        }
    }
    return failed;
}

// Tells how many were started, then how many have failed.
void keep(const ResponderOrder& order, const sys::Background::Tell& tell) {
    auto spawner = sys::Spawner::open(sys::Inheritance::of_this_process());
    auto keeper = sys::ResponderKeeper::open(order.limit);
    if (!spawner || !keeper) {
        say(spawner ? keeper.error().text : spawner.error().text);
        return tell(0);
    }
    const std::int32_t started = start_all(order, *spawner, *keeper);
    tell(started);
    const std::int32_t failed = await_all(*keeper, order.wait);
    tell(failed + static_cast<std::int32_t>(order.paths.size()) - started);
}

}  // namespace

ExitCode run_responders(const ResponderOrder& order) {
    if (order.paths.empty()) return ExitCode::ok;
    using sys::Background;
    auto background = Background::start(order.wait ? Background::Output::kept : Background::Output::dropped,
                                        [&order](const Background::Tell& tell) { keep(order, tell); });
    if (!background) {
        say(background.error().text);
        return ExitCode::system;
    }
    const auto started = background->next();
    if (!started || *started == 0) return ExitCode::system;
    if (!order.wait) return ExitCode::ok;
    const auto failed = background->next();
    return failed && *failed == 0 ? ExitCode::ok : ExitCode::responder_failed;
}

}  // namespace banken
