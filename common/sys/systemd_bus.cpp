// SPDX-License-Identifier: Apache-2.0
#include "common/sys/systemd_bus.hpp"

#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdlib>

namespace banken::sys {
namespace {

struct Free {
    void operator()(char* text) const { std::free(text); }
};
using Text = std::unique_ptr<char, Free>;

constexpr auto to_microseconds(Duration duration) {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

struct FreeError {
    sd_bus_error error{nullptr, nullptr, 0};
    ~FreeError() { sd_bus_error_free(&error); }
};

}  // namespace

bool systemd_runs() { return sd_booted() > 0; }

Result<SystemdBus> SystemdBus::open() {
    if (::geteuid() == 0) return open_private("unix:path=/run/systemd/private");
    sd_bus* raw = nullptr;
    if (const int code = sd_bus_open_system(&raw); code < 0) return fail_errno("sd_bus_open_system", -code);
    Bus bus(raw);
    sd_bus_set_method_call_timeout(raw, to_microseconds(patience));
    return SystemdBus(std::move(bus));
}

Result<SystemdBus> SystemdBus::open_private(const std::string& address) {
    sd_bus* raw = nullptr;
    if (const int code = sd_bus_new(&raw); code < 0) return fail_errno("sd_bus_new", -code);
    Bus bus(raw);
    sd_bus_set_method_call_timeout(raw, to_microseconds(patience));
    if (const int code = sd_bus_set_address(raw, address.c_str()); code < 0) return fail_errno("sd_bus_set_address", -code);
    if (const int code = sd_bus_start(raw); code < 0) return fail_errno("sd_bus_start", -code);
    return SystemdBus(std::move(bus));
}

Result<std::string> SystemdBus::restart_of(const std::string& service) {
    char* path = nullptr;
    if (const int code = sd_bus_path_encode("/org/freedesktop/systemd1/unit", service.c_str(), &path); code < 0)
        return fail_errno("sd_bus_path_encode", -code);
    const Text path_owner(path);
    FreeError refused;
    char* value = nullptr;
    const int code = sd_bus_get_property_string(bus_.get(), "org.freedesktop.systemd1", path, "org.freedesktop.systemd1.Service", "Restart",
                                                &refused.error, &value);
    const Text value_owner(value);
    if (code >= 0) return std::string(value);
    if (refused.error.message != nullptr) return fail("{}: {}", service, refused.error.message);
    return Failure(fail_errno("Restart", -code).value().in(service));
}

}  // namespace banken::sys
