# SPDX-License-Identifier: Apache-2.0
"""An instant watchdog does not fight the operator: orderly ends are given CONFIRM_WAIT, crashes are not (spec/pcheck.md, step 2)."""
import re

import cron
from harness import attempt, check, down, pent_line, same, scenario, up
from kernel import kill

CONFIRM_WAIT = 2


def watch_cron(world):
    pid = cron.start(world)
    world.pfile(f"cron:{cron.restart_script(world)}:86400:3:continue", MONITOR_INTERVAL=10, CONFIRM_WAIT=CONFIRM_WAIT)
    world.start_pcheck()
    world.log.wait(f"(cron ,pid={pid}) Up")
    return pid


def restart_by_hand(world, *verbs, cause):
    old = watch_cron(world)
    place = world.log.place()
    for verb in verbs:
        cron.init_script(world, verb)
    new = cron.pid()
    world.log.wait(f"(cron ,pid={new}) Up", place)
    world.becomes("cron", proc_sts="AVAIL", restart_count=0, restart_total=0)
    world.shut_down()
    lines = [re.sub(r"unknown \(.*", "unknown", text) for text in world.log.texts(place)]
    same(lines, [*down("cron", old, cause), up("cron", new), "Shutdown pcheck"], "pcheck's lines")
    same(world.runs("cron"), [], "runs of the restart script")


@scenario
def an_orderly_restart_of_cron_by_its_init_script_is_not_interfered_with(world):
    restart_by_hand(world, "restart", cause="killed by signal 15 (TERM)")


@scenario
def cron_stopped_and_started_by_two_runs_of_its_init_script_is_not_interfered_with(world):
    restart_by_hand(world, "stop", "start", cause="killed by signal 15 (TERM)")


@scenario(sources="none")
def an_orderly_restart_of_cron_with_no_source_of_causes_is_unknown_and_starts_nothing_twice(world):
    restart_by_hand(world, "restart", cause="unknown")


def lose_cron(world):
    """Kills it and returns the lines from there on, up to the next Up, and the new pid."""
    old = watch_cron(world)
    place = world.log.place()
    kill(old)
    new = world.up_pid("cron", place)
    same(new, cron.pid(), "the only cron")
    world.becomes("cron", proc_sts="AVAIL", restart_count=1)
    same(world.runs("cron"), ["run"], "runs of the restart script")
    return old, new, world.log.lines(place, "pcheck")


@scenario
def a_killed_cron_is_restarted_at_once(world):
    old, new, lines = lose_cron(world)
    same([line.text for line in lines], [*down("cron", old), attempt("cron"), up("cron", new)], "pcheck's lines")
    check(lines[2].when - lines[0].when < CONFIRM_WAIT / 2, "the script waited for CONFIRM_WAIT after a crash")


@scenario(sources="none")
def a_killed_cron_with_no_source_of_causes_is_unknown_and_restarted_once_after_confirm_wait(world):
    old, new, lines = lose_cron(world)
    same([re.sub(r"unknown \(.*", "unknown", line.text) for line in lines],
         [*down("cron", old, "unknown"), attempt("cron"), up("cron", new)], "pcheck's lines")
    check(lines[2].when - lines[0].when > CONFIRM_WAIT * 0.9, "the script did not wait for CONFIRM_WAIT after an unknown end")


def watch_obedient(world, *words):
    """A daemon alpha that obeys the FIFO `orders`; it stays what was started until told otherwise."""
    world.pfile(pent_line("alpha", world.restarter("alpha")))
    pid = world.detached([world.program("alpha"), "--foreground", "--fifo", world.path("orders"), *words])
    world.start_pcheck()
    world.log.wait(f"(alpha ,pid={pid}) Up")
    return pid


@scenario
def a_daemon_that_goes_to_the_background_late_is_handed_over_without_down(world):
    watch_obedient(world)
    place = world.log.place()
    world.tell("orders", "background")
    new = world.up_pid("alpha", place)
    same(new, world.pid_of("alpha"), "the pid that is followed now")
    world.becomes("alpha", proc_sts="AVAIL", pid=new, restart_count=0)
    world.shut_down()
    same(world.log.texts(place), [f"(alpha ,pid={new}) Up", "Shutdown pcheck"], "pcheck's lines")


@scenario(sources="none")
def a_daemon_that_goes_to_the_background_late_is_handed_over_with_no_source_of_causes_too(world):
    watch_obedient(world)
    place = world.log.place()
    world.tell("orders", "background")
    new = world.up_pid("alpha", place)
    world.shut_down()
    same(world.log.texts(place), [f"(alpha ,pid={new}) Up", "Shutdown pcheck"], "pcheck's lines")


@scenario
def a_worker_that_outlives_its_killed_master_does_not_stand_in_for_it(world):
    master = watch_obedient(world)
    place = world.log.place()
    world.tell("orders", "worker")
    world.tell("orders", "worker")
    world.tell("orders", "signal 9")
    new = world.up_pid("alpha", place)
    same(world.log.texts(place), [*down("alpha", master), attempt("alpha"), up("alpha", new)], "pcheck's lines")
    same(world.runs("alpha"), [f"{master} down killed by signal 9 (KILL)"], "the script's environment")


@scenario
def an_exit_status_other_than_0_is_a_crash(world):
    pid = watch_obedient(world)
    place = world.log.place()
    world.tell("orders", "exit 3")
    world.up("alpha", place)
    same(world.log.texts(place)[1:3], [f"Cause [alpha, pid={pid}] exited with status 3", "Try to restart (alpha)"], "pcheck's lines")


@scenario
def an_orderly_end_that_nobody_repairs_is_restarted_after_confirm_wait(world):
    pid = watch_obedient(world)
    place = world.log.place()
    world.tell("orders", "exit 0")
    world.up("alpha", place)
    lines = world.log.lines(place, "pcheck")[:3]
    same([line.text for line in lines], [*down("alpha", pid, "exited with status 0"), attempt("alpha")], "pcheck's lines")
    check(lines[2].when - lines[0].when > 0.9, "the script did not wait for CONFIRM_WAIT, here MONITOR_INTERVAL")
