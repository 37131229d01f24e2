// SPDX-License-Identifier: Apache-2.0
#include "tests/fake/resource_trees.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "tests/fake/resource_world.hpp"

namespace banken::core {
namespace {

using std::chrono::seconds;
using Script = ResourceScript;

constexpr std::array limits{Duration{}, Duration(seconds(5)), Duration(seconds(20)), Duration(seconds(60))};
constexpr std::array intervals{Duration{}, Duration(seconds(7)), Duration(seconds(30))};
constexpr std::string_view tags = "abcdef";

Duration& limit(Definition& definition, Script script) { return definition.limits[static_cast<std::size_t>(script)]; }

}  // namespace

RandomTree::RandomTree(Random& random) : random_(random) {
    const std::size_t count = 1 + random_.below(tags.size());
    for (std::size_t i = 0; i < count; ++i) definitions_.push_back(resource(tags[i]));
    settle();
}

Definition RandomTree::resource(char tag) {
    Definition definition = random_.chance(50) ? generic(std::string(1, tag)) : cmdline(std::string(1, tag));
    for (const char child : tags) {
        if (child > tag && random_.chance(35)) definition.depends.emplace_back(1, child);
    }
    constexpr std::array initial{InitialState::last, InitialState::last, InitialState::restore, InitialState::none};
    constexpr std::array on_failure{OnFailure::continue_, OnFailure::continue_, OnFailure::continue_, OnFailure::exit, OnFailure::shutdown};
    definition.initial = random_.among(initial);
    definition.on_failure = random_.among(on_failure);
    definition.stay_when_not_removed = random_.chance(40);
    definition.check_failures = 1 + static_cast<unsigned>(random_.below(2));
    if (random_.chance(40)) definition.recover_limit = RecoverLimit{1 + static_cast<unsigned>(random_.below(2)), seconds(200)};
    if (random_.chance(30)) definition.events = {"disk/full"};
    if (definition.kind == ResourceKind::generic)
        fill_generic(definition);
    else
        fill_cmdline(definition);
    return definition;
}

void RandomTree::fill_generic(Definition& definition) {
    for (const Script script : {Script::quick_check, Script::deep_check, Script::recover}) {
        if (random_.chance(20)) definition = without(definition, script);
    }
    for (std::size_t i = 0; i <= static_cast<std::size_t>(Script::recover); ++i) definition.limits[i] = random_.among(limits);
    definition.quick_interval = random_.among(intervals);
    definition.deep_interval = 2 * random_.among(intervals);
    definition.check_timeout_is_bad = random_.chance(30);
}

void RandomTree::fill_cmdline(Definition& definition) {
    CmdlineFlags& flags = definition.flags;
    if (random_.chance(20)) definition = without(definition, Script::stop);
    const Duration timeout = seconds(20 + random_.below(40));
    for (const Script script : {Script::start, Script::stop, Script::check}) limit(definition, script) = timeout;
    if (random_.chance(30)) limit(definition, Script::check) = seconds(5);
    if (random_.chance(20)) {
        definition = without(definition, Script::check);
        flags = CmdlineFlags{.null_detector = true, .auto_recover = false};
        return;
    }
    flags.lie_offline = random_.chance(20);
    flags.auto_recover = random_.chance(70);
    flags.monitor_only = random_.chance(15);
    flags.standby_capable = random_.chance(50);
    flags.all_exit_codes = random_.chance(flags.standby_capable ? 90 : 40);
}

// No child that is not there.
void RandomTree::settle() {
    for (Definition& definition : definitions_) {
        std::erase_if(definition.depends, [this](const std::string& tag) {
            return std::ranges::find(definitions_, tag, &Definition::tag) == definitions_.end();
        });
    }
}

char RandomTree::some_tag() { return tags[random_.below(tags.size())]; }

void RandomTree::edit(char tag) {
    const std::size_t what = random_.below(4);
    const auto found = std::ranges::find(definitions_, std::string(1, tag), &Definition::tag);
    if (found == definitions_.end()) {
        definitions_.insert(definitions_.begin() + static_cast<std::ptrdiff_t>(random_.below(definitions_.size() + 1)), resource(tag));
    } else if (what == 0 && definitions_.size() > 1) {
        definitions_.erase(found);
    } else if (what == 1) {
        *found = resource(tag);
    } else {
        Definition changed = resource(tag);
        if (changed.kind == found->kind)
            *found = changed;
        else
            found->depends = changed.depends;
    }
    settle();
}

std::string RandomTree::text() const {
    std::string text;
    for (const Definition& one : definitions_) {
        const CmdlineFlags& flags = one.flags;
        text += fmt::format("{} {} depends={} initial={} on_failure={} stay={} check_failures={} recover_limit={}", one.tag,
                            text_of(one.kind), fmt::join(one.depends, ","), static_cast<int>(one.initial), static_cast<int>(one.on_failure),
                            one.stay_when_not_removed, one.check_failures, one.recover_limit ? one.recover_limit->count : 0);
        for (std::size_t i = 0; i < resource_scripts; ++i) {
            if (one.has(static_cast<Script>(i)))
                text += fmt::format(" {}/{}", text_of(static_cast<Script>(i)), one.limits[i].count() / 1000000000);
        }
        text += fmt::format(" null={} all={} lie={} auto={} monitor={} standby={}\n  ", flags.null_detector, flags.all_exit_codes,
                            flags.lie_offline, flags.auto_recover, flags.monitor_only, flags.standby_capable);
    }
    return text;
}

}  // namespace banken::core
