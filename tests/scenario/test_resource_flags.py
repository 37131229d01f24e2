# SPDX-License-Identifier: Apache-2.0
"""What a definition's flags and limits make of a resource (spec/resources.md): one scenario with real processes for each."""
import os
import re

from harness import Skip, check, same, scenario
from kernel import kill, until
from resources import actions, begin, cmdline, generic

SCHED_OTHER, SCHED_RR = 0, 2


def telling(world, tag, **keys):
    """Its Check tells in TAG.policy in which class it runs: the 41st field."""
    look = world.script(f"{tag}.look", f"read -r line < /proc/$$/stat\nset -- $line\nshift 40\necho $1 >> {world.path(tag + '.policy')}")
    return cmdline(world, tag, check=look, REALTIME="Yes", **keys)


def policies(world, tag, count):
    until(lambda: len(world.read(f"{tag}.policy").splitlines()) >= count, f"{count} checks of {tag}")
    return {int(line) for line in world.read(f"{tag}.policy").splitlines()}


@scenario
def a_realtime_check_runs_in_the_realtime_class(world):
    child = os.fork()
    if child == 0:
        try:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        except OSError:
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        raise Skip("nobody may use the real-time class here")
    begin(world, telling(world, "web"))
    world.is_in("web", "Online")
    same(policies(world, "web", 2), {SCHED_RR}, "the class of its checks")


@scenario
def that_a_realtime_check_is_not_allowed_is_told_once_and_it_runs_all_the_same(world):
    world.pfile(resources=[telling(world, "web"), telling(world, "db")])
    world.start_pcheck(through=["setpriv", "--bounding-set=-sys_nice"])
    for tag in ("web", "db"):
        world.is_in(tag, "Online")
        same(policies(world, tag, 2), {SCHED_OTHER}, f"the class of the checks of {tag}")
    told = [text for text in world.log.texts() if "REALTIME" in text]
    check(len(told) == 1 and told[0].endswith(": Check runs in the normal class"), f"told: {told}")


@scenario
def with_lieoffline_and_no_stop_removing_is_done_whatever_check_says(world):
    cmdline(world, "web")   # for its script
    ctl = world.path("web.ctl")
    begin(world, world.resource("web", "cmdline", start=f"{ctl} start", check=f"{ctl} check", LIEOFFLINE="Yes"))
    world.is_in("web", "Online")
    pid = world.pid_of("web")
    world.order("remove", "web")
    world.is_in("web", "Offline")
    place = len(world.runs("web"))
    until(lambda: len(world.runs("web")) > place, "a check of what runs on")
    same((world.resources()["web"]["state"], world.pid_of("web")), ("Offline", pid), "the state, and the process that runs on")


@scenario
def with_monitoronly_a_failure_is_told_and_nothing_is_done(world):
    begin(world, cmdline(world, "web", MONITORONLY="Yes"))
    world.is_in("web", "Online")
    place, runs = world.log.place(), len(world.runs("web"))
    kill(world.pid_of("web"))
    reason = until(lambda: "Offline" in world.resources()["web"]["reason"] and world.resources()["web"]["reason"], "the reason")
    until(lambda: len(world.runs("web")) >= runs + 2, "another check")
    same(world.resources()["web"]["state"], "Online", f"the state, whose reason is {reason}")
    check(all(line.startswith("check ") for line in world.runs("web")[runs:]), f"something was done: {world.runs('web')[runs:]}")
    same([text for text in world.log.texts(place) if "(web)" in text], ["Check failed (web): check status=1"], "lines about it")


@scenario
def when_recoveries_are_used_up_the_next_failure_takes_the_resource_out(world):
    begin(world, generic(world, "web", recover_limit="2/3600"))
    world.is_in("web", "ISP")
    for count in (1, 2):
        kill(world.pid_of("web"))
        until(lambda: world.resources()["web"]["recover_count"] == str(count), f"recovery {count}")
        world.is_in("web", "ISP")
    kill(world.pid_of("web"))
    world.is_in("web", "OSF")
    same(actions(world, "web"), ["restore", "recover", "recover", "remove"], "its scripts")


@scenario
def derived_limits_end_a_quick_check_after_one_interval(world):
    hang = world.script("hang", "exec sleep 1000")
    begin(world, generic(world, "free", quickCheck=hang, quick_interval=1),
          generic(world, "web", quickCheck=hang, quick_interval=1, check_limits="derived", on_check_timeout="bad"))
    world.log.wait("Check failed (web): quickCheck timeout=1s")
    world.log.wait(re.compile(r"^Resource \(web\) ISP: recover action has succeeded"))
    check(not any("(free): quickCheck timeout" in text for text in world.log.texts()), "a check without a limit was ended")
    world.is_in("free", "ISP")


@scenario
def a_remove_that_fails_keeps_pcheck_only_where_the_definition_says_so(world):
    fails = world.script("fails", "exit 1")
    begin(world, generic(world, "web", remove=fails, remove_failure="stay"), generic(world, "db"))
    for tag in ("web", "db"):
        world.is_in(tag, "ISP")
    check("web could not be removed" in world.refused(1, "shutdown", "remove"), "what could not be removed is not named")
    same((world.is_in("web", "OSF")["state"], world.is_in("db", "OSU")["state"]), ("OSF", "OSU"), "the states")
    world.pfile(resources=[generic(world, "web", remove=fails), generic(world, "db")])
    world.order("reload")
    world.order("shutdown", "remove")
    world.pcheck_ends(0)
