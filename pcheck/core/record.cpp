// SPDX-License-Identifier: Apache-2.0
#include "pcheck/core/record.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "pcheck/core/record_text.hpp"
#include "pcheck/core/record_words.hpp"

namespace banken::core {
namespace {

constexpr std::size_t most_detail = std::get<1>(Form<TraceRecord>::texts).most;
constexpr std::size_t room_for_part = std::string_view("part=4294967295/4294967295 ").size();

struct Text {
    std::string detail;
    EntryKey entry = 0;
    pid_t pid = 0;

    template <class Value>
    void add(std::string_view key, const Value& value) {
        add_word(detail, key, fmt::format("{}", value));
    }
    void flag(std::string_view key, bool set) {
        if (set) detail.append(" ").append(key);
    }
};

void write(Text& text, const Looked& event, const Supervisor&) {
    text.entry = event.entry;
    if (event.number != 0) text.add("look", event.number);
    for (const Candidate& candidate : event.matches) {
        text.add("pid", candidate.id.pid);
        text.add("start", candidate.id.start);
        text.flag("child", !candidate.root);
        text.flag("unnamed", !candidate.named);
        text.flag("forked", candidate.fork_no_exec);
        text.flag("login", candidate.in_session_scope);
        text.add("session", candidate.session);
        text.add("uid", candidate.user);
        text.add("argv0", candidate.argv0);
    }
}

void write(Text&, const FirstSweepDone&, const Supervisor&) {}

void write(Text& text, const Died& event, const Supervisor&) {
    text.entry = event.entry;
    text.pid = event.process.pid;
    text.add("start", event.process.start);
    text.add("cause", record_words::causes.at(static_cast<std::size_t>(event.cause.kind)));
    text.add("status", event.cause.status);
    text.add("noticed", event.noticed);
    text.flag("brought_back", event.brought_back);
    text.add("text", text_of(event.cause));
}

void write(Text& text, const ScriptStarted& event, const Supervisor& core) {
    text.entry = core.entry_of(event.run);
    text.pid = event.process.pid;
    text.add("run", event.run);
    text.add("start", event.process.start);
}

void write(Text& text, const ScriptEnded& event, const Supervisor& core) {
    text.entry = core.entry_of(event.run);
    text.add("run", event.run);
    text.add("how", record_words::ends.at(static_cast<std::size_t>(event.how)));
    text.add("wait", event.status);
    if (event.how == ScriptEnded::How::exited) text.add("text", short_text_of_status(event.status));
    if (!event.reason.empty()) text.add("reason", event.reason);
}

void write(Text& text, const Order& event, const Supervisor&) {
    text.add("order", event.id);
    text.add("verb", text_of(event.verb));
    if (!event.target.empty()) text.add("target", event.target);
    if (event.duration) text.add("for", event.duration->count());
    if (!event.event.empty()) text.add("event", event.event);
    if (event.exit_status != 0) text.add("status", event.exit_status);
    if (!event.reason.empty()) text.add("reason", event.reason);
}

void write_pent(Text& text, const Pent& pent) {
    text.add("pent", pent.text);
    if (pent.uid) text.add("user", *pent.uid);
    if (!pent.runner) return;
    text.add("runner", pent.runner->uid);
    text.add("gid", pent.runner->gid);
    for (const std::uint32_t group : pent.runner->groups) text.add("group", group);
    text.add("home", pent.runner->home);
}

bool written_alike(const Pent& left, const Pent& right) {
    return left.text == right.text && left.uid == right.uid && left.runner == right.runner;
}

void write(Text& text, const Reloaded& event, const Supervisor& core) {
    text.add("order", event.order);
    if (event.pfile.param != core.param()) {
        for (const auto& [key, value] : record_words::of_param(event.pfile.param)) text.add(key, value);
    }
    std::unordered_map<std::string_view, std::size_t> running;  // by its line: the place in the order of the file, from 1
    std::size_t place = 0;
    for (const EntryKey key : core.entries()) running.emplace(core.find(key)->pent.text, ++place);
    std::size_t first = 0, last = 0;  // same=first-last is still growing
    const auto end_same = [&] {
        if (first != 0) text.add("same", fmt::format("{}-{}", first, last));
        first = 0;
    };
    for (const Pent& pent : event.pfile.pents) {
        const auto known = running.find(pent.text);
        const bool same = known != running.end() && written_alike(core.find(core.entries()[known->second - 1])->pent, pent);
        if (same && first != 0 && known->second == last + 1) {
            ++last;
            continue;
        }
        end_same();
        if (same) {
            first = last = known->second;
        } else {
            write_pent(text, pent);
        }
    }
    end_same();
}

void write(Text& text, const DumpDone& event, const Supervisor&) {
    text.add("order", event.order);
    text.add("error", event.error);
}

void write(Text& text, const Heartbeat& event, const Supervisor&) { text.entry = event.entry; }

void write(Text& text, const HeartbeatRead& event, const Supervisor&) {
    text.entry = event.entry;
    if (event.age) text.add("age", event.age->count());
}

void write(Text& text, const Measured& event, const Supervisor&) {
    text.entry = event.entry;
    text.pid = event.process.pid;
    text.add("start", event.process.start);
    text.add("state", event.state);
    text.add("cpu", event.cpu.count());
    text.add("rss", event.rss);
    text.add("fds", event.fds);
}

void write(Text& text, const Adopted& event, const Supervisor&) {
    for (const AdoptedEntry& entry : event.entries) {
        text.add("entry", entry.entry);
        text.add("main", entry.main_lives ? 1 : 0);
        text.add("script", entry.script_lives ? 1 : 0);
    }
}

void write(Text&, const Deadline&, const Supervisor&) {}

}  // namespace

std::vector<TraceRecord> records_of(const Told& told, const Supervisor& core) {
    Text text;
    text.add("ticks", told.now.ticks);
    std::visit([&](const auto& event) { write(text, event, core); }, told.event);
    TraceRecord record;
    record.instant = told.now.instant;
    record.wall = told.now.wall;
    record.key = text.entry;
    record.pid = text.pid;
    record.event = record_words::events.at(told.event.index());
    if (text.detail.size() <= most_detail) {
        record.detail = std::move(text.detail);
        return {std::move(record)};
    }
    const std::size_t room = most_detail - room_for_part, parts = (text.detail.size() + room - 1) / room;
    std::vector<TraceRecord> records;
    for (std::size_t part = 1; part <= parts; ++part) {
        record.detail = fmt::format("part={}/{} {}", part, parts, std::string_view(text.detail).substr((part - 1) * room, room));
        records.push_back(record);
    }
    return records;
}

std::vector<TraceRecord> Recorder::before(const Told& told, const Supervisor& core) {
    const auto* looked = std::get_if<Looked>(&told.event);
    if (!looked || looked->number != 0) return records_of(told, core);
    Text text;
    write(text, *looked, core);
    News& news = news_[looked->entry];
    const std::size_t hash = std::hash<std::string>{}(text.detail);
    news.repeated = news.hash == hash;
    if (news.repeated && news.settled) return {};
    news.settled = false;
    news.hash = hash;
    return records_of(told, core);
}

void Recorder::after(const Event& event, std::span<const Action> actions) {
    const auto* looked = std::get_if<Looked>(&event);
    const EntryKey told = looked && looked->number == 0 ? looked->entry : 0;
    bool effect = false;
    for (const Action& action : actions) {
        if (std::holds_alternative<PublishAll>(action)) return news_.clear();
        const auto* publish = std::get_if<Publish>(&action);
        effect = effect || !publish || publish->entry != told;
        if (publish && publish->entry != told) news_.erase(publish->entry);
    }
    if (told == 0) return;
    const auto news = news_.find(told);
    if (news == news_.end()) return;
    if (effect) {
        news_.erase(news);
    } else if (news->second.repeated) {
        news->second.settled = true;
    }
}

}  // namespace banken::core
