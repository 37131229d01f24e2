// SPDX-License-Identifier: Apache-2.0
#include "common/sys/background.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

namespace banken::sys {
namespace {

constexpr int pipe_place = 3;

// Nothing that is opened here may take the place of one that the caller has closed.
void fill_standard_descriptors() {
    int fd = 0;
    while (fd >= 0 && fd <= STDERR_FILENO) fd = ::open("/dev/null", O_RDWR);
    if (fd >= 0) ::close(fd);
}

// stdin, and the others where nobody is to wait for their end.
void drop_output(bool all) {
    const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null.valid()) return;
    ::dup2(null.get(), STDIN_FILENO);
    if (!all) return;
    ::dup2(null.get(), STDOUT_FILENO);
    ::dup2(null.get(), STDERR_FILENO);
}

[[noreturn]] void run(UniqueFd pipe, Background::Output output, const std::function<void(const Background::Tell&)>& work) {
    ::setsid();
    std::signal(SIGPIPE, SIG_IGN);
    if (::chdir("/") != 0) ::_exit(1);
    if (pipe.get() != pipe_place) ::dup3(pipe.release(), pipe_place, O_CLOEXEC);
    ::closefrom(pipe_place + 1);
    drop_output(false);
    bool told = false;
    work([&told, output](std::int32_t number) {
        [[maybe_unused]] const auto written = ::write(pipe_place, &number, sizeof number);
        if (!told && output == Background::Output::dropped) drop_output(true);
        told = true;
    });
    ::_exit(0);
}

}  // namespace

Result<Background> Background::start(Output output, const std::function<void(const Tell&)>& work) {
    fill_standard_descriptors();
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe2");
    UniqueFd ours(ends[0]), theirs(ends[1]);
    const pid_t child = ::fork();
    if (child < 0) return fail_errno("fork");
    if (child == 0) {
        ours.reset();
        run(std::move(theirs), output, work);
    }
    return Background(std::move(ours), child);
}

std::optional<std::int32_t> Background::next() {
    std::int32_t number = 0;
    for (;;) {
        const auto count = ::read(pipe_.get(), &number, sizeof number);
        if (count == static_cast<ssize_t>(sizeof number)) return number;
        if (count >= 0 || errno != EINTR) break;
    }
    if (child_ != 0) ::waitpid(std::exchange(child_, 0), nullptr, 0);
    return std::nullopt;
}

}  // namespace banken::sys
