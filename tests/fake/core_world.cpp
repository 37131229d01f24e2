// SPDX-License-Identifier: Apache-2.0
#include "tests/fake/core_world.hpp"

#include <stdexcept>

namespace banken::core {
namespace {

constexpr std::string_view always = "IPCKEY 0x1f000501\nSHM_DUMP_FILE /var/tmp/dump\n";

}  // namespace

Pfile World::pfile(std::string_view pents, std::string_view params) {
    ParsedPfile parsed = parse_pfile(fmt::format("{}{}\n{}\n", always, params, pents));
    for (const Diagnostic& diagnostic : parsed.diagnostics) {
        if (diagnostic.severity == Diagnostic::Severity::error) throw std::runtime_error(text_of(diagnostic, "test"));
    }
    return std::move(parsed.pfile);
}

World::World(std::string_view pents, std::string_view params, bool as_root) : core(pfile(pents, params), Manner{as_root, false}, now) {}

void World::step(const Event& event) {
    perform(core.step(event, now));
    if (answer_at_once) answer_looks();
}

void World::perform(const std::vector<Action>& actions) {
    std::vector<RunId> begun;
    for (const Action& action : actions) {
        if (const auto* log = std::get_if<Log>(&action)) lines_.push_back(log->message.text);
        if (const auto* look = std::get_if<Look>(&action)) looks_.push_back(*look);
        if (const auto* answer = std::get_if<Answer>(&action)) answers_.push_back(*answer);
        if (const auto* signal = std::get_if<SignalProcess>(&action)) signals_.push_back(*signal);
        if (const auto* signal = std::get_if<SignalScript>(&action)) script_signals_.push_back(*signal);
        if (const auto* remind = std::get_if<Remind>(&action)) reminders_.push_back(*remind);
        if (const auto* end = std::get_if<End>(&action)) end_ = *end;
        if (const auto* measure = std::get_if<Measure>(&action)) measures_.push_back(*measure);
        if (const auto* read = std::get_if<ReadHeartbeat>(&action)) heartbeats_read_.push_back(*read);
        if (const auto* script = std::get_if<RunScript>(&action)) {
            auto& runs = script->kind == ScriptKind::check ? checks_ : runs_;
            if (runs.contains(script->entry)) throw std::runtime_error("two scripts of one entry");
            runs[script->entry] = script->run;
            begun.push_back(script->run);
        }
    }
    if (hold_starts) return;
    for (const RunId run : begun) step(ScriptStarted{run, {++last_script_, now.ticks}});
}

void World::answer_looks() {
    while (!looks_.empty()) {
        for (const Look& look : std::exchange(looks_, {})) perform(core.step(Looked{look.entry, look.number, matches_[look.entry]}, now));
    }
}

ProcessId World::run(EntryKey entry, pid_t pid) {
    Candidate candidate;
    candidate.id = {pid, now.ticks};
    candidate.session = pid;
    candidate.argv0 = "daemon";
    add(entry, candidate);
    return candidate.id;
}

void World::add(EntryKey entry, const Candidate& candidate) { matches_[entry].push_back(candidate); }

void World::die(EntryKey entry, Cause cause) {
    const ProcessId process = *core.find(entry)->main;
    std::erase_if(matches_[entry], [process](const Candidate& candidate) { return candidate.id == process; });
    step(Died{entry, process, cause, now.ticks});
}

void World::sweep() {
    for (const EntryKey entry : std::vector(core.entries().begin(), core.entries().end())) step(Looked{entry, 0, matches_[entry]});
}

void World::start_up() {
    sweep();
    step(FirstSweepDone{});
}

void World::advance(Duration duration) {
    now.instant += duration;
    now.wall += duration;
    now.ticks = static_cast<BootTicks>(now.instant.time_since_epoch() / std::chrono::milliseconds(10));
}

void World::pass(Duration duration) {
    const Instant until = now.instant + duration;
    for (auto next = core.next_deadline(); next && *next <= until; next = core.next_deadline()) {
        advance(std::max(*next - now.instant, Duration{}));
        step(Deadline{});
    }
    advance(until - now.instant);
}

void World::script_exits(EntryKey entry, int code) {
    step(ScriptEnded{runs_.extract(entry).mapped(), ScriptEnded::How::exited, code << 8, {}});
}

void World::script_ends(EntryKey entry, ScriptEnded::How how, std::string reason) {
    step(ScriptEnded{runs_.extract(entry).mapped(), how, 0, std::move(reason)});
}

void World::check_ends(EntryKey entry, int code) {
    step(ScriptEnded{checks_.extract(entry).mapped(), ScriptEnded::How::exited, code << 8, {}});
}

void World::check_ends(EntryKey entry, ScriptEnded::How how, std::string reason) {
    step(ScriptEnded{checks_.extract(entry).mapped(), how, 0, std::move(reason)});
}

void World::order(Verb verb, std::string target, std::optional<Duration> duration) { step(Order{7, verb, std::move(target), duration}); }

void World::event(std::string event, std::string target) { step(Order{7, Verb::event, std::move(target), {}, std::move(event)}); }

void World::reload(std::string_view pents, std::string_view params) { step(Reloaded{7, pfile(pents, params)}); }

std::string World::state(EntryKey key) const {
    const Watch* watch = core.find(key);
    if (!watch) return "none";
    return fmt::format("{}{}{}", text_of(watch->state), watch->wait == EntryWait::none ? "" : " ", text_of(watch->wait));
}

World running(std::string_view pents, std::string_view params, Duration ago) {
    World world(pents, params);
    for (const EntryKey key : world.core.entries()) world.run(key, static_cast<pid_t>(99 + key));
    world.start_up();
    world.pass(ago);
    static_cast<void>(world.log());
    return world;
}

}  // namespace banken::core
