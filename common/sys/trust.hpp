// SPDX-License-Identifier: Apache-2.0
// Whether nobody but root and one user could have written a file or swapped it for another (spec/pcheck.md, Trust): the path is
// walked from / one component at a time, symbolic links are followed by hand, and every directory and link on the way is judged. A
// path that passed may be used by its name: nobody untrusted can change any part of it. An ACL that lets somebody write shows in
// the group bits of the mode.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace banken::sys {

enum class TrustKind {
    file,       // a regular file: pfile, banken.conf, definition files
    script,     // regular and executable, and so is the interpreter after its #!, which is judged in the same way
    directory,  // one that files are made in: a sticky one that others may write does not pass
};

// What the walk found. Plain memory without pointers: the child of a spawn sends it through its socket.
struct TrustFinding {
    enum class Fault : std::uint8_t {
        none,          // passed
        system,        // the kernel refused: `number` is its errno
        owner,         // owned by uid `number`
        group_writes,  // writable by gid `number`, not 0
        others_write,
        not_absolute,
        directory,      // where a file is wanted
        not_directory,  // where a directory is wanted
        not_regular,
        not_executable,
        interpreters,  // too many interpreters that are scripts themselves
    };
    Fault fault = Fault::none;
    std::uint32_t number = 0;
    bool interpreter = false;       // not the script is at fault, but what its #! names
    std::array<char, 2048> path{};  // where, links resolved; NUL-terminated. A longer one is refused

    [[nodiscard]] bool passed() const { return fault == Fault::none; }
};

// `user` may own things beside root: the program's effective user; with run_as that user. Async-signal-safe and without allocation,
// for a child between clone and exec; needs 16 KiB of stack. May hang on a dead mount: never in the loop's thread.
[[nodiscard]] TrustFinding examine(const char* path, TrustKind kind, uid_t user) noexcept;

// "/path is writable by others", "/path: No such file or directory" (spec/messages.md, `Restart script refused`).
[[nodiscard]] std::string text_of(const TrustFinding& finding);

// The same for a script that runs as the program's own user. Who owns it could run it himself: "/opt/db/start is owned by uid 1001; add run_as=1001".
// `owner` is his name where it is known.
[[nodiscard]] std::string text_with_advice(const TrustFinding& finding, std::string_view owner = {});

// The same walk for parents: at load, on a helper thread.
[[nodiscard]] Result<> check_trust(const std::string& path, TrustKind kind, uid_t user);
// A script that runs as `runner`; unset: as the program's own user, then with the advice. Asks the name service.
[[nodiscard]] Result<> check_script(const std::string& path, std::optional<uid_t> runner);

}  // namespace banken::sys
