// SPDX-License-Identifier: Apache-2.0
#include "padmin/words.hpp"

#include <array>
#include <tuple>

#include "common/sys/clock.hpp"
#include "common/text.hpp"

namespace banken {
namespace {

// For a shell, in single quotes where it needs them.
std::string shell_word(const std::string& text) {
    constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-+=,@:%";
    if (text.find_first_not_of(plain) == text.npos) return text;
    std::string word = "'";
    for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return word + "'";
}

}  // namespace

std::string span_words(Duration span) {
    struct Unit {
        std::int64_t seconds;
        std::string_view name;
    };
    constexpr std::array units{Unit{86400, "d"}, Unit{3600, "h"}, Unit{60, "min"}, Unit{1, "s"}};
    auto left = std::chrono::ceil<std::chrono::seconds>(span).count();
    for (std::size_t i = 0; i + 1 < units.size(); ++i) {
        if (left < units[i].seconds) continue;
        const auto large = left / units[i].seconds, small = left % units[i].seconds / units[i + 1].seconds;
        const std::string text = fmt::format("{} {}", large, units[i].name);
        return small == 0 ? text : fmt::format("{} {} {}", text, small, units[i + 1].name);
    }
    return fmt::format("{} s", left);
}

std::string time_words(const View& view, WallTime time) {
    constexpr std::size_t day = 10, clock = 11, clock_size = 8, year = 20;  // in "Thu Jan 18 13:34:43 2007"
    const std::string text = sys::local_time_text(time), now = sys::local_time_text(view.now.wall);
    const bool today = text.size() > year && now.substr(0, day) == text.substr(0, day) && now.substr(year) == text.substr(year);
    return today ? text.substr(clock, clock_size) : text;
}

std::string moment_words(const View& view, WallTime time) {
    const Duration ahead = time - view.now.wall;
    if (view.dumped) return sys::local_time_text(time);  // read at another time: nothing is near to its now
    const std::string text = time_words(view, time);
    if (ahead > Duration{}) return fmt::format("{} (in {})", text, span_words(ahead));
    const auto ago = std::chrono::floor<std::chrono::seconds>(-ahead);
    return ago.count() == 0 ? fmt::format("{} (now)", text) : fmt::format("{} ({} ago)", text, span_words(ago));
}

std::string moment_words(const View& view, Instant instant) { return moment_words(view, wall_of(view, instant)); }

std::string pause_words(const View& view, WallTime since, std::optional<Instant> until) {
    return fmt::format("paused{}{}", since == WallTime{} ? "" : " since " + moment_words(view, since),
                       until ? " until " + moment_words(view, *until) : ", until `start`");
}

std::string size_words(std::uint64_t bytes) {
    constexpr std::array<std::string_view, 4> units{"", "K", "M", "G"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; value >= 1024 && unit + 1 < units.size(); ++unit) value /= 1024;
    std::string text = fmt::format("{:.1f}", value);
    if (text.ends_with(".0")) text.resize(text.size() - 2);
    return fmt::format("{}{}", text, units.at(unit));
}

std::string health_words(const EntryRecord& entry) {
    constexpr std::size_t most = std::get<5>(Form<EntryRecord>::texts).most;
    static_assert(std::get<5>(Form<EntryRecord>::texts).member == &EntryRecord::health);
    const std::string& health = entry.health;
    if (health.size() < most || health.ends_with(')')) return printable(health);
    const std::size_t word = health.rfind(' '), reason = health.find_first_of("(:");
    return printable(health.substr(0, word > reason + 1 ? word : health.npos)) + "...";
}

bool is_in_doubt(const EntryRecord& entry) {
    return entry.state == EntryState::avail && !entry.health.empty() && entry.health != "good" && entry.health != "not checked yet";
}

std::string count_words(std::size_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : what.ends_with('s') ? "es" : "s");
}

std::string start_words(const View& view) {
    return fmt::format("pcheck {}-f {}", is_dry_run(view) ? "--dry-run " : "", shell_word(printable(view.header.pfile)));
}

std::string command_words(const View& view, std::string_view order) {
    return fmt::format("padmin -f {} -c {}", shell_word(printable(view.header.pfile)), order);
}

std::string command_words(const View& view, std::string_view order, const EntryRecord& entry) {
    const auto named = entries_of(view, entry.name);
    const bool by_name = named.size() == 1 && named.front() == &entry && printable(entry.name) == entry.name && entry.name.front() != '-';
    return fmt::format("{} {}", command_words(view, order), by_name ? shell_word(entry.name) : std::to_string(entry.pent_id));
}

std::string no_entry_words(const View& view, std::string_view target) {
    if (resource_of(view, target)) return fmt::format("no entry {}: it is a resource, show resource shows it", quoted(target));
    std::vector<std::string_view> names;
    for (const EntryRecord& entry : view.entries) {
        if (entry.name == target)
            return fmt::format("no entry {}: digits alone are a pent_id; the entry of that name has {}", quoted(target), entry.pent_id);
        names.push_back(entry.name);
    }
    for (const ResourceRecord& resource : view.resources) names.push_back(resource.tag);
    const std::string near = did_you_mean(target, names);
    return fmt::format("no entry {}{}", quoted(target), near.empty() ? ": show pent lists them" : printable(near));
}

}  // namespace banken
