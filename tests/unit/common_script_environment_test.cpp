// SPDX-License-Identifier: Apache-2.0
#include "common/script_environment.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace banken;
using Environment = std::vector<std::string>;

namespace {

const Environment own{"PATH=/bin",           "HOME=/root",           "LANG=C.UTF-8",         "ORACLE_HOME=/opt/db", "NOTIFY_SOCKET=/run/n",
                      "NOTIFY_SOCKETS=mine", "WATCHDOG_USEC=1",      "WATCHDOG_PID=2",       "LISTEN_FDS=3",        "JOURNAL_STREAM=8:9",
                      "INVOCATION_ID=abc",   "LD_PRELOAD=/tmp/x.so", "LD_LIBRARY_PATH=/tmp", "PCHECK_PNAME=old",    "BANKEN_IPCKEY=0x1",
                      "BANKEN_CONF=/etc/b"};

}  // namespace

TEST_CASE("scripts inherit everything but what is meant for pcheck itself") {
    CHECK(inherited_environment(own, false) ==
          Environment{"PATH=/bin", "HOME=/root", "LANG=C.UTF-8", "ORACLE_HOME=/opt/db", "NOTIFY_SOCKETS=mine", "BANKEN_CONF=/etc/b"});
}

TEST_CASE("a clean environment has PATH, HOME and LANG only") {
    CHECK(inherited_environment(own, true) == Environment{"PATH=/bin", "HOME=/root", "LANG=C.UTF-8"});
    CHECK(inherited_environment(Environment{"PATHS=x"}, true).empty());
}

TEST_CASE("a script is told what was lost and why") {
    const ScriptVariables variables{.name = "crond",
                                    .pent_id = 3,
                                    .old_pid = 8033,
                                    .reason = EntryReason::down,
                                    .cause = "killed by signal 9 (KILL)",
                                    .restart_count = 2,
                                    .retries = 3,
                                    .pfile = "/etc/banken/pfile",
                                    .ipc_key = 0x1f000501};
    CHECK(script_environment(Environment{"PATH=/bin"}, variables) ==
          Environment{"PATH=/bin", "PCHECK_PNAME=crond", "PCHECK_PENT_ID=3", "PCHECK_OLD_PID=8033", "PCHECK_REASON=down",
                      "PCHECK_CAUSE=killed by signal 9 (KILL)", "PCHECK_RESTART_COUNT=2", "PCHECK_RETRIES=3",
                      "PCHECK_PFILE=/etc/banken/pfile", "BANKEN_IPCKEY=0x1f000501"});
}

TEST_CASE("what is not known is empty, 0 or unlimited, but always there") {
    const auto all = script_environment({}, {.name = "db", .reason = EntryReason::absent, .pfile = "/p"});
    CHECK(environment_value(all, "PCHECK_OLD_PID") == "0");
    CHECK(environment_value(all, "PCHECK_CAUSE") == "");
    CHECK(environment_value(all, "PCHECK_RETRIES") == "unlimited");
}

TEST_CASE("a value is found by its whole name") {
    CHECK(environment_value(own, "NOTIFY_SOCKET") == "/run/n");
    CHECK(environment_value(Environment{"A=b=c"}, "A") == "b=c");
    CHECK_FALSE(environment_value(own, "NOTIFY"));
    CHECK_FALSE(environment_value(Environment{"NAME"}, "NAME"));
}

TEST_CASE("a script that runs as another user finds that user's home and name") {
    const auto all = script_environment(Environment{"HOME=/root", "USER=root", "LOGNAME=root", "PATH=/bin"},
                                        {.name = "db", .user = "oracle", .home = "/home/oracle"});
    CHECK(environment_value(all, "HOME") == "/home/oracle");
    CHECK(environment_value(all, "USER") == "oracle");
    CHECK(environment_value(all, "LOGNAME") == "oracle");
    CHECK(environment_value(all, "PATH") == "/bin");
    CHECK(std::count_if(all.begin(), all.end(), [](const std::string& variable) { return variable.starts_with("HOME="); }) == 1);
}

TEST_CASE("where heartbeats are sent to is told where there is such a place") {
    CHECK(environment_value(script_environment({}, {.name = "db", .notify = "/run/banken/0x1.notify"}), "PCHECK_NOTIFY") ==
          "/run/banken/0x1.notify");
    CHECK_FALSE(environment_value(script_environment({}, {.name = "db"}), "PCHECK_NOTIFY"));
}

TEST_CASE("Start, Stop and Check of a resource find these variables and no others, whatever pcheck's own environment has") {
    Definition web;
    web.tag = "web";
    web.kind = ResourceKind::cmdline;
    ResourceVariables variables{.definition = &web,
                                .script = ResourceScript::start,
                                .application = "shop",
                                .last_report = "Offline",
                                .intended = "Online",
                                .reason = "",
                                .autorecover = true,
                                .root = "/usr/lib/banken",
                                .pfile = "/etc/banken/pfile",
                                .ipc_key = 0x1f000501};
    const Environment own{"PATH=/bin",   "LANG=C.UTF-8", "HV_FORCED_REQUEST=1", "HV_SCRIPT_TYPE=Offline", "HV_OF_MINE=x",
                          "LKROOT=/opt", "TAG=old"};
    const Environment ours{"LANG=C.UTF-8",
                           "TAG=old",
                           "PATH=/usr/lib/banken/bin:/bin",
                           "LKROOT=/usr/lib/banken",
                           "PCHECK_PFILE=/etc/banken/pfile",
                           "BANKEN_IPCKEY=0x1f000501",
                           "HV_APPLICATION=shop",
                           "HV_NODENAME=web"};
    const auto with = [&ours](std::initializer_list<std::string> more) {
        Environment all = ours;
        all.insert(all.end(), more);
        return all;
    };
    CHECK(resource_environment(own, variables) == with({"HV_SCRIPT_TYPE=Online", "HV_LAST_DET_REPORT=Offline", "HV_INTENDED_STATE=Online",
                                                        "HV_OFFLINE_REASON=", "HV_AUTORECOVER=1", "HV_FORCED_REQUEST=0"}));
    variables.autorecover = false;
    variables.last_report = "Online";
    variables.intended = "Offline";
    variables.script = ResourceScript::stop;
    for (const std::string reason : {"STOP", "FAULT", "SHUT"}) {
        variables.reason = reason;
        CHECK(resource_environment(own, variables) ==
              with({"HV_SCRIPT_TYPE=Offline", "HV_LAST_DET_REPORT=Online", "HV_INTENDED_STATE=Offline", "HV_OFFLINE_REASON=" + reason,
                    "HV_AUTORECOVER=0", "HV_FORCED_REQUEST=0"}));
    }
    variables.script = ResourceScript::check;
    CHECK(resource_environment(own, variables) == ours);
}
