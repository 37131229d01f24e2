// SPDX-License-Identifier: Apache-2.0
// All that the core is told, as the trace ring carries it (spec/state-table.md, What always holds, 6): replaying the records through a copy of the
// core that was in the state before the first of them gives the same states.
//
// A record of what was told has a name in lower case, `died`; one of a state that was entered has the state's, `DOWN`, and is not for replay. Its
// detail is words, `key=value` with a value in double quotes where need be, and begins with `ticks=` (Now::ticks); Duration values are nanoseconds.
// What is longer than a record's detail is cut into several of the same name, which begin with `part=2/5` and follow each other.
//
// Reloaded is told by its difference from what runs: no PARAM word when no parameter has changed; `same=3-17` for lines that entries 3 to 17 have
// already, `pent="…"` for others, in the order of the file. Places in the file (Pent::line) are not kept: the core does not know them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/segment_records.hpp"
#include "pcheck/core/supervisor.hpp"

namespace banken::core {

struct Told {
    Event event;
    Now now;
};

// `core` is as it was before it was told.
[[nodiscard]] std::vector<TraceRecord> records_of(const Told& told, const Supervisor& core);

// Makes the records, leaving out what would fill the ring with repetition: a sweep's news for an entry (Looked without a number) that repeats the
// last two of it, when the second of them had no effect and nothing else has touched the entry since. Such news has no effect either.
class Recorder {
public:
    // Before the core is told.
    [[nodiscard]] std::vector<TraceRecord> before(const Told& told, const Supervisor& core);
    // What came of it.
    void after(const Event& event, std::span<const Action> actions);

private:
    struct News {
        std::size_t hash = 0;
        bool settled = false;  // it was told twice, and the second time nothing came of it
        bool repeated = false;
    };
    std::unordered_map<EntryKey, News> news_;
};

// Puts records together again. Any text is survived; what is no record of something told is an error or nothing.
class RecordReader {
public:
    // Nothing: it is a record of a state, or the beginning of one that goes on. An error drops what was begun.
    // `core`: as replayed so far.
    [[nodiscard]] Result<std::optional<Told>> take(const TraceRecord& record, const Supervisor& core);

private:
    // The whole detail; nothing while parts are missing.
    [[nodiscard]] Result<std::optional<std::string>> assembled(const TraceRecord& record);

    std::string event_, detail_;  // of the parts so far
    std::size_t parts_ = 0, taken_ = 0;
};

}  // namespace banken::core
