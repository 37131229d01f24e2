// SPDX-License-Identifier: Apache-2.0
#include "common/sys/identity.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <fstream>

#include "common/sys/pid_ref.hpp"

namespace banken::sys {
namespace {

// 0: this kernel has no such namespace.
std::uint64_t inode_of(const char* path) {
    struct stat status {};
    return stat(path, &status) == 0 ? status.st_ino : 0;
}

// "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
Result<std::array<std::uint64_t, 2>> boot_id() {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string text;
    if (!std::getline(file, text)) return fail("the boot id cannot be read");
    std::erase(text, '-');
    std::array<std::uint64_t, 2> id{};
    for (std::size_t half = 0; half < id.size(); ++half) {
        const char* const begin = text.data() + std::min(text.size(), 16 * half);
        std::from_chars(begin, begin + std::min<std::ptrdiff_t>(16, text.data() + text.size() - begin), id[half], 16);
    }
    return id;
}

}  // namespace

Result<FileStamp> stamp_of(const std::string& path) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) return fail_errno("stat");
    return FileStamp{.device = status.st_dev,
                     .inode = status.st_ino,
                     .modified = WallTime(std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec))};
}

Result<OwnerRecord> own_identity() {
    const auto stat = read_stat(getpid());
    if (!stat) return Failure(stat.error());
    const auto boot = boot_id();
    if (!boot) return Failure(boot.error());
    const auto exe = stamp_of("/proc/self/exe");
    if (!exe) return Failure(exe.error().in("/proc/self/exe"));
    return OwnerRecord{.id = stat->id(),
                       .boot_id = *boot,
                       .pid_namespace = inode_of("/proc/self/ns/pid"),
                       .time_namespace = inode_of("/proc/self/ns/time"),
                       .exe_device = exe->device,
                       .exe_inode = exe->inode};
}

uid_t own_user() { return ::geteuid(); }

Result<> verify_pcheck(const OwnerRecord& owner, uid_t user) {
    const auto stat = read_stat(owner.id.pid);
    if (!stat || stat->id() != owner.id) return fail("pid {} is not that pcheck any more", owner.id.pid);
    struct stat directory {};
    if (::stat(fmt::format("/proc/{}", owner.id.pid).c_str(), &directory) != 0) return fail_errno("stat");
    if (directory.st_uid != user)
        return fail("pid {} runs as uid {}, the segment was made by uid {}", owner.id.pid, directory.st_uid, user);
    const auto exe = stamp_of(fmt::format("/proc/{}/exe", owner.id.pid));
    const bool same = exe ? exe->device == owner.exe_device && exe->inode == owner.exe_inode : stat->fingerprint.comm == "pcheck";
    if (!same && stat->fingerprint.comm == "pcheck")
        return fail_errno(fmt::format("pid {} runs another program than its segment says", owner.id.pid), EAGAIN);
    if (!same) return fail("pid {} is no pcheck but {}", owner.id.pid, stat->fingerprint.comm);
    return {};
}

std::string host_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

}  // namespace banken::sys
