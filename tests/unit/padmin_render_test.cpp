// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>

#include "common/text.hpp"
#include "padmin/render_json.hpp"
#include "padmin/render_text.hpp"

using namespace banken;
using namespace std::chrono_literals;

namespace {

struct Utc {
    Utc() {
        setenv("TZ", "UTC", 1);
        tzset();
    }
} const utc;

constexpr WallTime wall{1169127283s};  // Thu Jan 18 13:34:43 2007
constexpr Instant instant{1000s};

EntryRecord crond() {
    EntryRecord entry;
    entry.pent_id = 1;
    entry.state = EntryState::avail;
    entry.shown_pid = 8033;
    entry.since_wall = wall;
    entry.name = "crond";
    return entry;
}

View crond_view() {
    View view;
    view.key = 0x1f000501;
    view.header.owner.id.pid = 7750;
    view.header.pfile = "/var/opt/HA/PS/conf/bin/pfile_crond";
    view.param = {.msg_check_interval = 5s, .monitor_interval = 10s, .monitor_try_count = 2, .shm_dump_file = {}, .script_output_file = {}};
    view.param.shm_dump_file = "/var/opt/HA/PS/log/pcheck_dump_crond";
    view.entries = {crond()};
    view.now = {.instant = instant, .wall = wall, .ticks = 0};
    return view;
}

std::string pents(const View& view, bool verbose = false) { return pent_text(view, entries_of(view, ""), verbose); }

constexpr std::string_view listed = R"(ipckey   = 0x1f000501
mypid    = 7750
myname   = pcheck
pfile    = /var/opt/HA/PS/conf/bin/pfile_crond
message  = start
)";

constexpr std::string_view shown = R"(pname           = crond
pid             = 8033
retry_count     = 0
restart_count   = 0
proc_sts        = AVAIL
retry_over_act  = continue
rerun_time      = -----
pent_id         = 1
monitor_sts     = on
)";

}  // namespace

TEST_CASE("-l prints a block for each pcheck, as the original") {
    const View view = crond_view();
    CHECK(list_text({}, false).empty());
    CHECK(list_text(std::vector{view}, false) == listed);
    CHECK(list_text(std::vector{view, view}, false) == std::string(listed) + "\n" + std::string(listed));
    View dead = view;
    dead.alive = false;
    CHECK(list_text(std::vector{dead}, true) == std::string(listed) + "owner    = dead\n");
    View stopped = view;
    stopped.stopped = true;
    CHECK(list_text(std::vector{stopped}, true) == std::string(listed) + "owner    = stopped\n");
}

TEST_CASE("show param prints what the original prints") {
    View view = crond_view();
    const std::string_view param = R"(MSG_CHECK_INTERVAL = 5
MONITOR_INTERVAL   = 10
MONITOR_TRY_COUNT  = 2
SHM_DUMP_FILE      = /var/opt/HA/PS/log/pcheck_dump_crond
PFILE              = /var/opt/HA/PS/conf/bin/pfile_crond
MESSAGE_BOX        = start
MONITOR_STOP_COUNT = 0
FAIL_PROC_COUNT    = 0
ALL_PROC_COUNT     = 1
)";
    const std::string ours = std::string(param) + R"(DETECT             = event
CONFIRM_WAIT       = 0.5
SCRIPT_TIMEOUT     = 86400
SCRIPT_KILL_WAIT   = 5
SCRIPT_PARALLEL    = 16
SCRIPT_OUTPUT      = /var/log/scripts.out
SCRIPT_CHECK       = strict
REMIND_INTERVAL    = 604800
)";
    view.param.confirm_wait = 500ms;
    view.param.script_timeout = 24h;
    view.param.script_kill_wait = 5s;
    view.param.script_parallel = 16;
    view.param.script_output_file = "/var/log/scripts.out";
    view.param.remind_interval = 168h;
    CHECK(param_text(view, false) == param);
    CHECK(param_text(view, true) == ours);
    const auto json = nlohmann::json::parse(param_json(view))["param"];
    CHECK(json["CONFIRM_WAIT"] == 0.5);
    CHECK(json["SCRIPT_OUTPUT"] == "/var/log/scripts.out");
    view.file_is_newer = true;
    CHECK(param_text(view, false) == param);
    CHECK(param_text(view, true) == ours + "file is newer than the running configuration\n");
    view.file_is_newer = false;
    view.header.capabilities = "root = yes\ndry_run = yes\n";
    CHECK(param_text(view, false) == param);
    CHECK(param_text(view, true) == ours + "nothing is run or signalled: pcheck was started with --dry-run\n");
}

TEST_CASE("the message box says what is being carried out, and stop when all are paused") {
    View view = crond_view();
    view.entries.push_back(crond());
    view.entries.front().paused = true;
    view.entries.back().state = EntryState::hold;
    CHECK(message_of(view) == "start");
    CHECK(counts_of(view).stopped == 1);
    CHECK(counts_of(view).failed == 1);
    view.entries.back().paused = true;
    CHECK(message_of(view) == "stop");
    view.header.busy = Busy::reload;
    CHECK(message_of(view) == "reload");
    view.header.busy = Busy::shutdown;
    CHECK(message_of(view) == "shutdown");
    view.header.busy = Busy::no;
    view.header.ending = ResourceEnd::order;
    CHECK(message_of(view) == "shutdown");
    view.header.ending = ResourceEnd::no;
    view.entries.clear();
    CHECK(message_of(view) == "start");
}

TEST_CASE("show pent prints what the original prints") {
    View view = crond_view();
    CHECK(pents(view) == shown);
    view.entries.push_back(crond());
    EntryRecord& second = view.entries.back();
    second.name = "my\ndaemon";
    second.pent_id = 2;
    second.shown_pid = 0;
    second.attempts = 1;
    second.window = {instant, wall, 3};
    second.state = EntryState::retry_over;
    second.action = RetryOverAction::exit;
    second.paused = true;
    CHECK(pents(view) == std::string(shown) + R"(
pname           = my\ndaemon
pid             = -----
retry_count     = 1
restart_count   = 3
proc_sts        = RETRY_OVER
retry_over_act  = exit
rerun_time      = Thu Jan 18 13:34:43 2007
pent_id         = 2
monitor_sts     = off
)");
}

TEST_CASE("-v adds what is known of an entry, and nothing of what is not") {
    View view = crond_view();
    CHECK(pents(view, true) == std::string(shown) + "state_since     = Thu Jan 18 13:34:43 2007\nrestart_total   = 0\n");
    EntryRecord& entry = view.entries.front();
    entry.state = EntryState::down;
    entry.wait = EntryWait::dependency;
    entry.waits_for = "db";
    entry.last_cause = "killed by signal 9 (KILL)";
    entry.total = 4;
    entry.window_ends = instant + 60s;
    entry.next_attempt = instant + 1h;
    entry.proc_count = 2;
    entry.group = "shop";
    entry.script.process = {8040, 1};
    entry.health = "1 of 3 failed";
    entry.cpu_permille = 905;
    entry.rss_bytes = 2048;
    entry.fds = 17;
    const std::string text = pents(view, true);
    CHECK(text.substr(text.find("state_since")) == R"(state_since     = Thu Jan 18 13:34:43 2007
waits_for       = dependency db
last_cause      = killed by signal 9 (KILL)
restart_total   = 4
window_ends     = Thu Jan 18 13:35:43 2007
next_attempt    = Thu Jan 18 14:34:43 2007
proc_count      = 2
group           = shop
script_pid      = 8040
health          = 1 of 3 failed
cpu             = 90.5%
rss             = 2048
fds             = 17
)");
    entry.window_ends = instant;
    CHECK(pents(view, true).find("window_ends     = passed\n") != std::string::npos);
}

TEST_CASE("entries are named by name or by id, digits only by id") {
    View view = crond_view();
    for (const char* name : {"1", "crond"}) {
        view.entries.push_back(crond());
        view.entries.back().name = name;
        view.entries.back().pent_id = static_cast<std::uint32_t>(view.entries.size());
    }
    CHECK(entries_of(view, "").size() == 3);
    CHECK(entries_of(view, "crond").size() == 2);
    CHECK(entries_of(view, "1") == std::vector<const EntryRecord*>{&view.entries.front()});
    CHECK(entries_of(view, "2").front()->name == "1");
    CHECK(entries_of(view, "sshd").empty());
}

TEST_CASE("JSON has the names of the text, times twice, and null for what is not known") {
    View view = crond_view();
    const auto list = nlohmann::json::parse(list_json(std::vector{view}));
    CHECK(list["schema"] == 1);
    CHECK(list["pchecks"][0]["ipckey"] == "0x1f000501");
    CHECK(list["pchecks"][0]["mypid"] == 7750);
    CHECK(nlohmann::json::parse(param_json(view))["param"]["MONITOR_INTERVAL"] == 10);

    EntryRecord& entry = view.entries.front();
    entry.name = "bad\xff";
    entry.window = {instant, wall, 1};
    entry.cpu_permille = 905;
    const auto pent = nlohmann::json::parse(pent_json(view, entries_of(view, "")))["pent"][0];
    CHECK(pent["pname"] == "bad\xef\xbf\xbd");
    CHECK(pent["rerun_time"] == "2007-01-18T13:34:43+00:00");
    CHECK(pent["rerun_time_epoch"] == 1169127283);
    CHECK(pent["next_attempt"].is_null());
    CHECK(pent["last_cause"].is_null());
    CHECK(pent["cpu"] == 90.5);
    CHECK(pent["monitor_sts"] == "on");
}

TEST_CASE("nothing of a segment steers the terminal, as text or as JSON") {
    View view = crond_view();
    const std::string hostile = "a\x1b[2J\x7f\xc2\x9b\xc2\xa0\xff\n";
    EntryRecord& entry = view.entries.front();
    entry.name = entry.group = entry.waits_for = entry.last_cause = entry.health = hostile;
    entry.wait = EntryWait::dependency;
    view.header.pfile = view.param.shm_dump_file = hostile;
    view.header.capabilities = hostile + "=" + hostile;
    view.trace = {{.number = 0, .instant = instant, .wall = wall, .key = 0, .pid = 1, .event = hostile, .detail = hostile}};
    const auto groups = groups_of(view);
    for (const std::string& text : {all_text(view), group_text(view, groups), trace_text(view, view.trace), list_text({&view, 1}, true),
                                    all_json(view), trace_json(view, view.trace), list_json({&view, 1})}) {
        for (const std::string_view line : split(text, '\n')) CHECK(printable(line) == line);
    }
    CHECK(nlohmann::json::parse(group_json(view, groups))["group"][0]["group"] == "a\x1b[2J\x7f\xc2\x9b\xc2\xa0\xef\xbf\xbd\n");
}

TEST_CASE("a trace record is shown with its entry, or with its number when that was removed") {
    View view = crond_view();
    view.entries.front().key = 12;
    for (const std::uint32_t key : {12u, 13u, 0u})
        view.trace.push_back({.number = key, .instant = instant, .wall = wall, .key = key, .pid = 0, .event = "UP", .detail = {}});
    const std::string text = trace_text(view, view.trace);
    const auto lines = split(text, '\n');
    CHECK(lines[0].ends_with("+000ms crond (1) UP"));
    CHECK(lines[1].ends_with("+000ms removed entry 13 UP"));
    CHECK(lines[2].ends_with("+000ms UP"));
}
