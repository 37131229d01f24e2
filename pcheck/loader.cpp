// SPDX-License-Identifier: Apache-2.0
#include "pcheck/loader.hpp"

#include <grp.h>
#include <unistd.h>

#include <array>

#include "common/pfile_param.hpp"
#include "common/sys/file.hpp"
#include "common/sys/identity.hpp"
#include "common/sys/trust.hpp"
#include "common/text.hpp"

namespace banken {
namespace {

std::optional<gid_t> group_of(const std::string& name) {
    std::array<char, 65536> buffer;
    group entry{};
    group* found = nullptr;
    if (getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || !found) return std::nullopt;
    return found->gr_gid;
}

// With the place of the value in the file.
Diagnostic unknown_group(std::string_view text, std::string_view name) {
    Diagnostic diagnostic;
    diagnostic.text = fmt::format("STATE_GROUP: there is no group {}", quoted(name));
    PfileLines lines(text);
    while (const auto line = lines.next()) {
        if (line->section != PfileSection::param || line->first_word() != "STATE_GROUP") continue;
        diagnostic.line = line->number;
        diagnostic.column = param_value(*line, param_rules[static_cast<std::size_t>(ParamKey::state_group)].value).column;
    }
    return diagnostic;
}

}  // namespace

tl::expected<LoadedPfile, LoadFailure> load_pfile(const std::string& path) {
    const auto stamp = sys::stamp_of(path);  // before it is read: an edit in between shows as a newer file
    auto file = sys::read_trusted(path, pfile_max_bytes);
    if (!file) return tl::unexpected(std::move(file.error()));
    ParsedPfile parsed = parse_pfile(file->text);
    LoadFailure failure{ExitCode::config, sys::error_lines(parsed.diagnostics, path)};
    LoadedPfile loaded;
    loaded.path = file->path;
    loaded.stamp = stamp.value_or(FileStamp{});
    loaded.owner = sys::owner_of(loaded.path).value_or(geteuid());
    if (const std::string& name = parsed.pfile.param.state_group; !name.empty()) {
        loaded.readers = group_of(name);
        if (!loaded.readers) failure.lines.push_back(text_of(unknown_group(file->text, name), path));
    }
    if (!failure.lines.empty()) return tl::unexpected(std::move(failure));
    loaded.pfile = std::move(parsed.pfile);
    loaded.warnings = std::move(parsed.diagnostics);
    return loaded;
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
