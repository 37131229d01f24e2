// SPDX-License-Identifier: Apache-2.0
// A resource that only scripts control: what its line in the pfile, its definition file and DEFAULTS_FILE say of it (spec/resources.md). How they are
// read: definition_file.hpp, defaults_file.hpp.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/command.hpp"
#include "common/result.hpp"
#include "common/time.hpp"

namespace banken {

enum class ResourceKind { generic, cmdline };
[[nodiscard]] std::string_view text_of(ResourceKind kind);

// The same text, if a resource may have this name; the error says what is expected.
[[nodiscard]] Result<std::string> tag_of(std::string_view text);

// All that a resource's definition can name. The first five are generic's, the others cmdline's.
enum class ResourceScript { restore, remove, quick_check, deep_check, recover, start, stop, check };
inline constexpr std::size_t resource_scripts = static_cast<std::size_t>(ResourceScript::check) + 1;
// "quickCheck": the key in the definition file, and the word in messages.
[[nodiscard]] std::string_view text_of(ResourceScript script);
// quickCheck, deepCheck and Check: what only looks.
[[nodiscard]] constexpr bool is_check(ResourceScript script) {
    return script == ResourceScript::quick_check || script == ResourceScript::deep_check || script == ResourceScript::check;
}

enum class InitialState { last, restore, none };
enum class OnFailure { continue_, exit, shutdown };

// At most `count` recoveries that nobody ordered begin in any `period`.
struct RecoverLimit {
    unsigned count = 0;
    Duration period{};

    friend bool operator==(const RecoverLimit&, const RecoverLimit&) = default;
};

// From the begin of one cmdline Check to the next; of a slow one twice that (spec/resources.md, cmdline).
inline constexpr Duration check_tick = std::chrono::seconds(10);

// cmdline's flags (reference/primecluster.md, 2). Without a Check, and only then, null_detector is on.
struct CmdlineFlags {
    bool null_detector = false;   // state only from Start and Stop; then all others are false
    bool all_exit_codes = false;  // false: a Check's 0 is Online, all else Offline
    bool lie_offline = false;
    bool cluster_exclusive = false;
    bool auto_recover = true;
    bool monitor_only = false;
    bool standby_capable = false;
    bool realtime = false;

    friend bool operator==(const CmdlineFlags&, const CmdlineFlags&) = default;
};

struct Definition {
    // The line in the pfile.
    std::string tag;
    ResourceKind kind{};
    std::string file;
    std::size_t line = 0;

    // Both kinds.
    std::array<Command, resource_scripts> scripts;    // none(): not there
    std::array<Duration, resource_scripts> limits{};  // 0: none; start, stop: TIMEOUT; check: check_timeout
    std::vector<std::string> depends;                 // tags
    InitialState initial = InitialState::last;
    OnFailure on_failure = OnFailure::continue_;
    bool stay_when_not_removed = false;         // remove_failure=stay
    unsigned check_failures = 1;                // consecutive bad ones of a kind
    std::optional<RecoverLimit> recover_limit;  // unset: none; cmdline: once, until re-armed
    std::vector<std::string> events;            // "class/event"; empty: any
    bool copy = false;
    std::string info, id;  // id: the tag, unless given

    // generic
    Duration quick_interval = std::chrono::seconds(120), deep_interval = std::chrono::seconds(300);  // 0: off
    bool check_timeout_is_bad = false;                                                               // on_check_timeout=bad

    CmdlineFlags flags;

    [[nodiscard]] const Command& script(ResourceScript which) const { return scripts[static_cast<std::size_t>(which)]; }
    [[nodiscard]] bool has(ResourceScript which) const { return !script(which).none(); }
    [[nodiscard]] Duration limit(ResourceScript which) const { return limits[static_cast<std::size_t>(which)]; }
    friend bool operator==(const Definition&, const Definition&) = default;
};

}  // namespace banken
