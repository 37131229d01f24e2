// SPDX-License-Identifier: Apache-2.0
#include "padmin/commands.hpp"

#include "common/order.hpp"
#include "common/sys/config_file.hpp"
#include "common/sys/order_channel.hpp"
#include "common/text.hpp"
#include "padmin/answer.hpp"
#include "padmin/command_log.hpp"
#include "padmin/reading.hpp"
#include "padmin/render_json.hpp"
#include "padmin/render_text.hpp"
#include "padmin/words.hpp"

namespace banken {
namespace {

int run_list(const PadminOptions& options) {
    const auto [views, unreadable] = find_all(options.verbose);
    if (unreadable > 0) note(count_words(unreadable, "segment") + " not readable for this user may be of pcheck: try as root");
    return print(options.json ? list_json(views) : list_text(views, options.verbose));
}

// The pfile as it was given: old alarm rules look for the words that were typed.
Message line_for(const ParsedOrder& order, const View& view, const std::string& pfile) {
    const auto entries = entries_of(view, order.target);
    const std::string name = order.target.empty() || entries.empty() ? order.target : entries.front()->name;
    return messages::command_execute(text_of(order.verb), pfile.empty() ? view.header.pfile : pfile, name);
}

int run_order(const PadminOptions& options) {
    std::vector<std::string> words = options.words;
    if (options.difference) words.emplace_back("-t");
    const auto order = parse_order(words);
    if (!order) return refuse(ExitCode::usage, order.error().text);
    const auto config = sys::load_config(options.conf);
    if (!config) return refuse(config.error().code, fmt::format("{}", fmt::join(config.error().lines, "\n")));
    const auto target = find_target(options, Traces::none);
    if (!target) return refuse(target.error());
    const auto segment = sys::Segment::attach(target->stat, sys::Segment::Access::write);
    if (!segment) return refuse(ExitCode::not_permitted, "not permitted to give orders: " + segment.error().reason());

    const Duration wait = options.wait.value_or(target->view.param.msg_check_interval + sys::OrderPatience::beyond_check_interval);
    const auto reply = sys::send_order(*segment, words, {.wait = wait, .until_end = order->verb == OrderVerb::shutdown});
    if (reply.exit_status != 0) {
        const bool unknown = reply.text == "no entry " + quoted(order->target);
        note(unknown ? no_entry_words(target->view, order->target) : reply.text);
        return reply.exit_status;
    }
    print(reply.text.empty() || reply.text.ends_with('\n') ? reply.text : reply.text + "\n");
    if (order->difference) return number_of(ExitCode::ok);  // nothing was changed
    if (const auto logged = log_command(config->log, line_for(*order, target->view, options.pfile), target->view.header.pfile); !logged) {
        note("done, but not logged: " + logged.error().text);
    }
    return number_of(ExitCode::ok);
}

}  // namespace

int run_padmin(const PadminOptions& options) {
    // A named file that cannot be used is said to every order, although only those that log read it; one at the usual place must not be in
    // the way of a look.
    if (const auto named = sys::load_config(options.conf); !named && !options.conf.empty()) {
        return refuse(named.error().code, fmt::format("{}", fmt::join(named.error().lines, "\n")));
    }
    if (options.list) return run_list(options);
    return is_reading(options.words.front()) ? run_reading(options) : run_order(options);
}

}  // namespace banken
