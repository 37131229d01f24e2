// SPDX-License-Identifier: Apache-2.0
#include "common/sys/proc_dir.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <string_view>

#include "common/sys/file.hpp"

namespace banken::sys {
namespace {

constexpr std::size_t max_text = 64u << 10;  // of status and cgroup; what matters of status stands in its first lines

// "4711/stat", on the stack: a pass makes one for every process.
class Relative {
public:
    Relative(pid_t pid, std::string_view file) {
        char* end = std::to_chars(text_.data(), text_.data() + 12, pid).ptr;
        *end++ = '/';
        *std::copy(file.begin(), file.end(), end) = '\0';
    }
    [[nodiscard]] const char* c_str() const { return text_.data(); }

private:
    std::array<char, 32> text_;
};

Result<> check_namespace(int dir) {
    std::array<char, 32> self{};
    const ssize_t length = ::readlinkat(dir, "self", self.data(), self.size());
    if (length < 0 && errno != ENOENT) return fail_errno("readlink self");
    const std::string_view text(self.data(), length < 0 ? 0 : static_cast<std::size_t>(length));
    if (text == std::to_string(::getpid())) return {};
    return fail("belongs to another PID namespace: its own pid for us is \"{}\", ours is {}", text, ::getpid());
}

// Something is short just now: the next try may know more.
bool is_for_now(const Error& error) {
    constexpr std::array numbers{EMFILE, ENFILE, ENOMEM, EIO, EINTR};
    return std::ranges::find(numbers, error.number) != numbers.end();
}

template <class Value>
Result<> keep(Result<Value> read, std::optional<Value>& place) {
    place = read.value_or(Value());
    return !read && is_for_now(read.error()) ? Result<>(Failure(read.error())) : Result<>();
}

}  // namespace

Result<ProcDir> ProcDir::open(const std::string& root) {
    ProcDir proc(UniqueFd(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
    if (!proc.dir_.valid()) return Failure(fail_errno("open").value().in(root));
    if (auto own = check_namespace(proc.fd()); !own) return Failure(own.error().in(root));
    if (!proc.stat(1)) return fail("{}: hides processes from us (hidepid): pid 1 cannot be read", root);
    return proc;
}

Result<ProcessStat> ProcDir::stat(pid_t pid) const {
    const UniqueFd file(::openat(fd(), Relative(pid, "stat").c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return fail_errno("open");
    std::array<char, 2048> text;  // 52 numbers and a comm: one read gives them all
    const ssize_t length = TEMP_FAILURE_RETRY(::read(file.get(), text.data(), text.size()));
    if (length < 0) return fail_errno("read");
    return parse_stat({text.data(), static_cast<std::size_t>(length)});
}

Result<std::string> ProcDir::exe(pid_t pid) const {
    std::array<char, PATH_MAX> target;
    const ssize_t length = ::readlinkat(fd(), Relative(pid, "exe").c_str(), target.data(), target.size());
    if (length < 0 && (errno == EACCES || errno == EPERM)) return std::string();
    if (length < 0) return fail_errno("readlink");
    return std::string(without_deleted({target.data(), static_cast<std::size_t>(length)}));
}

Result<ProcessStatus> ProcDir::status(pid_t pid) const {
    const auto text = read_at(fd(), Relative(pid, "status").c_str(), max_text);
    return text ? parse_status(*text) : Failure(text.error());
}

Result<std::vector<std::string>> ProcDir::cgroups(pid_t pid) const {
    const auto text = read_at(fd(), Relative(pid, "cgroup").c_str(), max_text);
    if (!text) return Failure(text.error());
    return parse_cgroups(*text);
}

Result<std::string> ProcDir::command_line(pid_t pid) const { return read_at(fd(), Relative(pid, "cmdline").c_str(), max_command_line); }

Result<> ProcDir::read(Fact fact, Process& process) const {
    const pid_t pid = process.stat.pid;
    switch (fact) {
        case Fact::exe: return keep(exe(pid), process.exe);
        case Fact::cgroups: return keep(cgroups(pid), process.cgroups);
        case Fact::command_line: {
            const auto read = command_line(pid);
            return keep(read ? Result<std::vector<std::string>>(split_cmdline(*read)) : Failure(read.error()), process.command_line);
        }
        case Fact::status: {
            const auto read = status(pid);
            if (!read) return Failure(read.error());
            process.status = *read;
        }
    }
    return {};
}

}  // namespace banken::sys
