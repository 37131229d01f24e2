// SPDX-License-Identifier: Apache-2.0
#include "padmin/findings.hpp"

#include <algorithm>
#include <cerrno>

#include "common/sys/accounts.hpp"
#include "common/sys/file.hpp"
#include "common/sys/identity.hpp"
#include "common/sys/proc_dir.hpp"
#include "common/sys/trust.hpp"
#include "common/sys/worker.hpp"
#include "common/text.hpp"
#include "padmin/match.hpp"
#include "padmin/words.hpp"

namespace banken {
namespace {

constexpr Duration patience = std::chrono::seconds(2);
constexpr std::size_t most_bytes = 16384, most_lines = 5, longest_line = 200;

// Whoever may look into less than pcheck would find faults that it does not meet.
bool sees_as_pcheck(uid_t pcheck) { return sys::own_user() == 0 || sys::own_user() == pcheck; }

std::string trust_fault(const Pent& pent, const Command& script, uid_t pcheck) {
    uid_t user = pcheck;
    if (!pent.run_as.empty()) {
        const auto account = sys::find_user(pent.run_as);
        if (!account) return account.error().text;
        user = account->uid;
    }
    const auto trusted = sys::check_trust(script.argv.front(), sys::TrustKind::script, user);
    return trusted ? std::string() : trusted.error().text;
}

std::vector<std::string> last_lines(const std::string& path) {
    const auto text = sys::read_end(path, most_bytes);
    std::vector<std::string> lines;
    if (!text) return lines;
    const std::string_view whole = text->ends_with('\n') ? std::string_view(*text).substr(0, text->size() - 1) : std::string_view(*text);
    if (whole.empty()) return lines;
    const auto all = split(whole, '\n');
    for (auto line = all.end() - static_cast<std::ptrdiff_t>(std::min(most_lines, all.size())); line != all.end(); ++line)
        lines.emplace_back(line->substr(0, longest_line));
    return lines;
}

// The pidfile counts while the process is looked for; once followed it stays until the file names another one that passes.
std::string naming_words(const View& view, const EntryRecord& entry, Pent pent) {
    if (pent.pidfile.empty()) return {};
    const Snapshot snapshot = read_named(pent);
    if (entry.main.pid == 0) return entry.seen.pid == 0 ? pidfile_words(view, entry, pent, snapshot) : std::string();
    if (snapshot.named == entry.main.pid || is_given_up(entry)) return {};
    const std::string naming = !snapshot.pidfile_fault.empty() ? "cannot be read: " + printable(snapshot.pidfile_fault)
                               : snapshot.named                ? fmt::format("names process {} now", *snapshot.named)
                                                               : "names nobody now";
    return fmt::format("{} {}: process {} is followed on until it names another one that passes all filters", printable(pent.pidfile),
                       naming, entry.main.pid);
}

// A process that stands still is not lost.
std::string stands_words(const EntryRecord& entry, const Pent& pent, const Result<ProcessStat>& stat) {
    if (!stat || stat->id() != entry.main || (stat->state != 'T' && stat->state != 'D')) return {};
    const std::string_view what = stat->state == 'T' ? "T, stopped by a signal" : "D, waiting in the kernel";
    const std::string then = pent.hung == Duration{}
                                 ? std::string("it counts as running (hung is not set)")
                                 : fmt::format("it counts as stalled once it has stood so for {} (hung)", span_words(pent.hung));
    return fmt::format("{} is in state {}: {}", entry.main.pid, what, then);
}

bool is_over(const Result<ProcessStat>& stat, ProcessId id, bool zombie_counts) {
    if (!stat) return stat.error().number == ENOENT || stat.error().number == ESRCH;
    return stat->id() != id || stat->state == 'X' || (zombie_counts && stat->state == 'Z');
}

// What /proc says of the processes that the records name.
void look_at_processes(Findings& found, const View& view, const EntryRecord& entry, const Pent& pent) {
    if (std::string line = naming_words(view, entry, pent); !line.empty()) found.process.push_back(std::move(line));
    const auto dir = sys::ProcDir::open();
    if (!dir || entry.main.pid == 0) return;
    const auto stat = dir->stat(entry.main.pid);
    if (std::string line = stands_words(entry, pent, stat); !line.empty()) found.process.push_back(std::move(line));
    const bool unwatched = !view.alive || view.stopped;  // else a zombie has threads that run, or pcheck would know
    found.gone = entry.state == EntryState::avail && is_over(stat, entry.main, unwatched);
}

// Only where /proc shows its processes.
bool is_in_sight(const View& view) {
    const auto self = sys::own_identity();
    return !view.dumped && self && self->pid_namespace == view.header.owner.pid_namespace;
}

}  // namespace

Findings find_out(const View& view, const EntryRecord& entry, const Pent& pent) {
    Findings findings;
    findings.process.push_back(fmt::format("its pidfile, scripts and output could not be looked at within {}", span_words(patience)));
    auto worker = sys::Worker::open(1, 1);
    if (!worker) return findings;
    const bool look = is_in_sight(view);
    const bool judge = view.param.script_check_strict && view.user && sees_as_pcheck(*view.user);
    const bool read = !pent.script.none() && !view.param.script_output_file.empty() && !entry.last_failure.empty();
    const auto submitted = worker->submit([&findings, view, entry, pent, look, judge, read] {
        Findings found;
        if (judge && !pent.script.none()) found.refused = trust_fault(pent, pent.script, *view.user);
        if (judge && !pent.check.none()) found.check_refused = trust_fault(pent, pent.check, *view.user);
        if (look) look_at_processes(found, view, entry, pent);
        if (read) found.output = last_lines(view.param.script_output_file);
        return [&findings, found = std::move(found)] { findings = found; };
    });
    if (submitted) worker->drain_within(patience);
    return findings;
}

Findings find_out(const View& view, const ResourceRecord& resource) {
    Findings findings;
    const std::string& file = view.param.script_output_file;
    if (file.empty() || !is_failed(resource.state)) return findings;
    auto worker = sys::Worker::open(1, 1);
    if (!worker) return findings;
    const auto submitted = worker->submit([&findings, file] { return [&findings, lines = last_lines(file)] { findings.output = lines; }; });
    if (submitted) worker->drain_within(patience);
    return findings;
}

}  // namespace banken
