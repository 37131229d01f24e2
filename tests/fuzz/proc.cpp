// SPDX-License-Identifier: Apache-2.0
// The texts of /proc and of a pidfile, and an entry's filters judged on what they say. Between lines `%%`: name, args, exe and cgroup of the entry;
// stat, status, cgroup, exe and pidfile; the command line.
#include <algorithm>

#include "common/cgroup.hpp"
#include "common/matcher.hpp"
#include "common/process.hpp"
#include "common/text.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace banken::fuzz {
namespace {

constexpr std::size_t longest_glob = 255, longest_text = 4096;

bool within(std::string_view part, std::string_view whole) {
    return part.empty() || (std::less_equal<>{}(whole.data(), part.data()) && std::less_equal<>{}(part.end(), whole.end()));
}

void judge_cgroup_text(std::string_view text) {
    const std::string_view cgroup = service_cgroup(text);
    require(within(cgroup, text), "a path out of the text");
    (void)is_login_session(cgroup);
    if (const auto unit = service_of(cgroup)) require(unit->name.ends_with(".service"), "a service", unit->name);
    for (const std::string& path : parse_cgroups(text)) require(path.starts_with('/') && path.find('\n') == path.npos, "a path", path);
}

void judge_pidfile(std::string_view text) {
    const auto pid = parse_pidfile(text);
    if (!pid) return;
    require(*pid >= 1 && *pid <= 1 << 22, "a pid");
    require(parse_pidfile(fmt::format("{}\n", *pid)) == pid, "the same pid after printing and reading");
}

MatchRule rule_from(std::span<const std::string_view> texts) {
    MatchRule rule;
    rule.name = trimmed(texts[0]);
    if (!texts[1].empty()) {
        const auto pattern = Pattern::compile(std::string(texts[1].substr(0, longest_text)));
        if (pattern) rule.args = *pattern;
    }
    rule.exe = texts[2];
    rule.cgroup = texts[3].substr(0, longest_glob);
    rule.user = texts[0].size() % 2 == 0 ? std::optional<uid_t>(0) : std::nullopt;
    return rule;
}

// As the sweep does it: what is not known is read when it is asked for.
Judgement judge_step_by_step(const MatchRule& rule, const Process& known) {
    Process process{.stat = known.stat, .exe = {}, .command_line = {}, .status = {}, .cgroups = {}};
    for (int asked = 0; asked <= 4; ++asked) {
        const Judgement judgement = judge(rule, process);
        if (judgement.kind != Judgement::Kind::needs) return judgement;
        switch (judgement.fact) {
            case Fact::exe: process.exe = known.exe; break;
            case Fact::status: process.status = known.status; break;
            case Fact::cgroups: process.cgroups = known.cgroups; break;
            case Fact::command_line: process.command_line = known.command_line; break;
        }
    }
    require(false, "no fact is asked for twice");
    return {};
}

void judge_match(const MatchRule& rule, const Process& process) {
    const Judgement whole = judge(rule, process);
    require(whole.kind != Judgement::Kind::needs, "nothing is needed where all is known");
    require(judge_step_by_step(rule, process) == whole, "the same judgement step by step");
    const auto failed = failed_filters(rule, process);
    const bool matched = whole.kind == Judgement::Kind::matched;
    require(matched == failed.empty(), "a match fails no filter");
    if (!matched) require(failed.front() == whole.filter, "the first filter that fails is named", whole.filter);
    const auto asked = index_words(rule), offered = index_words(process);
    const bool common =
        std::any_of(asked.begin(), asked.end(), [&](std::string_view word) { return std::ranges::find(offered, word) != offered.end(); });
    require(!matched || asked.empty() || common, "the index finds what matches", rule.name);
}

void judge_command_line(const Process& process, std::string_view text) {
    const auto& arguments = *process.command_line;
    std::string joined;
    for (const std::string& argument : arguments) joined += argument + '\0';
    require(joined == text || joined == std::string(text) + '\0', "all arguments of the command line");
    const std::string_view script = script_argument(*process.exe, arguments);
    require(std::any_of(arguments.begin(), arguments.end(), [&](const std::string& one) { return within(script, one); }) || script.empty(),
            "a script among the arguments", script);
    require(joined_command_line(arguments).size() <= text.size(), "no more than there was");
}

}  // namespace

const bool repeatable = false;  // the command line is the rest, and a repetition would only lengthen it

void test_one(std::string_view input) {
    const auto texts = parts(input, 10);
    judge_cgroup_text(texts[6]);
    judge_pidfile(texts[8]);
    const auto stat = parse_stat(texts[4]);
    if (!stat) require_printable(stat.error().text);
    const auto status = parse_status(texts[5]);
    if (!status) require_printable(status.error().text);
    Process process{.stat = stat.value_or(ProcessStat{}), .exe = {}, .command_line = {}, .status = {}, .cgroups = {}};
    if (stat) require(texts[4].find(stat->fingerprint.comm) != texts[4].npos, "the command out of the text");
    process.exe = std::string(without_deleted(texts[7]));
    process.command_line = split_cmdline(texts[9]);
    process.status = status.value_or(ProcessStatus{});
    process.cgroups = parse_cgroups(texts[6]);
    judge_command_line(process, texts[9]);
    judge_match(rule_from(texts), process);
}

}  // namespace banken::fuzz
