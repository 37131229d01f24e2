// SPDX-License-Identifier: Apache-2.0
// The language between core and edge: Events tell what happened, Actions what is to be done about it. The core never calls out, the edge never decides.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/definition.hpp"
#include "common/exit_status.hpp"
#include "common/messages.hpp"
#include "common/order.hpp"
#include "common/pfile.hpp"
#include "common/process.hpp"
#include "common/resource_state.hpp"
#include "common/time.hpp"

namespace banken::core {

using EntryKey = std::uint32_t;     // one entry as long as it lives, across reloads; given by the supervisor from 1, never used again
using RunId = std::uint64_t;        // one run of a script; from 1, never used again
using ResourceKey = std::uint32_t;  // one resource, likewise
using OrderId = std::uint64_t;      // one order; 0: nobody waits for an answer

// A process that passes all filters of an entry, and what the choice among several needs to know.
struct Candidate {
    ProcessId id;
    bool root = true;               // its parent does not match the same entry
    bool named = true;              // by the entry's pidfile, if it has one; one that is not named is never chosen
    bool fork_no_exec = false;      // has not exec'ed since its fork
    bool in_session_scope = false;  // its cgroup is a session-*.scope: a login, not a daemon
    pid_t session = 0;
    uid_t user = 0;
    std::string argv0;

    friend bool operator==(const Candidate&, const Candidate&) = default;
};

// ---- events ----

// What matches an entry now: the answer to a Look, or a sweep's news. Sent after every sweep for an entry that is not AVAIL or counts.
struct Looked {
    EntryKey entry = 0;
    std::uint64_t number = 0;  // of the Look that it answers; 0: a sweep's news
    std::vector<Candidate> matches;
};
// The first sweep is complete: every entry has had its Looked.
struct FirstSweepDone {};
// The followed process has ended and its cause is known, or known to be unknown.
struct Died {
    EntryKey entry = 0;
    ProcessId process;
    Cause cause;
    BootTicks noticed = 0;      // when the edge saw it first: what started later is younger than the death
    bool brought_back = false;  // a service manager will restart it (spec/pcheck.md, the cycle, step 2)
};
// The script's child exists and waits for release: it is recorded first (spec/shared-memory.md).
struct ScriptStarted {
    RunId run = 0;
    ProcessId process;
};
struct ScriptEnded {
    enum class How { exited, refused, not_executed, unknown };  // unknown: nobody tells its status; said of resources' scripts only
    RunId run = 0;
    How how = How::exited;
    int status = 0;      // wait status, with `exited`
    std::string reason;  // with `refused`, `not_executed`: "/path is writable by others"
};
using Verb = OrderVerb;
struct Order {
    OrderId id = 0;
    Verb verb{};                       // but reload, which comes as Reloaded, and reexec, which is the edge's
    std::string target;                // name or pent_id of one entry; empty: all
    std::optional<Duration> duration;  // stop … for 30m
    std::string event{};               // event: "class/event"; then the target is a name
    bool remove = false;               // shutdown remove
    bool deep = false;                 // check TAG deep
    int exit_status = 0;               // shutdown: what pcheck ends with …
    std::string reason{};              // … and why, where it is no order or signal
};
// A pfile that passed every check.
struct Reloaded {
    OrderId order = 0;
    Pfile pfile;
    // Of the resources in it, for `Reload done` alone.
    std::size_t added = 0, removed = 0, changed = 0, same = 0;
};
// A dump in place, or why there is none.
struct DumpDone {
    OrderId order = 0;
    std::string error;  // empty: in place
};
// WATCHDOG=1 came from somebody who may say so for this entry.
struct Heartbeat {
    EntryKey entry = 0;
};
// The answer to a ReadHeartbeat.
struct HeartbeatRead {
    EntryKey entry = 0;
    std::optional<Duration> age;  // of the path's mtime; unset: it cannot be read
};
// The answer to a Measure.
struct Measured {
    EntryKey entry = 0;
    ProcessId process;
    char state = '?';                // of /proc/PID/stat; of its busiest thread where they differ
    Duration cpu{};                  // user and system time it has used since its start
    std::uint64_t rss = 0, fds = 0;  // bytes; open descriptors
};
// What has become of the processes that an adopted entry had.
struct AdoptedEntry {
    EntryKey entry = 0;
    bool main_lives = false;
    bool script_lives = false;  // the process that ScriptRun::process names; its end comes as ScriptEnded of the same run
};
struct AdoptedResource {
    ResourceKey resource = 0;
    std::vector<RunId> live;  // the runs whose processes live; their ends come as ScriptEnded
};
// The first event after an adoption.
struct Adopted {
    std::vector<AdoptedEntry> entries;
    std::vector<AdoptedResource> resources;
};
// The instant asked for by next_deadline() has come.
struct Deadline {};

using Event = std::variant<Looked, FirstSweepDone, Died, ScriptStarted, ScriptEnded, Order, Reloaded, DumpDone, Heartbeat, HeartbeatRead,
                           Measured, Adopted, Deadline>;

// ---- actions, to be performed in their order ----

struct Log {
    Message message;
};
// The entry's record in the segment is to say what `Supervisor::find` says now.
struct Publish {
    EntryKey entry = 0;
};
// The entries, their order or the parameters have changed: publish all.
struct PublishAll {};
struct Follow {
    EntryKey entry = 0;
    ProcessId process;  // replaces the one followed so far; with `beside` it joins those followed
    bool beside = false;
};
// All that it follows.
struct Unfollow {
    EntryKey entry = 0;
};
// Ask the matcher; the answer is a Looked with this number.
struct Look {
    EntryKey entry = 0;
    std::uint64_t number = 0;  // replaces an earlier look of this entry that was not begun
    bool thorough = false;     // every process is read; else new, followed and young ones, which costs a tenth
};
// Read the mtime of the entry's heartbeat path.
struct ReadHeartbeat {
    EntryKey entry = 0;
};
// Read what the limits of the entry are about.
struct Measure {
    EntryKey entry = 0;
    ProcessId process;
};
enum class ScriptKind { restart, stop, check };
struct RunScript {
    RunId run = 0;
    EntryKey entry = 0;
    ScriptKind kind = ScriptKind::restart;
};
// What a cmdline script is told of its run (reference/primecluster.md, 1.5). A Check is told nothing.
struct CmdlineFacts {
    Report last_report = Report::none;
    Report intended = Report::none;   // online, standby, offline
    std::string_view offline_reason;  // with Stop: STOP, FAULT, SHUT; a name with static storage
    bool autorecover = false;

    friend bool operator==(const CmdlineFacts&, const CmdlineFacts&) = default;
};
struct RunResourceScript {
    RunId run = 0;
    ResourceKey resource = 0;
    ResourceScript script{};
    CmdlineFacts facts{};
};
// The resource's record in the segment is to say what `Resources::find` says now, and the dump file soon after.
struct PublishResource {
    ResourceKey resource = 0;
};
// One of the events of class `resource` (spec/events.md), whose line was logged just before.
struct Raise {
    std::string_view event;  // a name with static storage
    Message message;
    bool recovering = false;
};
// The copies of the resource's scripts are to be renewed.
struct CopyScripts {
    ResourceKey resource = 0;
    OrderId order = 0;
};
// The run is over although its process lives: it has become the process that it was to start.
struct ReleaseScript {
    RunId run = 0;
};
struct SignalScript {
    RunId run = 0;
    int signal = 0;  // to its process group
};
struct SignalProcess {
    ProcessId process;
    int signal = 0;
};
// One `Reminder` line. The edge words it, since only it knows the time zone of `since`.
struct Remind {
    enum class What { given_up, on_hold, running_again, paused, without_script, waiting, not_ended };
    EntryKey entry = 0;
    What what{};
    WallTime since{};
};
struct Trace {
    EntryKey entry = 0;  // 0: about none
    pid_t pid = 0;
    std::string_view event;  // a name with static storage
    std::string detail;
};
struct Answer {
    OrderId order = 0;
    int exit_status = 0;  // padmin's
    std::string text;     // for stderr when refused
};
struct WriteDump {
    OrderId order = 0;
};
// Write the dump, remove segment and semaphore, answer `order`, end the process.
struct End {
    int exit_status = 0;
    std::string reason;  // for the dump: "order", "signal", "retry-over exit (crond)"
    OrderId order = 0;
};

// Nothing of the resources is left to be removed: entries too end, as by shutdown.
struct EndAfterRemove {
    int exit_status = 0;
    std::string reason;
    OrderId order = 0;
};

using Action =
    std::variant<Log, Remind, Publish, PublishAll, Follow, Unfollow, Look, ReadHeartbeat, Measure, RunScript, ReleaseScript, SignalScript,
                 SignalProcess, Trace, Answer, WriteDump, End, RunResourceScript, PublishResource, Raise, CopyScripts, EndAfterRemove>;

}  // namespace banken::core
