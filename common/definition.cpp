// SPDX-License-Identifier: Apache-2.0
#include "common/definition.hpp"

#include "common/definition_schema.hpp"

namespace banken {

std::string_view text_of(ResourceKind kind) {
    switch (kind) {
        case ResourceKind::generic: return "generic";
        case ResourceKind::cmdline: break;
    }
    return "cmdline";
}

Result<std::string> tag_of(std::string_view text) {
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-";
    if (text.empty() || text.size() > max_name || text.find_first_not_of(letters) != text.npos || text.find_first_of("./-") == 0)
        return fail("{} is no tag: {}", quoted(text), tag_rule);
    return std::string(text);
}

std::string_view text_of(ResourceScript script) { return rule_of(key_of(script)).rule.name; }

std::optional<DefinitionKey> definition_key_of(std::string_view name) {
    for (std::size_t i = 0; i < definition_keys; ++i) {
        if (definition_rules[i].rule.name == name) return static_cast<DefinitionKey>(i);
    }
    return std::nullopt;
}

}  // namespace banken
