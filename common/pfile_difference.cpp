// SPDX-License-Identifier: Apache-2.0
#include "common/pfile_difference.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "common/exit_status.hpp"
#include "common/schema.hpp"
#include "common/text.hpp"

namespace banken {
namespace {

constexpr std::string_view off = "off";

std::string seconds(Duration duration) { return fmt::format("{}", std::chrono::duration<double>(duration).count()); }
std::string seconds_or_off(Duration duration) { return duration == Duration{} ? std::string(off) : seconds(duration); }
std::string text_or_off(const std::string& text) { return text.empty() ? std::string(off) : text; }
std::string number_or_off(const std::optional<unsigned>& number) { return number ? std::to_string(*number) : std::string(off); }

template <class List>
std::string joined(const List& list) {
    return list.empty() ? std::string(off) : fmt::format("{}", fmt::join(list, ","));
}

std::string text_of_bytes(std::uint64_t bytes) {
    std::string_view unit;
    for (const std::string_view next : {"K", "M", "G"}) {
        if (bytes % 1024 != 0) break;
        bytes /= 1024;
        unit = next;
    }
    return fmt::format("{}{}", bytes, unit);
}

std::string text_of_limit(const std::optional<Limit>& limit, std::string (*value)(std::uint64_t)) {
    return limit ? fmt::format("{}/{}", value(limit->value), seconds(limit->lasting)) : std::string(off);
}

std::string text_of_stop(const StopRule& rule) {
    return fmt::format("{}/{}", rule.script.none() ? signal_name(rule.signal) : rule.script.text, seconds(rule.limit));
}

// With what it means on this host: that may change while the name stays.
std::string text_of_run_as(const Pent& pent) {
    if (!pent.runner) return text_or_off(pent.run_as);
    return fmt::format("{} (uid {}, gid {}, groups {})", pent.run_as, pent.runner->uid, pent.runner->gid, joined(pent.runner->groups));
}

std::string text_of_output(const Param& param) {
    switch (param.script_output) {
        case ScriptOutput::inherit: return "inherit";
        case ScriptOutput::null: return "null";
        case ScriptOutput::file: break;
    }
    return param.script_output_file;
}

void add_pacing(std::vector<FieldText>& fields, const Pent& pent) {
    const auto growing = pent.delay_max == Duration{} ? std::string() : "-" + seconds(pent.delay_max);
    fields.push_back({"group", text_or_off(pent.group)});
    fields.push_back({"after", joined(pent.after)});
    fields.push_back({"confirm", seconds(pent.confirm) + (pent.confirm_always ? "/always" : "")});
    fields.push_back({"delay", seconds(pent.delay) + growing});
    fields.push_back({"stable", seconds(pent.stable)});
    fields.push_back({"script_timeout", seconds(pent.script_timeout)});
    fields.push_back({"start_timeout", seconds(pent.start_timeout)});
    fields.push_back({"success_exit", joined(pent.success_exit)});
    fields.push_back({"run_as", text_of_run_as(pent)});
}

void add_health(std::vector<FieldText>& fields, const Pent& pent) {
    const auto path = pent.heartbeat_path.empty() ? std::string() : "," + pent.heartbeat_path;
    fields.push_back({"check", text_or_off(pent.check.text)});
    fields.push_back({"check_interval", seconds(pent.check_interval)});
    fields.push_back({"check_timeout", seconds(pent.check_timeout)});
    fields.push_back({"check_failures", std::to_string(pent.check_failures)});
    fields.push_back({"heartbeat", seconds_or_off(pent.heartbeat) + path});
    fields.push_back({"hung", seconds_or_off(pent.hung)});
    fields.push_back({"cpu", text_of_limit(pent.cpu, [](std::uint64_t permille) { return fmt::format("{}%", permille / 10); })});
    fields.push_back({"rss", text_of_limit(pent.rss, text_of_bytes)});
    fields.push_back({"fds", text_of_limit(pent.fds, [](std::uint64_t count) { return std::to_string(count); })});
    fields.push_back({"on_limit", pent.limit_restarts ? "restart" : "alert"});
    fields.push_back({"stop", text_of_stop(pent.stop)});
    fields.push_back({"monitor", pent.monitor ? "on" : "off"});
    fields.push_back({"events", joined(pent.events)});
}

// Both lists have the same names in the same order.
std::vector<FieldChange> changes_of(const std::vector<FieldText>& before, const std::vector<FieldText>& after) {
    std::vector<FieldChange> changes;
    for (std::size_t i = 0; i < before.size(); ++i) {
        if (before[i] != after[i]) changes.push_back({after[i].name, before[i].text, after[i].text});
    }
    return changes;
}

struct Member {
    std::string identity, name;

    friend bool operator==(const Member&, const Member&) = default;
};
using Groups = std::unordered_map<std::string, std::vector<Member>>;

// And their names in the order of the file, added to those in `order`.
Groups groups_of(const Pfile& pfile, std::vector<std::string>& order) {
    Groups groups;
    for (const Pent& pent : pfile.pents) {
        if (pent.group.empty()) continue;
        auto& members = groups[pent.group];
        if (members.empty()) order.push_back(pent.group);
        members.push_back({pent.identity(), pent.name});
    }
    return groups;
}

std::vector<std::string> names_of_members(const std::vector<Member>& members) {
    std::vector<std::string> names;
    names.reserve(members.size());
    for (const Member& member : members) names.push_back(member.name);
    return names;
}

std::vector<GroupDifference> compare_groups(const Pfile& before, const Pfile& after) {
    std::vector<std::string> order;
    Groups new_groups = groups_of(after, order), old_groups = groups_of(before, order);
    std::vector<GroupDifference> differences;
    std::unordered_set<std::string> seen;
    for (const std::string& group : order) {
        if (!seen.insert(group).second) continue;
        const auto &was = old_groups[group], &is = new_groups[group];
        if (was != is) differences.push_back({group, names_of_members(was), names_of_members(is)});
    }
    return differences;
}

std::string line_of(const EntryDifference& entry, const Pfile& before, const Pfile& after) {
    if (entry.removed())
        return fmt::format("removed: {} (was line {})", printable(before.pents[*entry.before].name), before.pents[*entry.before].line);
    const Pent& pent = after.pents[*entry.after];
    std::string line = fmt::format("{}: {} (line {})", entry.added() ? "added" : "changed", printable(pent.name), pent.line);
    for (const FieldChange& change : entry.changes) {
        line += fmt::format("{}{} {} -> {}", &change == &entry.changes.front() ? ": " : ", ", change.name, printable(change.from),
                            printable(change.to));
    }
    return line;
}

std::string_view word_of(ResourceDifference::Kind kind) {
    switch (kind) {
        case ResourceDifference::Kind::added: return "added";
        case ResourceDifference::Kind::removed: return "removed";
        case ResourceDifference::Kind::changed: return "changed";
        case ResourceDifference::Kind::same: break;
    }
    return "same";
}

std::string members(const std::vector<std::string>& names) {
    return names.empty() ? std::string("none") : printable(fmt::format("{}", fmt::join(names, ", ")));
}

}  // namespace

std::vector<FieldText> fields_of(const Pent& pent) {
    std::vector<FieldText> fields;
    fields.push_back({"script", pent.script.text});
    fields.push_back({"grace", seconds(pent.grace)});
    fields.push_back({"retries", pent.retries ? std::to_string(*pent.retries) : "unlimited"});
    fields.push_back({"action", std::string(text_of(pent.action))});
    fields.push_back({"min", number_or_off(pent.min)});
    fields.push_back({"max", number_or_off(pent.max)});
    add_pacing(fields, pent);
    add_health(fields, pent);
    fields.push_back(
        {"user", pent.uid ? fmt::format("{} (uid {})", pent.user, *pent.uid) : text_or_off(pent.user)});  // only the uid can differ
    return fields;
}

std::vector<FieldText> keys_of(const Param& param) {
    std::vector<FieldText> keys;
    const auto add = [&keys](ParamKey key, std::string text) {
        keys.push_back({param_rules[static_cast<std::size_t>(key)].name, std::move(text)});
    };
    add(ParamKey::ipckey, fmt::format("{:#010x}", param.ipc_key));
    add(ParamKey::msg_check_interval, seconds(param.msg_check_interval));
    add(ParamKey::monitor_interval, seconds(param.monitor_interval));
    add(ParamKey::monitor_try_count, std::to_string(param.monitor_try_count));
    add(ParamKey::shm_dump_file, param.shm_dump_file);
    add(ParamKey::detect, param.detect_event ? "event" : "poll");
    add(ParamKey::confirm_wait, seconds(param.confirm_wait));
    add(ParamKey::script_timeout, seconds(param.script_timeout));
    add(ParamKey::script_kill_wait, seconds(param.script_kill_wait));
    add(ParamKey::script_parallel, std::to_string(param.script_parallel));
    add(ParamKey::script_output, text_of_output(param));
    add(ParamKey::script_env, param.script_env_clean ? "clean" : "inherit");
    add(ParamKey::script_check, param.script_check_strict ? "strict" : "off");
    add(ParamKey::remind_interval, seconds(param.remind_interval));
    add(ParamKey::state_group, text_or_off(param.state_group));
    add(ParamKey::events_dir, text_or_off(param.events_dir));
    add(ParamKey::defaults_file, text_or_off(param.defaults_file));
    add(ParamKey::history_size, std::to_string(param.history_size));
    return keys;
}

std::vector<ResourceDifference> compare_resources(const Pfile& before, const Pfile& after) {
    using Kind = ResourceDifference::Kind;
    const auto find = [](const Pfile& pfile, const Definition& wanted) {
        return std::ranges::find_if(pfile.resources,
                                    [&](const Definition& one) { return one.tag == wanted.tag && one.kind == wanted.kind; });
    };
    std::vector<ResourceDifference> differences;
    for (const Definition& now : after.resources) {
        const auto was = find(before, now);
        Kind kind = Kind::added;
        if (was != before.resources.end()) {
            Definition moved = *was;
            moved.line = now.line;
            moved.file = now.file;
            kind = moved == now ? Kind::same : Kind::changed;
        }
        differences.push_back({now.tag, kind});
    }
    for (const Definition& was : before.resources) {
        if (find(after, was) == after.resources.end()) differences.push_back({was.tag, Kind::removed});
    }
    return differences;
}

bool PfileDifference::none() const {
    return params.empty() && groups.empty() && !reordered &&
           std::ranges::all_of(resources, [](const auto& r) { return r.kind == ResourceDifference::Kind::same; }) &&
           std::all_of(entries.begin(), entries.end(), [](const auto& e) { return e.same(); });
}

PfileDifference difference(const Pfile& before, const Pfile& after) {
    PfileDifference result;
    result.params = changes_of(keys_of(before.param), keys_of(after.param));
    result.groups = compare_groups(before, after);
    result.resources = compare_resources(before, after);
    std::unordered_map<std::string, std::size_t> places;
    for (std::size_t i = 0; i < before.pents.size(); ++i) places.emplace(before.pents[i].identity(), i);
    std::vector<bool> stays(before.pents.size());
    std::size_t last = 0;
    for (std::size_t i = 0; i < after.pents.size(); ++i) {
        EntryDifference entry;
        entry.after = i;
        if (const auto known = places.find(after.pents[i].identity()); known != places.end()) {
            entry.before = known->second;
            entry.changes = changes_of(fields_of(before.pents[known->second]), fields_of(after.pents[i]));
            stays[known->second] = true;
            result.reordered |= known->second < last;
            last = std::max(last, known->second);
        }
        result.entries.push_back(std::move(entry));
    }
    for (std::size_t i = 0; i < stays.size(); ++i) {
        if (!stays[i]) result.entries.push_back({i, std::nullopt, {}});
    }
    return result;
}

std::string text_of(const PfileDifference& difference, const Pfile& before, const Pfile& after) {
    std::string text;
    for (const FieldChange& change : difference.params) {
        text += fmt::format("PARAM {}: {} -> {}\n", change.name, printable(change.from), printable(change.to));
    }
    std::size_t added = 0, removed = 0, changed = 0, same = 0;
    for (const EntryDifference& entry : difference.entries) {
        ++(entry.added() ? added : entry.removed() ? removed : entry.changed() ? changed : same);
        if (!entry.same()) text += line_of(entry, before, after) + "\n";
    }
    for (const ResourceDifference& resource : difference.resources) {
        using Kind = ResourceDifference::Kind;
        ++(resource.kind == Kind::added     ? added
           : resource.kind == Kind::removed ? removed
           : resource.kind == Kind::changed ? changed
                                            : same);
        if (resource.kind != Kind::same) text += fmt::format("{}: resource {}\n", word_of(resource.kind), resource.tag);
    }
    for (const GroupDifference& group : difference.groups) {
        text += fmt::format("group {}: {} -> {}\n", group.group, members(group.before), members(group.after));
    }
    if (difference.reordered) text += "the order of the entries changes, and so do their ids\n";
    return text + fmt::format("{} added, {} removed, {} changed, {} unchanged\n", added, removed, changed, same);
}

}  // namespace banken
