// SPDX-License-Identifier: Apache-2.0
// systemd itself is a peer of ours that answers as it does.
#include "common/sys/systemd_bus.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <string_view>
#include <thread>

#include "common/sys/unique_fd.hpp"
#include "tests/unit/temporary_directory.hpp"

using namespace banken;
using namespace banken::sys;

namespace {

int answer_restart(sd_bus*, const char* path, const char*, const char*, sd_bus_message* reply, void*, sd_bus_error* error) {
    const std::string_view unit(path);
    if (unit.ends_with("/crond_2eservice")) return sd_bus_message_append(reply, "s", "on-failure");
    if (unit.ends_with("/one_40tty_2eservice")) return sd_bus_message_append(reply, "s", "no");
    return sd_bus_error_set(error, "org.freedesktop.systemd1.NoSuchUnit", "Unit not loaded.");
}

const sd_bus_vtable service_table[] = {SD_BUS_VTABLE_START(0), SD_BUS_PROPERTY("Restart", "s", answer_restart, 0, 0), SD_BUS_VTABLE_END};

// One connection of a manager, until its client goes.
class Manager {
public:
    Manager() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path_.copy(address.sun_path, sizeof address.sun_path - 1);
        REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(::listen(listener_.get(), 1) == 0);
        thread_ = std::thread([this] { serve(); });
    }
    Manager(Manager&&) = delete;
    Manager& operator=(Manager&&) = delete;
    ~Manager() { thread_.join(); }

    [[nodiscard]] std::string address() const { return "unix:path=" + path_; }

private:
    void serve() const {
        sd_bus* bus = nullptr;
        sd_id128_t id{};
        sd_id128_randomize(&id);
        const int connection = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (sd_bus_new(&bus) < 0 || sd_bus_set_fd(bus, connection, connection) < 0 || sd_bus_set_server(bus, 1, id) < 0) return;
        if (sd_bus_add_fallback_vtable(
                bus, nullptr, "/org/freedesktop/systemd1/unit", "org.freedesktop.systemd1.Service", service_table,
                [](sd_bus*, const char*, const char*, void*, void** found, sd_bus_error*) {
                    *found = nullptr;
                    return 1;
                },
                nullptr) < 0 ||
            sd_bus_start(bus) < 0) {
            return;
        }
        while (sd_bus_process(bus, nullptr) >= 0 && sd_bus_wait(bus, UINT64_MAX) >= 0) {}
        sd_bus_close_unref(bus);
    }

    test::TemporaryDirectory directory_;
    std::string path_ = directory_ / "private";
    UniqueFd listener_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    std::thread thread_;
};

}  // namespace

TEST_CASE("a manager says how it restarts a service") {
    const Manager manager;
    auto bus = SystemdBus::open_private(manager.address());
    REQUIRE(bus);
    CHECK(bus->restart_of("crond.service").value_or("") == "on-failure");
    CHECK(bus->restart_of("one@tty.service").value_or("") == "no");
    const auto unknown = bus->restart_of("other.service");
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().text.starts_with("other.service: "));
}

TEST_CASE("where nobody listens there is no bus") {
    const test::TemporaryDirectory directory;
    const auto bus = SystemdBus::open_private("unix:path=" + directory / "private");
    CHECK_FALSE(bus);
}
