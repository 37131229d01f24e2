// SPDX-License-Identifier: Apache-2.0
// The installed program in place of this one, as the same process. It is tested first: what cannot go on never begins (spec/pcheck.md, Signals).
#include <sys/wait.h>

#include <algorithm>

#include "pcheck/daemon.hpp"

namespace banken {
namespace {

constexpr Duration helpers_patience = std::chrono::seconds(5), helpers_gap = std::chrono::milliseconds(10);

}  // namespace

void Daemon::reexec(core::OrderId order) {
    const std::string_view busy = reexec_ ? "another reexec" : reloading_ ? "a reload" : std::string_view();
    if (!busy.empty()) return executor_->answer(order, number_of(ExitCode::refused), fmt::format("{} is being carried out", busy));
    reexec_.emplace(Reexec{order, {}, {}});
    const auto submitted = images_->submit([this, image = setup_.image, environment = setup_.environment] {
        return [this, tested = test_installed(image, environment)] {
            if (!tested) return reexec_failed(tested.error().text);
            reexec_->next_try = loop_->now().instant;
            reexec_->give_up_at = *reexec_->next_try + helpers_patience;
            arm();
        };
    });
    if (!submitted) reexec_failed(submitted.error().text);
}

void Daemon::reexec_failed(const std::string& why) {
    log_->write(messages::warning("Reexec failed, going on as before: " + why), loop_->now());
    executor_->answer(std::exchange(reexec_, {})->order, number_of(ExitCode::refused), why);
    if (std::exchange(reload_again_, false)) reload(0);
}

// The kernel ends all our threads first, and waits for those that it cannot end: none may be in a call that hangs.
bool Daemon::helpers_are_idle() const {
    return !files_->busy() && !scripts_->busy() && !sweep_->busy() && !heartbeat_files_->busy() && !units_->busy() &&
           !(events_ && events_->busy());
}

// What can be lost between here and the other program's first look is what a kill would lose: nothing.
void Daemon::try_reexec(Instant now) {
    if (!reexec_ || !reexec_->next_try || now < *reexec_->next_try || executor_->end()) return;
    if (!helpers_are_idle()) {
        if (now >= reexec_->give_up_at) return reexec_failed("a helper thread hangs in a file system, a pidfile or a command line");
        reexec_->next_try = now + helpers_gap;
        return;
    }
    executor_->end_checks();
    notify_->reloading(now);
    static_cast<void>(log_->drain(log_patience));
    const auto refused = execute_in_place(setup_.image, setup_.environment, setup_.inheritance);
    notify_->ready(now);
    reexec_failed(refused.value().text);
}

// Scripts that have become daemons, checks that were ended, children that were never released: ours still, and to be reaped when they end.
void Daemon::know_children() {
    if (!setup_.image.in_place) return;
    strangers_ = own_children();
    std::erase_if(strangers_, [this](pid_t child) {
        const auto is_child = [child](const AdoptedScript& script) { return script.process.pid == child; };
        return adoption_ && std::ranges::any_of(adoption_->scripts, is_child);
    });
}

void Daemon::reap_strangers() {
    std::erase_if(strangers_, [](pid_t child) { return ::waitpid(child, nullptr, WNOHANG) != 0; });
}

}  // namespace banken
