// SPDX-License-Identifier: Apache-2.0
// The daemon that scenarios watch. It goes to the background as daemons do: the first process ends with 0, and its pid on stdout, when the daemon
// is ready. Copies under other names are other daemons.
//   --foreground        stay the process that was started
//   --fifo PATH         obey the lines written to this FIFO, made here: exit N | signal N | background | worker | title TEXT | exec PATH ARG...
//   --ignore-term       SIGTERM does nothing
//   --argv0 TEXT        run again under this argv[0]
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace {

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
    while (orders != nullptr && getline(&line, &size, orders) > 0) obey(line);
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
