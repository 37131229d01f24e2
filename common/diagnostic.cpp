// SPDX-License-Identifier: Apache-2.0
#include "common/diagnostic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "common/text.hpp"

namespace banken {

std::string text_of(const Diagnostic& diagnostic, std::string_view file) {
    std::string place = printable(diagnostic.file.empty() ? file : diagnostic.file);
    if (diagnostic.line != 0) place += fmt::format(":{}", diagnostic.line);
    if (diagnostic.column != 0) place += fmt::format(":{}", diagnostic.column);
    return fmt::format("{}: {}: {}", place, diagnostic.severity == Diagnostic::Severity::error ? "error" : "warning", diagnostic.text);
}

bool good(const std::vector<Diagnostic>& diagnostics) {
    return std::none_of(diagnostics.begin(), diagnostics.end(),
                        [](const Diagnostic& d) { return d.severity == Diagnostic::Severity::error; });
}

void sort_by_place(std::vector<Diagnostic>& diagnostics) {
    std::ranges::stable_sort(diagnostics, {},
                             [](const Diagnostic& d) { return std::tuple(std::string_view(d.file), d.line == 0, d.line, d.column); });
}

void Diagnostics::warning(std::size_t line, std::size_t column, std::string_view text) {
    warnings_.push_back({Diagnostic::Severity::warning, line, column, std::string(text)});
}

std::vector<Diagnostic> Diagnostics::take() {
    auto all = std::exchange(kept_, {});
    std::move(warnings_.begin(), warnings_.end(), std::back_inserter(all));
    warnings_.clear();
    sort_by_place(all);
    if (const auto more = std::exchange(more_, 0); more != 0) {
        all.push_back({Diagnostic::Severity::error, 0, 0, fmt::format("{} more errors", more)});
    }
    return all;
}

}  // namespace banken
