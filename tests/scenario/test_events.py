# SPDX-License-Identifier: Apache-2.0
"""Events: what others tell of a process, and what is told to responders (spec/events.md)."""
from harness import attempt, check, pent_line, same, scenario, up
from kernel import alive, wait_end


@scenario
def an_event_that_an_entry_handles_stops_and_restarts_it(world):
    pid = world.daemon("alpha")
    world.pfile(pent_line("alpha", world.restarter("alpha")) + ":events=filesys/diskfull")
    world.start_pcheck()
    world.log.wait(up("alpha", pid))
    world.refused(4, "event", "filesys/badmount", "alpha")
    check(alive(pid), "an event that it does not handle has ended it")
    place = world.log.place()
    same(world.order("event", "filesys/diskfull", "alpha"), "alpha: recovery was begun\n", "the answer")
    wait_end(pid, "the stalled process")
    new = world.up_pid("alpha", place)
    wanted = [f"Stalled (alpha ,pid={pid}): event filesys/diskfull", attempt("alpha"), up("alpha", new)]
    same([text for text in world.log.texts(place) if not text.startswith("Command")], wanted, "the lines")
    check(world.runs("alpha")[-1].startswith(f"{pid} stall"), f"PCHECK_OLD_PID, PCHECK_REASON: {world.runs('alpha')}")
    world.order("stop", "alpha")
    same(world.refused(1, "event", "filesys/diskfull", "alpha"), "padmin: alpha: it is paused\n", "the refusal")
