// SPDX-License-Identifier: Apache-2.0
#include "pcheck/process_reader.hpp"

#include <algorithm>
#include <iterator>
#include <mutex>
#include <utility>

#include "common/cgroup.hpp"
#include "common/sys/pid_ref.hpp"

namespace banken {
namespace {

constexpr std::size_t max_argv0 = 4096;

}  // namespace

// What the loop's thread and one helper share. The helper may come back when all else is gone.
struct ProcessReader::Batch {
    Batch(std::shared_ptr<const sys::ProcDir> proc, std::shared_ptr<const RuleIndex> all, std::vector<Asked> processes)
        : dir(std::move(proc)), rules(std::move(all)), asked(std::move(processes)) {}

    const std::shared_ptr<const sys::ProcDir> dir;
    const std::shared_ptr<const RuleIndex> rules;
    const std::vector<Asked> asked;

    std::mutex mutex;  // guards the rest
    std::vector<Reading> found;
    std::size_t next = 0;
    bool given_up = false;
};

// A process that is not told is taken for absent, and its script is run beside it: what is short just now is tried again at once.
Reading ProcessReader::read(const sys::ProcDir& dir, const RuleIndex& rules, const Asked& asked, bool with_command_line) {
    constexpr int most_tries = 3;
    Reading reading = read_once(dir, rules, asked, with_command_line);
    for (int tried = 1; reading.in_part && tried < most_tries; ++tried) reading = read_once(dir, rules, asked, with_command_line);
    return reading;
}

Reading ProcessReader::read_once(const sys::ProcDir& dir, const RuleIndex& rules, const Asked& asked, bool with_command_line) {
    Reading reading{.id = asked.process, .number = asked.number};
    auto stat = dir.stat(asked.process.pid);
    reading.in_part = !stat && !sys::is_gone(stat.error());
    if (!stat || stat->id() != asked.process) return reading;
    Facts facts{.argv0 = {}, .fork_no_exec = stat->fingerprint.fork_no_exec};

    Process process{.stat = *std::move(stat), .exe = {}, .command_line = {}, .status = {}, .cgroups = {}};
    const auto read_fact = [&dir, &reading](Fact fact, Process& of) {
        auto known = dir.read(fact, of);
        reading.in_part = reading.in_part || (!known && !sys::is_gone(known.error()));
        return fact == Fact::status ? known : Result<>();  // there is something to judge by without the others
    };
    static_cast<void>(read_fact(Fact::exe, process));
    process.command_line.emplace();
    if (with_command_line) static_cast<void>(read_fact(Fact::command_line, process));
    if (!process.command_line->empty()) facts.argv0 = process.command_line->front().substr(0, max_argv0);
    auto entries = rules.matches(process, asked.named_by, read_fact);
    if (!entries) return reading;
    reading.entries = *std::move(entries);
    if (!reading.entries.empty() || asked.with_facts) {
        if (!process.status && !read_fact(Fact::status, process))
            return {.id = asked.process, .number = asked.number, .in_part = reading.in_part};
        if (!process.cgroups) static_cast<void>(read_fact(Fact::cgroups, process));
        facts.user = process.status->user;
        facts.in_session_scope = std::ranges::any_of(*process.cgroups, is_login_session);
        reading.facts = std::move(facts);
    }
    reading.how = with_command_line ? Reading::How::whole : Reading::How::without_command_line;
    return reading;
}

void ProcessReader::read_all(Batch& batch) {
    for (;;) {
        std::unique_lock lock(batch.mutex);
        if (batch.given_up || batch.next == batch.asked.size()) return;
        const Asked& asked = batch.asked[batch.next];
        lock.unlock();
        Reading reading = read(*batch.dir, *batch.rules, asked, true);
        lock.lock();
        if (batch.given_up) return;
        batch.found.push_back(std::move(reading));
        ++batch.next;
    }
}

void ProcessReader::ask(Asked asked) {
    const pid_t pid = asked.process.pid;
    if (waiting_.insert_or_assign(pid, std::move(asked)).second) order_.push_back(pid);
    asked_anew_ = true;
}

std::vector<Reading> ProcessReader::advance(Instant now) {
    for (Slot& slot : slots_) {
        if (slot.deadline && *slot.deadline <= now) give_up(slot);
    }
    asked_anew_ = false;
    send_out(now);
    return std::exchange(found_, {});
}

std::optional<Instant> ProcessReader::due() const {
    if (asked_anew_ || !found_.empty()) return Instant::min();
    std::optional<Instant> first;
    for (const Slot& slot : slots_) {
        if (slot.deadline && (!first || *slot.deadline < *first)) first = slot.deadline;
    }
    return first;
}

// The process that the helper hangs at is judged without its command line; what is behind it goes to another helper.
void ProcessReader::give_up(Slot& slot) {
    slot.deadline.reset();
    Batch& batch = *slot.batch;
    const std::lock_guard lock(batch.mutex);
    if (batch.next == batch.asked.size()) return;  // just done
    batch.given_up = true;
    collect(batch);
    const auto stuck = batch.asked.begin() + static_cast<std::ptrdiff_t>(batch.next);
    slot.stuck = stuck->process;
    for (auto rest = batch.asked.end() - 1; rest != stuck; --rest) {
        if (waiting_.try_emplace(rest->process.pid, *rest).second) order_.push_front(rest->process.pid);
    }
    judge_without(*stuck);
}

void ProcessReader::send_out(Instant now) {
    while (slots_.size() < threads && !order_.empty()) {
        auto asked = next_batch();
        if (asked.empty()) return;
        const auto batch = std::make_shared<Batch>(dir_, rules_, std::move(asked));
        const auto sent = worker_.submit([batch, this] {
            read_all(*batch);
            return [batch, this] { returned(batch); };  // called only while this reader lives
        });
        if (sent) {
            slots_.push_back({batch, now + patience, {}});
        } else {
            for (const Asked& one : batch->asked) judge_without(one);
        }
    }
    if (!all_stuck()) return;
    while (const auto asked = next()) judge_without(*asked);
}

std::optional<ProcessReader::Asked> ProcessReader::next() {
    if (order_.empty()) return {};
    const auto node = waiting_.extract(order_.front());
    order_.pop_front();
    return std::move(node.mapped());
}

// Leaves waiting what another helper is reading just now.
std::vector<ProcessReader::Asked> ProcessReader::next_batch() {
    std::vector<Asked> batch, later;
    while (batch.size() < batch_size) {
        const auto asked = next();
        if (!asked) break;
        if (is_stuck(asked->process)) {
            judge_without(*asked);
        } else {
            (is_being_read(asked->process.pid) ? later : batch).push_back(*asked);
        }
    }
    for (const Asked& asked : later) {
        waiting_.emplace(asked.process.pid, asked);
        order_.push_front(asked.process.pid);
    }
    return batch;
}

void ProcessReader::collect(Batch& batch) {
    for (const Reading& reading : batch.found) unread_.erase(reading.id.pid);
    std::ranges::move(batch.found, std::back_inserter(found_));
}

void ProcessReader::returned(const std::shared_ptr<Batch>& batch) {
    std::erase_if(slots_, [&](const Slot& slot) { return slot.batch == batch; });
    const std::lock_guard lock(batch->mutex);
    if (!batch->given_up) return collect(*batch);
    for (auto at = unread_.begin(); at != unread_.end();) {
        if (is_stuck(at->second)) {
            ++at;
        } else {
            found_.push_back({.id = at->second, .how = Reading::How::readable_again});
            at = unread_.erase(at);
        }
    }
}

void ProcessReader::judge_without(const Asked& asked) {
    found_.push_back(read(*dir_, *rules_, asked, false));
    if (found_.back().how != Reading::How::vanished) unread_.insert_or_assign(asked.process.pid, asked.process);
}

bool ProcessReader::is_stuck(ProcessId process) const {
    return std::ranges::any_of(slots_, [process](const Slot& slot) { return slot.stuck == process; });
}

bool ProcessReader::is_being_read(pid_t pid) const {
    return std::ranges::any_of(slots_, [pid](const Slot& slot) {
        return !slot.stuck && std::ranges::any_of(slot.batch->asked, [pid](const Asked& asked) { return asked.process.pid == pid; });
    });
}

bool ProcessReader::all_stuck() const {
    return slots_.size() == threads && std::ranges::all_of(slots_, [](const Slot& slot) { return slot.stuck.has_value(); });
}

}  // namespace banken
