// SPDX-License-Identifier: Apache-2.0
#include "pcheck/heartbeats.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "common/cgroup.hpp"
#include "common/sys/file.hpp"
#include "common/sys/pid_ref.hpp"

namespace banken {
namespace {

constexpr int deepest_ancestry = 64;

struct Words {
    bool alive = false;  // WATCHDOG=1
    std::string_view entry;
};

Words words_of(std::string_view text) {
    constexpr std::string_view entry_key = "BANKEN_ENTRY=";
    Words words;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = text.substr(0, end);
        if (line == "WATCHDOG=1") words.alive = true;
        if (line.starts_with(entry_key)) words.entry = line.substr(entry_key.size());
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

// Of one that says something; empty where it would say nothing.
std::string cgroup_of(pid_t pid) {
    const std::string text = sys::read_cgroup(pid).value_or("");
    const auto path = service_cgroup(text);
    return is_login_session(path) ? std::string() : std::string(path);
}

// The sender and those above it; empty where its pid is another process's by now.
std::vector<ProcessId> lineage_of(const sys::Notification& from) {
    std::vector<ProcessId> lineage;
    for (pid_t pid = from.pid; pid > 0 && lineage.size() < deepest_ancestry;) {
        const auto stat = sys::read_stat(pid);
        if (!stat || (lineage.empty() && stat->fingerprint.start > from.sent)) break;
        lineage.push_back(stat->id());
        pid = stat->parent;
    }
    return lineage;
}

std::optional<uid_t> real_user(ProcessId process) {
    const auto text = sys::read_at(AT_FDCWD, fmt::format("/proc/{}/status", process.pid).c_str(), 4096);
    const auto status = text ? parse_status(*text) : Result<ProcessStatus>(Failure(text.error()));
    const auto stat = sys::read_stat(process.pid);
    if (!status || !stat || stat->id() != process) return {};
    return status->user;
}

}  // namespace

std::string Heartbeats::path_for(std::uint32_t ipc_key, bool as_root, std::string_view runtime_directory) {
    if (as_root) runtime_directory = "/run";
    if (runtime_directory.empty()) return {};
    return fmt::format("{}/banken/{:#010x}.notify", runtime_directory, ipc_key);
}

Heartbeats::Heartbeats(sys::NotifyReceiver receiver, Handlers handlers)
    : receiver_(std::move(receiver)), handlers_(std::move(handlers)), own_cgroup_(cgroup_of(getpid())) {}

Result<Heartbeats> Heartbeats::open(const std::string& path, Handlers handlers) {
    auto receiver = sys::NotifyReceiver::open(path);
    if (!receiver) return Failure(receiver.error());
    return Heartbeats(*std::move(receiver), std::move(handlers));
}

void Heartbeats::expect(core::EntryKey entry, const std::string& name, ProcessId main) {
    const auto [place, is_new] = expected_.try_emplace(entry);
    Expected& expected = place->second;
    if (!is_new && expected.main == main && expected.name == name) return;
    expected = {name, main, cgroup_of(main.pid)};
    indexed_ = false;
}

void Heartbeats::forget(core::EntryKey entry) {
    if (expected_.erase(entry) > 0) indexed_ = false;
}

void Heartbeats::keep_only(std::span<const core::EntryKey> entries) {
    const std::unordered_set<core::EntryKey> kept(entries.begin(), entries.end());
    if (std::erase_if(expected_, [&](const auto& expected) { return !kept.contains(expected.first); }) > 0) indexed_ = false;
}

bool Heartbeats::take(Now now) {
    for (std::size_t taken = 0; taken < batch; ++taken) {
        const auto notification = receiver_.receive();
        if (!notification) return false;
        const Words words = words_of(notification->text);
        if (!words.alive) continue;  // READY=1, STATUS=… of a program that means well
        index();                     // a handler may have changed what is expected
        const auto entries = entries_of(*notification, words.entry);
        if (entries.empty()) ignored(*notification, now.instant);
        for (const core::EntryKey entry : entries) handlers_.on_heartbeat(entry);
    }
    return true;
}

void Heartbeats::index() {
    if (std::exchange(indexed_, true)) return;
    by_name_.clear();
    by_cgroup_.clear();
    by_main_.clear();
    for (const auto& [entry, expected] : expected_) {
        by_name_.emplace(expected.name, entry);
        by_main_.emplace(expected.main, entry);
        if (!expected.cgroup.empty() && expected.cgroup != own_cgroup_) by_cgroup_.emplace(expected.cgroup, entry);
    }
}

std::set<core::EntryKey> Heartbeats::entries_of(const sys::Notification& from, std::string_view named) const {
    if (expected_.empty()) return {};
    if (named.empty()) return entries_of_place(from);
    std::set<core::EntryKey> entries, others;
    const auto [begin, end] = by_name_.equal_range(named);
    for (auto found = begin; found != end; ++found) {
        (may_name(expected_.at(found->second), from.user) ? entries : others).insert(found->second);
    }
    if (others.empty()) return entries;
    std::ranges::set_intersection(others, entries_of_place(from), std::inserter(entries, entries.end()));
    return entries;
}

// Those for which the sender may speak by where it is: below the main process, or in its cgroup.
std::set<core::EntryKey> Heartbeats::entries_of_place(const sys::Notification& from) const {
    std::set<core::EntryKey> entries;
    const auto insert = [&](const auto& range) {
        for (auto found = range.first; found != range.second; ++found) entries.insert(found->second);
    };
    const auto lineage = lineage_of(from);
    for (const ProcessId process : lineage) insert(by_main_.equal_range(process));
    if (!lineage.empty() && !by_cgroup_.empty()) insert(by_cgroup_.equal_range(cgroup_of(from.pid)));
    return entries;
}

bool Heartbeats::may_name(const Expected& expected, uid_t user) {
    return user == 0 || user == geteuid() || user == real_user(expected.main);
}

void Heartbeats::ignored(const sys::Notification& from, Instant now) {
    ++ignored_;
    if (told_ && now - *told_ < told_every) return;
    told_ = now;
    handlers_.on_ignored(fmt::format("{} {} ignored, the last from pid {} of uid {}", ignored_, ignored_ == 1 ? "heartbeat" : "heartbeats",
                                     from.pid, from.user));
    ignored_ = 0;
}

}  // namespace banken
