// SPDX-License-Identifier: Apache-2.0
// The owner of one file descriptor. Whoever opens it asks for O_CLOEXEC.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace banken::sys {

// From here on a child of a Spawner that shares our table copies none into its own: the kernel copies whole words of bits.
inline constexpr int first_uncopied = 64;

class UniqueFd {
public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        reset(other.release());
        return *this;
    }
    ~UniqueFd() { reset(); }

    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] bool valid() const { return fd_ >= 0; }
    [[nodiscard]] int release() { return std::exchange(fd_, -1); }

    // Closes what it owns; errno stays as it was, so that a refusal can still be told after the clean-up.
    void reset(int fd = -1) {
        const int old = std::exchange(fd_, fd);
        if (old < 0) return;
        const int before = errno;
        ::close(old);
        errno = before;
    }

private:
    int fd_ = -1;
};

// A file that may lie on a mount which answers nobody: there closing a copy of it hangs, too. It gets a number that no child copies, if there is one.
[[nodiscard]] inline UniqueFd kept_from_children(UniqueFd file) {
    if (!file.valid()) return file;
    UniqueFd high(::fcntl(file.get(), F_DUPFD_CLOEXEC, first_uncopied));
    return high.valid() ? std::move(high) : std::move(file);
}

}  // namespace banken::sys
