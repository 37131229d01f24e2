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

namespace banken {
namespace {

// With the place of the value in the file.
Diagnostic bad_group(std::string_view text, const Error& error) {
    Diagnostic diagnostic;
    diagnostic.text = fmt::format("STATE_GROUP: {}", error.text);
    PfileLines lines(text);
    while (const auto line = lines.next()) {
        if (line->section != PfileSection::param || line->first_word() != "STATE_GROUP") continue;
        diagnostic.line = line->number;
        diagnostic.column = param_value(*line, param_rules[static_cast<std::size_t>(ParamKey::state_group)].value).column;
    }
    return diagnostic;
}

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
            loaded.diagnostics.push_back(bad_group(file->text, group.error()));
    }
    Users(loaded).resolve();
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

std::vector<RefusedScript> refused_scripts(const Pfile& pfile) {
    std::vector<RefusedScript> refused;
    if (!pfile.param.script_check_strict) return refused;
    unsigned pent_id = 0;
    for (const Pent& pent : pfile.pents) {
        ++pent_id;
        const auto judge = [&](const Command& script, std::optional<PentOption> option) {
            if (script.none()) return;
            const auto runner = pent.runner ? std::optional<uid_t>(pent.runner->uid) : std::nullopt;
            const auto trusted = sys::check_script(script.argv.front(), runner);
            if (!trusted) refused.push_back({pent.name, pent_id, option, trusted.error().text});
        };
        judge(pent.script, std::nullopt);
        judge(pent.check, PentOption::check);
        judge(pent.stop.script, PentOption::stop);
    }
    return refused;
}

}  // namespace banken
