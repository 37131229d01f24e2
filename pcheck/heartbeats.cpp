// SPDX-License-Identifier: Apache-2.0
#include "pcheck/heartbeats.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
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

// What is known of one sender.
struct Heartbeats::Claim {
    std::string_view entry;  // empty: none is named
    uid_t user = 0;
    std::vector<ProcessId> lineage;
    std::string cgroup;  // empty: none that counts
};

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
}

void Heartbeats::keep_only(std::span<const core::EntryKey> entries) {
    const std::unordered_set<core::EntryKey> kept(entries.begin(), entries.end());
    std::erase_if(expected_, [&](const auto& expected) { return !kept.contains(expected.first); });
}

bool Heartbeats::take(Now now) {
    for (std::size_t taken = 0; taken < batch; ++taken) {
        const auto notification = receiver_.receive();
        if (!notification) return false;
        const Words words = words_of(notification->text);
        if (!words.alive) continue;  // READY=1, STATUS=… of a program that means well
        const auto entries = entries_of(*notification, words.entry);
        if (entries.empty()) ignored(*notification, now.instant);
        for (const core::EntryKey entry : entries) handlers_.on_heartbeat(entry);
    }
    return true;
}

std::vector<core::EntryKey> Heartbeats::entries_of(const sys::Notification& from, std::string_view named) const {
    Claim claim{named, from.user, lineage_of(from), {}};
    if (!claim.lineage.empty()) claim.cgroup = cgroup_of(from.pid);
    if (claim.cgroup == own_cgroup_) claim.cgroup.clear();
    std::vector<core::EntryKey> entries;
    for (const auto& [entry, expected] : expected_) {
        if (counts_for(expected, claim)) entries.push_back(entry);
    }
    return entries;
}

bool Heartbeats::counts_for(const Expected& expected, const Claim& claim) {
    if (!claim.entry.empty() && claim.entry != expected.name) return false;
    if (std::ranges::find(claim.lineage, expected.main) != claim.lineage.end()) return true;
    if (!claim.cgroup.empty() && claim.cgroup == expected.cgroup) return true;
    return !claim.entry.empty() && (claim.user == 0 || claim.user == geteuid() || claim.user == real_user(expected.main));
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
