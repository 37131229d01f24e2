// SPDX-License-Identifier: Apache-2.0
// A pfile, and behind a line `%%` another one to be compared with it.
#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "common/matcher.hpp"
#include "common/pfile.hpp"
#include "common/pfile_after.hpp"
#include "common/pfile_difference.hpp"
#include "common/segment_records.hpp"
#include "pcheck/core/record_words.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace banken::fuzz {
namespace {

std::string print(const Pfile& pfile) {
    std::string text = "[PARAM]\n";
    for (const auto& [key, value] : core::record_words::of_param(pfile.param)) text += fmt::format("{} \"{}\"\n", key, value);
    text += "[PENT]\n";
    for (const Pent& pent : pfile.pents) text += pent.text + "\n";
    return text;
}

Pent without_place(Pent pent) {
    pent.line = 0;
    return pent;
}

bool same(const std::vector<Pent>& left, const std::vector<Pent>& right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](const Pent& one, const Pent& other) { return without_place(one) == without_place(other); });
}

void print_and_read(const Pfile& pfile) {
    const std::string printed = print(pfile);
    const ParsedPfile again = parse_pfile(printed);
    if (!again.good()) require(false, "a printed pfile is read", text_of(again.diagnostics.front(), printed));
    require(again.pfile.param == pfile.param, "the same parameters after printing and reading", printed);
    require(same(again.pfile.pents, pfile.pents), "the same entries after printing and reading", printed);
}

// As padmin reads it from the segment.
void read_one_by_one(const Pfile& pfile) {
    ParamRecord record;
    record.confirm_wait = pfile.param.confirm_wait;
    record.detect_event = pfile.param.detect_event;
    record.monitor_interval = pfile.param.monitor_interval;
    record.monitor_try_count = pfile.param.monitor_try_count;
    record.script_timeout = pfile.param.script_timeout;
    for (const Pent& pent : pfile.pents) {
        const auto alone = parse_pent(pent.text, record);
        require(alone.has_value(), "an entry's line is read alone", alone ? "" : alone.error().text);
        require(without_place(pent) == *alone, "the same entry when read alone", pent.text);
        require(rule_of(pent).args.has_value() == !pent.args.empty(), "a pattern that compiles", pent.args);
    }
}

// Whether everybody gets his turn when again and again those go who wait for nobody that is left. A group goes as one; what its members want of
// each other does not count.
bool all_can_go(const std::vector<Pent>& pents) {
    const auto unit_of = [&](const Pent& pent) {
        return pent.group.empty() ? fmt::format("entry {}", &pent - pents.data()) : "group " + pent.group;
    };
    std::map<std::string, std::set<std::string>> units_of_name, waits;
    for (const Pent& pent : pents) {
        units_of_name[pent.name].insert(unit_of(pent));
        waits[unit_of(pent)].insert(pent.after.begin(), pent.after.end());
    }
    const auto is_free = [&](const auto& unit) {
        return std::ranges::all_of(unit.second, [&](const std::string& name) {
            return std::ranges::none_of(units_of_name[name],
                                        [&](const std::string& other) { return other != unit.first && waits.contains(other); });
        });
    };
    for (bool moved = true; moved;) {
        std::vector<std::string> free;
        for (const auto& unit : waits) {
            if (is_free(unit)) free.push_back(unit.first);
        }
        for (const std::string& unit : free) waits.erase(unit);
        moved = !free.empty();
    }
    return waits.empty();
}

void judge_circles(const std::vector<Pent>& pents) {
    constexpr std::size_t most = 64;  // the reference is slow
    if (pents.size() > most) return;
    const bool own = std::ranges::any_of(
        pents, [](const Pent& pent) { return pent.group.empty() && std::ranges::find(pent.after, pent.name) != pent.after.end(); });
    require(!own && all_can_go(pents), "a good pfile has no circle");
}

void compare(const Pfile& one, const Pfile& other) {
    const PfileDifference there = difference(one, other), back = difference(other, one);
    require_printable(text_of(there, one, other), true);
    require(there.none() == back.none(), "the same verdict in both directions");
    require(there.entries.size() == back.entries.size(), "as many entries in both directions");
    const auto count = [](const PfileDifference& found, auto kind) {
        return std::count_if(found.entries.begin(), found.entries.end(), kind);
    };
    require(count(there, std::mem_fn(&EntryDifference::added)) == count(back, std::mem_fn(&EntryDifference::removed)), "added = removed");
    if (there.none()) require(one.param == other.param, "no difference, the same parameters");
}

ParsedPfile judged(std::string_view text) {
    ParsedPfile parsed = parse_pfile(text);
    require_diagnostics(parsed.diagnostics, text);
    require(parsed.given.size() == parsed.pfile.pents.size(), "options of every entry");
    const auto key = ipc_key_of(text);
    if (!key) require_printable(key.error().text);
    if (parsed.good()) require(key && *key == parsed.pfile.param.ipc_key, "the key of a good pfile");
    return parsed;
}

}  // namespace

const bool repeatable = true;

void test_one(std::string_view input) {
    const auto texts = parts(input, 2);
    const ParsedPfile first = judged(texts[0]), second = judged(texts[1]);
    if (!first.good()) return;
    require(difference(first.pfile, first.pfile).none(), "no difference from itself");
    print_and_read(first.pfile);
    read_one_by_one(first.pfile);
    judge_circles(first.pfile.pents);
    if (second.good()) compare(first.pfile, second.pfile);
}

}  // namespace banken::fuzz
