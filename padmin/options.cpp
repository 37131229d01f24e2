// SPDX-License-Identifier: Apache-2.0
#include "padmin/options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "common/exit_code.hpp"
#include "common/order.hpp"
#include "common/text.hpp"

namespace banken {
namespace {

using Words = std::vector<std::string>;

constexpr std::uint64_t longest_wait = 86400, most_lines = 65536;

bool is_flag(const std::string& word) {
    return word == "--json" || word == "-v" || word == "-q" || word == "-t" || word.starts_with("--wait=");
}
bool has_value(const std::string& word) { return word == "-n" || word == "--wait"; }

struct Split {
    Words options;         // for CLI11
    Words words;           // of the order
    bool literal = false;  // `--` was among them: they are taken as they are
};

// Sorts what follows -c. A word that begins with `-` and is no option of an order is an error.
Result<> sort_words(std::span<const std::string> after, Split& split) {
    for (std::size_t i = 0; i < after.size(); ++i) {
        const std::string& word = after[i];
        if (split.literal || word.size() < 2 || word.front() != '-') {
            split.words.push_back(word);
        } else if (word == "--") {
            split.literal = true;
        } else if (word == "-c") {
            return fail("-c is given twice");
        } else if (is_flag(word)) {
            split.options.push_back(word);
        } else if (has_value(word)) {
            if (i + 1 == after.size()) return fail("{} needs a number", word);
            split.options.push_back(word);
            split.options.push_back(after[++i]);
        } else {
            return fail("option {} stands behind -c (a name that begins with - follows --)", printable(word));
        }
    }
    return {};
}

Words split_at_blanks(std::string_view text) {
    Words words;
    for (const char c : text) {
        if (is_blank(c)) {
            if (words.empty() || !words.back().empty()) words.emplace_back();
        } else {
            if (words.empty()) words.emplace_back();
            words.back().push_back(c);
        }
    }
    if (!words.empty() && words.back().empty()) words.pop_back();
    return words;
}

Result<Split> split_arguments(std::span<const std::string> arguments) {
    const auto order = std::ranges::find(arguments, "-c");
    Split split;
    split.options.assign(arguments.begin(), order);
    if (order == arguments.end()) return split;
    if (auto sorted = sort_words({order + 1, arguments.end()}, split); !sorted) return Failure(sorted.error());
    if (split.words.size() == 1 && !split.literal) {
        const Words parts = split_at_blanks(split.words.front());
        split.words.clear();
        if (auto sorted = sort_words(parts, split); !sorted) return Failure(sorted.error());
    }
    if (split.words.empty()) return fail("-c needs an order");
    return split;
}

// What CLI11 fills.
struct Raw {
    PadminOptions options;
    std::string key, wait, order, lines;
};

void declare(CLI::App& app, Raw& raw) {
    app.add_flag("-l", raw.options.list, "List the running pchecks");
    app.add_option("-f", raw.options.pfile, "The pcheck of this pfile")->type_name("PFILE");
    app.add_option("-k", raw.key, "The pcheck at this key, as -l prints it")->type_name("IPCKEY");
    app.add_option("--dump", raw.options.dump, "Show what a dump file holds")->type_name("FILE");
    app.add_option(
           "-c", raw.order,
           "The order and its words: show param|pent|resource|group|trace|all|capabilities, explain, match, wait, stop, start, reload, "
           "clear, restart, event, restore, remove, check, recover, standby, update, dump, reexec, shutdown [remove]")
        ->type_name("ORDER [NAME|ID|TAG]");
    app.add_flag("--json", raw.options.json, "Print JSON");
    app.add_flag("-v", raw.options.verbose, "Show more");
    app.add_flag("-q", raw.options.quiet, "With show pent: print nothing, answer by exit status");
    app.add_option("--wait", raw.wait, "How long to wait for an answer or a state; default MSG_CHECK_INTERVAL + 10")->type_name("SECONDS");
    app.add_option("--conf", raw.options.conf, "banken.conf to read instead of /etc/banken/banken.conf")
        ->type_name("FILE")
        ->envname("BANKEN_CONF");
    app.add_flag("-t", raw.options.difference, "With reload: show what it would change, change nothing");
    app.add_option("-n", raw.lines, "With show trace: how many records, default 50")->type_name("N");
    app.set_version_flag("-V,--version", "padmin (Banken) " BANKEN_VERSION, "Print the version and end");
    app.set_help_flag("-h,--help", "Print this help and end");
}

// An option that would do nothing is an error: who writes `stop -v` has something else in mind than to pause all.
Result<> check_options_of(const PadminOptions& options, const Raw& raw, const Words& words) {
    const std::string& order = words.front();
    const std::string what = order == "show" && words.size() > 1 ? words[1] : "";
    const bool reads = std::ranges::find(reading_orders, order) != reading_orders.end();
    if (!options.dump.empty() && order != "show" && order != "explain") return fail("--dump goes with show and explain only");
    if (options.difference && order != "reload") return fail("-t goes with reload only");
    if (!raw.lines.empty() && what != "trace") return fail("-n goes with show trace only");
    if (options.quiet && what != "pent") return fail("-q goes with show pent only");
    if (options.verbose && !reads) return fail("-v does not go with {}", banken::quoted(order));
    if (options.json && !reads) return fail("--json does not go with {}", banken::quoted(order));
    return {};
}

Result<> check_options_of_list(const PadminOptions& options, const Raw& raw) {
    if (options.quiet) return fail("-q does not go with -l");
    if (options.difference) return fail("-t does not go with -l");
    if (!raw.lines.empty()) return fail("-n does not go with -l");
    if (!raw.wait.empty()) return fail("--wait does not go with -l");
    return {};
}

Result<> check_combination(const Raw& raw, const Words& words) {
    const PadminOptions& options = raw.options;
    if (!raw.order.empty()) return fail("-c and its order are two words");
    if (options.list != words.empty()) return options.list ? fail("-l and -c exclude each other") : fail("-l or -c is needed");
    const int given = int{!options.pfile.empty()} + int{!raw.key.empty()} + int{!options.dump.empty()};
    if (options.list && given > 0) return fail("-l lists all: it goes without -f, -k and --dump");
    if (options.list) return check_options_of_list(options, raw);
    if (given == 0) return fail("one of -f, -k and --dump is needed");
    if (given > 1) return fail("only one of -f, -k and --dump");
    return check_options_of(options, raw, words);
}

Result<> read_numbers(Raw& raw) {
    if (!raw.key.empty()) {
        const auto key = hex_or_decimal_of(raw.key, {1, 0xffffffff}, "1..0xffffffff");
        if (!key) return Failure(key.error().in("-k"));
        raw.options.key = static_cast<std::uint32_t>(*key);
    }
    if (!raw.lines.empty()) {
        const auto lines = number_of(raw.lines, {1, most_lines});
        if (!lines) return Failure(lines.error().in("-n"));
        raw.options.lines = *lines;
    }
    if (!raw.wait.empty()) {
        const auto wait = seconds_of(raw.wait, {0, longest_wait});
        if (!wait) return Failure(wait.error().in("--wait"));
        raw.options.wait = *wait;
    }
    return {};
}

PadminOptionsEnd usage_error(std::string_view text) {
    return {number_of(ExitCode::usage), fmt::format("padmin: {}\nTry: padmin -h\n", text)};
}

// Words that are no option: most likely an order without its -c.
std::string stray_word(const Words& words) {
    const std::string& word = words.empty() ? std::string() : words.front();
    if (word.starts_with('-')) return fmt::format("there is no option {}", printable(word));
    return fmt::format("{} stands alone: an order follows -c, as in `padmin -f PFILE -c show pent`", banken::quoted(word));
}

}  // namespace

std::variant<PadminOptions, PadminOptionsEnd> parse_padmin_options(std::span<const std::string> arguments) {
    auto split = split_arguments(arguments);
    if (!split) return usage_error(split.error().text);
    Raw raw;
    CLI::App app{"Shows running pchecks and gives them orders. See padmin(8).", "padmin"};
    declare(app, raw);
    std::ranges::reverse(split->options);  // CLI11 takes a vector from its end
    try {
        app.parse(split->options);
    } catch (const CLI::Success& wanted) {
        const bool help = dynamic_cast<const CLI::CallForHelp*>(&wanted) != nullptr;
        return PadminOptionsEnd{number_of(ExitCode::ok), help ? app.help() : std::string(wanted.what()) + "\n"};
    } catch (const CLI::ExtrasError&) {
        return usage_error(stray_word(app.remaining()));
    } catch (const CLI::ParseError& error) {
        return usage_error(error.what());
    }
    if (auto good = check_combination(raw, split->words); !good) return usage_error(good.error().text);
    if (auto good = read_numbers(raw); !good) return usage_error(good.error().text);
    raw.options.words = std::move(split->words);
    return raw.options;
}

}  // namespace banken
