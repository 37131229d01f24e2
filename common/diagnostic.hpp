// SPDX-License-Identifier: Apache-2.0
// What is wrong with a text, and where. Every reader of configuration tells all mistakes at once, as these.
#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace banken {

// Where and why a text was not accepted. line 0: what is missing has no place. column counts bytes from 1; 0: the line as a whole.
struct Diagnostic {
    enum class Severity { error, warning };
    Severity severity = Severity::error;
    std::size_t line = 0, column = 0;
    std::string text;
    std::string file{};  // empty: the one that is being read; else another that it names
};

// "FILE:LINE:COLUMN: error: TEXT", "FILE: error: TEXT" without a place.
[[nodiscard]] std::string text_of(const Diagnostic& diagnostic, std::string_view file);

// No error; warnings keep it good.
[[nodiscard]] bool good(const std::vector<Diagnostic>& diagnostics);

// In the order of the file, those without a place after them, then likewise those of other files; what has one place stays as it was.
void sort_by_place(std::vector<Diagnostic>& diagnostics);

// Collects mistakes. A file of noise costs no more than max_kept texts: the rest is only counted.
class Diagnostics {
public:
    static constexpr std::size_t max_kept = 1000;

    // `text` is what to say, or a function that makes it: called only while there is room, for texts that are dear to make.
    template <class Text>
    void error(std::size_t line, std::size_t column, Text&& text) {
        if (kept_.size() == max_kept) {
            ++more_;
        } else if constexpr (std::invocable<Text>) {
            kept_.push_back({Diagnostic::Severity::error, line, column, text()});
        } else {
            kept_.push_back({Diagnostic::Severity::error, line, column, std::string(std::forward<Text>(text))});
        }
    }
    void warning(std::size_t line, std::size_t column, std::string_view text);

    // In the order of the file, those without a place after them, warnings likewise; "N more errors" last. Leaves nothing behind.
    [[nodiscard]] std::vector<Diagnostic> take();

private:
    std::vector<Diagnostic> kept_, warnings_;
    std::size_t more_ = 0;
};

}  // namespace banken
