// SPDX-License-Identifier: Apache-2.0
// Judges one process by one entry's rule (spec/pfile.md, Matching). Pure: it names the next fact it needs, and whoever asks reads it.
// What is never matched afresh is judged here too: kernel threads, and zombies, whose command line and executable cannot be read.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/pattern.hpp"
#include "common/pfile.hpp"
#include "common/process.hpp"

namespace banken {

// What a process must be. A text that is empty asks for nothing.
struct MatchRule {
    std::string name{};  // with a blank: of a command line; with a `/`: of an executable or argv[0]; else a simple name. Empty: match=label
    std::optional<Pattern> args{};
    std::string exe{};
    std::optional<uid_t> user{};  // real uid
    std::string cgroup{};         // a glob: `*` is any text, `/` too, `?` any one byte
    bool any_pid_namespace = false;
    std::string pidfile{};  // not judged here: which process it names is no fact of the process

    friend bool operator==(const MatchRule&, const MatchRule&) = default;
};

// A user that was not resolved to an uid is nobody's.
[[nodiscard]] MatchRule rule_of(const Pent& pent);

// What may have to be read before a rule can be judged; the cheap one is asked for first.
enum class Fact { exe, status, cgroups, command_line };

struct Judgement {
    enum class Kind { matched, failed, needs };
    Kind kind = Kind::failed;
    std::string_view filter;  // with `failed`: "kernel thread", "zombie", "name", "exe", "user", "pidns", "cgroup", "args"
    Fact fact{};              // with `needs`

    friend bool operator==(const Judgement&, const Judgement&) = default;
};

// A fact that was read and is empty (hidden from us, or a read that hung) matches nothing; the others still can.
[[nodiscard]] Judgement judge(const MatchRule& rule, const Process& process);

// Every filter that fails, in the order of judging, of a process whose facts are all known. Empty: it matches.
[[nodiscard]] std::vector<std::string_view> failed_filters(const MatchRule& rule, const Process& process);

// The command line as `args` sees it: joined by single blanks, without empty arguments at its end (which rewritten titles leave behind).
[[nodiscard]] std::string joined_command_line(const std::vector<std::string>& command_line);

// Whether what it asks for changes without an exec (titles, uids, cgroups): then all processes are read again while none is found.
[[nodiscard]] bool judges_what_changes(const MatchRule& rule);

// For an index over many rules: a rule matches a process whose facts are all known only if they have a word in common. The reverse is
// not true, judge() has the last word. A rule without words may match any process. The words are views into their argument.
[[nodiscard]] std::vector<std::string_view> index_words(const MatchRule& rule);
[[nodiscard]] std::vector<std::string_view> index_words(const Process& process);

// The script that an interpreter runs (sh, bash, dash, ksh, python*, perl, ruby, node, java, php*), as its command line names it: the
// first argument that is no option. With `-m` and `-jar` their value. Empty: no interpreter, or code from the command line (`-c`).
// An executable that is hidden from us is known by argv[0].
[[nodiscard]] std::string_view script_argument(std::string_view exe, const std::vector<std::string>& command_line);

}  // namespace banken
