# SPDX-License-Identifier: Apache-2.0
"""Resources: applications that only scripts control (spec/resources.md)."""
import os
import subprocess

from harness import check, parsed, pent_line, same, scenario, up
from kernel import kill, until
from resources import actions, begin, cmdline, generic, keeps_copies


@scenario
def a_generic_resource_is_restored_checked_recovered_and_removed(world):
    begin(world, generic(world, "web", info="port=80", id="w1"))
    world.is_in("web", "ISP")
    until(lambda: int(world.resources()["web"]["check_count"]) > 0, "a check")
    first = world.runs("web")[0]
    same(first.split()[1:], ["-t", "web", "-i", "w1"], "arguments")
    pid = world.pid_of("web")
    kill(pid)
    world.log.wait("Check failed (web): quickCheck status=1")
    world.log.wait("Resource (web) ISP: recover action has succeeded")
    check(world.pid_of("web") != pid, "it is the same process")
    world.order("remove", "web")
    shown = world.is_in("web", "OSU")
    same(shown["recover_count"], "1", "recover_count")
    same(actions(world, "web"), ["restore", "recover", "remove"], "scripts")
    world.order("restore", "web")
    world.is_in("web", "ISP")


@scenario
def a_resource_is_shown_as_the_manual_says(world):
    begin(world, generic(world, "web", quick_interval=0))
    world.is_in("web", "ISP")
    same(world.order("show", "resource", "web").splitlines(),
         ["tag             = web", "kind            = generic", "state           = ISP", "reason          = restore action has succeeded",
          "depends         = -----", "last_check      = -----", "check_count     = 0", "fail_count      = 0", "recover_count   = 0",
          "next_check      = -----"], "show resource")
    document = parsed(world.order("show", "resource", "--json"))["resource"]
    same([(one["tag"], one["kind"], one["state"], one["depends"]) for one in document], [("web", "generic", "ISP", [])], "JSON")
    check("web (generic) is ISP since" in world.order("explain", "web"), "explain does not say so")
    check('no resource "wbe", did you mean web?' in world.refused(4, "show", "resource", "wbe"), "no error for an unknown tag")


@scenario
def a_tree_starts_from_its_leaves_and_is_removed_from_its_top(world):
    lines = [generic(world, "app", depends="db,net"), generic(world, "db", depends="net"), generic(world, "net")]
    begin(world, *lines)
    for tag in ("app", "db", "net"):
        world.is_in(tag, "ISP")
    place = world.log.place()
    world.order("shutdown", "remove")
    world.log.wait("Shutdown pcheck", place)
    world.pcheck_ends(0)
    for tag in ("net", "db", "app"):
        same(actions(world, tag), ["restore", "remove"], tag)
    ended = [line.text for line in world.log.lines() if ") OSU: remove action has succeeded" in line.text]
    same([line.partition("(")[2].partition(")")[0] for line in ended], ["app", "db", "net"], "the order of the removes")


@scenario
def what_was_in_service_is_so_again_after_a_shutdown_and_what_was_removed_is_not(world):
    lines = [generic(world, "web"), generic(world, "old")]
    begin(world, *lines)
    for tag in ("web", "old"):
        world.is_in(tag, "ISP")
    world.order("remove", "old")
    world.is_in("old", "OSU")
    place = world.log.place()
    world.shut_down()
    check(any(line.text == "Left running: application (web)" for line in world.log.lines()[place:]), "the application that is left is not told of")
    pid = world.pid_of("web")
    world.start_pcheck()
    world.is_in("web", "ISP")
    world.is_in("old", "OSU")
    same(world.pid_of("web"), pid, "the process")
    same(actions(world, "web"), ["restore", "restore"], "its scripts")


@scenario
def a_state_survives_a_power_cut_in_the_dump_file(world):
    begin(world, generic(world, "web"))
    world.is_in("web", "ISP")
    world.order("remove", "web")
    world.is_in("web", "OSU")
    until(lambda: "remove action has succeeded" in world.read("dump"), "the dump to follow")
    world.close_pcheck()
    world.start_pcheck("--fresh")   # as after a boot: no segment
    world.is_in("web", "OSU")


@scenario
def every_change_of_a_state_is_in_the_dump_file_soon(world):
    begin(world, generic(world, "web", quick_interval=0))
    world.is_in("web", "ISP")
    for verb, state in (("stop", "ISU"), ("start", "ISP")):
        world.order(verb, "web")
        dumped = lambda: world.padmin("--dump", world.dump, "-c", "show", "resource", "web").out
        until(lambda: f"state           = {state}\n" in dumped(), f"{state} in the dump")


@scenario
def a_dry_run_leaves_alone_what_tells_the_next_start_what_was_in_service(world):
    begin(world, generic(world, "web", quick_interval=0))
    world.is_in("web", "ISP")
    world.shut_down()
    before = world.read("dump")
    world.start_pcheck("--dry-run")
    check("no dump is written of resources with --dry-run" in world.refused(1, "dump"), world.last_answer)
    world.shut_down()
    same(world.read("dump"), before, "the dump")
    world.start_pcheck()
    world.is_in("web", "ISP")
    same(actions(world, "web"), ["restore", "restore"], "its scripts")


@scenario
def a_dry_run_runs_no_stop_to_clear_a_fault(world):
    begin(world, cmdline(world, "db", AUTORECOVER="No"))
    world.is_in("db", "Online")
    kill(world.pid_of("db"))
    world.is_in("db", "OfflineFault")
    world.shut_down()
    world.start_pcheck("--dry-run")
    before = world.runs("db")
    check("nothing is run with --dry-run" in world.refused(1, "clear", "db"), world.last_answer)
    same(world.resources()["db"]["state"], "OfflineFault", "its state")
    same(world.runs("db"), before, "scripts that ran")


@scenario
def a_killed_pcheck_is_followed_by_one_that_waits_for_the_script_that_runs(world):
    gate = world.path("gate")
    slow = world.script("slow", f"echo run >> {world.path('slow.runs')}\nwhile [ ! -e {gate} ]; do sleep 0.05; done")
    begin(world, generic(world, "web", restore=slow))
    until(lambda: world.runs("slow"), "the script")
    world.close_pcheck()
    world.start_pcheck()
    same(world.resources()["web"]["goal"], "in", "its goal")
    world.write("gate", "")
    world.is_in("web", "ISP")
    same(world.runs("slow"), ["run"], "runs of the script")


@scenario
def a_cmdline_resource_is_started_told_what_for_and_started_once_more(world):
    begin(world, cmdline(world, "db"))
    world.is_in("db", "Online")
    same(world.runs("db")[:3], ["check db db - - - - -", "start db db Online Offline Online  0", "check db db - - - - -"], "what it was told")
    kill(world.pid_of("db"))
    world.log.wait("Check failed (db): check status=1")
    world.log.wait("Resource (db) Wait: Start is running, to recover")
    world.log.wait_for_count("Resource (db) Online: Start has succeeded", 2)
    check("start db db Online Offline Online  1" in world.runs("db"), "no Start with HV_AUTORECOVER=1")
    world.order("offline", "db")
    world.is_in("db", "Offline")
    check("stop db db Offline Online Offline STOP 0" in world.runs("db"), "no Stop as it was to be")


@scenario
def an_event_for_a_resource_begins_its_recovery(world):
    begin(world, generic(world, "web", quick_interval=0))
    world.is_in("web", "ISP")
    answer = world.run([os.path.join(world.build, "sendevent/sendevent"), "--conf", world.conf, "-C", "filesys", "-E", "diskfull", "-m", "df", "-n", "web"])
    same(answer.code, 0, "exit of sendevent")
    world.log.wait("Resource (web) ISP: recover action has succeeded")
    same(actions(world, "web"), ["restore", "recover"], "scripts")


@scenario
def a_failed_tree_ends_pcheck_where_a_cluster_is_to_act(world):
    broken = world.script("broken", "exit 1")
    begin(world, generic(world, "web", depends="net", recover=broken, on_failure="exit"), generic(world, "net"))
    world.is_in("web", "ISP")
    kill(world.pid_of("web"))
    world.pcheck_ends(1)
    same(actions(world, "web"), ["restore", "remove"], "scripts of web")
    same(actions(world, "net"), ["restore", "remove"], "scripts of net")
    world.start_pcheck()
    world.is_in("web", "OSF")


@scenario
def entries_and_resources_live_in_one_pfile(world):
    pid = world.daemon("alpha")
    world.pfile(pent_line("alpha", world.restarter("alpha")), resources=[generic(world, "web")])
    world.start_pcheck()
    world.log.wait(up("alpha", pid))
    world.is_in("web", "ISP")
    world.order("stop")
    same(world.resources()["web"]["state"], "ISU", "paused with all")
    world.order("start")
    world.is_in("web", "ISP")
    kill(pid)
    world.up("alpha", world.log.place() - 1)
    check("is for entries" in world.refused(1, "restart", "web"), "restart of a resource is not refused")


@scenario
def mistakes_in_definitions_are_told_with_their_places(world):
    line = world.resource("web", "generic", restore="/nowhere", quick_intervall=5, on_failure="explode")
    world.pfile(resources=[line])
    answer = world.run_pcheck("-t", "-f", world.pfile_path)
    same(answer.code, 78, "exit")
    place = world.path("web.definition")
    for wanted in (f"{place}:3:1: error:", "quick_interval?", f"{place}:4:", "continue, exit, shutdown", "remove"):
        check(wanted in answer.err, f"{wanted} is not in\n{answer.err}")


@scenario
def a_reload_adds_changes_and_takes_away_resources(world):
    web, old = generic(world, "web"), generic(world, "old")
    begin(world, web, old)
    for tag in ("web", "old"):
        world.is_in(tag, "ISP")
    world.pfile(resources=[generic(world, "new"), generic(world, "web", quick_interval=0)])
    place = world.log.place()
    world.order("reload")
    world.log.wait("Left running: application (old)", place)
    world.is_in("new", "ISP")
    shown = world.is_in("web", "ISP")
    same(shown["next_check"], "-----", "the interval")
    same(actions(world, "web"), ["restore"], "scripts of web")
    same(sorted(world.resources()), ["new", "web"], "resources")


@scenario
def a_resource_that_comes_again_runs_no_copies_of_the_one_before(world):
    keeps_copies(world)
    web = generic(world, "web", copy="yes", quick_interval=0)
    begin(world, web)
    world.is_in("web", "ISP")
    world.script("web.restore", f"echo new >> {world.path('new')}")
    for resources in ([], [web]):
        world.pfile(resources=resources)
        world.order("reload")
    world.is_in("web", "ISP")
    same(world.read("new"), "new\n", "the new script")


@scenario
def after_a_reload_and_a_kill_each_resource_is_there_once_whatever_its_place(world):
    lines = {tag: generic(world, tag, quick_interval=0) for tag in ("first", "web", "last")}
    begin(world, *lines.values())
    for tag in lines:
        world.is_in(tag, "ISP")
    world.pfile(resources=[lines["last"], lines["web"]])
    world.order("reload")
    for turn in range(2):
        world.close_pcheck()
        world.start_pcheck()
        tags = [resource["tag"] for resource in parsed(world.order("show", "resource", "--json"))["resource"]]
        same(tags, ["last", "web"], f"resources after kill {turn + 1}")
    world.order("remove", "last")
    world.is_in("last", "OSU")
    world.close_pcheck()
    world.start_pcheck()
    world.is_in("last", "OSU")
    same(actions(world, "last"), ["restore", "remove"], "scripts of last")


@scenario
def copies_of_the_scripts_run_until_update(world):
    keeps_copies(world)
    begin(world, generic(world, "web", copy="yes", quick_interval=0))
    world.is_in("web", "ISP")
    world.script("web.remove", f"echo new >> {world.path('new')}")
    world.order("remove", "web")
    world.is_in("web", "OSU")
    same(world.read("new"), "", "the new script")
    world.order("restore", "web")
    world.is_in("web", "ISP")
    world.order("update", "web")
    world.order("remove", "web")
    world.is_in("web", "OSU")
    same(world.read("new"), "new\n", "the new script")


@scenario
def a_script_that_runs_out_of_time_is_ended_with_its_group(world):
    hangs = world.script("hangs", f"sleep 1000 &\necho $! > {world.path('child')}\nwait")
    begin(world, generic(world, "web", restore=hangs, restore_timeout=1), SCRIPT_KILL_WAIT=1)
    world.log.wait("Script failed (web): restore timeout=1s")
    world.is_in("web", "OSF")
    child = int(world.read("child"))
    until(lambda: not os.path.exists(f"/proc/{child}"), "the end of the script's child")


@scenario
def perform_action_waits_for_the_deep_check_behind_a_quick_one_that_runs(world):
    os.mkfifo(world.path("gate"))
    slow = world.script("slow", f"echo quick >> {world.path('web.checks')}\nread line < {world.path('gate')}\nexit 0")
    deep = world.script("deep", f"echo deep >> {world.path('web.checks')}\nexit 1")
    begin(world, generic(world, "web", quickCheck=slow, deepCheck=deep, deep_interval=0))
    world.is_in("web", "ISP")
    until(lambda: world.read("web.checks"), "a quick check")
    asked = subprocess.Popen([os.path.join(world.build, "compat/perform_action"), "-t", "web", "-a", "deepCheck"],
                             env=world.environment, stdin=subprocess.DEVNULL)
    until(lambda: "order check" in world.order("show", "trace", "web"), "the order")
    world.write("gate", "\n")
    same((asked.wait(), world.read("web.checks").split()[:2]), (1, ["quick", "deep"]), "its exit, and the checks")


@scenario
def scripts_find_their_state_in_the_seventh_field_and_order_others(world):
    ins_list = os.path.join(world.build, "compat/ins_list")
    asks = world.script("asks", f"{ins_list} -t $TAG | cut -f7 -d$(printf '\\001') >> {world.path('states')}")
    lines = [generic(world, "web", quickCheck=asks, deepCheck=asks, deep_interval=0, info="port=80"), generic(world, "other")]
    begin(world, *lines)
    for tag in ("web", "other"):
        world.is_in(tag, "ISP")
    until(lambda: world.read("states"), "a check")
    same(set(world.read("states").split()), {"ISP"}, "its state")
    fields = world.run([ins_list, "-f,", "-t", "web"]).out.rstrip("\n").split(",")
    same((len(fields), fields[1:7], fields[13:15]), (17, ["gen", "app", "web", "web", "port=80", "ISP"], ["1", "0"]), "the fields")
    same([line.split("|")[3] for line in world.run([ins_list, "-f", "|"]).out.splitlines()], ["web", "other"], "all resources")
    same(world.run([ins_list, "-t", "nobody"]).code, 4, "exit for an unknown tag")
    perform = os.path.join(world.build, "compat/perform_action")
    same(world.run([perform, "-t", "other", "-a", "remove"]).code, 0, "remove")
    same(world.resources()["other"]["state"], "OSU", "its state")
    same(world.run([perform, "-t", "other", "-a", "quickCheck"]).code, 1, "a check of what is out of service")
    same(world.run([perform, "-t", "other", "-a", "restore"]).code, 0, "restore")
    for action in ("quickCheck", "recover"):
        same(world.run([perform, "-t", "other", "-a", action]).code, 0, action)
    same(world.run([perform, "-t", "other", "-a", "deepCheck"]).code, 1, "a deepCheck that is not there")
    same(world.run([perform, "-t", "web", "-a", "deepCheck"]).code, 0, "deepCheck")
    same(world.run([perform, "-t", "other", "-a", "explode"]).code, 64, "an action that is none")
    environment = {**world.environment, "TAG": "other", "BANKEN_IPCKEY": f"0x{world.key:08x}"}
    world.environment = environment
    check("not from a script of the same resource" in world.run([perform, "-t", "other", "-a", "remove"]).err, "its own script is not refused")
