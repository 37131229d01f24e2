// SPDX-License-Identifier: Apache-2.0
// A /proc of a test's own, of files, with pid 1 and our own pid's link.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "common/process.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace banken::test {

struct FakeProcess {
    pid_t pid = 0;
    std::string comm{};
    std::string exe{};           // empty: a link that cannot be followed
    std::string command_line{};  // as /proc shows it, NULs between the arguments
    pid_t parent = 1, session = 0;
    BootTicks start = 5000;
    char state = 'S';
    int threads = 1;
    unsigned long flags = 0x400000;
    unsigned long image = 0x1000;  // another image, other addresses; 0: ending, or hidden
    bool hidden = false;
    uid_t user = 0;
    std::vector<pid_t> pids_below{};  // its pids in PID namespaces below ours
    std::string cgroup = "0::/system.slice/x.service\n";

    [[nodiscard]] ProcessId id() const { return {pid, start}; }
    [[nodiscard]] unsigned long address(unsigned long offset) const { return image == 0 || hidden ? 0 : image + offset; }
    [[nodiscard]] std::string stat() const {
        return fmt::format(
            "{} ({}) {} {} {} {} 0 -1 {} 1 0 0 0 2 3 0 0 20 0 {} 0 {} 1000 10 18446744073709551615 {} {} {} 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 "
            "0 1 2 3 {} 5 "
            "6 7 0\n",
            pid, comm, state, parent, pid, session, flags, threads, start, hidden ? 1 : address(1), hidden ? 1 : address(2), address(3),
            address(4));
    }
};

class FakeProc {
public:
    FakeProc() {
        link("self", std::to_string(::getpid()));
        put({.pid = 1, .comm = "init", .exe = "/sbin/init", .command_line = "init", .start = 1});
    }

    [[nodiscard]] const std::string& path() const { return dir_.path(); }
    [[nodiscard]] std::string file(pid_t pid, const std::string& name) const { return dir_ / (std::to_string(pid) + '/' + name); }

    // Adds it, or replaces what it was.
    void put(const FakeProcess& process) const {
        const pid_t pid = process.pid;
        std::filesystem::create_directories(dir_ / std::to_string(pid));
        write(file(pid, "stat"), process.stat());
        if (!std::filesystem::is_fifo(file(pid, "cmdline"))) write(file(pid, "cmdline"), process.command_line);
        std::string pids = std::to_string(pid);
        for (const pid_t below : process.pids_below) pids += fmt::format("\t{}", below);
        write(file(pid, "status"),
              fmt::format("Name:\t{}\nUmask:\t0022\nUid:\t{}\t9\t9\t9\nNSpid:\t{}\n", process.comm, process.user, pids));
        write(file(pid, "cgroup"), process.cgroup);
        if (!process.exe.empty()) link(std::to_string(pid) + "/exe", process.exe);
    }
    void remove(pid_t pid) const { std::filesystem::remove_all(dir_ / std::to_string(pid)); }
    void link(const std::string& name, const std::string& target) const {
        std::filesystem::remove(dir_ / name);
        std::filesystem::create_symlink(target, dir_ / name);
    }
    static void write(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

private:
    TemporaryDirectory dir_;
};

}  // namespace banken::test
