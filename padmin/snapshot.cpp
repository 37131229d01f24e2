// SPDX-License-Identifier: Apache-2.0
#include "padmin/snapshot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "common/matcher.hpp"
#include "common/sys/accounts.hpp"
#include "common/sys/file.hpp"
#include "common/sys/identity.hpp"
#include "common/sys/proc_dir.hpp"
#include "common/sys/proc_table.hpp"
#include "common/sys/worker.hpp"
#include "padmin/words.hpp"

namespace banken {
namespace {

constexpr std::size_t longest_pidfile = 4096;
constexpr unsigned most_hanging = 8;
constexpr Duration patience = std::chrono::seconds(2);

// Reading one can hang for as long as its process likes. Those that are not read in time stay empty; returns how many.
std::size_t read_command_lines(const std::shared_ptr<const sys::ProcDir>& dir, std::vector<Process>& processes) {
    std::size_t unread = processes.size();
    auto worker = sys::Worker::open(most_hanging, std::max<std::size_t>(processes.size(), 1));
    for (Process& process : processes) {
        process.command_line.emplace();
        if (!worker) continue;
        const auto work = [dir, pid = process.stat.pid, &process, &unread] {
            auto line = split_cmdline(dir->command_line(pid).value_or(""));
            return [line = std::move(line), &process, &unread] {
                process.command_line = line;
                --unread;
            };
        };
        (void)worker->submit(work).has_value();
    }
    if (worker) worker->drain_within(patience);
    return unread;
}

// All facts but the command line.
std::optional<Process> read_process(const sys::ProcDir& dir, pid_t pid) {
    auto stat = dir.stat(pid);
    if (!stat) return {};
    Process process{.stat = *std::move(stat), .exe = {}, .command_line = {}, .status = {}, .cgroups = {}};
    constexpr std::array facts{Fact::exe, Fact::status, Fact::cgroups};
    const bool there = std::ranges::all_of(facts, [&](Fact fact) { return dir.read(fact, process).has_value(); });
    return there ? std::optional(std::move(process)) : std::nullopt;
}

void read_pidfile(Snapshot& snapshot, const Pent& pent) {
    const auto text = sys::read_file(pent.pidfile, longest_pidfile);
    if (text) snapshot.named = parse_pidfile(*text);
    if (!text) snapshot.pidfile_fault = text.error().reason();
}

// It may lie on a mount that answers nobody.
void read_pidfile_in_time(Snapshot& snapshot, const Pent& pent) {
    snapshot.pidfile_fault = fmt::format("no answer within {}", span_words(patience));
    auto worker = sys::Worker::open(1, 1);
    const auto work = [&snapshot, pent] {
        Snapshot read;
        read_pidfile(read, pent);
        return [&snapshot, read = std::move(read)] {
            snapshot.named = read.named;
            snapshot.pidfile_fault = read.pidfile_fault;
        };
    };
    if (worker && worker->submit(work)) worker->drain_within(patience);
}

// Of processes that are somebody else's a name is told where the pfile has one.
void resolve_users(Snapshot& snapshot, Pent& pent) {
    if (pent.user.empty()) return;
    const auto account = sys::find_user(pent.user);
    if (account) pent.uid = account->uid;
    if (!account) snapshot.user_fault = account.error().text;
    if (std::ranges::all_of(pent.user, [](char c) { return c >= '0' && c <= '9'; })) return;
    const MatchRule rule = rule_of(pent);
    for (const Process& process : snapshot.processes) {
        const auto failed = failed_filters(rule, process);
        const bool others = std::ranges::find(failed, "user") != failed.end();
        const bool meant = std::ranges::find(failed, "name") == failed.end() || snapshot.named == process.stat.pid;
        if (!others || !meant || snapshot.user_names.contains(process.status->user)) continue;
        const auto other = sys::find_user(std::to_string(process.status->user));
        snapshot.user_names.emplace(process.status->user, other ? other->name : std::string());
    }
}

}  // namespace

Result<Snapshot> read_snapshot(const View& view, Pent& pent) {
    const auto self = sys::own_identity();
    if (!self) return Failure(self.error());
    if (self->pid_namespace != view.header.owner.pid_namespace) {
        return fail("pcheck lives in another PID namespace: /proc does not show here what it sees");
    }
    auto opened = sys::ProcDir::open();
    if (!opened) return Failure(opened.error());
    const auto dir = std::make_shared<const sys::ProcDir>(*std::move(opened));
    sys::ProcTable table(dir);
    if (const auto pass = table.pass(sys::Depth::every); !pass) return Failure(pass.error());

    Snapshot snapshot;
    if (const auto status = dir->status(self->id.pid)) snapshot.reader = status->user;
    for (const ProcessId id : table.all()) {
        if (auto process = read_process(*dir, id.pid)) snapshot.processes.push_back(*std::move(process));
    }
    snapshot.unread = read_command_lines(dir, snapshot.processes);
    if (!pent.pidfile.empty()) read_pidfile_in_time(snapshot, pent);
    resolve_users(snapshot, pent);
    return snapshot;
}

Snapshot read_named(Pent& pent) {
    Snapshot snapshot;
    read_pidfile(snapshot, pent);
    const auto dir = sys::ProcDir::open();
    auto process = dir && snapshot.named ? read_process(*dir, *snapshot.named) : std::nullopt;
    if (process) {
        process->command_line = split_cmdline(dir->command_line(*snapshot.named).value_or(""));
        snapshot.processes.push_back(*std::move(process));
    }
    resolve_users(snapshot, pent);
    return snapshot;
}

}  // namespace banken
