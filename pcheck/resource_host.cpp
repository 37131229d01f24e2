// SPDX-License-Identifier: Apache-2.0
#include "pcheck/resource_host.hpp"

#include <sched.h>

#include <algorithm>
#include <csignal>

#include <fmt/format.h>

#include "common/exit_code.hpp"
#include "common/exit_status.hpp"
#include "common/script_environment.hpp"
#include "pcheck/script_copies.hpp"

namespace banken {

ResourceHost::ResourceHost(ResourceEdge edge, ResourceOrigin origin, ResourceHandlers handlers)
    : edge_(edge), origin_(std::move(origin)), handlers_(std::move(handlers)) {}

void ResourceHost::load(std::vector<Definition> definitions, const Param& param, bool dry_run) {
    param_ = param;
    inherited_ = inherited_environment(origin_.environment, param.script_env_clean);
    core_.emplace(std::move(definitions), param, dry_run, edge_.loop.now());
}

void ResourceHost::begin(const core::RecordedStates& recorded) {
    for (const core::ResourceKey key : core_->resources()) publish(*core_->find(key), false);
    perform(core_->begin(recorded, edge_.loop.now()));
}

// What has become of the scripts is told first; then the ends of those that live are waited for.
void ResourceHost::adopt(ResourceAdoption adoption) {
    core_->adopt(std::move(adoption.recorded), edge_.loop.now());
    core::Adopted event;
    for (const core::ResourceKey key : core_->all()) {
        core::AdoptedResource one{key, {}};
        for (const AdoptedRun& run : adoption.lived) one.live.push_back(run.run);
        event.resources.push_back(std::move(one));
    }
    publish_left(adoption.places);
    unwatched_ = std::move(adoption.lived);
    dispatch(event);
    watch_adopted();
}

// Each stays where it lies: we may be killed between any two. A place whose resource is no more is cleared.
void ResourceHost::publish_left(const std::vector<core::ResourceKey>& places) {
    for (const core::ResourceKey key : places) {
        const bool known = core_->find(key) && std::ranges::find(places_, key) == places_.end();
        places_.push_back(known ? key : 0);
    }
    for (const core::ResourceKey key : core_->all()) publish(*core_->find(key), core_->is_leaving(key));
    for (std::size_t place = 0; place < places_.size(); ++place) {
        if (places_[place] == 0) edge_.segment.publish(place, ResourceRecord{});
    }
    publish_ending();
}

void ResourceHost::watch_adopted() {
    constexpr Duration gap = std::chrono::milliseconds(200);
    watch_again_at_.reset();
    for (const AdoptedRun& script : std::exchange(unwatched_, {})) {
        if (core_->resource_of(script.run) == 0) continue;  // its resource is no more
        auto process = sys::PidRef::open(script.process);
        if (!process && sys::is_gone(process.error())) {
            dispatch(core::ScriptEnded{script.run, core::ScriptEnded::How::unknown, 0, {}});
        } else if (!process) {
            unwatched_.push_back(script);
            watch_again_at_ = edge_.loop.now().instant + gap;
        } else {
            runs_[script.run] = Run{std::nullopt, script.process};
            edge_.deaths.watch_script(script.run, *std::move(process));
            // The signal may not have been sent before the kill, and none could be until now.
            if (const int signal = core_->signal_of(script.run); signal != 0) on(core::SignalScript{script.run, signal});
        }
    }
    handlers_.on_scripts();
}

void ResourceHost::dispatch(const core::Event& event) {
    if (!core_) return;
    if (const auto* reloaded = std::get_if<core::Reloaded>(&event)) {
        param_ = reloaded->pfile.param;
        inherited_ = inherited_environment(origin_.environment, param_.script_env_clean);
    }
    note_told(event);
    perform(core_->step(event, edge_.loop.now()));
}

void ResourceHost::pause_all(std::optional<Duration> duration) { perform(core_->pause_all(duration, edge_.loop.now())); }

void ResourceHost::resume_all() { perform(core_->resume_all(edge_.loop.now())); }

void ResourceHost::leave() {
    if (core_) perform(core_->left_behind());
    for (const core::OrderId order : copying_)
        handlers_.answer(order, number_of(ExitCode::refused), "interrupted: pcheck was ended before all were copied");
}

// What an action results in at once is told when all of them are done, in order.
void ResourceHost::perform(const std::vector<core::Action>& actions) {
    ++depth_;
    publish_ending();  // ahead of what it asks for
    for (const core::Action& action : actions) {
        std::visit([this](const auto& what) { on(what); }, action);
    }
    while (depth_ == 1 && !results_.empty()) {
        const core::Event result = std::move(results_.front());
        results_.pop_front();
        perform(core_->step(result, edge_.loop.now()));
    }
    if (--depth_ == 0) forget_removed();
}

void ResourceHost::on(const core::Log& action) { edge_.log.write(action.message, edge_.loop.now()); }

void ResourceHost::on(const core::Raise& action) {
    if (edge_.events) edge_.events->raise("resource", action.event, action.message, action.recovering, edge_.loop.now());
}

void ResourceHost::on(const core::Answer& action) { handlers_.answer(action.order, action.exit_status, action.text); }

void ResourceHost::on(const core::SignalScript& action) { static_cast<void>(edge_.deaths.signal_script(action.run, action.signal)); }

void ResourceHost::on(const core::EndAfterRemove& action) { handlers_.end(action); }

// The child exists and is recorded before it may go on; if we die in between, it ends by itself.
void ResourceHost::on(const core::RunResourceScript& action) {
    const core::Resource* const resource = core_->find(action.resource);
    if (!resource || core_->resource_of(action.run) == 0) return;
    if (!is_check(action.script)) trace(action.resource, "begins", std::string(text_of(action.script)));
    auto script = edge_.spawner.start(start_of(*resource, action));
    if (!script) {
        results_.emplace_back(core::ScriptEnded{action.run, core::ScriptEnded::How::not_executed, 0, script.error().text});
        return;
    }
    const ProcessId process = script->process();
    edge_.deaths.watch_script(action.run, script->take_child());
    Run& run = runs_.emplace(action.run, Run{*std::move(script), process}).first->second;
    if (action.script == ResourceScript::check && resource->definition.flags.realtime) make_realtime(*resource, process);
    perform(core_->step(core::ScriptStarted{action.run, process}, edge_.loop.now()));
    run.script->release();
    handlers_.on_scripts();
}

// The lowest priority of the real-time class, as its child is not to starve anybody; it waits for us, so its pid is its own.
void ResourceHost::make_realtime(const core::Resource& resource, ProcessId process) {
    const sched_param lowest{.sched_priority = 1};
    if (::sched_setscheduler(process.pid, SCHED_RR | SCHED_RESET_ON_FORK, &lowest) == 0 || std::exchange(told_realtime_, true)) return;
    edge_.log.write(messages::warning(fmt::format("{}: REALTIME: {}: Check runs in the normal class", resource.definition.tag,
                                                  fail_errno("sched_setscheduler").value().text)),
                    edge_.loop.now());
}

sys::ScriptStart ResourceHost::start_of(const core::Resource& resource, const core::RunResourceScript& run) const {
    const std::string application = application_of(resource);
    ResourceVariables variables{.definition = &resource.definition, .script = run.script, .application = application};
    variables.last_report = text_of(run.facts.last_report);
    variables.intended = text_of(run.facts.intended);
    variables.reason = run.facts.offline_reason;
    variables.autorecover = run.facts.autorecover;
    variables.root = origin_.root;
    variables.pfile = origin_.pfile;
    variables.ipc_key = param_.ipc_key;
    sys::ScriptStart start;
    start.command = resource_command(resource.definition, run.script);
    if (resource.definition.copy)
        start.command.argv.front() = copy_path(origin_.state_dir, param_.ipc_key, resource.definition.tag, run.script);
    start.environment = resource_environment(inherited_, variables);
    start.output = param_.script_output;
    start.output_file = param_.script_output_file;
    start.check_trust = param_.script_check_strict;
    return start;
}

// The top of its tree; the first one, where several are above it.
std::string ResourceHost::application_of(const core::Resource& resource) const {
    const core::Resource* top = &resource;
    for (bool higher = true; higher;) {
        higher = false;
        for (const core::ResourceKey key : core_->resources()) {
            const core::Resource& other = *core_->find(key);
            if (std::ranges::find(other.definition.depends, top->definition.tag) == other.definition.depends.end()) continue;
            top = &other;
            higher = true;
            break;
        }
    }
    return top->definition.tag;
}

void ResourceHost::script_ended(core::RunId run, std::optional<int> wait_status) {
    const auto ended = runs_.extract(run);
    if (!ended) return;
    handlers_.on_scripts();
    using How = core::ScriptEnded::How;
    core::ScriptEnded event{run, wait_status ? How::exited : How::unknown, wait_status.value_or(0), {}};
    output_.report(ended.mapped().script, event, edge_.log, edge_.loop.now());
    dispatch(event);  // the core may still want its process group ended, which is safe until the child is reaped
    edge_.deaths.release(run);
}

// A record keeps its place as long as its resource lives: we may be killed between any two of them.
void ResourceHost::publish(const core::Resource& resource, bool leaving) {
    auto place = std::ranges::find(places_, resource.key);
    if (place == places_.end()) place = std::ranges::find(places_, core::ResourceKey{0});
    if (place == places_.end()) place = places_.insert(places_.end(), 0);
    *place = resource.key;
    edge_.segment.publish(static_cast<std::size_t>(place - places_.begin()), record_of(resource, leaving));
}

void ResourceHost::publish_ending() {
    const auto& ending = core_->ending();
    if (!ending) return edge_.segment.set_ending(ResourceEnd::no, 0, 0);
    edge_.segment.set_ending(end_of(*ending), ending->by, ending->stay);
}

void ResourceHost::on(const core::PublishResource& action) {
    const core::Resource* const resource = core_->find(action.resource);
    if (!resource) return;
    publish(*resource, core_->is_leaving(action.resource));
    note_state(*resource);
}

void ResourceHost::trace(core::ResourceKey resource, std::string_view event, std::string detail) {
    const Now now = edge_.loop.now();
    TraceRecord record;
    record.instant = now.instant;
    record.wall = now.wall;
    record.key = resource | resource_trace_bit;
    record.event = event;
    record.detail = std::move(detail);
    edge_.segment.trace(std::move(record));
}

// What led to a state: orders, events and the ends of scripts. A check that is good is not told, for there are too many.
void ResourceHost::note_told(const core::Event& event) {
    if (const auto* order = std::get_if<core::Order>(&event)) {
        const core::ResourceKey key = core_->key_of(order->target);
        if (key != 0) trace(key, "order", order->event.empty() ? std::string(text_of(order->verb)) : "event " + order->event);
        return;
    }
    const auto* ended = std::get_if<core::ScriptEnded>(&event);
    const core::Resource* const resource = ended ? core_->find(core_->resource_of(ended->run)) : nullptr;
    if (!resource) return;
    for (const auto* run : {&resource->run, &resource->check}) {
        if (!*run || (*run)->run != ended->run) continue;
        const bool exited = ended->how == core::ScriptEnded::How::exited;
        if (is_check((*run)->script) && exited && ended->status == 0) return;
        const std::string outcome = exited ? short_text_of_status(ended->status) : ended->reason.empty() ? "unknown" : ended->reason;
        trace(resource->key, "ended", fmt::format("{} {}", text_of((*run)->script), outcome));
    }
}

// The trace tells each state, the dump file follows within a second: initial=last must survive a power cut.
void ResourceHost::note_state(const core::Resource& resource) {
    const core::RecordedState recorded = core::recorded_state(resource);
    const auto [place, is_new] = noted_.try_emplace(resource.key);
    Noted& noted = place->second;
    if (is_new || noted.shown != resource.shown() || noted.reason != resource.reason)
        trace(resource.key, text_of(resource.shown()), resource.reason);
    const bool changed = is_new || noted.recorded != recorded || noted.shown != resource.shown();
    noted = {recorded, resource.shown(), resource.reason};
    if (changed && !dump_at_) dump_at_ = edge_.loop.now().instant + dump_after;
}

void ResourceHost::forget_removed() {
    for (std::size_t place = 0; place < places_.size(); ++place) {
        const core::ResourceKey key = places_[place];
        if (key == 0 || core_->find(key)) continue;
        edge_.segment.publish(place, ResourceRecord{});
        places_[place] = 0;
        noted_.erase(key);
    }
}

void ResourceHost::publish_all() {
    if (!core_) return;
    places_.clear();
    for (const core::ResourceKey key : core_->all()) publish(*core_->find(key), core_->is_leaving(key));
    publish_ending();
}

// Copying reads files: in a helper thread. The next run uses them.
void ResourceHost::on(const core::CopyScripts& action) {
    const Definition definition = core_->find(action.resource)->definition;
    const auto submitted = edge_.files.submit([this, definition, order = action.order, dir = origin_.state_dir, key = param_.ipc_key] {
        const auto copied = copy_scripts(definition, dir, key, true);
        const std::string error = copied ? std::string() : copied.error().text;
        return [this, order, error] {
            copying_.erase(order);
            handlers_.answer(order, number_of(error.empty() ? ExitCode::ok : ExitCode::refused), error);
        };
    });
    if (!submitted) return handlers_.answer(action.order, number_of(ExitCode::refused), submitted.error().text);
    copying_.insert(action.order);
}

std::vector<Definition> ResourceHost::definitions() const {
    std::vector<Definition> all;
    if (!core_) return all;
    for (const core::ResourceKey key : core_->resources()) all.push_back(core_->find(key)->definition);
    return all;
}

std::vector<ProcessId> ResourceHost::scripts() const {
    std::vector<ProcessId> processes;
    for (const auto& [run, started] : runs_) processes.push_back(started.process);
    return processes;
}

std::optional<Instant> ResourceHost::next_deadline() const {
    std::optional<Instant> next = core_ ? core_->next_deadline() : std::nullopt;
    for (const auto& at : {dump_at_, watch_again_at_}) {
        if (at && (!next || *at < *next)) next = at;
    }
    return next;
}

void ResourceHost::keep_time() {
    const Instant now = edge_.loop.now().instant;
    if (watch_again_at_ && *watch_again_at_ <= now) watch_adopted();
    if (dump_at_ && *dump_at_ <= now) {
        dump_at_.reset();
        if (!handlers_.write_dump()) dump_at_ = now + dump_after;
    }
    if (!core_) return;
    if (const auto due = core_->next_deadline(); due && *due <= now) dispatch(core::Deadline{});
}

}  // namespace banken
