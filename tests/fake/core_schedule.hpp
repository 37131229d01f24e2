// SPDX-License-Identifier: Apache-2.0
// One random schedule: a host that tells the core the truth, late at times and in any order that a kernel allows, while processes die, scripts fail or
// hang, people give orders, pfiles change and pcheck itself is killed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pcheck/adoption.hpp"
#include "pcheck/core/record.hpp"
#include "tests/fake/core_pfiles.hpp"
#include "tests/fake/core_rules.hpp"

namespace banken::core {

// All that a core keeps, as text.
[[nodiscard]] std::string state_text(const Supervisor& core);

class Schedule {
public:
    // tells: what fails is told with all that led to it, which takes time.
    Schedule(std::uint64_t seed, Coverage& coverage, bool tells);

    // Empty: everything held. Else what did not.
    [[nodiscard]] std::string play(unsigned steps);

private:
    struct Process {
        EntryKey entry = 0;
        Candidate what;
        bool stubborn = false;  // ends by nothing but KILL
        bool immortal = false;  // in state D: not even by that
    };
    struct Running {
        RunScript what;
        ProcessId process;
        bool told = false;  // ScriptStarted
        bool stubborn = false, immortal = false;
    };
    struct Delivery {
        Instant at{};
        std::uint64_t number = 0;
        std::function<void()> deed;
    };

    void tell(const Event& event);
    void perform(const Action& action);
    // At a random moment within `longest`. A tale is for this core only, a deed happens whoever watches.
    void tale_later(Duration longest, std::function<void()> tale);
    void deed_later(Duration longest, std::function<void()> deed);
    void pass(Duration duration);
    void sweep();
    void settle_down();

    // what happens
    void something();
    void appear(EntryKey entry, std::optional<ProcessId> of_script = {});
    void end(ProcessId process, Cause cause);
    void kill_some();
    void order();
    void send_event();
    void reload();
    void adopt();
    [[nodiscard]] Adoption left_behind() const;
    void run(const RunScript& action);
    [[nodiscard]] std::vector<EntryKey> sharing(EntryKey entry) const;
    void run_restart(const RunScript& action, ProcessId process);
    void script_ends(ProcessId process, int wait_status);
    void look(const Look& action);
    void looked(Looked event);
    void follow(const Follow& action);
    void beat();
    void signal(const SignalProcess& action);
    void signal_script(const SignalScript& action);
    void measured(const Measure& action);

    [[nodiscard]] std::vector<Candidate> matches(EntryKey entry) const;
    [[nodiscard]] bool is_alive(ProcessId process) const;
    [[nodiscard]] bool is_script(ProcessId process) const;
    [[nodiscard]] EntryKey some_entry();
    void move_processes();
    void tell_story(const Told& told);
    void replay(const std::vector<TraceRecord>& records);
    void compare_copy();
    void fail(std::string why);

    Random random_;
    bool tells_;
    RandomPfile pfiles_;
    Coverage& coverage_;
    Now now_;
    std::unique_ptr<Supervisor> core_, copy_;
    Recorder recorder_;
    RecordReader reader_;
    Rules rules_;
    std::vector<Process> processes_;
    std::map<RunId, Running> running_;
    std::multimap<EntryKey, ProcessId> followed_;
    std::vector<Delivery> deliveries_;
    std::vector<std::string> story_;
    Instant next_sweep_{};
    std::uint64_t last_delivery_ = 0;
    pid_t last_pid_ = 100;
    OrderId last_order_ = 0;
    unsigned trouble_ = 30;  // how many of 100 scripts go wrong
    unsigned epoch_ = 0;     // how often pcheck was killed
    bool ended_ = false, calm_ = false, killed_ = false, slow_ = false;
    std::string failure_;
};

}  // namespace banken::core
