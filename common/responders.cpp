// SPDX-License-Identifier: Apache-2.0
#include "common/responders.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace banken {
namespace {

constexpr std::size_t longest_variable = 131071;  // MAX_ARG_STRLEN, without the NUL

bool is_of_an_event(const std::string& variable) { return variable.starts_with("EVENT_"); }

}  // namespace

std::vector<std::string> responder_directories(const std::string& root, std::string_view event_class, std::string_view event) {
    std::vector<std::string> directories{fmt::format("{}/{}/{}", root, event_class, event)};
    if (event_class != "genclass") directories.push_back(fmt::format("{}/genclass/{}", root, event));
    directories.push_back(fmt::format("{}/allclass", root));
    return directories;
}

bool is_responder_name(std::string_view name) {
    if (name.empty() || name.starts_with('.') || name.ends_with('~')) return false;
    const auto dot = name.rfind('.');
    const std::string_view end = dot == name.npos ? std::string_view() : name.substr(dot);
    return end != ".bak" && !end.starts_with(".dpkg-") && !end.starts_with(".rpm");
}

std::vector<std::string> responder_arguments(const std::string& path, std::span<const std::string> given, bool recovering) {
    std::vector<std::string> argv{path};
    argv.insert(argv.end(), given.begin(), given.end());
    if (recovering) argv.emplace_back("-A");
    return argv;
}

std::vector<std::string> responder_environment(std::span<const std::string> inherited, const EventFacts& facts) {
    std::vector<std::string> all(inherited.begin(), inherited.end());
    std::erase_if(all, is_of_an_event);
    const auto add = [&all](std::string_view name, std::string_view value) {
        std::string variable = fmt::format("EVENT_{}={}", name, value);
        variable.resize(std::min(variable.size(), longest_variable));
        all.push_back(std::move(variable));
    };
    add("CLASS", facts.event_class);
    add("NAME", facts.event);
    add("MONITOR", facts.monitor);
    add("INSTANCE", facts.instance);
    add("SEVERITY", facts.severity);
    add("TEXT", facts.text);
    add("TIME", std::to_string(facts.time));
    add("RECOVERING", facts.recovering ? "1" : "0");
    return all;
}

std::vector<std::string> arguments_of(const EventFacts& facts) {
    return {"-C", facts.event_class,          "-E", facts.event, "-m", facts.monitor, "-n", facts.instance, "-s", facts.severity,
            "-T", std::to_string(facts.time), "-x", facts.text};
}

}  // namespace banken
