// SPDX-License-Identifier: Apache-2.0
#include "padmin/command_log.hpp"

#include <unistd.h>

#include <algorithm>

#include "common/sys/clock.hpp"
#include "common/sys/file.hpp"
#include "common/sys/log.hpp"

namespace banken {
namespace {

constexpr const char* usual_config = "/etc/banken/banken.conf";
constexpr std::size_t config_limit = 1u << 20;

}  // namespace

Outcome<Config> load_padmin_config(const std::string& named) {
    if (named.empty() && access(usual_config, F_OK) != 0) return Config{};
    const std::string path = named.empty() ? usual_config : named;
    const auto text = sys::read_file(path, config_limit);
    if (!text) return tl::unexpected(Refusal{ExitCode::no_input, text.error().text});
    ParsedConfig parsed = parse_config(*text);
    std::string errors;
    for (const Diagnostic& diagnostic : parsed.diagnostics) {
        if (diagnostic.severity != Diagnostic::Severity::error) continue;
        errors += (errors.empty() ? "" : "\n") + text_of(diagnostic, path);
    }
    if (!errors.empty()) return tl::unexpected(Refusal{ExitCode::config, std::move(errors)});
    return std::move(parsed.config);
}

Result<> log_command(const LogConfig& config, const Message& message, std::string_view pfile) {
    auto log = sys::Log::open(config, {.identifier = "padmin", .echo_to_terminal = false});
    if (!log) return Failure(log.error());
    log->set_pfile(pfile);
    log->write(message, sys::read_now());
    if (log->drain(std::chrono::seconds(1)) != 0) return fail("the log daemon takes no lines");
    return {};
}

}  // namespace banken
