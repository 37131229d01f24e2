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
#include "pcheck/pidfile_reader.hpp"
#include "pcheck/process_reader.hpp"

namespace banken {
namespace {

using core::EntryKey;
using PassNumber = std::uint64_t;

constexpr std::size_t changing_per_sweep = 4096, changing_per_look = 256;
constexpr std::size_t reads_in_a_row = 512;  // some milliseconds: then what is more urgent goes first
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
        } else if (pass < item.since) {
            uncount(item.since);
            item.since = pass;
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
    bool pidfiles_asked = false;
};

// A pass over the table that has begun.
struct Passing {
    bool sweep = false;
    std::vector<core::Look> asked;  // that it answers
    Duration cost{};
};

}  // namespace

struct Sweep::State {
    State(Handlers to, const std::shared_ptr<const sys::ProcDir>& dir, sys::Worker helpers)
        : handlers(std::move(to)), table(dir), matches(table), worker(std::move(helpers)), reader(dir, worker), pidfiles(worker) {}

    void set_rules(std::vector<EntryRule> all);
    void begin_sweep(bool something_lacking, Instant now);
    void begin_looks(Instant now);
    void begin(sys::Depth depth, bool sweep, Instant now);
    void go_on(Instant now);
    void passed(const Passing& done);
    void take(const sys::TableChange& change);
    void ask(ProcessId process, bool keep) { ask(process, keep, pass); }
    void ask(ProcessId process, bool keep, PassNumber since);
    void ask_what_was_not_read();
    void ask_what_changes();
    void ask_young(const std::vector<core::Look>& looks);
    void ask_pidfiles(Instant now);
    void advance(Instant now);
    void settle(const Reading& reading);
    void settle(const PidfileReader::Naming& naming);
    void tell_unreadable();
    [[nodiscard]] bool deliver();
    void tell(EntryKey entry, std::uint64_t number);

    Handlers handlers;
    sys::ProcTable table;
    Matches matches;
    sys::Worker worker;  // of both readers
    ProcessReader reader;
    PidfileReader pidfiles;
    std::shared_ptr<const RuleIndex> rules = std::make_shared<const RuleIndex>();
    std::set<EntryKey> judging_what_changes;
    std::map<EntryKey, std::string> paths;  // of pidfiles
    Undecided undecided;
    std::optional<Passing> passing;
    std::optional<bool> sweep_waits;  // for a pass of looks; whether something was lacking
    std::vector<core::Look> asked;    // for the next pass
    std::vector<ProcessId> not_read;  // wholly: gone, or descriptors or memory were short
    std::deque<Round> rounds;
    PassNumber pass = 0;
    Instant next_look{};
    pid_t last_changing = 0;
    bool unreadable_told = false, stuck_told = false;
};

void Sweep::State::set_rules(std::vector<EntryRule> all) {
    if (all == rules->rules()) return;
    matches.set_entries(all);
    judging_what_changes.clear();
    paths.clear();
    for (const auto& [entry, rule] : all) {
        if (judges_what_changes(rule)) judging_what_changes.insert(entry);
        if (!rule.pidfile.empty()) paths.emplace(entry, rule.pidfile);
    }
    rules = std::make_shared<const RuleIndex>(std::move(all));
    reader.set_rules(rules);
    for (Round& round : rounds) {
        round.pass = pass;
        round.pidfiles_asked = false;
    }
    for (const ProcessId process : table.all()) ask(process, true);
}

void Sweep::State::begin_sweep(bool something_lacking, Instant now) {
    const bool every = something_lacking || matches.any_wanted() || std::ranges::any_of(asked, &core::Look::thorough);
    begin(every ? sys::Depth::every : sys::Depth::eighth, true, now);
}

void Sweep::State::begin_looks(Instant now) {
    const bool thorough = std::ranges::any_of(asked, &core::Look::thorough);
    begin(thorough ? sys::Depth::every : sys::Depth::young, false, now);
}

// Where it fails nothing is learned, so nothing may be told.
void Sweep::State::begin(sys::Depth depth, bool sweep, Instant now) {
    const Instant begun = sys::read_instant();
    next_look = now + after_a_failed_pass;
    if (!table.begin(depth, matches.pids_of(asked))) return;  // a dead one that nobody reaps is no answer
    passing = Passing{sweep, std::exchange(asked, {}), sys::read_instant() - begun};
    go_on(now);
}

void Sweep::State::go_on(Instant now) {
    const Instant begun = sys::read_instant();
    const auto changes = table.go_on(reads_in_a_row);
    passing->cost += sys::read_instant() - begun;
    if (!changes) return;
    const Passing done = *std::exchange(passing, {});
    next_look = now + std::max(pass_distance, pass_share * done.cost);
    ++pass;
    for (const auto& change : *changes) take(change);
    passed(done);
}

void Sweep::State::passed(const Passing& done) {
    ask_what_was_not_read();
    matches.watch_scripts();
    if (done.sweep) {
        for (const ProcessId process : matches.due_again()) ask(process, true);
        ask_what_changes();
    } else {
        ask_young(done.asked);
    }
    rounds.push_back({.pass = pass, .asked = done.asked, .sweep = done.sweep});
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

void Sweep::State::ask(ProcessId process, bool keep, PassNumber since) {
    const std::uint64_t number = undecided.ask(process, since, keep).number;
    reader.ask({process, number, matches.matching(process.pid), matches.named_by(process.pid)});
}

// A process that is still there is asked about until it could be read: nothing about it need change for that.
void Sweep::State::ask_what_was_not_read() {
    for (const ProcessId process : std::exchange(not_read, {})) {
        if (table.lives(process)) ask(process, true);
    }
}

// Titles, uids and cgroups change without an exec. Bounded, so that the rest of a large table comes with the next sweeps.
void Sweep::State::ask_what_changes() {
    if (std::ranges::none_of(judging_what_changes, [this](EntryKey entry) { return matches.wanted(entry); })) return;
    const auto processes = table.all();
    auto at = std::ranges::upper_bound(processes, last_changing, {}, &ProcessId::pid);
    for (std::size_t count = std::min(processes.size(), changing_per_sweep); count > 0; --count, ++at) {
        if (at == processes.end()) at = processes.begin();
        last_changing = at->pid;
        ask(*at, true);
    }
}

// A daemon drops its rights and gets its title soon after its start.
void Sweep::State::ask_young(const std::vector<core::Look>& looks) {
    if (std::ranges::none_of(looks, [this](const core::Look& look) { return judging_what_changes.contains(look.entry); })) return;
    const auto processes = table.young();
    for (std::size_t at = 0; at < std::min(processes.size(), changing_per_look); ++at) ask(processes[at], true);
}

// A file says something else without any process changing, so it is read for everything that is told.
void Sweep::State::ask_pidfiles(Instant now) {
    if (rounds.empty() || rounds.front().pidfiles_asked || !pidfiles.idle()) return;
    Round& round = rounds.front();
    round.pidfiles_asked = true;
    std::vector<PidfileReader::File> files;
    for (const auto& [entry, path] : paths) {
        if (round.sweep || std::ranges::find(round.asked, entry, &core::Look::entry) != round.asked.end()) files.push_back({entry, path});
    }
    pidfiles.read(std::move(files), now);
}

void Sweep::State::advance(Instant now) {
    do {
        ask_pidfiles(now);
        for (const auto& naming : pidfiles.advance(now)) settle(naming);
        for (auto readings = reader.advance(now); !readings.empty(); readings = reader.advance(now)) {
            for (const Reading& reading : readings) settle(reading);
        }
    } while (deliver());
    tell_unreadable();
}

void Sweep::State::settle(const Reading& reading) {
    if (reading.how == Reading::How::readable_again) {
        if (table.lives(reading.id)) ask(reading.id, true);
        return;
    }
    if (reading.in_part || reading.how == Reading::How::vanished) not_read.push_back(reading.id);
    const auto keep = undecided.decide(reading);
    const bool less_than_known = reading.in_part && matches.matching(reading.id.pid);
    if (keep && reading.how != Reading::How::vanished && !less_than_known) matches.record(reading, *keep);
}

// The process that a file names may match now, and whoever waits for the file waits for that.
void Sweep::State::settle(const PidfileReader::Naming& naming) {
    const bool news = matches.set_named(naming.entry, naming.pid);
    if (!naming.pid || (!news && !matches.wanted(naming.entry))) return;
    const auto known = table.find(*naming.pid);
    if (known) ask(known->id, true, rounds.empty() ? pass : rounds.front().pass);
}

void Sweep::State::tell_unreadable() {
    const std::size_t count = reader.unreadable();
    if (!std::exchange(unreadable_told, count != 0) && count != 0) handlers.on_unreadable(count);
    const std::string* stuck = pidfiles.stuck();
    if (!std::exchange(stuck_told, stuck != nullptr) && stuck != nullptr) handlers.on_stuck_pidfile(*stuck);
}

// The first round, if all that it waits for is there. False: nothing was told.
bool Sweep::State::deliver() {
    if (rounds.empty() || !rounds.front().pidfiles_asked || !pidfiles.idle() || !undecided.decided(rounds.front().pass)) return false;
    const Round round = std::move(rounds.front());
    rounds.pop_front();
    for (const core::Look& look : round.asked) tell(look.entry, look.number);
    if (!round.sweep) return true;
    for (const EntryKey entry : matches.news()) tell(entry, 0);
    handlers.on_sweep_done();
    return true;
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
    constexpr unsigned threads = ProcessReader::threads + PidfileReader::threads;
    auto worker = sys::Worker::open(threads, threads);
    if (!worker) return Failure(worker.error());
    const auto shared = std::make_shared<const sys::ProcDir>(*std::move(dir));
    return Sweep(std::make_unique<State>(std::move(handlers), shared, *std::move(worker)));
}

void Sweep::set_rules(std::vector<EntryRule> rules) { state_->set_rules(std::move(rules)); }
void Sweep::set_wanted(EntryKey entry, bool every_sweep) { state_->matches.set_wanted(entry, every_sweep); }
void Sweep::set_scripts(std::vector<Script> scripts) { state_->matches.set_scripts(std::move(scripts)); }

void Sweep::sweep(bool something_lacking, Instant now) {
    if (!state_->passing) {
        state_->begin_sweep(something_lacking, now);
        return state_->advance(now);
    }
    if (!state_->passing->sweep) state_->sweep_waits = something_lacking;
}

void Sweep::look(const core::Look& look) {
    const auto asked = std::ranges::find(state_->asked, look.entry, &core::Look::entry);
    if (asked == state_->asked.end()) return state_->asked.push_back(look);
    asked->number = std::max(asked->number, look.number);  // 0: nobody waits for the answer
    asked->thorough = asked->thorough || look.thorough;
}

std::optional<Instant> Sweep::wake_at() const {
    if (state_->passing || state_->sweep_waits) return Instant::min();
    std::optional<Instant> first = state_->reader.due();
    const auto consider = [&first](std::optional<Instant> due) {
        if (due && (!first || *due < *first)) first = due;
    };
    consider(state_->pidfiles.due());
    if (!state_->asked.empty()) consider(state_->next_look);
    return first;
}

void Sweep::wake(Instant now) {
    if (state_->passing) {
        state_->go_on(now);
    } else if (const auto waits = std::exchange(state_->sweep_waits, {})) {
        state_->begin_sweep(*waits, now);
    } else if (!state_->asked.empty() && state_->next_look <= now) {
        state_->begin_looks(now);
    }
    state_->advance(now);
}

int Sweep::fd() const { return state_->worker.fd(); }

bool Sweep::busy() const { return state_->worker.busy(); }

void Sweep::drain(Instant now) {
    state_->worker.drain();
    state_->advance(now);
}

}  // namespace banken
