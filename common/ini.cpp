// SPDX-License-Identifier: Apache-2.0
#include "common/ini.hpp"

#include <fmt/format.h>
#include <ini.h>

#include <algorithm>
#include <cassert>
#include <map>
#include <optional>
#include <utility>

#include "common/text.hpp"

namespace banken {
namespace {

constexpr std::size_t max_line = 198, max_section = 49;  // inih's INI_MAX_LINE less line end and NUL, MAX_SECTION less NUL

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

struct Problem {
    std::size_t column = 0;
    std::string text;
};

std::optional<Problem> problem_of_header(std::string_view line) {
    const auto close = line.find(']');
    if (close == line.npos) return Problem{1, "] is missing"};
    if (close + 1 != line.size()) return Problem{close + 2, "text behind ]"};
    if (close == 1) return Problem{1, "section has no name"};
    if (close - 1 > max_section) return Problem{1, fmt::format("section name is longer than {} bytes", max_section)};
    return std::nullopt;
}

std::optional<Problem> problem_of_setting(std::string_view line) {
    const auto separator = line.find_first_of("=:");
    if (separator == line.npos) return Problem{1, fmt::format("{} is not key = value", quoted(line))};
    if (line[separator] == ':') return Problem{separator + 1, "= expected, not :"};
    const auto key = trimmed(line.substr(0, separator));
    if (key.empty()) return Problem{1, "key is missing"};
    if (trimmed(line.substr(separator + 1)).empty()) return Problem{separator + 2, fmt::format("{}: value is empty", shortened(key))};
    return std::nullopt;
}

// What is wrong with a line, no comment, or what inih would make of it.
std::optional<Problem> problem_of(std::string_view line) {
    if (const auto invalid = find_invalid_utf8(line)) return Problem{*invalid + 1, "invalid UTF-8"};
    if (const auto control = find_control(line)) return Problem{*control + 1, "control character"};
    if (line.size() > max_line) return Problem{max_line + 1, fmt::format("line is longer than {} bytes", max_line)};
    if (line.starts_with(byte_order_mark)) return Problem{1, "byte order mark within the text"};  // inih drops it ahead of its first line
    if (is_blank(line.front())) return Problem{1, "line begins with a blank"};
    for (std::size_t i = 1; i < line.size(); ++i) {
        if (line[i] == ';' && is_blank(line[i - 1])) return Problem{i + 1, "; after a blank: a comment needs a line of its own"};
    }
    return line.front() == '[' ? problem_of_header(line) : problem_of_setting(line);
}

// Feeds inih the lines that it understands as everybody does, and takes what it makes of them.
class Reader {
public:
    Reader(std::string_view text, Ini& ini, Diagnostics& diagnostics) : rest_(text), ini_(ini), diagnostics_(diagnostics) {
        if (rest_.starts_with(byte_order_mark)) rest_.remove_prefix(byte_order_mark.size());
    }

    // inih's fgets.
    static char* next_line(char* buffer, int size, void* self) {
        const auto line = static_cast<Reader*>(self)->next();
        if (!line) return nullptr;
        assert(line->size() < static_cast<std::size_t>(size));
        *std::copy(line->begin(), line->end(), buffer) = '\0';
        return buffer;
    }

    static int take(void* self, const char* section, const char* key, const char* value) {
        static_cast<Reader*>(self)->add(section, key, value);
        return 1;
    }

private:
    std::optional<std::string_view> next() {
        while (!rest_.empty()) {
            const auto end = std::min(rest_.find('\n'), rest_.size());
            auto line = rest_.substr(0, end);
            rest_.remove_prefix(std::min(end + 1, rest_.size()));
            ++number_;
            if (line.ends_with('\r')) line.remove_suffix(1);
            if (is_for_inih(line)) return line;
        }
        return std::nullopt;
    }

    bool is_for_inih(std::string_view line) {
        const auto text = trimmed(line);
        if (const auto nul = line.find('\0'); nul != line.npos) return refuse({nul + 1, "NUL byte"});
        if (text.empty() || text.starts_with('#') || text.starts_with(';')) return false;
        line = line.substr(0, static_cast<std::size_t>(text.data() - line.data()) + text.size());
        const bool header = text.starts_with('[');
        auto problem = problem_of(line);
        if (header) in_refused_section_ = problem.has_value();
        if (problem) return refuse(*std::move(problem));
        if (header) ini_.sections.push_back({std::string(line.substr(1, line.size() - 2)), number_});
        value_column_ = std::min(line.find_first_not_of(" \t", line.find('=') + 1), line.size()) + 1;
        return header || !in_refused_section_;
    }

    bool refuse(Problem problem) {
        diagnostics_.error(number_, problem.column, std::move(problem.text));
        return false;
    }

    void add(std::string section, std::string key, std::string value) {
        const auto [first, is_new] = first_lines_.try_emplace({section, key}, number_);
        if (is_new)
            ini_.entries.push_back({std::move(section), std::move(key), std::move(value), number_, value_column_});
        else
            diagnostics_.error(number_, 1, fmt::format("duplicate key {}, first in line {}", shortened(key), first->second));
    }

    std::string_view rest_;
    Ini& ini_;
    Diagnostics& diagnostics_;
    std::size_t number_ = 0, value_column_ = 0;
    bool in_refused_section_ = false;  // nobody knows where its keys belong
    std::map<std::pair<std::string, std::string>, std::size_t> first_lines_;
};

}  // namespace

Ini parse_ini(std::string_view text, Diagnostics& diagnostics) {
    Ini ini;
    Reader reader(text, ini, diagnostics);
    [[maybe_unused]] const int line_not_understood = ini_parse_stream(Reader::next_line, &reader, Reader::take, &reader);
    assert(line_not_understood == 0);
    return ini;
}

}  // namespace banken
