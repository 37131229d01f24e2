// SPDX-License-Identifier: Apache-2.0
#include "common/matcher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace banken {
namespace {

constexpr std::size_t comm_length = 15;  // TASK_COMM_LEN less its NUL

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool has_blank(std::string_view text) { return std::ranges::any_of(text, is_blank); }
std::string_view first_word(std::string_view text) { return text.substr(0, text.find_first_of(" \t")); }
std::string_view basename_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }
std::string_view without_dash(std::string_view argv0) { return argv0.substr(argv0.starts_with('-') ? 1 : 0); }

// ---- interpreters ----

struct Interpreter {
    std::string_view name;
    bool any_suffix;  // python3.11-dbg, php-cgi8.2; the others may carry a version only
    bool letters;     // options are letters that may be joined ("-ec"); else whole words ("-jar")
    // Options, as letters or as words between blanks:
    std::string_view code;    // what follows is code, so there is no script
    std::string_view script;  // its value is the script
    std::string_view value;   // has a value that is not the script
};

constexpr std::array interpreters{
    Interpreter{"sh", false, true, "c", "", "oO"},
    Interpreter{"bash", false, true, "c", "", "oO"},
    Interpreter{"dash", false, true, "c", "", "oO"},
    Interpreter{"ksh", false, true, "c", "", "oO"},
    Interpreter{"python", true, true, "c", "m", "WX"},
    Interpreter{"perl", false, true, "eE", "", "ImM"},
    Interpreter{"ruby", false, true, "e", "", "ICrE"},
    Interpreter{"node", false, false, "-e --eval -p --print -pe", "", "-r --require --import --loader -C --conditions"},
    Interpreter{"java", false, false, "", "-jar -m --module", "-cp -classpath --class-path -p --module-path --add-modules"},
    Interpreter{"php", true, false, "-r --run -R -B -E", "-f --file -F", "-c -d -z -t -S"},
};

bool is_version(std::string_view text) { return text.find_first_not_of("0123456789.-") == text.npos; }

const Interpreter* interpreter_named(std::string_view program) {
    const auto* const found = std::ranges::find_if(interpreters, [program](const Interpreter& interpreter) {
        return program.starts_with(interpreter.name) && (interpreter.any_suffix || is_version(program.substr(interpreter.name.size())));
    });
    return found == interpreters.end() ? nullptr : found;
}

bool names_word(std::string_view words, std::string_view word) {
    while (!words.empty()) {
        const auto next = first_word(words);
        if (next == word) return true;
        words.remove_prefix(std::min(next.size() + 1, words.size()));
    }
    return false;
}

enum class Meaning { plain, code, script, value };
struct Option {
    Meaning meaning = Meaning::plain;
    std::string_view attached;  // "http.server" of "-mhttp.server"
};

Meaning meaning_of(const Interpreter& interpreter, std::string_view option) {
    const auto among = [&](std::string_view options) {
        return interpreter.letters ? options.find(option) != options.npos : names_word(options, option);
    };
    if (among(interpreter.code)) return Meaning::code;
    if (among(interpreter.script)) return Meaning::script;
    return among(interpreter.value) ? Meaning::value : Meaning::plain;
}

Option read_option(const Interpreter& interpreter, std::string_view argument) {
    if (!interpreter.letters) return {meaning_of(interpreter, argument), {}};
    if (argument.starts_with("--")) return {};
    for (std::size_t at = 1; at < argument.size(); ++at) {
        const Meaning meaning = meaning_of(interpreter, argument.substr(at, 1));
        if (meaning != Meaning::plain) return {meaning, argument.substr(at + 1)};
    }
    return {};
}

// ---- the three kinds of names ----

// The beginning of the command line joined by single blanks: at least `length` bytes, if it has as many. The rest may be a MiB.
std::string joined(const std::vector<std::string>& command_line, std::size_t length) {
    std::string text;
    for (const auto& argument : command_line) {
        if (text.size() >= length) return text;
        text.append(argument, 0, length) += ' ';
    }
    if (!text.empty()) text.pop_back();
    return text;
}

bool equals_up_to_blank(std::string_view line, std::string_view name) {
    return line.starts_with(name) && (line.size() == name.size() || is_blank(line[name.size()]));
}

Judgement judged(bool matched, std::string_view filter = "name") {
    return matched ? Judgement{Judgement::Kind::matched, {}, {}} : Judgement{Judgement::Kind::failed, filter, {}};
}
Judgement needs(Fact fact) { return {Judgement::Kind::needs, {}, fact}; }
constexpr Judgement match{Judgement::Kind::matched, {}, {}};

std::string_view argv0_of(const Process& process) {
    return process.command_line && !process.command_line->empty() ? std::string_view(process.command_line->front()) : std::string_view();
}

Judgement judge_line(std::string_view name, const Process& process) {
    if (!process.command_line) return needs(Fact::command_line);
    const std::string line = joined(*process.command_line, name.size() + 2);  // one for a dash, one for what follows
    return judged(equals_up_to_blank(line, name) || equals_up_to_blank(without_dash(line), name));
}

Judgement judge_path(std::string_view name, const Process& process) {
    if (!process.exe) return needs(Fact::exe);
    if (*process.exe == name) return match;
    if (!process.command_line) return needs(Fact::command_line);
    const auto argv0 = argv0_of(process);
    return judged(argv0 == name || without_dash(argv0) == name);
}

Judgement judge_simple(std::string_view name, const Process& process) {
    if (process.stat.fingerprint.comm == name.substr(0, comm_length)) return match;
    if (!process.exe) return needs(Fact::exe);
    if (basename_of(*process.exe) == name) return match;
    if (!process.command_line) return needs(Fact::command_line);
    const auto argv0 = argv0_of(process);
    return judged(basename_of(argv0) == name || basename_of(without_dash(argv0)) == name ||
                  basename_of(script_argument(*process.exe, *process.command_line)) == name);
}

Judgement judge_name(const MatchRule& rule, const Process& process) {
    if (rule.name.empty()) return match;
    if (has_blank(rule.name)) return judge_line(rule.name, process);
    if (rule.name.find('/') != rule.name.npos) return judge_path(rule.name, process);
    return judge_simple(rule.name, process);
}

// ---- the other filters ----

Judgement judge_exe(const MatchRule& rule, const Process& process) {
    if (rule.exe.empty()) return match;
    return process.exe ? judged(*process.exe == rule.exe, "exe") : needs(Fact::exe);
}

Judgement judge_user(const MatchRule& rule, const Process& process) {
    if (!rule.user) return match;
    return process.status ? judged(process.status->user == *rule.user, "user") : needs(Fact::status);
}

Judgement judge_pid_namespace(const MatchRule& rule, const Process& process) {
    if (rule.any_pid_namespace) return match;
    return process.status ? judged(process.status->in_own_pid_namespace, "pidns") : needs(Fact::status);
}

// Behind a `*` that met its text, an earlier one need not be tried again: at worst the product of both lengths, and these are paths.
bool fits(std::string_view glob, std::string_view text) {
    std::size_t at = 0, in_glob = 0, star = glob.npos, tried = 0;
    while (at < text.size()) {
        if (in_glob < glob.size() && glob[in_glob] == '*') {
            star = in_glob++;
            tried = at;
        } else if (in_glob < glob.size() && (glob[in_glob] == '?' || glob[in_glob] == text[at])) {
            ++in_glob;
            ++at;
        } else if (star != glob.npos) {
            in_glob = star + 1;
            at = ++tried;
        } else {
            return false;
        }
    }
    return glob.find_first_not_of('*', in_glob) == glob.npos;
}

Judgement judge_cgroup(const MatchRule& rule, const Process& process) {
    if (rule.cgroup.empty()) return match;
    if (!process.cgroups) return needs(Fact::cgroups);
    return judged(std::ranges::any_of(*process.cgroups, [&](std::string_view path) { return fits(rule.cgroup, path); }), "cgroup");
}

Judgement judge_args(const MatchRule& rule, const Process& process) {
    if (!rule.args) return match;
    if (!process.command_line) return needs(Fact::command_line);
    return judged(!process.command_line->empty() && rule.args->found_in(joined_command_line(*process.command_line)), "args");
}

using JudgeFilter = Judgement (*)(const MatchRule&, const Process&);
constexpr std::array<JudgeFilter, 6> filters{judge_name, judge_exe, judge_user, judge_pid_namespace, judge_cgroup, judge_args};

// What is never matched afresh.
std::string_view unmatchable(const ProcessStat& stat) {
    if (stat.kernel_thread) return "kernel thread";
    return stat.state == 'Z' || stat.state == 'X' ? "zombie" : "";
}

}  // namespace

std::string_view script_argument(std::string_view exe, const std::vector<std::string>& command_line) {
    if (command_line.empty()) return {};
    const Interpreter* const interpreter = interpreter_named(basename_of(exe.empty() ? without_dash(command_line.front()) : exe));
    if (!interpreter) return {};
    const auto argument = [&](std::size_t at) {
        return at < command_line.size() ? std::string_view(command_line[at]) : std::string_view();
    };
    for (std::size_t at = 1; at < command_line.size(); ++at) {
        const auto word = argument(at);
        if (word == "--") return argument(at + 1);
        if (word == "-") return {};  // code from stdin
        if (!word.starts_with('-')) return word;
        const Option option = read_option(*interpreter, word);
        if (option.meaning == Meaning::code) return {};
        if (option.meaning == Meaning::script) return option.attached.empty() ? argument(at + 1) : option.attached;
        if (option.meaning == Meaning::value && option.attached.empty()) ++at;
    }
    return {};
}

MatchRule rule_of(const Pent& pent) {
    MatchRule rule;
    if (!pent.label) rule.name = pent.name;
    if (!pent.args.empty()) rule.args = Pattern::compile(pent.args).value();
    rule.exe = pent.exe;
    if (!pent.user.empty()) rule.user = pent.uid.value_or(static_cast<uid_t>(-1));  // which no process can have
    rule.cgroup = pent.cgroup;
    rule.any_pid_namespace = pent.any_pid_namespace;
    rule.pidfile = pent.pidfile;
    return rule;
}

Judgement judge(const MatchRule& rule, const Process& process) {
    if (const auto why = unmatchable(process.stat); !why.empty()) return judged(false, why);
    for (const JudgeFilter judge_filter : filters) {
        const Judgement judgement = judge_filter(rule, process);
        if (judgement.kind != Judgement::Kind::matched) return judgement;
    }
    return match;
}

std::vector<std::string_view> failed_filters(const MatchRule& rule, const Process& process) {
    if (const auto why = unmatchable(process.stat); !why.empty()) return {why};
    std::vector<std::string_view> failed;
    for (const JudgeFilter judge_filter : filters) {
        const Judgement judgement = judge_filter(rule, process);
        if (judgement.kind == Judgement::Kind::failed) failed.push_back(judgement.filter);
    }
    return failed;
}

std::string joined_command_line(const std::vector<std::string>& command_line) {
    const auto last = std::ranges::find_if(command_line.rbegin(), command_line.rend(), [](const auto& word) { return !word.empty(); });
    return fmt::format("{}", fmt::join(command_line.begin(), last.base(), " "));
}

bool judges_what_changes(const MatchRule& rule) {
    return has_blank(rule.name) || rule.args.has_value() || rule.user.has_value() || !rule.cgroup.empty();
}

std::vector<std::string_view> index_words(const MatchRule& rule) {
    const std::string_view name = rule.name;
    if (name.empty()) return rule.exe.empty() ? std::vector<std::string_view>() : std::vector<std::string_view>{rule.exe};
    if (has_blank(name)) return {first_word(name)};
    if (name.find('/') != name.npos || name.size() <= comm_length) return {name};
    return {name, name.substr(0, comm_length)};
}

std::vector<std::string_view> index_words(const Process& process) {
    std::vector<std::string_view> words{process.stat.fingerprint.comm};
    const std::string_view exe = process.exe ? std::string_view(*process.exe) : std::string_view();
    if (!exe.empty()) words.insert(words.end(), {exe, basename_of(exe)});
    if (process.command_line && !process.command_line->empty()) {
        for (const auto argv0 : {argv0_of(process), without_dash(argv0_of(process))}) {
            words.insert(words.end(), {argv0, basename_of(argv0), first_word(argv0)});
        }
        words.push_back(basename_of(script_argument(exe, *process.command_line)));
    }
    return words;
}

}  // namespace banken
