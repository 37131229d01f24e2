// SPDX-License-Identifier: Apache-2.0
// Which cells of spec/state-table.md were met: an event as the world sees it, in the state that its entry was in.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "pcheck/core/supervisor.hpp"

namespace banken::core {

enum class Row {
    found,
    not_found,
    crash,
    orderly,
    unknown,
    gone,
    script_ok,
    script_failed,
    script_timeout,
    wait_deadline,
    confirm_deadline,
    wait_over,
    dependency_down,
    check_bad,
    over_limit,
    stop_order,
    start_order,
    restart_order,
    clear_order,
    event_order,
    reload_same,
    reload_changed,
    reload_removed,
    reload_group,
    turn,
    group_over,
    grace,
    stable,
    adopted,
    reminder,
    ending,
};
inline constexpr std::size_t rows = static_cast<std::size_t>(Row::ending) + 1;

// What the world noted of an entry before a step.
struct Noted {
    EntryKey key = 0;
    EntryState state{};
    EntryWait wait{};
    Question question{};
    bool paused = false;
    RetryWindow window;
    std::optional<ProcessId> main;
    std::optional<ScriptRun> script, check;
    std::optional<Instant> timer, remind_at, stable_at;
    Pent pent;
    EntryKey turn = 0;              // of its group
    std::vector<EntryKey> members;  // of its group
};
[[nodiscard]] std::vector<Noted> noted(const Supervisor& core);

class Coverage {
public:
    void note(const std::vector<Noted>& before, const Event& event, const Supervisor& core, Instant now);
    void note_time(const Supervisor& core, Instant from, Instant to);
    void note_adoption(const std::vector<Noted>& before);
    [[nodiscard]] std::string table() const;
    // Cells that were met less than `least` times, or although they cannot be.
    [[nodiscard]] std::vector<std::string> complaints(std::uint64_t least) const;

private:
    void add(Row row, EntryState state) { ++cells_[static_cast<std::size_t>(row)][static_cast<std::size_t>(state)]; }
    void note_event(const Noted& entry, const Event& event);
    void note_reload(const std::vector<Noted>& before, const Supervisor& core);
    void note_deadline(const Noted& entry, Instant now);
    void note_consequences(const std::vector<Noted>& before, const Supervisor& core);

    std::array<std::array<std::uint64_t, entry_states>, rows> cells_{};
};

}  // namespace banken::core
