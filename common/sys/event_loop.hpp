// SPDX-License-Identifier: Apache-2.0
// The one event loop of a program, and the only user of sd-event. A turn dispatches one source: the pending one of the highest priority.
// Callbacks run in the loop's thread, must not block and cannot fail: sd-event silently disables a source whose handler returns < 0, so
// ours always return 0. An exception must not leave a callback; std::bad_alloc ends the process (end_out_of_memory), any other terminates.
#pragma once

#include <sys/signalfd.h>
#include <systemd/sd-event.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "common/result.hpp"
#include "common/time.hpp"

namespace banken::sys {

// The table of design.md, "Event order": a heartbeat that has arrived is never missed because its deadline was looked at first.
enum class SourcePriority : std::int64_t {
    heartbeats = -20,
    deaths = -10,  // and the ends of scripts
    orders = 0,    // the message box and signals
    deadlines = 10,
    last = 20,  // when nothing else is pending: posted work, and a source that yields once
};

struct SourceOff {
    void operator()(sd_event_source* source) const { sd_event_source_disable_unref(source); }
};
// Owns one source: no callback after its death. May die inside its own callback; dies before its loop.
using EventSource = std::unique_ptr<sd_event_source, SourceOff>;

class EventLoop {
public:
    using IoCallback = std::function<void(std::uint32_t events)>;
    using SignalCallback = std::function<void(const signalfd_siginfo& info)>;
    using Callback = std::function<void()>;

    [[nodiscard]] static Result<EventLoop> open();
    EventLoop(EventLoop&&) noexcept;
    EventLoop& operator=(EventLoop&&) noexcept;
    ~EventLoop();

    // `events` are epoll's, level-triggered. The descriptor stays the caller's and outlives the source.
    [[nodiscard]] Result<EventSource> add_io(int fd, std::uint32_t events, SourcePriority priority, IoCallback callback);
    // The signal must be blocked already, in every thread.
    [[nodiscard]] Result<EventSource> add_signal(int signal, SourcePriority priority, SignalCallback callback);
    // What the one timer calls at the instant last set; until then it is off.
    void on_deadline(Callback callback);
    // Absolute, good to 1 µs and never early; an instant in the past is due at once. Nothing: off. Each call sets it once.
    void set_deadline(std::optional<Instant> deadline);
    // To be called when nothing else is pending. Work posted by posted work comes in a later turn.
    void post(Callback callback);

    static void set_io_events(sd_event_source& source, std::uint32_t events);
    // Inside a storm: `source` has the lowest priority until one source, itself or another, has been dispatched after this turn.
    static void yield_once(sd_event_source& source);

    // The clocks as they were read once at the beginning of this turn; before the first turn, as they are now.
    [[nodiscard]] Now now() const;

    // Turns until exit() is called, whose code it returns.
    [[nodiscard]] Result<int> run();
    // At most one turn; false: nothing was pending within `timeout`, or the loop has been ended. No timeout waits for ever.
    [[nodiscard]] Result<bool> turn(std::optional<Duration> timeout);
    // Ends run() after the current callback. `code` is 0..255.
    void exit(int code);

private:
    struct State;
    explicit EventLoop(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// One line on stderr out of static memory, if that takes it without blocking, then exit status 70: the next start adopts what we leave.
[[noreturn]] void end_out_of_memory() noexcept;

}  // namespace banken::sys
