// SPDX-License-Identifier: Apache-2.0
// The definition files of three resources and DEFAULTS_FILE, lines `%%` between them.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/definition_depends.hpp"
#include "common/definition_file.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace banken::fuzz {
namespace {

using std::chrono::seconds;

constexpr Range limits{0, 86400};  // deepCheck's may be twice as long when it is derived

std::string joined(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, ",")); }
std::string in_seconds(Duration time) { return std::to_string(std::chrono::duration_cast<seconds>(time).count()); }
std::string_view word_of(bool flag) { return flag ? "yes" : "NO"; }

std::string print_scripts(const Definition& d) {
    std::string text;
    for (std::size_t i = 0; i < resource_scripts; ++i) {
        const auto script = static_cast<ResourceScript>(i);
        if (!d.has(script)) continue;
        text += fmt::format("{}={}\n", text_of(script), d.script(script).text);
    }
    return text;
}

std::string print_generic(const Definition& d) {
    std::string text = fmt::format("quick_interval={}\ndeep_interval={}\non_check_timeout={}\n", in_seconds(d.quick_interval),
                                   in_seconds(d.deep_interval), d.check_timeout_is_bad ? "bad" : "good");
    for (const auto script : {ResourceScript::restore, ResourceScript::remove, ResourceScript::quick_check, ResourceScript::deep_check,
                              ResourceScript::recover}) {
        text += fmt::format("{}_timeout={}\n", text_of(script), in_seconds(d.limit(script)));
    }
    return text;
}

std::string print_cmdline(const Definition& d) {
    std::string text = fmt::format("TIMEOUT={}\ncheck_timeout={}\nNULLDETECTOR={}\n", in_seconds(d.limit(ResourceScript::start)),
                                   in_seconds(d.limit(ResourceScript::check)), word_of(d.flags.null_detector));
    const CmdlineFlags& flags = d.flags;
    text += fmt::format("ALLEXITCODES={}\nLIEOFFLINE={}\nCLUSTEREXCLUSIVE={}\nAUTORECOVER={}\n", word_of(flags.all_exit_codes),
                        word_of(flags.lie_offline), word_of(flags.cluster_exclusive), word_of(flags.auto_recover));
    return text + fmt::format("MONITORONLY={}\nSTANDBYCAPABLE={}\nREALTIME={}\n", word_of(flags.monitor_only),
                              word_of(flags.standby_capable), word_of(flags.realtime));
}

std::string print(const Definition& d) {
    constexpr std::array initial{"last", "restore", "none"}, on_failure{"continue", "exit", "shutdown"};
    std::string text = fmt::format("[{}]\n{}", text_of(d.kind), print_scripts(d));
    text += d.kind == ResourceKind::generic ? print_generic(d) : print_cmdline(d);
    text += fmt::format("initial={}\non_failure={}\ncheck_failures={}\nremove_failure={}\ncopy={}\nid={}\n",
                        initial[static_cast<std::size_t>(d.initial)], on_failure[static_cast<std::size_t>(d.on_failure)], d.check_failures,
                        d.stay_when_not_removed ? "stay" : "continue", word_of(d.copy), d.id);
    if (d.recover_limit) text += fmt::format("recover_limit={}/{}\n", d.recover_limit->count, in_seconds(d.recover_limit->period));
    if (!d.depends.empty()) text += fmt::format("depends={}\n", joined(d.depends));
    if (!d.events.empty()) text += fmt::format("events={}\n", joined(d.events));
    if (!d.info.empty()) text += fmt::format("info={}\n", d.info);
    return text;
}

void print_and_read(const Definition& definition, const Definition& line) {
    const std::string printed = print(definition);
    const ParsedDefinition again = parse_definition(printed, line, {});
    if (!again.good()) require(false, "a printed definition is read", text_of(again.diagnostics.front(), printed));
    require(again.definition == definition, "the same definition after printing and reading", printed);
}

void judge(const Definition& d) {
    using Script = ResourceScript;
    const bool generic = d.kind == ResourceKind::generic;
    require(d.has(Script::restore) == generic && d.has(Script::remove) == generic && d.has(Script::start) == !generic, "what is required");
    require(generic || d.flags.null_detector == !d.has(Script::check), "no Check, and only then NULLDETECTOR");
    const CmdlineFlags alone{.null_detector = true, .auto_recover = false};
    require(!d.flags.null_detector || d.flags == alone, "no other flag with NULLDETECTOR");
    require(generic || d.limit(Script::start) > Duration{}, "a time limit of Start");
    for (const Duration limit : d.limits)
        require(limit >= Duration{} && limit <= seconds(2 * limits.max), "a limit that can be reckoned with");
    require(std::ranges::all_of(d.depends, [](const std::string& tag) { return tag_of(tag).has_value(); }), "depends names tags");
}

// Whether all come up when again and again those go whose children are up.
bool all_come_up(std::vector<Definition> resources) {
    const auto depends_on = [](const Definition& parent, const Definition& child) {
        return std::ranges::find(parent.depends, child.tag) != parent.depends.end();
    };
    while (!resources.empty()) {
        const auto up = std::ranges::find_if(resources, [&](const Definition& one) {
            return std::ranges::none_of(resources, [&](const Definition& other) { return depends_on(one, other); });
        });
        if (up == resources.end()) return false;
        resources.erase(up);
    }
    return true;
}

}  // namespace

const bool repeatable = true;

void test_one(std::string_view input) {
    const auto texts = parts(input, 4);
    std::vector<Definition> lines(3), resources;
    lines[0].tag = "web-1";
    lines[1].tag = "db";
    lines[1].kind = ResourceKind::cmdline;
    lines[2].tag = "fs/data";
    const ParsedDefaults defaults = parse_defaults(texts[3], lines);
    require_diagnostics(defaults.diagnostics, texts[3]);
    for (const auto& [name, limit] : defaults.defaults.limits) require(limit <= seconds(limits.max), "a limit in range", name);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const ParsedDefinition parsed = parse_definition(texts[i], lines[i], defaults.defaults);
        require_diagnostics(parsed.diagnostics, texts[i]);
        if (!parsed.good()) continue;
        judge(parsed.definition);
        if (parsed.definition.limit(ResourceScript::deep_check) <= seconds(limits.max)) print_and_read(parsed.definition, lines[i]);
        resources.push_back(parsed.definition);
    }
    const auto errors = check_depends(resources);
    for (const DependsError& error : errors) {
        require(error.resource < resources.size(), "one of the resources");
        require_printable(error.text);
    }
    require(!errors.empty() || all_come_up(resources), "resources without a mistake have no circle");
}

}  // namespace banken::fuzz
