// SPDX-License-Identifier: Apache-2.0
// A reload as a transaction, held against a model that knows no more than the lines of the pfile: who stays, who is new, who is changed, who is gone.
// BANKEN_SEED=N plays that one alone.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "tests/fake/core_pfiles.hpp"
#include "tests/fake/core_world.hpp"

using namespace banken;
using namespace banken::core;
using namespace std::chrono_literals;

namespace {

// What a reload leaves alone in an entry whose line is the same.
struct Kept {
    EntryKey key = 0;
    EntryState state{};
    EntryWait wait{};
    RetryWindow window;
    std::uint64_t total = 0, losses = 0;
    unsigned attempts = 0;
    std::optional<ProcessId> main;
    RunId script = 0;
    bool paused = false;
    std::optional<Instant> timer, begun;

    friend bool operator==(const Kept&, const Kept&) = default;
};

Kept kept(const Watch& watch) {
    return {watch.key,      watch.state, watch.wait,
            watch.window,   watch.total, watch.losses,
            watch.attempts, watch.main,  watch.script ? watch.script->run : 0,
            watch.paused,   watch.timer, watch.begun};
}

struct Expected {
    std::size_t added = 0, removed = 0, changed = 0, same = 0;
};

// Equal but for the place in the file: a parameter may change what a line that is the same stands for.
bool same_values(const Pent& left, Pent right) {
    right.line = left.line;
    return left == right;
}

// What the two files alone say.
Expected expected(const Pfile& before, const Pfile& after) {
    Expected counts;
    std::map<std::string, Pent> old;
    for (const Pent& pent : before.pents) old.emplace(pent.identity(), pent);
    for (const Pent& pent : after.pents) {
        const auto known = old.find(pent.identity());
        if (known == old.end()) {
            ++counts.added;
            continue;
        }
        ++(same_values(known->second, pent) ? counts.same : counts.changed);
        old.erase(known);
    }
    counts.removed = old.size();
    return counts;
}

std::vector<Pent> members_of(const Pfile& pfile, const std::string& group) {
    std::vector<Pent> members;
    for (const Pent& pent : pfile.pents) {
        if (!group.empty() && pent.group == group) members.push_back(pent);
    }
    return members;
}

// What a group has on its own is left alone too while nothing of its members has changed.
struct KeptGroup {
    RetryWindow window;
    EntryKey turn = 0;
    EntryWait wait{};
    std::optional<Instant> timer, begun;

    friend bool operator==(const KeptGroup&, const KeptGroup&) = default;
};

std::map<std::string, KeptGroup> kept_groups(const Supervisor& core) {
    std::map<std::string, KeptGroup> all;
    for (const Group* group : core.groups()) all[group->name] = {group->window, group->turn, group->wait, group->timer, group->begun};
    return all;
}

struct Before {
    std::map<std::string, Pent> lines;
    std::map<std::string, Kept> entries;
    std::map<std::string, KeptGroup> groups;
};

class Reloads {
public:
    explicit Reloads(std::uint64_t seed) : random_(seed), pfiles_(random_), file_(pfiles_.pfile()), core_(file_, Manner{}, now_) {}

    void play() {
        for (const EntryKey key : keys()) step(Looked{key, 0, random_.chance(60) ? candidates(key) : std::vector<Candidate>{}});
        step(FirstSweepDone{});
        for (int i = 0; i < 12 && !ended_; ++i) {
            for (std::size_t events = random_.below(12); events > 0 && !ended_; --events) something();
            if (!ended_) reload();
        }
    }

private:
    std::vector<EntryKey> keys() const { return {core_.entries().begin(), core_.entries().end()}; }

    std::vector<Candidate> candidates(EntryKey key) {
        const Watch& watch = *core_.find(key);
        std::vector<Candidate> all;
        for (unsigned i = 0; i < watch.pent.min.value_or(1); ++i) {
            all.emplace_back().id = {++last_pid_, now_.ticks};
            all.back().argv0 = "daemon";
        }
        return all;
    }

    std::vector<Action> step(const Event& event) {
        auto actions = core_.step(event, now_);
        for (const Action& action : actions) ended_ = ended_ || std::holds_alternative<End>(action);
        for (const Action& action : actions) {
            const auto* run = std::get_if<RunScript>(&action);
            if (!run || ended_) continue;
            runs_.push_back(run->run);
            std::ignore = core_.step(ScriptStarted{run->run, {++last_pid_, now_.ticks}}, now_);
        }
        return actions;
    }

    void something() {
        now_.instant += std::chrono::milliseconds(1 + random_.below(4000));
        now_.ticks += 400;
        const auto all = keys();
        if (all.empty()) return;
        const EntryKey key = random_.among(all);
        const Watch& watch = *core_.find(key);
        switch (random_.below(6)) {
            case 0: step(Looked{key, watch.asked, candidates(key)}); return;
            case 1: step(Looked{key, watch.asked, {}}); return;
            case 2:
                if (watch.main) step(Died{key, *watch.main, {Cause::Kind::status, 9}, now_.ticks});
                return;
            case 3: step(Order{1, random_.among(verbs_), watch.pent.name, {}}); return;
            case 4: step(Deadline{}); return;
            case 5:
                if (runs_.empty()) return;
                step(ScriptEnded{random_.among(runs_), ScriptEnded::How::exited, random_.chance(50) ? 0 : 256, {}});
                return;
        }
    }

    void reload() {
        if (random_.chance(80)) pfiles_.edit();
        const Pfile next = pfiles_.pfile();
        Before before;
        for (const Pent& pent : file_.pents) before.lines.emplace(pent.identity(), pent);
        for (const EntryKey key : keys()) before.entries.emplace(core_.find(key)->pent.identity(), kept(*core_.find(key)));
        before.groups = kept_groups(core_);
        const auto actions = step(Reloaded{7, next});
        if (!ended_) {
            judge_lines(actions, expected(file_, next));
            judge_entries(next, before);
            judge_groups(next, before);
        }
        file_ = next;
    }

    static void judge_lines(const std::vector<Action>& actions, const Expected& counts) {
        const std::string done = fmt::format("Reload done: +{} -{} ~{} ={}", counts.added, counts.removed, counts.changed, counts.same);
        std::size_t told = 0, answered = 0;
        for (const Action& action : actions) {
            const auto* log = std::get_if<Log>(&action);
            const auto* answer = std::get_if<Answer>(&action);
            told += log && log->message.text == done;
            answered += answer && answer->order == 7 && answer->exit_status == 0;
        }
        CHECK(told == 1);
        CHECK(answered == 1);
    }

    // In the order of the file; new ones start anew; what is the same keeps all that is kept of it.
    void judge_entries(const Pfile& next, const Before& before) const {
        REQUIRE(core_.entries().size() == next.pents.size());
        for (std::size_t i = 0; i < next.pents.size(); ++i) {
            const Pent& pent = next.pents[i];
            const Watch& watch = *core_.find(core_.entries()[i]);
            CHECK(watch.pent.text == pent.text);
            CHECK(watch.pent_id == i + 1);
            const auto old = before.entries.find(pent.identity());
            if (old == before.entries.end()) {
                CHECK(watch.state == EntryState::unknown);
                CHECK(watch.total == 0);
                CHECK(watch.paused == !pent.monitor);
                continue;
            }
            CHECK(watch.key == old->second.key);
            CHECK(watch.total >= old->second.total);
            CHECK(watch.paused == old->second.paused);
            const bool given_up = is_given_up(old->second);
            if (old->second.script != 0) CHECK((watch.script && watch.script->run == old->second.script));
            const bool same = same_values(before.lines.at(pent.identity()), pent);
            if (pent.group.empty() ? same && !given_up : is_untouched(next, pent.group, before)) CHECK(kept(watch) == old->second);
        }
    }

    static bool is_given_up(const Kept& entry) { return entry.state == EntryState::retry_over || entry.state == EntryState::hold; }

    // All its members, in their order. One that had been given up is looked for, and the others with it; a turn, and a wait for others, which may be
    // others now, are judged anew.
    bool is_untouched(const Pfile& next, const std::string& group, const Before& before) const {
        const auto was = members_of(file_, group), is = members_of(next, group);
        const auto old = before.groups.find(group);
        if (old == before.groups.end() || old->second.turn != 0 || old->second.wait == EntryWait::dependency) return false;
        return std::ranges::equal(was, is, same_values) &&
               std::ranges::none_of(was, [&](const Pent& pent) { return is_given_up(before.entries.at(pent.identity())); });
    }

    void judge_groups(const Pfile& next, const Before& before) const {
        for (const auto& [name, now] : kept_groups(core_)) {
            const auto old = before.groups.find(name);
            if (old != before.groups.end() && is_untouched(next, name, before)) CHECK((now == old->second));
        }
    }

    std::array<Verb, 6> verbs_{Verb::stop, Verb::start, Verb::start, Verb::clear, Verb::restart, Verb::restart};
    Random random_;
    RandomPfile pfiles_;
    Now now_{Instant(1h), WallTime(1s), 360000};
    Pfile file_;
    Supervisor core_;
    std::vector<RunId> runs_;
    pid_t last_pid_ = 100;
    bool ended_ = false;
};

}  // namespace

TEST_CASE("a reload adds, removes and changes what the two files say, and leaves all else alone") {
    const char* given = std::getenv("BANKEN_SEED");
    const std::uint64_t only = given ? std::strtoull(given, nullptr, 10) : 0;
    for (std::uint64_t seed = only == 0 ? 1 : only; seed <= (only == 0 ? 2000 : only); ++seed) {
        CAPTURE(seed);
        Reloads(seed).play();
    }
}

TEST_CASE("a reload publishes all records ahead of what it does, for each may have another place") {
    const Pfile before = parse_pfile("IPCKEY 1\nSHM_DUMP_FILE /d\n[PENT]\na:/bin/r:60:3:exit\nb:/bin/r:60:3:exit\n").pfile;
    const Now now{Instant(1h), WallTime(400000h), 360000};
    Supervisor core(before, {}, now);
    Reloaded reloaded;
    reloaded.pfile = parse_pfile("IPCKEY 1\nSHM_DUMP_FILE /d\n[PENT]\nb:/bin/r:60:3:exit:min=2\n").pfile;
    const auto actions = core.step(reloaded, now);
    REQUIRE(actions.size() > 1);
    CHECK(std::holds_alternative<PublishAll>(actions.front()));
    CHECK(std::ranges::count_if(actions, [](const Action& one) { return std::holds_alternative<PublishAll>(one); }) == 1);
}
