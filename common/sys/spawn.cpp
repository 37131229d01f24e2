// SPDX-License-Identifier: Apache-2.0
#include "common/sys/spawn.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <system_error>

#include "common/sys/program.hpp"
#include "common/text.hpp"

namespace banken::sys {
namespace {

constexpr int lowest = 3;  // of the descriptors that are ours
constexpr std::size_t most_threads = 8;

// The exec itself keeps what is ignored, and CLONE_CLEAR_SIGHAND too.
std::uint64_t ignored_signals() {
    std::uint64_t signals = 0;
    for (int signal = 1; signal <= 64; ++signal) {
        struct sigaction action {};
        if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) signals |= std::uint64_t{1} << (signal - 1);
    }
    return signals;
}

bool own_oom_score_is_set() {
    const UniqueFd file(::open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC));
    char first = '0';
    return file.valid() && ::read(file.get(), &first, 1) == 1 && first != '0';
}

bool differ(const rlimit& a, const rlimit& b) { return a.rlim_cur != b.rlim_cur || a.rlim_max != b.rlim_max; }

// A script with all that its child points into.
class Prepared {
public:
    explicit Prepared(const ScriptStart& script)
        : script_(script),
          directory_(directory_of(script.output_file)),
          argv_(pointers_to(script_.command.argv)),
          environment_(pointers_to(script_.environment)) {}
    Prepared(const Prepared&) = delete;
    Prepared& operator=(const Prepared&) = delete;

    void point(ChildPlan& plan) const {
        plan.path = argv_.front();
        plan.argv = argv_.data();
        plan.environment = environment_.data();
        plan.output = script_.output;
        plan.output_file = script_.output_file.c_str();
        plan.output_directory = directory_.c_str();
        plan.check_trust = script_.check_trust;
        if (script_.runner) set_user(plan, *script_.runner);
    }

private:
    static void set_user(ChildPlan& plan, const RunAs& runner) {
        plan.becomes = plan.user == 0 || plan.user != runner.uid;
        plan.script_owner = runner.uid;
        plan.uid = runner.uid;
        plan.gid = runner.gid;
        plan.groups = runner.groups.data();
        plan.group_count = runner.groups.size();
    }

    ScriptStart script_;
    std::string directory_;
    std::vector<char*> argv_, environment_;
};

using Birth = Spawner::Birth;

Result<Birth> fork_child(ChildPlan& plan) {
    plan.own_table = nullptr;
    plan.signals_to_default = ~std::uint64_t{0};
    const pid_t pid = ::fork();
    if (pid == 0) run_child(plan);
    if (pid < 0) return fail_errno("fork");
    return Birth{pid, {}};
}

// With `own_table` set the child shares our table. fork(2), which unsets it, where an old seccomp filter or kernel has no clone3.
Result<Birth> clone_child(ChildPlan& plan) {
    int pidfd = -1;
    clone_args args{};
    args.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND | (plan.own_table != nullptr ? CLONE_FILES : 0);
    args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    args.exit_signal = SIGCHLD;
    const auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
    if (pid == 0) run_child(plan);
    if (pid > 0) return Birth{pid, UniqueFd(pidfd)};
    if (errno == ENOSYS || errno == EPERM) return fork_child(plan);
    return fail_errno("clone3");
}

// A user of run_as may be kept out of a directory that we may walk.
std::string refusal_text(const TrustFinding& finding, bool has_runner) {
    if (!has_runner) return text_with_advice(finding);
    const bool kept_out = finding.fault == TrustFinding::Fault::system && finding.number == EACCES;
    return text_of(finding) + (kept_out ? " to the user of run_as" : "");
}

std::string reason_of(const ChildReport& report, bool has_runner) {
    auto refusal = std::generic_category().message(report.number);
    switch (report.step) {
        case ChildReport::Step::descriptors: return "descriptors: " + refusal;
        case ChildReport::Step::session: return "setsid: " + refusal;
        case ChildReport::Step::directory: return "chdir: " + refusal;
        case ChildReport::Step::limits: return "setrlimit: " + refusal;
        case ChildReport::Step::nice: return "setpriority: " + refusal;
        case ChildReport::Step::user: return "run_as: " + refusal;
        case ChildReport::Step::output: return text_of(report.finding);
        case ChildReport::Step::trust: return refusal_text(report.finding, has_runner);
        case ChildReport::Step::exec: break;
    }
    return refusal;
}

}  // namespace

Inheritance Inheritance::of_this_process() {
    Inheritance own;
    for (unsigned resource = 0; resource < RLIM_NLIMITS; ++resource) {
        ::getrlimit(static_cast<__rlimit_resource_t>(resource), &own.limits[resource]);
    }
    own.nice = ::getpriority(PRIO_PROCESS, 0);
    return own;
}

// A child that cannot be told would wait for ever: it is made to end by itself.
void WaitingScript::release() {
    if (TEMP_FAILURE_RETRY(::send(control_.get(), "", 1, MSG_DONTWAIT | MSG_NOSIGNAL)) == 1 || errno == EPIPE || errno == ECONNRESET)
        return;
    release_error_ = errno;
    ::shutdown(control_.get(), SHUT_RDWR);
}

ScriptReports WaitingScript::reports() const {
    ScriptReports reports;
    if (release_error_ != 0) reports.not_run = NotRun{false, "release: " + std::generic_category().message(release_error_)};
    ChildReport report;
    while (::recv(control_.get(), &report, sizeof report, MSG_DONTWAIT) == static_cast<ssize_t>(sizeof report)) {
        std::string reason = reason_of(report, has_runner_);
        if (report.step == ChildReport::Step::output)
            reports.output_lost = std::move(reason);
        else
            reports.not_run = NotRun{report.step == ChildReport::Step::trust, std::move(reason)};
    }
    return reports;
}

void Spawner::Unmap::operator()(std::atomic<int>* flag) const { ::munmap(flag, sizeof *flag); }

Result<Spawner> Spawner::open(const Inheritance& original) {
    Spawner spawner;
    const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null.valid()) return fail_errno("/dev/null");
    spawner.null_.reset(::fcntl(null.get(), F_DUPFD_CLOEXEC, lowest));
    spawner.place_.reset(::fcntl(null.get(), F_DUPFD_CLOEXEC, lowest));
    if (!spawner.null_.valid() || !spawner.place_.valid()) return fail_errno("fcntl");
    void* const memory = ::mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return fail_errno("mmap");
    spawner.own_table_.reset(new (memory) std::atomic<int>(1));
    spawner.can_share_ = ::close_range(~0u, ~0u, 0) == 0;  // no flag here: it would take the table from our own threads

    ChildPlan& plan = spawner.plan_;
    plan.user = ::geteuid();
    plan.script_owner = plan.user;
    plan.null = spawner.null_.get();
    plan.place = spawner.place_.get();
    plan.signals_to_default = ignored_signals();
    const auto own = Inheritance::of_this_process();
    plan.limits = original.limits;
    for (unsigned resource = 0; resource < RLIM_NLIMITS; ++resource) {
        if (differ(own.limits[resource], original.limits[resource])) plan.limits_to_set |= 1u << resource;
    }
    plan.nice = original.nice;
    plan.set_nice = own.nice != original.nice;
    plan.reset_oom_score = own_oom_score_is_set();
    if (auto thread = SpawnThread::start()) spawner.threads_.push_back(std::move(thread));
    return spawner;
}

Spawner::Spawner(Spawner&&) noexcept = default;
Spawner& Spawner::operator=(Spawner&&) noexcept = default;
Spawner::~Spawner() = default;

bool Spawner::place_is_free() const {
    if (!can_share_) return false;
    return own_table_->load(std::memory_order_acquire) != 0 || (::kill(sharing_child_, 0) != 0 && errno == ESRCH);
}

// One that is free now. Where all are held up by children that hang, more are made for those that come later.
SpawnThread* Spawner::idle_thread() {
    for (const auto& thread : threads_) {
        if (thread->idle()) return thread.get();
    }
    if (threads_.size() == most_threads) return nullptr;
    if (auto thread = SpawnThread::start()) threads_.push_back(std::move(thread));
    return nullptr;
}

Result<Birth> Spawner::bear(ChildPlan& plan, const std::shared_ptr<const void>& memory) {
    const bool share = place_is_free() && ::dup3(plan.control, place_.get(), O_CLOEXEC) >= 0;
    if (share) {
        plan.control = place_.get();
        plan.own_table = own_table_.get();
        own_table_->store(0, std::memory_order_relaxed);
    }
    Result<Birth> birth = fail_errno("clone", EAGAIN);
    // A change of the user takes our core dumps away from a memory that is shared, and lays it open to that user where fs.suid_dumpable is 1.
    SpawnThread* const thread = plan.becomes ? nullptr : idle_thread();
    if (thread != nullptr) {
        if (const auto child = thread->start_child(plan, memory)) birth = Birth{*child, {}};
    }
    if (!birth) birth = clone_child(plan);
    if (share && birth) sharing_child_ = birth->pid;
    if (share && (!birth || plan.own_table == nullptr)) own_table_->store(1, std::memory_order_relaxed);
    return birth;
}

Failure Spawner::abandon(pid_t child, const Error& why) {
    abandoned_.push_back(child);
    return Failure(why);
}

void Spawner::reap_abandoned() {
    std::erase_if(abandoned_, [](pid_t child) { return ::waitpid(child, nullptr, WNOHANG) != 0; });
}

Result<WaitingScript> Spawner::start(const ScriptStart& script) {
    reap_abandoned();
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return fail_errno("socketpair");
    UniqueFd ours(ends[0]);
    const UniqueFd theirs(ends[1]);

    const auto prepared = std::make_shared<const Prepared>(script);
    ChildPlan plan = plan_;
    prepared->point(plan);
    plan.control = theirs.get();
    auto birth = bear(plan, prepared);
    if (!birth) return Failure(birth.error());
    UniqueFd& pidfd = birth->pidfd;
    if (!pidfd.valid()) pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, birth->pid, 0)));  // not reaped: its pid is nobody else's
    if (!pidfd.valid()) return abandon(birth->pid, fail_errno("pidfd_open").value());
    const auto stat = read_stat(birth->pid);
    if (!stat) return abandon(birth->pid, stat.error());
    return WaitingScript(PidRef::of_child(std::move(pidfd), stat->id()), std::move(ours), script.runner.has_value());
}

}  // namespace banken::sys
