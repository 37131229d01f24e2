// SPDX-License-Identifier: Apache-2.0
#include "pcheck/event_raiser.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "common/script_environment.hpp"

namespace banken {
namespace {

constexpr std::size_t most_at_a_look = 16, most_told = 1024;

// What pcheck ends with.
bool is_last_word(const EventFacts& facts) { return facts.event == "shutdown" || facts.event == "retry_over"; }

}  // namespace

std::string_view event_of(MessageId id) {
    switch (id) {
        case MessageId::start: return "start";
        case MessageId::shutdown: return "shutdown";
        case MessageId::adopted: return "adopted";
        case MessageId::reload_failed: return "reload_failed";
        case MessageId::up: return "up";
        case MessageId::down: return "down";
        case MessageId::try_to_restart: return "restart";
        case MessageId::set_pid_fail:
        case MessageId::script_failed:
        case MessageId::script_refused: return "restart_failed";
        case MessageId::stalled: return "stall";
        case MessageId::over_limit: return "limit";
        case MessageId::retry_over: return "retry_over";
        case MessageId::hold_ended: return "hold_end";
        case MessageId::too_many: return "too_many";
        case MessageId::ambiguous: return "ambiguous";
        case MessageId::log_lost: return "log_lost";
        case MessageId::cause:
        case MessageId::command_execute:
        case MessageId::script_running:
        case MessageId::cannot_end:
        case MessageId::waiting:
        case MessageId::reminder:
        case MessageId::reload_done:
        case MessageId::monitoring:
        case MessageId::would_restart:
        case MessageId::left_running:
        case MessageId::dump_not_written:
        case MessageId::events_lost:
        case MessageId::suppressed:
        case MessageId::polling:
        case MessageId::segment_removed:
        case MessageId::resource_state:  // what is told of resources is raised as such
        case MessageId::check_failed:
        case MessageId::action_failed:
        case MessageId::action_running:
        case MessageId::application_left:
        case MessageId::script_line:
        case MessageId::warning: break;
    }
    return {};
}

Result<std::pair<sys::ResponderKeeper, sys::Worker>> EventRaiser::open_edge(Duration limit) {
    auto keeper = sys::ResponderKeeper::open(limit);
    if (!keeper) return Failure(keeper.error());
    auto helper = sys::Worker::open(1, 2);
    if (!helper) return Failure(helper.error());
    return std::pair(*std::move(keeper), *std::move(helper));
}

EventRaiser::EventRaiser(sys::Spawner& spawner, std::pair<sys::ResponderKeeper, sys::Worker> edge, Origin origin, Handlers handlers)
    : spawner_(spawner),
      keeper_(std::move(edge.first)),
      helper_(std::move(edge.second)),
      origin_(std::move(origin)),
      handlers_(std::move(handlers)) {}

void EventRaiser::configure(const Param& param) {
    param_ = param;
    inherited_ = inherited_environment(origin_.environment, param.script_env_clean);
    inherited_.push_back(fmt::format("PCHECK_PFILE={}", origin_.pfile));
    inherited_.push_back(fmt::format("BANKEN_IPCKEY=0x{:08x}", param.ipc_key));
    told_.clear();
    root_ = Root::unknown;
    look_for_root();
}

// By its own number: the answer of a look that a reload has overtaken is about another directory.
void EventRaiser::look_for_root() {
    const auto submitted = helper_.submit([this, number = ++look_for_root_, root = root()] {
        struct stat status {};
        const bool missing = ::stat(root.c_str(), &status) != 0 && (errno == ENOENT || errno == ENOTDIR);
        return [this, number, missing] {
            if (number != look_for_root_) return;
            root_asked_ = false;
            root_ = missing ? Root::missing : Root::there;
            if (missing) queue_.clear();
            go_on();
        };
    });
    root_asked_ = submitted.has_value();  // else asked again when something has come back
}

void EventRaiser::raise(const Message& message, Now now) {
    if (const std::string_view event = event_of(message.id); !event.empty()) raise("pcheck", event, message, false, now);
}

void EventRaiser::raise(std::string_view event_class, std::string_view event, const Message& message, bool recovering, Now now) {
    now_ = now.instant;
    if (root_ == Root::missing) return;
    if (queue_.size() >= most_queued) {
        queue_.pop_front();
        lose(now.instant);
    }
    EventFacts& facts = queue_.emplace_back();
    facts.event_class = event_class;
    facts.event = event;
    facts.monitor = "pcheck";
    facts.instance = message.entry.empty() ? origin_.pfile : message.entry;
    facts.severity = word_of(message.priority);
    facts.text = message.text;
    facts.recovering = recovering;
    facts.time = std::chrono::floor<std::chrono::seconds>(now.wall.time_since_epoch()).count();
    go_on();
}

void EventRaiser::lose(Instant now) {
    ++lost_;
    if (!tell_lost_at_) tell_lost_at_ = now + lost_told_after;
}

// Responders before looks: what waits for a place holds back the next look, so that only the queue grows.
void EventRaiser::go_on() {
    if (root_ == Root::unknown && !root_asked_) look_for_root();
    while (!ready_.empty() && keeper_.running() < most_) {
        const auto [facts, path] = std::move(ready_.front());
        ready_.pop_front();
        start(facts, path);
    }
    if (ready_.empty() && !queue_.empty() && !looking_ && root_ == Root::there) look();
}

void EventRaiser::look() {
    std::vector<EventFacts> events;
    while (!queue_.empty() && events.size() < most_at_a_look) {
        events.push_back(std::move(queue_.front()));
        queue_.pop_front();
    }
    const auto trusted = param_.script_check_strict ? std::optional(::geteuid()) : std::nullopt;
    const auto submitted = helper_.submit([this, events, root = root(), trusted] {
        std::vector<Found> found;
        for (const EventFacts& facts : events) {
            const auto directories = responder_directories(root, facts.event_class, facts.event);
            found.push_back({facts, sys::list_responders(directories, trusted)});
        }
        return [this, found = std::move(found)]() mutable { looked(std::move(found)); };
    });
    looking_ = submitted.has_value();
    if (looking_) return;
    for (std::size_t i = 0; i < events.size(); ++i) lose(now_);
}

void EventRaiser::looked(std::vector<Found> found) {
    looking_ = false;
    for (Found& one : found) {
        for (const std::string& refused : one.responders.refused) {
            if (told_.size() < most_told && told_.insert(refused).second) warn(fmt::format("Event responder refused: {}", refused));
        }
        for (std::string& path : one.responders.paths) ready_.emplace_back(one.facts, std::move(path));
    }
    go_on();
}

void EventRaiser::start(const EventFacts& facts, const std::string& path) {
    sys::ScriptStart start;
    start.command.argv = responder_arguments(path, arguments_of(facts), facts.recovering);
    start.environment = responder_environment(inherited_, facts);
    start.output = param_.script_output;
    start.output_file = param_.script_output_file;
    start.check_trust = param_.script_check_strict;
    if (const auto started = keeper_.start(spawner_, start, now_); !started) {
        return warn(fmt::format("Event responder failed ({}): {}", path, started.error().text));
    }
    handlers_.on_processes(keeper_.processes());
}

void EventRaiser::warn(const std::string& text) { handlers_.log(messages::warning(text)); }

std::optional<Instant> EventRaiser::next_deadline() const {
    const auto limit = keeper_.next_deadline();
    if (!limit || !tell_lost_at_) return limit ? limit : tell_lost_at_;
    return std::min(*limit, *tell_lost_at_);
}

void EventRaiser::turn(Now now) {
    now_ = now.instant;
    helper_.drain();
    const auto ended = keeper_.turn(now.instant);
    for (const auto& one : ended) {
        if (!one.failure.empty()) warn(fmt::format("Event responder failed ({}): {}", one.path, one.failure));
    }
    if (!ended.empty()) handlers_.on_processes(keeper_.processes());
    go_on();
    if (!tell_lost_at_ || now.instant < *tell_lost_at_) return;
    tell_lost_at_.reset();
    handlers_.log(messages::events_lost(std::exchange(lost_, 0)));
}

void EventRaiser::finish(Duration patience) {
    std::stable_partition(queue_.begin(), queue_.end(), is_last_word);
    const auto last_words = [](const auto& one) { return is_last_word(one.first); };
    std::stable_partition(ready_.begin(), ready_.end(), last_words);
    most_ = keeper_.running() + most_running;  // those that hang take no place from these
    go_on();
    helper_.drain_within(patience);
    lost_ += queue_.size() + ready_.size();
    if (lost_ > 0) handlers_.log(messages::events_lost(std::exchange(lost_, 0)));
}

}  // namespace banken
