// SPDX-License-Identifier: Apache-2.0
#include "pcheck/lint.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "common/matcher.hpp"
#include "common/segment_reader.hpp"
#include "common/sys/proc_table.hpp"
#include "common/sys/shm.hpp"
#include "common/sys/trust.hpp"
#include "common/text.hpp"

namespace banken {
namespace {

// The pfile of the pcheck whose segment has this key. Nothing: the key is free. Empty: the segment is somebody else's.
std::optional<std::string> user_of(std::uint32_t key) {
    const auto stat = sys::find_segment(key);
    if (!stat) return std::nullopt;
    const auto segment = sys::Segment::attach(*stat, sys::Segment::Access::read);
    if (!segment) return "";
    const auto reader = SegmentReader::open(segment->words());
    if (!reader) return "";
    const auto header = reader->header();
    return header ? header->pfile : "";
}

void lint_key(const LoadedPfile& loaded, const std::string& named, Findings& findings) {
    const auto user = user_of(loaded.pfile.param.ipc_key);
    if (!user || *user == loaded.path) return;
    findings.warnings.push_back(fmt::format("{}: warning: IPCKEY {:#010x} is in use by {}", named, loaded.pfile.param.ipc_key,
                                            user->empty() ? "a segment that is not pcheck's" : *user));
}

void lint_dump(const LoadedPfile& loaded, const std::string& named, Findings& findings) {
    const std::string directory = directory_of(loaded.pfile.param.shm_dump_file);
    struct stat status {};
    if (stat(directory.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return;
    findings.warnings.push_back(fmt::format("{}: warning: SHM_DUMP_FILE: there is no directory {}", named, directory));
}

void lint_output(const LoadedPfile& loaded, const std::string& named, Findings& findings) {
    if (loaded.pfile.param.script_output != ScriptOutput::file) return;
    const std::string directory = directory_of(loaded.pfile.param.script_output_file);
    const auto trusted = sys::check_trust(directory, sys::TrustKind::directory, geteuid());
    if (!trusted) findings.errors.push_back(fmt::format("{}: error: SCRIPT_OUTPUT: {}", named, trusted.error().text));
}

void lint_exit(const LoadedPfile& loaded, const std::string& named, Findings& findings) {
    if (std::getenv("INVOCATION_ID") || std::getenv("NOTIFY_SOCKET")) return;  // a service manager started us
    for (const Pent& pent : loaded.pfile.pents) {
        if (pent.action != RetryOverAction::exit) continue;
        findings.warnings.push_back(
            fmt::format("{}:{}: warning: {}: action exit only ends pcheck: a cluster manager or supervisor must watch it and act", named,
                        pent.line, pent.name));
    }
}

// Every process, with what the matcher asks for. Not in the loop, so a command line may take its time.
std::vector<Process> all_processes() {
    std::vector<Process> processes;
    auto opened = sys::ProcDir::open();
    if (!opened) return processes;
    const auto dir = std::make_shared<const sys::ProcDir>(*std::move(opened));
    sys::ProcTable table(dir);
    if (!table.pass(sys::Depth::every)) return processes;
    for (const ProcessId id : table.all()) {
        const auto stat = dir->stat(id.pid);
        if (!stat) continue;
        Process process;
        process.stat = *stat;
        process.exe = dir->exe(id.pid).value_or("");
        process.command_line = split_cmdline(dir->command_line(id.pid).value_or(""));
        processes.push_back(std::move(process));
    }
    return processes;
}

// Only the first 15 bytes tell such a process from its neighbours.
bool matches_by_comm_alone(const std::string& name, Process process) {
    const MatchRule rule{.name = name, .any_pid_namespace = true};
    if (judge(rule, process).kind != Judgement::Kind::matched) return false;
    process.stat.fingerprint.comm.clear();
    return judge(rule, process).kind != Judgement::Kind::matched;
}

void lint_long_names(const LoadedPfile& loaded, const std::string& named, Findings& findings) {
    constexpr std::size_t longest_comm = 15;
    const auto is_long = [](const Pent& pent) {
        return pent.name.size() > longest_comm && pent.name.find_first_of(" /") == std::string::npos;
    };
    if (std::ranges::none_of(loaded.pfile.pents, is_long)) return;
    const std::vector<Process> processes = all_processes();
    for (const Pent& pent : loaded.pfile.pents) {
        const auto by_comm = [&](const Process& process) { return matches_by_comm_alone(pent.name, process); };
        if (!is_long(pent) || std::ranges::none_of(processes, by_comm)) continue;
        findings.warnings.push_back(
            fmt::format("{}:{}: warning: {}: the running process matches by its first 15 bytes alone (comm)", named, pent.line, pent.name));
    }
}

}  // namespace

Findings lint(const LoadedPfile& loaded, const std::string& named) {
    Findings findings;
    for (const Diagnostic& diagnostic : loaded.warnings) findings.warnings.push_back(text_of(diagnostic, named));
    for (const RefusedScript& script : refused_scripts(loaded.pfile)) {
        const std::size_t line = loaded.pfile.pents[script.pent_id - 1].line;
        findings.errors.push_back(fmt::format("{}:{}: error: {}, field 2 (script): {}", named, line, script.name, script.reason));
    }
    lint_output(loaded, named, findings);
    lint_key(loaded, named, findings);
    lint_dump(loaded, named, findings);
    lint_exit(loaded, named, findings);
    lint_long_names(loaded, named, findings);
    return findings;
}

int test_pfile(const std::string& named, const tl::expected<Config, LoadFailure>& config) {
    ExitCode code = ExitCode::ok;
    const auto say = [&](const std::vector<std::string>& lines) {
        for (const std::string& line : lines) fmt::print(stderr, "{}\n", line);
    };
    if (!config) {
        say(config.error().lines);
        code = config.error().code;
    }
    const auto loaded = load_pfile(named);
    if (!loaded) {
        say(loaded.error().lines);
        return number_of(loaded.error().code);
    }
    const Findings findings = lint(*loaded, named);
    say(findings.errors);
    say(findings.warnings);
    if (!findings.errors.empty()) code = ExitCode::config;
    if (code == ExitCode::ok) {
        fmt::print("{}: good, {} {}, {} {}\n", named, loaded->pfile.pents.size(), loaded->pfile.pents.size() == 1 ? "entry" : "entries",
                   findings.warnings.size(), findings.warnings.size() == 1 ? "warning" : "warnings");
    }
    return number_of(code);
}

}  // namespace banken
