// SPDX-License-Identifier: Apache-2.0
#include "pcheck/sweep.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "common/sys/clock.hpp"
#include "common/sys/proc_table.hpp"
#include "pcheck/matches.hpp"
#include "pcheck/process_reader.hpp"

namespace banken {
namespace {

using core::EntryKey;
using PassNumber = std::uint64_t;

constexpr std::size_t titles_per_sweep = 4096;
constexpr Duration after_a_failed_pass = std::chrono::seconds(1);

// The processes that are asked about, each since the pass that found it.
class Undecided {
public:
    struct Item {
        ProcessId process;
        std::uint64_t number = 0;
        PassNumber since = 0, asked_last = 0;
        bool keep = false;
    };

    const Item& ask(ProcessId process, PassNumber pass, bool keep) {
        Item& item = items_[process.pid];
        if (item.process != process) {
            if (item.number != 0) uncount(item.since);
            item = {process, 0, pass, pass, keep};
            ++counts_[pass];
        }
        item.number = ++last_;
        item.asked_last = pass;
        item.keep = item.keep && keep;
        return item;
    }
    // Whether the process keeps what it matched; nothing: nobody waits for it. Asked anew since, it stays undecided, but what waited for
    // it so far does no longer: a process that changes all the time holds up nobody.
    std::optional<bool> decide(const Reading& reading) {
        const auto found = items_.find(reading.id.pid);
        if (found == items_.end() || found->second.process != reading.id) return {};
        Item& item = found->second;
        const bool keep = item.keep;
        if (item.number == reading.number) {
            drop(reading.id.pid);
        } else {
            uncount(item.since);
            item.since = item.asked_last;
            ++counts_[item.since];
        }
        return keep;
    }
    void drop(pid_t pid) {
        const auto found = items_.find(pid);
        if (found == items_.end()) return;
        uncount(found->second.since);
        items_.erase(found);
    }
    // All that this pass has found is decided.
    [[nodiscard]] bool decided(PassNumber pass) const { return counts_.empty() || counts_.begin()->first > pass; }

private:
    void uncount(PassNumber pass) {
        if (--counts_[pass] == 0) counts_.erase(pass);
    }
    std::unordered_map<pid_t, Item> items_;
    std::map<PassNumber, std::size_t> counts_;
    std::uint64_t last_ = 0;
};

// What is told when all that a pass has found is decided.
struct Round {
    PassNumber pass = 0;
    std::vector<core::Look> asked;
    bool sweep = false;
};

}  // namespace

struct Sweep::State {
    State(Handlers to, const std::shared_ptr<const sys::ProcDir>& dir, sys::Worker worker)
        : handlers(std::move(to)), table(dir), matches(table), reader(dir, std::move(worker)) {}

    void set_rules(std::vector<EntryRule> all);
    [[nodiscard]] bool run_pass(sys::Depth depth, Instant now);
    void take(const sys::TableChange& change);
    void ask(ProcessId process, bool keep);
    void ask_titles();
    void advance(Instant now);
    void settle(const Reading& reading);
    void tell_unreadable();
    void deliver();
    void tell(EntryKey entry, std::uint64_t number);

    Handlers handlers;
    sys::ProcTable table;
    Matches matches;
    ProcessReader reader;
    std::shared_ptr<const RuleIndex> rules = std::make_shared<const RuleIndex>();
    Undecided undecided;
    std::vector<core::Look> asked;
    std::deque<Round> rounds;
    PassNumber pass = 0;
    Instant next_look{};
    pid_t last_title = 0;
    bool unreadable_told = false;
};

void Sweep::State::set_rules(std::vector<EntryRule> all) {
    if (all == rules->rules()) return;
    std::set<EntryKey> entries;
    for (const auto& rule : all) entries.insert(rule.entry);
    matches.set_entries(entries);
    rules = std::make_shared<const RuleIndex>(std::move(all));
    reader.set_rules(rules);
    for (Round& round : rounds) round.pass = pass;
    for (const ProcessId process : table.all()) ask(process, true);
}

// False: nothing was learned, so nothing may be told.
bool Sweep::State::run_pass(sys::Depth depth, Instant now) {
    const Instant begin = sys::read_instant();
    const auto changes = table.pass(depth);
    next_look = now + (changes ? std::max(pass_distance, pass_share * (sys::read_instant() - begin)) : after_a_failed_pass);
    if (!changes) return false;
    ++pass;
    for (const auto& change : *changes) take(change);
    matches.watch_scripts();
    return true;
}

void Sweep::State::take(const sys::TableChange& change) {
    using Kind = sys::TableChange::Kind;
    switch (change.kind) {
        case Kind::appeared:
        case Kind::executed: return ask(change.id, false);
        case Kind::renamed: return ask(change.id, true);
        case Kind::moved: return matches.moved(change.id.pid);
        case Kind::gone:
            matches.gone(change.id.pid);
            undecided.drop(change.id.pid);
            reader.forget(change.id);
    }
}

void Sweep::State::ask(ProcessId process, bool keep) {
    reader.ask(process, undecided.ask(process, pass, keep).number, matches.matching(process.pid));
}

// Titles change without an exec. Bounded, so that the rest of a large table comes with the next sweeps.
void Sweep::State::ask_titles() {
    const auto lacks_title = [this](const EntryRule& rule) { return judges_command_line(rule.rule) && matches.wanted(rule.entry); };
    if (std::ranges::none_of(rules->rules(), lacks_title)) return;
    const auto processes = table.all();
    auto at = std::ranges::upper_bound(processes, last_title, {}, &ProcessId::pid);
    for (std::size_t count = std::min(processes.size(), titles_per_sweep); count > 0; --count, ++at) {
        if (at == processes.end()) at = processes.begin();
        last_title = at->pid;
        ask(*at, true);
    }
}

void Sweep::State::advance(Instant now) {
    for (auto readings = reader.advance(now); !readings.empty(); readings = reader.advance(now)) {
        for (const Reading& reading : readings) settle(reading);
    }
    tell_unreadable();
    deliver();
}

void Sweep::State::settle(const Reading& reading) {
    if (reading.how == Reading::How::readable_again) {
        const auto known = table.find(reading.id.pid);
        if (known && known->id == reading.id) ask(reading.id, true);
        return;
    }
    const auto keep = undecided.decide(reading);
    if (keep && reading.how != Reading::How::vanished) matches.record(reading, *keep);
}

void Sweep::State::tell_unreadable() {
    const std::size_t count = reader.unreadable();
    if (std::exchange(unreadable_told, count != 0) || count == 0) return;
    handlers.on_unreadable(count);
}

void Sweep::State::deliver() {
    while (!rounds.empty() && undecided.decided(rounds.front().pass)) {
        const Round round = std::move(rounds.front());
        rounds.pop_front();
        for (const core::Look& look : round.asked) tell(look.entry, look.number);
        if (!round.sweep) continue;
        for (const EntryKey entry : matches.news()) tell(entry, 0);
        handlers.on_sweep_done();
    }
}

void Sweep::State::tell(EntryKey entry, std::uint64_t number) {
    if (matches.has(entry)) handlers.on_looked({entry, number, matches.take(entry)});
}

Sweep::Sweep(std::unique_ptr<State> state) : state_(std::move(state)) {}
Sweep::Sweep(Sweep&&) noexcept = default;
Sweep& Sweep::operator=(Sweep&&) noexcept = default;
Sweep::~Sweep() = default;

Result<Sweep> Sweep::open(Handlers handlers, const std::string& proc) {
    auto dir = sys::ProcDir::open(proc);
    if (!dir) return Failure(dir.error());
    auto worker = sys::Worker::open(ProcessReader::threads, ProcessReader::threads);
    if (!worker) return Failure(worker.error());
    const auto shared = std::make_shared<const sys::ProcDir>(*std::move(dir));
    return Sweep(std::make_unique<State>(std::move(handlers), shared, *std::move(worker)));
}

void Sweep::set_rules(std::vector<EntryRule> rules) { state_->set_rules(std::move(rules)); }
void Sweep::set_wanted(EntryKey entry, bool every_sweep) { state_->matches.set_wanted(entry, every_sweep); }
void Sweep::set_scripts(std::vector<Script> scripts) { state_->matches.set_scripts(std::move(scripts)); }

void Sweep::sweep(bool something_lacking, Instant now) {
    const bool every = something_lacking || std::ranges::any_of(state_->asked, &core::Look::thorough);
    if (!state_->run_pass(every ? sys::Depth::every : sys::Depth::eighth, now)) return;
    for (const ProcessId process : state_->matches.due_again()) state_->ask(process, true);
    state_->ask_titles();
    state_->rounds.push_back({state_->pass, std::exchange(state_->asked, {}), true});
    state_->advance(now);
}

void Sweep::look(const core::Look& look) {
    const auto asked = std::ranges::find(state_->asked, look.entry, &core::Look::entry);
    if (asked == state_->asked.end()) return state_->asked.push_back(look);
    asked->number = std::max(asked->number, look.number);  // 0: nobody waits for the answer
    asked->thorough = asked->thorough || look.thorough;
}

std::optional<Instant> Sweep::wake_at() const {
    const auto due = state_->reader.due();
    if (state_->asked.empty()) return due;
    return due ? std::min(*due, state_->next_look) : state_->next_look;
}

void Sweep::wake(Instant now) {
    const bool thorough = std::ranges::any_of(state_->asked, &core::Look::thorough);
    if (!state_->asked.empty() && state_->next_look <= now && state_->run_pass(thorough ? sys::Depth::every : sys::Depth::young, now)) {
        state_->rounds.push_back({state_->pass, std::exchange(state_->asked, {}), false});
    }
    state_->advance(now);
}

int Sweep::fd() const { return state_->reader.fd(); }

void Sweep::drain(Instant now) {
    state_->reader.drain();
    state_->advance(now);
}

}  // namespace banken
