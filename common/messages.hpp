// SPDX-License-Identifier: Apache-2.0
// Every line an operator may grep for: one function a line (spec/messages.md). The first block is compatible with ProcessSaver to the byte.
// Names and texts from processes are escaped here (control characters, invalid UTF-8), nowhere else.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/exit_status.hpp"
#include "common/time.hpp"

namespace banken {

// Syslog priorities by their numbers.
enum class Priority { err = 3, warning = 4, notice = 5, info = 6, debug = 7 };

// "err", "warning", …
[[nodiscard]] std::string_view word_of(Priority priority);

// Which line it is: names the journal's MESSAGE_ID and BANKEN_EVENT, and decides what may be held back or dropped.
enum class MessageId {
    up,
    down,
    cause,
    set_pid_fail,
    try_to_restart,
    retry_over,
    shutdown,
    command_execute,
    start,
    adopted,
    script_failed,
    script_refused,
    script_running,
    stalled,
    over_limit,
    too_many,
    ambiguous,
    cannot_end,
    waiting,
    hold_ended,
    reminder,
    reload_failed,
    reload_done,
    monitoring,
    would_restart,
    left_running,
    dump_not_written,
    log_lost,
    events_lost,
    suppressed,
    polling,
    segment_removed,
    resource_state,
    check_failed,
    action_failed,
    action_running,
    application_left,
    script_line,
    warning,
};
inline constexpr std::size_t message_ids = static_cast<std::size_t>(MessageId::warning) + 1;

// One line, ready for a sink. `entry`, `pent_id` and `pid` become journal fields; empty or 0 where a line is about no entry or process.
struct Message {
    MessageId id{};
    Priority priority = Priority::notice;
    std::string text;
    std::string entry;  // escaped
    unsigned pent_id = 0;
    pid_t pid = 0;
};

// Down, Up and RETRY_OVER are never suppressed, and dropped from a full queue last.
[[nodiscard]] bool must_arrive(MessageId id);
// "up", "script_failed": BANKEN_EVENT, and the name in conf/banken.catalog.
[[nodiscard]] std::string_view name_of(MessageId id);
// 128 bits as 32 hex digits, never changed once released.
[[nodiscard]] std::string_view journal_id_of(MessageId id);

// The entry a line is about, or a resource by its tag.
struct EntryRef {
    std::string_view name;
    unsigned pent_id = 0;
};

enum class RetryOverAction { continue_, exit, shutdown, hold };
// "continue", as in the pfile and in `show pent`.
[[nodiscard]] std::string_view text_of(RetryOverAction action);

namespace messages {

using std::chrono::seconds;

// The original's lines.
Message up(EntryRef entry, pid_t pid);
Message down(EntryRef entry, pid_t pid);
Message cause(EntryRef entry, pid_t pid, const Cause& cause);
Message set_pid_fail(EntryRef entry);
Message try_to_restart(EntryRef entry);
Message retry_over(EntryRef entry, RetryOverAction action);
Message shutdown();
Message command_execute(std::string_view order, std::string_view pfile, std::string_view entry);  // padmin's; entry may be empty

// Ours.
Message start(std::string_view pfile, std::uint32_t key);
Message adopted(pid_t old_pid, std::size_t entries);
// `outcome`: "status=3", "signal=9", "timeout=300s", "cannot execute: …"; `script`: "Restart script", "Stop script".
Message script_failed(EntryRef entry, std::string_view outcome, std::string_view script = "Restart script");
// `reason`: "/path is writable by others"; `script`: "Restart script", "Stop script", "Health check", "Script".
Message script_refused(EntryRef entry, std::string_view reason, std::string_view script = "Restart script");
Message script_running(EntryRef entry, pid_t script, seconds since);
Message stalled(EntryRef entry, pid_t pid, std::string_view reason);
Message over_limit(EntryRef entry, pid_t pid, std::string_view reason);
Message too_many(EntryRef entry, std::size_t count, std::size_t max);
Message ambiguous(EntryRef entry, std::size_t count, pid_t chosen);
Message cannot_end(EntryRef entry, pid_t pid);
Message waiting(EntryRef entry, std::string_view reason);  // "delay 8s", "dependency db is RETRY_OVER"
Message hold_ended(EntryRef entry);
Message reminder(EntryRef entry, std::string_view text);  // "given up since …"
Message reload_failed(std::string_view first_error, std::size_t more);
Message reload_done(std::size_t added, std::size_t removed, std::size_t changed, std::size_t same);
Message monitoring(bool started, EntryRef entry);  // an empty name: all
Message would_restart(EntryRef entry);
Message left_running(EntryRef entry, pid_t script);
Message dump_not_written(std::string_view reason);
Message log_lost(std::size_t lines);
Message events_lost(std::size_t events);
Message suppressed(EntryRef entry, std::size_t lines);
Message polling(std::string_view reason);
Message segment_removed();
Message resource_state(EntryRef resource, std::string_view state, std::string_view reason,
                       bool failed);  // failed: OSF, Faulted, OfflineFault
Message check_failed(EntryRef resource, std::string_view check, std::string_view outcome);
Message action_failed(EntryRef resource, std::string_view script, std::string_view outcome);
Message action_running(EntryRef resource, pid_t pid, std::string_view script, seconds since);
Message application_left(EntryRef resource);
Message script_line(EntryRef resource, Priority priority, std::string_view text);  // lk_err's: "INFO:gen:quickCheck:web:000007:…"
Message warning(std::string_view text);                                            // lint at start and what has no line of its own

}  // namespace messages
}  // namespace banken
