// SPDX-License-Identifier: Apache-2.0
// Prints what the manuals must say, from the tables and texts of the code: one line a fact, KIND, tab, what it is about, tab, the sentence that the page
// begins its explanation with. tests/docs/man.sh compares them with man/.
#include <array>
#include <cstdio>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "common/definition_schema.hpp"
#include "common/exit_code.hpp"
#include "common/messages.hpp"
#include "common/order.hpp"
#include "common/schema.hpp"
#include "pcheck/core/check_results.hpp"

namespace {

using namespace banken;

void fact(std::string_view kind, std::string_view about, std::string_view sentence) { fmt::print("{}\t{}\t{}\n", kind, about, sentence); }

std::string value_sentence(const ValueRule& rule, std::string_view fallback) {
    if (fallback == "required") return fmt::format("Range: {}. Required.", text_of(rule));
    return fmt::format("Range: {}. Default: {}.", text_of(rule), fallback);
}

std::string option_sentence(const OptionRule& rule) {
    const auto values = fmt::format("Values: {}.", text_of(rule));
    if (rule.fallback == "required") return values + " Required.";
    return fmt::format("{} Default: {}.", values, rule.fallback.empty() ? "off" : rule.fallback);
}

void print_settings() {
    for (const auto& rule : param_rules) fact("param", rule.name, value_sentence(rule.value, rule.fallback));
    for (const auto& rule : config_rules) {
        fact("config", fmt::format("[{}] {}", rule.section, rule.name), value_sentence(rule.value, rule.fallback));
    }
    for (const auto& rule : pent_field_rules) fact("field", rule.name, rule.values);
    for (const auto& rule : action_rules) fact("action", rule.name, "");
    for (const auto& rule : option_rules) fact("option", rule.name, option_sentence(rule));
}

void print_resources() {
    fact("resource", "tag", fmt::format("{}.", tag_rule));
    fact("resource", "kind", fmt::format("{}.", text_of(resource_kind_rule)));
    fact("resource", "file", fmt::format("{}.", text_of(resource_file_rule)));
    for (const auto& [kind, rule] : definition_rules) {
        fact(kind ? fmt::format("{}-key", text_of(*kind)) : "common-key", rule.name, option_sentence(rule));
    }
}

std::string_view word_of(core::Meaning meaning) {
    switch (meaning) {
        case core::Meaning::note: return "noted";
        case core::Meaning::agree: return "as it is";
        case core::Meaning::tell: return "told";
        case core::Meaning::becomes: return "taken over";
        case core::Meaning::fault: return "failure";
        case core::Meaning::came_in: return "confirmed";
        case core::Meaning::start_failed: return "Start failed";
        case core::Meaning::done: return "confirmed";
        case core::Meaning::stop_failed: return "Stop failed";
        case core::Meaning::initial_fault: return "taken over";
    }
    return "";
}

// The rows of a table: "Offline Ta told, R7 Ta as it is".
void print_meanings(std::initializer_list<Report> columns) {
    constexpr std::array<std::string_view, core::stages> names{"Unknown",   "Offline",    "Start runs", "after Start",  "Online", "Standby",
                                                               "Stop runs", "after Stop", "Faulted",    "OfflineFault", "Deact"};
    std::string head = "stage";
    for (const Report report : columns) head += fmt::format(" Ta {}", text_of(report));
    fact("meaning", head, "");
    for (std::size_t i = 0; i < names.size(); ++i) {
        std::string row(names.at(i));
        for (const Report report : columns) {
            const auto stage = static_cast<core::Stage>(i);
            row += fmt::format(" Ta {}", word_of(core::meaning_of(report, stage)));
            if (const unsigned rule = core::rule_of(report, stage); rule > 0) row += fmt::format(", R{}", rule);
        }
        fact("meaning", row, "");
    }
}

void print_orders() {
    for (const auto order : reading_orders) fact("order", order, "");
    for (auto verb = OrderVerb::stop; verb <= OrderVerb::update; verb = static_cast<OrderVerb>(static_cast<int>(verb) + 1)) {
        fact("order", text_of(verb), "");
    }
}

template <std::size_t count>
void print_exits(std::string_view kind, const std::array<ExitMeaning, count>& table) {
    for (const auto& row : table) fact(kind, std::to_string(number_of(row.code)), fmt::format("{}.", row.meaning));
}

class Lines {
public:
    void print(const Message& message) {
        seen_[static_cast<std::size_t>(message.id)] = true;
        fact("line", fmt::format("{} ({})", message.text, word_of(message.priority)), "");
    }
    // No program says it yet: the page must not promise it.
    void later(MessageId id) { seen_[static_cast<std::size_t>(id)] = true; }

    [[nodiscard]] bool complete() const {
        bool all = true;
        for (std::size_t i = 0; i < message_ids; ++i) {
            if (seen_[i]) continue;
            fmt::print(stderr, "print_schema: no example of {}\n", name_of(static_cast<MessageId>(i)));
            all = false;
        }
        return all;
    }

private:
    std::array<bool, message_ids> seen_{};
};

constexpr EntryRef crond{"crond", 1};
constexpr std::string_view pfile = "/etc/banken/pfile_cron", since = "Thu Jan 18 13:34:43 2007";

void print_original(Lines& lines) {
    using Kind = Cause::Kind;
    lines.print(messages::up(crond, 8107));
    lines.print(messages::down(crond, 8033));
    for (const auto& cause : {Cause{Kind::status, 9}, Cause{Kind::status, 1 << 8}, Cause{Kind::status, 11 | 0x80}, Cause{Kind::oom, 9},
                              Cause{Kind::gone}, Cause{Kind::not_permitted}}) {
        lines.print(messages::cause(crond, 8033, cause));
    }
    lines.print(messages::set_pid_fail(crond));
    lines.print(messages::try_to_restart(crond));
    for (const auto& rule : action_rules) lines.print(messages::retry_over(crond, rule.action));
    lines.print(messages::shutdown());
    lines.print(messages::command_execute("reload", pfile, ""));
    lines.print(messages::command_execute("stop", pfile, "crond"));
}

void print_scripts(Lines& lines) {
    for (const auto* outcome : {"status=3", "signal=9", "timeout=300s", "cannot execute: Exec format error"}) {
        lines.print(messages::script_failed(crond, outcome));
    }
    lines.print(messages::script_failed(crond, "status=5", "Stop script"));
    lines.print(messages::script_refused(crond, "/opt/app/bin is writable by others"));
    lines.print(messages::script_refused(crond, "/opt/app/check is writable by others", "Health check"));
    lines.print(messages::script_running(crond, 8111, std::chrono::seconds(300)));
    lines.print(messages::cannot_end(crond, 8033));
    lines.print(messages::left_running(crond, 8111));
}

void print_resources(Lines& lines) {
    constexpr EntryRef web{"web"};
    lines.print(messages::resource_state(web, "ISP", "restore action has succeeded", false));
    lines.print(messages::resource_state(web, "OSF", "remove action has failed: status=1", true));
    lines.print(messages::check_failed(web, "quickCheck", "status=1"));
    lines.print(messages::action_failed(web, "restore", "timeout=300s"));
    lines.print(messages::action_running(web, 8111, "restore", std::chrono::seconds(300)));
    lines.print(messages::application_left(web));
    lines.print(messages::script_line(web, Priority::info, "INFO:gen:quickCheck:web:000007:resource web is not ISP status"));
}

void print_ours(Lines& lines) {
    lines.print(messages::start(pfile, 0x1f000501));
    lines.print(messages::adopted(7750, 3));
    lines.print(messages::ambiguous(crond, 2, 712));
    lines.print(messages::too_many(crond, 5, 4));
    for (const auto* sign : {"3 health checks failed", "no heartbeat for 30s", "in state D for 60s", "event filesys/diskfull"}) {
        lines.print(messages::stalled(crond, 8033, sign));
    }
    lines.print(messages::over_limit(crond, 8033, "rss 2.1G > 2G for 30s"));
    for (const auto* wait : {"delay 8s", "dependency db is RETRY_OVER"}) lines.print(messages::waiting(crond, wait));
    lines.print(messages::hold_ended(crond));
    lines.print(messages::would_restart(crond));
    for (const auto* text :
         {"given up", "paused", "down without script", "waiting for slot", "waiting for group", "waiting for db", "not ended"}) {
        lines.print(messages::reminder(crond, fmt::format("{} since {}", text, since)));
    }
    lines.print(messages::reminder(crond, "on hold until Thu Jan 18 13:34:43 2007"));
    lines.print(messages::reminder(crond, "running again as pid=8888, not watched until reload, clear or restart"));
    lines.print(messages::reload_failed(fmt::format("{}: error: IPCKEY is missing", pfile), 2));
    lines.print(messages::reload_done(1, 0, 2, 17));
    for (const bool started : {false, true}) {
        lines.print(messages::monitoring(started, {}));
        lines.print(messages::monitoring(started, crond));
    }
    lines.print(messages::dump_not_written("/var/lib/banken/dump_cron: create: No space left on device"));
    lines.print(messages::log_lost(12));
    lines.print(messages::events_lost(7));
    lines.print(messages::suppressed(crond, 480));
    lines.print(messages::polling("Too many open files"));
    lines.print(messages::segment_removed());
    print_resources(lines);
    lines.print(messages::warning("entries web (pent_id 1) and shop (pent_id 2) follow the same process, pid=712"));
}

}  // namespace

int main() {
    print_settings();
    print_resources();
    print_meanings({Report::online, Report::offline, Report::faulted});
    print_meanings({Report::standby, Report::warning, Report::offline_fault, Report::unknown});
    print_orders();
    print_exits("pcheck-exit", pcheck_exits);
    print_exits("padmin-exit", padmin_exits);
    print_exits("sendevent-exit", sendevent_exits);
    print_exits("padmin-quiet", padmin_quiet_exits);
    Lines lines;
    print_original(lines);
    print_scripts(lines);
    print_ours(lines);
    for (const auto id : {MessageId::adopted, MessageId::stalled, MessageId::over_limit, MessageId::too_many, MessageId::hold_ended,
                          MessageId::would_restart}) {
        lines.later(id);
    }
    lines.later(MessageId::warning);  // free text
    return lines.complete() ? 0 : 1;
}
