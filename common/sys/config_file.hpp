// SPDX-License-Identifier: Apache-2.0
// Configuration files as every program of the suite reads them: regular, trusted, and refused with all their mistakes at once.
// May hang on a dead mount.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/config.hpp"
#include "common/exit_code.hpp"
#include "common/result.hpp"

namespace banken::sys {

// Why a file cannot be used: every mistake, one line each, as it is printed.
struct LoadFailure {
    ExitCode code{};
    std::vector<std::string> lines;
};

struct TrustedFile {
    std::string path;  // resolved
    std::string text;
};

// Why a file was not read, and with which status a program ends that cannot do without.
struct Unread {
    ExitCode code{};
    std::string why;  // "/etc/x: No such file or directory", "refused: /etc/x is writable by others"
};

// A regular file that nobody but root and our own user could have written (spec/pcheck.md, Trust). Failures: 66, 78.
[[nodiscard]] tl::expected<TrustedFile, Unread> read_if_trusted(const std::string& named, std::size_t limit);
// The same for the file that a program is told to use.
[[nodiscard]] tl::expected<TrustedFile, LoadFailure> read_trusted(const std::string& named, std::size_t limit);

// The errors among `diagnostics`, as lines about `file`.
[[nodiscard]] std::vector<std::string> error_lines(const std::vector<Diagnostic>& diagnostics, const std::string& file);

// banken.conf. An empty name: the usual place, where a missing file means the defaults; a named one that is missing is a failure.
[[nodiscard]] tl::expected<Config, LoadFailure> load_config(const std::string& named);

}  // namespace banken::sys
