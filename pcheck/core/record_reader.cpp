// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "common/schema.hpp"
#include "pcheck/core/record.hpp"
#include "pcheck/core/record_text.hpp"
#include "pcheck/core/record_words.hpp"

namespace banken::core {
namespace {

constexpr std::size_t most_parts = 1u << 16, most_candidates = 1u << 20;

// The words of a detail, asked for by key. The first thing that is wrong is kept.
class Words {
public:
    explicit Words(std::vector<RecordWord> words) : words_(std::move(words)) {}

    template <class Number>
    [[nodiscard]] Number number(std::string_view key) {
        return number_in<Number>(find(key), key);
    }
    template <class Number>
    [[nodiscard]] std::optional<Number> optional_number(std::string_view key) {
        return find(key) ? std::optional(number<Number>(key)) : std::nullopt;
    }
    // The number of the word's value among `names`.
    template <class Enum, class Names>
    [[nodiscard]] Enum one_of(std::string_view key, const Names& names) {
        const RecordWord* word = find(key);
        const auto found = word ? std::ranges::find(names, word->value) : names.end();
        if (found == names.end()) wrong(key);
        return found == names.end() ? Enum{} : static_cast<Enum>(found - names.begin());
    }
    [[nodiscard]] std::string text(std::string_view key) const { return find(key) ? find(key)->value : std::string(); }
    [[nodiscard]] bool flag(std::string_view key) const { return find(key) != nullptr; }
    [[nodiscard]] const std::vector<RecordWord>& all() const { return words_; }

    template <class Number>
    [[nodiscard]] Number number_in(const RecordWord* word, std::string_view key) {
        const auto number = word ? record_number<Number>(word->value) : Result<Number>(fail("missing"));
        if (!number) wrong(key);
        return number.value_or(Number{});
    }
    void wrong(std::string_view what) {
        if (wrong_.empty()) wrong_ = what;
    }
    [[nodiscard]] const std::string& first_wrong() const { return wrong_; }

private:
    [[nodiscard]] const RecordWord* find(std::string_view key) const {
        const auto found = std::ranges::find(words_, key, &RecordWord::key);
        return found == words_.end() ? nullptr : &*found;
    }

    std::vector<RecordWord> words_;
    std::string wrong_;
};

struct Context {
    const TraceRecord& record;
    const Supervisor& core;
};

ProcessId process_in(Words& words, const Context& context) { return {context.record.pid, words.number<BootTicks>("start")}; }

void read(Looked& event, Words& words, const Context& context) {
    event.entry = context.record.key;
    event.number = words.optional_number<std::uint64_t>("look").value_or(0);
    for (const RecordWord& word : words.all()) {
        if (word.key == "pid" && event.matches.size() < most_candidates)
            event.matches.emplace_back().id.pid = words.number_in<pid_t>(&word, "pid");
        if (event.matches.empty()) continue;
        Candidate& candidate = event.matches.back();
        if (word.key == "start") candidate.id.start = words.number_in<BootTicks>(&word, "start");
        if (word.key == "child") candidate.root = false;
        if (word.key == "unnamed") candidate.named = false;
        if (word.key == "forked") candidate.fork_no_exec = true;
        if (word.key == "login") candidate.in_session_scope = true;
        if (word.key == "session") candidate.session = words.number_in<pid_t>(&word, "session");
        if (word.key == "uid") candidate.user = words.number_in<uid_t>(&word, "uid");
        if (word.key == "argv0") candidate.argv0 = word.value;
    }
}

void read(FirstSweepDone&, Words&, const Context&) {}

void read(Died& event, Words& words, const Context& context) {
    event.entry = context.record.key;
    event.process = process_in(words, context);
    event.cause = {words.one_of<Cause::Kind>("cause", record_words::causes), words.number<int>("status")};
    event.noticed = words.number<BootTicks>("noticed");
    event.brought_back = words.flag("brought_back");
}

void read(ScriptStarted& event, Words& words, const Context& context) {
    event.run = words.number<RunId>("run");
    event.process = process_in(words, context);
}

void read(ScriptEnded& event, Words& words, const Context&) {
    event.run = words.number<RunId>("run");
    event.how = words.one_of<ScriptEnded::How>("how", record_words::ends);
    event.status = words.number<int>("wait");
    event.reason = words.text("reason");
}

void read(Order& event, Words& words, const Context&) {
    event.id = words.number<OrderId>("order");
    const auto verb = verb_of(words.text("verb"));
    if (!verb) words.wrong("verb");
    event.verb = verb.value_or(Verb{});
    event.target = words.text("target");
    event.event = words.text("event");
    event.exit_status = words.optional_number<int>("status").value_or(0);
    event.reason = words.text("reason");
    if (const auto duration = words.optional_number<Duration::rep>("for")) event.duration = Duration(*duration);
}

std::string param_line(std::string_view key, std::string_view value) { return fmt::format("{} \"{}\"\n", key, value); }

// What the loader had resolved of one entry: the text alone does not tell.
struct Resolved {
    std::optional<std::uint32_t> uid;
    std::optional<RunAs> runner;
};

// The pfile's text as it was told, and beside it what was resolved for each of its entries.
struct ToldPfile {
    std::string param, pents;
    std::vector<Resolved> resolved;
};

void add_same(ToldPfile& told, const std::string& value, Words& words, const Supervisor& core) {
    const std::size_t dash = value.find('-');
    const auto first = record_number<std::size_t>(std::string_view(value).substr(0, dash));
    const auto last = dash == value.npos ? first : record_number<std::size_t>(std::string_view(value).substr(dash + 1));
    if (!first || !last || *first < 1 || *last < *first || *last > core.entries().size()) return words.wrong("same");
    for (std::size_t place = *first; place <= *last && told.resolved.size() < pfile_max_pents; ++place) {
        const Pent& pent = core.find(core.entries()[place - 1])->pent;
        told.pents += pent.text + "\n";
        told.resolved.push_back({pent.uid, pent.runner});
    }
}

void add_resolved(Resolved& resolved, const RecordWord& word, Words& words) {
    if (word.key == "user") resolved.uid = words.number_in<std::uint32_t>(&word, "user");
    if (word.key == "runner") resolved.runner.emplace().uid = words.number_in<std::uint32_t>(&word, "runner");
    if (!resolved.runner) return;
    if (word.key == "gid") resolved.runner->gid = words.number_in<std::uint32_t>(&word, "gid");
    if (word.key == "group") resolved.runner->groups.push_back(words.number_in<std::uint32_t>(&word, "group"));
    if (word.key == "home") resolved.runner->home = word.value;
}

ToldPfile told_pfile(Words& words, const Supervisor& core) {
    ToldPfile told;
    for (const RecordWord& word : words.all()) {
        if (word.value.find('\n') != word.value.npos) words.wrong(word.key);  // it would be another line
        if (word.key == "same") add_same(told, word.value, words, core);
        if (word.key == "pent" && told.resolved.size() <= pfile_max_pents) {
            told.pents += word.value + "\n";
            told.resolved.emplace_back();
        }
        if (param_key_of(word.key)) told.param += param_line(word.key, word.value);
        if (!told.resolved.empty()) add_resolved(told.resolved.back(), word, words);
    }
    return told;
}

void read(Reloaded& event, Words& words, const Context& context) {
    event.order = words.number<OrderId>("order");
    const ToldPfile told = told_pfile(words, context.core);
    // Defaults of entries come from the parameters, so entries are read beside them even where no parameter has changed.
    std::string param = told.param;
    if (param.empty()) {
        for (const auto& [key, value] : record_words::of_param(context.core.param())) param += param_line(key, value);
    }
    ParsedPfile parsed = parse_pfile(fmt::format("[PARAM]\n{}[PENT]\n{}", param, told.pents));
    if (!parsed.good() || parsed.pfile.pents.size() != told.resolved.size()) return words.wrong("pent");
    for (std::size_t i = 0; i < told.resolved.size(); ++i) {
        parsed.pfile.pents[i].uid = told.resolved[i].uid;
        parsed.pfile.pents[i].runner = told.resolved[i].runner;
    }
    event.pfile = std::move(parsed.pfile);
}

void read(DumpDone& event, Words& words, const Context&) {
    event.order = words.number<OrderId>("order");
    event.error = words.text("error");
}

void read(Heartbeat& event, Words&, const Context& context) { event.entry = context.record.key; }

void read(HeartbeatRead& event, Words& words, const Context& context) {
    event.entry = context.record.key;
    if (const auto age = words.optional_number<Duration::rep>("age")) event.age = Duration(*age);
}

void read(Measured& event, Words& words, const Context& context) {
    event.entry = context.record.key;
    event.process = process_in(words, context);
    const std::string state = words.text("state");
    if (state.size() != 1) return words.wrong("state");
    event.state = state.front();
    event.cpu = Duration(words.number<Duration::rep>("cpu"));
    event.rss = words.number<std::uint64_t>("rss");
    event.fds = words.number<std::uint64_t>("fds");
}

void read(Adopted& event, Words& words, const Context&) {
    for (const RecordWord& word : words.all()) {
        if (word.key == "entry" && event.entries.size() < most_candidates) {
            event.entries.push_back({.entry = words.number_in<EntryKey>(&word, "entry")});
        }
        if (event.entries.empty()) continue;
        if (word.key == "main") event.entries.back().main_lives = word.value == "1";
        if (word.key == "script") event.entries.back().script_lives = word.value == "1";
    }
}

void read(Deadline&, Words&, const Context&) {}

template <std::size_t index = 0>
Event event_of_kind(std::size_t kind) {
    if constexpr (index + 1 < std::variant_size_v<Event>) {
        if (kind != index) return event_of_kind<index + 1>(kind);
    }
    return Event(std::in_place_index<index>);
}

struct Part {
    std::size_t number = 0, of = 0;
    std::string_view rest;
};

// "part=2/5 REST"; nothing: a record of one part.
std::optional<Part> part_of(std::string_view detail) {
    constexpr std::string_view key = "part=";
    const std::size_t slash = detail.find('/'), blank = detail.find(' ');
    if (!detail.starts_with(key) || blank == detail.npos || slash > blank) return std::nullopt;
    const auto number = record_number<std::size_t>(detail.substr(key.size(), slash - key.size()));
    const auto of = record_number<std::size_t>(detail.substr(slash + 1, blank - slash - 1));
    return Part{number.value_or(0), of.value_or(0), detail.substr(blank + 1)};
}

}  // namespace

Result<std::optional<std::string>> RecordReader::assembled(const TraceRecord& record) {
    const std::string begun = std::exchange(event_, {});
    std::string detail = std::exchange(detail_, {});
    const auto part = part_of(record.detail);
    if (!part) return record.detail;
    const bool first = part->number == 1;  // one that was begun before and never ended was never told: its writer was killed
    const bool next = begun == record.event && part->number == taken_ + 1 && part->of == parts_;
    if (first) detail.clear();
    if (!(first || next) || part->number > part->of || part->of > most_parts)
        return fail("{}: part {} of {} is out of order", record.event, part->number, part->of);
    detail += part->rest;
    if (part->number == part->of) return detail;
    event_ = record.event;
    detail_ = std::move(detail);
    taken_ = part->number;
    parts_ = part->of;
    return std::nullopt;
}

Result<std::optional<Told>> RecordReader::take(const TraceRecord& record, const Supervisor& core) {
    const auto kind = std::ranges::find(record_words::events, record.event);
    if (kind == record_words::events.end()) return std::nullopt;
    const auto detail = assembled(record);
    if (!detail) return Failure(detail.error());
    if (!*detail) return std::nullopt;
    auto split = words_of(**detail);
    if (!split) return Failure(split.error().in(record.event));
    Words words(*std::move(split));
    Told told{event_of_kind(static_cast<std::size_t>(kind - record_words::events.begin())), {}};
    told.now = {record.instant, record.wall, words.number<BootTicks>("ticks")};
    std::visit([&](auto& event) { read(event, words, Context{record, core}); }, told.event);
    if (!words.first_wrong().empty()) return fail("{}: {} is wrong or missing", record.event, shortened(words.first_wrong()));
    return told;
}

}  // namespace banken::core
