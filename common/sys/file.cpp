// SPDX-License-Identifier: Apache-2.0
#include "common/sys/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "common/sys/unique_fd.hpp"

namespace banken::sys {
namespace {

constexpr std::size_t first_read = 4096;
constexpr std::string_view cannot_open = "cannot be opened";  // these errors are for people who have named the file

// At most `limit` bytes, until the end of the file.
Result<std::string> read_up_to(int fd, std::size_t limit) {
    std::string text;
    for (;;) {
        const std::size_t have = text.size();
        const std::size_t more = std::min(limit - have, std::max(have, first_read));
        if (more == 0) return text;
        text.resize(have + more);
        const ssize_t got = TEMP_FAILURE_RETRY(::read(fd, text.data() + have, more));
        if (got < 0) return fail_errno("read");
        text.resize(have + static_cast<std::size_t>(got));
        if (got == 0) return text;
    }
}

Result<> check_regular(int fd) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) return fail_errno("fstat");
    if (S_ISDIR(status.st_mode)) return fail_errno(cannot_open, EISDIR);
    if (S_ISFIFO(status.st_mode)) return fail("is a FIFO, not a regular file");
    if (!S_ISREG(status.st_mode)) return fail("is not a regular file");
    return {};
}

// Nothing but a regular file is opened: others can link a name of theirs to a device, and some of these act when they are opened (a watchdog
// resets the host when it is closed again).
Result<UniqueFd> open_to_read(const std::string& path) {
    const UniqueFd place(::open(path.c_str(), O_PATH | O_CLOEXEC));
    if (!place.valid()) return fail_errno(cannot_open);
    if (auto regular = check_regular(place.get()); !regular) return Failure(regular.error());
    UniqueFd file(::open(fmt::format("/proc/self/fd/{}", place.get()).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.valid()) return fail_errno(cannot_open);
    return kept_from_children(std::move(file));
}

Result<std::string> read_at_most(int fd, std::size_t limit) {
    auto text = read_up_to(fd, limit + 1);
    if (text && text->size() > limit) return fail("is larger than {} bytes", limit);
    return text;
}

Result<> write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = TEMP_FAILURE_RETRY(::write(fd, bytes.data(), bytes.size()));
        if (written < 0) return fail_errno("write");
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

// The temporary file takes `path`'s place.
Result<> fill_and_rename(int fd, const std::string& temporary, const std::string& path, std::string_view bytes) {
    if (auto written = write_all(fd, bytes); !written) return written;
    if (::fsync(fd) != 0) return fail_errno("fsync");
    if (::rename(temporary.c_str(), path.c_str()) != 0) return fail_errno("rename");
    return {};
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit) {
    const auto file = open_to_read(path);
    if (!file) return Failure(file.error().in(path));
    auto text = read_at_most(file->get(), limit);
    return text ? std::move(text) : Failure(text.error().in(path));
}

Result<std::string> read_end(const std::string& path, std::size_t most) {
    const auto file = open_to_read(path);
    if (!file) return Failure(file.error().in(path));
    const off_t size = ::lseek(file->get(), 0, SEEK_END);
    if (size < 0 || ::lseek(file->get(), std::max<off_t>(0, size - static_cast<off_t>(most)), SEEK_SET) < 0)
        return Failure(fail_errno("lseek").value().in(path));
    auto text = read_up_to(file->get(), most);
    return text ? std::move(text) : Failure(text.error().in(path));
}

Result<std::string> read_at(int directory, const char* relative, std::size_t limit) {
    const UniqueFd fd(::openat(directory, relative, O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) return fail_errno("open");
    return read_up_to(fd.get(), limit);
}

Result<> write_atomically(const std::string& path, std::string_view bytes, mode_t mode) {
    std::string temporary = path + ".XXXXXX";
    const auto fd = kept_from_children(UniqueFd(::mkostemp(temporary.data(), O_CLOEXEC)));
    if (!fd.valid()) return Failure(fail_errno("create").value().in(path));
    Result<> done = ::fchmod(fd.get(), mode) == 0 ? fill_and_rename(fd.get(), temporary, path, bytes) : Result<>(fail_errno("fchmod"));
    if (done) return done;
    ::unlink(temporary.c_str());
    return Failure(done.error().in(path));
}

Result<> write_file(const std::string& path, std::string_view bytes) {
    const auto fd = kept_from_children(UniqueFd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_CLOEXEC, 0644)));
    if (!fd.valid()) return Failure(fail_errno(cannot_open).value().in(path));
    auto written = write_all(fd.get(), bytes);
    return written ? std::move(written) : Failure(written.error().in(path));
}

Result<std::string> resolved_path(const std::string& path) {
    const std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(path.c_str(), nullptr), &std::free);
    if (!resolved) return fail_errno(path);
    return std::string(resolved.get());
}

Result<uid_t> owner_of(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return Failure(fail_errno("stat").value().in(path));
    return status.st_uid;
}

}  // namespace banken::sys
