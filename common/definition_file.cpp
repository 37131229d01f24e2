// SPDX-License-Identifier: Apache-2.0
#include "common/definition_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "common/event_name.hpp"
#include "common/ini.hpp"
#include "common/pfile_options.hpp"
#include "common/text.hpp"

namespace banken {
namespace {

using Key = DefinitionKey;
using Script = ResourceScript;

template <class T, class U>
Result<> put(T& target, Result<U> value) {
    if (!value) return Failure(value.error());
    target = static_cast<T>(*std::move(value));
    return {};
}

Result<Duration> time_of(std::string_view text, Key key) {
    const auto value = value_of(text, rule_of(key).rule.value);
    if (!value) return Failure(value.error());
    return value->duration;
}

// A number, or the place of a choice.
Result<unsigned> count_of(std::string_view text, Key key) {
    const auto value = value_of(text, rule_of(key).rule.value);
    if (!value) return Failure(value.error());
    return static_cast<unsigned>(value->number);
}

// In any letter case, as everybody writes it.
Result<bool> flag_of(std::string_view text) {
    const auto word = lower_case(text);
    if (word != "yes" && word != "no") return fail("{} is not one of {}", quoted(text), yes_or_no.choices);
    return word == "yes";
}

// "N/SECONDS"
Result<RecoverLimit> recover_limit_of(std::string_view text) {
    const auto parts = split(text, '/');
    if (parts.size() != 2) return fail("{} is not N/SECONDS", quoted(text));
    const auto count = number_of(parts[0], recover_count_range);
    const auto period = seconds_of(parts[1], recover_period_range);
    if (!count) return Failure(count.error().in("N"));
    if (!period) return Failure(period.error().in("SECONDS"));
    return RecoverLimit{static_cast<unsigned>(*count), *period};
}

class DefinitionReader {
public:
    DefinitionReader(const Definition& line, Diagnostics& diagnostics) : definition_(line), diagnostics_(diagnostics) {}

    void read(const IniEntry& entry);
    // After the last. Whether the section was there, so that what is not in it is missing.
    void finish(const Defaults& defaults, bool has_section);
    [[nodiscard]] Definition take() { return std::move(definition_); }
    [[nodiscard]] const GivenKeys& given() const { return given_; }

private:
    [[nodiscard]] Result<> store(Key key, const std::string& text);
    Result<> script(Script which, const std::string& text) { return put(definition_.scripts[index_of(which)], command_of(text)); }
    Result<> limit(Script which, Key key, std::string_view text) { return put(limit(which), time_of(text, key)); }
    Duration& limit(Script which) { return definition_.limits[index_of(which)]; }
    [[nodiscard]] static std::size_t index_of(Script which) { return static_cast<std::size_t>(which); }
    [[nodiscard]] bool is_ours(Key key) const { return rule_of(key).kind.value_or(definition_.kind) == definition_.kind; }
    [[nodiscard]] std::vector<std::string_view> our_names() const;

    void settle_generic(const Defaults& defaults);
    void settle_cmdline();
    void settle_null_detector();
    void judge_limit(Script check, Key limit, Key interval, Duration period);
    void judge_useless();
    void useless(Key key, std::string_view why) {
        if (given_.has(key)) warn(key, why);
    }
    void warn(Key key, std::string_view text) {
        const auto [line, column] = given_.place(key);
        diagnostics_.warning(line, column, fmt::format("{}: {}", rule_of(key).rule.name, text));
    }

    Definition definition_;
    Diagnostics& diagnostics_;
    GivenKeys given_;
    std::optional<bool> null_detector_;  // unset: not said
};

std::vector<std::string_view> DefinitionReader::our_names() const {
    std::vector<std::string_view> names;
    for (const auto& [kind, rule] : definition_rules) {
        if (kind.value_or(definition_.kind) == definition_.kind) names.push_back(rule.name);
    }
    return names;
}

void DefinitionReader::read(const IniEntry& entry) {
    const auto key = definition_key_of(entry.key);
    if (!key) {
        return diagnostics_.error(entry.line, 1, [&] {
            return fmt::format("unknown key {} in section {}{}", quoted(entry.key), entry.section,
                               did_you_mean(entry.key, our_names(), "resource(5)"));
        });
    }
    if (!is_ours(*key)) {
        return diagnostics_.error(
            entry.line, 1, fmt::format("{} is a key of {}, not of {}", entry.key, text_of(*rule_of(*key).kind), text_of(definition_.kind)));
    }
    given_.places[static_cast<std::size_t>(*key)] = {entry.line, entry.column};
    const auto stored = store(*key, entry.value);
    if (!stored) diagnostics_.error(entry.line, entry.column, stored.error().in(entry.key).text);
}

Result<> DefinitionReader::store(Key key, const std::string& text) {
    Definition& d = definition_;
    CmdlineFlags& flags = d.flags;
    unsigned only_choice = 0;
    switch (key) {
        case Key::restore: return script(Script::restore, text);
        case Key::remove: return script(Script::remove, text);
        case Key::quick_check: return script(Script::quick_check, text);
        case Key::deep_check: return script(Script::deep_check, text);
        case Key::recover: return script(Script::recover, text);
        case Key::start: return script(Script::start, text);
        case Key::stop: return script(Script::stop, text);
        case Key::check: return script(Script::check, text);
        case Key::restore_timeout: return limit(Script::restore, key, text);
        case Key::remove_timeout: return limit(Script::remove, key, text);
        case Key::quick_check_timeout: return limit(Script::quick_check, key, text);
        case Key::deep_check_timeout: return limit(Script::deep_check, key, text);
        case Key::recover_timeout: return limit(Script::recover, key, text);
        case Key::timeout: return limit(Script::start, key, text);
        case Key::check_timeout: return limit(Script::check, key, text);
        case Key::null_detector: return put(null_detector_, flag_of(text));
        case Key::all_exit_codes: return put(flags.all_exit_codes, flag_of(text));
        case Key::lie_offline: return put(flags.lie_offline, flag_of(text));
        case Key::cluster_exclusive: return put(flags.cluster_exclusive, flag_of(text));
        case Key::auto_recover: return put(flags.auto_recover, flag_of(text));
        case Key::monitor_only: return put(flags.monitor_only, flag_of(text));
        case Key::standby_capable: return put(flags.standby_capable, flag_of(text));
        case Key::realtime: return put(flags.realtime, flag_of(text));
        case Key::quick_interval: return put(d.quick_interval, time_of(text, key));
        case Key::deep_interval: return put(d.deep_interval, time_of(text, key));
        case Key::check_limits: return put(only_choice, count_of(text, key));
        case Key::on_check_timeout: return put(d.check_timeout_is_bad, count_of(text, key));
        case Key::depends: return put(d.depends, comma_list_of<std::string>(text, tag_of));
        case Key::initial: return put(d.initial, count_of(text, key));
        case Key::on_failure: return put(d.on_failure, count_of(text, key));
        case Key::check_failures: return put(d.check_failures, count_of(text, key));
        case Key::recover_limit: return put(d.recover_limit, recover_limit_of(text));
        case Key::remove_failure: return put(d.stay_when_not_removed, count_of(text, key));
        case Key::events: return put(d.events, event_names_of(text));
        case Key::copy: return put(d.copy, flag_of(text));
        case Key::info: d.info = text; return {};
        case Key::id: break;
    }
    d.id = text;
    return {};
}

void DefinitionReader::finish(const Defaults& defaults, bool has_section) {
    for (std::size_t i = 0; has_section && i < definition_keys; ++i) {
        const auto key = static_cast<Key>(i);
        const bool missing = is_ours(key) && rule_of(key).rule.fallback == "required" && !given_.has(key);
        if (missing) diagnostics_.error(0, 0, fmt::format("{} is missing", rule_of(key).rule.name));
    }
    if (!given_.has(Key::id)) definition_.id = definition_.tag;
    if (definition_.kind == ResourceKind::generic)
        settle_generic(defaults);
    else
        settle_cmdline();
    judge_useless();
}

void DefinitionReader::settle_generic(const Defaults& defaults) {
    Definition& d = definition_;
    if (!given_.has(Key::quick_interval)) d.quick_interval = defaults.check_interval.value_or(d.quick_interval);
    const bool derived = given_.has(Key::check_limits);
    const std::pair<Key, Script> limits[] = {{Key::restore_timeout, Script::restore},
                                             {Key::remove_timeout, Script::remove},
                                             {Key::quick_check_timeout, Script::quick_check},
                                             {Key::deep_check_timeout, Script::deep_check},
                                             {Key::recover_timeout, Script::recover}};
    for (const auto& [key, which] : limits) {
        if (!given_.has(key)) limit(which) = defaults.limit(d.tag, which);
    }
    // LifeKeeper for Windows: the quick interval once, the deep one twice.
    if (derived && !given_.has(Key::quick_check_timeout))
        limit(Script::quick_check) = d.quick_interval;
    else
        judge_limit(Script::quick_check, Key::quick_check_timeout, Key::quick_interval, d.quick_interval);
    if (derived && !given_.has(Key::deep_check_timeout))
        limit(Script::deep_check) = 2 * d.deep_interval;
    else
        judge_limit(Script::deep_check, Key::deep_check_timeout, Key::deep_interval, d.deep_interval);
}

void DefinitionReader::judge_limit(Script check, Key limit, Key interval, Duration period) {
    const Duration most = definition_.limit(check);
    if (!definition_.has(check) || period == Duration{} || most <= period) return;
    const auto seconds = [](Duration d) { return std::chrono::duration_cast<std::chrono::seconds>(d).count(); };
    warn(given_.has(limit) ? limit : interval,
         fmt::format("the time limit of {}, {} s, is longer than its interval, {} s", text_of(check), seconds(most), seconds(period)));
}

void DefinitionReader::settle_cmdline() {
    Definition& d = definition_;
    if (!given_.has(Key::timeout)) limit(Script::start) = std::chrono::seconds(300);
    limit(Script::stop) = limit(Script::start);
    if (!given_.has(Key::check_timeout)) limit(Script::check) = limit(Script::start);
    d.flags.null_detector = null_detector_.value_or(!given_.has(Key::check));
    if (d.flags.null_detector) return settle_null_detector();
    if (!given_.has(Key::check)) {
        const auto [line, column] = given_.place(Key::null_detector);
        diagnostics_.error(line, column, "NULLDETECTOR: No needs check");
    }
    if (limit(Script::start) <= check_tick)
        warn(Key::timeout, "one Check at most says within it that Start or Stop was well: there are 10 s between two");
    if (d.flags.lie_offline && d.has(Script::stop)) warn(Key::lie_offline, "no effect with stop");
    if (d.flags.standby_capable && !d.flags.all_exit_codes) warn(Key::standby_capable, "check cannot say Standby without ALLEXITCODES");
    if (d.recover_limit && !d.flags.auto_recover) warn(Key::recover_limit, "no effect without AUTORECOVER");
}

// Nothing looks, so nothing that a look would lead to can be on.
void DefinitionReader::settle_null_detector() {
    Definition& d = definition_;
    const std::pair<Key, bool> others[] = {
        {Key::all_exit_codes, d.flags.all_exit_codes},
        {Key::lie_offline, d.flags.lie_offline},
        {Key::cluster_exclusive, d.flags.cluster_exclusive},
        {Key::auto_recover, d.flags.auto_recover},
        {Key::monitor_only, d.flags.monitor_only},
        {Key::standby_capable, d.flags.standby_capable},
        {Key::realtime, d.flags.realtime},
    };
    const auto* const without = given_.has(Key::null_detector) ? "no effect with NULLDETECTOR" : "no effect without check";
    for (const auto& [key, on] : others) {
        if (on) useless(key, without);
    }
    for (const Key key : {Key::check, Key::check_timeout, Key::check_failures, Key::recover_limit}) useless(key, without);
    d.scripts[index_of(Script::check)] = {};
    d.flags = {.null_detector = true, .auto_recover = false};
}

void DefinitionReader::judge_useless() {
    const auto useless_without = [this](Script script, std::initializer_list<Key> keys) {
        if (given_.has(key_of(script))) return;
        for (const Key key : keys) useless(key, fmt::format("no effect without {}", text_of(script)));
    };
    if (definition_.kind == ResourceKind::cmdline) return;
    useless_without(Script::quick_check, {Key::quick_interval, Key::quick_check_timeout});
    useless_without(Script::deep_check, {Key::deep_interval, Key::deep_check_timeout});
    useless_without(Script::recover, {Key::recover_timeout, Key::recover_limit});
    if (given_.has(Key::quick_check) || given_.has(Key::deep_check)) return;
    for (const Key key : {Key::check_limits, Key::on_check_timeout, Key::check_failures}) useless(key, "no effect without a check");
}

// The one section a definition has is named after its kind.
bool judge_sections(const Ini& ini, const Definition& line, Diagnostics& diagnostics) {
    const auto ours = text_of(line.kind),
               other = line.kind == ResourceKind::generic ? text_of(ResourceKind::cmdline) : text_of(ResourceKind::generic);
    const std::array known{ours};
    std::size_t first = 0;
    for (const IniSection& section : ini.sections) {
        if (section.name == ours && first == 0)
            first = section.line;
        else if (section.name == ours)
            diagnostics.error(section.line, 1, fmt::format("section {} again, first in line {}", ours, first));
        else if (section.name == other)
            diagnostics.error(section.line, 1,
                              fmt::format("section {}, but {} is {} in line {} of the pfile", other, line.tag, ours, line.line));
        else
            diagnostics.error(section.line, 1, [&] {
                return fmt::format("unknown section {}, {} expected{}", quoted(section.name), ours, did_you_mean(section.name, known));
            });
    }
    if (ini.sections.empty()) diagnostics.error(0, 0, fmt::format("section {} is missing", ours));
    return first != 0;
}

}  // namespace

ParsedDefinition parse_definition(std::string_view text, const Definition& line, const Defaults& defaults) {
    Diagnostics diagnostics;
    const Ini ini = parse_ini(text, diagnostics);
    const bool has_section = judge_sections(ini, line, diagnostics);
    DefinitionReader reader(line, diagnostics);
    for (const IniEntry& entry : ini.entries) {
        if (entry.section.empty())
            diagnostics.error(entry.line, 1, fmt::format("{}: key ahead of any section", shortened(entry.key)));
        else if (entry.section == text_of(line.kind))
            reader.read(entry);
    }
    reader.finish(defaults, has_section);
    return {reader.take(), reader.given(), diagnostics.take()};
}

}  // namespace banken
