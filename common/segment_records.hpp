// SPDX-License-Identifier: Apache-2.0
// The records of the shared segment as values, and where each value lies in a record (spec/shared-memory.md). The format is public: fields are
// never moved, new ones only follow the last of their kind, so any padmin reads any segment of its major version.
//
// A record is words of 64 bits, little-endian. Word 0: length of the fixed part (low half) and of the whole record (high half), in words. The fields
// of the fixed part lie at the words given below. The texts follow it in their order, each a word with its length and its bytes, filled up to a word.
// What an older writer did not know is missing and reads as its default. A text that is too long is cut by the writer and refused by the reader.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "common/entry_state.hpp"
#include "common/exit_status.hpp"
#include "common/messages.hpp"
#include "common/process.hpp"
#include "common/retry_window.hpp"
#include "common/time.hpp"

namespace banken {

// A value of the fixed part. Widths in words: an optional is a word (0: unset, 1: set) and its value, a ProcessId pid and start time,
// a RetryWindow first, first_wall, count; all else is one word. Times are nanoseconds from 0 to 2^62 − 1.
template <class Record, class Value>
struct Field {
    std::size_t word;
    Value Record::*member;
};
template <class Record, class Value>
Field(int, Value Record::*) -> Field<Record, Value>;  // clang 14 deduces no aggregates
// A text (or a list of processes, 16 bytes each) and the most bytes it may have.
template <class Record, class Value>
struct Text {
    Value Record::*member;
    std::size_t most;
};
template <class Record, class Value>
Text(Value Record::*, std::size_t) -> Text<Record, Value>;
// The fields and texts of a record.
template <class Record>
struct Form;

enum class Life : std::uint8_t { starting, running, ended };
inline constexpr std::size_t lives = static_cast<std::size_t>(Life::ended) + 1;

// An order that is being carried out and shown as MESSAGE_BOX.
enum class Busy : std::uint8_t { no, reload, shutdown };
inline constexpr std::size_t busies = static_cast<std::size_t>(Busy::shutdown) + 1;

// Which file the running configuration came from, whatever its path is called now.
struct FileStamp {
    std::uint64_t device = 0, inode = 0;
    WallTime modified{};

    [[nodiscard]] bool same_file(const FileStamp& other) const { return device == other.device && inode == other.inode; }
    friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// The process that owns the segment, as it sees itself. For people and signals: ownership itself is the semaphore.
struct OwnerRecord {
    ProcessId id;
    std::array<std::uint64_t, 2> boot_id{};  // /proc/sys/kernel/random/boot_id, first digits in the upper bits of [0]
    std::uint64_t pid_namespace = 0;         // inode of /proc/self/ns/pid
    std::uint64_t time_namespace = 0;        // the same of ns/time; 0: the kernel has none
    std::uint64_t exe_device = 0, exe_inode = 0;

    friend bool operator==(const OwnerRecord&, const OwnerRecord&) = default;
};

// Why pcheck will end when its resources are out.
enum class ResourceEnd : std::uint8_t { no, order, exit, shutdown };
inline constexpr std::size_t resource_ends = static_cast<std::size_t>(ResourceEnd::shutdown) + 1;

struct HeaderRecord {
    OwnerRecord owner;
    Life life = Life::starting;
    Busy busy = Busy::no;
    std::uint32_t entries = 0, resources = 0;  // used records of the tables
    FileStamp file;                            // of the pfile as it was loaded
    std::uint32_t leaving = 0;                 // records behind the entries: removed ones whose script still runs. Since 1.3
    ResourceEnd ending = ResourceEnd::no;      // resources are being removed, then pcheck ends
    std::uint32_t ended_by = 0;                // the key of the resource whose failure asked for it
    std::uint32_t kept_by = 0;                 // of the one whose remove has failed with remove_failure=stay: then pcheck does not end
    std::string pfile;                         // its resolved path
    std::string reason;                        // why it ended
    std::string version;                       // of the program
    std::string capabilities;                  // lines `name = value`: what pcheck has found that this host can do

    friend bool operator==(const HeaderRecord&, const HeaderRecord&) = default;
};

// The main loop's last turn. Also ties monotonic to wall time for those who read a dump.
struct HeartbeatRecord {
    Instant instant{};
    WallTime wall{};

    friend bool operator==(const HeartbeatRecord&, const HeartbeatRecord&) = default;
};

// What `show param` prints beside counts and the pfile's path.
struct ParamRecord {
    Duration msg_check_interval{}, monitor_interval{};
    std::uint32_t monitor_try_count = 0;
    // What entries that do not say it themselves are given, and what `explain` needs.
    Duration confirm_wait{}, script_timeout{}, script_kill_wait{}, remind_interval{};
    std::uint32_t script_parallel = 0;
    bool detect_event = true, script_check_strict = true;
    std::string shm_dump_file;
    std::string script_output_file;  // empty: the output of scripts goes to no file

    friend bool operator==(const ParamRecord&, const ParamRecord&) = default;
};

// The script or stop script of an entry that runs, or is about to: recorded before it starts, its process when that exists.
struct ScriptRecord {
    enum class Kind : std::uint8_t { none, restart, stop };
    Kind kind = Kind::none;
    ProcessId process;                // pid 0: not started yet
    pid_t group = 0;                  // its process group
    std::optional<Instant> deadline;  // unset: no time limit
    std::uint32_t attempt = 0;        // of the window

    friend bool operator==(const ScriptRecord&, const ScriptRecord&) = default;
};
inline constexpr std::size_t script_kinds = static_cast<std::size_t>(ScriptRecord::Kind::stop) + 1;

// How far the ending of a script that is over its limit (RESTART), or of a process that is to go (STALL), has come.
enum class EndingPhase : std::uint8_t { none, asked, killed };  // none: of a script, its limit is not reached
inline constexpr std::size_t endings = static_cast<std::size_t>(EndingPhase::killed) + 1;

struct EntryRecord {
    static constexpr std::size_t most_orphans = 64;
    static constexpr std::uint32_t check_told = 1, heartbeat_told = 2, hung_told = 4;  // stall_told

    std::uint32_t pent_id = 0;  // 1..n, order of the file
    std::uint32_t key = 0;      // the core's, by which trace records name it
    EntryState state = EntryState::unknown;
    EntryWait wait = EntryWait::none;
    EntryReason reason = EntryReason::none;
    RetryOverAction action = RetryOverAction::continue_;
    ProcessId main;                                         // pid 0: none
    pid_t shown_pid = 0;                                    // last known; 0: none was seen yet
    pid_t logged_pid = 0;                                   // of the last `Up`; 0: none yet, or `Down` was logged since
    ProcessId seen;                                         // runs while the entry is given up; pid 0: none
    std::optional<std::uint32_t> last_uid;                  // real uid of the last main process
    std::optional<BootTicks> death;                         // when the last main process was noticed dead
    RetryWindow window;                                     // first_wall = rerun_time, count = restart_count
    std::uint32_t attempts = 0;                             // retry_count
    std::uint64_t total = 0;                                // restarts since ever
    std::uint64_t losses = 0, retry_overs = 0, stalls = 0;  // since ever
    std::optional<Instant> begun;                           // when the last script began
    ScriptRecord script;
    bool paused = false;
    std::optional<Instant> paused_until;
    std::optional<Instant> timer;
    Instant since{};  // of the state
    WallTime since_wall{};
    std::optional<Instant> window_ends, next_attempt;
    std::optional<std::uint32_t> proc_count;    // what follows is not shown while unset
    std::optional<std::uint64_t> cpu_permille;  // 1000 = one core
    std::optional<std::uint64_t> rss_bytes;
    std::optional<std::uint64_t> fds;
    ScriptRecord check;                // the health check that runs
    std::uint32_t bad_checks = 0;      // in a row
    std::optional<Instant> last_beat;  // heartbeat
    // Of the entry's group; the same in all its members.
    RetryWindow group_window;
    std::optional<Instant> group_begun, group_timer;
    EntryWait group_wait = EntryWait::none;
    std::uint32_t group_turn = 0;  // pent_id of the member whose turn it is; 0: nobody's
    EndingPhase ending = EndingPhase::none;
    std::optional<Instant> remind_at;           // the next reminder
    std::optional<Instant> next_check;          // when the next health check begins
    WallTime paused_since{};                    // while it is paused
    std::optional<Instant> stable_at, beat_at;  // while AVAIL: when the window is cleared early; when a heartbeat must have come
    WallTime last_failure_at{};                 // of last_failure
    std::optional<Cause> cause;                 // last_cause as a value
    bool stop_only = false;                     // STALL: paused meanwhile, no script after the stop
    std::optional<Instant> hung_at;             // while it stands still: from when on it counts as hung
    std::optional<Instant> excess_at;           // while it is over a limit: when that has lasted, and was not told
    bool looked_for = false;                    // RETRY_OVER, HOLD: cleared, and the answer of the look is awaited
    std::optional<Instant> lost_at;             // when it was last lost or stopped; kept when it comes up
    pid_t lost_pid = 0;                         // whose end or stop that was; 0: none was there
    std::uint32_t stall_told = 0;               // of one that only reports: which stalls were told, and are not good yet
    EntryReason lost_by = EntryReason::none;    // of lost_at

    std::string name;
    std::string line;  // the PENT line as written: name, match and filters are read from it
    std::string last_cause;
    std::string waits_for;  // the dependency's name, with EntryWait::dependency
    std::string group;
    std::string health;
    std::string last_argv0;          // of the last main process
    std::vector<ProcessId> orphans;  // at most most_orphans
    std::string last_failure;        // of an attempt since the last Up: "status=3", "/path is writable by others"; empty: none has failed
    std::string trouble;   // why it was stopped, given up, or told as stalled or over a limit, since the last Up: "no heartbeat for 30s"
    std::string lost_why;  // of lost_at: the cause of its end, or why it was stopped

    friend bool operator==(const EntryRecord&, const EntryRecord&) = default;
};

struct TraceRecord {
    std::uint64_t number = 0;  // from 0, since the segment was made; set by the writer
    Instant instant{};
    WallTime wall{};
    std::uint32_t key = 0;  // EntryRecord::key, or ResourceRecord::key with resource_trace_bit; 0: about neither
    pid_t pid = 0;
    std::string event, detail;

    friend bool operator==(const TraceRecord&, const TraceRecord&) = default;
};

// ---- where they lie ----

template <>
struct Form<OwnerRecord> {
    using R = OwnerRecord;
    static constexpr auto fields =
        std::tuple{Field{0, &R::id},         Field{2, &R::boot_id},  Field{4, &R::pid_namespace}, Field{5, &R::time_namespace},
                   Field{6, &R::exe_device}, Field{7, &R::exe_inode}};
};

template <>
struct Form<ScriptRecord> {
    using R = ScriptRecord;
    static constexpr auto fields =
        std::tuple{Field{0, &R::kind}, Field{1, &R::process}, Field{3, &R::group}, Field{4, &R::deadline}, Field{6, &R::attempt}};
};

template <>
struct Form<FileStamp> {
    using R = FileStamp;
    static constexpr auto fields = std::tuple{Field{0, &R::device}, Field{1, &R::inode}, Field{2, &R::modified}};
};

template <>
struct Form<HeaderRecord> {
    using R = HeaderRecord;
    static constexpr auto fields =
        std::tuple{Field{1, &R::owner}, Field{9, &R::life},     Field{10, &R::busy},   Field{11, &R::entries},  Field{12, &R::resources},
                   Field{13, &R::file}, Field{16, &R::leaving}, Field{17, &R::ending}, Field{18, &R::ended_by}, Field{19, &R::kept_by}};
    static constexpr auto texts =
        std::tuple{Text{&R::pfile, 4096}, Text{&R::reason, 255}, Text{&R::version, 31}, Text{&R::capabilities, 511}};
};

template <>
struct Form<HeartbeatRecord> {
    using R = HeartbeatRecord;
    static constexpr auto fields = std::tuple{Field{1, &R::instant}, Field{2, &R::wall}};
    static constexpr auto texts = std::tuple{};
};

template <>
struct Form<ParamRecord> {
    using R = ParamRecord;
    static constexpr auto fields = std::tuple{
        Field{1, &R::msg_check_interval}, Field{2, &R::monitor_interval},    Field{3, &R::monitor_try_count}, Field{4, &R::confirm_wait},
        Field{5, &R::script_timeout},     Field{6, &R::script_kill_wait},    Field{7, &R::remind_interval},   Field{8, &R::script_parallel},
        Field{9, &R::detect_event},       Field{10, &R::script_check_strict}};
    static constexpr auto texts = std::tuple{Text{&R::shm_dump_file, 4096}, Text{&R::script_output_file, 4096}};
};

template <>
struct Form<EntryRecord> {
    using R = EntryRecord;
    static constexpr auto fields = std::tuple{Field{1, &R::pent_id},       Field{2, &R::key},
                                              Field{3, &R::state},         Field{4, &R::wait},
                                              Field{5, &R::reason},        Field{6, &R::action},
                                              Field{7, &R::main},          Field{9, &R::shown_pid},
                                              Field{10, &R::logged_pid},   Field{11, &R::seen},
                                              Field{13, &R::last_uid},     Field{15, &R::death},
                                              Field{17, &R::window},       Field{21, &R::attempts},
                                              Field{22, &R::total},        Field{23, &R::losses},
                                              Field{24, &R::retry_overs},  Field{25, &R::stalls},
                                              Field{26, &R::begun},        Field{28, &R::script},
                                              Field{35, &R::paused},       Field{36, &R::paused_until},
                                              Field{38, &R::timer},        Field{40, &R::since},
                                              Field{41, &R::since_wall},   Field{42, &R::window_ends},
                                              Field{44, &R::next_attempt}, Field{46, &R::proc_count},
                                              Field{48, &R::cpu_permille}, Field{50, &R::rss_bytes},
                                              Field{52, &R::fds},          Field{54, &R::check},
                                              Field{61, &R::bad_checks},   Field{62, &R::last_beat},
                                              Field{64, &R::group_window}, Field{68, &R::group_begun},
                                              Field{70, &R::group_timer},  Field{72, &R::group_wait},
                                              Field{73, &R::group_turn},   Field{74, &R::ending},
                                              Field{75, &R::remind_at},    Field{77, &R::next_check},
                                              Field{79, &R::paused_since}, Field{80, &R::stable_at},
                                              Field{82, &R::beat_at},      Field{84, &R::last_failure_at},
                                              Field{85, &R::cause},        Field{88, &R::stop_only},
                                              Field{89, &R::hung_at},      Field{91, &R::excess_at},
                                              Field{93, &R::looked_for},   Field{94, &R::lost_at},
                                              Field{96, &R::lost_pid},     Field{97, &R::stall_told},
                                              Field{98, &R::lost_by}};
    static constexpr auto texts =
        std::tuple{Text{&R::name, 255},         Text{&R::line, 4096},  Text{&R::last_cause, 127},  Text{&R::waits_for, 255},
                   Text{&R::group, 31},         Text{&R::health, 63},  Text{&R::last_argv0, 1023}, Text{&R::orphans, R::most_orphans * 16},
                   Text{&R::last_failure, 255}, Text{&R::trouble, 95}, Text{&R::lost_why, 63}};
};

template <>
struct Form<TraceRecord> {
    using R = TraceRecord;
    static constexpr auto fields =
        std::tuple{Field{1, &R::number}, Field{2, &R::instant}, Field{3, &R::wall}, Field{4, &R::key}, Field{5, &R::pid}};
    static constexpr auto texts = std::tuple{Text{&R::event, 47}, Text{&R::detail, 383}};
};

}  // namespace banken
