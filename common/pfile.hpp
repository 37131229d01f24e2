// SPDX-License-Identifier: Apache-2.0
// A pfile: its text, its values, and every mistake in it with its place (spec/pfile.md). Pure: text in, values out.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/command.hpp"
#include "common/definition.hpp"
#include "common/diagnostic.hpp"
#include "common/messages.hpp"
#include "common/result.hpp"
#include "common/schema.hpp"
#include "common/time.hpp"

namespace banken {

struct ParamRecord;

enum class ScriptOutput { inherit, null, file };

struct Param {
    std::uint32_t ipc_key = 0;
    Duration msg_check_interval = std::chrono::seconds(5);
    Duration monitor_interval = std::chrono::seconds(10);
    unsigned monitor_try_count = 2;
    std::string shm_dump_file;
    bool detect_event = true;  // DETECT event; false: poll, then confirm_wait is 0
    Duration confirm_wait = std::chrono::seconds(2);
    Duration script_timeout{};  // 0: none
    Duration script_kill_wait = std::chrono::seconds(5);
    unsigned script_parallel = 16;
    ScriptOutput script_output = ScriptOutput::inherit;
    std::string script_output_file;  // with ScriptOutput::file
    bool script_env_clean = false;
    bool script_check_strict = true;
    Duration remind_interval = std::chrono::seconds(3600);  // 0: off
    std::string state_group;                                // empty: none
    std::string events_dir, defaults_file;                  // empty: not given
    std::uint32_t history_size = 1024;

    friend bool operator==(const Param&, const Param&) = default;
};

// A filter on a value that must not be exceeded for so long.
struct Limit {
    std::uint64_t value = 0;  // cpu: permille of one core; rss: bytes; fds: descriptors
    Duration lasting{};

    friend bool operator==(const Limit&, const Limit&) = default;
};

// How a stalled or over-limit process is stopped: a script, else a signal that SIGCONT follows.
struct StopRule {
    Command script;  // none(): the signal
    int signal = 15;
    Duration limit = std::chrono::seconds(60);  // then it is killed; 0: never

    friend bool operator==(const StopRule&, const StopRule&) = default;
};

// What run_as means on this host; resolved when the file is loaded.
struct RunAs {
    std::uint32_t uid = 0, gid = 0;
    std::vector<std::uint32_t> groups;
    std::string home;

    friend bool operator==(const RunAs&, const RunAs&) = default;
};

// One PENT line.
struct Pent {
    std::string name;
    Command script;
    Duration grace{};
    std::optional<unsigned> retries;  // unset: unlimited
    RetryOverAction action = RetryOverAction::continue_;
    std::size_t line = 0;  // in the pfile, for messages
    std::string text;      // the line as written, without blanks around it: kept in the segment

    // Which process. Texts as written; empty: no such filter.
    bool label = false;  // match=label: the name matches nothing
    std::string args;    // an RE2 pattern that compiles
    std::string exe;
    std::string user;                  // name or uid …
    std::optional<std::uint32_t> uid;  // … and what the loader made of it
    std::string cgroup;
    bool any_pid_namespace = false;
    std::string pidfile;
    std::optional<unsigned> min, max;  // count mode when either is set; then min is

    // Together and in order.
    std::string group;
    std::vector<std::string> after;

    // Pacing. The defaults come from Param when the file is loaded.
    Duration confirm{};
    bool confirm_always = false;    // after a crash too
    Duration delay{}, delay_max{};  // delay_max 0: no doubling
    Duration stable{};              // 0: off
    Duration script_timeout{};      // 0: none
    Duration start_timeout{};
    std::vector<int> success_exit{0};
    std::string run_as;
    std::optional<RunAs> runner;  // what the loader made of run_as

    // Alive.
    Command check;  // none(): no health check
    Duration check_interval = std::chrono::seconds(30), check_timeout = std::chrono::seconds(10);
    unsigned check_failures = 3;
    Duration heartbeat{};             // 0: off
    std::string heartbeat_path;       // empty: WATCHDOG=1
    Duration hung{};                  // 0: off
    std::vector<std::string> events;  // "class/event": one that is told for this name means stalled

    // Within limits.
    std::optional<Limit> cpu, rss, fds;
    bool limit_restarts = false;  // on_limit
    StopRule stop;
    bool monitor = true;  // false: starts paused

    [[nodiscard]] bool counts() const { return min.has_value(); }
    // It sends WATCHDOG=1 to the socket.
    [[nodiscard]] bool sends_heartbeats() const { return heartbeat > Duration{} && heartbeat_path.empty(); }
    // Whether anything is to be measured while it runs.
    [[nodiscard]] bool is_measured() const { return hung > Duration{} || cpu || rss || fds; }
    // Two entries are the same when name, match and the filters are equal (spec/padmin.md, reload). Equal identities have equal text.
    [[nodiscard]] std::string identity() const;
    friend bool operator==(const Pent&, const Pent&) = default;
};

struct Pfile {
    Param param;
    std::vector<Pent> pents;
    std::vector<Definition> resources{};  // of parse_pfile only what their lines say; the loader reads the files
};

// Which options a line gives, and where their values stand.
struct GivenOptions {
    std::array<std::uint16_t, pent_options> columns{};  // from 1; 0: not given
    bool good = true;                                   // no mistake in any of them

    [[nodiscard]] std::size_t column(PentOption option) const { return columns[static_cast<std::size_t>(option)]; }
    [[nodiscard]] bool has(PentOption option) const { return column(option) != 0; }
};

// Where the fields of a RESOURCE line stand.
struct ResourceColumns {
    std::size_t tag = 0, file = 0;
};

struct ParsedPfile {
    Pfile pfile;                                      // meaningful only without errors
    std::vector<GivenOptions> given;                  // for each of its entries
    std::vector<Diagnostic> diagnostics;              // all of them, in the order of the file, missing keys last
    std::vector<ResourceColumns> resource_columns{};  // for each of its resources

    [[nodiscard]] bool good() const;  // no error; warnings keep it good
};

inline constexpr std::size_t pfile_max_bytes = 16u << 20, pfile_max_line = 4096, pfile_max_pents = 16384, pfile_max_resources = 1024;

// Warnings, for `pcheck -t` alone, are what the text itself shows: what has no effect, and what is hardly meant. Linear in time; beyond
// Diagnostics::max_kept errors the rest is counted in the last one. What only the host can tell (uid, runner) is not resolved.
[[nodiscard]] ParsedPfile parse_pfile(std::string_view text);

// One PENT line by itself, with the defaults of the pfile that it stood in: for whoever reads EntryRecord::line and ParamRecord from a
// segment. `line` of the entry is 0; the `uid` of a user that is given by name, and the `runner`, are not resolved; names in `after` are
// taken as they are. Error: the first mistake.
[[nodiscard]] Result<Pent> parse_pent(std::string_view line, const ParamRecord& defaults);

// Only IPCKEY, for padmin: a file that is wrong elsewhere still names its pcheck. Error: `line 3: IPCKEY: "x" is not a number, …`.
[[nodiscard]] Result<std::uint32_t> ipc_key_of(std::string_view text);

}  // namespace banken
