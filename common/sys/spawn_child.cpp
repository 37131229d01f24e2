// SPDX-License-Identifier: Apache-2.0
#include "common/sys/spawn_child.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/sys/unique_fd.hpp"

namespace banken::sys {
namespace {

using Step = ChildReport::Step;

constexpr int control = 3;  // where the socket lies once the child's descriptors are in order

bool failed(ChildReport& report, Step step) {
    report.step = step;
    report.number = errno;
    return false;
}

// Leaves 0, 1, 2 and `control`.
bool arrange_descriptors(const ChildPlan& plan, ChildReport& report) {
    bool good = ::dup2(plan.null, STDIN_FILENO) >= 0;
    if (plan.output == ScriptOutput::null) good = good && ::dup2(plan.null, STDOUT_FILENO) >= 0 && ::dup2(plan.null, STDERR_FILENO) >= 0;
    if (plan.place != control) good = good && ::dup3(plan.place, control, O_CLOEXEC) >= 0;
    if (!good) return failed(report, Step::descriptors);
    ::closefrom(control + 1);
    return true;
}

void default_signals(std::uint64_t signals) {
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    for (int signal = 1; signals != 0; ++signal, signals >>= 1) {
        if ((signals & 1) != 0) ::sigaction(signal, &action, nullptr);
    }
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool give_back_limits(const ChildPlan& plan, ChildReport& report) {
    for (unsigned resource = 0; resource < RLIM_NLIMITS; ++resource) {
        if ((plan.limits_to_set >> resource & 1) == 0) continue;
        if (::setrlimit(static_cast<__rlimit_resource_t>(resource), &plan.limits[resource]) != 0) return failed(report, Step::limits);
    }
    if (plan.set_nice && ::setpriority(PRIO_PROCESS, 0, plan.nice) != 0) return failed(report, Step::nice);
    if (plan.reset_oom_score) {
        // A score that an outer container has raised may not be lowered by everybody: then the script keeps it.
        const UniqueFd file(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
        [[maybe_unused]] const auto written = ::write(file.get(), "0", 1);
    }
    return true;
}

bool open_output(const ChildPlan& plan, TrustFinding& finding) {
    finding = examine(plan.output_directory, TrustKind::directory, plan.user);  // else others could make it a link to anything
    if (!finding.passed()) return false;
    const UniqueFd file(::open(plan.output_file, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_CLOEXEC, 0640));
    if (file.valid() && ::dup2(file.get(), STDOUT_FILENO) >= 0 && ::dup2(file.get(), STDERR_FILENO) >= 0) return true;
    finding.fault = TrustFinding::Fault::system;
    finding.number = static_cast<std::uint32_t>(errno);
    std::strncpy(finding.path.data(), plan.output_file, finding.path.size() - 1);
    return false;
}

// A restart does not wait for a disk: without the file what the script prints goes nowhere.
bool direct_output(const ChildPlan& plan, ChildReport& report) {
    if (plan.output != ScriptOutput::file || open_output(plan, report.finding)) return true;
    report.step = Step::output;
    ::send(control, &report, sizeof report, MSG_NOSIGNAL | MSG_DONTWAIT);
    const bool good = ::dup2(STDIN_FILENO, STDOUT_FILENO) >= 0 && ::dup2(STDIN_FILENO, STDERR_FILENO) >= 0;  // /dev/null
    return good || failed(report, Step::descriptors);
}

// By bare system calls: those of glibc change all threads that they know of, which are the parent's here. Without uid 0 the capabilities are gone,
// but for ambient ones.
bool become_user(const ChildPlan& plan, ChildReport& report) {
    if (!plan.becomes) return true;
    static_assert(sizeof(gid_t) == sizeof *plan.groups);
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (::syscall(SYS_setgroups, plan.group_count, plan.groups) != 0) return failed(report, Step::user);
    if (::syscall(SYS_setresgid, plan.gid, plan.gid, plan.gid) != 0) return failed(report, Step::user);
    return ::syscall(SYS_setresuid, plan.uid, plan.uid, plan.uid) == 0 || failed(report, Step::user);
}

bool prepare(const ChildPlan& plan, ChildReport& report) {
    if (::setsid() < 0) return failed(report, Step::session);
    default_signals(plan.signals_to_default);
    if (::chdir("/") != 0) return failed(report, Step::directory);
    ::umask(022);
    if (!give_back_limits(plan, report) || !direct_output(plan, report) || !become_user(plan, report)) return false;
    if (!plan.check_trust) return true;
    report.finding = examine(plan.path, TrustKind::script, plan.script_owner);
    return report.finding.passed() || failed(report, Step::trust);
}

// False: whoever was to record us is gone.
bool wait_for_release(int socket) {
    char byte = 0;
    for (;;) {
        const auto count = ::recv(socket, &byte, 1, 0);
        if (count >= 0 || errno != EINTR) return count == 1;
    }
}

}  // namespace

// With a shared table the first call must be the one that ends the sharing. It copies no more than the low numbers, and closes none of them, which
// could hang for one that lies on a dead mount.
bool take_own_table(const ChildPlan& plan, ChildReport& report) noexcept {
    if (plan.control != plan.place && ::dup3(plan.control, plan.place, O_CLOEXEC) < 0) return failed(report, Step::descriptors);
    const int first = std::max({plan.null, plan.place, first_uncopied - 1}) + 1;
    if (::close_range(static_cast<unsigned>(first), ~0u, CLOSE_RANGE_UNSHARE) != 0) {
        if (plan.own_table != nullptr) return failed(report, Step::descriptors);
        ::closefrom(first);  // an old seccomp filter
    }
    if (plan.own_table != nullptr) plan.own_table->store(1, std::memory_order_release);
    return true;
}

void go_on(const ChildPlan& plan, ChildReport& report, bool separate) noexcept {
    int socket = separate ? plan.place : plan.control;
    bool ready = separate && arrange_descriptors(plan, report);
    if (ready) {
        socket = control;
        ready = prepare(plan, report);  // what may take long is done while the parent records us
    }
    if (!wait_for_release(socket)) ::_exit(127);
    if (ready) {
        ::execve(plan.path, plan.argv, plan.environment);
        failed(report, Step::exec);
    }
    ::send(socket, &report, sizeof report, MSG_NOSIGNAL);
    ::_exit(127);
}

void run_child(const ChildPlan& plan) noexcept {
    ChildReport report;
    const bool separate = take_own_table(plan, report);
    go_on(plan, report, separate);
}

}  // namespace banken::sys
