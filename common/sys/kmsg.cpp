// SPDX-License-Identifier: Apache-2.0
#include "common/sys/kmsg.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace banken::sys {
namespace {

constexpr ino_t initial_pid_namespace = 0xEFFFFFFC;  // the same in every kernel: PROC_PID_INIT_INO
constexpr std::size_t longest_record = 8192;         // PRINTK_MESSAGE_MAX and before it CONSOLE_EXT_LOG_MAX: a smaller buffer gets EINVAL

std::optional<long> leading_number(std::string_view text) {
    long number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return std::nullopt;
    return number;
}

}  // namespace

std::optional<pid_t> oom_victim(std::string_view record) {
    constexpr std::string_view words = "Killed process ";
    const auto priority = leading_number(record);
    const auto found = record.find(words);
    if (!priority || *priority >= 8 || found == std::string_view::npos) return std::nullopt;  // facility * 8 + level
    const std::string_view rest = record.substr(found + words.size());
    const auto pid = leading_number(rest);
    const auto after = rest.find_first_not_of("0123456789");
    if (!pid || !rest.substr(std::min(after, rest.size())).starts_with(" (")) return std::nullopt;
    return static_cast<pid_t>(*pid);
}

Result<Kmsg> Kmsg::open() {
    struct stat name_space {};
    if (::stat("/proc/self/ns/pid", &name_space) != 0) return fail_errno("/proc/self/ns/pid");
    if (name_space.st_ino != initial_pid_namespace) return fail("/dev/kmsg: not in the initial PID namespace");
    UniqueFd file(::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!file.valid()) return fail_errno("/dev/kmsg");
    if (::lseek(file.get(), 0, SEEK_END) < 0) return fail_errno("/dev/kmsg");
    return Kmsg(std::move(file));
}

void Kmsg::drain() {
    std::array<char, longest_record> record{};
    for (;;) {
        const ssize_t size = ::read(file_.get(), record.data(), record.size());
        if (size < 0 && (errno == EPIPE || errno == EINTR)) continue;  // EPIPE: records were overwritten; the next read goes on behind them
        if (size <= 0) return;
        const auto victim = oom_victim({record.data(), static_cast<std::size_t>(size)});
        if (!victim) continue;
        if (victims_.size() == remembered) victims_.pop_front();
        victims_.push_back(*victim);
    }
}

void Kmsg::forget(pid_t pid) {
    drain();
    std::erase(victims_, pid);
}

bool Kmsg::was_oom_killed(pid_t pid) {
    drain();
    return std::find(victims_.begin(), victims_.end(), pid) != victims_.end();
}

}  // namespace banken::sys
