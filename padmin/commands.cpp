// SPDX-License-Identifier: Apache-2.0
#include "padmin/commands.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "common/order.hpp"
#include "common/sys/config_file.hpp"
#include "common/sys/order_channel.hpp"
#include "common/text.hpp"
#include "padmin/command_log.hpp"
#include "padmin/render_json.hpp"
#include "padmin/render_text.hpp"
#include "padmin/target.hpp"

namespace banken {
namespace {

constexpr Duration beyond_check_interval = std::chrono::seconds(10);
constexpr std::array<std::string_view, 5> shows_not_built{"resource", "group", "trace", "all", "capabilities"};

int refuse(const Refusal& refusal) {
    fmt::print(stderr, "padmin: {}\n", refusal.text);
    return number_of(refusal.code);
}

int print(const std::string& text) {
    fmt::print("{}", text);
    return number_of(ExitCode::ok);
}

Outcome<Target> find_target(const PadminOptions& options) {
    if (options.key) return find_by_key(*options.key);
    std::string note;
    auto target = find_by_pfile(options.pfile, note);
    if (!note.empty()) fmt::print(stderr, "padmin: {}\n", note);
    return target;
}

Outcome<View> find_view(const PadminOptions& options) {
    if (!options.dump.empty()) return read_dump(options.dump);
    auto target = find_target(options);
    if (!target) return tl::unexpected(target.error());
    return std::move(target->view);
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

int show_pent(const PadminOptions& options, const View& view, std::string_view target) {
    const auto entries = entries_of(view, target);
    if (entries.empty() && !target.empty()) {
        if (options.quiet) return number_of(ExitCode::no_such_entry);
        return refuse({ExitCode::no_such_entry, fmt::format("no such entry: {}", printable(target))});
    }
    if (options.quiet) return quiet_status(entries);
    return print(options.json ? pent_json(view, entries) : pent_text(view, entries, options.verbose));
}

int run_show(const PadminOptions& options) {
    const auto& words = options.words;
    const std::string what = words.size() > 1 ? words[1] : "";
    const auto usage = [](std::string text) { return refuse({ExitCode::usage, std::move(text)}); };
    if (std::ranges::find(shows_not_built, what) != shows_not_built.end()) return usage(fmt::format("show {} is not built yet", what));
    if (what != "param" && what != "pent") return usage(fmt::format("show what? {} is neither param nor pent", quoted(what)));
    const std::size_t most = what == "pent" ? 3 : 2;
    if (words.size() > most) return usage(fmt::format("show {}: {} is too much", what, quoted(words[most])));

    const auto view = find_view(options);
    if (!view) return options.quiet ? number_of(view.error().code) : refuse(view.error());
    if (what == "pent") return show_pent(options, *view, words.size() == 3 ? words[2] : "");
    return print(options.json ? param_json(*view) : param_text(*view, options.verbose));
}

int run_list(const PadminOptions& options) {
    const auto views = find_all(options.verbose);
    return print(options.json ? list_json(views) : list_text(views, options.verbose));
}

// The pfile as it was given: old alarm rules look for the words that were typed.
Message line_for(const ParsedOrder& order, const View& view, const std::string& pfile) {
    const auto entries = entries_of(view, order.target);
    const std::string name = order.target.empty() || entries.empty() ? order.target : entries.front()->name;
    return messages::command_execute(text_of(order.verb), pfile.empty() ? view.header.pfile : pfile, name);
}

int run_order(const PadminOptions& options) {
    const auto order = parse_order(options.words);
    if (!order) return refuse({ExitCode::usage, order.error().text});
    const auto config = sys::load_config(options.conf);
    if (!config) return refuse({config.error().code, fmt::format("{}", fmt::join(config.error().lines, "\n"))});
    const auto target = find_target(options);
    if (!target) return refuse(target.error());
    const auto segment = sys::Segment::attach(target->stat, sys::Segment::Access::write);
    if (!segment) return refuse({ExitCode::not_permitted, segment.error().in("not permitted to give orders").text});

    const Duration wait = options.wait.value_or(target->view.param.msg_check_interval + beyond_check_interval);
    const auto reply = sys::send_order(*segment, options.words, {.wait = wait, .until_end = order->verb == OrderVerb::shutdown});
    if (reply.exit_status != 0) {
        fmt::print(stderr, "padmin: {}\n", reply.text);
        return reply.exit_status;
    }
    if (const auto logged = log_command(config->log, line_for(*order, target->view, options.pfile), target->view.header.pfile); !logged) {
        fmt::print(stderr, "padmin: done, but not logged: {}\n", logged.error().text);
    }
    return print(reply.text.empty() ? "" : reply.text + "\n");
}

}  // namespace

int run_padmin(const PadminOptions& options) {
    // A named file that cannot be used is said to every order, although only those that log read it; one at the usual place must not be in
    // the way of a look.
    if (const auto named = sys::load_config(options.conf); !named && !options.conf.empty()) {
        return refuse({named.error().code, fmt::format("{}", fmt::join(named.error().lines, "\n"))});
    }
    if (options.list) return run_list(options);
    return options.words.front() == "show" ? run_show(options) : run_order(options);
}

}  // namespace banken
