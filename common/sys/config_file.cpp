// SPDX-License-Identifier: Apache-2.0
#include "common/sys/config_file.hpp"

#include <unistd.h>

#include "common/sys/file.hpp"
#include "common/sys/trust.hpp"

namespace banken::sys {
namespace {

constexpr const char* usual_config = "/etc/banken/banken.conf";
constexpr std::size_t config_limit = 1u << 20;

}  // namespace

tl::expected<TrustedFile, Unread> read_if_trusted(const std::string& named, std::size_t limit) {
    const auto path = resolved_path(named);
    if (!path) return tl::unexpected(Unread{ExitCode::no_input, path.error().text});
    auto text = read_file(*path, limit);
    if (!text) return tl::unexpected(Unread{ExitCode::no_input, text.error().text});
    if (const auto trusted = check_trust(*path, TrustKind::file, geteuid()); !trusted)
        return tl::unexpected(Unread{ExitCode::config, fmt::format("refused: {}", trusted.error().text)});
    return TrustedFile{*path, *std::move(text)};
}

tl::expected<TrustedFile, LoadFailure> read_trusted(const std::string& named, std::size_t limit) {
    auto file = read_if_trusted(named, limit);
    if (file) return *std::move(file);
    const auto& [code, why] = file.error();
    return tl::unexpected(LoadFailure{code, {code == ExitCode::config ? fmt::format("{}: error: {}", named, why) : why}});
}

std::vector<std::string> error_lines(const std::vector<Diagnostic>& diagnostics, const std::string& file) {
    std::vector<std::string> lines;
    for (const Diagnostic& diagnostic : diagnostics) {
        if (diagnostic.severity == Diagnostic::Severity::error) lines.push_back(text_of(diagnostic, file));
    }
    return lines;
}

tl::expected<Config, LoadFailure> load_config(const std::string& named) {
    const std::string path = named.empty() ? usual_config : named;
    if (named.empty() && access(usual_config, F_OK) != 0 && errno == ENOENT) return Config{};
    const auto file = read_trusted(path, config_limit);
    if (!file) return tl::unexpected(file.error());
    const ParsedConfig parsed = parse_config(file->text);
    auto errors = error_lines(parsed.diagnostics, path);
    if (!errors.empty()) return tl::unexpected(LoadFailure{ExitCode::config, std::move(errors)});
    return parsed.config;
}

}  // namespace banken::sys
