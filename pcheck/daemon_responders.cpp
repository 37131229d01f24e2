// SPDX-License-Identifier: Apache-2.0
// The lines of the log that are events, and the responders that hear of them.
#include <sys/epoll.h>

#include "pcheck/daemon.hpp"

namespace banken {

Result<> Daemon::open_events() {
    if (setup_.dry_run) return {};
    auto edge = EventRaiser::open_edge(setup_.config.events_timeout);
    if (!edge) return Failure(edge.error());
    EventRaiser::Origin origin{setup_.loaded.path, setup_.environment, setup_.config.events_dir, setup_.config.events_timeout};
    EventRaiser::Handlers handlers{[this](const Message& message) { log_->write(message, loop_->now()); },
                                   [this](std::vector<ProcessId> processes) { executor_->set_responders(std::move(processes)); }};
    events_.emplace(*spawner_, *std::move(edge), std::move(origin), std::move(handlers));
    for (const int fd : {events_->helper_fd(), events_->responders_fd()}) {
        auto source = loop_->add_io(fd, EPOLLIN, sys::SourcePriority::deadlines, [this](std::uint32_t) {
            events_->turn(loop_->now());
            arm();
        });
        if (!source) return Failure(source.error());
        sources_.push_back(*std::move(source));
    }
    events_->configure(core_->param());
    log_->on_line([this](const Message& message, Now now) { events_->raise(message, now); });
    events_->raise(messages::start(setup_.loaded.path, core_->param().ipc_key),
                   loop_->now());  // logged before there was anybody to hear of it
    return {};
}

}  // namespace banken
