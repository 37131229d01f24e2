// SPDX-License-Identifier: Apache-2.0
#include "common/exit_status.hpp"

#include <fmt/format.h>
#include <string.h>
#include <sys/wait.h>

#include <csignal>

namespace banken {
namespace {

bool is_orderly_signal(int signal) { return signal == SIGTERM || signal == SIGINT || signal == SIGHUP; }

std::string text_of_status(int status) {
    if (WIFEXITED(status)) return fmt::format("exited with status {}", WEXITSTATUS(status));
    const int signal = WTERMSIG(status);
    return fmt::format("{} by signal {} ({})", WCOREDUMP(status) ? "core dumped" : "killed", signal, signal_name(signal));
}

}  // namespace

Ending ending_of(const Cause& cause) {
    switch (cause.kind) {
        case Cause::Kind::oom: return Ending::crash;
        case Cause::Kind::status: break;
        case Cause::Kind::gone:
        case Cause::Kind::not_permitted:
        case Cause::Kind::not_asked: return Ending::unknown;
    }
    if (WIFEXITED(cause.status)) return WEXITSTATUS(cause.status) == 0 ? Ending::orderly : Ending::crash;
    return is_orderly_signal(WTERMSIG(cause.status)) ? Ending::orderly : Ending::crash;
}

std::string text_of(const Cause& cause) {
    switch (cause.kind) {
        case Cause::Kind::oom: return "killed by the OOM killer";
        case Cause::Kind::status: return text_of_status(cause.status);
        case Cause::Kind::not_permitted: return "unknown (not permitted)";
        case Cause::Kind::gone:
        case Cause::Kind::not_asked: break;
    }
    return "unknown (gone before it could be read)";
}

std::string short_text_of_status(int wait_status) {
    if (WIFEXITED(wait_status)) return fmt::format("status={}", WEXITSTATUS(wait_status));
    return fmt::format("signal={}", WTERMSIG(wait_status));
}

std::string signal_name(int signal) {
    if (const char* name = sigabbrev_np(signal)) return name;
    if (signal >= SIGRTMIN && signal <= SIGRTMAX) return fmt::format("RTMIN+{}", signal - SIGRTMIN);
    return std::to_string(signal);
}

}  // namespace banken
