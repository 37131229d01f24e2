// SPDX-License-Identifier: Apache-2.0
#include "common/pfile_text.hpp"

#include <algorithm>
#include <array>

#include "common/pfile.hpp"
#include "common/schema.hpp"
#include "common/text.hpp"

namespace banken {
namespace {

struct SectionName {
    std::string_view name;
    PfileSection section;
};
constexpr std::array<SectionName, 3> sections{
    {{"PARAM", PfileSection::param}, {"PENT", PfileSection::pent}, {"RESOURCE", PfileSection::resource}}};

PfileSection section_named(std::string_view name) {
    const auto* found = std::find_if(sections.begin(), sections.end(), [name](const SectionName& s) { return s.name == name; });
    return found == sections.end() ? PfileSection::none : found->section;
}

// "##### PENT #####" means a section; any other line that begins with # is a comment. The name between the signs, empty without any.
std::string_view name_in_comment(std::string_view text) {
    const auto first = text.find_first_not_of('#'), last = text.find_last_not_of('#');
    if (first == text.npos || last + 1 == text.size()) return {};
    return trimmed(text.substr(first, last + 1 - first));
}

std::string_view section_meant(std::string_view name) {
    std::array<std::string_view, sections.size()> names;
    std::ranges::transform(sections, names.begin(), &SectionName::name);
    return name.empty() ? name : nearest(name, names);
}

// Ahead of any header a line is sorted by its shape.
PfileSection section_of_shape(const PfileLine& line) {
    if (param_key_of(line.first_word())) return PfileSection::param;
    return split_fields(line.text, 1).size() >= pent_fields ? PfileSection::pent : PfileSection::none;
}

void find_problem(PfileLine& line, std::string_view raw) {
    if (raw.size() > pfile_max_line) {
        line.problem = fmt::format("line is longer than {} bytes", pfile_max_line);
        line.problem_column = pfile_max_line + 1;
    } else if (const auto nul = raw.find('\0'); nul != raw.npos) {
        line.problem = "NUL byte";
        line.problem_column = nul + 1;
    } else if (line.text.starts_with('#')) {
        return;  // comments may hold any other bytes
    } else if (const auto invalid = find_invalid_utf8(line.text)) {
        line.problem = "invalid UTF-8";
        line.problem_column = line.column + *invalid;
    } else if (const auto control = find_control(line.text)) {
        line.problem = "control character";
        line.problem_column = line.column + *control;
    }
}

}  // namespace

std::string_view PfileLine::first_word() const { return text.substr(0, text.find_first_of(" \t")); }

PfileLines::PfileLines(std::string_view text) : rest_(text) {
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";  // editors that write CRLF write this too
    if (rest_.starts_with(byte_order_mark)) rest_.remove_prefix(byte_order_mark.size());
}

std::optional<PfileLine> PfileLines::next() {
    while (!rest_.empty()) {
        const auto end = std::min(rest_.find('\n'), rest_.size());
        auto raw = rest_.substr(0, end);
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        if (raw.ends_with('\r')) raw.remove_suffix(1);
        ++number_;
        if (auto line = read(raw)) return line;
    }
    return std::nullopt;
}

// The line, or nothing if it only separates or comments.
std::optional<PfileLine> PfileLines::read(std::string_view raw) {
    PfileLine line;
    line.number = number_;
    line.text = trimmed(raw);
    line.column = static_cast<std::size_t>(line.text.data() - raw.data()) + 1;
    line.section = section_;
    if (line.text.empty() && raw.size() <= pfile_max_line) return std::nullopt;
    find_problem(line, raw);
    if (!line.problem.empty()) return line;
    if (line.text.starts_with('#')) {
        const std::string_view name = name_in_comment(line.text);
        if (const auto section = section_named(name); section != PfileSection::none) {
            section_ = section;
        } else if (line.meant = section_meant(name); !line.meant.empty()) {
            return line;
        }
        return std::nullopt;
    }
    if (line.text.starts_with('[') && line.text.find(':') == line.text.npos) {
        const bool closed = line.text.ends_with(']');
        section_ = closed ? section_named(line.text.substr(1, line.text.size() - 2)) : PfileSection::none;
        if (section_ != PfileSection::none) return std::nullopt;
        line.problem = fmt::format("unknown section {}, [PARAM], [PENT] or [RESOURCE] expected", quoted(line.text));
        line.problem_column = line.column;
        return line;
    }
    if (line.section == PfileSection::none) line.section = section_of_shape(line);
    return line;
}

std::string PfileField::text() const {
    std::string out;
    out.reserve(raw.size());
    for (std::size_t i = 0; i < raw.size(); ++i) {
        const bool escaped = raw[i] == '\\' && i + 1 < raw.size() && (raw[i + 1] == ':' || raw[i + 1] == '\\');
        if (escaped) ++i;
        out += raw[i];
    }
    return out;
}

std::vector<PfileField> split_fields(std::string_view text, std::size_t column) {
    std::vector<PfileField> fields;
    for (std::size_t begin = 0, at = 0;; ++at) {
        if (at + 1 < text.size() && text[at] == '\\' && (text[at + 1] == ':' || text[at + 1] == '\\')) {
            ++at;
        } else if (at >= text.size() || text[at] == ':') {
            const auto raw = trimmed(text.substr(begin, at - begin));
            fields.push_back({raw, column + static_cast<std::size_t>(raw.data() - text.data())});
            if (at >= text.size()) return fields;
            begin = at + 1;
        }
    }
}

std::string label_of(const std::vector<PfileField>& fields) {
    return fields[0].raw.empty() ? std::string() : shortened(fields[0].text()) + ", ";
}

Result<std::vector<std::string>> split_command(std::string_view text) {
    std::vector<std::string> words;
    bool in_word = false, in_quotes = false;
    for (const char c : text) {
        if (is_blank(c) && !in_quotes) {
            in_word = false;
            continue;
        }
        if (!in_word) words.emplace_back();
        in_word = true;
        if (c == '"')
            in_quotes = !in_quotes;
        else
            words.back() += c;
    }
    if (in_quotes) return fail("double quote is not closed");
    return words;
}

}  // namespace banken
