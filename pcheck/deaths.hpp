// SPDX-License-Identifier: Apache-2.0
// Who died, and why: follows the entries' processes and waits for the ends of our scripts (spec/pcheck.md, the cycle, step 2).
// The daemon adds fd() to its loop, sets its timer to next_deadline() after every turn, and calls poll_unwatched() at every sweep.
// take(), tick(), poll_unwatched() and release() call the handlers; these may call everything but the first three.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "common/config.hpp"
#include "common/exit_status.hpp"
#include "common/sys/exit_connector.hpp"
#include "common/sys/kmsg.hpp"
#include "common/sys/pid_ref.hpp"
#include "common/sys/pidfd_set.hpp"
#include "pcheck/core/types.hpp"

namespace banken {

class Deaths {
public:
    struct Handlers {
        std::function<void(core::EntryKey, ProcessId, Cause)> on_death;                  // the entry follows this process no more
        std::function<void(core::RunId, std::optional<int> wait_status)> on_script_end;  // unset: nobody tells it
        std::function<void(const std::string& reason)> on_polling;  // once, only to be logged: "pidfd_open: Too many open files"
    };
    // How long a cause is waited for, and how many deaths one call handles.
    static constexpr Duration patience = std::chrono::milliseconds(50);
    static constexpr std::size_t batch = sys::PidfdSet::batch;
    // Descriptors kept free for everything else: a process whose pidfd would be among the last so many is polled.
    static constexpr int reserved_descriptors = 64;

    // `poll` is DETECT poll: no pidfd for entries, only poll_unwatched() finds deaths, causes are not asked for. A source of causes that
    // cannot be opened here stays silent. Forks once, to learn what the kernel tells; SIGCHLD has its default action.
    [[nodiscard]] static Result<Deaths> open(const DetectConfig& detect, bool poll, Handlers handlers);
    // A reload changed DETECT: what is followed goes on being followed in the new way.
    void set_poll(bool poll);

    // Which sources of causes work here, and why the others do not: lines `cause_pidfd = yes`, for `padmin -c show capabilities`.
    [[nodiscard]] std::string capabilities() const;

    // Readable: call take().
    [[nodiscard]] int fd() const { return set_.fd(); }
    // Handles what is ready, at most `batch`. True: there may be more, let others have a turn (EventLoop::yield_once).
    [[nodiscard]] bool take(Instant now);
    // When to call tick(); a past instant where a death is to be told at once.
    [[nodiscard]] std::optional<Instant> next_deadline();
    // Tells deaths whose cause stayed unknown, or that were there before they were followed, at most `batch`.
    void tick(Instant now);
    // Looks by /proc at the processes that have no pidfd, and tells their deaths.
    void poll_unwatched();

    // Replaces what the entry followed so far; `beside` it joins that, unless it is followed already. The death of a process that is gone
    // already is told by a later tick() or take(). Several entries may follow one process.
    void follow(core::EntryKey entry, ProcessId process, bool beside = false);
    void unfollow(core::EntryKey entry);  // all that it follows

    // A child of ours, leader of its own session. Its end is told once; then it stays a zombie until release(), so that what it left in
    // its process group can be ended safely (sys::PidRef::signal_group). One that the kernel does not watch for us is polled.
    void watch_script(core::RunId run, sys::PidRef child);
    // By the pidfd that is there already; false: it is not followed by one, or must not be signalled.
    [[nodiscard]] bool signal_followed(ProcessId process, int signal) const;
    // To the script's process group, also after its end, until release().
    [[nodiscard]] Result<> signal_script(core::RunId run, int signal);
    // The daemon is done with this run: its end is told no more, and the child is reaped, now or when it ends (a script that exec'ed into
    // the daemon itself). Entries that follow this process are told before the reap takes its exit code out of /proc.
    void release(core::RunId run);

private:
    using Token = std::uint64_t;  // of one follow or script, never used twice: a handler may have ended what its batch still names
    using Place = std::pair<core::EntryKey, ProcessId>;

    struct Followed {
        Token token = 0;
        core::EntryKey entry = 0;
        ProcessId process;
        std::optional<sys::PidRef> ref = std::nullopt;  // none: polled, or gone before it could be followed
        std::optional<bool> shown = std::nullopt;       // as PidRef::shown()
        std::optional<Cause> last_word = std::nullopt;  // dead, and what is told at its deadline if nothing better is learned
    };
    struct Script {
        sys::PidRef child;
        bool polled = false;
        bool ended = false;
        bool released = false;
    };
    struct Learned {
        std::optional<Cause> cause;
        Cause otherwise;
        bool more_after_reap = false;
    };

    Deaths(const DetectConfig& detect, bool poll, Handlers handlers, sys::PidfdSet set);
    void open_sources();
    void watch(Followed& followed);
    void drop(Token token);
    [[nodiscard]] Followed* find(Token token);
    void poll_followed(Token token);
    void fall_back(const Error& why);
    void died(Followed& followed, Instant now);
    [[nodiscard]] Learned learn_cause(const Followed& followed);
    [[nodiscard]] Cause with_proof(int status, pid_t pid);
    void tell(Token token, Cause cause);
    void script_ended(core::RunId run);
    void reap(core::RunId run);
    [[nodiscard]] static std::optional<int> status_of_stranger(const sys::PidRef& script);

    DetectConfig detect_;
    bool poll_;
    Handlers handlers_;
    sys::PidfdSet set_;
    std::optional<sys::ExitConnector> connector_;
    std::optional<sys::Kmsg> kmsg_;
    std::string pidfd_found_, connector_found_, oom_found_;  // as capabilities() tells them; empty: not looked at
    std::unordered_map<Token, Followed> followed_;
    std::map<Place, Token> places_;  // of followed_: what one entry follows lies side by side
    std::unordered_map<core::RunId, Script> scripts_;
    std::deque<std::pair<Instant, Token>> waiting_;  // in the order of time: patience is the same for all
    Token follows_ = 0;
    bool polling_told_ = false;
};

}  // namespace banken
