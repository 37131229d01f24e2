// SPDX-License-Identifier: Apache-2.0
#include "common/process.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace banken {
namespace {

constexpr std::uint64_t pf_fork_no_exec = 0x40, pf_kernel_thread = 0x00200000;  // linux/sched.h, stable since 2.6
constexpr std::size_t fields_after_comm = 50;                                   // fields 3 to 52 of proc(5)
constexpr pid_t most_pid = 1 << 22;                                             // PID_MAX_LIMIT of 64-bit kernels

// Field `number` as proc(5) counts, from the fields behind comm (the first of these is number 3).
template <class T>
bool number_of(const std::array<std::string_view, fields_after_comm>& fields, std::size_t number, T& value) {
    const auto text = fields[number - 3];
    return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc{};
}

bool split_fields(std::string_view rest, std::array<std::string_view, fields_after_comm>& fields) {
    for (auto& field : fields) {
        rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
        const auto end = std::min(rest.find_first_of(" \n"), rest.size());
        if (end == 0) return false;
        field = rest.substr(0, end);
        rest.remove_prefix(end);
    }
    return true;
}

// The next line, cut off its text.
std::string_view take_line(std::string_view& text) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    return line;
}

// What follows "Uid:\t"; the name in the first line of status has its newlines escaped. Nothing: no such line.
std::optional<std::string_view> line_of_status(std::string_view text, std::string_view key) {
    while (!text.empty()) {
        const auto line = take_line(text);
        if (line.starts_with(key) && line.substr(key.size()).starts_with(":\t")) return line.substr(key.size() + 2);
    }
    return {};
}

}  // namespace

Result<ProcessStat> parse_stat(std::string_view text) {
    const auto open = text.find('('), close = text.rfind(')');
    if (open == text.npos || close == text.npos || close < open) return fail("stat: no command in parentheses");
    std::array<std::string_view, fields_after_comm> fields;
    if (!split_fields(text.substr(close + 1), fields)) return fail("stat: fewer than 52 fields");

    ProcessStat stat;
    Fingerprint& print = stat.fingerprint;
    std::uint64_t flags = 0, user_ticks = 0, system_ticks = 0;
    const bool good = std::from_chars(text.data(), text.data() + open, stat.pid).ec == std::errc{} && number_of(fields, 4, stat.parent) &&
                      number_of(fields, 6, stat.session) && number_of(fields, 9, flags) && number_of(fields, 14, user_ticks) &&
                      number_of(fields, 15, system_ticks) && number_of(fields, 20, stat.threads) && number_of(fields, 22, print.start) &&
                      number_of(fields, 24, stat.resident_pages) && number_of(fields, 26, print.start_code) &&
                      number_of(fields, 27, print.end_code) && number_of(fields, 28, print.start_stack) &&
                      number_of(fields, 48, print.arg_start) && number_of(fields, 52, stat.exit_code);
    if (!good) return fail("stat: a field is no number");
    stat.state = fields[0].front();
    stat.kernel_thread = (flags & pf_kernel_thread) != 0;
    stat.cpu_ticks = user_ticks + system_ticks;
    print.comm = text.substr(open + 1, close - open - 1);
    print.fork_no_exec = (flags & pf_fork_no_exec) != 0;
    return stat;
}

std::vector<std::string> split_cmdline(std::string_view text) {
    std::vector<std::string> arguments;
    while (!text.empty()) {
        const auto end = std::min(text.find('\0'), text.size());
        arguments.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return arguments;
}

std::string_view without_deleted(std::string_view exe) {
    constexpr std::string_view mark = " (deleted)";
    return exe.ends_with(mark) ? exe.substr(0, exe.size() - mark.size()) : exe;
}

Result<ProcessStatus> parse_status(std::string_view text) {
    ProcessStatus status;
    const auto user = line_of_status(text, "Uid");
    if (!user) return fail("status: no Uid");
    if (std::from_chars(user->data(), user->data() + user->size(), status.user).ec != std::errc{}) return fail("status: Uid is no number");
    const auto pids = line_of_status(text, "NSpid");
    status.in_own_pid_namespace = !pids || pids->find('\t') == pids->npos;
    return status;
}

std::vector<std::string> parse_cgroups(std::string_view text) {
    std::vector<std::string> paths;
    while (!text.empty()) {
        const auto line = take_line(text);  // "4:memory:/system.slice", "0::/system.slice"
        const auto path = line.find(":/");
        if (path != line.npos) paths.emplace_back(line.substr(path + 1));
    }
    return paths;
}

std::optional<pid_t> parse_pidfile(std::string_view text) {
    std::string_view line = take_line(text);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), pid);
    const bool alone = line.find_first_not_of(" \t\r", static_cast<std::size_t>(end - line.data())) == line.npos;
    if (error != std::errc{} || !alone || pid < 1 || pid > most_pid) return {};
    return pid;
}

}  // namespace banken
