// SPDX-License-Identifier: Apache-2.0
// The bytes of a dump, which are those of a segment: whatever stands there, padmin reads, explains and shows it.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/segment_codec.hpp"
#include "common/segment_reader.hpp"
#include "padmin/explain.hpp"
#include "padmin/match.hpp"
#include "padmin/render_json.hpp"
#include "padmin/render_text.hpp"
#include "padmin/resource_words.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace banken::fuzz {
namespace {

constexpr std::size_t most_explained = 6, most_traces = 65536;
constexpr Now now{Instant(std::chrono::hours(100)), WallTime(std::chrono::hours(400000)), 36000000};

template <class Record>
void encode_and_decode(const Record& record) {
    const auto words = encode(record);
    const auto again = decode<Record>(words);
    require(again && *again == record, "the same record after encoding and decoding");
    require(words.size() <= longest<Record>(), "no record is longer than the longest");
}

void judge_text(const std::string& text) {
    require_printable(text, true);
    require(text.empty() || text.ends_with('\n'), "the last line has an end");
}

void judge_json(const std::string& text) {
    require_printable(text, true);
    require(nlohmann::json::accept(text), "a JSON document");
}

Snapshot snapshot_for(const EntryRecord& entry) {
    Process process{.stat = {},
                    .exe = "/bin/\x1b[2J",
                    .command_line = {{entry.last_argv0, entry.name}},
                    .status = ProcessStatus{0, true},
                    .cgroups = {{entry.line}}};
    process.stat.pid = entry.main.pid;
    process.stat.fingerprint = {.start = entry.main.start, .comm = entry.name.substr(0, 15)};
    Process other = process;
    other.stat.pid = entry.seen.pid + 1;
    other.stat.parent = entry.main.pid;
    other.command_line->clear();
    return {.processes = {process, other}, .named = entry.shown_pid, .user_fault = "no such user", .reader = 1};
}

void explain_one(const View& view, const EntryRecord& entry) {
    const auto pent = pent_of(view, entry);
    if (!pent) require_printable(pent.error().text);
    judge_text(text_of(explain(view, entry, pent, Findings{})));
    judge_json(explain_json(view, entry, pent, Findings{}));
    if (!pent) return;
    const Matching matching = judge_all(view, entry, *pent, snapshot_for(entry));
    judge_text(text_of(explain(entry, matching)));
    judge_json(match_json(entry, matching));
}

void show(const View& view) {
    const auto entries = entries_of(view, "");
    for (const bool verbose : {false, true}) {
        judge_text(list_text({&view, 1}, verbose));
        judge_text(param_text(view, verbose));
        judge_text(pent_text(view, entries, verbose));
    }
    judge_text(group_text(view, groups_of(view)));
    judge_text(trace_text(view, view.trace));
    judge_text(all_text(view));
    judge_json(list_json({&view, 1}));
    judge_json(trace_json(view, view.trace));
    judge_json(all_json(view));
    for (std::size_t i = 0; i < std::min(view.entries.size(), most_explained); ++i) explain_one(view, view.entries[i]);
    for (std::size_t i = 0; i < std::min(view.resources.size(), most_explained); ++i) {
        judge_text(text_of(explain(view, view.resources[i], Findings{})));
        judge_json(explain_json(view, view.resources[i], Findings{}));
    }
}

}  // namespace

const bool repeatable = false;

void test_one(std::string_view input) {
    const auto words = words_of(input);
    const auto reader = SegmentReader::open(words);
    if (!reader) return require_printable(reader.error().text);
    for (const bool dumped : {true, false}) {
        auto view = read_view(*reader, dumped ? std::nullopt : std::optional(now), most_traces);
        if (!view) return require_printable(view.error().text);
        view->alive = input.size() % 3 != 0;
        encode_and_decode(view->header);
        encode_and_decode(view->param);
        for (const EntryRecord& entry : view->entries) encode_and_decode(entry);
        for (const ResourceRecord& resource : view->resources) encode_and_decode(resource);
        for (const TraceRecord& record : view->trace) encode_and_decode(record);
        show(*view);
    }
}

}  // namespace banken::fuzz
