// SPDX-License-Identifier: Apache-2.0
// What a call that may fail returns. Rooms below a program's top never log: they return, adding the place, and the top says it once.
#pragma once

#include <fmt/format.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <tl/expected.hpp>
#include <utility>

namespace banken {

struct Error {
    std::string text;  // "pidfd_open: No such process"
    int number = 0;    // errno where the kernel refused, 0 where we did

    // The same error with the place it happened in ahead of it.
    [[nodiscard]] Error in(std::string_view place) const { return {fmt::format("{}: {}", place, text), number}; }
    // Behind a sentence that names the place and what was tried: "No such process"; the text where we refused.
    [[nodiscard]] std::string reason() const { return number == 0 ? text : std::generic_category().message(number); }
};

// tl::expected lets a dropped result compile silently; this class does not.
template <class T = void>
class [[nodiscard]] Result : public tl::expected<T, Error> {
public:
    using tl::expected<T, Error>::expected;
};

using Failure = tl::unexpected<Error>;

template <class... Args>
[[nodiscard]] Failure fail(fmt::format_string<Args...> format, Args&&... args) {
    return Failure(Error{fmt::format(format, std::forward<Args>(args)...), 0});
}

// The kernel's refusal of `call`: "open: Permission denied". Reads errno unless it is given.
[[nodiscard]] inline Failure fail_errno(std::string_view call, int number = errno) {
    return Failure(Error{fmt::format("{}: {}", call, std::generic_category().message(number)), number});
}

}  // namespace banken
