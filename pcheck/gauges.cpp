// SPDX-License-Identifier: Apache-2.0
#include "pcheck/gauges.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <string>
#include <string_view>

#include "common/sys/file.hpp"
#include "common/sys/pid_ref.hpp"

namespace banken {
namespace {

constexpr Duration tick = std::chrono::milliseconds(10);  // USER_HZ, as in clock.cpp
constexpr std::size_t most_threads = 64;                  // of those that a left leader's state is taken from

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

// The next entry that is a number; -1 at the end.
int next_number(DIR& directory) {
    while (const dirent* entry = ::readdir(&directory)) {
        const std::string_view name = entry->d_name;
        int number = -1;
        if (std::from_chars(name.data(), name.data() + name.size(), number).ec == std::errc{}) return number;
    }
    return -1;
}

// How awake a thread is, by the letters of proc(5); what is dead comes last.
int wakefulness(char state) {
    constexpr std::string_view order = "XZTDSIR";  // an unknown letter is taken for awake
    return static_cast<int>(std::min(order.find(state), order.size()));
}

struct Thread {
    std::string path;
    ProcessStat stat;
};

// Of the process whose leader has left: the most awake of its other threads.
std::optional<Thread> most_awake(pid_t pid) {
    const std::string tasks = fmt::format("/proc/{}/task", pid);
    const Directory directory(::opendir(tasks.c_str()));
    std::optional<Thread> best;
    for (std::size_t seen = 0; directory && seen < most_threads; ++seen) {
        const int thread = next_number(*directory);
        if (thread < 0) break;
        std::string path = fmt::format("{}/{}", tasks, thread);
        const auto text = sys::read_at(AT_FDCWD, (path + "/stat").c_str(), 4096);
        auto stat = text ? parse_stat(*text) : Result<ProcessStat>(Failure(text.error()));
        if (!stat || thread == pid) continue;
        if (!best || wakefulness(stat->state) > wakefulness(best->stat.state)) best = Thread{std::move(path), *std::move(stat)};
    }
    return best;
}

// Since 6.2 the directory's size says how many there are.
std::uint64_t descriptors(const std::string& path, std::uint64_t count_to) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return 0;
    if (status.st_size > 0 || count_to == 0) return static_cast<std::uint64_t>(status.st_size);
    const Directory directory(::opendir(path.c_str()));
    std::uint64_t open = 0;
    while (directory && open < count_to && next_number(*directory) >= 0) ++open;
    return open;
}

}  // namespace

std::optional<core::Measured> measure(core::EntryKey entry, ProcessId process, std::uint64_t count_fds_to) {
    auto stat = sys::read_stat(process.pid);
    if (!stat || stat->id() != process || stat->dead()) return {};
    Thread thread{fmt::format("/proc/{}", process.pid), *stat};
    if (stat->state == 'Z' || stat->state == 'X') {  // the memory and the descriptors have left it with its leader
        auto other = most_awake(process.pid);
        if (!other) return {};
        thread = *std::move(other);
    }
    core::Measured measured{.entry = entry, .process = process, .state = thread.stat.state};
    measured.cpu = static_cast<Duration::rep>(stat->cpu_ticks) * tick;
    measured.rss = thread.stat.resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    measured.fds = descriptors(thread.path + "/fd", count_fds_to);
    return measured;
}

}  // namespace banken
