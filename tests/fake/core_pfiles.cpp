// SPDX-License-Identifier: Apache-2.0
#include "tests/fake/core_pfiles.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace banken::core {
namespace {

// Entries a and b are in no group and may be waited for by all that come after them in the alphabet: no cycle can come about.
constexpr std::string_view names = "abcdef";

bool may_be_grouped(char name) { return name > 'b'; }

}  // namespace

RandomPfile::RandomPfile(Random& random) : random_(random) {
    for (std::size_t i = 0; i < params_.size(); ++i) params_[i] = param(i);
    for (std::size_t count = 1 + random_.below(5); count > 0; --count) add();
    settle();
}

std::string RandomPfile::param(std::size_t number) {
    constexpr std::array reminders{"0", "15", "3600"};
    switch (number) {
        case 0: return fmt::format("MONITOR_INTERVAL {}\n", 1 + random_.below(10));
        case 1: return fmt::format("MONITOR_TRY_COUNT {}\n", 1 + random_.below(3));
        case 2: return fmt::format("SCRIPT_PARALLEL {}\n", 1 + random_.below(3));
        case 3: return fmt::format("REMIND_INTERVAL {}\n", random_.among(reminders));
        case 4: return fmt::format("DETECT {}\n", random_.chance(15) ? "poll" : "event");
        case 5: return fmt::format("SCRIPT_KILL_WAIT {}\n", random_.below(4));
        case 6: return random_.chance(30) ? "SCRIPT_TIMEOUT 20\n" : "";
        default: return random_.chance(30) ? fmt::format("CONFIRM_WAIT {}\n", random_.below(2)) : "";
    }
}

void RandomPfile::add() {
    std::string free;
    for (const char name : names) {
        if (std::ranges::find(entries_, name, &Entry::name) == entries_.end()) free += name;
    }
    if (free.empty()) return;
    const char name = random_.among(free);
    entries_.insert(entries_.begin() + static_cast<std::ptrdiff_t>(random_.below(entries_.size() + 1)), {name, line_for(name)});
}

std::string RandomPfile::line_for(char name) {
    constexpr std::array actions{"continue", "continue", "continue", "continue", "hold",    "hold",
                                 "hold",     "hold",     "hold",     "exit",     "shutdown"};
    const bool reports_only = random_.chance(8), never = random_.chance(6);
    const std::string action = never ? "continue" : random_.among(actions);
    const std::string script = reports_only ? "-" : random_.chance(20) ? "/bin/shared" : fmt::format("/bin/start {}", name);
    const std::string retries = never ? "0" : random_.chance(8) ? "unlimited" : std::to_string(1 + random_.below(4));
    return fmt::format("{}:{}:{}:{}{}", script, 20 + random_.below(random_.chance(50) ? 30 : 400), retries, action,
                       options_for(name, reports_only));
}

std::string RandomPfile::options_for(char name, bool reports_only) {
    std::string text;
    const auto maybe = [&](unsigned percent, std::string_view option) {
        if (random_.chance(percent)) text.append(":").append(option);
    };
    const bool counts = random_.chance(10);
    maybe(25, random_.chance(50) ? "confirm=0" : "confirm=1/always");
    maybe(50, random_.chance(50) ? "delay=0" : random_.chance(50) ? "delay=3" : "delay=2-20");
    maybe(20, "stable=15");
    maybe(25, "script_timeout=6");
    maybe(35, random_.chance(60) ? "start_timeout=7" : "start_timeout=90");
    maybe(10, "success_exit=0,3");
    maybe(5, "monitor=off");
    maybe(10, "args=x");
    if (may_be_grouped(name)) maybe(60, "group=g");
    if (name == 'b') maybe(40, "after=a");
    if (may_be_grouped(name)) maybe(35, random_.chance(40) ? "after=a" : random_.chance(50) ? "after=b" : "after=a,b");
    if (counts) return text + (random_.chance(50) ? ":min=2" : ":min=1:max=3");
    maybe(70, random_.chance(50) ? "events=disk/full" : "events=disk/full,app/hangs");
    maybe(30, "check=/bin/check:check_interval=5:check_timeout=3:check_failures=2");
    maybe(20, random_.chance(50) ? "heartbeat=9" : "heartbeat=9,/beat");
    maybe(10, "hung=12");
    maybe(15, random_.chance(50) ? "rss=1G/8" : "rss=1G/8:on_limit=restart");
    if (!reports_only) maybe(60, random_.chance(40) ? "stop=TERM/4" : random_.chance(60) ? "stop=/bin/stop/5" : "stop=TERM/0");
    return text;
}

// What is waited for is there.
void RandomPfile::settle() {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        for (const char name : {'a', 'b'}) {
            if (std::ranges::find(entries_, name, &Entry::name) != entries_.end()) continue;
            for (Entry& entry : entries_) {
                for (const std::string& option :
                     {fmt::format("after={},b", name), fmt::format("after=a,{}", name), fmt::format("after={}", name)}) {
                    const std::size_t at = entry.line.find(":" + option);
                    if (at != std::string::npos) entry.line.erase(at, option.size() + 1);
                }
            }
        }
    }
}

void RandomPfile::edit() {
    if (random_.chance(40)) add();
    if (!entries_.empty() && random_.chance(35))
        entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(random_.below(entries_.size())));
    if (entries_.size() > 1 && random_.chance(30)) std::swap(entries_.front(), entries_.back());
    for (Entry& entry : entries_) {
        if (random_.chance(15)) entry.line = line_for(entry.name);
    }
    if (random_.chance(20)) {
        const std::size_t number = random_.below(params_.size());
        params_[number] = param(number);
    }
    settle();
}

std::string RandomPfile::text() const {
    std::string text = "[PARAM]\nIPCKEY 0x1f000501\nSHM_DUMP_FILE /var/tmp/dump\n";
    for (const std::string& param : params_) text += param;
    text += "[PENT]\n";
    for (const Entry& entry : entries_) text += fmt::format("{}:{}\n", entry.name, entry.line);
    return text;
}

Pfile RandomPfile::pfile() const {
    ParsedPfile parsed = parse_pfile(text());
    if (parsed.good()) return std::move(parsed.pfile);
    std::string wrong = text();
    for (const Diagnostic& diagnostic : parsed.diagnostics) wrong += text_of(diagnostic, "random") + "\n";
    throw std::runtime_error(wrong);
}

}  // namespace banken::core
