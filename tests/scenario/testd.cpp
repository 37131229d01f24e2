// SPDX-License-Identifier: Apache-2.0
// The daemon that scenarios watch. It goes to the background as daemons do: the first process ends with 0, and its pid on stdout, when the
// daemon is ready. Copies under other names are other daemons.
//   --foreground        stay the process that was started
//   --fifo PATH         obey the lines written to this FIFO, made here:
//                           exit N | signal N | background | worker | title TEXT | exec PATH ARG...
//                           beat PATH COUNT: ten times a second touch PATH or, a socket, send it WATCHDOG=1, and add a byte to the file COUNT
//                           mute: no more of these
//                           spin: use a processor | hold MIB: touch so much memory | open N: descriptors | drop: close these
//                           crowd N: so many processes more, which do nothing; they are in our process group
//                           storm RATE: so many processes a second that end at once
//                           leave: end the first thread, another one goes on
//   --ignore-term       SIGTERM does nothing
//   --argv0 TEXT        run again under this argv[0]
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

std::atomic<bool> mute = false;
std::vector<int> held_descriptors;
std::vector<char> held_memory;

struct Options {
    bool foreground = false, ignore_term = false;
    std::string fifo, argv0;
    std::vector<std::string> rest;  // all but --argv0
};

Options parse(int argc, char** argv) {
    Options options;
    for (int at = 1; at < argc; ++at) {
        const std::string word = argv[at];
        if (word == "--argv0" && at + 1 < argc) {
            options.argv0 = argv[++at];
            continue;
        }
        options.rest.push_back(word);
        if (word == "--foreground") options.foreground = true;
        if (word == "--ignore-term") options.ignore_term = true;
        if (word == "--fifo" && at + 1 < argc) options.rest.push_back(options.fifo = argv[++at]);
    }
    return options;
}

[[noreturn]] void execute(const std::string& path, std::vector<std::string> words) {
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    execv(path.c_str(), argv.data());
    std::perror(path.c_str());
    _exit(127);
}

// The caller goes on as the new process; the old one ends with 0 as soon as the new one calls ready().
class Background {
public:
    Background() {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) _exit(126);
        const pid_t child = fork();
        if (child < 0) _exit(126);
        if (child > 0) {
            close(ends[1]);
            char byte = 0;
            if (read(ends[0], &byte, 1) != 1) _exit(126);
            std::cout << child << std::endl;
            _exit(0);
        }
        close(ends[0]);
        ready_ = ends[1];
        setsid();
    }
    void ready() const {
        const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        for (int fd = 0; fd < 3; ++fd) dup2(null, fd);
        if (write(ready_, "+", 1) != 1) _exit(126);
        close(ready_);
    }

private:
    int ready_ = -1;
};

void beat_once(const std::string& path) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) {
        close(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
        return;
    }
    const int socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    sendto(socket_fd, "WATCHDOG=1", 10, MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    close(socket_fd);
}

[[noreturn]] void beat(const std::string& path, const std::string& count) {
    const int file = open(count.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    while (true) {
        if (!mute) {
            beat_once(path);
            if (write(file, ".", 1) != 1) _exit(126);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
}

// Pauses are made up for: so many begin in a second on the average, as far as the machine can.
[[noreturn]] void storm(long rate) {
    const auto begun = std::chrono::steady_clock::now();
    for (long count = 0;; ++count) {
        const pid_t child = fork();
        if (child == 0) _exit(0);
        if (child > 0) waitpid(child, nullptr, 0);
        std::this_thread::sleep_until(begun + count * std::chrono::nanoseconds(1'000'000'000 / rate));
    }
}

void obey_load(const std::string& verb, const std::string& text) {
    if (verb == "mute") mute = true;
    if (verb == "beat") {
        const auto blank = text.find(' ');
        std::thread(beat, text.substr(0, blank), text.substr(blank + 1)).detach();
    }
    if (verb == "spin")
        std::thread([] {
            while (true) getppid();
        }).detach();
    if (verb == "storm") std::thread(storm, std::atol(text.c_str())).detach();
    for (int left = verb == "crowd" ? std::atoi(text.c_str()) : 0; left > 0; --left) {
        if (fork() == 0) {
            while (true) pause();
        }
    }
    if (verb == "hold") held_memory.assign(std::stoul(text) << 20, 'x');
    for (int left = verb == "open" ? std::atoi(text.c_str()) : 0; left > 0; --left)
        held_descriptors.push_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
    while (verb == "drop" && !held_descriptors.empty()) {
        close(held_descriptors.back());
        held_descriptors.pop_back();
    }
}

void obey(const std::string& line) {
    std::istringstream words(line);
    std::string verb, text;
    words >> verb;
    std::getline(words >> std::ws, text);
    if (verb == "exit") _exit(std::atoi(text.c_str()));
    if (verb == "signal") {
        const int number = std::atoi(text.c_str());
        std::signal(number, SIG_DFL);
        kill(getpid(), number);
    }
    if (verb == "background") Background().ready();
    if (verb == "worker" && fork() == 0) {
        while (true) pause();
    }
    if (verb == "title") prctl(PR_SET_NAME, text.c_str());
    obey_load(verb, text);
    if (verb == "exec") {
        std::istringstream rest(text);
        std::vector<std::string> argv;
        for (std::string word; rest >> word;) argv.push_back(word);
        if (!argv.empty()) execute(argv.front(), argv);
    }
}

[[noreturn]] void serve(const std::string& fifo) {
    while (fifo.empty()) pause();
    std::FILE* orders = std::fopen(fifo.c_str(), "r+e");  // opened both ways: no end of file when a writer goes
    char* line = nullptr;
    std::size_t size = 0;
    while (orders != nullptr && getline(&line, &size, orders) > 0) {
        obey(line);
        if (std::string_view(line) != "leave\n") continue;
        std::thread(serve, fifo).detach();
        syscall(SYS_exit, 0);
    }
    _exit(125);
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = parse(argc, argv);
    if (!options.argv0.empty()) {
        char self[4096] = {};
        if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) return 126;
        auto words = options.rest;
        words.insert(words.begin(), options.argv0);
        execute(self, words);
    }
    if (options.ignore_term) std::signal(SIGTERM, SIG_IGN);
    if (!options.fifo.empty()) mkfifo(options.fifo.c_str(), 0600);
    if (!options.foreground) Background().ready();
    serve(options.fifo);
}
