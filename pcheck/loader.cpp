// SPDX-License-Identifier: Apache-2.0
#include "pcheck/loader.hpp"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "common/sys/file.hpp"
#include "common/sys/trust.hpp"

namespace banken {
namespace {

constexpr const char* usual_config = "/etc/banken/banken.conf";
constexpr std::size_t config_limit = 1u << 20;

using Unusable = tl::unexpected<LoadFailure>;

Unusable unusable(ExitCode code, std::string line) { return Unusable(LoadFailure{code, {std::move(line)}}); }

struct FileText {
    std::string path, text;
};

// A regular file that nobody else could have written.
tl::expected<FileText, LoadFailure> read_trusted(const std::string& named, std::size_t limit) {
    const auto path = sys::resolved_path(named);
    if (!path) return unusable(ExitCode::no_input, path.error().text);
    auto text = sys::read_file(*path, limit);
    if (!text) return unusable(ExitCode::no_input, text.error().text);
    if (const auto trusted = sys::check_trust(*path, sys::TrustKind::file, geteuid()); !trusted) {
        return unusable(ExitCode::config, fmt::format("{}: error: refused: {}", named, trusted.error().text));
    }
    return FileText{*path, *std::move(text)};
}

void add_errors(LoadFailure& failure, const std::vector<Diagnostic>& diagnostics, const std::string& file) {
    for (const Diagnostic& diagnostic : diagnostics) {
        if (diagnostic.severity == Diagnostic::Severity::error) failure.lines.push_back(text_of(diagnostic, file));
    }
}

std::optional<gid_t> group_of(const std::string& name) {
    std::array<char, 65536> buffer;
    group entry{};
    group* found = nullptr;
    if (getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || !found) return std::nullopt;
    return found->gr_gid;
}

void note_file(LoadedPfile& loaded) {
    struct stat status {};
    if (stat(loaded.path.c_str(), &status) != 0) return;
    loaded.owner = status.st_uid;
    loaded.stamp = {status.st_dev, status.st_ino, WallTime(std::chrono::seconds(status.st_mtim.tv_sec) + Duration(status.st_mtim.tv_nsec))};
}

}  // namespace

tl::expected<LoadedPfile, LoadFailure> load_pfile(const std::string& path) {
    auto file = read_trusted(path, pfile_max_bytes);
    if (!file) return Unusable(std::move(file.error()));
    ParsedPfile parsed = parse_pfile(file->text);
    LoadFailure failure{ExitCode::config, {}};
    add_errors(failure, parsed.diagnostics, path);
    LoadedPfile loaded;
    loaded.path = file->path;
    note_file(loaded);
    if (const std::string& name = parsed.pfile.param.state_group; !name.empty()) {
        loaded.readers = group_of(name);
        if (!loaded.readers) failure.lines.push_back(fmt::format("{}: error: STATE_GROUP: there is no group \"{}\"", path, name));
    }
    if (!failure.lines.empty()) return Unusable(std::move(failure));
    loaded.pfile = std::move(parsed.pfile);
    loaded.warnings = std::move(parsed.diagnostics);
    return loaded;
}

tl::expected<Config, LoadFailure> load_config(const std::string& named) {
    const std::string path = named.empty() ? usual_config : named;
    if (named.empty() && access(usual_config, F_OK) != 0 && errno == ENOENT) return Config{};
    auto file = read_trusted(path, config_limit);
    if (!file) return Unusable(std::move(file.error()));
    ParsedConfig parsed = parse_config(file->text);
    LoadFailure failure{ExitCode::config, {}};
    add_errors(failure, parsed.diagnostics, path);
    if (!failure.lines.empty()) return Unusable(std::move(failure));
    return std::move(parsed.config);
}

std::vector<RefusedScript> refused_scripts(const Pfile& pfile) {
    std::vector<RefusedScript> refused;
    if (!pfile.param.script_check_strict) return refused;
    unsigned pent_id = 0;
    for (const Pent& pent : pfile.pents) {
        ++pent_id;
        if (pent.script.none()) continue;
        const auto trusted = sys::check_trust(pent.script.argv.front(), sys::TrustKind::script, geteuid());
        if (!trusted) refused.push_back({pent.name, pent_id, trusted.error().text});
    }
    return refused;
}

}  // namespace banken
