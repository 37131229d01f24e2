// SPDX-License-Identifier: Apache-2.0
// What comes next for a resource, and what a failure of it leads to, as far as the records say. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "padmin/view.hpp"

namespace banken {

struct ResourceNext {
    // check, check_limit, script_limit, kill_script, give_up, confirm_deadline, resume come at a time; script_end, resources, order wait for something
    // to happen; none.
    std::string_view action;
    std::optional<Instant> at;
};
[[nodiscard]] ResourceNext next_of(const View& view, const ResourceRecord& resource);

// When it is checked next; unset: not by itself.
[[nodiscard]] std::optional<Instant> next_check_of(const ResourceRecord& resource);

// How many recoveries may begin now by themselves; unset: there is no limit.
[[nodiscard]] std::optional<unsigned> recoveries_left(const View& view, const ResourceRecord& resource);

[[nodiscard]] inline bool is_generic(const ResourceRecord& resource) { return resource.kind == 0; }
// Another script than a check runs.
[[nodiscard]] bool operates(const ResourceRecord& resource);
// A check of it is run by itself.
[[nodiscard]] bool is_checked(const ResourceRecord& resource);
// Whom its goal waits for: children that are to come in, parents that are to go out.
[[nodiscard]] std::vector<const ResourceRecord*> waited_for(const View& view, const ResourceRecord& resource);
// Below it, directly: Faulted or OfflineFault, so that it cannot be put in service.
[[nodiscard]] std::vector<const ResourceRecord*> uncleared_below(const View& view, const ResourceRecord& resource);

// "quickCheck", or nothing: what of it runs.
[[nodiscard]] std::string script_words(const ResourceRunRecord& run);

// What is done about it now, and what happens when.
[[nodiscard]] std::vector<std::string> next_words(const View& view, const ResourceRecord& resource);
// "needs vip (ISP), fs (OSU)", "needed by shop (ISP)".
[[nodiscard]] std::vector<std::string> tree_words(const View& view, const ResourceRecord& resource);
// Of one in service: how a failure would be noticed, what would be tried, and what would follow.
[[nodiscard]] std::vector<std::string> failure_words(const View& view, const ResourceRecord& resource);

}  // namespace banken
