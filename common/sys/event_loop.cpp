// SPDX-License-Identifier: Apache-2.0
#include "common/sys/event_loop.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <new>
#include <string_view>
#include <utility>

#include "common/exit_code.hpp"

namespace banken::sys {
namespace {

using Microseconds = std::chrono::duration<std::uint64_t, std::micro>;

struct LoopUnref {
    void operator()(sd_event* loop) const { sd_event_unref(loop); }
};
struct SourceUnref {
    void operator()(sd_event_source* source) const { sd_event_source_unref(source); }
};
using Loop = std::unique_ptr<sd_event, LoopUnref>;
using SourceRef = std::unique_ptr<sd_event_source, SourceUnref>;  // keeps the memory, not the callbacks

// Rounded up: a timer must not be early.
std::uint64_t to_microseconds(Duration duration) {
    return duration <= Duration::zero() ? 0 : static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::microseconds>(duration).count());
}

Result<> check(int code, std::string_view call) {
    if (code < 0) return fail_errno(call, -code);
    return {};
}

}  // namespace

struct EventLoop::State {
    // What an sd_event_source carries as its userdata. It belongs to the source and dies with it, which is after the callback even
    // when the callback drops its own source.
    struct Slot {
        State* state = nullptr;
        SourcePriority priority{};
    };
    template <class Function>
    struct CallbackSlot : Slot {
        Function callback;
    };

    Loop loop;
    EventSource timer;
    Callback on_deadline;
    EventSource post_source;
    std::vector<Callback> posted;
    SourceRef yielding;

    template <class Function>
    EventSource adopt(sd_event_source* raw, SourcePriority priority, Function callback) {
        EventSource source(raw);
        auto slot = std::make_unique<CallbackSlot<Function>>();
        slot->state = this;
        slot->priority = priority;
        slot->callback = std::move(callback);
        sd_event_source_set_userdata(raw, static_cast<Slot*>(slot.release()));
        sd_event_source_set_destroy_callback(raw, [](void* userdata) { delete as_slot<Function>(userdata); });
        sd_event_source_set_priority(raw, static_cast<std::int64_t>(priority));
        return source;
    }

    template <class Function>
    static CallbackSlot<Function>* as_slot(void* userdata) {
        return static_cast<CallbackSlot<Function>*>(static_cast<Slot*>(userdata));
    }

    template <class Function, class... Args>
    static int dispatch(void* userdata, const Args&... args) noexcept {
        auto* slot = as_slot<Function>(userdata);
        State& state = *slot->state;
        try {
            const SourceRef yielded = std::move(state.yielding);
            slot->callback(args...);
            if (yielded && yielded != state.yielding) restore(*yielded);
        } catch (const std::bad_alloc&) {
            end_out_of_memory();
        }
        return 0;
    }

    static void restore(sd_event_source& source) {
        const auto* slot = static_cast<const Slot*>(sd_event_source_get_userdata(&source));
        sd_event_source_set_priority(&source, static_cast<std::int64_t>(slot->priority));
    }

    void run_posted() {
        for (const Callback& work : std::exchange(posted, {})) work();
    }
};

EventLoop::EventLoop(std::unique_ptr<State> state) : state_(std::move(state)) {}
EventLoop::EventLoop(EventLoop&&) noexcept = default;
EventLoop& EventLoop::operator=(EventLoop&&) noexcept = default;
EventLoop::~EventLoop() = default;

Result<EventLoop> EventLoop::open() {
    auto state = std::make_unique<State>();
    State& s = *state;
    sd_event* loop = nullptr;
    if (auto made = check(sd_event_new(&loop), "sd_event_new"); !made) return Failure(made.error());
    s.loop.reset(loop);

    sd_event_source* raw = nullptr;
    const auto timer_fired = [](sd_event_source*, std::uint64_t, void* userdata) { return State::dispatch<Callback>(userdata); };
    if (auto made = check(sd_event_add_time(loop, &raw, CLOCK_MONOTONIC, 0, 1, timer_fired, nullptr), "sd_event_add_time"); !made)
        return Failure(made.error());
    s.timer = s.adopt<Callback>(raw, SourcePriority::deadlines, [&s] {
        if (s.on_deadline) s.on_deadline();
    });
    sd_event_source_set_enabled(raw, SD_EVENT_OFF);

    const auto idle = [](sd_event_source*, void* userdata) { return State::dispatch<Callback>(userdata); };
    if (auto made = check(sd_event_add_defer(loop, &raw, idle, nullptr), "sd_event_add_defer"); !made) return Failure(made.error());
    s.post_source = s.adopt<Callback>(raw, SourcePriority::last, [&s] { s.run_posted(); });
    sd_event_source_set_enabled(raw, SD_EVENT_OFF);
    return EventLoop(std::move(state));
}

Result<EventSource> EventLoop::add_io(int fd, std::uint32_t events, SourcePriority priority, IoCallback callback) {
    sd_event_source* raw = nullptr;
    const auto ready = [](sd_event_source*, int, std::uint32_t which, void* userdata) {
        return State::dispatch<IoCallback>(userdata, which);
    };
    const int code = sd_event_add_io(state_->loop.get(), &raw, fd, events, ready, nullptr);
    if (auto made = check(code, "sd_event_add_io"); !made) return Failure(made.error());
    return state_->adopt(raw, priority, std::move(callback));
}

Result<EventSource> EventLoop::add_signal(int signal, SourcePriority priority, SignalCallback callback) {
    sd_event_source* raw = nullptr;
    const auto came = [](sd_event_source*, const signalfd_siginfo* info, void* userdata) {
        return State::dispatch<SignalCallback>(userdata, *info);
    };
    const int code = sd_event_add_signal(state_->loop.get(), &raw, signal, came, nullptr);
    if (auto made = check(code, "sd_event_add_signal"); !made) return Failure(made.error());
    return state_->adopt(raw, priority, std::move(callback));
}

void EventLoop::on_deadline(Callback callback) { state_->on_deadline = std::move(callback); }

void EventLoop::set_deadline(std::optional<Instant> deadline) {
    sd_event_source* timer = state_->timer.get();
    if (deadline) sd_event_source_set_time(timer, to_microseconds(deadline->time_since_epoch()));
    sd_event_source_set_enabled(timer, deadline ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

void EventLoop::post(Callback callback) {
    state_->posted.push_back(std::move(callback));
    sd_event_source_set_enabled(state_->post_source.get(), SD_EVENT_ONESHOT);
}

void EventLoop::set_io_events(sd_event_source& source, std::uint32_t events) { sd_event_source_set_io_events(&source, events); }

void EventLoop::yield_once(sd_event_source& source) {
    State& state = *static_cast<State::Slot*>(sd_event_source_get_userdata(&source))->state;
    if (state.yielding && state.yielding.get() != &source) State::restore(*state.yielding);
    state.yielding.reset(sd_event_source_ref(&source));
    sd_event_source_set_priority(&source, static_cast<std::int64_t>(SourcePriority::last));
}

Now EventLoop::now() const {
    const auto read = [this](clockid_t clock) {
        std::uint64_t microseconds = 0;
        sd_event_now(state_->loop.get(), clock, &microseconds);
        return std::chrono::microseconds(microseconds);
    };
    constexpr auto tick = std::chrono::milliseconds(10);
    return {Instant(read(CLOCK_MONOTONIC)), WallTime(read(CLOCK_REALTIME)), static_cast<BootTicks>(read(CLOCK_BOOTTIME) / tick)};
}

Result<int> EventLoop::run() {
    const int code = sd_event_loop(state_->loop.get());
    if (auto ran = check(code, "sd_event_loop"); !ran) return Failure(ran.error());
    return code;
}

Result<bool> EventLoop::turn(std::optional<Duration> timeout) {
    if (sd_event_get_state(state_->loop.get()) == SD_EVENT_FINISHED) return false;
    constexpr auto forever = std::numeric_limits<std::uint64_t>::max();
    const int code = sd_event_run(state_->loop.get(), timeout ? to_microseconds(*timeout) : forever);
    if (auto ran = check(code, "sd_event_run"); !ran) return Failure(ran.error());
    return code > 0;
}

void EventLoop::exit(int code) { sd_event_exit(state_->loop.get(), code); }

void end_out_of_memory() noexcept {
    static constexpr std::string_view line = "out of memory, ending; the next start goes on from here\n";
    pollfd standard_error{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    if (::poll(&standard_error, 1, 0) == 1 && (standard_error.revents & POLLOUT) != 0) [[maybe_unused]]
        const auto written = ::write(STDERR_FILENO, line.data(), line.size());
    ::_exit(number_of(ExitCode::internal));
}

}  // namespace banken::sys
