// SPDX-License-Identifier: Apache-2.0
// The shape of a pfile: lines, sections, fields, words (spec/pfile.md, Text and PENT). What they mean is for pfile_param and pfile_pent.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace banken {

enum class PfileSection { none, param, pent, resource };

// A line that says something: no comment, no header, not empty. Or a comment that was hardly meant to be one: then `meant` alone is set.
struct PfileLine {
    std::size_t number = 0;  // from 1
    std::size_t column = 1;  // of the first byte of `text`, from 1
    PfileSection section{};  // none: no header yet, and its shape is neither PARAM's nor PENT's
    std::string_view text;   // without blanks around it
    std::string problem;     // why the line cannot be read at all; it is then at problem_column
    std::size_t problem_column = 0;
    std::string_view meant;  // the section that it was probably meant to begin

    [[nodiscard]] std::string_view first_word() const;
};

// Goes through a pfile line by line. The text must outlive it.
class PfileLines {
public:
    explicit PfileLines(std::string_view text);
    [[nodiscard]] std::optional<PfileLine> next();

private:
    std::optional<PfileLine> read(std::string_view raw);

    std::string_view rest_;
    std::size_t number_ = 0;
    PfileSection section_ = PfileSection::none;
};

struct PfileField {
    std::string_view raw;    // without blanks around it, escapes as written
    std::size_t column = 0;  // of its first byte; of where it should stand if it is empty

    // With `\:` as a colon and `\\` as a backslash.
    [[nodiscard]] std::string text() const;
};

// The fields between colons; `column` is that of the text's first byte.
[[nodiscard]] std::vector<PfileField> split_fields(std::string_view text, std::size_t column);

// "crond, ": which entry or resource a message about these fields is about, if it has a name.
[[nodiscard]] std::string label_of(const std::vector<PfileField>& fields);

// The words of a command line: split at blanks, double quotes group. An open quote is an error.
[[nodiscard]] Result<std::vector<std::string>> split_command(std::string_view text);

}  // namespace banken
