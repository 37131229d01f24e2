// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <new>

#include "common/sys/clock.hpp"
#include "pcheck/daemon.hpp"
#include "pcheck/lint.hpp"
#include "pcheck/options.hpp"
#include "pcheck/simulation.hpp"

namespace {

using namespace banken;

// Before anything can name this process as the owner of a segment: an unblocked USR1 would end it.
void block_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD}) sigaddset(&signals, signal);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    signal(SIGCHLD, SIG_DFL);  // ignored, as whoever started us may have left it, the kernel keeps no status of a script
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTTOU, SIG_IGN);  // a line to the terminal must not stop a pcheck in its background
}

std::vector<std::string> own_environment() {
    std::vector<std::string> environment;
    for (char** variable = environ; *variable; ++variable) environment.emplace_back(*variable);
    return environment;
}

// A pidfd for every entry: as many descriptors as we may have. Scripts get back what we were given.
void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

// Of all processes the one that restarts the others should go last. Needs a privilege: without it pcheck is as likely a victim as any.
// Scripts get 0 back.
void hide_from_oom_killer() {
    if (std::FILE* score = std::fopen("/proc/self/oom_score_adj", "we")) {
        std::fputs("-900", score);
        std::fclose(score);
    }
}

// All of it on stderr; the log gets the first line and how many more there are.
int refuse(const LoadFailure& failure, const Config& config) {
    for (const std::string& line : failure.lines) fmt::print(stderr, "{}\n", line);
    if (auto log = sys::Log::open(config.log, {})) {
        const std::size_t more = failure.lines.size() - 1;
        const std::string text = more == 0 ? failure.lines.front() : fmt::format("{} ({} more)", failure.lines.front(), more);
        log->write(messages::warning(text), sys::read_now());
        log->drain(std::chrono::seconds(1));
    }
    return number_of(failure.code);
}

int run(int argc, char** argv) {
    Image image = Image::of_this_process(argc, argv);
    auto parsed = parse_options(argc, argv);
    if (const auto* end = std::get_if<OptionsEnd>(&parsed)) {
        fmt::print(end->exit_status == 0 ? stdout : stderr, "{}", end->text);
        return end->exit_status;
    }
    const Options& options = std::get<Options>(parsed);
    if (!options.scenario.empty()) return simulate(options.scenario, options.pfile);
    auto config = sys::load_config(options.conf);
    if (options.test) return test_pfile(options.pfile, config);
    if (!config) return refuse(config.error(), {});
    auto loaded = options.adoptable ? load_pfile(options.pfile) : load_with_copies(options.pfile, config->state_dir);
    if (options.adoptable) return tell_whether_adoptable(loaded);
    if (!loaded) return refuse(loaded.error(), *config);
    DaemonSetup setup{*std::move(config), *std::move(loaded), options.fresh, options.dry_run, sys::Inheritance::of_this_process(),
                      own_environment(),  std::move(image)};
    raise_descriptor_limit();
    hide_from_oom_killer();
    Daemon daemon(std::move(setup));
    return daemon.run();
}

}  // namespace

int main(int argc, char** argv) {
    block_signals();
    std::set_new_handler(sys::end_out_of_memory);
    const int status = run(argc, argv);
    std::fflush(stdout);
    _exit(status);  // a helper thread that hangs on a dead mount is not waited for
}
