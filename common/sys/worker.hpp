// SPDX-License-Identifier: Apache-2.0
// Helper threads for calls that may hang: dead mounts, name services, command lines. Requests go out in bounded number, their results
// come back into the loop's thread. A thread that hangs is never waited for, neither here nor at the end of the process (_exit).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_set>

#include "common/result.hpp"
#include "common/time.hpp"

namespace banken::sys {

class Worker {
public:
    using RequestId = std::uint64_t;  // from 1, never used again
    using Then = std::function<void()>;
    // Runs in a helper thread with all signals blocked, and touches only what it owns or shares safely: the loop's objects may be gone
    // when it returns. What it returns is called by drain(), in the loop's thread.
    using Work = std::function<Then()>;

    // Threads start when there is work for them. Both bounds are at least 1.
    [[nodiscard]] static Result<Worker> open(unsigned threads, std::size_t requests);
    Worker(Worker&&) noexcept = default;
    Worker& operator=(Worker&&) = delete;
    // Does not wait: what is queued is dropped, a thread that runs ends by itself when its call returns.
    ~Worker();

    // Readable when there is something to drain.
    [[nodiscard]] int fd() const;
    // Refused when `requests` of them are out, forgotten ones that have not returned included, or when not one thread can be started.
    [[nodiscard]] Result<RequestId> submit(Work work);
    // Its result, if it ever comes, is dropped.
    void forget(RequestId request) { expected_.erase(request); }
    // Something is out: a thread may be in a call.
    [[nodiscard]] bool busy() const { return out_ > 0; }
    // Calls what has come back, in that order. A callback may submit and forget.
    void drain();
    // For a program without a loop: drains until nothing is out any more, but no longer than this.
    void drain_within(Duration patience);

private:
    struct Shared;
    explicit Worker(std::shared_ptr<Shared> shared, std::size_t requests);

    std::shared_ptr<Shared> shared_;
    std::size_t requests_;
    std::size_t out_ = 0;
    RequestId last_ = 0;
    std::unordered_set<RequestId> expected_;
};

}  // namespace banken::sys
