// SPDX-License-Identifier: Apache-2.0
#include "common/sys/proc_table.hpp"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <functional>
#include <limits>
#include <string_view>

#include "common/sys/pid_ref.hpp"

namespace banken::sys {
namespace {

constexpr unsigned turns = 8;
constexpr BootTicks youth = 200;

// What a Record's traits say.
constexpr std::uint8_t dead = 1, kernel_thread = 2, watched = 4, has_image = 8;

bool has(std::uint8_t traits, std::uint8_t trait) { return (traits & trait) != 0; }

std::uint32_t hash_of_comm(const Fingerprint& print) { return static_cast<std::uint32_t>(std::hash<std::string_view>{}(print.comm)); }

// What an exec changes. 32 bits: one exec in four thousand million goes unseen, for a table of a third less.
std::uint32_t hash_of_image(const Fingerprint& print) {
    const std::array<std::uint64_t, 5> image{print.start_code, print.end_code, print.start_stack, print.arg_start, print.fork_no_exec};
    std::array<char, sizeof image> bytes{};
    std::memcpy(bytes.data(), image.data(), sizeof image);
    return static_cast<std::uint32_t>(std::hash<std::string_view>{}({bytes.data(), bytes.size()}));
}

// Appends the pids among the entries of one getdents call.
void take_pids(std::string_view entries, std::vector<pid_t>& pids) {
    while (!entries.empty()) {
        dirent64 entry{};  // only its head is whole: the name's room is cut to its length
        std::memcpy(&entry, entries.data(), std::min(sizeof entry, entries.size()));
        const std::string_view name = entries.data() + offsetof(dirent64, d_name);
        pid_t pid = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (error == std::errc{} && end == name.data() + name.size()) pids.push_back(pid);
        entries.remove_prefix(entry.d_reclen);
    }
}

}  // namespace

// A portion of a pass.
class ProcTable::Merge {
public:
    Merge(ProcTable& table, Pass& pass, std::size_t most) : table_(table), pass_(pass), left_(most) {}

    // Whether the pass is over.
    bool take() {
        const auto& old = table_.records_;
        std::size_t& at = pass_.next_record;
        while (pass_.next_pid < pass_.pids.size()) {
            if (left_ == 0) return false;
            const pid_t pid = pass_.pids[pass_.next_pid++];
            for (; at < old.size() && old[at].pid < pid; ++at) gone(old[at]);
            if (at < old.size() && old[at].pid == pid) {
                again(old[at++]);
            } else {
                first(pid);
            }
        }
        for (; at < old.size(); ++at) gone(old[at]);
        return true;
    }

private:
    void tell(TableChange::Kind kind, const Record& record) { pass_.changes.push_back({kind, {record.pid, record.start}}); }
    Result<ProcessStat> stat(pid_t pid) {
        --left_;
        return table_.dir_->stat(pid);
    }
    void gone(const Record& record) {
        if (!has(record.traits, dead) && !has(record.traits, kernel_thread)) tell(TableChange::Kind::gone, record);
    }
    void first(pid_t pid) {
        auto now = stat(pid);
        if (!now && !is_gone(now.error())) now = stat(pid);  // who is not seen counts as not there, and is started again
        if (now) appeared(*now);
    }
    void appeared(const ProcessStat& stat) {
        const Record record = record_of(stat);
        pass_.records.push_back(record);
        table_.youngest_ = std::max(table_.youngest_, record.start);
        if (!has(record.traits, dead) && !has(record.traits, kernel_thread)) tell(TableChange::Kind::appeared, record);
    }
    void again(const Record& old) {
        if (!is_due(old)) return pass_.records.push_back(old);
        const auto now = stat(old.pid);
        if (!now) return is_gone(now.error()) ? gone(old) : pass_.records.push_back(old);
        if (now->fingerprint.start == old.start) return compare(old, *now);
        gone(old);
        appeared(*now);
    }
    [[nodiscard]] bool is_due(const Record& old) const {
        if (pass_.also.contains(old.pid)) return true;
        switch (pass_.depth) {
            case Depth::every: return true;
            case Depth::young: return table_.is_young(old.start);
            case Depth::eighth: return has(old.traits, watched) || static_cast<unsigned>(old.pid) % turns == table_.turn_;
        }
        return true;
    }
    void compare(const Record& old, const ProcessStat& stat) {
        Record record = record_of(stat);
        if (!has(record.traits, dead)) record.traits |= old.traits & watched;
        if (has(record.traits, dead)) {
            gone(old);
        } else if (has(old.traits, has_image) && stat.fingerprint.start_code == 0) {
            record = old;  // without memory: it is ending, or its leader has left
        } else if (!has(record.traits, kernel_thread)) {
            tell_differences(old, record, stat.fingerprint.start_stack == 0);
        }
        pass_.records.push_back(record);
    }
    void tell_differences(const Record& old, const Record& record, bool hidden) {
        if (has(old.traits, watched) && (old.parent != record.parent || old.session != record.session)) {
            tell(TableChange::Kind::moved, record);
        }
        if (hidden || old.image != record.image) {
            tell(TableChange::Kind::executed, record);
        } else if (old.comm != record.comm) {
            tell(TableChange::Kind::renamed, record);
        }
    }
    static Record record_of(const ProcessStat& stat) {
        const Fingerprint& print = stat.fingerprint;
        std::uint8_t traits = 0;
        if (stat.dead()) traits |= dead;
        if (stat.kernel_thread) traits |= kernel_thread;
        if (print.start_code != 0) traits |= has_image;
        return {stat.pid, stat.parent, stat.session, hash_of_comm(print), hash_of_image(print), traits, print.start};
    }

    ProcTable& table_;
    Pass& pass_;
    std::size_t left_;
};

Result<std::vector<pid_t>> ProcTable::list() const {
    std::vector<pid_t> pids;
    pids.reserve(records_.size() + records_.size() / 8);
    std::array<char, 32u << 10> buffer;
    if (::lseek(dir_->fd(), 0, SEEK_SET) < 0) return fail_errno("lseek");
    for (;;) {
        const ssize_t length = ::getdents64(dir_->fd(), buffer.data(), buffer.size());
        if (length < 0) return fail_errno("getdents64");
        if (length == 0) break;
        take_pids({buffer.data(), static_cast<std::size_t>(length)}, pids);
    }
    if (!std::ranges::is_sorted(pids)) std::ranges::sort(pids);  // the kernel's /proc is
    return pids;
}

Result<std::vector<TableChange>> ProcTable::pass(Depth depth, const std::set<pid_t>& also) {
    const auto begun = begin(depth, also);
    if (!begun) return Failure(begun.error());
    return *go_on(std::numeric_limits<std::size_t>::max());
}

Result<> ProcTable::begin(Depth depth, const std::set<pid_t>& also) {
    auto pids = list();
    if (!pids) return Failure(pids.error());
    if (depth == Depth::eighth) turn_ = (turn_ + 1) % turns;
    Pass pass;  // not made in its place: clang 14 holds that this needs an end of the class
    pass.depth = depth;
    pass.also = also;
    pass.pids = *std::move(pids);
    pass.records.reserve(pass.pids.size());
    pass_ = std::move(pass);
    return {};
}

std::optional<std::vector<TableChange>> ProcTable::go_on(std::size_t most) {
    if (!Merge(*this, *pass_, most).take()) return {};
    records_ = std::move(pass_->records);
    auto changes = std::move(pass_->changes);
    pass_.reset();
    return changes;
}

const ProcTable::Record* ProcTable::record(pid_t pid) const {
    const auto found = std::ranges::lower_bound(records_, pid, {}, &Record::pid);
    return found != records_.end() && found->pid == pid && !has(found->traits, dead) ? &*found : nullptr;
}

void ProcTable::watch(pid_t pid, bool on) {
    const auto mark = [pid, on](std::vector<Record>& records) {
        const auto found = std::ranges::lower_bound(records, pid, {}, &Record::pid);
        if (found == records.end() || found->pid != pid) return;
        found->traits = static_cast<std::uint8_t>(on ? found->traits | watched : found->traits & ~watched);
    };
    mark(records_);
    if (pass_) mark(pass_->records);
}

std::optional<ProcTable::Known> ProcTable::find(pid_t pid) const {
    const Record* const found = record(pid);
    if (!found) return {};
    return Known{{found->pid, found->start}, found->parent, found->session};
}

bool ProcTable::differs(ProcessId process, const Fingerprint& fingerprint) const {
    const Record* const found = record(process.pid);
    return found && found->start == process.start &&
           (found->comm != hash_of_comm(fingerprint) || found->image != hash_of_image(fingerprint));
}

bool ProcTable::lives(ProcessId process) const {
    const Record* const found = record(process.pid);
    return found && found->start == process.start;
}

std::vector<ProcessId> ProcTable::all() const {
    std::vector<ProcessId> processes;
    for (const Record& record : records_) {
        if (!has(record.traits, dead) && !has(record.traits, kernel_thread)) processes.push_back({record.pid, record.start});
    }
    return processes;
}

std::vector<ProcessId> ProcTable::young() const {
    std::vector<ProcessId> processes = all();
    std::erase_if(processes, [this](ProcessId process) { return !is_young(process.start); });
    return processes;
}

bool ProcTable::is_young(BootTicks start) const { return start + youth >= youngest_; }

}  // namespace banken::sys
