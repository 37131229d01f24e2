// SPDX-License-Identifier: Apache-2.0
// A part of a program that goes on in the background when the program has ended: a child in a session of its own, with nothing open that its
// caller might wait for. It tells the program numbers as long as that listens.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>

#include "common/result.hpp"
#include "common/sys/unique_fd.hpp"

namespace banken::sys {

class Background {
public:
    // Tells the program a number; that it has ended is no error.
    using Tell = std::function<void(std::int32_t)>;
    enum class Output { kept, dropped };  // of 1 and 2; dropped: they lead to /dev/null once the first number was told

    // `work` is run in the child, which ends with it. Before there are threads.
    [[nodiscard]] static Result<Background> start(Output output, const std::function<void(const Tell&)>& work);

    // Waits for the next number; nothing: the child has ended, and is reaped.
    [[nodiscard]] std::optional<std::int32_t> next();

private:
    Background(UniqueFd pipe, pid_t child) : pipe_(std::move(pipe)), child_(child) {}
    UniqueFd pipe_;
    pid_t child_;  // 0: reaped
};

}  // namespace banken::sys
