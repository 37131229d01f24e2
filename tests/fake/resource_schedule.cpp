// SPDX-License-Identifier: Apache-2.0
#include "tests/fake/resource_schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>

namespace banken::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Script = ResourceScript;

constexpr std::size_t told_of_the_story = 80;
constexpr unsigned most_in_one_instant = 500;

std::string text_of(const Event& event, const LiveScripts& live) {
    if (const auto* order = std::get_if<Order>(&event))
        return fmt::format("order {} {} {}", order->id, banken::text_of(order->verb), order->target);
    if (const auto* ended = std::get_if<ScriptEnded>(&event)) {
        const auto found = live.find(ended->run);
        const std::string tag = found == live.end() ? "?" : found->second.tag;
        return fmt::format("{} {} ended status={:#x}", tag, found == live.end() ? "?" : banken::text_of(found->second.what.script),
                           ended->status);
    }
    if (const auto* started = std::get_if<ScriptStarted>(&event)) return fmt::format("run {} started", started->run - first_resource_run);
    if (std::holds_alternative<Reloaded>(event)) return "reloaded";
    if (std::holds_alternative<Adopted>(event)) return "adopted";
    return "deadline";
}

// What the segment does not carry.
Resource as_recorded(Resource resource) {
    resource.deep_follows = resource.told_report = resource.told_status = false;
    resource.remind_at.reset();
    resource.stop_begun.reset();
    return resource;
}

// What a pcheck that takes over must know.
std::string essence(const Resource& one) {
    const auto run = [](const std::optional<ResourceRun>& what) {
        return what ? fmt::format("{}/{}/{}/{}", what->run - first_resource_run, what->process ? what->process->pid : 0,
                                  static_cast<int>(what->phase), what->unwanted)
                    : "-";
    };
    return fmt::format(
        "{} {} step {} out {} ordered {} fault {} paused {} standby {} recovering {} was_in {} auto {} L {} begins {} unended {} run {} "
        "check {}: {}",
        banken::text_of(one.state), banken::text_of(one.goal), static_cast<int>(one.step),
        one.is_leaving() ? static_cast<int>(one.why_out) : 0, one.ordered, one.fault, one.paused, one.to_standby, one.recovering,
        one.was_in, one.autorecovered, banken::text_of(one.report), one.recoveries.size(), one.unended.size(), run(one.run), run(one.check),
        one.reason);
}

}  // namespace

ResourceSchedule::ResourceSchedule(std::uint64_t seed, ResourceCoverage& coverage, bool tells)
    : random_(seed),
      tells_(tells),
      tree_(random_),
      coverage_(coverage),
      now_{Instant(std::chrono::hours(1)), WallTime(seconds(1)), 360000} {
    trouble_ = static_cast<unsigned>(random_.below(3)) * 25;
    if (random_.chance(20)) param_.remind_interval = {};
}

std::string ResourceSchedule::play(unsigned steps) {
    story(tree_.text());
    begin();
    while (steps-- > 0 && !ended_ && rules_.broken().empty()) {
        if (std::exchange(killed_, false)) adopt();
        something();
    }
    if (!ended_ && rules_.broken().empty() && random_.chance(50)) settle_down();
    if (rules_.broken().empty()) return {};
    std::string text = rules_.broken();
    const std::size_t skipped = story_.size() > told_of_the_story ? story_.size() - told_of_the_story : 0;
    if (skipped > 0) text += "\n  " + story_.front();
    for (std::size_t i = skipped; i < story_.size(); ++i) text += "\n  " + story_[i];
    return text + "\n" + state_text();
}

// With a dump, or without.
void ResourceSchedule::begin() {
    RecordedStates recorded;
    constexpr std::array states{RecordedState::in, RecordedState::in, RecordedState::out, RecordedState::failed};
    for (const Definition& definition : tree_.definitions()) {
        if (random_.chance(50)) recorded[definition.tag] = random_.among(states);
    }
    core_ = std::make_unique<Resources>(tree_.definitions(), param_, false, now_);
    for (const ResourceKey key : core_->resources()) segment_[key] = *core_->find(key);
    rules_.before(*core_, Deadline{}, live_, now_.instant);
    told(core_->begin(recorded, now_));
}

// ---- the core is told, and wants things done ----

void ResourceSchedule::tell(const Event& event) {
    if (ended_ || killed_ || !rules_.broken().empty()) return;
    story(fmt::format("{:.3f} {}", static_cast<double>(now_.instant.time_since_epoch().count()) / 1e9, text_of(event, live_)));
    std::map<ResourceKey, Resource> before;
    for (const ResourceKey key : core_->all()) before[key] = *core_->find(key);
    rules_.before(*core_, event, live_, now_.instant);
    if (const auto* ended = std::get_if<ScriptEnded>(&event)) live_.erase(ended->run);
    std::vector<Action> actions;
    try {
        actions = core_->step(event, now_);
    } catch (const std::exception& error) {
        return fail(fmt::format("thrown: {}", error.what()));
    }
    coverage_.note(before, event, *core_);
    told(actions);
}

void ResourceSchedule::told(const std::vector<Action>& actions) {
    rules_.after(*core_, actions);
    recorded_ending_ = core_->ending();
    ++depth_;
    for (const Action& action : actions) {
        if (killed_ || ended_) break;
        perform(action);
    }
    if (--depth_ == 0 && !killed_ && !ended_) judge_record();
}

void ResourceSchedule::perform(const Action& action) {
    if (const auto* log = std::get_if<Log>(&action)) story("      " + log->message.text);
    if (const auto* answer = std::get_if<Answer>(&action))
        story(fmt::format("      answer {}: {} {}", answer->order, answer->exit_status, answer->text));
    if (const auto* publish = std::get_if<PublishResource>(&action))
        segment_[publish->resource] = as_recorded(*core_->find(publish->resource));
    if (const auto* wanted = std::get_if<RunResourceScript>(&action)) run(*wanted);
    if (const auto* wanted = std::get_if<SignalScript>(&action)) signal(*wanted);
    if (const auto* end = std::get_if<EndAfterRemove>(&action)) {
        story("      pcheck ends: " + end->reason);
        ended_ = true;
    }
}

// A pcheck that is killed now has adopted from this.
void ResourceSchedule::judge_record() {
    std::erase_if(segment_, [this](const auto& one) { return core_->find(one.first) == nullptr; });
    for (const ResourceKey key : core_->all()) {
        const Resource& resource = *core_->find(key);
        const auto found = segment_.find(key);
        const std::string recorded = found == segment_.end() ? "" : essence(found->second);
        if (recorded != essence(resource))
            fail(fmt::format("{} is recorded as {}, it is {}", resource.definition.tag, recorded, essence(resource)));
    }
}

// ---- scripts ----

void ResourceSchedule::run(const RunResourceScript& action) {
    const Resource* resource = core_->find(action.resource);
    if (!resource) return fail("a script of nobody");
    story(fmt::format("      {} {}", resource->definition.tag, banken::text_of(action.script)));
    rules_.begins(*core_, action, live_, adopting_);
    if (!calm_ && random_.chance(1)) {
        killed_ = true;  // pcheck, before its child is released: the script is never run
        return;
    }
    LiveScript script{action, {++last_pid_, now_.ticks}, resource->definition.tag, resource->stage, Report::none, false, false, false};
    const bool wrong = !calm_ && random_.chance(trouble_);
    if (wrong && random_.chance(10)) {
        script.process = {};
        live_[action.run] = script;
        return later({}, [this, run = action.run] { tell(ScriptEnded{run, ScriptEnded::How::not_executed, 0, "No such file"}); });
    }
    script.stubborn = wrong && random_.chance(30);
    script.immortal = script.stubborn && random_.chance(40);
    live_[action.run] = script;
    tell(ScriptStarted{action.run, script.process});
    if (wrong && random_.chance(30)) return;  // hangs
    constexpr std::array lengths{Duration(milliseconds(100)), Duration(seconds(2)), Duration(seconds(10)), Duration(seconds(40))};
    const bool quick = calm_ || (is_check(action.script) && random_.chance(70));
    later(quick ? milliseconds(200) : random_.among(lengths), [this, run = action.run, process = script.process] {
        const auto found = live_.find(run);
        if (found != live_.end() && found->second.process == process) script_ends(run, process, status_of(found->second));
    });
}

int ResourceSchedule::status_of(const LiveScript& script) {
    const bool wrong = !calm_ && random_.chance(trouble_);
    const bool checks = script.what.script == Script::check;
    if (wrong && random_.chance(10)) return SIGSEGV;
    if (checks) {
        const auto found = std::ranges::find(tree_.definitions(), script.tag, &Definition::tag);
        const bool strange = paused_ == script.tag || (is_standby(script.tag) && random_.chance(5));
        if (wrong || (!calm_ && strange)) return static_cast<int>(random_.below(8)) << 8;
        const Report report = applications_[script.tag];
        if (report == Report::online) return 0;
        const bool all = found != tree_.definitions().end() && found->flags.all_exit_codes;
        return report == Report::standby ? (all ? 4 << 8 : 0) : 1 << 8;
    }
    if (script.what.script == Script::start && !wrong) applications_[script.tag] = script.what.facts.intended;
    if (script.what.script == Script::stop && !wrong) applications_[script.tag] = Report::offline;
    return wrong ? 1 << 8 : 0;
}

void ResourceSchedule::script_ends(RunId run, ProcessId process, int wait_status) {
    const auto found = live_.find(run);
    if (found == live_.end() || found->second.process != process) return;
    const bool told = !found->second.stranger || random_.chance(50);
    tell(ScriptEnded{run, told ? ScriptEnded::How::exited : ScriptEnded::How::unknown, told ? wait_status : 0, {}});
    if (killed_ || ended_) live_.erase(run);
}

void ResourceSchedule::signal(const SignalScript& action) {
    const auto found = live_.find(action.run);
    if (found == live_.end()) return;
    const LiveScript& script = found->second;
    const bool obeys = action.signal == SIGKILL || !script.stubborn;
    if (!obeys) return;
    const Duration longest = script.immortal ? Duration(seconds(90)) : milliseconds(100);
    later(longest, [this, run = action.run, process = script.process, signal = action.signal] { script_ends(run, process, signal); });
}

// ---- time ----

void ResourceSchedule::later(Duration longest, std::function<void()> deed) {
    const Duration wait(static_cast<Duration::rep>(random_.below(static_cast<std::size_t>(longest.count()) + 1)));
    deliveries_.push_back({now_.instant + wait, ++last_delivery_, std::move(deed)});
}

void ResourceSchedule::pass(Duration duration) {
    const Instant until = now_.instant + duration;
    const auto set = [this](Instant instant) { now_ = {instant, now_.wall + (instant - now_.instant), now_.ticks + 1}; };
    unsigned in_this_instant = 0;
    while (!ended_ && rules_.broken().empty()) {
        const auto earlier = [](const Delivery& left, const Delivery& right) {
            return std::pair(left.at, left.number) < std::pair(right.at, right.number);
        };
        const auto delivery = std::ranges::min_element(deliveries_, earlier);
        Instant next = killed_ ? Instant::max() : core_->next_deadline().value_or(Instant::max());
        if (delivery != deliveries_.end()) next = std::min(next, delivery->at);
        next = std::max(next, now_.instant);
        if (next > until) break;
        in_this_instant = next == now_.instant ? in_this_instant + 1 : 0;
        if (in_this_instant > most_in_one_instant) return fail("time stands still");
        set(next);
        if (delivery != deliveries_.end() && delivery->at <= next) {
            const auto deed = std::move(delivery->deed);
            deliveries_.erase(delivery);
            deed();
        } else {
            tell(Deadline{});
        }
    }
    if (rules_.broken().empty() && until > now_.instant) set(until);
}

// Nothing new happens, and all scripts end.
void ResourceSchedule::settle_down() {
    calm_ = true;
    if (std::exchange(killed_, false)) adopt();
    for (auto& [run, script] : live_) {
        script.stubborn = script.immortal = false;
        later(seconds(1), [this, run = run, process = script.process] {
            const auto found = live_.find(run);
            if (found != live_.end()) script_ends(run, process, status_of(found->second));
        });
    }
    for (int i = 0; i < 30; ++i) pass(seconds(30));
    if (!ended_ && rules_.broken().empty()) rules_.at_rest(*core_);
}

// ---- what happens ----

std::string ResourceSchedule::some_tag() {
    const auto& definitions = tree_.definitions();
    return definitions[random_.below(definitions.size())].tag;
}

// What is over soon, or seldom begins: it is asked more often, that each cell of the table is met.
std::string ResourceSchedule::rare_tag() const {
    std::string tag;
    for (const ResourceKey key : core_->resources()) {
        const Resource& resource = *core_->find(key);
        if (resource.runs(Script::recover) || resource.runs(Script::start) || resource.runs(Script::stop)) return resource.definition.tag;
        if (resource.state == ResourceState::standby) tag = resource.definition.tag;
    }
    return tag;
}

bool ResourceSchedule::is_standby(const std::string& tag) const {
    return std::ranges::any_of(core_->resources(), [&](ResourceKey key) {
        const Resource& resource = *core_->find(key);
        return resource.definition.tag == tag && resource.state == ResourceState::standby;
    });
}

void ResourceSchedule::something() {
    if (const std::string tag = rare_tag(); !tag.empty() && random_.chance(15)) {
        if (random_.chance(70)) return order(tag);
        tree_.edit(tag.front());
        return reload();
    }
    constexpr std::array spans{Duration(milliseconds(50)), Duration(seconds(1)), Duration(seconds(5)), Duration(seconds(20)),
                               Duration(seconds(90))};
    const std::size_t what = random_.below(100);
    if (what < 60) return pass(Duration(static_cast<Duration::rep>(random_.below(static_cast<std::size_t>(random_.among(spans).count())))));
    if (what < 85) return order(some_tag());
    if (what < 90) {
        constexpr std::array reports{Report::offline, Report::offline, Report::online, Report::standby};
        applications_[some_tag()] = random_.among(reports);
        return;
    }
    if (what < 94) {
        if (random_.chance(80)) tree_.edit(tree_.some_tag());
        return reload();
    }
    if (what < 97) killed_ = true;
    if (what == 98) trouble_ = static_cast<unsigned>(random_.below(4)) * 20;
    if (what == 99) tell(Deadline{});
}

void ResourceSchedule::reload() {
    story(tree_.text());
    Reloaded reloaded;
    reloaded.pfile.param = param_;
    reloaded.pfile.resources = tree_.definitions();
    tell(reloaded);
}

void ResourceSchedule::order(std::string tag) {
    constexpr std::array verbs{Verb::restore, Verb::restore, Verb::restore, Verb::standby, Verb::remove, Verb::remove,
                               Verb::check,   Verb::recover, Verb::event,   Verb::clear,   Verb::clear,  Verb::stop,
                               Verb::start,   Verb::start,   Verb::recover, Verb::update};
    Order order{.id = ++last_order_, .verb = random_.among(verbs), .target = std::move(tag), .duration = {}, .event = {}, .remove = false};
    const auto target = std::ranges::find(tree_.definitions(), order.target, &Definition::tag);
    const bool stands_by = is_standby(order.target);
    if (target->flags.standby_capable && !stands_by && random_.chance(60)) order.verb = Verb::standby;
    if (paused_ == order.target && random_.chance(60)) order.verb = Verb::check;
    constexpr std::array gentle{Verb::check, Verb::event, Verb::stop, Verb::standby};  // most others end a Standby
    if (stands_by && random_.chance(35)) order.verb = random_.among(gentle);
    if (order.verb == Verb::stop) paused_ = order.target;
    if (order.verb == Verb::event) order.event = random_.chance(80) ? "disk/full" : "app/hangs";
    if (order.verb == Verb::stop && random_.chance(40)) order.duration = seconds(1 + random_.below(60));
    if (random_.chance(4)) {
        order.verb = Verb::shutdown;
        order.remove = true;
        order.target.clear();
    }
    tell(order);
}

// pcheck was killed. Scripts went on meanwhile; the next one knows what was recorded, and hears of those that still live.
void ResourceSchedule::adopt() {
    story("      pcheck is killed");
    killed_ = true;
    pass(seconds(random_.below(calm_ ? 2 : 40)));
    killed_ = false;
    if (random_.chance(20)) tree_.edit(tree_.some_tag());
    RecordedResources recorded;
    Adopted event;
    std::vector<RunId> alive;
    for (const auto& [key, resource] : segment_) {
        recorded.resources.push_back(resource);
        for (const auto* run : {&resource.run, &resource.check}) {
            if (*run && (*run)->process && live_.contains((*run)->run)) alive.push_back((*run)->run);
        }
        for (const ResourceRun& run : resource.unended) {
            if (live_.contains(run.run)) alive.push_back(run.run);
        }
    }
    coverage_.note_adoption(recorded.resources, alive);
    recorded.ending = recorded_ending_;
    if (recorded.ending) recorded.ending->order = 0;
    rules_.adopted(*core_);
    std::erase_if(live_,
                  [&alive](const auto& one) { return std::ranges::find(alive, one.first) == alive.end() && one.second.process.pid == 0; });
    core_ = std::make_unique<Resources>(tree_.definitions(), param_, false, now_);
    core_->adopt(std::move(recorded), now_);
    segment_.clear();
    for (const ResourceKey key : core_->all()) {
        segment_[key] = as_recorded(*core_->find(key));
        event.resources.push_back({key, alive});
    }
    adopting_ = true;
    tell(event);
    adopting_ = false;
    for (auto& [run, script] : live_) {
        script.what.resource = core_->resource_of(run);
        script.stranger = true;
    }
}

std::string ResourceSchedule::state_text() const {
    std::string text;
    for (const ResourceKey key : core_->all()) {
        const Resource& one = *core_->find(key);
        text += essence(one) + "\n";
        text += fmt::format("{} {} {} goal {} step {} run {} check {} unended {} paused {} fault {} standby {} reason {}\n", key,
                            one.definition.tag, banken::text_of(one.state), banken::text_of(one.goal), static_cast<int>(one.step),
                            one.run ? banken::text_of(one.run->script) : "-", one.check.has_value(), one.unended.size(), one.paused,
                            one.fault, one.to_standby, one.reason);
    }
    return text;
}

}  // namespace banken::core
