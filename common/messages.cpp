// SPDX-License-Identifier: Apache-2.0
#include "common/messages.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "common/text.hpp"

namespace banken {
namespace {

struct MessageRow {
    std::string_view name, journal_id;
    Priority priority;
};

// By MessageId. The identifiers are random (journalctl --new-id128), and those of conf/banken.catalog.
constexpr std::array<MessageRow, message_ids> rows{{
    {"up", "b367eadb591294c81f84e535a824d935", Priority::notice},
    {"down", "f264057f22c03a204b53fb16f916ca86", Priority::warning},
    {"cause", "c6b2a4af5747083c0b5b188ccff81026", Priority::warning},
    {"set_pid_fail", "9f659169d4f655a3c1de86ebb706696f", Priority::err},
    {"try_to_restart", "40b2a038d21d6883b6d0ee7b30e17f83", Priority::warning},
    {"retry_over", "75347854445e5ee949ed0616dbb058a6", Priority::err},
    {"shutdown", "c45147dcbfdacd107f89f7d2d97fa6bd", Priority::notice},
    {"command_execute", "c342375baff3119f8b0fddcb3875d279", Priority::notice},
    {"start", "47247094392d7a422d417ce573404c47", Priority::notice},
    {"adopted", "91f81ba28feebfdd6a8028dab23afe11", Priority::notice},
    {"script_failed", "dde900380cf9e86620589e6b3d4b6654", Priority::err},
    {"script_refused", "7e697f57bcc0f6f27f91addacb4b0885", Priority::err},
    {"script_running", "70d31abdd9452fa6a189ac98f222583d", Priority::warning},
    {"stalled", "836dc506c8541aeab66f294538aa53f5", Priority::warning},
    {"over_limit", "e3b239418d3428fa91e114e595c372b1", Priority::warning},
    {"too_many", "92e4d1f3a2e978864b4409f34ee46cb5", Priority::warning},
    {"ambiguous", "3adbbc8d86b823f93f2f90d7519f743d", Priority::warning},
    {"cannot_end", "4f961dd9205f1fca54a18f67dea5f71b", Priority::err},
    {"waiting", "714553c38aed46c1ce170b084148d861", Priority::notice},
    {"hold_ended", "572b623c473ca30f4e39c51d850d8a6c", Priority::notice},
    {"reminder", "d6e521ab4b04636a2511691d0f6c175b", Priority::warning},
    {"reload_failed", "ce32ffb267be42dc944b64a7f125bbaf", Priority::err},
    {"reload_done", "39e89fe916d827119c3e38df64b8c1f8", Priority::notice},
    {"monitoring", "cef42eeefd4c5f912af4e2a021ba0611", Priority::notice},
    {"would_restart", "ba580534be7205826dd780a53e6cfbf3", Priority::notice},
    {"left_running", "d209551a196e108ecba32eb88e32481c", Priority::notice},
    {"dump_not_written", "5fe944ebe169aed8f303a228fca85950", Priority::err},
    {"log_lost", "3e6914001af25ed0cd0bd668b857e5cc", Priority::warning},
    {"events_lost", "e5b5ce900e775792dc89e0268edea8da", Priority::warning},
    {"suppressed", "616a87b1f9a250b25bd7732040cb9bfb", Priority::warning},
    {"polling", "04dda9e04deeee6d850bc85b7656388c", Priority::warning},
    {"segment_removed", "77d80d23aa3af78c9cad460f55184135", Priority::warning},
    {"resource_state", "51772a66056256045f374369fb30c161", Priority::notice},
    {"check_failed", "de8e937470b040dff1441cddcc4fa013", Priority::warning},
    {"action_failed", "3f89842de8de8d6b9d5999814402b183", Priority::err},
    {"action_running", "9019cfa97a20433812748ce535b9c169", Priority::warning},
    {"application_left", "502eede516f81da0599eded0fef3a705", Priority::notice},
    {"script_line", "f17829b163f24b19a883dd4520fa436b", Priority::info},
    {"warning", "b236c7ae0af1eb75546f0fc5cbc5c63e", Priority::warning},
}};

constexpr const MessageRow& row_of(MessageId id) { return rows[static_cast<std::size_t>(id)]; }
static_assert(row_of(MessageId::warning).name == "warning" && row_of(MessageId::reminder).name == "reminder", "the rows are out of step");

Message line(MessageId id, std::string text) { return {id, row_of(id).priority, std::move(text), {}, 0, 0}; }

Message line(MessageId id, EntryRef entry, std::string text, pid_t pid = 0) {
    return {id, row_of(id).priority, std::move(text), printable(entry.name), entry.pent_id, pid};
}

}  // namespace

bool must_arrive(MessageId id) { return id == MessageId::up || id == MessageId::down || id == MessageId::retry_over; }

std::string_view word_of(Priority priority) {
    switch (priority) {
        case Priority::err: return "err";
        case Priority::warning: return "warning";
        case Priority::notice: return "notice";
        case Priority::info: return "info";
        case Priority::debug: break;
    }
    return "debug";
}

std::string_view name_of(MessageId id) { return row_of(id).name; }

std::string_view journal_id_of(MessageId id) { return row_of(id).journal_id; }

std::string_view text_of(RetryOverAction action) {
    switch (action) {
        case RetryOverAction::continue_: return "continue";
        case RetryOverAction::exit: return "exit";
        case RetryOverAction::shutdown: return "shutdown";
        case RetryOverAction::hold: return "hold";
    }
    return {};
}

namespace messages {
Message up(EntryRef entry, pid_t pid) {
    return line(MessageId::up, entry, fmt::format("({} ,pid={}) Up", printable(entry.name), pid), pid);
}

Message down(EntryRef entry, pid_t pid) {
    return line(MessageId::down, entry, fmt::format("Process [{}, pid={}] Down", printable(entry.name), pid), pid);
}

Message cause(EntryRef entry, pid_t pid, const Cause& cause) {
    return line(MessageId::cause, entry, fmt::format("Cause [{}, pid={}] {}", printable(entry.name), pid, text_of(cause)), pid);
}

Message set_pid_fail(EntryRef entry) {
    return line(MessageId::set_pid_fail, entry, fmt::format("Set pid fail ({})", printable(entry.name)));
}

Message try_to_restart(EntryRef entry) {
    return line(MessageId::try_to_restart, entry, fmt::format("Try to restart ({})", printable(entry.name)));
}

Message retry_over(EntryRef entry, RetryOverAction action) {
    std::string word(text_of(action));
    for (char& c : word) c = static_cast<char>(c - 'a' + 'A');
    return line(MessageId::retry_over, entry, fmt::format("({}) RETRY_OVER:{}", printable(entry.name), word));
}

Message shutdown() { return line(MessageId::shutdown, "Shutdown pcheck"); }

Message command_execute(std::string_view order, std::string_view pfile, std::string_view entry) {
    auto text = fmt::format("Command execute. [{}] pfile={}", printable(order), printable(pfile));
    if (!entry.empty()) text += fmt::format(" entry={}", printable(entry));
    return line(MessageId::command_execute, {entry}, std::move(text));
}

Message start(std::string_view pfile, std::uint32_t key) {
    return line(MessageId::start, fmt::format("Start pcheck pfile={} ipckey=0x{:08x}", printable(pfile), key));
}

Message adopted(pid_t old_pid, std::size_t entries) {
    return line(MessageId::adopted, fmt::format("Adopted state of pcheck[{}] (entries={})", old_pid, entries));
}

Message script_failed(EntryRef entry, std::string_view outcome, std::string_view script) {
    return line(MessageId::script_failed, entry, fmt::format("{} failed ({}) {}", script, printable(entry.name), printable(outcome)));
}

Message script_refused(EntryRef entry, std::string_view reason, std::string_view script) {
    return line(MessageId::script_refused, entry, fmt::format("{} refused ({}): {}", script, printable(entry.name), printable(reason)));
}

Message script_running(EntryRef entry, pid_t script, seconds since) {
    auto text = fmt::format("Restart script still running ({} ,pid={}) for {}s", printable(entry.name), script, since.count());
    return line(MessageId::script_running, entry, std::move(text), script);
}

Message stalled(EntryRef entry, pid_t pid, std::string_view reason) {
    return line(MessageId::stalled, entry, fmt::format("Stalled ({} ,pid={}): {}", printable(entry.name), pid, printable(reason)), pid);
}

Message over_limit(EntryRef entry, pid_t pid, std::string_view reason) {
    return line(MessageId::over_limit, entry, fmt::format("Over limit ({} ,pid={}): {}", printable(entry.name), pid, printable(reason)),
                pid);
}

Message too_many(EntryRef entry, std::size_t count, std::size_t max) {
    return line(MessageId::too_many, entry, fmt::format("Too many processes ({}): {} > {}", printable(entry.name), count, max));
}

Message ambiguous(EntryRef entry, std::size_t count, pid_t chosen) {
    auto text = fmt::format("Ambiguous match ({}): {} processes, watching pid={}", printable(entry.name), count, chosen);
    return line(MessageId::ambiguous, entry, std::move(text), chosen);
}

Message cannot_end(EntryRef entry, pid_t pid) {
    return line(MessageId::cannot_end, entry, fmt::format("Cannot be ended ({} ,pid={})", printable(entry.name), pid), pid);
}

Message waiting(EntryRef entry, std::string_view reason) {
    return line(MessageId::waiting, entry, fmt::format("Waiting ({}): {}", printable(entry.name), printable(reason)));
}

Message hold_ended(EntryRef entry) { return line(MessageId::hold_ended, entry, fmt::format("Hold ended ({})", printable(entry.name))); }

Message reminder(EntryRef entry, std::string_view text) {
    return line(MessageId::reminder, entry, fmt::format("Reminder: ({}) {}", printable(entry.name), printable(text)));
}

Message reload_failed(std::string_view first_error, std::size_t more) {
    auto text = fmt::format("Reload failed, configuration unchanged: {}", printable(first_error));
    if (more != 0) text += fmt::format(" ({} more)", more);
    return line(MessageId::reload_failed, std::move(text));
}

Message reload_done(std::size_t added, std::size_t removed, std::size_t changed, std::size_t same) {
    return line(MessageId::reload_done, fmt::format("Reload done: +{} -{} ~{} ={}", added, removed, changed, same));
}

Message monitoring(bool started, EntryRef entry) {
    auto text = fmt::format("Monitoring {}", started ? "started" : "stopped");
    if (!entry.name.empty()) text += fmt::format(" [{}]", printable(entry.name));
    return line(MessageId::monitoring, entry, std::move(text));
}

Message would_restart(EntryRef entry) {
    return line(MessageId::would_restart, entry, fmt::format("Would restart ({})", printable(entry.name)));
}

Message left_running(EntryRef entry, pid_t script) {
    auto text = fmt::format("Left running: script of ({}) pid={}", printable(entry.name), script);
    return line(MessageId::left_running, entry, std::move(text), script);
}

Message dump_not_written(std::string_view reason) {
    return line(MessageId::dump_not_written, fmt::format("Dump not written: {}", printable(reason)));
}

Message log_lost(std::size_t lines) { return line(MessageId::log_lost, fmt::format("Log queue full, {} lines lost", lines)); }

Message events_lost(std::size_t events) { return line(MessageId::events_lost, fmt::format("Event queue full, {} lost", events)); }

Message suppressed(EntryRef entry, std::size_t lines) {
    return line(MessageId::suppressed, entry, fmt::format("suppressed {} lines", lines));
}

Message polling(std::string_view reason) { return line(MessageId::polling, fmt::format("Falling back to polling: {}", printable(reason))); }

Message segment_removed() { return line(MessageId::segment_removed, "Segment was removed, recreating"); }

Message resource_state(EntryRef resource, std::string_view state, std::string_view reason, bool failed) {
    auto message =
        line(MessageId::resource_state, resource, fmt::format("Resource ({}) {}: {}", printable(resource.name), state, printable(reason)));
    if (failed) message.priority = Priority::err;
    return message;
}

Message check_failed(EntryRef resource, std::string_view check, std::string_view outcome) {
    return line(MessageId::check_failed, resource,
                fmt::format("Check failed ({}): {} {}", printable(resource.name), check, printable(outcome)));
}

Message action_failed(EntryRef resource, std::string_view script, std::string_view outcome) {
    return line(MessageId::action_failed, resource,
                fmt::format("Script failed ({}): {} {}", printable(resource.name), script, printable(outcome)));
}

Message action_running(EntryRef resource, pid_t pid, std::string_view script, seconds since) {
    auto text = fmt::format("Script still running ({} ,pid={}): {} for {}s", printable(resource.name), pid, script, since.count());
    return line(MessageId::action_running, resource, std::move(text), pid);
}

Message application_left(EntryRef resource) {
    return line(MessageId::application_left, resource, fmt::format("Left running: application ({})", printable(resource.name)));
}

Message script_line(EntryRef resource, Priority priority, std::string_view text) {
    Message said = line(MessageId::script_line, resource, printable(text));
    said.priority = priority;
    return said;
}

Message warning(std::string_view text) { return line(MessageId::warning, printable(text)); }

}  // namespace messages
}  // namespace banken
