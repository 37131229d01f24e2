// SPDX-License-Identifier: Apache-2.0
#include "pcheck/core/record_text.hpp"

#include <algorithm>

namespace banken::core {
namespace {

bool is_plain(char c) { return c > ' ' && c < '\x7f' && c != '"' && c != '\\'; }

std::string in_quotes(std::string_view value) {
    std::string text = "\"";
    for (const char c : value) {
        if (c == '"' || c == '\\') {
            text += {'\\', c};
        } else if (c == ' ' || is_plain(c)) {
            text += c;
        } else {
            text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        }
    }
    return text + '"';
}

// The byte behind a backslash, `at` being past it. False: there is none.
bool take_escaped(std::string_view text, std::size_t& at, std::string& value) {
    if (at == text.size()) return false;
    if (text[at] != 'x') {
        value += text[at++];
        return true;
    }
    unsigned char byte = 0;
    const std::string_view digits = text.substr(at + 1, 2);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (error != std::errc{} || digits.size() != 2 || end != digits.data() + 2) return false;
    value += static_cast<char>(byte);
    at += 3;
    return true;
}

bool take_quoted(std::string_view text, std::size_t& at, std::string& value) {
    while (at < text.size() && text[at] != '"') {
        if (text[at] != '\\') {
            value += text[at++];
        } else if (!take_escaped(text, ++at, value)) {
            return false;
        }
    }
    return at++ < text.size();
}

}  // namespace

void add_word(std::string& text, std::string_view key, std::string_view value) {
    if (!text.empty()) text += ' ';
    const bool plain = !value.empty() && std::ranges::all_of(value, is_plain);
    text.append(key).append("=").append(plain ? std::string(value) : in_quotes(value));
}

Result<std::vector<RecordWord>> words_of(std::string_view text) {
    std::vector<RecordWord> words;
    for (std::size_t at = text.find_first_not_of(' '); at < text.size(); at = text.find_first_not_of(' ', at)) {
        RecordWord word;
        const std::size_t key_end = std::min(text.find_first_of(" =\"", at), text.size());
        word.key = text.substr(at, key_end - at);
        if (word.key.empty()) return fail("no word at byte {}", at);
        at = key_end;
        word.has_value = at < text.size() && text[at] == '=';
        if (word.has_value && ++at < text.size() && text[at] == '"') {
            if (!take_quoted(text, ++at, word.value)) return fail("{} has no end", quoted(word.key));
        } else if (word.has_value) {
            const std::size_t end = std::min(text.find(' ', at), text.size());
            word.value = text.substr(at, end - at);
            at = end;
        }
        if (at < text.size() && text[at] != ' ') return fail("no blank at byte {}", at);
        words.push_back(std::move(word));
    }
    return words;
}

}  // namespace banken::core
