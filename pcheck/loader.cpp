// SPDX-License-Identifier: Apache-2.0
#include "pcheck/loader.hpp"

#include <unistd.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "common/pfile_param.hpp"
#include "common/sys/accounts.hpp"
#include "common/sys/file.hpp"
#include "common/sys/identity.hpp"
#include "common/sys/trust.hpp"
#include "common/text.hpp"
#include "pcheck/resource_files.hpp"

namespace banken {
namespace {

// What `user` and `run_as` mean on this host; each name is asked for once.
class Users {
public:
    explicit Users(LoadedPfile& loaded) : loaded_(loaded) {}

    void resolve() {
        for (std::size_t i = 0; i < loaded_.pfile.pents.size(); ++i) {
            Pent& pent = loaded_.pfile.pents[i];
            if (!pent.user.empty() && !pent.uid) {
                if (const auto* account = find(i, PentOption::user, pent.user)) pent.uid = account->uid;
            }
            if (pent.run_as.empty()) continue;
            if (const auto* account = find(i, PentOption::run_as, pent.run_as)) {
                pent.runner = RunAs{account->uid, account->gid, groups(*account), account->home};
            }
        }
    }

private:
    const sys::Account* find(std::size_t index, PentOption option, const std::string& name) {
        const auto known = accounts_.try_emplace(name, Result<sys::Account>(sys::Account{}));
        if (known.second) known.first->second = sys::find_user(name);
        const auto& account = known.first->second;
        if (account) return &*account;
        const Pent& pent = loaded_.pfile.pents[index];
        loaded_.diagnostics.push_back({Diagnostic::Severity::error, pent.line, loaded_.given[index].column(option),
                                       fmt::format("{}, {}: {}", shortened(pent.name), rule_of(option).name, account.error().text)});
        return nullptr;
    }
    const std::vector<gid_t>& groups(const sys::Account& account) {
        const auto known = groups_.try_emplace(account.uid);
        if (known.second) known.first->second = sys::groups_of(account);
        return known.first->second;
    }

    LoadedPfile& loaded_;
    std::unordered_map<std::string, Result<sys::Account>> accounts_;
    std::unordered_map<uid_t, std::vector<gid_t>> groups_;
};

}  // namespace

tl::expected<LoadedPfile, LoadFailure> examine_pfile(const std::string& path) {
    const auto stamp = sys::stamp_of(path);  // before it is read: an edit in between shows as a newer file
    auto file = sys::read_trusted(path, pfile_max_bytes);
    if (!file) return tl::unexpected(std::move(file.error()));
    ParsedPfile parsed = parse_pfile(file->text);
    LoadedPfile loaded;
    loaded.pfile = std::move(parsed.pfile);
    loaded.given = std::move(parsed.given);
    loaded.diagnostics = std::move(parsed.diagnostics);
    loaded.path = file->path;
    loaded.stamp = stamp.value_or(FileStamp{});
    loaded.owner = sys::owner_of(loaded.path).value_or(geteuid());
    if (const std::string& name = loaded.pfile.param.state_group; !name.empty()) {
        const auto group = sys::find_group(name);
        if (group)
            loaded.readers = *group;
        else
            loaded.diagnostics.push_back(error_about(ParamKey::state_group, file->text, group.error().text));
    }
    Users(loaded).resolve();
    read_resources(loaded, file->text, parsed.resource_columns);
    sort_by_place(loaded.diagnostics);
    return loaded;
}

tl::expected<LoadedPfile, LoadFailure> load_pfile(const std::string& path) {
    auto loaded = examine_pfile(path);
    if (!loaded) return loaded;
    LoadFailure failure{ExitCode::config, sys::error_lines(loaded->diagnostics, path)};
    if (!failure.lines.empty()) return tl::unexpected(std::move(failure));
    return loaded;
}

std::vector<NamedScript> scripts_of(const Pfile& pfile) {
    std::vector<NamedScript> scripts;
    const auto add = [&scripts](const NamedScript& script) {
        if (!script.command->none()) scripts.push_back(script);
    };
    for (std::size_t i = 0; i < pfile.pents.size(); ++i) {
        const Pent& pent = pfile.pents[i];
        NamedScript script{.command = &pent.script, .name = pent.name, .index = i, .pent_id = static_cast<unsigned>(i + 1)};
        if (pent.runner) script.runner = pent.runner->uid;
        add(script);
        script.command = &pent.check;
        script.option = PentOption::check;
        add(script);
        script.command = &pent.stop.script;
        script.option = PentOption::stop;
        add(script);
    }
    for (std::size_t i = 0; i < pfile.resources.size(); ++i) {
        const Definition& resource = pfile.resources[i];
        for (std::size_t which = 0; which < resource_scripts; ++which) {
            add({.command = &resource.scripts[which], .name = resource.tag, .index = i, .script = static_cast<ResourceScript>(which)});
        }
    }
    return scripts;
}

std::optional<std::string> why_refused(const NamedScript& script, const Param& param) {
    if (!param.script_check_strict) return std::nullopt;
    const auto trusted = sys::check_script(script.command->argv.front(), script.runner);
    return trusted ? std::nullopt : std::optional(trusted.error().text);
}

namespace {

std::string_view kind_of(const NamedScript& script) {
    if (script.pent_id == 0) return "Script";
    if (!script.option) return "Restart script";
    return script.option == PentOption::check ? "Health check" : "Stop script";
}

}  // namespace

std::vector<RefusedScript> refused_scripts(const Pfile& pfile) {
    std::vector<RefusedScript> refused;
    for (const NamedScript& script : scripts_of(pfile)) {
        if (auto reason = why_refused(script, pfile.param))
            refused.push_back({std::string(script.name), script.pent_id, *std::move(reason), kind_of(script)});
    }
    return refused;
}

}  // namespace banken
