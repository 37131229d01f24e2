// SPDX-License-Identifier: Apache-2.0
// What a service manager tells by cgroups: which processes belong together, and to which unit. Pure: texts in, values out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace banken {

// The path that a service manager has given a process, of its /proc/PID/cgroup: v2's, where that is the root v1's `name=systemd`.
// Empty: the root cgroup, which says nothing.
[[nodiscard]] std::string_view service_cgroup(std::string_view text);

// A login session's: what an ssh session started belongs together no more than that.
[[nodiscard]] bool is_login_session(std::string_view cgroup);

struct ServiceUnit {
    std::string name;        // "crond.service"
    bool of_a_user = false;  // of the manager of one user, whom the system's manager does not know

    friend bool operator==(const ServiceUnit&, const ServiceUnit&) = default;
};
// The service that a cgroup path belongs to. Nothing: its innermost unit is a scope, a slice, or it has none.
[[nodiscard]] std::optional<ServiceUnit> service_of(std::string_view cgroup);

}  // namespace banken
