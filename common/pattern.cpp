// SPDX-License-Identifier: Apache-2.0
#include "common/pattern.hpp"

#include <re2/re2.h>

#include "common/text.hpp"

namespace banken {
namespace {

constexpr std::int64_t most_memory = 1 << 20;

}  // namespace

Result<Pattern> Pattern::compile(const std::string& text) {
    re2::RE2::Options options;
    options.set_encoding(re2::RE2::Options::EncodingLatin1);
    options.set_max_mem(most_memory);
    options.set_log_errors(false);  // RE2 would write to stderr
    auto compiled = std::make_shared<const re2::RE2>(text, options);
    if (!compiled->ok()) return fail("{}", printable(compiled->error()));  // it repeats what is wrong
    return Pattern(std::move(compiled));
}

const std::string& Pattern::text() const { return compiled_->pattern(); }

bool Pattern::found_in(std::string_view text) const { return re2::RE2::PartialMatch({text.data(), text.size()}, *compiled_); }

}  // namespace banken
