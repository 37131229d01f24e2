// SPDX-License-Identifier: Apache-2.0
#include "pcheck/lint.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <unordered_map>
#include <utility>

#include "common/segment_reader.hpp"
#include "common/sys/file.hpp"
#include "common/sys/log.hpp"
#include "common/sys/semaphore.hpp"
#include "common/sys/shm.hpp"
#include "common/sys/trust.hpp"
#include "common/sys/unique_fd.hpp"
#include "common/text.hpp"
#include "pcheck/heartbeats.hpp"
#include "pcheck/lint_processes.hpp"

namespace banken {
namespace {

using Severity = Diagnostic::Severity;

// One pfile being judged; what is found is told with its place.
class Lint {
public:
    explicit Lint(const LoadedPfile& loaded) : loaded_(loaded), param_(loaded.pfile.param) {}

    [[nodiscard]] std::vector<Diagnostic> take() && {
        scripts();
        output();
        if (param_.ipc_key != 0) key();
        if (!param_.shm_dump_file.empty()) dump();
        heartbeats();
        exit_action();
        shared_limits();
        return std::move(found_);
    }

private:
    void say(Severity severity, std::string text) { found_.push_back({severity, 0, 0, std::move(text)}); }
    void say(Severity severity, std::size_t index, std::optional<PentOption> option, std::string_view text) {
        const Pent& pent = loaded_.pfile.pents[index];
        const auto where = option ? std::string(rule_of(*option).name) : std::string("field 2 (restart script)");
        const std::size_t column = option ? loaded_.given[index].column(*option) : 0;
        found_.push_back({severity, pent.line, column, fmt::format("{}, {}: {}", shortened(pent.name), where, text)});
    }

    void say(Severity severity, std::size_t resource, DefinitionKey key, std::string_view text) {
        const Definition& definition = loaded_.pfile.resources[resource];
        const auto [line, column] = loaded_.given_keys[resource].place(key);
        const auto name = rule_of(key).rule.name;
        found_.push_back({severity, line, column, fmt::format("{}, {}: {}", shortened(definition.tag), name, text), definition.file});
    }

    void scripts();
    void output();
    void key();
    void dump();
    void heartbeats();
    void exit_action();
    void shared_limits();

    const LoadedPfile& loaded_;
    const Param& param_;
    std::vector<Diagnostic> found_;
};

// Why the kernel would not execute it, although everybody may; nothing: it would.
std::optional<std::string> not_executable(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return fmt::format("{}: {}", path, std::generic_category().message(errno));
    if (!S_ISREG(status.st_mode) || (status.st_mode & 0111) == 0) return fmt::format("{} is not an executable file", path);
    const sys::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    std::array<char, 128> head{};
    const ssize_t length = file.get() < 0 ? -1 : ::read(file.get(), head.data(), head.size());
    const std::string_view text(head.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
    const bool is_program = text.starts_with("#!") || text.find('\0') != text.npos || find_invalid_utf8(text) || length < 0;
    if (is_program) return std::nullopt;
    return fmt::format("{} does not begin with #!, such as #!/bin/sh: the kernel cannot execute it", path);
}

void Lint::scripts() {
    for (const NamedScript& script : scripts_of(loaded_.pfile)) {
        auto why = why_refused(script, param_);
        if (!why) why = not_executable(script.command->argv.front());
        if (!why) continue;
        if (script.pent_id != 0)
            say(Severity::error, script.index, script.option, *why);
        else
            say(Severity::error, script.index, key_of(script.script), *why);
    }
    for (std::size_t i = 0; i < loaded_.pfile.pents.size(); ++i) {
        const Pent& pent = loaded_.pfile.pents[i];
        if (pent.runner && pent.runner->uid != geteuid() && geteuid() != 0) {
            say(Severity::warning, i, PentOption::run_as, "only a pcheck of root can run scripts as another user");
        }
    }
}

void Lint::output() {
    if (param_.script_output != ScriptOutput::file) return;
    const std::string directory = directory_of(param_.script_output_file);
    const auto trusted = sys::check_trust(directory, sys::TrustKind::directory, geteuid());
    if (!trusted) say(Severity::error, fmt::format("SCRIPT_OUTPUT: {}", trusted.error().text));
}

// What a segment says of the pcheck that made it.
struct Neighbour {
    std::string pfile, dump;
};
std::optional<Neighbour> neighbour_at(const sys::SegmentStat& stat) {
    const auto segment = sys::Segment::attach(stat, sys::Segment::Access::read);
    if (!segment) return std::nullopt;
    const auto reader = SegmentReader::open(segment->words());
    if (!reader) return std::nullopt;
    const auto header = reader->header();
    const auto param = reader->param();
    if (!header || !param) return std::nullopt;
    return Neighbour{header->pfile, param->shm_dump_file};
}

void Lint::key() {
    const auto stat = sys::find_segment(param_.ipc_key);
    if (!stat) return;
    const auto user = neighbour_at(*stat);
    if (user && user->pfile == loaded_.path) return;
    const auto whose = user ? printable(user->pfile) : std::string("a segment that is not pcheck's");
    say(Severity::warning, fmt::format("IPCKEY {:#010x} is in use by {}", param_.ipc_key, whose));
}

void Lint::dump() {
    const std::string directory = directory_of(param_.shm_dump_file);
    struct stat status {};
    const bool exists = ::stat(directory.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
    if (!exists) say(Severity::warning, fmt::format("SHM_DUMP_FILE: there is no directory {}", directory));
    for (const sys::SegmentStat& stat : sys::all_segments()) {
        const bool may_be_ours =
            stat.key != 0 && stat.key != param_.ipc_key && !stat.permissions.removed && sys::believe(stat.permissions, {});
        if (!may_be_ours) continue;
        const auto other = neighbour_at(stat);
        const bool clashes = other && other->dump == param_.shm_dump_file && other->pfile != loaded_.path;
        if (!clashes || !sys::key_is_held(stat.key, std::nullopt).value_or(false)) continue;
        say(Severity::warning,
            fmt::format("SHM_DUMP_FILE {} is in use by the pcheck of {}", param_.shm_dump_file, printable(other->pfile)));
    }
}

// As the start says it.
void Lint::heartbeats() {
    const char* const runtime = std::getenv("XDG_RUNTIME_DIR");
    if (!Heartbeats::path_for(param_.ipc_key, geteuid() == 0, runtime ? runtime : "").empty()) return;
    for (std::size_t i = 0; i < loaded_.pfile.pents.size(); ++i) {
        const Pent& pent = loaded_.pfile.pents[i];
        if (pent.sends_heartbeats())
            say(Severity::error, i, PentOption::heartbeat, "XDG_RUNTIME_DIR is not set: there is no place for the socket");
    }
}

void Lint::exit_action() {
    if (std::getenv("INVOCATION_ID") || std::getenv("NOTIFY_SOCKET")) return;  // a service manager started us
    for (const Pent& pent : loaded_.pfile.pents) {
        if (pent.action != RetryOverAction::exit) continue;
        found_.push_back(
            {Severity::warning, pent.line, 0,
             fmt::format("{}: action exit only ends pcheck: a cluster manager or supervisor must watch it and act", shortened(pent.name))});
    }
    for (std::size_t i = 0; i < loaded_.pfile.resources.size(); ++i) {
        if (loaded_.pfile.resources[i].on_failure != OnFailure::exit) continue;
        say(Severity::warning, i, DefinitionKey::on_failure,
            "exit only ends pcheck: a cluster manager or supervisor must watch it and act");
    }
}

// What DEFAULTS_FILE says of one it says of both.
void Lint::shared_limits() {
    if (param_.defaults_file.empty()) return;
    std::unordered_map<std::string, const Definition*> firsts;
    for (const Definition& resource : loaded_.pfile.resources) {
        if (resource.kind != ResourceKind::generic) continue;
        const auto [first, is_new] = firsts.try_emplace(variable_part_of(resource.tag), &resource);
        if (is_new) continue;
        found_.push_back({Severity::warning, resource.line, 0,
                          fmt::format("{}: its time limits in DEFAULTS_FILE are those of {} in line {}, too", shortened(resource.tag),
                                      shortened(first->second->tag), first->second->line)});
    }
}

}  // namespace

std::vector<Diagnostic> lint(const LoadedPfile& loaded) {
    std::vector<Diagnostic> found = Lint(loaded).take();
    if (good(loaded.diagnostics)) std::ranges::move(lint_processes(loaded), std::back_inserter(found));
    return found;
}

int test_pfile(const std::string& named, const tl::expected<Config, LoadFailure>& config) {
    if (!config) {
        for (const std::string& line : config.error().lines) fmt::print(stderr, "{}\n", line);
    }
    auto loaded = examine_pfile(named);
    if (!loaded) {
        for (const std::string& line : loaded.error().lines) fmt::print(stderr, "{}\n", line);
        return number_of(loaded.error().code);
    }
    std::vector<Diagnostic> all = loaded->diagnostics;
    std::ranges::move(lint(*loaded), std::back_inserter(all));
    if (config) {
        if (auto log = sys::Log::open(config->log, {}); log && !log->finds_reader()) all.push_back({Severity::warning, 0, 0, log->lack()});
    }
    sort_by_place(all);
    for (const Diagnostic& diagnostic : all) fmt::print(stderr, "{}\n", text_of(diagnostic, named));
    if (!good(all)) return number_of(ExitCode::config);
    if (!config) return number_of(config.error().code);
    const auto counted = [](std::size_t number, std::string_view one, std::string_view several) {
        return fmt::format(", {} {}", number, number == 1 ? one : several);
    };
    const std::size_t resources = loaded->pfile.resources.size();
    fmt::print("{}: good{}{}{}\n", named, counted(loaded->pfile.pents.size(), "entry", "entries"),
               resources == 0 ? "" : counted(resources, "resource", "resources"), counted(all.size(), "warning", "warnings"));
    return number_of(ExitCode::ok);
}

}  // namespace banken
