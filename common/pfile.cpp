// SPDX-License-Identifier: Apache-2.0
#include "common/pfile.hpp"

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "common/pfile_after.hpp"
#include "common/pfile_param.hpp"
#include "common/pfile_pent.hpp"
#include "common/pfile_resource.hpp"
#include "common/pfile_text.hpp"
#include "common/segment_records.hpp"

namespace banken {
namespace {

constexpr std::string_view too_large = "file is larger than 16 MiB";

constexpr std::uint64_t most(ParamKey key) { return rule_of(key).value.range.max; }

std::string unsortable(const PfileLine& line) {
    const auto hint = did_you_mean(line.first_word(), names_of(param_rules));
    return fmt::format("{} is neither a PARAM key nor a PENT line (name:script:grace:retries:action){}", quoted(line.text), hint);
}

void judge_after(const std::vector<Pent>& pents, const PentReader& reader, Diagnostics& diagnostics) {
    for (const AfterError& error : check_after(pents)) {
        const Pent& pent = pents[error.pent];
        diagnostics.error(pent.line, reader.given()[error.pent].column(PentOption::after),
                          fmt::format("{}, after: {}", shortened(pent.name), error.text));
    }
}

// The values of a group are those of its first member; one that says something else is not heard.
void lint_groups(const std::vector<Pent>& pents, Diagnostics& diagnostics) {
    std::unordered_map<std::string_view, const Pent*> firsts;
    for (const Pent& pent : pents) {
        if (pent.group.empty()) continue;
        const Pent& first = *firsts.try_emplace(pent.group, &pent).first->second;
        const auto values = [](const Pent& p) { return std::tie(p.grace, p.retries, p.action, p.delay, p.delay_max, p.stable); };
        if (values(pent) == values(first)) continue;
        diagnostics.warning(pent.line, 0,
                            fmt::format("{}: grace, retries, action, delay and stable of group {} are those of {} in line {}",
                                        shortened(pent.name), pent.group, shortened(first.name), first.line));
    }
}

// What is not wrong, but hardly meant (spec/pfile.md, warnings); what the text alone does not tell is the linter's.
void lint(const Pfile& pfile, Diagnostics& diagnostics) {
    const bool unlimited = std::any_of(pfile.pents.begin(), pfile.pents.end(),
                                       [](const Pent& pent) { return !pent.script.none() && pent.script_timeout == Duration{}; });
    if (pfile.pents.empty() && pfile.resources.empty()) diagnostics.warning(0, 0, "no PENT line: nothing is watched");
    if (unlimited && pfile.param.script_timeout == Duration{}) {
        diagnostics.warning(0, 0, "no SCRIPT_TIMEOUT: a restart script that hangs is never ended");
    }
    lint_groups(pfile.pents, diagnostics);
}

}  // namespace

ParsedPfile parse_pfile(std::string_view text) {
    Diagnostics diagnostics;
    if (text.size() > pfile_max_bytes) {
        diagnostics.error(0, 0, too_large);
        return {{}, {}, diagnostics.take()};
    }
    ParamReader param(diagnostics);
    PentReader pents(diagnostics);
    ResourceReader resources(diagnostics);
    PfileLines lines(text);
    while (const auto line = lines.next()) {
        if (!line->problem.empty()) {
            diagnostics.error(line->number, line->problem_column, line->problem);
            param.skip(*line);
            continue;
        }
        if (!line->meant.empty()) {
            diagnostics.warning(line->number, line->column,
                                fmt::format("{} is a comment, did you mean ##### {} #####?", quoted(line->text), line->meant));
            continue;
        }
        switch (line->section) {
            case PfileSection::none: diagnostics.error(line->number, line->column, [&line] { return unsortable(*line); }); break;
            case PfileSection::param: param.read(*line); break;
            case PfileSection::pent: pents.read(*line); break;
            case PfileSection::resource: resources.read(*line); break;
        }
    }
    Pfile pfile;
    pfile.param = param.finish();
    pfile.pents = pents.finish(pfile.param);
    pfile.resources = resources.finish(pfile.pents);
    judge_after(pfile.pents, pents, diagnostics);
    lint(pfile, diagnostics);
    return {std::move(pfile), pents.take_given(), diagnostics.take(), resources.take_columns()};
}

// A segment may say anything: what no pfile can say is cut where it is reckoned with.
Result<Pent> parse_pent(std::string_view line, const ParamRecord& defaults) {
    Diagnostics diagnostics;
    PentReader reader(diagnostics);
    PfileLine text;
    text.number = 1;
    text.text = trimmed(line);
    reader.read(text);
    Param param;
    param.confirm_wait = defaults.confirm_wait;
    param.detect_event = defaults.detect_event;
    param.monitor_interval =
        std::clamp(defaults.monitor_interval, Duration{}, Duration(std::chrono::seconds(most(ParamKey::monitor_interval))));
    param.monitor_try_count = std::min(defaults.monitor_try_count, static_cast<unsigned>(most(ParamKey::monitor_try_count)));
    param.script_timeout = defaults.script_timeout;
    auto pents = reader.finish(param);
    for (const Diagnostic& diagnostic : diagnostics.take()) {
        if (diagnostic.severity == Diagnostic::Severity::error) return fail("{}", diagnostic.text);
    }
    pents.front().line = 0;
    return std::move(pents.front());
}

// A control character is in none of the fields, so it keeps them apart.
std::string Pent::identity() const {
    if (!label && args.empty() && exe.empty() && user.empty() && cgroup.empty() && !any_pid_namespace && pidfile.empty()) return name;
    return fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}", name, label, args, exe, user, cgroup, any_pid_namespace, pidfile);
}

bool ParsedPfile::good() const { return banken::good(diagnostics); }

Result<std::uint32_t> ipc_key_of(std::string_view text) {
    if (text.size() > pfile_max_bytes) return fail("{}", too_large);
    constexpr auto& rule = param_rules[static_cast<std::size_t>(ParamKey::ipckey)];
    std::optional<std::uint32_t> key;
    PfileLines lines(text);
    while (const auto line = lines.next()) {
        const bool may_be_param = line->section == PfileSection::param || line->section == PfileSection::none;
        if (!may_be_param || line->first_word() != rule.name) continue;
        const auto place = fmt::format("line {}: {}", line->number, rule.name);
        if (!line->problem.empty()) return fail("{}: {}", place, line->problem);
        if (key) return fail("{}: duplicate key", place);
        const auto [column, value] = param_value(*line, rule.value);
        if (!value) return Failure(value.error().in(place));
        key = static_cast<std::uint32_t>(value->number);
    }
    if (!key) return fail("{} is missing", rule.name);
    return *key;
}

}  // namespace banken
