// SPDX-License-Identifier: Apache-2.0
#include "common/process.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

using namespace banken;

namespace {

// Fields 4 to 52 of a sleeping process, as Linux 6.18 prints them.
constexpr std::string_view rest =
    " S 1 4711 4712 34816 4713 4194304 100 0 0 0 7 5 0 0 20 0 3 0 123456 2424832 222 18446744073709551615 94001 94002 140721 0 0 0 0 0 0 0 "
    "0 0 17 "
    "1 0 0 0 0 0 94003 94004 94005 140722 140723 140724 140725 0\n";

std::string stat_of(std::string_view comm) { return "42 (" + std::string(comm) + ")" + std::string(rest); }

std::string with_field(int number, std::string_view value) {
    std::string text = stat_of("x");
    std::size_t begin = text.find(')') + 2;
    for (int at = 3; at < number; ++at) begin = text.find(' ', begin) + 1;
    return text.replace(begin, text.find_first_of(" \n", begin) - begin, value);
}

}  // namespace

TEST_CASE("every field of a stat line lands in its place") {
    const auto stat = parse_stat(stat_of("crond"));
    REQUIRE(stat);
    CHECK(stat->pid == 42);
    CHECK(stat->state == 'S');
    CHECK(stat->parent == 1);
    CHECK(stat->session == 4712);
    CHECK(stat->cpu_ticks == 12);
    CHECK(stat->threads == 3);
    CHECK(stat->resident_pages == 222);
    CHECK(stat->exit_code == 0);
    CHECK_FALSE(stat->kernel_thread);
    CHECK(stat->id() == ProcessId{42, 123456});
    CHECK(stat->fingerprint == Fingerprint{123456, "crond", false, 94001, 94002, 140721, 140722});
}

TEST_CASE("flags tell kernel threads and processes that have not exec'ed since their fork") {
    CHECK(parse_stat(with_field(9, "2129984"))->kernel_thread);
    CHECK(parse_stat(with_field(9, "4194368"))->fingerprint.fork_no_exec);
}

TEST_CASE("a comm may hold anything") {
    for (const std::string_view comm :
         {"", " ", "a b", "(x) R 1 2 3", "))))", "((((", "a\nb", "\xff\xfe", ") Z 0 0 0 (", "0123456789abcde"}) {
        const auto stat = parse_stat(stat_of(comm));
        REQUIRE(stat);
        CHECK(stat->fingerprint.comm == comm);
        CHECK(stat->state == 'S');
        CHECK(stat->parent == 1);
    }
}

TEST_CASE("a broken stat line is an error, never a process") {
    const std::string whole = stat_of("crond");
    for (std::size_t length = 0; length + 2 < whole.size(); ++length) CHECK_FALSE(parse_stat(whole.substr(0, length)));
    CHECK(parse_stat(whole.substr(0, whole.size() - 1)));
    CHECK_FALSE(parse_stat("x (crond)" + std::string(rest)));
    CHECK_FALSE(parse_stat(")42 (" + std::string(rest)));
    CHECK_FALSE(parse_stat(with_field(4, "one")));
    CHECK_FALSE(parse_stat(with_field(22, "-1")));
    CHECK_FALSE(parse_stat(with_field(22, "99999999999999999999999999")));
    CHECK_FALSE(parse_stat(with_field(52, "x")));
}

TEST_CASE("a leader that is a zombie with live threads is not dead") {
    CHECK_FALSE(parse_stat(with_field(3, "Z"))->dead());
    auto stat = *parse_stat(with_field(20, "1"));
    CHECK_FALSE(stat.dead());
    stat.state = 'Z';
    CHECK(stat.dead());
    stat.state = 'X';
    stat.threads = 0;
    CHECK(stat.dead());
}

TEST_CASE("our own stat line can be read") {
    std::ifstream file("/proc/self/stat");
    const auto stat = parse_stat(std::string(std::istreambuf_iterator<char>(file), {}));
    REQUIRE(stat);
    CHECK(stat->pid == getpid());
    CHECK(stat->parent == getppid());
    CHECK(stat->session == getsid(0));
}

TEST_CASE("a command line is cut at its NULs") {
    using namespace std::string_view_literals;
    using Argv = std::vector<std::string>;
    CHECK(split_cmdline("").empty());
    CHECK(split_cmdline("cron\0-f\0"sv) == Argv{"cron", "-f"});
    CHECK(split_cmdline("cron\0-f"sv) == Argv{"cron", "-f"});
    CHECK(split_cmdline("cron\0\0a b\0\0"sv) == Argv{"cron", "", "a b", ""});
    CHECK(split_cmdline("\0"sv) == Argv{""});
    CHECK(split_cmdline("nginx: master process\n"sv) == Argv{"nginx: master process\n"});
}

TEST_CASE("only the mark of a removed executable is taken off") {
    CHECK(without_deleted("/usr/sbin/cron (deleted)") == "/usr/sbin/cron");
    CHECK(without_deleted("/usr/sbin/cron") == "/usr/sbin/cron");
    CHECK(without_deleted("/tmp/a (deleted) b") == "/tmp/a (deleted) b");
    CHECK(without_deleted("(deleted)") == "(deleted)");
    CHECK(without_deleted("").empty());
}

TEST_CASE("the status of a process tells its real uid and whether it lives in a PID namespace below ours") {
    CHECK(parse_status("Name:\tx\nUid:\t104\t9\t9\t9\nNSpid:\t42\n").value() == ProcessStatus{104, true});
    CHECK(parse_status("Name:\tx\nUid:\t104\t9\t9\t9\nNSpid:\t42\t1\n").value() == ProcessStatus{104, false});
    CHECK(parse_status("Name:\tUid:\t7\nUid:\t0\t0\t0\t0\n").value() == ProcessStatus{0, true});  // no namespaces in this kernel
    CHECK_FALSE(parse_status(""));
    CHECK_FALSE(parse_status("Uid:\tx\n"));
    CHECK_FALSE(parse_status("Name:\tUid:\t7\n"));
}

TEST_CASE("a process has a path in every cgroup hierarchy") {
    using Paths = std::vector<std::string>;
    CHECK(parse_cgroups("0::/system.slice/x.service\n") == Paths{"/system.slice/x.service"});
    CHECK(parse_cgroups("9:name=systemd:/a\n4:cpu,cpuacct:/b:/c\n0::/\n") == Paths{"/a", "/b:/c", "/"});
    CHECK(parse_cgroups("").empty());
    CHECK(parse_cgroups("garbage\n").empty());
}

TEST_CASE("a pidfile names a pid in its first line") {
    CHECK(parse_pidfile("4711\n") == 4711);
    CHECK(parse_pidfile("4711") == 4711);
    CHECK(parse_pidfile("  \t4711 \r\n") == 4711);
    CHECK(parse_pidfile("4711\n/var/lib/postgresql\n5432\n") == 4711);
    CHECK(parse_pidfile("4194304") == 4'194'304);
}

TEST_CASE("a pidfile with anything else names nobody") {
    for (const char* text :
         {"", "\n", "\n4711\n", "0", "-4711", "+4711", "4711x", "0x4711", "4711 4712", "4194305", "99999999999999999999", "pid"}) {
        CHECK_MESSAGE(!parse_pidfile(text), text);
    }
    CHECK_FALSE(parse_pidfile(std::string("4711\0", 5)));
}
