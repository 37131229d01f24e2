// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <csignal>
#include <cstdio>

#include "sendevent/run.hpp"

int main(int argc, char** argv, char** environment) {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGCHLD, SIG_DFL);  // a caller that ignores it would have the kernel reap our responders
    const auto parsed = banken::parse_sendevent_options(std::vector<std::string>(argv + 1, argv + argc));
    if (const auto* end = std::get_if<banken::SendeventOptionsEnd>(&parsed)) {
        fmt::print(end->exit_status == 0 ? stdout : stderr, "{}", end->text);
        return end->exit_status;
    }
    std::vector<std::string> own;
    for (; *environment != nullptr; ++environment) own.emplace_back(*environment);
    return banken::run_sendevent(std::get<banken::SendeventOptions>(parsed), std::move(own));
}
