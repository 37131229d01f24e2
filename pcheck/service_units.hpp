// SPDX-License-Identifier: Apache-2.0
// Whether somebody else restarts what has died (spec/pcheck.md, the cycle, step 2): the process was in the cgroup of a systemd service,
// not pcheck's own, whose Restart= is not `no`. systemd is asked when a process is first followed; as long as it has not answered, it
// does restart. Where it is not the init nobody is asked.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/sys/worker.hpp"
#include "pcheck/core/types.hpp"

namespace banken {

class ServiceUnits {
public:
    // Restart= of each of these; one that is missing was not answered. Runs in the helper thread.
    using Answers = std::map<std::string, std::string>;
    using Ask = std::function<Answers(const std::vector<std::string>& services)>;
    static constexpr std::size_t batch = 64;

    // systemd itself; unset where it is not the init.
    [[nodiscard]] static Ask asks_systemd();

    // `worker` has one thread; `ask` unset: nobody is asked, nothing is brought back.
    ServiceUnits(sys::Worker worker, Ask ask);
    ServiceUnits(ServiceUnits&&) = delete;  // the worker's answers find it by its address
    ServiceUnits& operator=(ServiceUnits&&) = delete;

    // The entry's main process from now on. Reads its cgroup.
    void follow(core::EntryKey entry, ProcessId process);
    void unfollow(core::EntryKey entry) { units_.erase(entry); }
    [[nodiscard]] bool brings_back(core::EntryKey entry) const;

    // Readable: call drain().
    [[nodiscard]] int fd() const { return worker_.fd(); }
    [[nodiscard]] bool busy() const { return worker_.busy(); }  // a helper thread may be in a call
    void drain();

private:
    struct Unit {
        std::string service;
        bool restarts = true;
    };
    void send_out();
    void answered(const Answers& answers);

    sys::Worker worker_;
    Ask ask_;
    std::string own_cgroup_;
    std::unordered_map<core::EntryKey, Unit> units_;  // of entries whose main process a service holds
    std::set<std::string> waiting_;
    bool out_ = false;  // one batch
};

}  // namespace banken
