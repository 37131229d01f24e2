// SPDX-License-Identifier: Apache-2.0
#include "padmin/match.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "padmin/render_json.hpp"

using namespace banken;
using Standing = JudgedProcess::Standing;

namespace {

Process process(pid_t pid, std::vector<std::string> argv, pid_t parent = 1, uid_t user = 0) {
    Process process;
    process.stat.pid = pid;
    process.stat.parent = parent;
    process.stat.state = 'S';
    process.stat.fingerprint.start = 1000;
    process.stat.fingerprint.comm = argv.front();
    process.exe = "/usr/bin/" + argv.front();
    process.command_line = std::move(argv);
    process.status = ProcessStatus{user, true};
    process.cgroups = {"/system.slice"};
    return process;
}

struct Host {
    View view;
    Pent pent;
    Snapshot snapshot;

    explicit Host(std::vector<Process> processes) {
        view.header.owner.id = {7, 70};
        EntryRecord entry;
        entry.name = pent.name = "nginx";
        entry.pent_id = 1;
        entry.state = EntryState::avail;
        view.entries.push_back(entry);
        snapshot.processes = std::move(processes);
    }
    EntryRecord& entry() { return view.entries.front(); }
    [[nodiscard]] Matching judged() const { return judge_all(view, view.entries.front(), pent, snapshot); }
    [[nodiscard]] std::string standings() const {
        std::string text;
        for (const auto& one : judged().processes) text += fmt::format("{} {}; ", one.id.pid, text_of(one.standing));
        return text;
    }
    [[nodiscard]] std::string misses_of(pid_t pid) const {
        std::string text;
        for (const auto& one : judged().processes) {
            for (const auto& miss : one.misses) text += one.id.pid == pid ? miss.is + "; " : "";
        }
        return text;
    }
};

}  // namespace

TEST_CASE("what is followed goes first, then who could be, who is below, who was left behind") {
    Host host({process(20, {"nginx"}, 30), process(21, {"nginx"}), process(30, {"nginx"}), process(40, {"nginx"}), process(50, {"cron"})});
    host.entry().main = {30, 1000};
    host.entry().orphans = {{40, 1000}};
    CHECK(host.standings() == "30 followed; 21 rival; 20 child; 40 orphan; ");
}

TEST_CASE("a near miss has the name and says which filter fails, and what it has instead") {
    Host host({process(20, {"nginx", "-c", "a"}, 1, 33), process(21, {"nginx", "-c", "b"}), process(50, {"cron"}, 1, 33)});
    host.pent.user = "www-data";
    host.pent.uid = 33;
    host.pent.args = "-c a$";
    CHECK(host.standings() == "20 rival; 21 near miss; ");
    CHECK(host.misses_of(21) == "user is 0; args -c a$ not found; ");
    CHECK(host.judged().rule == std::vector<std::string>{"name nginx", "args -c a$", "user www-data (33)", "pidns same"});
}

TEST_CASE("of a label what tells it from others must fit, or nothing is near") {
    Host host({process(20, {"java", "shop.jar"}, 1, 5), process(21, {"java", "mail.jar"}, 1, 5), process(22, {"java", "shop.jar"})});
    host.pent.label = true;
    host.pent.args = "shop\\.jar";
    host.pent.user = "5";
    host.pent.uid = 5;
    CHECK(host.standings() == "20 rival; 22 near miss; ");
}

TEST_CASE("with a pidfile the others that match are not named") {
    Host host({process(20, {"nginx"}), process(21, {"nginx"})});
    host.pent.pidfile = "/run/nginx.pid";
    host.snapshot.named = 21;
    CHECK(host.standings() == "21 rival; 20 not named; ");
    CHECK(host.judged().notes ==
          std::vector<std::string>{"not named: it would match, but the pidfile does not name it: it does not count"});
    host.pent.label = true;
    CHECK(host.standings() == "21 rival; ");
}

TEST_CASE("whom the pidfile names is told, and why that does not count") {
    Host host({process(20, {"postgres"}, 1, 33)});
    host.pent.pidfile = "/run/nginx.pid";
    host.pent.user = "root";
    host.pent.uid = 0;
    const auto rule = [&] { return host.judged().rule.back(); };
    const auto words = [&] { return pidfile_words(host.view, host.entry(), host.pent, host.snapshot); };
    CHECK(rule() == "pidfile /run/nginx.pid, which names no process: it is empty or holds no pid");
    host.snapshot.named = 20;
    CHECK(rule() == "pidfile /run/nginx.pid, which names process 20");
    CHECK(host.standings() == "20 near miss; ");
    CHECK(host.misses_of(20) == "it is not called nginx; user is 33; ");
    CHECK(words() == "/run/nginx.pid names process 20, which does not count: it is not called nginx; user is 33 (postgres)");
    host.snapshot.processes.clear();
    CHECK(rule() == "pidfile /run/nginx.pid, which names process 20, which does not run");
    CHECK(words() == "/run/nginx.pid names process 20, which does not run");
    host.snapshot.named.reset();
    host.snapshot.pidfile_fault = "No such file or directory";
    CHECK(words() == "/run/nginx.pid cannot be read: No such file or directory");
    host.snapshot = {.processes = {process(21, {"nginx"})}, .named = 21};
    CHECK(words().empty());  // followed by the next look
}

TEST_CASE("users are told by the names that the pfile uses, with their numbers") {
    Host host({process(20, {"nginx"}, 1, 33), process(21, {"nginx"}, 1, 4711)});
    host.pent.user = "root";
    host.pent.uid = 0;
    host.snapshot.user_names = {{33, "www-data"}, {4711, ""}};
    CHECK(host.misses_of(20) == "user is www-data (33); ");
    CHECK(host.misses_of(21) == "user is 4711; ");
}

TEST_CASE("entries that count have no main process") {
    Host host({process(20, {"nginx"}), process(21, {"nginx"}, 20)});
    host.pent.min = 1;
    CHECK(host.standings() == "20 counted; 21 counted; ");
}

TEST_CASE("pcheck itself, what is below its scripts, containers and zombies with threads are near misses") {
    Host host({process(7, {"nginx"}), process(20, {"nginx"}, 60), process(60, {"sh"}), process(70, {"nginx"}), process(80, {"nginx"})});
    host.snapshot.processes[0].stat.fingerprint.start = 70;
    host.entry().script.kind = ScriptRecord::Kind::restart;
    host.entry().script.process = {60, 1000};
    host.snapshot.processes[3].status->in_own_pid_namespace = false;
    host.snapshot.processes[4].stat.state = 'Z';
    CHECK(host.standings() == "7 near miss; 20 near miss; 70 near miss; 80 near miss; ");
    CHECK(host.misses_of(7) == "it is pcheck itself; ");
    host.snapshot.processes[2].stat.fingerprint.comm = "nginx";
    CHECK(host.misses_of(60) == "it is a running script itself; ");
    CHECK(host.misses_of(20) == "it is below a running script, pid=60; ");
    CHECK(host.misses_of(70) == "pidns: it lives in another PID namespace; ");
    CHECK(host.misses_of(80) == "zombie: its first thread has ended; ");
}

TEST_CASE("a person reads it in sections, a script as JSON") {
    Host host({process(20, {"nginx", "\x1b[2J"}), process(21, {"nginx"}, 20), process(22, {"nginx"}, 1, 1000)});
    host.pent.user = "0";
    host.pent.uid = 0;
    host.entry().main = {20, 1000};
    const Matching matching = host.judged();
    CHECK(text_of(explain(host.entry(), matching)) ==
          "entry   nginx (1) AVAIL\n"
          "asks for\n"
          "        name nginx\n"
          "        user 0\n"
          "        pidns same\n"
          "followed\n"
          "        20       nginx \\x1b[2J\n"
          "child   21       nginx\n"
          "                 below 20, which matches too\n"
          "near miss\n"
          "        22       nginx\n"
          "                 user is 1000\n");
    const auto json = nlohmann::json::parse(match_json(host.entry(), matching)).at("match");
    CHECK(json.at("pid") == 20);
    CHECK(json.at("processes").size() == 3);
    CHECK(json.at("processes")[2].at("misses")[0].at("filter") == "user");
    Host nobody({});
    CHECK(text_of(explain(nobody.entry(), nobody.judged())).find("matches nothing that runs now") != std::string::npos);
}

TEST_CASE("a process of an entry that was given up runs, and is not watched") {
    Host host({process(20, {"nginx"}), process(30, {"nginx"})});
    host.entry().state = EntryState::retry_over;
    host.entry().main = {30, 1000};
    CHECK(host.standings() == "30 runs, not watched; 20 rival; ");
    CHECK(host.judged().notes.empty());
}

TEST_CASE("a rival, and a pidfile that names another process, are explained") {
    Host host({process(20, {"nginx"}), process(30, {"nginx"})});
    host.entry().main = {30, 1000};
    CHECK(host.judged().notes ==
          std::vector<std::string>{"rival: it could be followed as well, and is not, since one is; a filter tells them apart"});
    host.pent.pidfile = "/run/nginx.pid";
    host.snapshot.named = 99;
    CHECK(host.judged().notes ==
          std::vector<std::string>{"process 30 is followed on until the pidfile names another one that passes all filters",
                                   "not named: it would match, but the pidfile does not name it: it does not count"});
}

TEST_CASE("what a rival, an orphan and a process that is gone mean for the entry is told") {
    Host host({process(20, {"nginx"}), process(30, {"nginx"})});
    host.entry().main = {40, 1000};
    CHECK(host.judged().notes.front() == "process 40, which is followed, is gone: pcheck has not noticed yet");
    host.entry().main = {};
    host.entry().state = EntryState::down;
    CHECK(host.judged().notes.empty());  // one of them is taken by the next look
    host.entry().death = 2000;
    host.entry().orphans = {{30, 1000}};
    CHECK(host.judged().notes == std::vector<std::string>{"rival: older than the loss: it does not stand in for what was lost",
                                                          "orphan: it was below a process that has ended, and does not stand in for it"});
}

TEST_CASE("where nothing matches, a process of nearly the same name is told") {
    Host host({process(20, {"sshd"}), process(30, {"ngimx"})});
    CHECK(host.judged().notes == std::vector<std::string>{"nothing is called nginx, but process 30 is called ngimx"});
    host.pent.label = true;  // then the name is nobody's
    host.pent.exe = "/usr/sbin/nginx";
    CHECK(host.judged().notes.empty());
    host.pent.label = false;
    host.pent.exe.clear();
    EntryRecord other;  // somebody else's already
    other.pent_id = 2;
    other.name = "ngimx";
    other.line = "ngimx:-:0:0:continue";
    host.view.entries.push_back(other);
    CHECK(host.judged().notes.empty());
    host.snapshot.processes.push_back(process(40, {"ngynx"}));
    CHECK(host.judged().notes == std::vector<std::string>{"nothing is called nginx, but process 40 is called ngynx"});
    Host far({process(20, {"sshd"})});
    CHECK(far.judged().notes.empty());
}

TEST_CASE("where nothing matches, one with more or less behind the name is told, three at most and each name once") {
    Host host({process(20, {"nginx.py"}), process(21, {"nginx.py"}), process(22, {"ngi"}), process(23, {"ng"}), process(24, {"nginx-old"}),
               process(25, {"nginx2"})});
    CHECK(host.judged().notes ==
          std::vector<std::string>{"nothing is called nginx, but process 20 is called nginx.py, process 22 is called "
                                   "ngi, process 24 is called nginx-old"});
}

TEST_CASE("command lines that could not be read in time are told") {
    Host host({process(40, {"nginx"})});
    host.snapshot.unread = 1;
    CHECK(host.judged().notes == std::vector<std::string>{"1 command line could not be read in time and is judged as empty"});
    host.snapshot.unread = 3;
    CHECK(host.judged().notes == std::vector<std::string>{"3 command lines could not be read in time and are judged as empty"});
}
