// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <csignal>
#include <cstdio>

#include "padmin/commands.hpp"

int main(int argc, char** argv) {
    for (const int signal : {SIGPIPE, SIGTTOU}) std::signal(signal, SIG_IGN);  // a log daemon or terminal that goes away must not end us
    const auto parsed = banken::parse_padmin_options(std::vector<std::string>(argv + 1, argv + argc));
    if (const auto* end = std::get_if<banken::PadminOptionsEnd>(&parsed)) {
        fmt::print(end->exit_status == 0 ? stdout : stderr, "{}", end->text);
        return end->exit_status;
    }
    return banken::run_padmin(std::get<banken::PadminOptions>(parsed));
}
