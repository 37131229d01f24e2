// SPDX-License-Identifier: Apache-2.0
// Orders out of the message box, and the reload, which reads its files in a helper thread.
#include <fmt/ranges.h>

#include <algorithm>

#include "common/order.hpp"
#include "common/pfile_difference.hpp"
#include "pcheck/daemon.hpp"

namespace banken {
namespace {

// A reload clears what was given up and stays.
std::string would_clear(const core::Supervisor& core, const Pfile& after) {
    std::vector<std::string> names;
    for (const core::EntryKey key : core.entries()) {
        const core::Watch& watch = *core.find(key);
        const auto stays = [&](const Pent& pent) { return pent.identity() == watch.pent.identity(); };
        if (watch.given_up() && std::ranges::any_of(after.pents, stays)) names.push_back(printable(watch.pent.name));
    }
    return names.empty() ? "" : fmt::format("would clear: {}\n", fmt::join(names, ", "));
}

}  // namespace

void Daemon::take_orders() {
    for (const TakenOrder& taken : orders_->take(loop_->now().instant)) {
        const auto parsed = parse_order(taken.words);
        if (!parsed) {
            orders_->answer(taken.ticket, number_of(ExitCode::usage), parsed.error().text);
            continue;
        }
        const core::OrderId order = executor_->expect(taken.ticket);
        if (parsed->verb == OrderVerb::reload) {
            parsed->difference ? show_difference(order) : reload(order);
        } else if (parsed->verb == OrderVerb::reexec) {
            reexec(order);
        } else {
            carry_out({order, parsed->verb, parsed->target, parsed->duration, parsed->event, parsed->remove, parsed->deep});
        }
    }
    arm();
}

// A tag is no entry's name: an order for one of them is for resources alone. Those without a name are for both, and answered by the entries' core.
void Daemon::carry_out(const core::Order& order) {
    if (order.verb == core::Verb::dump && !may_dump())
        return executor_->answer(order.id, number_of(ExitCode::refused), "no dump is written of resources with --dry-run");
    const bool removes = order.verb == core::Verb::shutdown && order.remove && !resources_->empty();
    if (removes || (!order.target.empty() && resources_->has(order.target)) || is_for_resources(order.verb))
        return resources_->dispatch(order);
    if (order.verb == core::Verb::stop && order.target.empty()) resources_->pause_all(order.duration);
    if (order.verb == core::Verb::start && order.target.empty()) resources_->resume_all();
    dispatch(order);
}

void Daemon::reload(core::OrderId order) {
    if (reloading_ && order == 0) reload_again_ = true;  // a signal: the file may have changed after it was read
    if (reexec_ && order == 0) reload_again_ = true;
    if (reexec_) return executor_->answer(order, number_of(ExitCode::refused), "a reexec is being carried out");
    if (reloading_) return executor_->answer(order, number_of(ExitCode::refused), "another reload is being carried out");
    const auto submitted = files_->submit(
        [this, order, path = setup_.loaded.path, dir = setup_.config.state_dir, running = std::optional(resources_->definitions())] {
            return [this, order, loaded = load_with_copies(path, dir, running)]() mutable { reloaded(order, std::move(loaded)); };
        });
    if (!submitted) return executor_->answer(order, number_of(ExitCode::refused), submitted.error().text);
    reloading_ = true;
    segment_->set_busy(Busy::reload);
    notify_->reloading(loop_->now().instant);
}

// What a reload would do, mistakes included; nothing is touched.
void Daemon::show_difference(core::OrderId order) {
    const auto submitted = files_->submit([this, order, before = running(), path = setup_.loaded.path] {
        auto loaded = load_pfile(path);
        std::string text = loaded ? text_of(difference(before, loaded->pfile), before, loaded->pfile) : std::string();
        return [this, order, text = std::move(text), loaded = std::move(loaded)] {
            if (!loaded)
                return executor_->answer(order, number_of(loaded.error().code), fmt::format("{}", fmt::join(loaded.error().lines, "\n")));
            const auto kept = unchangeable(*loaded);
            if (!kept.empty()) return executor_->answer(order, number_of(ExitCode::config), fmt::format("{}", fmt::join(kept, "\n")));
            executor_->answer(order, number_of(ExitCode::ok), would_clear(*core_, loaded->pfile) + text);
        };
    });
    if (!submitted) executor_->answer(order, number_of(ExitCode::refused), submitted.error().text);
}

// Nothing is applied unless all is right.
void Daemon::reloaded(core::OrderId order, tl::expected<LoadedPfile, LoadFailure> loaded) {
    if (executor_->end()) return;  // what was decided last stands
    reloading_ = false;
    if (std::exchange(reload_again_, false)) loop_->post([this] { reload(0); });
    segment_->set_busy(Busy::no);
    notify_->ready(loop_->now().instant);
    if (loaded) {
        LoadFailure failure{ExitCode::config, unchangeable(*loaded)};
        if (const auto listens = listen_for_heartbeats(loaded->pfile); !listens) failure.lines.push_back(listens.error().text);
        if (!failure.lines.empty()) loaded = tl::unexpected(std::move(failure));
    }
    if (!loaded) {
        const LoadFailure& failure = loaded.error();
        log_->write(messages::reload_failed(failure.lines.front(), failure.lines.size() - 1), loop_->now());
        return executor_->answer(order, number_of(failure.code), fmt::format("{}", fmt::join(failure.lines, "\n")));
    }
    say_what_needs_a_restart(loaded->pfile.param);
    setup_.loaded = *std::move(loaded);
    segment_->set_file(setup_.loaded.stamp);
    deaths_->set_poll(!setup_.loaded.pfile.param.detect_event);
    tell_capabilities();
    if (events_) events_->configure(setup_.loaded.pfile.param);
    core::Reloaded news{.order = 0, .pfile = std::exchange(setup_.loaded.pfile, {})};
    for (const ResourceDifference& resource : compare_resources(running(), news.pfile)) {
        using Kind = ResourceDifference::Kind;
        switch (resource.kind) {
            case Kind::added: ++news.added; break;
            case Kind::removed: ++news.removed; break;
            case Kind::changed: ++news.changed; break;
            case Kind::same: ++news.same; break;
        }
    }
    resources_->dispatch(news);
    news.order = order;
    dispatch(news);
    const Instant now = loop_->now().instant;  // shorter intervals count from now
    next_sweep_ = std::min(next_sweep_, now + core_->param().monitor_interval);
    next_check_ = std::min(next_check_, now + core_->param().msg_check_interval);
    arm();
    check_scripts(running());
    return_memory();
}

// As the core has it: a second copy would be kept for nothing else.
Pfile Daemon::running() const {
    Pfile pfile{core_->param(), {}, resources_->definitions()};
    for (const core::EntryKey key : core_->entries()) pfile.pents.push_back(core_->find(key)->pent);
    return pfile;
}

std::vector<std::string> Daemon::unchangeable(const LoadedPfile& loaded) const {
    std::vector<std::string> lines;
    const Param &old = core_->param(), &wanted = loaded.pfile.param;
    const auto refuse = [&](std::string_view key, const std::string& from, const std::string& to) {
        lines.push_back(
            fmt::format("{}: error: {} cannot change while pcheck runs ({} to {}): shut it down and start it", loaded.path, key, from, to));
    };
    if (wanted.ipc_key != old.ipc_key) refuse("IPCKEY", fmt::format("{:#010x}", old.ipc_key), fmt::format("{:#010x}", wanted.ipc_key));
    if (wanted.shm_dump_file != old.shm_dump_file) refuse("SHM_DUMP_FILE", old.shm_dump_file, wanted.shm_dump_file);
    return lines;
}

// What the segment was made for stays as it is until the next start.
void Daemon::say_what_needs_a_restart(const Param& param) {
    const Param& old = core_->param();
    const auto say = [this](std::string_view key) {
        log_->write(messages::warning(fmt::format("{} has changed: it counts from the next start of pcheck", key)), loop_->now());
    };
    if (param.history_size != old.history_size) say("HISTORY_SIZE");
    if (param.state_group != old.state_group) say("STATE_GROUP");
}

// Told now, so that it is known before the night; looked at again before each run, since a script may come with a mount. One that hangs on
// a mount keeps this look for itself; until it returns there is no other.
void Daemon::check_scripts(const Pfile& pfile) {
    static_cast<void>(scripts_->submit([this, pfile] {
        return [this, refused = refused_scripts(pfile)] {
            refused_ = refused.size();
            for (const RefusedScript& script : refused) {
                log_->write(messages::script_refused({script.name, script.pent_id}, script.reason, script.script), loop_->now());
            }
            notify_status();
        };
    }));
}

}  // namespace banken
