// SPDX-License-Identifier: Apache-2.0
#include "common/pfile_options.hpp"

#include <algorithm>
#include <csignal>
#include <limits>
#include <utility>

#include "common/event_name.hpp"
#include "common/exit_status.hpp"
#include "common/pattern.hpp"

namespace banken {
namespace {

using Option = PentOption;

// It says where an end of the command line, or an argument of its own, begins or ends: `( |$)` does.
bool is_anchored(std::string_view pattern) {
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] == '\\') {
            ++i;
        } else if (pattern[i] == '$' || (pattern[i] == '^' && (i == 0 || pattern[i - 1] != '['))) {
            return true;
        }
    }
    return false;
}

// In count mode there is no main process that these could be about.
constexpr std::array not_counting{Option::pidfile, Option::check, Option::heartbeat, Option::hung,  Option::cpu,
                                  Option::rss,     Option::fds,   Option::stop,      Option::events};
constexpr std::array of_checks{Option::check_interval, Option::check_timeout, Option::check_failures};
constexpr std::array of_restarts{Option::after, Option::delay, Option::stable, Option::script_timeout, Option::success_exit};

template <class T, class V>
Result<> put(T& target, Result<V> value) {
    if (!value) return Failure(value.error());
    target = *std::move(value);
    return {};
}

Result<Duration> time_of(std::string_view text, Option option) {
    const auto value = value_of(text, rule_of(option).value);
    if (!value) return Failure(value.error());
    return value->duration;
}

Result<unsigned> count_of(std::string_view text, Option option) {
    const auto value = value_of(text, rule_of(option).value);
    if (!value) return Failure(value.error());
    return static_cast<unsigned>(value->number);
}

// Whether it is the second of two choices.
Result<bool> second_of(std::string_view text, Option option) {
    const auto value = value_of(text, rule_of(option).value);
    if (!value) return Failure(value.error());
    return value->number == 1;
}

Result<std::string> path_of(std::string_view text) {
    const auto value = value_of(text, {ValueKind::path});
    if (!value) return Failure(value.error());
    return value->path;
}

Result<std::string> pattern_of(const std::string& text) {
    const auto compiled = Pattern::compile(text);
    if (!compiled) return fail("{} is no RE2 pattern: {}", quoted(text), compiled.error().text);
    return text;
}

Result<std::string> group_of(const std::string& text) {
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    if (text.size() > max_group || text.find_first_not_of(letters) != text.npos) {
        return fail("{} is not {}", quoted(text), text_of(rule_of(Option::group)));
    }
    return text;
}

Result<std::string> name_in_list(std::string_view text) { return std::string(text); }

Result<int> exit_code_of(std::string_view text) {
    const auto code = number_of(text, exit_code_range);
    if (!code) return Failure(code.error());
    return static_cast<int>(*code);
}

// "SECONDS[/always]"
Result<> read_confirm(const std::string& text, Pent& pent) {
    const auto slash = std::min(text.find('/'), text.size());
    const std::string_view rest = std::string_view(text).substr(slash);
    if (!rest.empty() && rest != "/always") return fail("{} is not /always", quoted(rest));
    pent.confirm_always = !rest.empty();
    return put(pent.confirm, time_of(std::string_view(text).substr(0, slash), Option::confirm));
}

// "SECONDS[-MAX]"
Result<> read_delay(const std::string& text, Pent& pent) {
    const auto dash = text.find('-');
    const auto least = time_of(text.substr(0, dash), Option::delay);
    if (!least) return Failure(least.error());
    pent.delay = *least;
    if (dash == text.npos) return {};
    const auto most = seconds_of(std::string_view(text).substr(dash + 1), {1, longest_delay});
    if (!most) return Failure(most.error().in("MAX"));
    if (*least == Duration{}) return fail("a delay of 0 cannot grow to {}", quoted(text.substr(dash + 1)));
    if (*most < *least) return fail("{} grows to less than it begins with", quoted(text));
    pent.delay_max = *most;
    return {};
}

// "SECONDS[,/path]"
Result<> read_heartbeat(const std::string& text, Pent& pent) {
    const auto comma = text.find(',');
    if (comma != text.npos) {
        auto read = put(pent.heartbeat_path, path_of(trimmed(std::string_view(text).substr(comma + 1))));
        if (!read) return read;
    }
    return put(pent.heartbeat, time_of(trimmed(std::string_view(text).substr(0, comma)), Option::heartbeat));
}

using ParseLimit = Result<std::uint64_t> (*)(std::string_view);

// "LIMIT/SECONDS"
Result<Limit> limit_of(std::string_view text, Option option, ParseLimit parse) {
    const auto slash = text.rfind('/');
    if (slash == text.npos) return fail("{} is not LIMIT/SECONDS", quoted(text));
    const auto value = parse(trimmed(text.substr(0, slash)));
    if (!value) return Failure(value.error());
    const auto lasting = time_of(trimmed(text.substr(slash + 1)), option);
    if (!lasting) return Failure(lasting.error());
    return Limit{*value, *lasting};
}

Result<std::uint64_t> permille_of(std::string_view text) {
    if (!text.ends_with('%')) return fail("{} is not a percentage such as 90%", quoted(text));
    const auto percent = number_of(text.substr(0, text.size() - 1), percent_range);
    if (!percent) return Failure(percent.error());
    return *percent * 10;
}

Result<std::uint64_t> bytes_of(std::string_view text) {
    constexpr std::string_view units = "KMG";
    constexpr std::uint64_t most = std::uint64_t{1} << 60;
    const auto unit = text.empty() ? units.npos : units.find(text.back());
    const unsigned shift = unit == units.npos ? 0 : 10 * (static_cast<unsigned>(unit) + 1);
    const auto digits = unit == units.npos ? text : text.substr(0, text.size() - 1);
    const bool is_size = !digits.empty() && digits.find_first_not_of("0123456789") == digits.npos;
    if (!is_size) return fail("{} is not a size such as 512M or 2G", quoted(text));
    const auto number = number_of(digits, {1, most >> shift});
    if (!number) return fail("{} is out of range, 1 byte..{}G expected", quoted(text), most >> 30);
    return *number << shift;
}

Result<std::uint64_t> descriptors_of(std::string_view text) { return number_of(text, fds_range); }

Result<int> signal_of(std::string_view text) {
    constexpr std::string_view prefix = "SIG";
    const auto name = text.starts_with(prefix) ? text.substr(prefix.size()) : text;
    const bool is_name = name.find_first_of("0123456789") != 0;
    for (int signal = 1; is_name && signal <= SIGRTMAX; ++signal) {
        if (signal_name(signal) == name) return signal;
    }
    return fail("{} is neither the name of a signal nor an absolute path", quoted(text));
}

// A last `/` before digits only is the one ahead of the seconds.
Result<StopRule> stop_of(const std::string& text) {
    StopRule rule;
    std::string_view what = text;
    const auto slash = text.rfind('/');
    const bool has_limit = slash != text.npos && slash + 1 < text.size() && text.find_first_not_of("0123456789", slash + 1) == text.npos;
    if (has_limit) {
        what = trimmed(what.substr(0, slash));
        if (const auto limit = put(rule.limit, time_of(text.substr(slash + 1), Option::stop)); !limit) return Failure(limit.error());
    }
    const auto read = what.starts_with('/') ? put(rule.script, command_of(std::string(what))) : put(rule.signal, signal_of(what));
    if (!read) return Failure(read.error());
    return rule;
}

Result<> read_user(const std::string& text, Pent& pent) {
    constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max() - 1;  // the last is no uid: chown(2) takes it for "unchanged"
    pent.user = text;
    const bool is_number = text.find_first_not_of("0123456789") == text.npos;
    if (!is_number) return {};
    const auto number = number_of(text, {0, most});
    if (!number) return Failure(number.error());
    pent.uid = static_cast<std::uint32_t>(*number);
    return {};
}

Result<> read_alive(Option option, const std::string& text, Pent& pent);

Result<> read_option(Option option, const std::string& text, Pent& pent) {
    switch (option) {
        case Option::match: return put(pent.label, second_of(text, option));
        case Option::args: return put(pent.args, pattern_of(text));
        case Option::exe: return put(pent.exe, path_of(text));
        case Option::user: return read_user(text, pent);
        case Option::cgroup: pent.cgroup = text; return {};
        case Option::pidns: return put(pent.any_pid_namespace, second_of(text, option));
        case Option::pidfile: return put(pent.pidfile, path_of(text));
        case Option::min: return put(pent.min, count_of(text, option));
        case Option::max: return put(pent.max, count_of(text, option));
        case Option::group: return put(pent.group, group_of(text));
        case Option::after: return put(pent.after, comma_list_of<std::string>(text, name_in_list));
        case Option::confirm: return read_confirm(text, pent);
        case Option::delay: return read_delay(text, pent);
        case Option::stable: return put(pent.stable, time_of(text, option));
        case Option::script_timeout: return put(pent.script_timeout, time_of(text, option));
        case Option::start_timeout: return put(pent.start_timeout, time_of(text, option));
        case Option::success_exit: return put(pent.success_exit, comma_list_of<int>(text, exit_code_of));
        case Option::run_as: pent.run_as = text; return {};
        case Option::check:
        case Option::check_interval:
        case Option::check_timeout:
        case Option::check_failures:
        case Option::heartbeat:
        case Option::hung:
        case Option::cpu:
        case Option::rss:
        case Option::fds:
        case Option::on_limit:
        case Option::stop:
        case Option::monitor:
        case Option::events: break;
    }
    return read_alive(option, text, pent);
}

// The second half of the table: alive, and within limits.
Result<> read_alive(Option option, const std::string& text, Pent& pent) {
    if (option == Option::check) return put(pent.check, command_of(text));
    if (option == Option::check_interval) return put(pent.check_interval, time_of(text, option));
    if (option == Option::check_timeout) return put(pent.check_timeout, time_of(text, option));
    if (option == Option::check_failures) return put(pent.check_failures, count_of(text, option));
    if (option == Option::heartbeat) return read_heartbeat(text, pent);
    if (option == Option::hung) return put(pent.hung, time_of(text, option));
    if (option == Option::cpu) return put(pent.cpu, limit_of(text, option, permille_of));
    if (option == Option::rss) return put(pent.rss, limit_of(text, option, bytes_of));
    if (option == Option::fds) return put(pent.fds, limit_of(text, option, descriptors_of));
    if (option == Option::on_limit) return put(pent.limit_restarts, second_of(text, option));
    if (option == Option::stop) return put(pent.stop, stop_of(text));
    if (option == Option::events) return put(pent.events, event_names_of(text));
    bool off = false;
    auto read = put(off, second_of(text, option));  // monitor
    pent.monitor = !off;
    return read;
}

std::string unknown_option(std::string_view text, std::string_view name, bool is_assignment) {
    if (!is_assignment) return fmt::format("{} is not an option, option=value expected", quoted(text));
    return fmt::format("unknown option {}{}", quoted(name), did_you_mean(name, names_of(option_rules), "pfile(5)"));
}

}  // namespace

Result<Command> command_of(const std::string& text) {
    auto words = split_command(text);
    if (!words) return Failure(words.error());
    if (!words->front().starts_with('/')) return fail("{} is not an absolute path", quoted(words->front()));
    return Command{*std::move(words), text};
}

void OptionReader::error(std::size_t column, std::string_view text) {
    given_.good = false;
    diagnostics_.error(line_, column, fmt::format("{}{}", label_, text));
}

void OptionReader::error(PentOption option, std::string_view text) {
    error(given_.column(option), fmt::format("{}: {}", rule_of(option).name, text));
}

void OptionReader::warning(PentOption option, std::string_view text) {
    diagnostics_.warning(line_, given_.column(option), fmt::format("{}{}: {}", label_, rule_of(option).name, text));
}

void OptionReader::read(std::size_t number, const PfileField& field) {
    const auto equals = std::min(field.raw.find('='), field.raw.size());
    const bool is_assignment = equals != field.raw.size();
    const auto name = trimmed(field.raw.substr(0, equals));
    const auto option = option_of(name);
    const auto refuse = [&](std::string_view text) { error(field.column, fmt::format("field {}: {}", number, text)); };
    if (field.raw.empty()) return refuse("empty");
    if (!option || !is_assignment) return refuse(unknown_option(field.text(), name, is_assignment));
    if (given_.has(*option)) return refuse(fmt::format("option {} is given twice", quoted(name)));
    const auto value = trimmed(field.raw.substr(equals + 1));
    const auto column = field.column + static_cast<std::size_t>(value.data() - field.raw.data());
    given_.columns[static_cast<std::size_t>(*option)] = static_cast<std::uint16_t>(column);
    read_value(*option, {value, column});
}

void OptionReader::read_value(PentOption option, const PfileField& value) {
    if (value.raw.empty()) return error(option, "empty");
    const auto read = read_option(option, value.text(), pent_);
    if (!read) error(option, read.error().text);
}

void OptionReader::judge_count_mode() {
    if (!given_.has(Option::min) && !given_.has(Option::max)) return;
    const auto mode = given_.has(Option::min) ? Option::min : Option::max;
    for (const auto option : not_counting) {
        if (given_.has(option)) error(option, fmt::format("cannot be used together with {}", rule_of(mode).name));
    }
    if (given_.has(Option::min) && !pent_.min) return;  // nobody can say what was meant
    if (!pent_.min) pent_.min = 1;
    if (pent_.max && *pent_.max < *pent_.min) error(Option::max, fmt::format("{} is less than min, {}", *pent_.max, *pent_.min));
    if (*pent_.min == 0 && !given_.has(Option::max)) warning(Option::min, "with 0 nothing is ever lost");
}

void OptionReader::judge_useless() {
    for (const auto option : of_checks) {
        if (given_.has(option) && !given_.has(Option::check)) warning(option, "has no effect without check");
    }
    const bool has_limit = given_.has(Option::cpu) || given_.has(Option::rss) || given_.has(Option::fds);
    if (given_.has(Option::on_limit) && !has_limit) warning(Option::on_limit, "has no effect without cpu, rss or fds");
    for (const auto option : of_restarts) {
        if (given_.has(option) && pent_.script.text == "-") warning(option, "has no effect with script -");
    }
}

GivenOptions OptionReader::finish() {
    const bool has_label_filter = given_.has(Option::args) || given_.has(Option::exe) || given_.has(Option::pidfile);
    if (pent_.label && !has_label_filter) error(Option::match, "label needs one of args, exe, pidfile");
    judge_count_mode();
    judge_useless();
    if (given_.has(Option::args) && given_.good && !is_anchored(pent_.args)) {
        warning(Option::args, "not anchored by ^ or $: it may be found in other command lines too");
    }
    const bool unpaced = given_.has(Option::delay) && pent_.delay == Duration{};
    if (given_.good && unpaced && !pent_.retries && !pent_.script.none()) {
        warning(Option::delay, "0 with unlimited retries: a script that fails is run again at once, for ever");
    }
    return given_;
}

void settle_options(Pent& pent, const GivenOptions& given, const Param& param) {
    if (!given.has(Option::confirm)) pent.confirm = param.confirm_wait;
    if (!param.detect_event) {
        pent.confirm = {};
        pent.confirm_always = false;
    }
    if (!given.has(Option::delay)) pent.delay = param.monitor_interval;
    if (!given.has(Option::script_timeout)) pent.script_timeout = param.script_timeout;
    if (!given.has(Option::start_timeout)) pent.start_timeout = param.monitor_interval * param.monitor_try_count;
}

}  // namespace banken
