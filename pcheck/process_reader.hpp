// SPDX-License-Identifier: Apache-2.0
// Reads processes and judges them by all rules, in helper threads, since a command line can hang. At most four reads may hang: their
// processes, and when all four do every other one, are judged by comm and executable alone until a read returns.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/process.hpp"
#include "common/sys/proc_dir.hpp"
#include "common/sys/worker.hpp"
#include "pcheck/rule_index.hpp"

namespace banken {

// What the choice among several matches needs (core::Candidate).
struct Facts {
    std::string argv0;  // at most 4096 bytes
    uid_t user = 0;     // real uid
    bool fork_no_exec = false, in_session_scope = false;

    friend bool operator==(const Facts&, const Facts&) = default;
};

// What was found out about one process.
struct Reading {
    enum class How {
        whole,
        without_command_line,
        vanished,
        readable_again,  // nothing was read; to be asked for again
    };
    ProcessId id;
    std::uint64_t number = 0;  // as given to ask()
    How how = How::vanished;
    bool in_part = false;                   // something could not be read for now: ask again
    std::vector<core::EntryKey> entries{};  // whose rules match
    std::optional<Facts> facts{};           // where entries match, or they were asked for
};

class ProcessReader {
public:
    static constexpr unsigned threads = 4;
    static constexpr std::size_t batch_size = 32;
    static constexpr Duration patience = std::chrono::seconds(1);  // with one batch

    struct Asked {
        ProcessId process;
        std::uint64_t number = 0;
        bool with_facts = false;
        std::vector<core::EntryKey> named_by{};  // entries whose pidfile names it
    };

    // The worker outlives it, and has that many threads and requests to spare.
    ProcessReader(std::shared_ptr<const sys::ProcDir> dir, sys::Worker& worker) : dir_(std::move(dir)), worker_(worker) {}
    ProcessReader(ProcessReader&&) = delete;  // the worker's answers find it by its address
    ProcessReader& operator=(ProcessReader&&) = delete;

    // For what is sent out from now on.
    void set_rules(std::shared_ptr<const RuleIndex> rules) { rules_ = std::move(rules); }
    // In the order of asking; a process that is being read already is read once more thereafter.
    void ask(Asked asked);
    // Not to be offered as readable again.
    void forget(ProcessId process) { unread_.erase(process.pid); }

    // Sends out what was asked for, gives up what is overdue, returns what is known by now.
    [[nodiscard]] std::vector<Reading> advance(Instant now);
    // When advance() is due, a past instant: at once. Beside that, whenever the worker was drained.
    [[nodiscard]] std::optional<Instant> due() const;

    // Processes judged without their command lines and not gone.
    [[nodiscard]] std::size_t unreadable() const { return unread_.size(); }

private:
    struct Batch;
    struct Slot {  // one helper thread at work
        std::shared_ptr<Batch> batch;
        std::optional<Instant> deadline;
        std::optional<ProcessId> stuck;
    };

    [[nodiscard]] static Reading read(const sys::ProcDir& dir, const RuleIndex& rules, const Asked& asked, bool with_command_line);
    [[nodiscard]] static Reading read_once(const sys::ProcDir& dir, const RuleIndex& rules, const Asked& asked, bool with_command_line);
    static void read_all(Batch& batch);
    void give_up(Slot& slot);
    void send_out(Instant now);
    [[nodiscard]] std::optional<Asked> next();
    [[nodiscard]] std::vector<Asked> next_batch();
    void collect(Batch& batch);
    void returned(const std::shared_ptr<Batch>& batch);
    void judge_without(const Asked& asked);
    [[nodiscard]] bool is_stuck(ProcessId process) const;
    [[nodiscard]] bool is_being_read(pid_t pid) const;
    [[nodiscard]] bool all_stuck() const;

    std::shared_ptr<const sys::ProcDir> dir_;
    sys::Worker& worker_;
    std::shared_ptr<const RuleIndex> rules_ = std::make_shared<const RuleIndex>();
    std::unordered_map<pid_t, Asked> waiting_;  // by pid: asked again before it was sent out, a process is still read once
    std::deque<pid_t> order_;                   // of waiting_
    bool asked_anew_ = false;
    std::vector<Slot> slots_;
    std::vector<Reading> found_;
    std::unordered_map<pid_t, ProcessId> unread_;
};

}  // namespace banken
