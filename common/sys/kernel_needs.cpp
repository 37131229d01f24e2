// SPDX-License-Identifier: Apache-2.0
#include "common/sys/kernel_needs.hpp"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <thread>

#include "common/sys/unique_fd.hpp"

namespace banken::sys {
namespace {

bool is_for_good(int number) { return number == ENOSYS || number == EPERM || number == EINVAL; }

Failure lacks(std::string_view call, int number) {
    constexpr std::string_view advice = "needed is Linux 5.4 or later, and no seccomp filter that refuses this call";
    const Error refusal = fail_errno(call, number).value();
    return Failure(Error{fmt::format("{}: {}", refusal.text, advice), number});
}

// glibc makes threads by clone3, and by clone only where the answer is ENOSYS.
int try_thread() {
    try {
        std::thread([] {}).join();
    } catch (const std::system_error& error) {
        return error.code().value();
    }
    return 0;
}

}  // namespace

Result<> kernel_suffices() {
    const UniqueFd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0U)));
    if (!self.valid()) return is_for_good(errno) ? Result<>(lacks("pidfd_open", errno)) : Result<>();
    if (::syscall(SYS_pidfd_send_signal, self.get(), 0, nullptr, 0U) != 0) return lacks("pidfd_send_signal", errno);
    siginfo_t info{};
    if (::waitid(P_PIDFD, static_cast<id_t>(self.get()), &info, WEXITED | WNOHANG) != 0 && errno != ECHILD)
        return lacks("waitid(P_PIDFD)", errno);  // 5.4; nobody is his own child
    if (const int number = try_thread(); is_for_good(number)) return lacks("clone3 (for a thread)", number);
    return {};
}

std::string clone_found() {
    ::syscall(SYS_clone3, nullptr, 0);  // EINVAL from a kernel that has it
    return errno == EINVAL ? "clone3" : "fork: " + std::generic_category().message(errno);
}

}  // namespace banken::sys
