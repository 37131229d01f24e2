// SPDX-License-Identifier: Apache-2.0
// The program that runs, and the one installed since in its place (spec/pcheck.md, Signals: USR2 and the order `reexec`).
#pragma once

#include <string>
#include <vector>

#include "common/result.hpp"
#include "common/sys/spawn.hpp"
#include "pcheck/loader.hpp"

namespace banken {

struct Image {
    std::string program;                 // by which path it was started, absolute
    std::vector<std::string> arguments;  // what it was started with, without --fresh: the state is to be kept
    bool in_place = false;               // it was executed by the one before, as the same process

    // Read in main, before anything is changed. Takes the mark of the one before out of the environment.
    [[nodiscard]] static Image of_this_process(int argc, char** argv);
};

// Whether what is installed at its path could go on in our place: nobody untrusted could have written it, it runs, and it accepts our files and our
// segment (`--adoptable`). The error tells what it said. Waits up to 30 s: for a helper thread.
[[nodiscard]] Result<> test_installed(const Image& image, const std::vector<std::string>& environment);

// Executes it in place with the limits that we were given. Comes back only when the kernel refuses, and then nothing has changed.
[[nodiscard]] Failure execute_in_place(const Image& image, const std::vector<std::string>& environment, const sys::Inheritance& original);

// The other side, `pcheck --adoptable`: prints what is in the way on stderr. Its exit status.
[[nodiscard]] int tell_whether_adoptable(const tl::expected<LoadedPfile, LoadFailure>& loaded);

// Children of this process that nobody knows here: of the program before it.
[[nodiscard]] std::vector<pid_t> own_children();

}  // namespace banken
