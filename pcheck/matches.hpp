// SPDX-License-Identifier: Apache-2.0
// Which processes match which entries, as far as it is decided, and what of that is news (spec/pfile.md, Matching).
#pragma once

#include <unistd.h>

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "common/process.hpp"
#include "common/sys/proc_table.hpp"
#include "pcheck/core/types.hpp"
#include "pcheck/process_reader.hpp"
#include "pcheck/sweep.hpp"

namespace banken {

class Matches {
public:
    // The table outlives it; what matches is watched there.
    explicit Matches(sys::ProcTable& table) : table_(table) {}

    // Entries that have no rule any more are forgotten.
    void set_entries(const std::vector<EntryRule>& rules);
    [[nodiscard]] bool has(core::EntryKey entry) const { return entries_.contains(entry); }
    void set_wanted(core::EntryKey entry, bool every_sweep);
    [[nodiscard]] bool wanted(core::EntryKey entry) const;
    [[nodiscard]] bool any_wanted() const;
    void set_scripts(std::vector<Sweep::Script> scripts);
    // What the entry's pidfile says now, if it says anything. True: it said something else before, which is news.
    bool set_named(core::EntryKey entry, std::optional<pid_t> pid);
    // The entries whose pidfile names it.
    [[nodiscard]] std::vector<core::EntryKey> named_by(pid_t pid) const;

    // After every pass: a script may be new to the table.
    void watch_scripts();
    // `keep`: the process has not exec'ed, so that it stays what it matched before. A new title takes nobody's main process away.
    void record(const Reading& reading, bool keep);
    // Of these entries, as last told.
    [[nodiscard]] std::set<pid_t> pids_of(const std::vector<core::Look>& looks) const;
    [[nodiscard]] bool matching(pid_t pid) const { return matches_.contains(pid); }
    // Another parent or session.
    void moved(pid_t pid) { change_all_of(pid); }
    void gone(pid_t pid);

    // The matches that count now: not pcheck itself, nothing below a running script. Their news are told with them.
    [[nodiscard]] std::vector<core::Candidate> take(core::EntryKey entry);
    // Entries that are wanted or have news, by key.
    [[nodiscard]] std::vector<core::EntryKey> news();
    // Real uid, title and cgroup change without notice, mostly soon after the start: what is new is due once, the others in turn.
    [[nodiscard]] std::vector<ProcessId> due_again();

private:
    struct Match {
        ProcessId id;
        std::set<core::EntryKey> entries;
        Facts facts;
        bool excluded = false;  // when last told
        bool read_again = false;
    };
    struct Entry {
        std::set<pid_t> matches;
        bool wanted = false, changed = false;
        bool has_pidfile = false;
        std::optional<pid_t> named{};  // by the pidfile
    };

    void change_all_of(pid_t pid);
    void set_entries_of(Match& match, std::set<core::EntryKey> entries);
    [[nodiscard]] bool excluded(ProcessId process) const;
    [[nodiscard]] const Sweep::Script* script_at(pid_t pid) const;
    [[nodiscard]] core::Candidate candidate(const Match& match, const sys::ProcTable::Known& known, core::EntryKey entry) const;

    sys::ProcTable& table_;
    std::map<pid_t, Match> matches_;
    std::map<core::EntryKey, Entry> entries_;
    std::set<std::pair<pid_t, core::EntryKey>> named_;  // of entries_
    std::vector<Sweep::Script> scripts_;
    const pid_t self_ = ::getpid();
    pid_t turn_ = 0;
};

}  // namespace banken
