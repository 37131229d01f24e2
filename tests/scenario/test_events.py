# SPDX-License-Identifier: Apache-2.0
"""Events: what others tell of a process, and what is told to responders (spec/events.md)."""
import os
import time

from harness import attempt, check, pent_line, same, scenario, up
from kernel import BOUND, alive, kill, running, until, wait_end


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


def with_tree(world, timeout=None):
    limit = f"timeout = {timeout}\n" if timeout else ""
    world.conf = world.write("banken.conf", world.conf_text(None) + f"[events]\ndir = {world.path('events')}\n{limit}")
    os.makedirs(world.path("events/allclass"))


@scenario
def pcheck_tells_its_own_events_from_its_start_to_its_end(world):
    with_tree(world)
    world.script("events/allclass/tell", f"echo \"$EVENT_NAME $EVENT_INSTANCE $PCHECK_PFILE\" >> {world.path('told')}")
    pid = world.daemon("alpha")
    world.pfile(pent_line("alpha", world.restarter("alpha"), retries=1))
    world.start_pcheck()
    world.log.wait(up("alpha", pid))
    place = world.log.place()
    kill(pid)
    new = world.up_pid("alpha", place)
    with open(world.pfile_path, "a") as file:
        file.write("nonsense\n")
    world.refused(78, "reload")
    kill(new)
    world.log.wait("(alpha) RETRY_OVER:CONTINUE", place)
    world.shut_down()
    told = until(lambda: (lines := world.read("told").splitlines()) and len(lines) >= 9 and lines, "nine events")
    pfile, entry = f"{world.pfile_path} {world.pfile_path}", f"alpha {world.pfile_path}"
    same(sorted(told), sorted([f"start {pfile}", f"up {entry}", f"down {entry}", f"restart {entry}", f"up {entry}", f"reload_failed {pfile}",
                               f"down {entry}", f"retry_over {entry}", f"shutdown {pfile}"]), "the events")


@scenario
def responders_that_hang_hold_up_neither_a_restart_nor_the_end(world):
    with_tree(world)
    os.mkfifo(world.path("never"))
    world.script("events/allclass/hang", f"echo $$ >> {world.path('pids')}\nread line < {world.path('never')}")
    pid = world.daemon("alpha")
    world.pfile(pent_line("alpha", world.restarter("alpha"), retries="unlimited") + ":delay=0")
    world.start_pcheck()
    world.log.wait(up("alpha", pid))
    for _ in range(14):      # three events each
        place = world.log.place()
        kill(pid)
        pid = world.up_pid("alpha", place)
    hung = until(lambda: (found := world.read("pids").split()) and len(found) >= 32 and found, "32 responders")
    same(len(hung), 32, "responders at a time")
    begun = time.monotonic()
    world.shut_down()
    check(time.monotonic() - begun < BOUND, "the end was held up")
    check(all(alive(int(one)) for one in hung), "responders were ended with pcheck")
    until(lambda: len(world.read("pids").split()) > 32, "the event of the end")


@scenario
def a_process_of_a_responder_is_never_the_daemon(world):
    with_tree(world)
    os.mkfifo(world.path("never"))
    twin = f"{world.program('alpha')} --foreground --fifo {world.path('twin')}"
    os.makedirs(world.path("events/pcheck/down"))
    world.script("events/pcheck/down/mail", f"{twin} &\nread line < {world.path('never')}")
    pid = world.daemon("alpha")
    hold = world.script("hold.sh", f"read line < {world.path('restart')}\nexec {world.restarter('alpha')}")
    os.mkfifo(world.path("restart"))
    world.pfile(pent_line("alpha", hold))
    world.start_pcheck()
    world.log.wait(up("alpha", pid))
    place = world.log.place()
    kill(pid)
    twins = until(lambda: running(world.path("alpha")), "the process of the responder")
    world.tell("restart", "go")
    new = world.up_pid("alpha", place)
    check(new not in twins, "the responder's process was taken for the daemon")


@scenario
def without_a_directory_of_responders_there_is_no_trace_of_them(world):
    pid = world.daemon("alpha")
    world.pfile(pent_line("alpha", world.restarter("alpha")), EVENTS_DIR=world.path("none"))
    world.start_pcheck()
    world.log.wait(up("alpha", pid))
    place = world.log.place()
    kill(pid)
    new = world.up_pid("alpha", place)
    same([text for text in world.log.texts() if "vent" in text], [], "lines about events")
    os.makedirs(world.path("none/allclass"))
    world.script("none/allclass/tell", f"echo $EVENT_NAME >> {world.path('told')}")
    world.order("reload")
    place = world.log.place()
    kill(new)
    world.up_pid("alpha", place)
    until(lambda: sorted(world.read("told").split()) == ["down", "restart", "up"], "events after the reload")
