// SPDX-License-Identifier: Apache-2.0
// The bytes of a segment that a killed pcheck has left: whatever stands there, the next one refuses it, or goes on with it and can be ended, and what
// it publishes can be gone on with again.
#include <algorithm>
#include <csignal>
#include <deque>
#include <functional>

#include "common/segment_codec.hpp"
#include "pcheck/adoption.hpp"
#include "pcheck/left_state.hpp"
#include "pcheck/records.hpp"
#include "pcheck/resource_records.hpp"
#include "tests/fake/random.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace banken::fuzz {
namespace {

constexpr std::string_view head = "IPCKEY 0x1f000501\nSHM_DUMP_FILE /var/tmp/dump\n";
constexpr std::string_view usual = "crond:/etc/restart:3600:3:continue:check=/bin/check:heartbeat=30\n";
constexpr Now adopted_at{Instant(std::chrono::hours(100)), WallTime(std::chrono::hours(400000)), 36000000};
constexpr std::size_t most_known = 8, most_turns = 400, most_at_once = 200;
constexpr Duration longest_wait = std::chrono::hours(24 * 400);

template <class Record>
void require_adoptable(const Record& record) {
    const auto again = decode<Record>(encode(record));
    require(again.has_value(), "a record that can be read again", again ? "" : again.error().text);
}

bool lives(ProcessId process) { return process.start % 2 == 0; }

// As many of the entries as together make a good pfile; the others are gone from it.
Pfile pfile_of(std::span<const EntryRecord> entries) {
    ParsedPfile good = parse_pfile(fmt::format("{}{}", head, usual));
    std::string text(head);
    for (const EntryRecord& entry : entries) {
        ParsedPfile more = parse_pfile(fmt::format("{}{}\n", text, entry.line));
        if (!more.good() || more.pfile.pents.empty() || more.pfile.pents.size() > most_known) continue;
        text += entry.line + "\n";
        good = std::move(more);
    }
    return std::move(good.pfile);
}

std::vector<Definition> definitions_of(std::span<const ResourceRecord> records) {
    std::vector<Definition> definitions;
    for (const ResourceRecord& record : records) {
        const auto has_tag = [&](const Definition& one) { return one.tag == record.tag; };
        if (record.tag.empty() || definitions.size() == most_known || std::ranges::any_of(definitions, has_tag)) continue;
        Definition definition;
        definition.tag = definition.id = record.tag;
        definition.kind = record.kind == 0 ? ResourceKind::generic : ResourceKind::cmdline;
        for (std::size_t script = 0; script < resource_scripts; ++script) {
            if ((record.scripts >> script & 1) != 0) definition.scripts.at(script) = {{"/etc/script"}, "/etc/script"};
        }
        if (!definitions.empty() && !record.depends.empty()) definition.depends = {definitions.back().tag};
        definitions.push_back(std::move(definition));
    }
    return definitions;
}

// Both cores, on a machine whose processes and scripts do what the dice say.
class Host {
public:
    Host(const LeftState& left, std::size_t seed)
        : left_(left), dice_(seed), core_(adopted_entries()), resources_(definitions_of(left.resources), core_.param(), false, now_) {}

    void play() {
        begin();
        for (std::size_t turn = 0; turn < most_turns && !ended_; ++turn) do_next();
        if (ended_) return;
        core::Order shutdown;
        shutdown.verb = core::Verb::shutdown;
        tell(shutdown);
        require(ended_, "an order to end that is carried out");
    }

private:
    core::Supervisor adopted_entries();
    core::Adopted adopt_resources();
    void begin();
    void do_next();
    void sweep();
    void order();
    void pass_time();
    void tell(const core::Event& event);
    void tell_resources(const core::Event& event) { perform(resources_.step(event, now_)); }
    void perform(const std::vector<core::Action>& actions);
    void publish_all();
    void begin_script(core::RunId run);
    void end_script(core::RunId run, int status) { news_.emplace_back(core::ScriptEnded{run, core::ScriptEnded::How::exited, status, {}}); }
    [[nodiscard]] ProcessId any_process() { return {static_cast<pid_t>(1 + dice_.below(30000)), now_.ticks}; }

    void on(const core::Log& action) { require_printable(action.message.text); }
    void on(const core::Raise& action) { require_printable(action.message.text); }
    void on(const core::Publish& action);
    void on(const core::PublishAll&) { publish_all(); }
    void on(const core::PublishResource& action);
    void on(const core::Look& action);
    void on(const core::ReadHeartbeat& action);
    void on(const core::Measure& action);
    void on(const core::RunScript& action) { begin_script(action.run); }
    void on(const core::RunResourceScript& action) { begin_script(action.run); }
    void on(const core::SignalScript& action) { end_script(action.run, action.signal); }
    void on(const core::SignalProcess& action);
    void on(const core::EndAfterRemove&) { ended_ = true; }
    void on(const core::End&) { ended_ = true; }
    template <class Other>
    void on(const Other&) {}

    const LeftState& left_;
    Random dice_;
    Now now_ = adopted_at;
    Adoption adoption_;
    core::Supervisor core_;
    core::Resources resources_;
    std::deque<core::Event> news_;
    std::size_t at_once_ = 0;
    bool ended_ = false;
};

core::Supervisor Host::adopted_entries() {
    adoption_ = adoption_of(left_.entries, left_.leaving, left_.param, {lives, lives});
    return {pfile_of(left_.entries), core::Manner{.as_root = true}, std::move(adoption_.recorded), now_};
}

core::Adopted Host::adopt_resources() {
    ResourceAdoption adoption = resources_of(left_.resources, left_.header, lives);
    resources_.adopt(std::move(adoption.recorded), now_);
    std::vector<core::RunId> live;
    for (const AdoptedRun& run : adoption.lived) {
        live.push_back(run.run);
        if (dice_.chance(80)) end_script(run.run, 0);
    }
    core::Adopted adopted;
    for (const core::ResourceKey key : resources_.all()) adopted.resources.push_back({key, live});
    return adopted;
}

// As the daemon does: what has become of it is told first, then the ends of what lived.
void Host::begin() {
    const core::Adopted resources = adopt_resources();
    publish_all();
    tell(adoption_.event);
    for (const AdoptedScript& script : adoption_.scripts) {
        if (dice_.chance(80)) end_script(script.run, dice_.chance(50) ? 0 : 256);
    }
    tell_resources(resources);
    sweep();
    tell(core::FirstSweepDone{});
}

void Host::do_next() {
    if (!news_.empty()) {
        const core::Event event = std::move(news_.front());
        news_.pop_front();
        return tell(event);
    }
    if (dice_.chance(10)) return sweep();
    if (dice_.chance(5)) return order();
    pass_time();
}

void Host::sweep() {
    for (const core::EntryKey key : std::vector(core_.entries().begin(), core_.entries().end())) on(core::Look{key, 0, false});
}

void Host::order() {
    constexpr std::array verbs{OrderVerb::stop,   OrderVerb::start, OrderVerb::clear,   OrderVerb::restart, OrderVerb::restore,
                               OrderVerb::remove, OrderVerb::check, OrderVerb::recover, OrderVerb::standby};
    core::Order order;
    order.verb = dice_.among(verbs);
    if (!is_for_resources(order.verb)) {
        order.target = std::to_string(1 + dice_.below(core_.entries().size() + 1));
        return tell(order);
    }
    const auto resources = resources_.resources();
    if (resources.empty()) return;
    order.target = resources_.find(dice_.among(resources))->definition.tag;
    tell_resources(order);
}

// A deadline that is met over and over while time stands still would keep the loop from everything else.
void Host::pass_time() {
    const auto one = core_.next_deadline(), other = resources_.next_deadline();
    const Instant next = std::min(one.value_or(Instant::max()), other.value_or(Instant::max()));
    if (next > now_.instant + longest_wait) return;
    if (next > now_.instant) {
        const Duration passed = next - now_.instant;
        now_ = {next, now_.wall + passed, now_.ticks + static_cast<BootTicks>(passed / std::chrono::milliseconds(10))};
        at_once_ = 0;
    }
    require(++at_once_ <= most_at_once, "deadlines that pass");
    if (one && *one <= now_.instant) tell(core::Deadline{});
    if (other && *other <= now_.instant && !ended_) tell_resources(core::Deadline{});
}

void Host::tell(const core::Event& event) {
    const auto is_of_resources = [](const auto& what) {
        if constexpr (requires { what.run; }) return what.run >= core::first_resource_run;
        return false;
    };
    if (std::visit(is_of_resources, event)) return tell_resources(event);
    perform(core_.step(event, now_));
}

void Host::perform(const std::vector<core::Action>& actions) {
    for (const core::Action& action : actions) std::visit([this](const auto& what) { on(what); }, action);
}

void Host::publish_all() {
    for (const core::EntryKey key : core_.entries()) on(core::Publish{key});
    for (const core::EntryKey key : core_.leaving()) on(core::Publish{key});
    for (const core::ResourceKey key : resources_.all()) on(core::PublishResource{key});
}

void Host::begin_script(core::RunId run) {
    if (dice_.chance(10)) {
        news_.emplace_back(core::ScriptEnded{run, core::ScriptEnded::How::refused, 0, "a reason"});
        return;
    }
    news_.emplace_back(core::ScriptStarted{run, any_process()});
    if (dice_.chance(80)) end_script(run, dice_.chance(50) ? 0 : 256);
}

void Host::on(const core::Publish& action) {
    if (const core::Watch* watch = core_.find(action.entry)) require_adoptable(record_of(*watch, core_));
}

void Host::on(const core::PublishResource& action) {
    if (const core::Resource* resource = resources_.find(action.resource))
        require_adoptable(record_of(*resource, resources_.is_leaving(action.resource)));
}

void Host::on(const core::Look& action) {
    core::Looked looked{action.entry, action.number, {}};
    const core::Watch* watch = core_.find(action.entry);
    if (watch && watch->main && dice_.chance(50)) looked.matches.emplace_back().id = *watch->main;
    while (dice_.chance(30)) looked.matches.emplace_back().id = any_process();
    news_.emplace_back(std::move(looked));
}

void Host::on(const core::ReadHeartbeat& action) {
    news_.emplace_back(core::HeartbeatRead{action.entry, dice_.chance(50) ? std::optional(Duration(dice_.below(1u << 31))) : std::nullopt});
}

void Host::on(const core::Measure& action) {
    news_.emplace_back(core::Measured{action.entry, action.process, dice_.chance(50) ? 'D' : 'S', now_.instant.time_since_epoch() / 2,
                                      dice_.below(1u << 30), 9});
}

void Host::on(const core::SignalProcess& action) {
    for (const core::EntryKey key : core_.entries()) {
        if (core_.find(key)->main == action.process)
            news_.emplace_back(core::Died{key, action.process, {Cause::Kind::status, action.signal}, now_.ticks});
    }
}

}  // namespace

const bool repeatable = false;

void test_one(std::string_view input) {
    const auto words = words_of(input);
    const auto reader = SegmentReader::open(words);
    if (!reader) return require_printable(reader.error().text);
    const auto header = reader->header();
    if (!header) return require_printable(header.error().text);
    const auto left = left_in(*reader, header->owner);
    if (!left) return require_printable(left.error().text);
    if (*left) Host(**left, std::hash<std::string_view>{}(input)).play();
}

}  // namespace banken::fuzz
