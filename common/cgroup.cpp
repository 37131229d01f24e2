// SPDX-License-Identifier: Apache-2.0
#include "common/cgroup.hpp"

#include <algorithm>

namespace banken {
namespace {

// Of one line "0::/system.slice/crond.service" or "1:name=systemd:/system.slice/crond.service"; empty: another line, or the root.
std::string_view path_in(std::string_view line, std::string_view hierarchy) {
    const auto first = line.find(':');
    if (first == line.npos) return {};
    line.remove_prefix(first + 1);
    const auto second = line.find(':');
    if (second == line.npos || line.substr(0, second) != hierarchy) return {};
    const auto path = line.substr(second + 1);
    return path == "/" ? std::string_view() : path;
}

std::string_view path_of(std::string_view text, std::string_view hierarchy) {
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        if (const auto path = path_in(text.substr(0, end), hierarchy); !path.empty()) return path;
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return {};
}

std::string_view take_last_component(std::string_view& path) {
    const auto slash = path.rfind('/');
    const auto last = path.substr(slash == path.npos ? 0 : slash + 1);
    path = path.substr(0, slash == path.npos ? 0 : slash);
    return last;
}

bool is_user_manager(std::string_view unit) { return unit.starts_with("user@") && unit.ends_with(".service"); }

}  // namespace

std::string_view service_cgroup(std::string_view text) {
    const auto unified = path_of(text, "");
    return unified.empty() ? path_of(text, "name=systemd") : unified;
}

bool is_login_session(std::string_view cgroup) {
    while (!cgroup.empty()) {
        const auto component = take_last_component(cgroup);
        if (component.starts_with("session-") && component.ends_with(".scope")) return true;
    }
    return false;
}

std::optional<ServiceUnit> service_of(std::string_view cgroup) {
    while (!cgroup.empty()) {
        const auto component = take_last_component(cgroup);
        if (component.ends_with(".scope") || component.ends_with(".slice")) return {};
        if (!component.ends_with(".service")) continue;
        ServiceUnit unit{.name = std::string(component)};
        while (!cgroup.empty() && !unit.of_a_user) unit.of_a_user = is_user_manager(take_last_component(cgroup));
        return unit;
    }
    return {};
}

}  // namespace banken
