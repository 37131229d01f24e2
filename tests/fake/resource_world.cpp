// SPDX-License-Identifier: Apache-2.0
#include "tests/fake/resource_world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace banken::core {
namespace {

Definition base(std::string tag, std::vector<std::string> depends, ResourceKind kind) {
    Definition definition;
    definition.tag = std::move(tag);
    definition.kind = kind;
    definition.depends = std::move(depends);
    for (std::size_t i = 0; i < resource_scripts; ++i) {
        const auto script = static_cast<ResourceScript>(i);
        const bool of_generic = script <= ResourceScript::recover;
        if (of_generic != (kind == ResourceKind::generic)) continue;
        const std::string path = fmt::format("/etc/banken/{}/{}", definition.tag, text_of(script));
        definition.scripts[i] = Command{{path}, path};
    }
    return definition;
}

}  // namespace

Definition generic(std::string tag, std::vector<std::string> depends) {
    return base(std::move(tag), std::move(depends), ResourceKind::generic);
}

Definition cmdline(std::string tag, std::vector<std::string> depends) {
    Definition definition = base(std::move(tag), std::move(depends), ResourceKind::cmdline);
    for (const auto script : {ResourceScript::start, ResourceScript::stop, ResourceScript::check})
        definition.limits[static_cast<std::size_t>(script)] = std::chrono::seconds(300);
    return definition;
}

Definition without(Definition definition, ResourceScript script) {
    definition.scripts[static_cast<std::size_t>(script)] = {};
    return definition;
}

ResourceWorld::ResourceWorld(std::vector<Definition> definitions, const RecordedStates& recorded, Param param)
    : core(definitions, param, false, now), definitions_(std::move(definitions)), param_(std::move(param)) {
    perform(core.begin(recorded, now));
}

void ResourceWorld::step(const Event& event) { perform(core.step(event, now)); }

void ResourceWorld::perform(const std::vector<Action>& actions) {
    std::vector<ScriptStarted> started;
    for (const Action& action : actions) {
        if (const auto* line = std::get_if<Log>(&action)) lines_.push_back(line->message.text);
        if (const auto* raise = std::get_if<Raise>(&action))
            raised_.push_back(fmt::format("{}{}", raise->event, raise->recovering ? " -A" : ""));
        if (const auto* answer = std::get_if<Answer>(&action)) answers_.push_back(*answer);
        if (const auto* end = std::get_if<EndAfterRemove>(&action)) end_ = *end;
        if (const auto* signal = std::get_if<SignalScript>(&action)) {
            if (const auto found = live_.find(signal->run); found != live_.end()) found->second.signal = signal->signal;
        }
        if (const auto* run = std::get_if<RunResourceScript>(&action)) {
            const ProcessId process{++last_pid_, now.ticks};
            live_[run->run] = {*run, process};
            begun_.push_back(fmt::format("{} {}", tag_of(run->resource), text_of(run->script)));
            started.push_back({run->run, process});
        }
    }
    for (const ScriptStarted& one : started) step(one);
}

void ResourceWorld::pass(Duration duration) {
    const Instant until = now.instant + duration;
    const auto set = [this](Instant instant) {
        now.wall += instant - now.instant;
        now.instant = instant;
    };
    while (const auto next = core.next_deadline()) {
        if (*next > until) break;
        set(std::max(*next, now.instant));
        step(Deadline{});
    }
    set(until);
}

std::string ResourceWorld::tag_of(ResourceKey key) const {
    const Resource* resource = core.find(key);
    return resource ? resource->definition.tag : "?";
}

const ResourceWorld::Live& ResourceWorld::live(std::string_view tag, ResourceScript script) const {
    const auto fits = [&](const auto& one) { return one.second.what.script == script && tag_of(one.second.what.resource) == tag; };
    const auto found = std::ranges::find_if(live_, fits);
    if (found == live_.end()) throw std::logic_error(fmt::format("{} of {} does not run", text_of(script), tag));
    return found->second;
}

void ResourceWorld::ends(std::string_view tag, ResourceScript script, int status) {
    const RunId run = live(tag, script).what.run;
    live_.erase(run);
    step(ScriptEnded{run, ScriptEnded::How::exited, status << 8, {}});
}

void ResourceWorld::cannot_execute(std::string_view tag, ResourceScript script, std::string reason) {
    const RunId run = live(tag, script).what.run;
    live_.erase(run);
    step(ScriptEnded{run, ScriptEnded::How::not_executed, 0, std::move(reason)});
}

void ResourceWorld::ends_unseen(std::string_view tag, ResourceScript script) {
    const RunId run = live(tag, script).what.run;
    live_.erase(run);
    step(ScriptEnded{run, ScriptEnded::How::unknown, 0, {}});
}

void ResourceWorld::killed(std::string_view tag, ResourceScript script, int signal) {
    const RunId run = live(tag, script).what.run;
    live_.erase(run);
    step(ScriptEnded{run, ScriptEnded::How::exited, signal, {}});
}

void ResourceWorld::order(Verb verb, std::string tag, std::optional<Duration> duration) {
    step(Order{++last_order_, verb, std::move(tag), duration});
}

void ResourceWorld::event(std::string event, std::string tag) {
    step(Order{.id = ++last_order_, .verb = Verb::event, .target = std::move(tag), .duration = {}, .event = std::move(event)});
}

void ResourceWorld::shutdown_remove() {
    step(Order{.id = ++last_order_, .verb = Verb::shutdown, .target = {}, .duration = {}, .event = {}, .remove = true});
}

void ResourceWorld::reload(std::vector<Definition> definitions) {
    Reloaded reloaded;
    reloaded.pfile.param = param_;
    reloaded.pfile.resources = std::move(definitions);
    definitions_ = reloaded.pfile.resources;
    step(reloaded);
}

void ResourceWorld::all_well() {
    for (int i = 0; i < 1000 && !live_.empty(); ++i) {
        const auto [run, one] = *live_.begin();
        const Resource& resource = *core.find(one.what.resource);
        const bool offline = resource.step == Step::stopping || resource.step == Step::stopped || resource.step == Step::asked ||
                             resource.out() || resource.state == ResourceState::unknown || resource.failed();
        const int status = one.what.script != ResourceScript::check ? 0 : offline ? 1 : resource.to_standby ? 4 : 0;
        live_.erase(run);
        step(ScriptEnded{run, ScriptEnded::How::exited, status << 8, {}});
    }
}

void ResourceWorld::adopted_unreleased() {
    live_.clear();
    ResourceAdoption adoption = recorded();
    for (Resource& resource : adoption.recorded.resources) {
        for (auto* run : {&resource.run, &resource.check}) {
            if (*run) (*run)->process.reset();
        }
    }
    adopt(std::move(adoption));
}

void ResourceWorld::adopted(bool scripts_live) {
    if (!scripts_live) live_.clear();
    adopt(recorded());
}

// What the segment carries, and no more.
ResourceAdoption ResourceWorld::recorded() const {
    std::vector<ResourceRecord> records;
    for (const ResourceKey key : core.all()) records.push_back(record_of(*core.find(key), core.is_leaving(key)));
    HeaderRecord header;
    if (const auto& ending = core.ending()) {
        header.ending = end_of(*ending);
        header.ended_by = ending->by;
        header.kept_by = ending->stay;
    }
    return resources_of(records, header, [this](ProcessId process) {
        return std::ranges::any_of(live_, [process](const auto& one) { return one.second.process == process; });
    });
}

void ResourceWorld::adopt(ResourceAdoption adoption) {
    const std::map<RunId, Live> before = std::exchange(live_, {});
    core = Resources(definitions_, param_, false, now);
    core.adopt(std::move(adoption.recorded), now);
    std::vector<RunId> alive;
    for (const AdoptedRun& adopted : adoption.lived) {
        const auto same = [&adopted](const auto& one) { return one.second.process == adopted.process; };
        Live& live = live_[adopted.run] = std::ranges::find_if(before, same)->second;
        live.what.run = adopted.run;
        alive.push_back(adopted.run);
    }
    Adopted event;
    for (const ResourceKey key : core.all()) event.resources.push_back({key, alive});
    step(event);
    for (const RunId run : alive) live_[run].what.resource = core.resource_of(run);
}

const Resource& ResourceWorld::at(std::string_view tag) const {
    for (const ResourceKey key : core.resources()) {
        if (core.find(key)->definition.tag == tag) return *core.find(key);
    }
    throw std::logic_error("no resource " + std::string(tag));
}

std::string ResourceWorld::state(std::string_view tag) const { return std::string(text_of(at(tag).shown())); }

std::string ResourceWorld::runs(std::string_view tag) const {
    std::string names;
    for (const auto& [run, one] : live_) {
        if (tag_of(one.what.resource) == tag) names += fmt::format("{}{}", names.empty() ? "" : " ", text_of(one.what.script));
    }
    return names;
}

int ResourceWorld::answered() {
    if (answers_.size() != 1) throw std::logic_error(fmt::format("{} answers", answers_.size()));
    return answers().front().exit_status;
}

const CmdlineFacts& ResourceWorld::facts(std::string_view tag, ResourceScript script) const { return live(tag, script).what.facts; }

int ResourceWorld::signal_sent(std::string_view tag, ResourceScript script) const { return live(tag, script).signal; }

}  // namespace banken::core
