// SPDX-License-Identifier: Apache-2.0
#include "common/sys/worker.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "common/sys/clock.hpp"
#include "common/sys/unique_fd.hpp"

namespace banken::sys {

// What the loop's thread and the helpers share. The last of them frees it, so that a late helper meets no closed descriptor.
struct Worker::Shared {
    using Finished = std::pair<RequestId, Then>;

    UniqueFd event;
    unsigned max_threads = 0;

    std::mutex mutex;  // guards the rest
    std::condition_variable work_or_end;
    std::deque<std::pair<RequestId, Work>> queue;
    std::vector<Finished> finished;
    unsigned threads = 0, idle = 0;
    bool closing = false;

    void run();
    void finish(RequestId request, Then then);
    bool start_thread(const std::shared_ptr<Shared>& self);
};

void Worker::Shared::run() {
    std::unique_lock lock(mutex);
    for (;;) {
        ++idle;
        work_or_end.wait(lock, [this] { return closing || !queue.empty(); });
        --idle;
        if (closing) return;
        auto [request, work] = std::move(queue.front());
        queue.pop_front();
        lock.unlock();
        Then then = work();
        work = nullptr;  // what it owns ends before its result is told
        lock.lock();
        finish(request, std::move(then));
    }
}

void Worker::Shared::finish(RequestId request, Then then) {
    if (finished.empty()) ::eventfd_write(event.get(), 1);
    finished.emplace_back(request, std::move(then));
}

// Signals belong to the loop: a helper inherits a mask that blocks them all.
bool Worker::Shared::start_thread(const std::shared_ptr<Shared>& self) {
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = true;
    try {
        std::thread([self] { self->run(); }).detach();
    } catch (const std::system_error&) {
        started = false;
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return started;
}

Worker::Worker(std::shared_ptr<Shared> shared, std::size_t requests) : shared_(std::move(shared)), requests_(requests) {}

Result<Worker> Worker::open(unsigned threads, std::size_t requests) {
    auto shared = std::make_shared<Shared>();
    shared->event.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!shared->event.valid()) return fail_errno("eventfd");
    shared->max_threads = threads;
    return Worker(std::move(shared), requests);
}

Worker::~Worker() {
    if (!shared_) return;
    const std::lock_guard lock(shared_->mutex);
    shared_->closing = true;
    shared_->queue.clear();
    shared_->work_or_end.notify_all();
}

int Worker::fd() const { return shared_->event.get(); }

Result<Worker::RequestId> Worker::submit(Work work) {
    if (out_ >= requests_) return fail("all {} requests are out", requests_);
    const std::lock_guard lock(shared_->mutex);
    if (shared_->idle <= shared_->queue.size() && shared_->threads < shared_->max_threads && shared_->start_thread(shared_)) {
        ++shared_->threads;
    }
    if (shared_->threads == 0) return fail("no helper thread can be started");
    shared_->queue.emplace_back(++last_, std::move(work));
    shared_->work_or_end.notify_one();
    ++out_;
    expected_.insert(last_);
    return last_;
}

void Worker::drain() {
    std::vector<Shared::Finished> finished;
    {
        const std::lock_guard lock(shared_->mutex);
        eventfd_t count = 0;
        ::eventfd_read(fd(), &count);
        finished.swap(shared_->finished);
    }
    out_ -= finished.size();
    for (auto& [request, then] : finished) {
        if (expected_.erase(request) != 0 && then) then();
    }
}

void Worker::drain_within(Duration patience) {
    const Instant until = read_instant() + patience;
    for (Instant now = read_instant(); out_ > 0 && now < until; now = read_instant()) {
        pollfd ready{.fd = fd(), .events = POLLIN, .revents = 0};
        ::poll(&ready, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(until - now).count()));
        drain();
    }
}

}  // namespace banken::sys
