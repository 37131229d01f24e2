// SPDX-License-Identifier: Apache-2.0
#include "common/messages.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <map>
#include <set>
#include <vector>

using namespace banken;
namespace m = banken::messages;
using namespace std::chrono_literals;

namespace {

const EntryRef crond{"crond", 7};

std::string catalog_name(std::size_t id) { return std::string(name_of(static_cast<MessageId>(id))); }

// The comment ahead of an entry, and its identifier, subject and text.
struct CatalogEntry {
    std::string name, subject, text;
};

std::map<std::string, CatalogEntry> read_catalog() {
    std::ifstream file(BANKEN_CATALOG);
    REQUIRE(file);
    std::map<std::string, CatalogEntry> entries;
    std::string line, comment, id;
    while (std::getline(file, line)) {
        if (line.starts_with("# ")) {
            comment = line.substr(2);
        } else if (line.starts_with("-- ")) {
            id = line.substr(3);
            CHECK_MESSAGE(!entries.contains(id), id);
            entries[id].name = comment;
        } else if (line.starts_with("Subject: ")) {
            entries[id].subject = line.substr(9);
        } else if (!id.empty() && !line.starts_with("Defined-By: ") && !line.starts_with("Documentation: ")) {
            entries[id].text += line;
        }
    }
    return entries;
}

}  // namespace

TEST_CASE("the original's lines are kept to the byte, odd blanks included") {
    CHECK(m::up({"crond", 1}, 8107).text == "(crond ,pid=8107) Up");
    CHECK(m::down(crond, 8033).text == "Process [crond, pid=8033] Down");
    CHECK(m::set_pid_fail(crond).text == "Set pid fail (crond)");
    CHECK(m::try_to_restart(crond).text == "Try to restart (crond)");
    CHECK(m::retry_over(crond, RetryOverAction::continue_).text == "(crond) RETRY_OVER:CONTINUE");
    CHECK(m::retry_over(crond, RetryOverAction::exit).text == "(crond) RETRY_OVER:EXIT");
    CHECK(m::retry_over(crond, RetryOverAction::shutdown).text == "(crond) RETRY_OVER:SHUTDOWN");
    CHECK(m::retry_over(crond, RetryOverAction::hold).text == "(crond) RETRY_OVER:HOLD");
    CHECK(m::shutdown().text == "Shutdown pcheck");
    CHECK(m::command_execute("reload", "/etc/banken/pfile_cron", "").text == "Command execute. [reload] pfile=/etc/banken/pfile_cron");
    CHECK(m::command_execute("stop", "/etc/banken/pfile_cron", "crond").text ==
          "Command execute. [stop] pfile=/etc/banken/pfile_cron entry=crond");
}

TEST_CASE("a cause stands beside its Down in the same form") {
    const auto text = [](Cause cause) { return m::cause(crond, 8033, cause).text; };
    CHECK(text({Cause::Kind::status, SIGKILL}) == "Cause [crond, pid=8033] killed by signal 9 (KILL)");
    CHECK(text({Cause::Kind::status, 1 << 8}) == "Cause [crond, pid=8033] exited with status 1");
    CHECK(text({Cause::Kind::status, SIGSEGV | 0x80}) == "Cause [crond, pid=8033] core dumped by signal 11 (SEGV)");
    CHECK(text({Cause::Kind::oom, SIGKILL}) == "Cause [crond, pid=8033] killed by the OOM killer");
    CHECK(text({Cause::Kind::gone, 0}) == "Cause [crond, pid=8033] unknown (gone before it could be read)");
    CHECK(text({Cause::Kind::not_permitted, 0}) == "Cause [crond, pid=8033] unknown (not permitted)");
}

TEST_CASE("our own lines about an entry read as documented") {
    CHECK(m::script_failed(crond, "status=3").text == "Restart script failed (crond) status=3");
    CHECK(m::script_failed(crond, "cannot execute: Text file busy").text == "Restart script failed (crond) cannot execute: Text file busy");
    CHECK(m::script_refused(crond, "/path is writable by others").text == "Restart script refused (crond): /path is writable by others");
    CHECK(m::script_refused(crond, "/ok is missing", "Health check").text == "Health check refused (crond): /ok is missing");
    CHECK(m::script_running(crond, 12, 300s).text == "Restart script still running (crond ,pid=12) for 300s");
    CHECK(m::stalled(crond, 12, "3 health checks failed").text == "Stalled (crond ,pid=12): 3 health checks failed");
    CHECK(m::over_limit(crond, 12, "rss 2.1G > 2G for 30s").text == "Over limit (crond ,pid=12): rss 2.1G > 2G for 30s");
    CHECK(m::too_many(crond, 5, 4).text == "Too many processes (crond): 5 > 4");
    CHECK(m::ambiguous(crond, 3, 12).text == "Ambiguous match (crond): 3 processes, watching pid=12");
    CHECK(m::cannot_end(crond, 12).text == "Cannot be ended (crond ,pid=12)");
    CHECK(m::waiting(crond, "delay 8s").text == "Waiting (crond): delay 8s");
    CHECK(m::hold_ended(crond).text == "Hold ended (crond)");
    CHECK(m::reminder(crond, "given up since 12:00").text == "Reminder: (crond) given up since 12:00");
    CHECK(m::monitoring(false, crond).text == "Monitoring stopped [crond]");
    CHECK(m::monitoring(true, {}).text == "Monitoring started");
    CHECK(m::would_restart(crond).text == "Would restart (crond)");
    CHECK(m::left_running(crond, 12).text == "Left running: script of (crond) pid=12");
    CHECK(m::suppressed(crond, 31).text == "suppressed 31 lines");
}

TEST_CASE("our own lines about pcheck itself read as documented") {
    CHECK(m::start("/etc/banken/pfile", 0x1f000501).text == "Start pcheck pfile=/etc/banken/pfile ipckey=0x1f000501");
    CHECK(m::adopted(4711, 2).text == "Adopted state of pcheck[4711] (entries=2)");
    CHECK(m::reload_failed("f:7:12: error: x", 0).text == "Reload failed, configuration unchanged: f:7:12: error: x");
    CHECK(m::reload_failed("f:7:12: error: x", 4).text == "Reload failed, configuration unchanged: f:7:12: error: x (4 more)");
    CHECK(m::reload_done(1, 0, 2, 17).text == "Reload done: +1 -0 ~2 =17");
    CHECK(m::dump_not_written("open: No space left on device").text == "Dump not written: open: No space left on device");
    CHECK(m::log_lost(41).text == "Log queue full, 41 lines lost");
    CHECK(m::events_lost(41).text == "Event queue full, 41 lost");
    CHECK(m::polling("pidfd_open: Too many open files").text == "Falling back to polling: pidfd_open: Too many open files");
    CHECK(m::segment_removed().text == "Segment was removed, recreating");
    CHECK(m::warning("no SCRIPT_TIMEOUT").text == "no SCRIPT_TIMEOUT");
}

TEST_CASE("a line knows its entry, process and priority") {
    const auto up = m::up(crond, 8107);
    CHECK(up.id == MessageId::up);
    CHECK(up.priority == Priority::notice);
    CHECK(up.entry == "crond");
    CHECK(up.pent_id == 7);
    CHECK(up.pid == 8107);
    CHECK(m::down(crond, 1).priority == Priority::warning);
    CHECK(m::cause(crond, 1, {}).priority == Priority::warning);
    CHECK(m::set_pid_fail(crond).priority == Priority::err);
    CHECK(m::try_to_restart(crond).priority == Priority::warning);
    CHECK(m::retry_over(crond, RetryOverAction::exit).priority == Priority::err);
    CHECK(m::shutdown().priority == Priority::notice);
    CHECK(m::script_line(crond, Priority::debug, "").priority == Priority::debug);
    CHECK(m::command_execute("stop", "/p", "crond").priority == Priority::notice);
    CHECK(m::command_execute("stop", "/p", "crond").entry == "crond");
}

TEST_CASE("the priorities of our own lines are those of the table") {
    const auto all_are = [](Priority priority, const std::vector<Message>& lines) {
        for (const auto& line : lines) CHECK_MESSAGE(line.priority == priority, line.text);
    };
    all_are(Priority::err, {m::script_failed(crond, ""), m::script_refused(crond, ""), m::cannot_end(crond, 1), m::reload_failed("", 0),
                            m::dump_not_written("")});
    all_are(Priority::warning, {m::script_running(crond, 1, 300s), m::stalled(crond, 1, ""), m::over_limit(crond, 1, ""),
                                m::too_many(crond, 5, 4), m::ambiguous(crond, 2, 1), m::reminder(crond, ""), m::log_lost(1),
                                m::events_lost(1), m::suppressed(crond, 1), m::polling(""), m::segment_removed(), m::warning("")});
    all_are(Priority::notice, {m::start("", 1), m::adopted(1, 1), m::waiting(crond, ""), m::hold_ended(crond), m::reload_done(0, 0, 0, 0),
                               m::monitoring(true, crond), m::would_restart(crond), m::left_running(crond, 1)});
}

TEST_CASE("names and texts from processes cannot forge a line or touch a terminal") {
    const EntryRef evil{"a\n(b ,pid=1) Up\x1b[2J\xff", 1};
    CHECK(m::down(evil, 2).text == R"(Process [a\n(b ,pid=1) Up\x1b[2J\xff, pid=2] Down)");
    CHECK(m::down(evil, 2).entry == R"(a\n(b ,pid=1) Up\x1b[2J\xff)");
    CHECK(m::script_refused(crond, "/a\nb is missing").text == R"(Restart script refused (crond): /a\nb is missing)");
    CHECK(m::script_line(evil, Priority::info, "x\n\x1b").text == R"(x\n\x1b)");
    CHECK(m::command_execute("x\ny", "/p\tq", "e\rf").text == R"(Command execute. [x\ny] pfile=/p\tq entry=e\x0df)");
}

TEST_CASE("Down, Up and RETRY_OVER must arrive, nothing else") {
    for (std::size_t i = 0; i < message_ids; ++i) {
        const auto id = static_cast<MessageId>(i);
        CHECK(must_arrive(id) == (id == MessageId::up || id == MessageId::down || id == MessageId::retry_over));
    }
}

TEST_CASE("the catalog tells every line what it means and what to do") {
    const auto catalog = read_catalog();
    CHECK(catalog.size() == message_ids);
    for (std::size_t i = 0; i < message_ids; ++i) {
        const std::string id(journal_id_of(static_cast<MessageId>(i)));
        CAPTURE(catalog_name(i));
        CHECK(id.size() == 32);
        CHECK(id.find_first_not_of("0123456789abcdef") == id.npos);
        const auto found = catalog.find(id);
        REQUIRE(found != catalog.end());
        CHECK(found->second.name == catalog_name(i));
        CHECK_FALSE(found->second.subject.empty());
        CHECK(found->second.text.size() > 40);
    }
}
