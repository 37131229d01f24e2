// SPDX-License-Identifier: Apache-2.0
// LifeKeeper's lk_err: a line of a script in the log, without ever waiting for a log daemon (spec/resources.md; reference/lifekeeper.md, 1.10, 2.6).
// Its options are ours, since nothing tells the original's: a word that is no option of ours belongs to the text, so that no line is lost.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <vector>

#include "common/exit_code.hpp"
#include "common/messages.hpp"
#include "common/sys/clock.hpp"
#include "common/sys/config_file.hpp"
#include "common/sys/log.hpp"
#include "common/text.hpp"

namespace banken {
namespace {

struct Level {
    std::string_view name;  // as LifeKeeper writes it in the line
    Priority priority;
};

// EMERG is no emerg of syslog: that would be written to every terminal.
constexpr std::array levels{Level{"EMERG", Priority::err},     Level{"ERROR", Priority::err}, Level{"WARN", Priority::warning},
                            Level{"NOTIFY", Priority::notice}, Level{"INFO", Priority::info}, Level{"DEBUG", Priority::debug}};

const Level* level_of(std::string_view word) {
    if (word.starts_with("LK_")) word.remove_prefix(3);
    const auto found = std::ranges::find(levels, word, &Level::name);
    return found == levels.end() ? nullptr : &*found;
}

std::string_view own(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

struct Options {
    std::string conf, level, program = "script", tag;
    unsigned number = 0;
    std::vector<std::string> text;
};

// What becomes the name before the pid, which log daemons cut at a blank or a colon.
std::string as_identifier(std::string name) {
    std::ranges::replace_if(
        name, [](char c) { return !(c >= '!' && c <= '~') || c == ':' || c == '[' || c == ']' || c == '%'; }, '_');
    return name;
}

class Speaker {
public:
    Speaker(const Options& options, const Level& level, sys::Log log) : options_(options), level_(level), log_(std::move(log)) {}

    // One line; on stderr, too, if the log daemon does not take it.
    void say(std::string_view text) {
        constexpr std::size_t longest = 8192;
        const std::string line = fmt::format("{}:{}:{}:{}:{:06}:{}", level_.name, kit(), options_.program, options_.tag, options_.number,
                                             text.substr(0, longest));
        if (!stuck_) log_.write(messages::script_line({options_.tag}, level_.priority, line), sys::read_now());
        stuck_ = stuck_ || !log_.has_reader() || log_.drain(patience) != 0;
        if (stuck_) fmt::print(stderr, "{}\n", printable(line));
    }

private:
    static constexpr Duration patience = std::chrono::milliseconds(200);

    static std::string_view kit() { return !own("TAG").empty() ? "gen" : !own("HV_NODENAME").empty() ? "cmdline" : ""; }

    const Options& options_;
    const Level& level_;
    sys::Log log_;
    bool stuck_ = false;
};

int run(const Options& options, const Level& level) {
    auto config = sys::load_config(options.conf);
    if (!config) {
        for (const std::string& line : config.error().lines) fmt::print(stderr, "lk_err: {}\n", printable(line));
        config = Config{};  // a mistake in there must not cost the line
    }
    config->log.burst_lines = 0;
    const std::string identifier = as_identifier(options.program);
    auto log = sys::Log::open(config->log, {.identifier = identifier, .echo_to_terminal = false});
    if (!log) {
        fmt::print(stderr, "lk_err: {}\n", printable(log.error().text));
        return number_of(ExitCode::system);
    }
    log->set_pfile(own("PCHECK_PFILE"));
    Speaker speaker(options, level, *std::move(log));
    const std::string words = fmt::format("{}", fmt::join(options.text, " "));
    for (const std::string_view line : split(words, '\n')) {
        if (!line.empty()) speaker.say(line);
    }
    if (!options.text.empty()) return number_of(ExitCode::ok);
    for (std::string line; std::getline(std::cin, line);) {
        if (!line.empty()) speaker.say(line);
    }
    return number_of(ExitCode::ok);
}

int parse_and_run(int argc, char** argv) {
    Options options;
    options.tag = !own("TAG").empty() ? own("TAG") : !own("HV_NODENAME").empty() ? own("HV_NODENAME") : own("PCHECK_PNAME");
    CLI::App app("Logs a line for a script: the words behind the options, else each line of standard input.", "lk_err");
    app.prefix_command();  // from the first word on that is no option
    app.add_option("-l", options.level,
                   "LK_EMERG, LK_ERROR, LK_WARN, LK_NOTIFY, LK_INFO or LK_DEBUG; default: the first word, else LK_ERROR")
        ->type_name("LEVEL");
    app.add_option("-n", options.number, "Number of the message; default: 0")
        ->type_name("NUMBER")
        ->check(CLI::Range(0, 999999).description(""));
    app.add_option("-p", options.program, "Who says it; default: script")->type_name("PROGRAM");
    app.add_option("-t", options.tag, "The resource; default: that whose script this is")->type_name("TAG");
    app.add_option("--conf", options.conf, "Another banken.conf")->envname("BANKEN_CONF")->type_name("FILE");
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& asked) {
        return app.exit(asked);
    } catch (const CLI::ParseError& error) {
        fmt::print(stderr, "lk_err: {}\n", printable(error.what()));
        return number_of(ExitCode::usage);
    }
    options.text = app.remaining();
    if (!options.text.empty() && options.text.front() == "--") options.text.erase(options.text.begin());
    if (options.level.empty() && options.text.size() > 1 && level_of(options.text.front())) {
        options.level = options.text.front();
        options.text.erase(options.text.begin());
    }
    const Level* level = level_of(options.level.empty() ? "LK_ERROR" : options.level);
    if (!level) {
        fmt::print(stderr, "lk_err: {} is no level\n", banken::quoted(options.level));
        return number_of(ExitCode::usage);
    }
    return run(options, *level);
}

}  // namespace
}  // namespace banken

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGTTOU, SIG_IGN);
    return banken::parse_and_run(argc, argv);
}
