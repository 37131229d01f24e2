// SPDX-License-Identifier: Apache-2.0
// Questions to systemd over D-Bus. They wait for its answers: only for helper threads.
#pragma once

#include <systemd/sd-bus.h>

#include <chrono>
#include <memory>
#include <string>

#include "common/result.hpp"
#include "common/time.hpp"

namespace banken::sys {

// systemd is this machine's init: sd_booted(3).
[[nodiscard]] bool systemd_runs();

class SystemdBus {
public:
    static constexpr Duration patience = std::chrono::seconds(2);  // with one answer; the greeting has libsystemd's own limit, 90 s

    // The system's manager: as root by its private socket, which works without a bus daemon, else by the system bus.
    [[nodiscard]] static Result<SystemdBus> open();
    // A manager that listens itself: "unix:path=/run/systemd/private".
    [[nodiscard]] static Result<SystemdBus> open_private(const std::string& address);

    // Restart= of a service: "no", "always", "on-failure" …
    [[nodiscard]] Result<std::string> restart_of(const std::string& service);

private:
    struct Close {
        void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
    };
    using Bus = std::unique_ptr<sd_bus, Close>;

    explicit SystemdBus(Bus bus) : bus_(std::move(bus)) {}
    Bus bus_;
};

}  // namespace banken::sys
