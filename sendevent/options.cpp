// SPDX-License-Identifier: Apache-2.0
#include "sendevent/options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <limits>

#include "common/event_name.hpp"
#include "common/exit_code.hpp"
#include "common/text.hpp"

namespace banken {
namespace {

using Words = std::vector<std::string>;

constexpr std::string_view with_value = "CEmncitTsaPpdxSO", flags = "ozwhV";

struct Split {
    Words given;    // as typed, less --conf
    Words options;  // for CLI11: every option a word of its own, its value the next
    std::string conf;
    bool has_conf = false;
};

// One word of short options as getopt(3) reads it: flags, then perhaps one with a value, which is the rest of the word or the next one.
Result<bool> split_word(const std::string& word, Split& split) {
    for (std::size_t i = 1; i < word.size(); ++i) {
        const bool takes_value = with_value.find(word[i]) != with_value.npos;
        if (!takes_value && flags.find(word[i]) == flags.npos) return fail("there is no option -{}", printable(word.substr(i, 1)));
        split.options.push_back({'-', word[i]});
        if (!takes_value) continue;
        if (i + 1 == word.size()) return true;
        split.options.push_back(word.substr(i + 1));
        return false;
    }
    return false;
}

// What is a value is never taken for an option, whatever it looks like.
Result<Split> split_arguments(std::span<const std::string> arguments) {
    constexpr std::string_view conf = "--conf";
    Split split;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& word = arguments[i];
        if (word.starts_with(conf) && (word.size() == conf.size() || word[conf.size()] == '=')) {
            const bool attached = word.size() > conf.size();
            if (!attached && i + 1 == arguments.size()) return fail("--conf needs a file");
            if (std::exchange(split.has_conf, true)) return fail("--conf is given twice");
            split.conf = attached ? word.substr(conf.size() + 1) : arguments[++i];
            continue;
        }
        split.given.push_back(word);
        if (word == "--help" || word == "--version") {
            split.options.push_back(word);
            continue;
        }
        if (word.starts_with("--")) return fail("there is no option {}", printable(word));
        if (word.size() < 2 || word.front() != '-') return fail("{} stands alone: every word belongs to an option", banken::quoted(word));
        const auto value_follows = split_word(word, split);
        if (!value_follows) return Failure(value_follows.error());
        if (!*value_follows) continue;
        if (i + 1 == arguments.size()) return fail("-{} needs a value", word.back());
        split.given.push_back(arguments[++i]);
        split.options.push_back(arguments[i]);
    }
    return split;
}

// What CLI11 fills.
struct Raw {
    SendeventOptions options;
    std::string epoch, handed_on;
};

void declare(CLI::App& app, Raw& raw) {
    SendeventOptions& options = raw.options;
    app.add_option("-C", options.event_class, "Class of the event")->type_name("CLASS");
    app.add_option("-E", options.event, "The event")->type_name("EVENT");
    app.add_option("-m", options.monitor, "Who tells it")->type_name("MONITOR");
    app.add_option("-n", options.instance, "Whom it is about: a process name, a resource tag")->type_name("INSTANCE");
    app.add_option("-s", options.severity, "How severe it is")->type_name("SEVERITY");
    app.add_option("-x", options.text, "What has happened, in words")->type_name("TEXT");
    app.add_option("-t", options.digits, "When, in local time")->type_name("YYMMDDHHMMSS");
    app.add_option("-T", raw.epoch, "When, in seconds since the epoch")->type_name("SECONDS");
    app.add_flag("-o", options.notify_only, "Start responders only, no recovery");
    app.add_flag("-w", options.wait, "Wait for the responders");
    app.add_flag("-z", options.print_only, "Print what would be done, do nothing");
    app.add_option("-O", options.list_file, "Write the paths of the responders into this file")->type_name("FILE");
    const auto handed_on = [&](const char* name, const char* what, const char* type) {
        app.add_option(name, raw.handed_on, what)->type_name(type);
    };
    handed_on("-c", "Class of the object; handed on", "CLASS");
    handed_on("-i", "Id of the event; handed on", "ID");
    handed_on("-a", "Type of the event; handed on", "TYPE");
    handed_on("-P", "Type of the problem; handed on", "TYPE");
    handed_on("-p", "Code of the problem; handed on", "CODE");
    handed_on("-d", "Data of the problem; handed on", "DATA");
    handed_on("-S", "The system it is about; handed on", "SYSTEM");
    app.add_option("--conf", options.conf, "banken.conf to read instead of /etc/banken/banken.conf")
        ->type_name("FILE")
        ->envname("BANKEN_CONF");
    app.set_version_flag("-V,--version", "sendevent (Banken) " BANKEN_VERSION, "Print the version and end");
    app.set_help_flag("-h,--help", "Print this help and end");
}

Result<> check(Raw& raw) {
    SendeventOptions& options = raw.options;
    const std::array<std::pair<std::string_view, const std::string*>, 4> required{
        {{"-C", &options.event_class}, {"-E", &options.event}, {"-m", &options.monitor}, {"-n", &options.instance}}};
    for (const auto& [name, value] : required) {
        if (value->empty()) return fail("{} is needed", name);
    }
    for (const auto& [name, value] : {required[0], required[1]}) {
        if (!is_event_word(*value)) return fail("{}: {} is not one word of A-Za-z0-9._-", name, banken::quoted(*value));
    }
    if (raw.epoch.empty()) return {};
    const auto epoch = number_of(raw.epoch, {0, std::numeric_limits<std::int64_t>::max()});
    if (!epoch) return fail("-T: {} is no number of seconds since the epoch", banken::quoted(raw.epoch));
    options.epoch = static_cast<std::int64_t>(*epoch);
    return {};
}

SendeventOptionsEnd usage_error(std::string_view text) {
    return {number_of(ExitCode::usage), fmt::format("sendevent: {}\nTry: sendevent -h\n", text)};
}

}  // namespace

std::variant<SendeventOptions, SendeventOptionsEnd> parse_sendevent_options(std::span<const std::string> arguments) {
    auto split = split_arguments(arguments);
    if (!split) return usage_error(split.error().text);
    Raw raw;
    CLI::App app{"Tells an event to whoever handles it or answers it. See sendevent(8).", "sendevent"};
    declare(app, raw);
    std::ranges::reverse(split->options);  // CLI11 takes a vector from its end
    try {
        app.parse(split->options);
    } catch (const CLI::Success& wanted) {
        const bool help = dynamic_cast<const CLI::CallForHelp*>(&wanted) != nullptr;
        return SendeventOptionsEnd{number_of(ExitCode::ok), help ? app.help() : std::string(wanted.what()) + "\n"};
    } catch (const CLI::ParseError& error) {
        return usage_error(printable(error.what()));
    }
    if (const auto good = check(raw); !good) return usage_error(good.error().text);
    if (split->has_conf) raw.options.conf = std::move(split->conf);
    raw.options.given = std::move(split->given);
    return raw.options;
}

}  // namespace banken
