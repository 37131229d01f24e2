// SPDX-License-Identifier: Apache-2.0
// Runs a program to its end. Waits for it: only for helper threads.
#pragma once

#include <string>
#include <vector>

#include "common/result.hpp"
#include "common/time.hpp"

namespace banken::sys {

// For the calls of exec(3), ended by a null; valid as long as the strings are.
[[nodiscard]] std::vector<char*> pointers_to(const std::vector<std::string>& strings);

struct FinishedProgram {
    int status = 0;      // wait status; killed by KILL when it took longer than it may
    std::string output;  // both streams, its first 64 KiB
};

// `program` is an absolute path, `arguments` begin with argv[0]. In a session of its own, without input, with default signals. After `limit` its process
// group is ended.
[[nodiscard]] Result<FinishedProgram> run_program(const std::string& program, const std::vector<std::string>& arguments,
                                                  const std::vector<std::string>& environment, Duration limit);

}  // namespace banken::sys
