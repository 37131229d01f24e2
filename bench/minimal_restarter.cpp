// SPDX-License-Identifier: Apache-2.0
// The least that restarts processes which are not its children: epoll over pidfds, and a spawn. What pcheck costs beyond this is its own.
// Lines on stdin: PID SCRIPT ARG...; "ready" on stdout when all are watched. Each is restarted once.
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct Watched {
    int ref = -1;
    std::vector<std::string> words;
    std::vector<char*> argv;
};

Watched watched_of(const std::string& line) {
    Watched watched;
    std::istringstream words(line);
    pid_t pid = 0;
    words >> pid;
    for (std::string word; words >> word;) watched.words.push_back(word);
    watched.ref = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
    return watched;
}

}  // namespace

int main() {
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    std::signal(SIGCHLD, SIG_IGN);

    std::vector<Watched> all;
    for (std::string line; std::getline(std::cin, line);) all.push_back(watched_of(line));
    const int poll = epoll_create1(EPOLL_CLOEXEC);
    for (std::size_t at = 0; at < all.size(); ++at) {
        auto& watched = all[at];
        for (auto& word : watched.words) watched.argv.push_back(word.data());
        watched.argv.push_back(nullptr);
        epoll_event event{.events = EPOLLIN, .data = {.u64 = at}};
        if (watched.argv.size() < 2 || epoll_ctl(poll, EPOLL_CTL_ADD, watched.ref, &event) != 0) return 71;
    }
    std::cout << "ready" << std::endl;

    while (true) {
        epoll_event event{};
        if (epoll_wait(poll, &event, 1, -1) != 1) continue;
        Watched& dead = all[event.data.u64];
        pid_t script = 0;
        posix_spawn(&script, dead.argv.front(), nullptr, nullptr, dead.argv.data(), environ);
        close(dead.ref);
    }
}
