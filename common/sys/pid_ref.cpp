// SPDX-License-Identifier: Apache-2.0
#include "common/sys/pid_ref.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>

#include "common/sys/file.hpp"

namespace banken::sys {
namespace {

// <linux/pidfd.h> of Linux 6.15, which is newer than the headers installed here. The number of the call holds the size, so this first
// form is answered by every kernel that knows it.
struct PidfdAnswer {
    std::uint64_t mask = 0;
    std::uint64_t cgroup = 0;
    std::array<std::uint32_t, 11> ids{};  // pid 0 once reaped: not compared
    std::int32_t exit_code = 0;
};
static_assert(sizeof(PidfdAnswer) == 64);
constexpr unsigned long get_info = _IOWR(0xFF, 11, PidfdAnswer);
constexpr std::uint64_t info_exit = 1U << 3;

// glibc 2.36's <sys/pidfd.h> has no extern "C"; the bare calls need none of it.
UniqueFd open_pidfd(pid_t pid) { return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U))); }

Result<std::optional<int>> wait_for_child(int pidfd, int options) {
    siginfo_t info{};
    if (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, options | WEXITED | WNOHANG) != 0) return fail_errno("waitid");
    if (info.si_pid == 0) return std::nullopt;
    if (info.si_code == CLD_EXITED) return W_EXITCODE(info.si_status, 0);
    return info.si_status | (info.si_code == CLD_DUMPED ? WCOREFLAG : 0);
}

}  // namespace

Result<ProcessStat> read_stat(pid_t pid) {
    const UniqueFd file(::open(fmt::format("/proc/{}/stat", pid).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return fail_errno("stat");
    std::array<char, 4096> text{};  // one read is one consistent answer; comm is short and every other field a number
    const ssize_t size = ::read(file.get(), text.data(), text.size());
    if (size < 0) return fail_errno("stat");
    return parse_stat({text.data(), static_cast<std::size_t>(size)});
}

Result<std::string> read_cgroup(pid_t pid) { return read_at(AT_FDCWD, fmt::format("/proc/{}/cgroup", pid).c_str(), 64u << 10); }

Result<PidRef> PidRef::open(ProcessId process) {
    PidRef ref(open_pidfd(process.pid), process);
    if (ref.fd() < 0) return fail_errno("pidfd_open");
    const auto stat = read_stat(process.pid);  // after the open: from here on the pid stays this process's until it is reaped
    if (!stat && !is_gone(stat.error())) return Failure(stat.error());
    if (!stat || stat->id() != process) return fail_errno("pidfd_open", ESRCH);
    if (!stat->dead()) ref.shown_ = stat->fingerprint.start_stack != 0;
    return ref;
}

Result<> PidRef::signal(int number) const {
    if (::syscall(SYS_pidfd_send_signal, fd(), number, nullptr, 0U) != 0) return fail_errno("pidfd_send_signal");
    return {};
}

Result<> PidRef::signal_group(int number) const {
    if (::kill(-process_.pid, number) == 0) return {};
    if (errno == ESRCH) return signal(number);
    return fail_errno("kill");
}

bool PidRef::exited() const {
    pollfd end{.fd = fd(), .events = POLLIN, .revents = 0};
    return ::poll(&end, 1, 0) == 1;
}

Result<std::optional<int>> PidRef::exit_status_from_kernel() const {
    PidfdAnswer answer{.mask = info_exit};
    if (::ioctl(fd(), get_info, &answer) != 0) return fail_errno("PIDFD_GET_INFO");
    if ((answer.mask & info_exit) == 0) return std::nullopt;
    return answer.exit_code;
}

Result<std::optional<int>> PidRef::peek_child() const { return wait_for_child(fd(), WNOWAIT); }

Result<std::optional<int>> PidRef::reap_child() const { return wait_for_child(fd(), 0); }

bool kernel_tells_exit_status() {
    const pid_t pid = ::fork();
    if (pid < 0) return false;
    if (pid == 0) ::_exit(1);
    const PidRef child = PidRef::of_child(open_pidfd(pid), {.pid = pid, .start = 0});
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    const auto told = child.exit_status_from_kernel();
    return told && *told == status;
}

}  // namespace banken::sys
