// SPDX-License-Identifier: Apache-2.0
#include "common/sys/spawn_thread.hpp"

#include <signal.h>
#include <unistd.h>

#include <system_error>
#include <thread>

namespace banken::sys {
namespace {

enum Step : int { resting, posted, born, failed, closing };

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
};

// A frame of its own: what the child does on this stack below it is done before we go on.
[[gnu::noinline]] void SpawnThread::Shared::start_child() {
    const pid_t child = ::vfork();
    if (child == 0) {
        pid = ::getpid();
        tell(born);
        run_child(plan);
    }
    if (child > 0) return;
    error = errno;
    tell(failed);
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
    if (shared_->step.load(std::memory_order_acquire) == failed) return fail_errno("vfork", shared_->error);
    return shared_->pid;
}

}  // namespace banken::sys
