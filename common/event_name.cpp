// SPDX-License-Identifier: Apache-2.0
#include "common/event_name.hpp"

#include "common/text.hpp"

namespace banken {
namespace {

constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
constexpr std::size_t longest = 255;  // NAME_MAX

}  // namespace

bool is_event_word(std::string_view word) {
    const bool good = !word.empty() && word.size() <= longest && word.find_first_not_of(letters) == word.npos;
    return good && word != "." && word != "..";
}

Result<> check_event_name(std::string_view text) {
    const auto slash = text.find('/');
    const bool good = slash != text.npos && is_event_word(text.substr(0, slash)) && is_event_word(text.substr(slash + 1));
    return good ? Result<>() : fail("{} is not class/event, each of A-Za-z0-9._-", quoted(text));
}

Result<std::vector<std::string>> event_names_of(std::string_view text) {
    return comma_list_of<std::string>(text, [](std::string_view word) {
        const auto good = check_event_name(word);
        return good ? Result<std::string>(std::string(word)) : Failure(good.error());
    });
}

}  // namespace banken
