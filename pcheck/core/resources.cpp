// SPDX-License-Identifier: Apache-2.0
#include "pcheck/core/resources.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <csignal>

#include "common/exit_code.hpp"
#include "pcheck/core/due.hpp"

namespace banken::core {

Resources::Resources(std::vector<Definition> definitions, Param param, bool dry_run, Now now)
    : param_(std::move(param)), dry_run_(dry_run), now_(now) {
    for (Definition& definition : definitions) add(std::move(definition));
    index();
}

std::vector<Action> Resources::begin(const RecordedStates& recorded, Now now) {
    now_ = now;
    start_added(order_, recorded);
    return finish_step();
}

std::vector<Action> Resources::step(const Event& event, Now now) {
    now_ = now;
    std::visit([this](const auto& what) { on(what); }, event);
    return finish_step();
}

std::vector<Action> Resources::finish_step() {
    pursue_all();
    end_if_done();
    std::size_t begun = 0;
    for (const ResourceKey key : order_) {
        if (keep_checking(at(key), begun < most_a_step)) ++begun;
    }
    std::vector<Action> actions;  // the record stands ahead of what is done and answered
    for (const ResourceKey key : std::exchange(touched_, {})) {
        if (!resources_.contains(key)) continue;
        keep_reminder(at(key));
        actions.emplace_back(PublishResource{key});
    }
    std::ranges::move(actions_, std::back_inserter(actions));
    actions_.clear();
    return actions;
}

std::optional<Instant> Resources::next_deadline() const {
    std::optional<Instant> next;
    for (const auto& [key, resource] : resources_) {
        if (const auto at = resource.next_deadline(); at && (!next || *at < *next)) next = at;
    }
    return next;
}

std::vector<ResourceKey> Resources::all() const {
    Keys keys;
    for (const auto& [key, resource] : resources_) keys.push_back(key);
    return keys;
}

const Resource* Resources::find(ResourceKey resource) const {
    const auto found = resources_.find(resource);
    return found == resources_.end() ? nullptr : &found->second;
}

ResourceKey Resources::key_of(std::string_view tag) const {
    const auto found = by_tag_.find(tag);
    return found == by_tag_.end() ? 0 : found->second;
}

ResourceKey Resources::resource_of(RunId run) const {
    const auto found = runs_.find(run);
    return found == runs_.end() ? 0 : found->second;
}

int Resources::signal_of(RunId run) const {
    const Resource* const resource = find(resource_of(run));
    const ResourceRun* const found = resource ? resource->find_run(run) : nullptr;
    if (!found || found->phase == ResourceRun::Phase::running) return 0;
    return found->phase == ResourceRun::Phase::terminated ? SIGTERM : SIGKILL;
}

std::vector<Action> Resources::left_behind() const {
    std::vector<Action> actions;
    for (const auto& [key, resource] : resources_) {
        const EntryRef ref{resource.definition.tag};
        for (const auto* run : {&resource.run, &resource.check}) {
            if (!*run) continue;
            if (is_check((*run)->script))
                actions.push_back(SignalScript{(*run)->run, SIGKILL});  // which nobody would hear
            else if ((*run)->process)
                actions.push_back(Log{messages::left_running(ref, (*run)->process->pid)});
        }
        if (resource.in_service() && !leaving_.contains(key)) actions.push_back(Log{messages::application_left(ref)});
    }
    if (ending_ && ending_->order != 0)
        actions.push_back(Answer{ending_->order, number_of(ExitCode::refused), "interrupted: pcheck was ended before all were removed"});
    return actions;
}

// The places of the tags, and who stands above and below whom.
void Resources::index() {
    by_tag_.clear();
    children_.clear();
    parents_.clear();
    for (const ResourceKey key : order_) by_tag_.emplace(at(key).definition.tag, key);
    unsigned id = 0;
    for (const ResourceKey key : order_) {
        at(key).resource_id = ++id;
        for (const std::string& tag : at(key).definition.depends) {
            const auto child = by_tag_.find(tag);
            if (child == by_tag_.end()) continue;
            children_[key].push_back(child->second);
            parents_[child->second].push_back(key);
        }
    }
}

void Resources::on(const ScriptStarted& event) {
    const auto found = resources_.find(resource_of(event.run));
    if (found == resources_.end()) return;
    Resource& resource = found->second;
    for (auto* run : {&resource.run, &resource.check}) {
        if (*run && (*run)->run == event.run) (*run)->process = event.process;
    }
    touch(resource);  // before the edge lets the child go on
}

void Resources::on(const ScriptEnded& event) {
    const auto found = resources_.find(resource_of(event.run));
    runs_.erase(event.run);
    if (found == resources_.end()) return;
    Resource& resource = found->second;
    touch(resource);
    std::erase_if(resource.unended, [&event](const ResourceRun& one) { return one.run == event.run; });
    for (auto* place : {&resource.run, &resource.check}) {
        if (!*place || (*place)->run != event.run) continue;
        const ResourceRun run = *std::exchange(*place, std::nullopt);
        if (run.phase != ResourceRun::Phase::running) emit(SignalScript{event.run, SIGKILL});  // what is left of its group ends with it
        if (leaving_.contains(resource.key)) break;
        if (event.how == ScriptEnded::How::unknown && run.phase == ResourceRun::Phase::running)
            ended_unseen(resource, run);
        else
            ended(resource, judge_end(resource, run, event));
        break;
    }
    if (leaving_.contains(resource.key) && !resource.busy()) {
        leaving_.erase(resource.key);
        resources_.erase(found);
    }
}

Resources::Ended Resources::judge_end(const Resource& resource, const ResourceRun& run, const ScriptEnded& event) const {
    Ended end{.run = run, .outcome = Outcome::bad, .text = {}, .report = Report::unknown};
    if (run.phase != ResourceRun::Phase::running) {
        const Duration since = now_.instant - run.begun;  // one that was to end its work is ended before its limit
        const auto took = run.limit != Duration{} ? std::min(run.limit, since) : since;
        end.outcome = Outcome::timed_out;
        end.text = fmt::format("timeout={}s", std::chrono::duration_cast<std::chrono::seconds>(took).count());
    } else if (event.how == ScriptEnded::How::exited) {
        end.outcome = event.status == 0 ? Outcome::good : Outcome::bad;
        end.text = short_text_of_status(event.status);
        const bool all = resource.definition.flags.all_exit_codes;
        end.report = WIFEXITED(event.status) ? report_of(WEXITSTATUS(event.status), all) : all ? Report::unknown : Report::offline;
    } else {
        end.text = fmt::format("cannot execute: {}", event.reason);
    }
    return end;
}

void Resources::ended(Resource& resource, const Ended& end) {
    if (!resource.run && !resource.check) resource.remind_at.reset();
    if (resource.is_generic())
        generic_ended(resource, end);
    else
        cmdline_ended(resource, end);
}

void Resources::on(const Deadline&) {
    std::vector<std::pair<Instant, ResourceKey>> all;
    for (const auto& [key, resource] : resources_) {
        if (const auto at = resource.next_deadline(); at && *at <= now_.instant) all.emplace_back(*at, key);
    }
    std::ranges::sort(all);
    all.resize(std::min(all.size(), most_a_step));  // the others come with the next step
    for (const auto& [when, key] : all) due(at(key));
}

void Resources::due(Resource& resource) {
    const bool leaves = leaving_.contains(resource.key);
    touch(resource);
    if (resource.run && is_due(resource.run->deadline, now_.instant)) limit_due(resource, resource.run);
    if (resource.check && is_due(resource.check->deadline, now_.instant)) limit_due(resource, resource.check);
    if (is_due(resource.remind_at, now_.instant)) tell_long_run(resource);
    if (leaves) return;
    if (is_due(resource.remind_state_at, now_.instant)) remind(resource);
    if (is_due(resource.paused_until, now_.instant)) resume_and_tell(resource);
    if (is_due(resource.wait_at, now_.instant)) wait_due(resource);
    if (is_due(resource.tick_at, now_.instant)) ask_check(resource);
    check_due(resource);
}

}  // namespace banken::core
