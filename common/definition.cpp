// SPDX-License-Identifier: Apache-2.0
#include "common/definition.hpp"

namespace banken {

std::string_view text_of(ResourceKind kind) { return kind == ResourceKind::generic ? "generic" : "cmdline"; }

std::string_view text_of(ResourceScript script) {
    constexpr std::array<std::string_view, resource_scripts> words{"restore", "remove", "quickCheck", "deepCheck",
                                                                   "recover", "start",  "stop",       "check"};
    return words[static_cast<std::size_t>(script)];
}

}  // namespace banken
