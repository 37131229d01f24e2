// SPDX-License-Identifier: Apache-2.0
// Judges one process by one entry's rule (spec/pfile.md, Matching). Pure: it names the next fact it needs, and whoever asks reads it.
// What is never matched afresh is judged here too: kernel threads, and zombies, whose command line and executable cannot be read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/process.hpp"

namespace banken {

struct MatchRule {
    std::string name;  // with a blank: of a command line; with a `/`: of an executable or argv[0]; else a simple name

    friend bool operator==(const MatchRule&, const MatchRule&) = default;
};

// What may have to be read before a rule can be judged; the cheap one is asked for first.
enum class Fact { exe, command_line };

struct Judgement {
    enum class Kind { matched, failed, needs };
    Kind kind = Kind::failed;
    std::string_view filter;  // with `failed`: which one, "name", "kernel thread", "zombie"
    Fact fact{};              // with `needs`

    friend bool operator==(const Judgement&, const Judgement&) = default;
};

// A fact that was read and is empty (hidden from us, or a read that hung) matches nothing; the others still can.
[[nodiscard]] Judgement judge(const MatchRule& rule, const Process& process);

// Whether the command line alone decides: processes rewrite theirs without an exec, so it is read again while none is found.
[[nodiscard]] bool judges_command_line(const MatchRule& rule);

// For an index over many rules: a rule matches a process whose facts are all known only if they have a word in common. The reverse is
// not true, judge() has the last word. The words are views into their argument.
[[nodiscard]] std::vector<std::string_view> index_words(const MatchRule& rule);
[[nodiscard]] std::vector<std::string_view> index_words(const Process& process);

// The script that an interpreter runs (sh, bash, dash, ksh, python*, perl, ruby, node, java, php*), as its command line names it: the
// first argument that is no option. With `-m` and `-jar` their value. Empty: no interpreter, or code from the command line (`-c`).
// An executable that is hidden from us is known by argv[0].
[[nodiscard]] std::string_view script_argument(std::string_view exe, const std::vector<std::string>& command_line);

}  // namespace banken
