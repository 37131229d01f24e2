// SPDX-License-Identifier: Apache-2.0
#include "padmin/match.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <utility>

#include "common/text.hpp"
#include "padmin/words.hpp"

namespace banken {
namespace {

using Standing = JudgedProcess::Standing;
using Miss = JudgedProcess::Miss;

constexpr std::size_t longest_shown = 120;
constexpr int deepest_ancestry = 1000;  // parents read one after another could be a ring once pids were used again

bool contains(const std::vector<std::string_view>& failed, std::string_view filter) {
    return std::ranges::find(failed, filter) != failed.end();
}

// Every filter but those that no living process passes.
std::vector<std::string_view> failed_of(const MatchRule& rule, const Process& process) {
    if (process.stat.state != 'Z' && process.stat.state != 'X') return failed_filters(rule, process);
    Process alive = process;
    alive.stat.state = 'S';
    auto failed = failed_filters(rule, alive);
    failed.emplace_back("zombie");
    return failed;
}

// Whether what tells this entry from others fits: then it is worth a word why the process does not match.
bool is_meant(const MatchRule& rule, const std::vector<std::string_view>& failed, bool named) {
    if (named) return true;
    if (!rule.name.empty()) return !contains(failed, "name");
    return (rule.args && !contains(failed, "args")) || (!rule.exe.empty() && !contains(failed, "exe"));
}

std::string user_words(uid_t user, const Snapshot& snapshot) {
    const auto name = snapshot.user_names.find(user);
    const bool known = name != snapshot.user_names.end() && !name->second.empty();
    return known ? fmt::format("{} ({})", printable(name->second), user) : std::to_string(user);
}

std::string what_it_has(std::string_view filter, const MatchRule& rule, const Process& process, const Snapshot& snapshot) {
    if (filter == "name") return fmt::format("it is not called {}", printable(rule.name));
    if (filter == "exe") return process.exe->empty() ? "exe is hidden from padmin" : "exe is " + printable(*process.exe);
    if (filter == "user") return "user is " + user_words(process.status->user, snapshot);
    if (filter == "pidns") return "pidns: it lives in another PID namespace";
    if (filter == "cgroup") return printable(fmt::format("cgroup is {}", fmt::join(*process.cgroups, ", ")));
    if (filter == "args") return printable(fmt::format("args {} not found", rule.args->text()));
    return "zombie: its first thread has ended";
}

// Judges one entry over one snapshot.
class Judge {
public:
    Judge(const View& view, const EntryRecord& entry, const Pent& pent, const Snapshot& snapshot)
        : view_(view), entry_(entry), pent_(pent), snapshot_(snapshot), rule_(rule_of(pent)) {}

    std::vector<JudgedProcess> all() {
        for (const Process& process : snapshot_.processes) parents_.emplace(process.stat.pid, process.stat.parent);
        for (const Process& process : snapshot_.processes) {
            if (misses_of(process).empty() && is_candidate(process)) matching_.insert(process.stat.pid);
        }
        std::vector<JudgedProcess> judged;
        for (const Process& process : snapshot_.processes) {
            if (auto one = judge_one(process)) judged.push_back(*std::move(one));
        }
        std::ranges::stable_sort(judged, {}, &JudgedProcess::standing);
        return judged;
    }

private:
    [[nodiscard]] bool is_named(const Process& process) const { return snapshot_.named == process.stat.pid; }
    // A label that goes by its pidfile alone means nobody else.
    [[nodiscard]] bool is_candidate(const Process& process) const {
        const bool only_named = rule_.name.empty() && rule_.exe.empty() && !rule_.pidfile.empty();
        return !only_named || is_named(process);
    }

    [[nodiscard]] std::vector<Miss> misses_of(const Process& process) const {
        const auto failed = failed_of(rule_, process);
        std::vector<Miss> misses;
        misses.reserve(failed.size() + 2);
        for (const auto filter : failed) misses.push_back({filter, what_it_has(filter, rule_, process, snapshot_)});
        if (process.id() == view_.header.owner.id) misses.push_back({"pcheck", "it is pcheck itself"});
        if (const pid_t script = script_above(process))
            misses.push_back({"script", script == process.stat.pid ? std::string("it is a running script itself")
                                                                   : fmt::format("it is below a running script, pid={}", script)});
        return misses;
    }

    [[nodiscard]] pid_t script_above(const Process& process) const {
        pid_t pid = process.stat.pid;
        for (int depth = 0; pid > 1 && depth < deepest_ancestry; ++depth) {
            if (is_script(pid)) return pid;
            const auto parent = parents_.find(pid);
            pid = parent == parents_.end() ? 0 : parent->second;
        }
        return 0;
    }
    [[nodiscard]] bool is_script(pid_t pid) const {
        return std::ranges::any_of(view_.entries, [pid](const EntryRecord& entry) {
            return (entry.script.kind != ScriptRecord::Kind::none && entry.script.process.pid == pid) ||
                   (entry.check.kind != ScriptRecord::Kind::none && entry.check.process.pid == pid);
        });
    }

    [[nodiscard]] std::optional<JudgedProcess> judge_one(const Process& process) const {
        JudgedProcess judged{.id = process.id(), .parent = process.stat.parent, .command_line = joined_command_line(*process.command_line)};
        if (process.status) judged.user = process.status->user;
        if (judged.command_line.empty()) judged.command_line = fmt::format("[{}]", process.stat.fingerprint.comm);
        if (process.id() == entry_.main && entry_.main.pid != 0) {
            judged.standing = is_given_up(entry_) ? Standing::left : Standing::followed;
        } else if (matching_.contains(process.stat.pid)) {
            judged.standing = standing_of(process);
        } else {
            if (!is_meant(rule_, failed_of(rule_, process), is_named(process)) || !is_candidate(process)) return {};
            judged.standing = Standing::near_miss;
            judged.misses = misses_of(process);
        }
        return judged;
    }
    [[nodiscard]] Standing standing_of(const Process& process) const {
        if (process.id() == entry_.seen || (is_given_up(entry_) && pent_.counts())) return Standing::left;
        if (pent_.counts()) return Standing::counted;
        if (std::ranges::find(entry_.orphans, process.id()) != entry_.orphans.end()) return Standing::orphan;
        if (!rule_.pidfile.empty() && !is_named(process)) return Standing::not_named;
        return matching_.contains(process.stat.parent) ? Standing::child : Standing::rival;
    }

    const View& view_;
    const EntryRecord& entry_;
    const Pent& pent_;
    const Snapshot& snapshot_;
    MatchRule rule_;
    std::map<pid_t, pid_t> parents_;
    std::set<pid_t> matching_;
};

// Behind the path of the pidfile.
std::string naming_words(const Snapshot& snapshot) {
    if (!snapshot.pidfile_fault.empty()) return "cannot be read: " + printable(snapshot.pidfile_fault);
    if (!snapshot.named) return "names no process: it is empty or holds no pid";
    const bool runs = std::ranges::any_of(snapshot.processes, [&](const Process& one) { return one.stat.pid == *snapshot.named; });
    return fmt::format("names process {}{}", *snapshot.named, runs ? "" : ", which does not run");
}

std::vector<std::string> rule_words(const Pent& pent, const Snapshot& snapshot) {
    std::vector<std::string> words;
    if (!pent.label) words.push_back("name " + printable(pent.name));
    if (!pent.args.empty()) words.push_back("args " + printable(pent.args));
    if (!pent.exe.empty()) words.push_back("exe " + printable(pent.exe));
    if (!pent.user.empty()) {
        const std::string uid = pent.uid ? std::to_string(*pent.uid) : snapshot.user_fault;
        words.push_back(fmt::format("user {}{}", printable(pent.user), uid == pent.user ? "" : fmt::format(" ({})", uid)));
    }
    if (!pent.cgroup.empty()) words.push_back("cgroup " + printable(pent.cgroup));
    words.emplace_back(pent.any_pid_namespace ? "pidns any" : "pidns same");
    if (!pent.pidfile.empty()) {
        words.push_back(fmt::format("pidfile {}, which {}", printable(pent.pidfile), naming_words(snapshot)));
    }
    return words;
}

std::string cut(const std::string& text) {
    const std::string safe = printable(text);
    return safe.size() <= longest_shown ? safe : safe.substr(0, longest_shown) + "...";
}

// Another entry means or follows it.
bool is_anothers(const View& view, const EntryRecord& entry, const Process& process) {
    return std::ranges::any_of(view.entries, [&](const EntryRecord& other) {
        if (other.pent_id == entry.pent_id) return false;
        const auto pent = pent_of(view, other);
        return other.main == process.id() || (pent && failed_filters(rule_of(*pent), process).empty());
    });
}

// One letter off, or the same with something behind it.
bool is_similar(std::string_view name, std::string_view other) {
    constexpr std::size_t least = 3;  // a shorter one begins too many others
    const auto begins = [](std::string_view whole, std::string_view part) { return part.size() >= least && whole.starts_with(part); };
    return name != other && (begins(other, name) || begins(name, other) || !nearest(name, std::span(&other, 1)).empty());
}

// Nothing is called as the entry is, but something is nearly, and is no other entry's.
std::optional<std::string> alike(const View& view, const EntryRecord& entry, const Pent& pent, const Snapshot& snapshot) {
    constexpr std::size_t most = 3;
    std::vector<std::string> found;
    std::set<std::string_view> told;
    for (const Process& process : snapshot.processes) {
        const std::string_view name = process.stat.fingerprint.comm;
        if (found.size() == most || !is_similar(pent.name, name) || is_anothers(view, entry, process)) continue;
        if (told.insert(name).second) found.push_back(fmt::format("process {} is called {}", process.stat.pid, printable(name)));
    }
    if (found.empty()) return {};
    return fmt::format("nothing is called {}, but {}", printable(pent.name), fmt::join(found, ", "));
}

// What the standings mean for the entry, where that is not plain.
void add_notes(Matching& matching, const EntryRecord& entry, const Pent& pent, const Snapshot& snapshot) {
    const auto say = [&matching](std::string text) { matching.notes.push_back(std::move(text)); };
    const auto any = [&](Standing standing) {
        return std::ranges::find(matching.processes, standing, &JudgedProcess::standing) != matching.processes.end();
    };
    const bool follows = entry.main.pid != 0 && !is_given_up(entry);
    const auto is_main = [&](const Process& process) { return process.id() == entry.main; };
    if (follows && std::ranges::none_of(snapshot.processes, is_main)) {
        say(fmt::format("process {}, which is followed, is gone: pcheck has not noticed yet", entry.main.pid));
    } else if (follows && !pent.pidfile.empty() && snapshot.named != entry.main.pid) {
        say(fmt::format("process {} is followed on until the pidfile names another one that passes all filters", entry.main.pid));
    }
    if (any(Standing::not_named)) say("not named: it would match, but the pidfile does not name it: it does not count");
    if (any(Standing::rival) && follows) say("rival: it could be followed as well, and is not, since one is; a filter tells them apart");
    const bool old = std::ranges::any_of(matching.processes, [&](const JudgedProcess& one) {
        return one.standing == Standing::rival && entry.death && one.id.start < *entry.death;
    });
    if (old && entry.state == EntryState::down) say("rival: older than the loss: it does not stand in for what was lost");
    if (any(Standing::orphan)) say("orphan: it was below a process that has ended, and does not stand in for it");
}

}  // namespace

std::string_view text_of(Standing standing) {
    switch (standing) {
        case Standing::followed: return "followed";
        case Standing::left: return "runs, not watched";
        case Standing::counted: return "counted";
        case Standing::rival: return "rival";
        case Standing::child: return "child";
        case Standing::not_named: return "not named";
        case Standing::orphan: return "orphan";
        case Standing::near_miss: return "near miss";
    }
    return {};
}

Matching judge_all(const View& view, const EntryRecord& entry, const Pent& pent, const Snapshot& snapshot) {
    Matching matching{.rule = rule_words(pent, snapshot), .named = snapshot.named};
    matching.processes = Judge(view, entry, pent, snapshot).all();
    if (view.user && *view.user != snapshot.reader && snapshot.reader != 0) {
        matching.notes.push_back(fmt::format("pcheck runs as uid {} and may see executables that are hidden from you", *view.user));
    }
    if (snapshot.unread > 0) {
        matching.notes.push_back(fmt::format("{} could not be read in time and {} judged as empty",
                                             count_words(snapshot.unread, "command line"), snapshot.unread == 1 ? "is" : "are"));
    }
    if (auto note = matching.processes.empty() && !pent.label ? alike(view, entry, pent, snapshot) : std::nullopt)
        matching.notes.push_back(*std::move(note));
    add_notes(matching, entry, pent, snapshot);
    return matching;
}

std::string pidfile_words(const View& view, const EntryRecord& entry, const Pent& pent, const Snapshot& snapshot) {
    std::string naming = fmt::format("{} {}", printable(pent.pidfile), naming_words(snapshot));
    if (snapshot.processes.empty()) return naming;
    const auto judged = Judge(view, entry, pent, snapshot).all();
    if (judged.empty() || judged.front().standing != Standing::near_miss) return {};
    std::string misses;
    for (const Miss& miss : judged.front().misses) misses += (misses.empty() ? "" : "; ") + miss.is;
    return fmt::format("{}, which does not count: {} ({})", naming, misses, cut(judged.front().command_line));
}

Explanation explain(const EntryRecord& entry, const Matching& matching) {
    Explanation explanation;
    explanation.sections.push_back({"entry", {fmt::format("{} ({}) {}", printable(entry.name), entry.pent_id, text_of(entry.state))}});
    explanation.sections.push_back({"asks for", matching.rule});
    std::vector<std::string> lines;
    std::optional<Standing> of;
    const auto close = [&] {
        if (of) explanation.sections.push_back({text_of(*of), std::exchange(lines, {})});
    };
    for (const JudgedProcess& process : matching.processes) {
        if (of != process.standing) {
            close();
            of = process.standing;
        }
        lines.push_back(fmt::format("{:<8} {}", process.id.pid, cut(process.command_line)));
        if (of == Standing::child) lines.push_back(fmt::format("         below {}, which matches too", process.parent));
        for (const Miss& miss : process.misses) lines.push_back("         " + cut(miss.is));
    }
    close();
    const bool found = std::ranges::any_of(matching.processes, [](const auto& one) { return one.standing != Standing::near_miss; });
    if (!found) explanation.sections.push_back({"matches", {"nothing that runs now"}});
    if (!matching.notes.empty()) explanation.sections.push_back({"note", matching.notes});
    return explanation;
}

}  // namespace banken
