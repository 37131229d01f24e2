// SPDX-License-Identifier: Apache-2.0
// The process table as last seen, and what has changed in it (spec/pcheck.md, Scale). 32 bytes a process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "common/process.hpp"
#include "common/result.hpp"
#include "common/sys/proc_dir.hpp"

namespace banken::sys {

// Of which known processes a pass reads the fingerprint; new ones are always read.
enum class Depth {
    every,
    young,   // of those that started within 2 s of the youngest: an exec comes soon after the start
    eighth,  // of watched ones, and of one eighth of the others, in turn
};

struct TableChange {
    enum class Kind {
        appeared,
        executed,  // another image under the same pid and start time; or its addresses are hidden, so that nobody can tell
        renamed,   // another comm, no exec
        moved,     // a watched process has another parent or session
        gone,      // has ended, be it reaped or not
    };
    Kind kind{};
    ProcessId id;

    friend bool operator==(const TableChange&, const TableChange&) = default;
};

class ProcTable {
public:
    explicit ProcTable(std::shared_ptr<const ProcDir> dir) : dir_(std::move(dir)) {}

    // In the order of pids; a pid with a new owner is gone, then appeared. A process that is ending, or whose first thread has left it,
    // has no image to compare any more: it stays what it was. Kernel threads and processes first seen dead are not told.
    // `also` are read whatever the depth is. On an error nothing has changed, and the next pass tells it all.
    [[nodiscard]] Result<std::vector<TableChange>> pass(Depth depth, const std::set<pid_t>& also = {});
    // The same in portions: begun by one call, gone on with until it gives the changes. Each call reads at most `most` fingerprints. What is
    // asked between is answered as before the pass.
    [[nodiscard]] Result<> begin(Depth depth, const std::set<pid_t>& also);
    [[nodiscard]] std::optional<std::vector<TableChange>> go_on(std::size_t most);

    // From now on every pass but those over the young reads it. Lost with the process; no effect on one that is not known.
    void watch(pid_t pid, bool on);

    // As last read; for an unwatched process that may be a while ago.
    struct Known {
        ProcessId id;
        pid_t parent = 0, session = 0;
    };
    // Nothing: not known, or dead.
    [[nodiscard]] std::optional<Known> find(pid_t pid) const;
    // Whether the process is known, alive and had another fingerprint when it was last read.
    [[nodiscard]] bool differs(ProcessId process, const Fingerprint& fingerprint) const;
    // Whether the process is known and alive.
    [[nodiscard]] bool lives(ProcessId process) const;
    // All that are alive, kernel threads excepted, by pid.
    [[nodiscard]] std::vector<ProcessId> all() const;
    // Those of them that Depth::young reads.
    [[nodiscard]] std::vector<ProcessId> young() const;

private:
    class Merge;
    struct Record {
        pid_t pid = 0, parent = 0, session = 0;
        std::uint32_t comm = 0;  // hashes: of the comm, and of what only an exec changes
        std::uint32_t image = 0;
        std::uint8_t traits = 0;
        BootTicks start = 0;
    };

    // One that has begun: it merges the pids that exist with the records of the last one.
    struct Pass {
        Depth depth{};
        std::set<pid_t> also;
        std::vector<pid_t> pids;
        std::size_t next_pid = 0, next_record = 0;
        std::vector<Record> records;
        std::vector<TableChange> changes;
    };

    [[nodiscard]] Result<std::vector<pid_t>> list() const;
    [[nodiscard]] const Record* record(pid_t pid) const;
    [[nodiscard]] bool is_young(BootTicks start) const;

    std::shared_ptr<const ProcDir> dir_;
    std::vector<Record> records_;  // by pid
    std::optional<Pass> pass_;
    unsigned turn_ = 0;
    BootTicks youngest_ = 0;  // start time of the youngest process seen so far
};

}  // namespace banken::sys
