// SPDX-License-Identifier: Apache-2.0
// Stops a program at its system calls: kills it at the Nth of them, lets one fail, or tells it another time of day. All threads are followed,
// children are not.
// usage: tracer OPTION... --attach PID        a program that runs
//        tracer OPTION... -- COMMAND ARG...   from its exec on; the program keeps the pid that we were started with
//   --report FD        `tracing` when calls are counted, `hit INDEX NUMBER` when the chosen one was met, `end COUNT` when all is over
//   --from NUMBER      the first call of this number is the first that counts
//   --list FILE        every call that was entered: `INDEX NUMBER TID FILE`, the file where the first argument is a descriptor
//   --kill-entry N     SIGKILL before call N (the first is 0) does anything
//   --kill-exit N      SIGKILL when it has been done
//   --fail NUMBER NTH ERRNO    the NTH call (the first is 0) of this number is not done and returns ERRNO
//   --fail-all NUMBER ERRNO    every call of this number
//   --wall FILE        CLOCK_REALTIME is so many seconds later as FILE holds, 8 bytes; only with COMMAND
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace {

enum class Act { none, kill_entry, kill_exit, fail, fail_all };

struct Options {
    int report = -1;
    std::string list, wall;
    Act act = Act::none;
    std::uint64_t number = 0, nth = 0;
    long error = 0;
    long from = -1;
    pid_t attach = 0;
    char** command = nullptr;
};

[[noreturn]] void die(const char* what) {
    std::perror(what);
    _exit(125);
}

Options parse(int argc, char** argv) {
    Options options;
    for (int at = 1; at < argc; ++at) {
        const std::string word = argv[at];
        const auto next = [&] { return at + 1 < argc ? std::atol(argv[++at]) : (errno = EINVAL, die(word.c_str()), 0L); };
        if (word == "--report")
            options.report = static_cast<int>(next());
        else if (word == "--list" && at + 1 < argc)
            options.list = argv[++at];
        else if (word == "--wall" && at + 1 < argc)
            options.wall = argv[++at];
        else if (word == "--from")
            options.from = next();
        else if (word == "--attach")
            options.attach = static_cast<pid_t>(next());
        else if (word == "--kill-entry" || word == "--kill-exit") {
            options.act = word == "--kill-entry" ? Act::kill_entry : Act::kill_exit;
            options.nth = static_cast<std::uint64_t>(next());
        } else if (word == "--fail" || word == "--fail-all") {
            options.act = word == "--fail" ? Act::fail : Act::fail_all;
            options.number = static_cast<std::uint64_t>(next());
            if (options.act == Act::fail) options.nth = static_cast<std::uint64_t>(next());
            options.error = next();
        } else if (word == "--") {
            options.command = argv + at + 1;
            break;
        }
    }
    return options;
}

class Tracer {
public:
    explicit Tracer(const Options& options) : options_(options) {
        if (!options.list.empty()) list_ = open(options.list.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (!options.wall.empty() && (wall_ = open(options.wall.c_str(), O_RDONLY | O_CLOEXEC)) < 0) die("wall");
    }

    void seize(pid_t thread) const {
        constexpr long what = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
        if (ptrace(PTRACE_SEIZE, thread, nullptr, what) != 0) die("PTRACE_SEIZE");
    }

    void attach(pid_t process);
    // From the exec of a process that was seized; until then nothing is counted.
    void await_exec() { counting_ = false; }
    void run();
    void report(const std::string& line) const {
        const std::string text = line + "\n";
        if (options_.report >= 0 && write(options_.report, text.data(), text.size()) < 0) _exit(0);  // nobody waits for us any more
    }

private:
    struct Thread {
        std::uint64_t call = 0;  // entered last
        long error = 0;          // what it is to return
        bool dies = false;       // when it returns
        std::uint64_t time = 0;  // where it is to write the time of day
    };

    void stopped(pid_t thread, int status);
    void at_call(pid_t thread);
    void entered(pid_t thread, std::uint64_t call, std::uint64_t first);
    void kill_all(pid_t thread, std::uint64_t index);
    void step_wall(pid_t thread, std::uint64_t place) const;
    void go_on(pid_t thread, long signal = 0) const { ptrace(PTRACE_SYSCALL, thread, nullptr, signal); }

    Options options_;
    int list_ = -1, wall_ = -1;
    bool counting_ = true;
    std::uint64_t count_ = 0, of_number_ = 0;
    std::map<pid_t, Thread> threads_;
    pid_t process_ = 0;
    int process_ref_ = -1;

public:
    void guard(pid_t process) {
        process_ = process;
        process_ref_ = pidfd(process);
    }
    static int pidfd(pid_t process) { return static_cast<int>(syscall(SYS_pidfd_open, process, 0)); }
};

void Tracer::attach(pid_t process) {
    guard(process);
    std::set<pid_t> seized;
    const std::string path = "/proc/" + std::to_string(process) + "/task";
    for (bool more = true; more;) {  // a thread may be born while we look
        more = false;
        DIR* const directory = opendir(path.c_str());
        if (directory == nullptr) die("the process to attach to");
        while (const dirent* entry = readdir(directory)) {
            const auto thread = static_cast<pid_t>(std::atoi(entry->d_name));
            if (thread == 0 || !seized.insert(thread).second) continue;
            constexpr long what = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
            if (ptrace(PTRACE_SEIZE, thread, nullptr, what) != 0) continue;  // gone, or followed since its birth
            ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr);
            more = true;
        }
        closedir(directory);
    }
    report("tracing");
}

void Tracer::kill_all(pid_t thread, std::uint64_t index) {
    report("hit " + std::to_string(index) + " " + std::to_string(threads_[thread].call));
    syscall(SYS_pidfd_send_signal, process_ref_, SIGKILL, nullptr, 0);
}

// What a descriptor of the program leads to; `-` for any other number.
std::string file_of(pid_t thread, std::uint64_t fd) {
    std::array<char, 256> target{};
    const std::string path = "/proc/" + std::to_string(thread) + "/fd/" + std::to_string(fd);
    return readlink(path.c_str(), target.data(), target.size() - 1) > 0 ? target.data() : "-";
}

// Counters and clocks give what they are asked for, whatever else is short.
bool never_fails(const std::string& file) {
    for (const char* kind : {"anon_inode:[event", "anon_inode:[timerfd", "anon_inode:[signalfd"}) {
        if (file.rfind(kind, 0) == 0) return true;
    }
    return false;
}

void Tracer::entered(pid_t thread, std::uint64_t call, std::uint64_t first) {
    if (options_.from >= 0 && call != static_cast<std::uint64_t>(options_.from)) return;
    options_.from = -1;
    Thread& one = threads_[thread];
    one.call = call;
    const std::uint64_t index = count_++;
    if (list_ >= 0) {
        const std::string line =
            std::to_string(index) + " " + std::to_string(call) + " " + std::to_string(thread) + " " + file_of(thread, first) + "\n";
        if (write(list_, line.data(), line.size()) < 0) die("list");
    }
    if (options_.act == Act::kill_entry && index == options_.nth) kill_all(thread, index);
    if (options_.act == Act::kill_exit && index == options_.nth) one.dies = true;
    const bool may_fail = (options_.act == Act::fail || options_.act == Act::fail_all) && call == options_.number;
    if (!may_fail || ((call == SYS_read || call == SYS_write) && never_fails(file_of(thread, first)))) return;
    const std::uint64_t nth = of_number_++;
    if (options_.act == Act::fail && nth != options_.nth) return;
    if (options_.act == Act::fail || nth == 0) report("hit " + std::to_string(index) + " " + std::to_string(call));
    user_regs_struct registers{};
    if (ptrace(PTRACE_GETREGS, thread, nullptr, &registers) != 0) return;
    registers.orig_rax = ~0ull;  // no call at all
    ptrace(PTRACE_SETREGS, thread, nullptr, &registers);
    one.error = options_.error;
}

// Without the vDSO every look at a clock is a call. The auxiliary vector lies on the new stack, behind argc, argv and environment.
void hide_vdso(pid_t thread) {
    user_regs_struct registers{};
    if (ptrace(PTRACE_GETREGS, thread, nullptr, &registers) != 0) die("PTRACE_GETREGS");
    const auto peek = [thread](std::uint64_t place) { return static_cast<std::uint64_t>(ptrace(PTRACE_PEEKDATA, thread, place, nullptr)); };
    std::uint64_t place = registers.rsp + 8 * (peek(registers.rsp) + 2);
    while (peek(place) != 0) place += 8;
    for (place += 8; peek(place) != AT_NULL; place += 16) {
        if (peek(place) == AT_SYSINFO_EHDR) ptrace(PTRACE_POKEDATA, thread, place, std::uint64_t{AT_IGNORE});
    }
}

// `place`: of a timespec that the call has filled.
void Tracer::step_wall(pid_t thread, std::uint64_t place) const {
    std::int64_t seconds = 0;
    if (pread(wall_, &seconds, sizeof seconds, 0) != sizeof seconds) return;
    const long now = ptrace(PTRACE_PEEKDATA, thread, place, nullptr);
    ptrace(PTRACE_POKEDATA, thread, place, now + seconds);
}

void Tracer::at_call(pid_t thread) {
    __ptrace_syscall_info info{};
    if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) <= 0 || !counting_) return;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        const bool wall =
            info.entry.nr == SYS_clock_gettime && (info.entry.args[0] == CLOCK_REALTIME || info.entry.args[0] == CLOCK_REALTIME_COARSE);
        threads_[thread].time = wall ? info.entry.args[1] : 0;
        return entered(thread, info.entry.nr, info.entry.args[0]);
    }
    Thread& one = threads_[thread];
    if (wall_ >= 0 && one.time != 0) step_wall(thread, one.time);
    if (one.dies) kill_all(thread, options_.nth);
    if (one.error == 0) return;
    user_regs_struct registers{};
    if (ptrace(PTRACE_GETREGS, thread, nullptr, &registers) != 0) return;
    registers.rax = static_cast<unsigned long long>(-one.error);
    ptrace(PTRACE_SETREGS, thread, nullptr, &registers);
    one.error = 0;
}

void Tracer::stopped(pid_t thread, int status) {
    const int signal = WSTOPSIG(status), event = status >> 16;
    if (signal == (SIGTRAP | 0x80)) {
        at_call(thread);
        return go_on(thread);
    }
    if (event == PTRACE_EVENT_EXEC && !counting_) {
        counting_ = true;
        if (wall_ >= 0) hide_vdso(thread);
        report("tracing");
    }
    const bool group_stop = event == PTRACE_EVENT_STOP && signal != SIGTRAP;
    if (group_stop)
        ptrace(PTRACE_LISTEN, thread, nullptr, nullptr);
    else
        go_on(thread, event == 0 ? signal : 0);
}

void Tracer::run() {
    for (;;) {
        int status = 0;
        const pid_t thread = waitpid(-1, &status, __WALL);
        if (thread < 0 && errno == EINTR) continue;
        if (thread < 0) break;
        if (WIFSTOPPED(status))
            stopped(thread, status);
        else
            threads_.erase(thread);
    }
    report("end " + std::to_string(count_));
}

// The caller goes on as the program, we as its tracer: whoever started it still has it as a child.
void run_beside(const Options& options) {
    std::array<int, 2> ready{};
    if (pipe2(ready.data(), O_CLOEXEC) != 0) die("pipe2");
    const pid_t program = getpid(), middle = fork();
    if (middle < 0) die("fork");
    if (middle > 0) {
        waitpid(middle, nullptr, 0);
        char byte = 0;
        close(ready[1]);
        if (read(ready[0], &byte, 1) != 1) _exit(125);
        if (options.report >= 0) close(options.report);
        execv(options.command[0], options.command);
        die(options.command[0]);
    }
    if (fork() != 0) _exit(0);
    Tracer tracer(options);
    tracer.guard(program);
    tracer.seize(program);
    tracer.await_exec();
    tracer.report("tracer " + std::to_string(getpid()));
    if (write(ready[1], "+", 1) != 1) _exit(125);
    close(ready[1]);
    close(ready[0]);
    for (const int fd : {0, 1, 2}) close(fd);
    tracer.run();
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = parse(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    if (options.command != nullptr && options.command[0] != nullptr) {
        run_beside(options);
        return 0;
    }
    if (options.attach == 0) {
        std::fprintf(stderr, "usage: tracer OPTION... --attach PID | -- COMMAND...\n");
        return 64;
    }
    Tracer tracer(options);
    tracer.report("tracer " + std::to_string(getpid()));
    tracer.attach(options.attach);
    tracer.run();
}
