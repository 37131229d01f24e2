// SPDX-License-Identifier: Apache-2.0
#include "common/sys/spawn_thread.hpp"

#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <system_error>
#include <thread>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_UNPOISON_MEMORY_REGION(address, size) (static_cast<void>(address), static_cast<void>(size))
#endif

namespace banken::sys {
namespace {

enum Step : int { resting, posted, born, failed, closing };

constexpr std::size_t stack_size = 128 * 1024;  // for the child; a few paths are the most that lies on it

}  // namespace

// What the loop's thread, this thread and, until its exec, the child share.
struct SpawnThread::Shared {
    std::atomic<int> step = resting;
    std::atomic<bool> busy = false;
    ChildPlan plan;
    std::shared_ptr<const void> memory;
    pid_t pid = 0;
    int error = 0;

    void tell(Step next) {
        step.store(next, std::memory_order_release);
        step.notify_all();
    }
    void run();
    void start_child();
    static int be_child(void* shared);
};

// With a shared table it is told when the child has its own: the next one may share ours then. To close what was copied may hang.
int SpawnThread::Shared::be_child(void* shared) {
    auto& self = *static_cast<Shared*>(shared);
    const bool shares = self.plan.own_table != nullptr;
    self.pid = ::getpid();
    if (!shares) self.tell(born);
    ChildReport report;
    const bool separate = take_own_table(self.plan, report);
    if (shares) self.tell(born);
    go_on(self.plan, report, separate);
}

// As vfork(2), but for the table, which that would copy: to close a copy flushes its file, which hangs on a dead mount. The child's stack is a part
// of ours, where sanitizers expect it.
void SpawnThread::Shared::start_child() {
    alignas(16) std::array<std::byte, stack_size> stack;
    ASAN_UNPOISON_MEMORY_REGION(stack.data(), stack.size());  // a child that was killed has left its marks there
    const int table = plan.own_table != nullptr ? CLONE_FILES : 0;
    const pid_t child = ::clone(be_child, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK | table | SIGCHLD, this);
    if (step.load(std::memory_order_acquire) != posted) return;
    error = errno;
    pid = child;
    tell(child < 0 ? failed : born);  // born: it was ended before it could say so
}

void SpawnThread::Shared::run() {
    for (int seen = resting;;) {
        step.wait(seen, std::memory_order_acquire);
        seen = step.load(std::memory_order_acquire);
        if (seen == closing) return;
        if (seen != posted) continue;
        start_child();
        memory.reset();
        seen = step.load(std::memory_order_acquire);
        busy.store(false, std::memory_order_release);
    }
}

std::unique_ptr<SpawnThread> SpawnThread::start() {
    auto shared = std::make_shared<Shared>();
    sigset_t all, before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);  // signals belong to the loop
    try {
        std::thread([shared] { shared->run(); }).detach();
    } catch (const std::system_error&) {
        shared = nullptr;
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return shared ? std::unique_ptr<SpawnThread>(new SpawnThread(std::move(shared))) : nullptr;
}

SpawnThread::~SpawnThread() { shared_->tell(closing); }

bool SpawnThread::idle() const { return !shared_->busy.load(std::memory_order_acquire); }

Result<pid_t> SpawnThread::start_child(const ChildPlan& plan, std::shared_ptr<const void> memory) {
    shared_->plan = plan;
    shared_->memory = std::move(memory);
    shared_->busy.store(true, std::memory_order_release);
    shared_->tell(posted);
    shared_->step.wait(posted, std::memory_order_acquire);
    if (shared_->step.load(std::memory_order_acquire) == failed) return fail_errno("clone", shared_->error);
    return shared_->pid;
}

}  // namespace banken::sys
