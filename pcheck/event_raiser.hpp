// SPDX-License-Identifier: Apache-2.0
// pcheck's own events (spec/events.md): lines of the log that others may want to hear of are told to responders. A helper thread looks into their
// directories; a responder that hangs, or a directory that does, holds up other events and nothing else.
// The daemon adds both descriptors to its loop, calls turn() for either and at next_deadline().
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/messages.hpp"
#include "common/pfile.hpp"
#include "common/responders.hpp"
#include "common/sys/responder_keeper.hpp"
#include "common/sys/responder_list.hpp"
#include "common/sys/spawn.hpp"
#include "common/sys/worker.hpp"

namespace banken {

// The event that a line is, "restart_failed"; empty: none.
[[nodiscard]] std::string_view event_of(MessageId id);

class EventRaiser {
public:
    static constexpr std::size_t most_queued = 4096, most_running = 32;
    static constexpr Duration lost_told_after = std::chrono::seconds(1);

    struct Handlers {
        std::function<void(const Message&)> log;
        std::function<void(std::vector<ProcessId>)> on_processes;  // the responders that run now
    };
    struct Origin {
        std::string pfile;                     // resolved
        std::vector<std::string> environment;  // the program's own
        std::string root;                      // EVENTS_DIR where the pfile names none
        Duration limit{};                      // of a responder
    };

    // `spawner` outlives it.
    [[nodiscard]] static Result<std::pair<sys::ResponderKeeper, sys::Worker>> open_edge(Duration limit);
    EventRaiser(sys::Spawner& spawner, std::pair<sys::ResponderKeeper, sys::Worker> edge, Origin origin, Handlers handlers);
    EventRaiser(const EventRaiser&) = delete;  // callbacks hold its address
    EventRaiser& operator=(const EventRaiser&) = delete;

    // At start and after a reload. Looks anew whether there is a directory; as long as there is none, nothing is done and nothing is kept.
    void configure(const Param& param);

    // Queued and returned from. When the queue is full the oldest goes, is counted, and is told later.
    void raise(const Message& message, Now now);
    // An event of another class, whose line this is.
    void raise(std::string_view event_class, std::string_view event, const Message& message, bool recovering, Now now);

    [[nodiscard]] int helper_fd() const { return helper_.fd(); }
    [[nodiscard]] int responders_fd() const { return keeper_.fd(); }
    [[nodiscard]] std::optional<Instant> next_deadline() const;
    void turn(Now now);

    // At pcheck's end, after the loop: what it ends with is told first, then the rest, for at most `patience`. Responders that run are left alone.
    void finish(Duration patience);
    // The helper thread may be in a call that hangs.
    [[nodiscard]] bool busy() const { return helper_.busy(); }

private:
    enum class Root { unknown, missing, there };
    struct Found {
        EventFacts facts;
        sys::ResponderList responders;
    };
    void look_for_root();
    void go_on();
    void look();
    void looked(std::vector<Found> found);
    void start(const EventFacts& facts, const std::string& path);
    void lose(Instant now);
    void warn(const std::string& text);
    [[nodiscard]] std::string root() const { return param_.events_dir.empty() ? origin_.root : param_.events_dir; }

    sys::Spawner& spawner_;
    sys::ResponderKeeper keeper_;
    sys::Worker helper_;
    Origin origin_;
    Handlers handlers_;
    Param param_;
    std::vector<std::string> inherited_;

    Instant now_{};  // of the turn
    Root root_ = Root::unknown;
    std::uint64_t look_for_root_ = 0;  // the look that counts; an older one is late
    bool root_asked_ = false, looking_ = false;
    std::size_t most_ = most_running;
    std::deque<EventFacts> queue_;
    std::deque<std::pair<EventFacts, std::string>> ready_;  // with the path of a responder that waits for a place
    std::size_t lost_ = 0;
    std::optional<Instant> tell_lost_at_;
    std::set<std::string> told_;  // refusals, each told once until the next reload
};

}  // namespace banken
