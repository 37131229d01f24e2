// SPDX-License-Identifier: Apache-2.0
#include "common/sys/trust.hpp"

#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <system_error>

#include "common/sys/unique_fd.hpp"

namespace banken::sys {
namespace {

using Fault = TrustFinding::Fault;

constexpr int most_links = 40;            // the kernel's own limit
constexpr int most_interpreters = 5;      // as execve(2) follows
constexpr std::size_t first_bytes = 256;  // of a script, where execve(2) looks for its interpreter

// One walk from / to the end of a path. Every false ends it: finding_ says why and where.
class Walk {
public:
    Walk(TrustFinding& finding, uid_t user) : finding_(finding), user_(user) {}

    bool go(const char* path) {
        length_ = 0;
        return set_rest(path, "") && enter_root() && follow_rest();
    }
    // What lies at the end.
    [[nodiscard]] const struct stat& status() const { return status_; }
    // Opens the file at the end for reading.
    [[nodiscard]] UniqueFd open_file() const {
        return kept_from_children(UniqueFd(::openat(directory_.get(), finding_.path.data() + length_ - name_length_,
                                                    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)));
    }
    bool fail(Fault fault, std::uint32_t number = 0) {
        finding_.fault = fault;
        finding_.number = number;
        return false;
    }
    bool fail_errno(int number) { return fail(Fault::system, static_cast<std::uint32_t>(number)); }

private:
    bool set_rest(std::string_view path, std::string_view then) {
        if (path.size() + 1 + then.size() >= rest_.size()) return fail_errno(ENAMETOOLONG);
        std::memmove(rest_.data() + path.size() + 1, then.data(), then.size());
        std::memcpy(rest_.data(), path.data(), path.size());
        rest_[path.size()] = '/';
        rest_size_ = path.size() + 1 + then.size();
        rest_at_ = 0;
        return true;
    }

    // The next name of the rest, empty at its end.
    std::string_view next_name() {
        for (;;) {
            while (rest_at_ < rest_size_ && rest_[rest_at_] == '/') ++rest_at_;
            const std::string_view rest(rest_.data() + rest_at_, rest_size_ - rest_at_);
            const auto name = rest.substr(0, rest.find('/'));
            if (name != ".") return name;
            ++rest_at_;
        }
    }

    bool enter_root() {
        length_ = 0;
        finding_.path[0] = '\0';
        directory_.reset(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (!directory_.valid() || ::fstat(directory_.get(), &status_) != 0) return fail_errno(errno);
        return judge();
    }

    bool follow_rest() {
        for (auto name = next_name(); !name.empty(); name = next_name()) {
            if (!step(name)) return false;
        }
        return true;
    }

    bool step(std::string_view name) {
        if (!append(name)) return false;
        rest_at_ += name.size();
        UniqueFd next(::openat(directory_.get(), name == ".." ? ".." : finding_.path.data() + length_ - name_length_,
                               O_PATH | O_NOFOLLOW | O_CLOEXEC));
        if (!next.valid() || ::fstat(next.get(), &status_) != 0) return fail_errno(errno);
        if (!judge()) return false;
        if (S_ISLNK(status_.st_mode)) return follow_link(next.get());
        if (S_ISDIR(status_.st_mode)) {
            directory_ = std::move(next);
            return true;
        }
        return next_name().empty() || fail_errno(ENOTDIR);
    }

    bool follow_link(int link) {
        if (++links_ > most_links) return fail_errno(ELOOP);
        std::array<char, PATH_MAX> target;
        const auto size = ::readlinkat(link, "", target.data(), target.size());
        if (size <= 0) return fail_errno(size < 0 ? errno : ENOENT);
        const std::string_view text(target.data(), static_cast<std::size_t>(size));
        if (!set_rest(text, {rest_.data() + rest_at_, rest_size_ - rest_at_})) return false;
        if (text.front() == '/') return enter_root();
        length_ -= name_length_ + 1;
        finding_.path[length_] = '\0';
        return true;
    }

    // Owner and mode of what was reached. A sticky directory passes when something follows: that must pass by its owner in turn.
    bool judge() {
        if (status_.st_uid != 0 && status_.st_uid != user_) return fail(Fault::owner, status_.st_uid);
        if (S_ISLNK(status_.st_mode)) return true;
        if (S_ISDIR(status_.st_mode) && (status_.st_mode & S_ISVTX) != 0 && !next_name().empty()) return true;
        if ((status_.st_mode & S_IWOTH) != 0) return fail(Fault::others_write);
        if ((status_.st_mode & S_IWGRP) != 0 && status_.st_gid != 0) return fail(Fault::group_writes, status_.st_gid);
        return true;
    }

    bool append(std::string_view name) {
        auto& path = finding_.path;
        if (name == "..") {
            while (length_ > 0 && path[--length_] != '/') {}
            path[length_] = '\0';
            return true;
        }
        if (length_ + 1 + name.size() >= path.size()) return fail_errno(ENAMETOOLONG);
        path[length_++] = '/';
        std::memcpy(path.data() + length_, name.data(), name.size());
        length_ += name.size();
        name_length_ = name.size();
        path[length_] = '\0';
        return true;
    }

    TrustFinding& finding_;  // its path is how far we are
    uid_t user_;
    std::size_t length_ = 0, name_length_ = 0;
    std::array<char, PATH_MAX> rest_;  // still to go
    std::size_t rest_at_ = 0, rest_size_ = 0;
    UniqueFd directory_;
    struct stat status_ {};
    int links_ = 0;
};

bool judge_kind(Walk& walk, TrustKind kind) {
    const auto mode = walk.status().st_mode;
    if (kind == TrustKind::directory) return S_ISDIR(mode) || walk.fail(Fault::not_directory);
    if (S_ISDIR(mode)) return walk.fail(Fault::directory);
    if (!S_ISREG(mode)) return walk.fail(Fault::not_regular);
    if (kind == TrustKind::script && (mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0) return walk.fail(Fault::not_executable);
    return true;
}

// The interpreter that the kernel would run, as it reads the first line; empty: none. What we may not read has none we could judge, and
// no interpreter could read it either.
bool read_interpreter(Walk& walk, std::array<char, first_bytes>& interpreter) {
    interpreter[0] = '\0';
    const UniqueFd file = walk.open_file();
    if (!file.valid()) return errno == EACCES || walk.fail_errno(errno);
    std::array<char, first_bytes> bytes;
    const auto count = ::read(file.get(), bytes.data(), bytes.size());
    if (count < 0) return walk.fail_errno(errno);
    std::string_view line(bytes.data(), static_cast<std::size_t>(count));
    if (!line.starts_with("#!")) return true;
    line.remove_prefix(std::min(line.find_first_not_of(" \t", 2), line.size()));
    const auto end = line.find_first_of(std::string_view(" \t\n\0", 4));
    if (end == line.npos && static_cast<std::size_t>(count) == bytes.size()) return true;  // too long: execve will refuse it
    const auto name = line.substr(0, end);
    std::memcpy(interpreter.data(), name.data(), name.size());
    interpreter[name.size()] = '\0';
    return true;
}

}  // namespace

TrustFinding examine(const char* path, TrustKind kind, uid_t user) noexcept {
    TrustFinding finding;
    Walk walk(finding, user);
    std::array<char, first_bytes> interpreter;
    for (int depth = 0; depth <= most_interpreters; ++depth) {
        if (path[0] != '/') {
            std::strncpy(finding.path.data(), path, finding.path.size() - 1);
            walk.fail(Fault::not_absolute);
            return finding;
        }
        finding.interpreter = depth > 0;
        if (!walk.go(path)) {
            // Who has mistyped a directory of it looks for the whole name.
            if (depth > 0 && finding.fault == Fault::system) {
                finding.path = {};
                std::strncpy(finding.path.data(), path, finding.path.size() - 1);
            }
            return finding;
        }
        if (!judge_kind(walk, kind) || kind != TrustKind::script) return finding;
        if (!read_interpreter(walk, interpreter) || interpreter[0] == '\0') return finding;
        path = interpreter.data();
    }
    walk.fail(Fault::interpreters);
    return finding;
}

std::string text_of(const TrustFinding& finding) {
    const char* const path = finding.path[0] == '\0' ? "/" : finding.path.data();
    switch (finding.fault) {
        case Fault::none: return {};
        case Fault::system:
            return fmt::format("{}{}: {}", finding.interpreter ? "its interpreter " : "", path,
                               std::generic_category().message(static_cast<int>(finding.number)));
        case Fault::owner: return fmt::format("{} is owned by uid {}", path, finding.number);
        case Fault::group_writes: return fmt::format("{} is writable by group {}", path, finding.number);
        case Fault::others_write: return fmt::format("{} is writable by others", path);
        case Fault::not_absolute: return fmt::format("{} is no absolute path", path);
        case Fault::directory: return fmt::format("{} is a directory, not a file", path);
        case Fault::not_directory: return fmt::format("{} is no directory", path);
        case Fault::not_regular: return fmt::format("{} is no regular file", path);
        case Fault::not_executable: return fmt::format("{} is not executable", path);
        case Fault::interpreters: return fmt::format("{}: too many interpreters", path);
    }
    return {};
}

std::string text_with_advice(const TrustFinding& finding, std::string_view owner) {
    if (finding.fault != Fault::owner) return text_of(finding);
    const std::string number = std::to_string(finding.number);
    if (owner.empty()) return fmt::format("{}; add run_as={}", text_of(finding), number);
    return fmt::format("{} is owned by {}; add run_as={}", finding.path.data(), owner, owner);
}

Result<> check_trust(const std::string& path, TrustKind kind, uid_t user) {
    const auto finding = examine(path.c_str(), kind, user);
    if (finding.passed()) return {};
    return Failure(Error{text_of(finding), finding.fault == Fault::system ? static_cast<int>(finding.number) : 0});
}

Result<> check_script(const std::string& path, std::optional<uid_t> runner) {
    const auto finding = examine(path.c_str(), TrustKind::script, runner.value_or(::geteuid()));
    if (finding.passed()) return {};
    if (runner || finding.fault != Fault::owner) return fail("{}", text_of(finding));
    std::array<char, 65536> buffer;
    passwd entry{};
    passwd* found = nullptr;
    ::getpwuid_r(finding.number, &entry, buffer.data(), buffer.size(), &found);
    return fail("{}", text_with_advice(finding, found != nullptr ? found->pw_name : ""));
}

}  // namespace banken::sys
