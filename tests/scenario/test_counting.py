# SPDX-License-Identifier: Apache-2.0
"""Count mode: how many processes match, and no main process (spec/pfile.md, min and max)."""
import subprocess

from harness import attempt, check, down, pent_line, same, scenario, up
from kernel import kill, start_of, until


def three(world, options):
    """Three daemons of one name that are counted; their pids, the oldest first."""
    world.restarter("alpha")
    pids = [world.daemon("alpha") for _ in range(3)]
    world.pfile(f"{pent_line('alpha', world.path('restart_alpha.sh'))}:{options}")
    world.start_pcheck()
    world.log.wait(up("alpha", pids[0]))
    return pids


@scenario
def the_one_whose_death_leaves_too_few_is_named_and_the_script_runs(world):
    first, second, third = three(world, "min=2")
    place = world.log.place()
    kill(first)
    world.becomes("alpha", proc_sts="AVAIL", proc_count=2, pid=second)
    kill(second)
    world.log.wait(down("alpha", second)[1], place)
    world.log.wait(attempt("alpha"), place)
    world.becomes("alpha", proc_sts="AVAIL", pid=third)
    same([line for line in world.log.texts(place) if f"pid={first}" in line], [], "lines about the one that could be spared")
    same(len(world.runs("alpha")), 1, "runs of the script")


@scenario
def a_dead_process_that_nobody_reaps_does_not_count(world):
    world.restarter("alpha")
    program = world.program("alpha")
    children = [subprocess.Popen([program, "--foreground"], env=world.environment) for _ in range(3)]     # a parent that never waits
    world.pfile(f"{pent_line('alpha', world.path('restart_alpha.sh'), retries=1)}:min=3", pent_line("beta"), MONITOR_INTERVAL=3)
    world.start_pcheck()
    world.log.wait(up("alpha", children[0].pid))
    until(lambda: start_of(world.daemon("young")) > start_of(children[2].pid) + 250, "younger processes: a look reads only these")
    world.log.wait(up("beta", world.daemon("beta")))    # found by a sweep, which has met them
    place = world.log.place()
    kill(children[0].pid)
    world.log.wait(down("alpha", children[0].pid)[1], place)
    world.log.wait(up("alpha", children[1].pid), place)
    same(world.becomes("alpha", proc_sts="AVAIL")["proc_count"], "3", "processes")
    same(len([line for line in world.log.texts(place) if "Down" in line]), 1, "losses")


@scenario
def one_too_many_is_told_once_and_not_ended(world):
    pids = three(world, "min=1:max=3")
    place = world.log.place()
    pids.append(world.daemon("alpha"))
    world.log.wait("Too many processes (alpha): 4 > 3", place)
    kill(pids.pop())
    world.becomes("alpha", proc_count=3)
    again = world.log.place()
    pids.append(world.daemon("alpha"))
    world.log.wait("Too many processes (alpha): 4 > 3", again)
    world.becomes("alpha", proc_count=4)
    check(world.log.texts(place).count("Too many processes (alpha): 4 > 3") == 2, "told once for each time")
    same(world.pent("alpha")["proc_sts"], "AVAIL", "its state")


@scenario
def a_restart_by_order_stops_nothing(world):
    pids = three(world, "min=2:max=9")
    place = world.log.place()
    world.order("restart", "alpha")
    world.log.wait(attempt("alpha"), place)
    world.becomes("alpha", proc_sts="AVAIL", proc_count=4)
    world.log.wait(up("alpha", pids[0]), place)
    same(world.pent("alpha")["restart_count"], "0", "what was counted")
