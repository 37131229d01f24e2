// SPDX-License-Identifier: Apache-2.0
// Which event responders there are, and how they are called (spec/events.md). Pure; pcheck and sendevent share it, common/sys/responder_list looks into
// the directories.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/time.hpp"

namespace banken {

// What happened, as responders are told.
struct EventFacts {
    std::string event_class, event, monitor, instance, severity, text;
    std::int64_t time = 0;    // seconds since the epoch
    bool recovering = false;  // a recovery was started
};

// Below `root`, in the order in which they are looked into, each once: class/event, genclass/event, allclass.
[[nodiscard]] std::vector<std::string> responder_directories(const std::string& root, std::string_view event_class, std::string_view event);

// Not of editors, package managers or anything hidden: no leading dot, no end in ~, .bak, .dpkg-* or .rpm*.
[[nodiscard]] bool is_responder_name(std::string_view name);

// What a responder is executed with: its path, the arguments as they were given, and -A at the end when a recovery was started.
[[nodiscard]] std::vector<std::string> responder_arguments(const std::string& path, std::span<const std::string> given, bool recovering);

// `inherited` with the facts as EVENT_CLASS, EVENT_NAME, …. What the kernel would not take as one variable (128 KiB) is cut.
[[nodiscard]] std::vector<std::string> responder_environment(std::span<const std::string> inherited, const EventFacts& facts);

// The arguments of an event that pcheck tells itself.
[[nodiscard]] std::vector<std::string> arguments_of(const EventFacts& facts);

}  // namespace banken
