// SPDX-License-Identifier: Apache-2.0
#include "common/sys/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "common/sys/clock.hpp"
#include "common/sys/unique_fd.hpp"

namespace banken::sys {
namespace {

constexpr std::size_t longest_output = 64 << 10;

// posix_spawn(3) with what a program that others start expects.
class Plan {
public:
    explicit Plan(int output) {
        posix_spawn_file_actions_init(&files_);
        posix_spawn_file_actions_addopen(&files_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) posix_spawn_file_actions_adddup2(&files_, output, stream);
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_init(&attributes_);
        posix_spawnattr_setsigmask(&attributes_, &none);
        posix_spawnattr_setsigdefault(&attributes_, &all);
        posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    }
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;
    ~Plan() {
        posix_spawn_file_actions_destroy(&files_);
        posix_spawnattr_destroy(&attributes_);
    }

    [[nodiscard]] Result<pid_t> start(const std::string& program, const std::vector<std::string>& arguments,
                                      const std::vector<std::string>& environment) const {
        pid_t child = 0;
        const int refused =
            posix_spawn(&child, program.c_str(), &files_, &attributes_, pointers_to(arguments).data(), pointers_to(environment).data());
        if (refused != 0) return fail_errno(program, refused);
        return child;
    }

private:
    posix_spawn_file_actions_t files_{};
    posix_spawnattr_t attributes_{};
};

void await(const UniqueFd& end, Duration limit) {
    const Instant until = read_instant() + limit;
    for (Instant now = read_instant(); now < until; now = read_instant()) {
        pollfd ready{.fd = end.get(), .events = POLLIN, .revents = 0};
        if (::poll(&ready, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(until - now).count())) > 0) return;
    }
}

std::string text_in(const UniqueFd& output) {
    std::string text(longest_output, '\0');
    const ssize_t length = ::pread(output.get(), text.data(), text.size(), 0);
    text.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    return text;
}

}  // namespace

std::vector<char*> pointers_to(const std::vector<std::string>& strings) {
    std::vector<char*> pointers;
    pointers.reserve(strings.size() + 1);
    for (const auto& string : strings) pointers.push_back(const_cast<char*>(string.c_str()));
    pointers.push_back(nullptr);
    return pointers;
}

Result<FinishedProgram> run_program(const std::string& program, const std::vector<std::string>& arguments,
                                    const std::vector<std::string>& environment, Duration limit) {
    const UniqueFd output(::memfd_create("output", MFD_CLOEXEC));
    if (!output.valid()) return fail_errno("memfd_create");
    const auto child = Plan(output.get()).start(program, arguments, environment);
    if (!child) return Failure(child.error());
    const UniqueFd end(static_cast<int>(::syscall(SYS_pidfd_open, *child, 0)));
    const auto refused = fail_errno("pidfd_open");
    if (end.valid()) await(end, limit);
    ::kill(-*child, SIGKILL);  // not reaped yet: the group is its own; what a good one has left behind goes too
    FinishedProgram finished;
    while (::waitpid(*child, &finished.status, 0) < 0 && errno == EINTR) {}
    if (!end.valid()) return refused;
    finished.output = text_in(output);
    return finished;
}

}  // namespace banken::sys
