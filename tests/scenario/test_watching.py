# SPDX-License-Identifier: Apache-2.0
"""Which process is watched, and how losses are found (spec/pfile.md, Matching; DETECT)."""
import os
import re

from harness import attempt, check, down, pent_line, same, scenario, up
from kernel import kill, until


@scenario
def a_script_is_watched_by_its_name_through_its_interpreter(world):
    os.mkfifo(world.path("never"))
    guardian = world.script("guardian", f"while :; do read line < {world.path('never')}; done")
    pid = world.detached(["/bin/sh", guardian, "an argument"])
    start = world.script("restart.sh", f"setsid /bin/sh {guardian} > /dev/null 2>&1 &\nexit 0")
    world.pfile(pent_line("guardian", start))
    world.start_pcheck()
    world.log.wait(f"(guardian ,pid={pid}) Up")
    place = world.log.place()
    kill(pid)
    world.log.wait(f"Process [guardian, pid={pid}] Down", place)
    world.up("guardian", place)
    world.becomes("guardian", proc_sts="AVAIL", restart_count=1)


@scenario
def a_name_with_a_slash_is_the_executable_and_not_a_namesake(world):
    os.mkdir(world.path("other"))
    namesake = world.daemon("other/alpha")
    alpha = world.daemon("alpha")
    world.pfile(pent_line(world.path("alpha"), world.restarter("alpha")))
    world.start_pcheck()
    world.log.wait(f"({world.path('alpha')} ,pid={alpha}) Up")
    place = world.log.place()
    kill(alpha)
    check(world.up_pid(world.path("alpha"), place) != namesake, "the namesake stood in")


@scenario
def the_oldest_of_several_is_watched_and_the_choice_told_once(world):
    first, second = world.daemon("alpha"), world.daemon("alpha")
    world.pfile(pent_line("alpha", world.restarter("alpha")))
    world.start_pcheck()
    world.log.wait(f"(alpha ,pid={first}) Up")
    same(world.log.wait(f"Ambiguous match (alpha): 2 processes, watching pid={first}").priority, "warning", "the priority")
    kill(second)
    world.order("reload")
    same(len([text for text in world.log.texts() if text.startswith("Ambiguous match")]), 1, "lines about the choice")


@scenario
def the_child_of_a_match_is_not_the_main_process(world):
    master = world.daemon("alpha", "--fifo", world.path("orders"))
    world.tell("orders", "worker")
    world.pfile(pent_line("alpha", world.restarter("alpha")))
    world.start_pcheck()
    world.log.wait(f"(alpha ,pid={master}) Up")
    same([text for text in world.log.texts() if "Ambiguous" in text], [], "lines about the choice")


@scenario
def a_process_that_becomes_another_program_is_lost(world):
    pid = world.daemon("alpha", "--fifo", world.path("orders"))
    world.program("other")
    world.pfile(pent_line("alpha", world.restarter("alpha")))
    world.start_pcheck()
    world.log.wait(f"(alpha ,pid={pid}) Up")
    place = world.log.place()
    world.tell("orders", f"exec {world.path('other')} --foreground")
    world.log.wait(f"Process [alpha, pid={pid}] Down", place)
    check(world.up_pid("alpha", place) != pid, "the other program was taken for alpha")


@scenario
def poll_finds_losses_by_its_sweeps_and_tells_no_cause(world):
    alpha = world.daemon("alpha")
    world.pfile(pent_line("alpha", world.restarter("alpha")), DETECT="poll")
    world.start_pcheck()
    world.log.wait(f"(alpha ,pid={alpha}) Up")
    place = world.log.place()
    kill(alpha)
    new = world.up("alpha", place)
    same(world.log.texts(place), [down("alpha", alpha)[0], attempt("alpha"), up("alpha", new)], "pcheck's lines")


@scenario
def an_absent_process_is_looked_for_then_started_and_counted(world):
    world.pfile(pent_line("alpha", world.restarter("alpha")))
    world.start_pcheck()
    pid = world.up("alpha")
    same(world.log.texts()[1:], ["Set pid fail (alpha)", "Try to restart (alpha)", f"(alpha ,pid={pid}) Up"], "pcheck's lines")
    world.becomes("alpha", proc_sts="AVAIL", restart_count=1)
    check(re.fullmatch(r"0 absent *", world.runs("alpha")[0]), f"PCHECK_OLD_PID, PCHECK_REASON, PCHECK_CAUSE: {world.runs('alpha')}")


@scenario
def a_process_that_comes_in_time_at_the_start_is_up_without_any_count(world):
    world.pfile(pent_line("alpha", world.restarter("alpha")), MONITOR_INTERVAL=10, CONFIRM_WAIT=10)
    world.start_pcheck()
    world.becomes("alpha", proc_sts="DOWN", waits_for="confirm")
    pid = world.detached([world.program("alpha"), "--foreground"])
    world.log.wait(f"(alpha ,pid={pid}) Up")
    same(world.log.texts()[1:], [f"(alpha ,pid={pid}) Up"], "pcheck's lines")
    world.becomes("alpha", proc_sts="AVAIL", restart_count=0)


@scenario
def many_deaths_at_once_are_each_told_and_repaired(world):
    names = [f"daemon{number:03}" for number in range(100)]
    pids = {name: world.daemon(name) for name in names}
    world.pfile(*(pent_line(name, world.restarter(name)) for name in names))
    world.start_pcheck()
    world.log.wait_for_count(re.compile(r" Up$"), len(names))
    place = world.log.place()
    for pid in pids.values():
        kill(pid)
    world.log.wait_for_count(re.compile(r" Up$"), len(names), place)
    for name, pid in pids.items():
        lines = [text for text in world.log.texts(place) if re.search(rf"[\[(]{name}[ ,)]", text)]
        same(lines[:3], [*down(name, pid), attempt(name)], f"the lines about {name}")
        same(len(world.runs(name)), 1, f"runs of the script of {name}")
    until(lambda: all(entry["proc_sts"] == "AVAIL" for entry in world.pents()), "all AVAIL")
