// SPDX-License-Identifier: Apache-2.0
#include "pcheck/core/scenario.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>

#include "common/text.hpp"

namespace banken::core {
namespace {

using Deed = Happening::Deed;

struct Word {
    std::string text;
    std::size_t column = 0;  // from 1
};

constexpr std::array<std::string_view, 3> beginnings{"at", "every", "run"};
constexpr std::array<std::string_view, 7> deeds{"kill", "end", "appear", "script", "check", "heartbeat", "order"};  // in the order of Deed
constexpr std::array<std::string_view, 3> behaviours{"works", "fails", "hangs"};  // in the order of Behaviour
constexpr std::array<std::string_view, 2> heartbeats{"works", "fails"};

// What one line says.
class LineReader {
public:
    LineReader(std::vector<Word> words, std::size_t end_column, const Pfile& pfile)
        : words_(std::move(words)), end_(end_column), pfile_(pfile) {}

    // Nothing: the line was `run`, or is wrong.
    std::optional<Happening> read(Scenario& scenario);

    std::optional<Diagnostic> problem;

private:
    void complain(std::size_t column, std::string text) {
        if (!problem) problem = Diagnostic{Diagnostic::Severity::error, 0, column, std::move(text)};
    }
    const Word* next(std::string_view expected);
    std::optional<std::size_t> choice(std::span<const std::string_view> choices);
    std::optional<Duration> duration();
    void read_deed(Happening& happening);
    void read_order(Happening& happening);
    unsigned entry();

    std::vector<Word> words_;
    std::size_t at_ = 0, end_;
    const Pfile& pfile_;
};

const Word* LineReader::next(std::string_view expected) {
    if (at_ < words_.size()) return &words_[at_++];
    complain(end_, fmt::format("{} expected", expected));
    return nullptr;
}

std::optional<std::size_t> LineReader::choice(std::span<const std::string_view> choices) {
    const std::string expected = fmt::format("{}", fmt::join(choices, ", "));
    const Word* word = next(expected);
    if (!word) return std::nullopt;
    const auto found = std::ranges::find(choices, word->text);
    if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
    complain(word->column, fmt::format("{}: {} expected{}", quoted(word->text), expected, did_you_mean(word->text, choices)));
    return std::nullopt;
}

std::optional<Duration> duration_of(std::string_view text) {
    std::chrono::seconds sum{};
    if (text.empty()) return std::nullopt;
    while (!text.empty()) {
        std::uint32_t number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc{} || end == text.data() + text.size()) return std::nullopt;
        const std::string_view units = "smhd";
        constexpr std::array scale{1, 60, 3600, 86400};
        const auto unit = units.find(*end);
        if (unit == units.npos) return std::nullopt;
        sum += std::chrono::seconds(std::int64_t{number} * scale[unit]);
        if (sum > scenario_longest) return std::nullopt;  // in seconds: its nanoseconds may be too many for a Duration
        text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
    }
    return sum;
}

std::optional<Duration> LineReader::duration() {
    const Word* word = next("a time, 90s, 1h30m or 2d,");
    if (!word) return std::nullopt;
    const auto duration = duration_of(word->text);
    if (!duration) complain(word->column, fmt::format("{} is no time: 90s, 1h30m or 2d expected, at most 3650d", quoted(word->text)));
    return duration;
}

// A name of digits only is addressed by its number, as padmin does.
unsigned LineReader::entry() {
    const Word* word = next("the name or number of an entry");
    if (!word) return 0;
    const bool digits = std::ranges::all_of(word->text, [](char c) { return c >= '0' && c <= '9'; });
    std::vector<unsigned> found;
    for (unsigned id = 1; id <= pfile_.pents.size(); ++id) {
        if (digits ? word->text == std::to_string(id) : word->text == pfile_.pents[id - 1].name) found.push_back(id);
    }
    if (found.size() == 1) return found.front();
    if (found.empty()) {
        std::vector<std::string_view> names;
        for (const Pent& pent : pfile_.pents) names.push_back(pent.name);
        complain(word->column, fmt::format("no entry {}{}", quoted(word->text), did_you_mean(word->text, names)));
    } else {
        complain(word->column, fmt::format("{} is the name of several entries: say which by its number ({})", quoted(word->text),
                                           fmt::join(found, ", ")));
    }
    return 0;
}

void LineReader::read_order(Happening& happening) {
    const std::size_t column = at_ < words_.size() ? words_[at_].column : end_;
    std::vector<std::string> words;
    while (at_ < words_.size()) words.push_back(words_[at_++].text);
    auto parsed = parse_order(words);
    if (parsed && parsed->verb == OrderVerb::reexec) {
        complain(column, "reexec means nothing in a simulation");
    } else if (parsed && (is_for_resources(parsed->verb) || parsed->remove)) {
        complain(column, "resources are not simulated");
    } else if (parsed) {
        happening.order = *std::move(parsed);
    } else {
        complain(column, parsed.error().text);
    }
}

void LineReader::read_deed(Happening& happening) {
    const auto deed = choice(deeds);
    if (!deed) return;
    happening.deed = static_cast<Deed>(*deed);
    if (happening.deed == Deed::order) return read_order(happening);
    happening.pent_id = entry();
    if (happening.deed == Deed::kill || happening.deed == Deed::end || happening.deed == Deed::appear) return;
    const bool beats = happening.deed == Deed::heartbeat;
    const auto behaviour = beats ? choice(heartbeats) : choice(behaviours);
    if (!behaviour) return;
    happening.behaviour = static_cast<Behaviour>(*behaviour);
    if (happening.pent_id == 0) return;
    const Pent& pent = pfile_.pents[happening.pent_id - 1];
    const std::size_t column = words_[at_ - 2].column;
    if (happening.deed == Deed::script && pent.script.none()) complain(column, "this entry has no restart script");
    if (happening.deed == Deed::check && pent.check.none()) complain(column, "this entry has no health check");
    if (beats && pent.heartbeat == Duration{}) complain(column, "this entry has no heartbeat");
}

std::optional<Happening> LineReader::read(Scenario& scenario) {
    enum { at, every, run };
    const auto beginning = choice(beginnings);
    if (!beginning) return std::nullopt;
    const std::size_t time_column = words_.size() > 1 ? words_[1].column : end_;
    const auto time = duration();
    if (!time) return std::nullopt;
    Happening happening;
    if (*beginning == run) {
        if (scenario.run != Duration{}) complain(1, "run is given twice");
        if (*time == Duration{}) complain(time_column, "nothing happens in 0s");
        scenario.run = *time;
    } else {
        happening.at = *time;
        if (*beginning == every) happening.every = *time;
        if (*beginning == every && *time < scenario_shortest_period) complain(time_column, "not more often than every 1s");
        read_deed(happening);
    }
    if (!problem && at_ < words_.size()) complain(words_[at_].column, fmt::format("{} is too much", quoted(words_[at_].text)));
    return problem || *beginning == run ? std::nullopt : std::optional(std::move(happening));
}

// Split at blanks, double quotes group. False: a quote is open, at the last word's column.
bool split_words(std::string_view line, std::vector<Word>& words) {
    std::size_t at = 0;
    while (true) {
        while (at < line.size() && is_blank(line[at])) ++at;
        if (at == line.size() || line[at] == '#') return true;
        Word& word = words.emplace_back();
        word.column = at + 1;
        bool open = false;
        for (; at < line.size() && (open || !is_blank(line[at])); ++at) {
            if (line[at] == '"') {
                open = !open;
            } else {
                word.text += line[at];
            }
        }
        if (open) return false;
    }
}

}  // namespace

ParsedScenario parse_scenario(std::string_view text, const Pfile& pfile) {
    ParsedScenario parsed;
    Diagnostics diagnostics;
    if (text.size() > scenario_max_bytes) {
        diagnostics.error(0, 0, "the scenario is longer than 1 MiB");
        return {{}, diagnostics.take()};
    }
    std::size_t number = 0;
    for (std::string_view line : split(text, '\n')) {
        ++number;
        if (line.ends_with('\r')) line.remove_suffix(1);
        std::vector<Word> words;
        if (!split_words(line, words)) {
            diagnostics.error(number, words.back().column, "a double quote is open");
            continue;
        }
        if (words.empty()) continue;
        LineReader reader(std::move(words), line.size() + 1, pfile);
        if (auto happening = reader.read(parsed.scenario)) {
            happening->line = number;
            parsed.scenario.happenings.push_back(*std::move(happening));
        }
        if (reader.problem) diagnostics.error(number, reader.problem->column, reader.problem->text);
    }
    const bool no_end = parsed.scenario.run == Duration{};
    if (no_end) diagnostics.error(0, 0, "no line says how long: run 3d");
    for (const Happening& happening : parsed.scenario.happenings) {
        if (!no_end && happening.at > parsed.scenario.run) diagnostics.error(happening.line, 1, "this comes after the end of the run");
    }
    parsed.diagnostics = diagnostics.take();
    return parsed;
}

}  // namespace banken::core
