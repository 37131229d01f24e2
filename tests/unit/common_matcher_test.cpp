// SPDX-License-Identifier: Apache-2.0
#include "common/matcher.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace banken;
using Argv = std::vector<std::string>;

namespace {

constexpr Judgement matched{Judgement::Kind::matched, {}, {}};
constexpr Judgement wrong_name{Judgement::Kind::failed, "name", {}};
constexpr Judgement wants_exe{Judgement::Kind::needs, {}, Fact::exe};
constexpr Judgement wants_command_line{Judgement::Kind::needs, {}, Fact::command_line};

Process only_comm(std::string comm) {
    Process process;
    process.stat.pid = 100;
    process.stat.state = 'S';
    process.stat.fingerprint.comm = std::move(comm);
    process.status = ProcessStatus{0, true};
    return process;
}

Process process_of(std::string comm, std::string exe, Argv argv) {
    Process process = only_comm(std::move(comm));
    process.exe = std::move(exe);
    process.command_line = std::move(argv);
    return process;
}

Judgement judge_name(std::string name, const Process& process) { return judge({std::move(name)}, process); }

bool found_by_index(const MatchRule& rule, const Process& process) {
    const auto words = index_words(process);
    return std::ranges::any_of(index_words(rule), [&](auto word) { return std::ranges::find(words, word) != words.end(); });
}

}  // namespace

TEST_CASE("comm alone decides a match, then the executable is asked for, the command line last") {
    Process process = only_comm("crond");
    CHECK(judge_name("crond", process) == matched);
    CHECK(judge_name("cron", process) == wants_exe);
    process.exe = "/usr/sbin/cron";
    CHECK(judge_name("cron", process) == matched);
    CHECK(judge_name("vixie", process) == wants_command_line);
    process.command_line = Argv{"/opt/vixie", "-f"};
    CHECK(judge_name("vixie", process) == matched);
    CHECK(judge_name("-f", process) == wrong_name);
}

TEST_CASE("comm is compared over 15 bytes, the other names whole") {
    CHECK(judge_name("abcdefghijklmnop", only_comm("abcdefghijklmno")) == matched);
    CHECK(judge_name("abcdefghijklmno", only_comm("abcdefghijklmno")) == matched);
    CHECK(judge_name("abcdefghijklmn", process_of("abcdefghijklmno", "", {})) == wrong_name);
    CHECK(judge_name("abcdefghijklmnop", process_of("other", "/bin/abcdefghijklmno", {"abcdefghijklmno"})) == wrong_name);
}

TEST_CASE("a simple name is a basename of the executable or of argv[0], which may carry a dash") {
    CHECK(judge_name("exe", process_of("exe", "/usr/bin/runc", {"/proc/self/exe"})) == matched);
    CHECK(judge_name("runc", process_of("exe", "/usr/bin/runc", {"/proc/self/exe"})) == matched);  // hot upgrades set comm to `exe`
    CHECK(judge_name("zsh", process_of("x", "/bin/x", {"-zsh"})) == matched);
    CHECK(judge_name("zsh", process_of("x", "/bin/x", {"-/usr/bin/zsh"})) == matched);
    CHECK(judge_name("-zsh", process_of("x", "/bin/x", {"-zsh"})) == matched);
    CHECK(judge_name("zsh", process_of("x", "/bin/x", {"--zsh"})) == wrong_name);
    CHECK(judge_name("usr", process_of("x", "/usr/x", {"/usr/x"})) == wrong_name);
}

TEST_CASE("facts that were read and are empty match nothing and hide nothing else") {
    CHECK(judge_name("crond", process_of("crond", "", {})) == matched);
    CHECK(judge_name("crond", process_of("x", "", {"/usr/sbin/crond"})) == matched);
    CHECK(judge_name("crond", process_of("x", "", {})) == wrong_name);
    CHECK(judge_name("/usr/sbin/crond", process_of("x", "", {})) == wrong_name);
    CHECK(judge_name("crond -n", process_of("x", "", {})) == wrong_name);
}

TEST_CASE("hostile names are compared byte for byte") {
    CHECK(judge_name("a:b", only_comm("a:b")) == matched);
    CHECK(judge_name("(x) R 1", process_of("(x) R 1", "", {"(x) R 1"})) == matched);
    CHECK(judge_name("evil)", only_comm("evil)")) == matched);
    CHECK(judge_name("crond", process_of("crond\n", "/tmp/crond\n", {"crond\n"})) == wrong_name);
    CHECK(judge_name("crond", process_of("crond ", "/tmp/crond ", {"crond "})) == wrong_name);
    CHECK(judge_name("crond", process_of("x", "/tmp/x", {"/tmp/\ncrond"})) == wrong_name);
    CHECK(judge_name("\xff\xfe", only_comm("\xff\xfe")) == matched);
}

TEST_CASE("an executable that was replaced keeps matching") {
    CHECK(judge_name("nginx", process_of("x", std::string(without_deleted("/usr/sbin/nginx (deleted)")), {"x"})) == matched);
    CHECK(judge_name("/usr/sbin/nginx", process_of("x", std::string(without_deleted("/usr/sbin/nginx (deleted)")), {"x"})) == matched);
}

TEST_CASE("a name with a slash is an executable path or argv[0]") {
    CHECK(judge_name("/usr/sbin/crond", only_comm("crond")) == wants_exe);
    Process process = only_comm("crond");
    process.exe = "/usr/sbin/crond";
    CHECK(judge_name("/usr/sbin/crond", process) == matched);
    CHECK(judge_name("/sbin/crond", process) == wants_command_line);
    process.command_line = Argv{"/sbin/crond"};
    CHECK(judge_name("/sbin/crond", process) == matched);
    process.command_line = Argv{"-/sbin/crond"};
    CHECK(judge_name("/sbin/crond", process) == matched);
    CHECK(judge_name("sbin/crond", process) == wrong_name);
    CHECK(judge_name("./crond", process_of("crond", "/home/me/crond", {"./crond"})) == matched);
}

TEST_CASE("a name with a blank is the whole command line or its beginning up to a blank") {
    CHECK(judge_name("java -jar app.jar", only_comm("java -jar app.j")) == wants_command_line);
    const Process process = process_of("java", "/usr/bin/java", {"java", "-jar", "app.jar", "--port", "80 81"});
    CHECK(judge_name("java -jar", process) == matched);
    CHECK(judge_name("java -jar app.jar", process) == matched);
    CHECK(judge_name("java -jar app.jar --port 80", process) == matched);
    CHECK(judge_name("java -jar app.jar --port 80 81", process) == matched);
    CHECK(judge_name("java -jar app", process) == wrong_name);
    CHECK(judge_name("x " + std::string(99, 'y'), process_of("x", "/x", {"x", std::string(100, 'y')})) == wrong_name);
    CHECK(judge_name("x " + std::string(99, 'y'), process_of("x", "/x", {"-x", std::string(99, 'y'), "z"})) == matched);
    CHECK(judge_name("java  -jar", process) == wrong_name);
    CHECK(judge_name("java -jar app.jar --port 80 81 82", process) == wrong_name);
    CHECK(judge_name("nginx: master process", process_of("nginx", "/usr/sbin/nginx", {"nginx: master process /usr/sbin/nginx", "", ""})) ==
          matched);
    CHECK(judge_name("bash -l", process_of("bash", "/bin/bash", {"-bash", "-l"})) == matched);
    CHECK(judge_name("/opt/my app/daemon", process_of("daemon", "/opt/my app/daemon", {"/opt/my app/daemon"})) == matched);
}

TEST_CASE("zombies and kernel threads are never matched afresh") {
    Process process = process_of("crond", "/usr/sbin/crond", {"crond"});
    process.stat.state = 'Z';
    CHECK(judge_name("crond", process) == Judgement{Judgement::Kind::failed, "zombie", {}});
    process.stat.threads = 2;  // its leader has left, its command line with it
    CHECK(judge_name("crond", process) == Judgement{Judgement::Kind::failed, "zombie", {}});
    process.stat.state = 'S';
    process.stat.kernel_thread = true;
    CHECK(judge_name("crond", process) == Judgement{Judgement::Kind::failed, "kernel thread", {}});
}

TEST_CASE("the script of an interpreter is its first argument that is no option") {
    const auto script = [](std::string exe, Argv argv) { return std::string(script_argument(exe, argv)); };
    CHECK(script("/bin/dash", {"sh", "/etc/init.d/cron", "start"}) == "/etc/init.d/cron");
    CHECK(script("/bin/bash", {"bash", "-eu", "-o", "pipefail", "--", "-x.sh"}) == "-x.sh");
    CHECK(script("/bin/bash", {"bash", "-euo", "pipefail", "run.sh"}) == "run.sh");
    CHECK(script("/bin/bash", {"bash", "--norc", "run.sh"}) == "run.sh");
    CHECK(script("/bin/bash", {"bash", "-c", "crond"}).empty());
    CHECK(script("/bin/bash", {"bash", "-lc", "crond"}).empty());
    CHECK(script("/bin/bash", {"bash", "-"}).empty());
    CHECK(script("/bin/bash", {"-bash"}).empty());
    CHECK(script("/bin/bash", {"bash", "--"}).empty());
    CHECK(script("/bin/bash", {}).empty());
    CHECK(script("/usr/bin/python3.11", {"python3", "-W", "ignore", "-u", "/opt/app.py"}) == "/opt/app.py");
    CHECK(script("/usr/bin/python3.11", {"python3", "-Wignore", "app.py"}) == "app.py");
    CHECK(script("/usr/bin/python3.11", {"python3", "-um", "http.server"}) == "http.server");
    CHECK(script("/usr/bin/python3.11", {"python3", "-mhttp.server"}) == "http.server");
    CHECK(script("/usr/bin/python3.11", {"python3", "-m"}).empty());
    CHECK(script("/usr/bin/python3.11", {"python3", "-c", "import x"}).empty());
    CHECK(script("/usr/bin/perl5.36.0", {"perl", "-w", "-I", "lib", "daemon.pl"}) == "daemon.pl");
    CHECK(script("/usr/bin/perl", {"perl", "-we", "sleep", "crond"}).empty());
    CHECK(script("/usr/bin/ruby3.1", {"ruby", "-r", "json", "unicorn"}) == "unicorn");
    CHECK(script("/usr/bin/node", {"node", "--require", "./trace.js", "server.js"}) == "server.js");
    CHECK(script("/usr/bin/node", {"node", "-e", "1"}).empty());
    CHECK(script("/usr/lib/jvm/bin/java", {"java", "-Xmx1g", "-cp", "a.jar:b.jar", "org.example.Main"}) == "org.example.Main");
    CHECK(script("/usr/lib/jvm/bin/java", {"java", "-Dx=y", "-jar", "/opt/app.jar", "run"}) == "/opt/app.jar");
    CHECK(script("/usr/bin/php8.2", {"php", "-d", "x=1", "-f", "worker.php"}) == "worker.php");
    CHECK(script("/usr/bin/php8.2", {"php", "-r", "sleep(9);"}).empty());
    CHECK(script("/usr/bin/perlbug", {"perlbug", "crond"}).empty());
    CHECK(script("/usr/bin/vim", {"vim", "crond"}).empty());
    CHECK(script("", {"-sh", "job.sh"}) == "job.sh");  // an executable hidden from us
}

TEST_CASE("a script is found by its basename") {
    CHECK(judge_name("worker.py", process_of("python3", "/usr/bin/python3.11", {"python3", "/opt/worker.py"})) == matched);
    CHECK(judge_name("worker.py", process_of("vim", "/usr/bin/vim", {"vim", "/opt/worker.py"})) == wrong_name);
    CHECK(judge_name("app.jar", process_of("java", "/usr/bin/java", {"java", "-jar", "/opt/app.jar"})) == matched);
}

TEST_CASE("whatever matches shares a word with its rule") {
    const std::vector<Process> processes{
        process_of("crond", "/usr/sbin/crond", {"-/usr/sbin/crond", "-n"}),
        process_of("abcdefghijklmno", "/bin/abcdefghijklmnop", {"abcdefghijklmnop"}),
        process_of("python3", "/usr/bin/python3.11", {"python3", "-u", "/opt/worker.py", "a b"}),
        process_of("nginx", "/usr/sbin/nginx", {"nginx: master process /usr/sbin/nginx"}),
        process_of("x", "", {"", "y"}),
        process_of("x", "", {}),
    };
    const std::vector<MatchRule> rules{{"crond"},
                                       {"-crond"},
                                       {"/usr/sbin/crond"},
                                       {"-/usr/sbin/crond"},
                                       {"/usr/sbin/crond -n"},
                                       {"-/usr/sbin/crond -n"},
                                       {"abcdefghijklmnop"},
                                       {"abcdefghijklmnoq"},
                                       {"abcdefghijklmno"},
                                       {"worker.py"},
                                       {"python3.11"},
                                       {"python3 -u"},
                                       {"nginx: master"},
                                       {"nginx"},
                                       {"x"},
                                       {.exe = "/usr/sbin/nginx"}};
    int matches = 0;
    for (const auto& process : processes) {
        for (const auto& rule : rules) {
            if (judge(rule, process) != matched) continue;
            ++matches;
            CHECK_MESSAGE(found_by_index(rule, process), rule.name);
        }
    }
    CHECK(matches == 16);
}

// ---- filters ----

namespace {

Process java() {
    Process process = process_of("java", "/usr/lib/jvm/bin/java", {"java", "-Xmx1g", "-jar", "/srv/app.jar", ""});
    process.status = ProcessStatus{104, true};
    process.cgroups = {"/", "/system.slice/app.service"};
    return process;
}

Judgement fails(std::string_view filter) { return {Judgement::Kind::failed, filter, {}}; }
Judgement wants(Fact fact) { return {Judgement::Kind::needs, {}, fact}; }
MatchRule with_args(const std::string& pattern) { return {.name = "java", .args = *Pattern::compile(pattern)}; }

}  // namespace

TEST_CASE("every filter must pass, and the one that fails is named") {
    CHECK(judge({.name = "java", .exe = "/usr/lib/jvm/bin/java", .user = 104, .cgroup = "/system.slice/*"}, java()) == matched);
    CHECK(judge({.name = "ruby", .exe = "/bin/x"}, java()) == fails("name"));
    CHECK(judge({.name = "java", .exe = "/usr/bin/java"}, java()) == fails("exe"));
    CHECK(judge({.name = "java", .user = 0}, java()) == fails("user"));
    CHECK(judge({.name = "java", .cgroup = "/user.slice/*"}, java()) == fails("cgroup"));
    CHECK(judge(with_args("other\\.jar"), java()) == fails("args"));
    CHECK(failed_filters({.name = "java", .exe = "/bin/x", .user = 0, .cgroup = "/x"}, java()) ==
          std::vector<std::string_view>{"exe", "user", "cgroup"});
    CHECK(failed_filters({.name = "java"}, java()).empty());
    Process zombie = java();
    zombie.stat.state = 'Z';
    CHECK(failed_filters({.name = "java"}, zombie) == std::vector<std::string_view>{"zombie"});
}

TEST_CASE("facts are asked for one after another, and only those that a filter needs") {
    Process process = java();
    process.exe.reset();
    process.status.reset();
    process.cgroups.reset();
    process.command_line.reset();
    const MatchRule all{.args = *Pattern::compile("jar"), .exe = "/usr/lib/jvm/bin/java", .user = 104, .cgroup = "*.service"};
    CHECK(judge(all, process) == wants(Fact::exe));
    process.exe = "/bin/sh";
    CHECK(judge(all, process) == fails("exe"));
    process.exe = "/usr/lib/jvm/bin/java";
    CHECK(judge(all, process) == wants(Fact::status));
    process.status = ProcessStatus{104, true};
    CHECK(judge(all, process) == wants(Fact::cgroups));
    process.cgroups = {"/a.service"};
    CHECK(judge(all, process) == wants(Fact::command_line));
    CHECK(judge({.any_pid_namespace = true}, only_comm("x")) == matched);
}

TEST_CASE("a pattern sees the command line joined by single blanks, without what a title leaves behind") {
    CHECK(judge(with_args("^java -Xmx1g -jar /srv/app\\.jar$"), java()) == matched);
    CHECK(judge(with_args("app"), java()) == matched);
    Process titled = process_of("nginx", "/usr/sbin/nginx", {"nginx: master process", "", "", ""});
    CHECK(judge({.name = "nginx", .args = *Pattern::compile("process$")}, titled) == matched);
    titled.command_line = Argv{};
    CHECK(judge({.name = "nginx", .args = *Pattern::compile("")}, titled) == fails("args"));
}

TEST_CASE("a process of another PID namespace stands in for nobody, unless any will do") {
    Process process = java();
    process.status = ProcessStatus{104, false};
    CHECK(judge({.name = "java"}, process) == fails("pidns"));
    CHECK(judge({.name = "java", .any_pid_namespace = true}, process) == matched);
}

TEST_CASE("a cgroup glob must fit one path whole, and its stars cross slashes") {
    const auto fits = [](std::string glob, std::vector<std::string> paths) {
        Process process = java();
        process.cgroups = std::move(paths);
        return judge({.name = "java", .cgroup = std::move(glob)}, process) == matched;
    };
    CHECK(fits("/system.slice/app.service", {"/", "/system.slice/app.service"}));
    CHECK(fits("*/app@?.service", {"/system.slice/sub.slice/app@1.service"}));
    CHECK(fits("*", {"/"}));
    CHECK(fits("/a*b*c**", {"/axxbxbxc"}));
    CHECK(fits("/a\\x2db", {"/a\\x2db"}));  // a backslash is one: systemd writes them
    CHECK_FALSE(fits("/system.slice", {"/system.slice/app.service"}));
    CHECK_FALSE(fits("/a?", {"/a"}));
    CHECK_FALSE(fits("*.service", {"/app.service/sub", "/x.scope"}));
    CHECK_FALSE(fits("*", {}));
    const std::string stars = "*a*a*a*a*a*a*b";
    CHECK_FALSE(fits(stars, {std::string(4000, 'a')}));
}

TEST_CASE("the rule of an entry asks for what its options say") {
    Pent pent;
    pent.name = "app";
    CHECK(rule_of(pent) == MatchRule{.name = "app"});
    pent.label = true;
    pent.args = "app\\.jar";
    pent.user = "104";
    pent.uid = 104;
    pent.cgroup = "/x";
    pent.any_pid_namespace = true;
    pent.exe = "/usr/bin/java";
    pent.pidfile = "/run/app.pid";
    CHECK(rule_of(pent) == MatchRule{.args = *Pattern::compile("app\\.jar"),
                                     .exe = "/usr/bin/java",
                                     .user = 104,
                                     .cgroup = "/x",
                                     .any_pid_namespace = true,
                                     .pidfile = "/run/app.pid"});
    pent.uid.reset();
    CHECK(rule_of(pent).user == static_cast<uid_t>(-1));  // nobody's
}

TEST_CASE("what may change without an exec is known of a rule") {
    CHECK_FALSE(judges_what_changes({.name = "crond", .exe = "/usr/sbin/crond"}));
    CHECK(judges_what_changes({.name = "crond -n"}));
    CHECK(judges_what_changes(with_args("x")));
    CHECK(judges_what_changes({.name = "crond", .user = 0}));
    CHECK(judges_what_changes({.name = "crond", .cgroup = "*"}));
}
