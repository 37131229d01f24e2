// SPDX-License-Identifier: Apache-2.0
// A thread that starts children as vfork(2) does. Nothing of our memory is copied for such a child, so it costs a fraction of a clone; it is the
// thread that stands still until the child has executed its script, not the loop. Only spawn.cpp uses this.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <memory>

#include "common/result.hpp"
#include "common/sys/spawn_child.hpp"

namespace banken::sys {

class SpawnThread {
public:
    // Null: no thread can be had.
    [[nodiscard]] static std::unique_ptr<SpawnThread> start();
    // Does not wait: a child that hangs in its exec holds its thread until it is ended.
    ~SpawnThread();
    SpawnThread(const SpawnThread&) = delete;
    SpawnThread& operator=(const SpawnThread&) = delete;

    // Its last child has executed its script, or ended.
    [[nodiscard]] bool idle() const;
    // The pid of a child that runs `plan`. Waits until it exists, and no longer
    // shares our descriptors. `memory` is what the plan points into, and is kept as long as it is needed.
    [[nodiscard]] Result<pid_t> start_child(const ChildPlan& plan, std::shared_ptr<const void> memory);

private:
    struct Shared;
    explicit SpawnThread(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
    std::shared_ptr<Shared> shared_;
};

}  // namespace banken::sys
