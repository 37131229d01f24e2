// SPDX-License-Identifier: Apache-2.0
// What the daemon has to do with resources: their host, and where they go on from.
#include <algorithm>

#include "pcheck/daemon.hpp"
#include "pcheck/last_dump.hpp"
#include "pcheck/script_copies.hpp"

namespace banken {

// Copies that are not there yet are made before anything runs.
tl::expected<LoadedPfile, LoadFailure> load_with_copies(const std::string& path, const std::string& state_dir,
                                                        const std::optional<std::vector<Definition>>& running) {
    auto loaded = load_pfile(path);
    if (!loaded) return loaded;
    LoadFailure failure{ExitCode::config, {}};
    for (const Definition& definition : loaded->pfile.resources) {
        if (!definition.copy) continue;
        const auto same = [&definition](const Definition& one) {
            return one.copy && one.tag == definition.tag && one.kind == definition.kind;
        };
        const bool renew = running && std::ranges::none_of(*running, same);  // what lies there is of one that was removed
        const auto copied = copy_scripts(definition, state_dir, loaded->pfile.param.ipc_key, renew);
        if (!copied)
            failure.lines.push_back(fmt::format("{}:{}: error: {}, its scripts cannot be copied: {}", path, definition.line, definition.tag,
                                                copied.error().text));
    }
    if (!failure.lines.empty()) return tl::unexpected(std::move(failure));
    return loaded;
}

void Daemon::open_resources(std::vector<Definition> definitions) {
    ResourceHandlers handlers;
    handlers.answer = [this](core::OrderId order, int status, std::string_view text) { executor_->answer(order, status, text); };
    handlers.end = [this](const core::EndAfterRemove& end) {
        core::Order shutdown;
        shutdown.id = end.order;
        shutdown.verb = core::Verb::shutdown;
        shutdown.exit_status = end.exit_status;
        shutdown.reason = end.reason;
        dispatch(shutdown);
    };
    handlers.on_scripts = [this] { executor_->set_resource_scripts(resources_->scripts()); };
    handlers.write_dump = [this] { return !may_dump() || executor_->write_dump(); };
    resources_.emplace(ResourceEdge{*loop_, *log_, *segment_, *deaths_, *spawner_, *files_, events_},
                       ResourceOrigin{setup_.loaded.path, setup_.environment, BANKEN_COMPAT_ROOT, setup_.config.state_dir},
                       std::move(handlers));
    resources_->load(std::move(definitions), core_->param(), setup_.dry_run);
}

// From what a pcheck that was killed has left; else, for initial=last, from the dump file of the one before.
void Daemon::go_on_with_resources() {
    if (const auto& left = segment_->left()) {
        ResourceAdoption adoption = resources_of(left->resources, left->header, is_awaitable);
        adoption.places = left->resource_places;
        resources_->adopt(std::move(adoption));
        for (const ProcessId script : resources_->scripts()) std::erase(strangers_, script.pid);  // their ends are waited for
        return;
    }
    if (resources_->empty()) return;
    auto last = last_dump(core_->param().shm_dump_file, setup_.loaded.path);
    if (!last) log_->write(messages::warning("initial=last: " + last.error().text), loop_->now());
    resources_->begin(last ? *last : core::RecordedStates());
}

}  // namespace banken
