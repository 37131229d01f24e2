// SPDX-License-Identifier: Apache-2.0
#include "pcheck/lint_processes.hpp"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "common/cgroup.hpp"
#include "common/segment_reader.hpp"
#include "common/sys/file.hpp"
#include "common/sys/proc_table.hpp"
#include "common/sys/shm.hpp"
#include "common/sys/systemd_bus.hpp"
#include "common/text.hpp"
#include "pcheck/core/follow.hpp"
#include "pcheck/rule_index.hpp"

namespace banken {
namespace {

constexpr std::size_t longest_comm = 15, largest_pidfile = 4096, largest_cgroup = 65536;

// Only the first 15 bytes tell such a process from its neighbours.
bool matches_by_comm_alone(const Pent& pent, Process process) {
    if (pent.label || pent.name.size() <= longest_comm || pent.name.find_first_of(" /") != std::string::npos) return false;
    process.stat.fingerprint.comm.clear();
    return judge({.name = pent.name, .any_pid_namespace = true}, process).kind != Judgement::Kind::matched;
}

std::optional<ServiceUnit> service_of_process(const sys::ProcDir& dir, pid_t pid) {
    const auto text = sys::read_at(dir.fd(), fmt::format("{}/cgroup", pid).c_str(), largest_cgroup);
    return text ? service_of(service_cgroup(*text)) : std::nullopt;
}

// The pcheck that runs with this pfile now, if one does. What its scripts start may live in its own service.
std::optional<pid_t> running_pcheck(std::uint32_t key) {
    const auto stat = sys::find_segment(key);
    if (!stat) return std::nullopt;
    const auto segment = sys::Segment::attach(*stat, sys::Segment::Access::read);
    if (!segment) return std::nullopt;
    const auto reader = SegmentReader::open(segment->words());
    const auto header = reader ? reader->header() : Result<HeaderRecord>(fail("not ours"));
    return header ? std::optional(header->owner.id.pid) : std::nullopt;
}

class ProcessLint {
public:
    ProcessLint(const LoadedPfile& loaded, std::shared_ptr<const sys::ProcDir> dir)
        : loaded_(loaded), pents_(loaded.pfile.pents), dir_(std::move(dir)), matches_(pents_.size()) {}

    [[nodiscard]] std::vector<Diagnostic> take() && {
        read_pidfiles();
        match_all();
        find_roots();
        for (std::size_t i = 0; i < pents_.size(); ++i) judge_entry(i);
        judge_services();
        return std::move(found_);
    }

private:
    void read_pidfiles();
    void match_all();
    void match(const RuleIndex& index, Process process);
    void find_roots();
    void judge_entry(std::size_t index);
    void judge_services();
    void warn(std::size_t index, std::string_view text) {
        const Pent& pent = pents_[index];
        found_.push_back({Diagnostic::Severity::warning, pent.line, 0, fmt::format("{}: {}", shortened(pent.name), text)});
    }

    const LoadedPfile& loaded_;
    const std::vector<Pent>& pents_;
    std::shared_ptr<const sys::ProcDir> dir_;
    std::map<pid_t, std::vector<core::EntryKey>> named_;  // by pidfiles; an entry's key is its place + 1
    std::vector<std::vector<core::Candidate>> matches_;   // of each entry
    std::map<pid_t, pid_t> parents_;
    std::set<std::size_t> by_comm_;
    std::map<ProcessId, std::size_t> followed_;                     // by the first entry that would follow it
    std::vector<std::pair<std::size_t, std::string>> in_services_;  // entries whose process a service of systemd holds
    std::vector<Diagnostic> found_;
};

void ProcessLint::read_pidfiles() {
    for (std::size_t i = 0; i < pents_.size(); ++i) {
        if (pents_[i].pidfile.empty()) continue;
        const auto text = sys::read_file(pents_[i].pidfile, largest_pidfile);
        const auto pid = text ? parse_pidfile(*text) : std::nullopt;
        if (pid) named_[*pid].push_back(static_cast<core::EntryKey>(i + 1));
    }
}

void ProcessLint::match_all() {
    std::vector<EntryRule> rules;
    for (std::size_t i = 0; i < pents_.size(); ++i) rules.push_back({static_cast<core::EntryKey>(i + 1), rule_of(pents_[i])});
    const RuleIndex index(std::move(rules));
    sys::ProcTable table(dir_);
    if (!table.pass(sys::Depth::every)) return;
    for (const ProcessId id : table.all()) {
        if (id.pid == ::getpid()) continue;
        auto stat = dir_->stat(id.pid);
        if (!stat) continue;
        Process process{.stat = *std::move(stat), .exe = {}, .command_line = {}, .status = {}, .cgroups = {}};
        bool lives = true;
        for (const Fact fact : {Fact::exe, Fact::status, Fact::cgroups, Fact::command_line}) lives = lives && dir_->read(fact, process);
        if (lives) match(index, std::move(process));
    }
}

void ProcessLint::match(const RuleIndex& index, Process process) {
    const auto named = named_.find(process.id().pid);
    const std::vector<core::EntryKey> named_by = named == named_.end() ? std::vector<core::EntryKey>() : named->second;
    const auto entries = index.matches(process, named_by, [this](Fact fact, Process& of) { return dir_->read(fact, of); });
    if (!entries) return;
    core::Candidate candidate;
    candidate.id = process.id();
    candidate.fork_no_exec = process.stat.fingerprint.fork_no_exec;
    candidate.session = process.stat.session;
    candidate.user = process.status->user;
    candidate.in_session_scope = std::ranges::any_of(*process.cgroups, is_login_session);
    if (!process.command_line->empty()) candidate.argv0 = process.command_line->front();
    parents_[process.id().pid] = process.stat.parent;
    for (const core::EntryKey entry : *entries) {
        const Pent& pent = pents_[entry - 1];
        candidate.named = pent.pidfile.empty() || std::ranges::find(named_by, entry) != named_by.end();
        matches_[entry - 1].push_back(candidate);
        if (matches_by_comm_alone(pent, process)) by_comm_.insert(entry - 1);
    }
}

void ProcessLint::find_roots() {
    for (auto& matches : matches_) {
        std::set<pid_t> pids;
        for (const core::Candidate& candidate : matches) pids.insert(candidate.id.pid);
        for (core::Candidate& candidate : matches) candidate.root = !pids.contains(parents_[candidate.id.pid]);
    }
}

void ProcessLint::judge_entry(std::size_t index) {
    const Pent& pent = pents_[index];
    if (by_comm_.contains(index)) warn(index, "the running process matches by its first 15 bytes alone (comm)");
    if (pent.counts()) return;
    const core::Choice choice = core::choose(matches_[index], {}, core::Scope::any_age, ::geteuid() == 0);
    if (!choice.chosen) return;
    const ProcessId process = choice.chosen->id;
    if (choice.a_persons && !pent.uid)
        warn(index, fmt::format("pid={} of uid {} would be watched: user= is recommended", process.pid, choice.chosen->user));
    const auto [first, is_new] = followed_.emplace(process, index);
    if (!is_new) {
        const Pent& other = pents_[first->second];
        warn(index, fmt::format("follows the same process as {} in line {}, pid={}", shortened(other.name), other.line, process.pid));
    }
    const bool by_systemctl = !pent.script.none() && pent.script.argv.front().ends_with("/systemctl");
    if (pent.script.none() || pent.confirm_always || by_systemctl) return;
    const auto service = service_of_process(*dir_, process.pid);
    if (service && !service->of_a_user) in_services_.emplace_back(index, service->name);
}

void ProcessLint::judge_services() {
    if (in_services_.empty() || !sys::systemd_runs()) return;
    auto bus = sys::SystemdBus::open();
    if (!bus) return;
    const auto pcheck = running_pcheck(loaded_.pfile.param.ipc_key);
    const auto own = pcheck ? service_of_process(*dir_, *pcheck) : std::nullopt;
    for (const auto& [index, service] : in_services_) {
        if (own && own->name == service) continue;
        const auto restart = bus->restart_of(service);
        if (!restart || *restart == "no") continue;
        warn(index,
             fmt::format("systemd restarts {} too (Restart={}): use the script \"/usr/bin/systemctl restart {}\", or confirm=.../always",
                         service, *restart, service));
    }
}

}  // namespace

std::vector<Diagnostic> lint_processes(const LoadedPfile& loaded) {
    auto opened = sys::ProcDir::open();
    if (!opened) return {};
    return ProcessLint(loaded, std::make_shared<const sys::ProcDir>(*std::move(opened))).take();
}

}  // namespace banken
