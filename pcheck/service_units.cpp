// SPDX-License-Identifier: Apache-2.0
#include "pcheck/service_units.hpp"

#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "common/cgroup.hpp"
#include "common/sys/pid_ref.hpp"
#include "common/sys/systemd_bus.hpp"

namespace banken {
namespace {

std::string cgroup_of(pid_t pid) { return std::string(service_cgroup(sys::read_cgroup(pid).value_or(""))); }

// Stops at the first that is not answered: systemd is stuck then, and each of the others would wait as long.
ServiceUnits::Answers ask_systemd(const std::vector<std::string>& services) {
    ServiceUnits::Answers answers;
    auto bus = sys::SystemdBus::open();
    for (const std::string& service : services) {
        if (!bus) break;
        const auto restart = bus->restart_of(service);
        if (restart) answers.emplace(service, *restart);
        if (!restart && restart.error().number == ETIMEDOUT) break;
    }
    return answers;
}

}  // namespace

ServiceUnits::Ask ServiceUnits::asks_systemd() { return sys::systemd_runs() ? ask_systemd : Ask(); }

ServiceUnits::ServiceUnits(sys::Worker worker, Ask ask)
    : worker_(std::move(worker)), ask_(std::move(ask)), own_cgroup_(cgroup_of(getpid())) {}

void ServiceUnits::follow(core::EntryKey entry, ProcessId process) {
    if (!ask_) return;
    const std::string cgroup = cgroup_of(process.pid);
    auto service = cgroup == own_cgroup_ ? std::nullopt : service_of(cgroup);
    if (!service) return unfollow(entry);
    Unit& unit = units_[entry];
    if (service->of_a_user) service->name.clear();  // its manager is not asked
    if (unit.service != service->name) unit = {service->name};
    if (unit.service.empty()) return;
    waiting_.insert(unit.service);
    send_out();
}

bool ServiceUnits::brings_back(core::EntryKey entry) const {
    const auto found = units_.find(entry);
    return found != units_.end() && found->second.restarts;
}

void ServiceUnits::send_out() {
    if (out_ || waiting_.empty()) return;
    const auto end = std::next(waiting_.begin(), static_cast<std::ptrdiff_t>(std::min(waiting_.size(), batch)));
    const std::vector<std::string> services(waiting_.begin(), end);
    const auto sent = worker_.submit([this, ask = ask_, services] { return [this, answers = ask(services)] { answered(answers); }; });
    if (!sent) return;  // no thread can be had now: the next process that is followed tries again
    waiting_.erase(waiting_.begin(), end);
    out_ = true;
}

void ServiceUnits::drain() {
    worker_.drain();
    send_out();
}

void ServiceUnits::answered(const Answers& answers) {
    out_ = false;
    for (auto& [entry, unit] : units_) {
        const auto answer = answers.find(unit.service);
        if (answer != answers.end()) unit.restarts = answer->second != "no";
    }
}

}  // namespace banken
