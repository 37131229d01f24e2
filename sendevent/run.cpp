// SPDX-License-Identifier: Apache-2.0
#include "sendevent/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "common/sys/clock.hpp"
#include "common/sys/config_file.hpp"
#include "common/sys/file.hpp"
#include "common/sys/identity.hpp"
#include "common/sys/responder_list.hpp"
#include "common/text.hpp"
#include "sendevent/recovery.hpp"
#include "sendevent/responders.hpp"

namespace banken {
namespace {

void say(std::string_view text) { fmt::print(stderr, "sendevent: {}\n", printable(text)); }

int refuse(ExitCode code, std::string_view text) {
    say(text);
    return number_of(code);
}

Result<EventFacts> facts_of(const SendeventOptions& options) {
    WallTime time = sys::read_now().wall;
    if (!options.digits.empty()) {
        const auto given = sys::time_of_digits(options.digits);
        if (!given) return Failure(given.error().in("-t"));
        time = *given;
    }
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
    return EventFacts{.event_class = options.event_class,
                      .event = options.event,
                      .monitor = options.monitor,
                      .instance = options.instance,
                      .severity = options.severity,
                      .text = options.text,
                      .time = options.epoch.value_or(seconds)};
}

void print_what_would_be_done(const SendeventOptions& options, const std::string& event, const std::vector<std::string>& paths) {
    if (!options.notify_only) {
        for (const std::string& recovery : recoveries_of(event, options.instance)) fmt::print("recover {}\n", printable(recovery));
    }
    for (const std::string& path : paths) fmt::print("run {}\n", printable(path));
}

}  // namespace

int run_sendevent(const SendeventOptions& options, std::vector<std::string> environment) {
    auto facts = facts_of(options);
    if (!facts) return refuse(ExitCode::usage, facts.error().text);
    const auto config = sys::load_config(options.conf);
    if (!config) {
        for (const std::string& line : config.error().lines) say(line);
        return number_of(config.error().code);
    }
    const auto directories = responder_directories(config->events_dir, options.event_class, options.event);
    const auto responders = sys::list_responders(directories, sys::own_user());
    for (const std::string& refused : responders.refused) say(fmt::format("refused: {}", refused));
    const std::string event = fmt::format("{}/{}", options.event_class, options.event);
    if (options.print_only) {
        print_what_would_be_done(options, event, responders.paths);
        return number_of(ExitCode::ok);
    }
    if (!options.list_file.empty()) {
        std::string list;
        for (const std::string& path : responders.paths) list += path + "\n";
        if (const auto written = sys::write_file(options.list_file, list); !written) return refuse(ExitCode::system, written.error().text);
    }
    ExitCode code = ExitCode::ok;
    if (!options.notify_only) {
        const auto answer = ask_for_recovery(event, options.instance);
        facts->recovering = answer.begun;
        for (const std::string& why : answer.unanswered) say(why);
        if (!answer.unanswered.empty()) code = ExitCode::unavailable;
    }
    const ExitCode ran =
        run_responders({responders.paths, options.given, std::move(environment), *facts, config->events_timeout, options.wait});
    return number_of(std::max(code, ran));
}

}  // namespace banken
