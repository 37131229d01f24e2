// SPDX-License-Identifier: Apache-2.0
#include "padmin/reading.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "common/order.hpp"
#include "common/sys/clock.hpp"
#include "common/sys/file.hpp"
#include "common/sys/identity.hpp"
#include "common/sys/order_channel.hpp"
#include "common/text.hpp"
#include "padmin/answer.hpp"
#include "padmin/findings.hpp"
#include "padmin/match.hpp"
#include "padmin/render_json.hpp"
#include "padmin/render_text.hpp"
#include "padmin/resource_words.hpp"
#include "padmin/words.hpp"

namespace banken {
namespace {

enum class What { param, pent, resource, group, trace, all, capabilities, explain, match, wait };

// What may follow the words of an order.
struct Grammar {
    std::string_view words;
    What what;
    std::size_t least, most;  // words behind them
    std::string_view usage;
};
constexpr std::array grammar{
    Grammar{"show param", What::param, 0, 0, "show param"},
    Grammar{"show pent", What::pent, 0, 1, "show pent [NAME|ID]"},
    Grammar{"show resource", What::resource, 0, 1, "show resource [TAG]"},
    Grammar{"show group", What::group, 0, 1, "show group [GROUP]"},
    Grammar{"show trace", What::trace, 0, 1, "show trace [NAME|ID|TAG] [-n N]"},
    Grammar{"show all", What::all, 0, 0, "show all"},
    Grammar{"show capabilities", What::capabilities, 0, 0, "show capabilities"},
    Grammar{"explain", What::explain, 1, 1, "explain NAME|ID|TAG"},
    Grammar{"match", What::match, 1, 1, "match NAME|ID"},
    Grammar{"wait", What::wait, 2, 2, "wait NAME|ID|TAG STATE [--wait SECONDS]"},
};
constexpr std::size_t default_traces = 50;
constexpr Duration between_looks = std::chrono::milliseconds(50), longest_start = std::chrono::seconds(1);

struct Asked {
    What what{};
    std::vector<std::string> words;  // behind those of the order
};

Outcome<Asked> parse(const std::vector<std::string>& words) {
    const auto usage = [](std::string text) { return tl::unexpected(Refusal{ExitCode::usage, std::move(text)}); };
    const std::size_t own = words.front() == "show" ? 2 : 1;
    std::string order = words.front();
    if (own == 2 && words.size() > 1) order += " " + words[1];
    const auto rule = std::ranges::find(grammar, order, &Grammar::words);
    if (rule == grammar.end()) {
        std::vector<std::string_view> known;
        for (const Grammar& one : grammar)
            if (one.words.starts_with("show ")) known.push_back(one.words.substr(5));
        if (words.size() < 2) return usage(fmt::format("show what? {}", fmt::join(known, ", ")));
        return usage(fmt::format("show what? {} is none of {}{}", quoted(words[1]), fmt::join(known, ", "), did_you_mean(words[1], known)));
    }
    const std::size_t count = words.size() - own;
    if (count > rule->most) return usage(fmt::format("{}: {} is too much", rule->words, quoted(words[own + rule->most])));
    if (count < rule->least) return usage(fmt::format("usage: {}", rule->usage));
    return Asked{rule->what, {words.begin() + static_cast<std::ptrdiff_t>(own), words.end()}};
}

// A pcheck that has just made its segment tells its entries some milliseconds later: until then nobody could say that there is no such entry.
Outcome<View> find_view(const PadminOptions& options, Traces traces) {
    if (!options.dump.empty()) return read_dump(options.dump, traces);
    auto target = find_target(options, traces);
    for (const Instant begun = sys::read_instant(); target && target->view.header.life == Life::starting;) {
        if (sys::read_instant() - begun >= longest_start) break;
        sys::sleep_for(between_looks);
        target = find_by_key(target->view.key, traces);
    }
    if (!target) return tl::unexpected(target.error());
    return std::move(target->view);
}

Traces traces_for(What what) { return what == What::trace ? Traces::all : Traces::none; }

// The one entry that is meant.
Outcome<const EntryRecord*> one_entry(const View& view, const std::string& target) {
    const auto entries = entries_of(view, target);
    if (entries.empty()) return tl::unexpected(Refusal{ExitCode::no_such_entry, no_entry_words(view, target)});
    if (entries.size() == 1) return entries.front();
    std::string ids;
    for (const EntryRecord* entry : entries) ids += fmt::format("{}{}", ids.empty() ? "" : ", ", entry->pent_id);
    return tl::unexpected(
        Refusal{ExitCode::refused, fmt::format("{} is the name of several entries: say which by pent_id ({})", quoted(target), ids)});
}

// The worst of them (spec/padmin.md, -q).
int quiet_status(std::span<const EntryRecord* const> entries) {
    ExitCode worst = ExitCode::ok;
    for (const EntryRecord* entry : entries) {
        if (entry->state == EntryState::retry_over || entry->state == EntryState::hold) return number_of(ExitCode::given_up);
        if (entry->state != EntryState::avail) worst = ExitCode::down;
    }
    return number_of(worst);
}

int show_pent(const PadminOptions& options, const View& view, const std::string& target) {
    const auto entries = entries_of(view, target);
    if (entries.empty() && !target.empty()) {
        if (options.quiet) return number_of(ExitCode::no_such_entry);
        return refuse(ExitCode::no_such_entry, no_entry_words(view, target));
    }
    if (options.quiet) return quiet_status(entries);
    return print(options.json ? pent_json(view, entries) : pent_text(view, entries, options.verbose));
}

int show_resource(const PadminOptions& options, const View& view, const std::string& tag) {
    std::vector<const ResourceRecord*> resources;
    for (const ResourceRecord& resource : view.resources) {
        if (tag.empty() || resource.tag == tag) resources.push_back(&resource);
    }
    if (resources.empty() && !tag.empty()) {
        std::vector<std::string_view> tags;
        for (const ResourceRecord& resource : view.resources) tags.push_back(resource.tag);
        return refuse(ExitCode::no_such_entry, fmt::format("no resource {}{}", quoted(tag), printable(did_you_mean(tag, tags))));
    }
    return print(options.json ? resource_json(view, resources) : resource_text(view, resources, options.verbose));
}

int show_group(const PadminOptions& options, const View& view, const std::string& target) {
    auto groups = groups_of(view);
    if (!target.empty()) std::erase_if(groups, [&](const Group& group) { return group.name != target; });
    if (groups.empty() && !target.empty()) return refuse(ExitCode::no_such_entry, fmt::format("no such group: {}", printable(target)));
    return print(options.json ? group_json(view, groups) : group_text(view, groups));
}

int show_trace(const PadminOptions& options, const View& view, const std::string& target) {
    std::vector<TraceRecord> records = view.trace;
    if (const ResourceRecord* resource = resource_of(view, target)) {
        std::erase_if(records, [&](const TraceRecord& record) { return resource_of(view, record) != resource; });
    } else if (!target.empty()) {
        const auto entries = entries_of(view, target);
        if (entries.empty()) return refuse(ExitCode::no_such_entry, no_entry_words(view, target));
        std::erase_if(
            records, [&](const TraceRecord& record) { return std::ranges::find(entries, record.key, &EntryRecord::key) == entries.end(); });
    }
    const std::size_t shown = std::min(options.lines.value_or(default_traces), records.size());
    const std::span last = std::span(records).last(shown);
    return print(options.json ? trace_json(view, last) : trace_text(view, last));
}

int run_explain(const PadminOptions& options, const View& view, const std::string& target) {
    if (const ResourceRecord* resource = resource_of(view, target)) {
        const Findings findings = find_out(view, *resource);
        return print(options.json ? explain_json(view, *resource, findings) : text_of(explain(view, *resource, findings)));
    }
    const auto entry = one_entry(view, target);
    if (!entry) return refuse(entry.error());
    const auto pent = pent_of(view, **entry);
    const Findings findings = pent ? find_out(view, **entry, *pent) : Findings();
    return print(options.json ? explain_json(view, **entry, pent, findings) : text_of(explain(view, **entry, pent, findings)));
}

int run_match(const PadminOptions& options, const View& view, const std::string& target) {
    if (!options.dump.empty()) return refuse(ExitCode::usage, "match looks at what runs now: a dump has no processes");
    const auto entry = one_entry(view, target);
    if (!entry) return refuse(entry.error());
    auto pent = pent_of(view, **entry);
    if (!pent) return refuse(ExitCode::unavailable, pent.error().text);
    const auto snapshot = read_snapshot(view, *pent);
    if (!snapshot) return refuse(ExitCode::unavailable, snapshot.error().text);
    const Matching matching = judge_all(view, **entry, *pent, *snapshot);
    return print(options.json ? match_json(**entry, matching) : text_of(explain(**entry, matching)));
}

std::optional<EntryState> state_of(const std::string& word) {
    for (std::size_t i = 0; i < entry_states; ++i) {
        const auto state = static_cast<EntryState>(i);
        if (lower_case(word) == lower_case(text_of(state))) return state;
    }
    return {};
}

// Looks at the segment again and again: pcheck is not asked, so this works with any number of waiters, and beside a pcheck that is stopped.
// `look`: how it is instead, "crond is DOWN (delay)"; nothing: it is as wanted.
int wait_until(const PadminOptions& options, Outcome<View> view, std::string_view wanted,
               const std::function<Outcome<std::optional<std::string>>(const View&)>& look) {
    const Duration patience = options.wait.value_or(view->param.msg_check_interval + sys::OrderPatience::beyond_check_interval);
    const Instant begun = sys::read_instant();
    for (;;) {
        if (!view) return refuse(view.error());
        const auto found = look(*view);
        if (!found) return refuse(found.error());
        if (!*found) return number_of(ExitCode::ok);
        const Instant now = sys::read_instant();
        if (now - begun >= patience)
            return refuse(ExitCode::temp_fail, fmt::format("after {} {}, not {}", span_words(patience), **found, wanted));
        sys::sleep_for(std::min<Duration>(between_looks, patience - (now - begun)));
        auto target = find_by_key(view->key, Traces::none);
        view = target ? Outcome<View>(std::move(target->view)) : tl::unexpected(target.error());
    }
}

int wait_for_resource(const PadminOptions& options, Outcome<View> view, const std::vector<std::string>& words) {
    const auto wanted = resource_state_of(words[1]);
    if (!wanted) return refuse(ExitCode::usage, fmt::format("wait: {} is no state of a resource", quoted(words[1])));
    return wait_until(options, std::move(view), text_of(*wanted), [&](const View& now) -> Outcome<std::optional<std::string>> {
        const ResourceRecord* const resource = resource_of(now, words[0]);
        if (!resource) return tl::unexpected(Refusal{ExitCode::no_such_entry, no_entry_words(now, words[0])});
        if (resource->shown == *wanted) return std::nullopt;
        return fmt::format("{} is {} ({})", printable(resource->tag), text_of(resource->shown), printable(resource->reason));
    });
}

int run_wait(const PadminOptions& options, Outcome<View> view, const std::vector<std::string>& words) {
    if (view && resource_of(*view, words[0])) return wait_for_resource(options, std::move(view), words);
    const auto wanted = state_of(words[1]);
    if (!wanted) {
        std::vector<std::string_view> states;
        for (std::size_t i = 0; i < entry_states; ++i) states.push_back(text_of(static_cast<EntryState>(i)));
        return refuse(ExitCode::usage,
                      fmt::format("wait: {} is none of {}{}", quoted(words[1]), fmt::join(states, ", "), did_you_mean(words[1], states)));
    }
    return wait_until(options, std::move(view), text_of(*wanted), [&](const View& now) -> Outcome<std::optional<std::string>> {
        const auto entry = one_entry(now, words[0]);
        if (!entry) return tl::unexpected(entry.error());
        if ((*entry)->state == *wanted) return std::nullopt;
        const std::string wait = waits_for(**entry);
        return fmt::format("{} is {}{}", printable((*entry)->name), text_of((*entry)->state),
                           wait.empty() ? "" : fmt::format(" ({})", printable(wait)));
    });
}

int run_on(const PadminOptions& options, const Asked& asked, Outcome<View> view) {
    const std::string target = asked.words.empty() ? "" : asked.words.front();
    switch (asked.what) {
        case What::param: return print(options.json ? param_json(*view) : param_text(*view, options.verbose));
        case What::pent: return show_pent(options, *view, target);
        case What::resource: return show_resource(options, *view, target);
        case What::group: return show_group(options, *view, target);
        case What::trace: return show_trace(options, *view, target);
        case What::all: return print(options.json ? all_json(*view) : all_text(*view));
        case What::capabilities: return print(options.json ? capabilities_json(*view) : capabilities_text(*view));
        case What::explain: return run_explain(options, *view, target);
        case What::match: return run_match(options, *view, target);
        case What::wait: return run_wait(options, std::move(view), asked.words);
    }
    return number_of(ExitCode::internal);
}

// Of a pcheck that has ended and left no segment: its dump says how.
void point_to_dump(const PadminOptions& options, const std::string& target) {
    const auto text = options.pfile.empty() ? Result<std::string>(fail("no pfile")) : sys::read_file(options.pfile, pfile_max_bytes);
    const std::string dump = text ? parse_pfile(*text).pfile.param.shm_dump_file : std::string();
    if (dump.empty() || !sys::stamp_of(dump)) return;
    note(fmt::format("padmin --dump {} -c explain {} shows how it ended; pcheck -f {} starts it", dump, target, options.pfile));
}

// Of a pcheck that was killed: what it has left is shown, and the exit status says that nothing runs. One that was started between our two
// looks has left nothing: it is shown as it runs.
int run_on_left(const PadminOptions& options, const Asked& asked, const Refusal& refusal) {
    const bool shows = asked.what != What::match && asked.what != What::wait;
    auto left = shows ? find_left(options, traces_for(asked.what)) : tl::unexpected(refusal);
    if (!left) {
        auto view = find_view(options, traces_for(asked.what));
        if (view) return run_on(options, asked, std::move(view));
        const int status = refuse(view.error());
        if (asked.what == What::explain) point_to_dump(options, asked.words.front());
        return status;
    }
    const int status = refuse(refusal);
    run_on(options, asked, std::move(left));
    return status;
}

}  // namespace

bool is_reading(std::string_view order) { return std::ranges::find(reading_orders, order) != reading_orders.end(); }

int run_reading(const PadminOptions& options) {
    const auto asked = parse(options.words);
    if (!asked) return refuse(asked.error());
    auto view = find_view(options, traces_for(asked->what));
    if (!view && view.error().code == ExitCode::not_running && options.dump.empty() && !options.quiet)
        return run_on_left(options, *asked, view.error());
    if (!view) return options.quiet ? number_of(view.error().code) : refuse(view.error());
    return run_on(options, *asked, std::move(view));
}

}  // namespace banken
