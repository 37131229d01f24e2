# SPDX-License-Identifier: Apache-2.0
"""The time of day is set hours forward and back while pcheck waits: nothing is early or late but the times that are shown. The clock of the
machine is left alone: a tracer tells pcheck another one."""
import contextlib
import os
import signal
import struct
import sys
import time

import kernel
from harness import attempt, check, down, pent_line, same, scenario, up

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "campaign"))

from tracer import Tracer       # noqa: E402

FORWARD, BACK = 5 * 3600, -7 * 3600     # seconds
JITTER = 0.85   # a delay is 10 % shorter or longer, and a line arrives a moment after what it tells


def set_clock(world, seconds):
    """By so much the time of day is wrong from now on."""
    with open(world.path("wall"), "r+b" if os.path.exists(world.path("wall")) else "wb") as file:
        file.write(struct.pack("=q", seconds))      # eight bytes at once: there is no moment without a time


@contextlib.contextmanager
def pcheck(world):
    tracer = Tracer(world, "--wall", world.path("wall"))
    world.start_pcheck(tracer=tracer)
    try:
        yield
    finally:
        world.close_pcheck()
        tracer.detach()


def is_shown(entry, field, offset):
    """This time of an entry is about now, as wrong as the clock is."""
    error = time.mktime(time.strptime(entry[field])) - time.time() - offset
    check(abs(error) < 60, f"{field} is {entry[field]}, {error:.0f} s off")


def takes(begun, ended, seconds):
    took = ended.when - begun.when
    check(seconds * JITTER < took < seconds + 10, f"`{ended.text}` came {took:.2f} s after `{begun.text}`, {seconds} s wanted")


def timers_run_across(world, step):
    """A hold, a delay, a confirm and a script's limit begin before the step and end after it."""
    names = ("held", "late", "gone", "long")
    hang = world.script("hang.sh", "exec /bin/sleep 1000")
    pids = {name: world.daemon(name) for name in names}
    world.pfile(pent_line("held", world.restarter("held"), retries=1, grace=4, action="hold") + ":delay=0",
                pent_line("late", "/bin/false", retries=2) + ":delay=4",
                pent_line("gone", world.restarter("gone")) + ":confirm=4",
                pent_line("long", hang, retries=1), SCRIPT_TIMEOUT=4, SCRIPT_KILL_WAIT=0)
    set_clock(world, 0)
    with pcheck(world):
        for name, pid in pids.items():
            world.log.wait(up(name, pid))
        place = world.log.place()
        kernel.kill(pids["held"])
        kernel.kill(world.up_pid("held", world.log.wait(attempt("held"), place).index))
        for name in ("late", "long"):
            kernel.kill(pids[name])
        kernel.kill(pids["gone"], signal.SIGTERM)
        begun = {name: world.log.wait(line, place) for name, line in (
            ("held", attempt("held")), ("late", "Waiting (late): delay 4s"), ("gone", down("gone", pids["gone"])[0]), ("long", attempt("long")))}
        world.log.wait("(held) RETRY_OVER:HOLD", place)
        set_clock(world, step)
        ended = {name: world.log.wait(line, begun[name].index) for name, line in (
            ("held", "Hold ended (held)"), ("late", attempt("late")), ("gone", attempt("gone")), ("long", "Restart script failed (long) timeout=4s"))}
        for name, line in ended.items():
            takes(begun[name], line, 4)
        world.becomes("held", proc_sts="AVAIL")
        is_shown(world.pent("held"), "state_since", step)


@scenario
def the_clock_set_forward_ends_no_wait_early(world):
    timers_run_across(world, FORWARD)


@scenario
def the_clock_set_back_keeps_no_wait_too_long(world):
    timers_run_across(world, BACK)


@scenario
def a_window_goes_on_across_steps_of_the_clock_and_a_kill_of_pcheck(world):
    pid = world.daemon("alpha")
    world.pfile(pent_line("alpha", world.restarter("alpha"), grace=10800, retries=2) + ":delay=0")
    set_clock(world, 0)
    with pcheck(world):
        world.log.wait(up("alpha", pid))
        kernel.kill(pid)
        pid = world.replaced("alpha", pid)
        world.becomes("alpha", proc_sts="AVAIL", pid=pid, restart_count=1)
        set_clock(world, FORWARD)       # past the window's end, were it of the wall
        kernel.kill(pid)
        pid = world.replaced("alpha", pid)
        world.becomes("alpha", proc_sts="AVAIL", pid=pid, restart_count=2)
        kernel.kill(world.pcheck.pid)
        world.pcheck.wait()
    set_clock(world, BACK)
    with pcheck(world):
        world.becomes("alpha", proc_sts="AVAIL", pid=pid, restart_count=2)
        place = world.log.place()
        kernel.kill(pid)
        world.log.wait("(alpha) RETRY_OVER:CONTINUE", place)
        entry = world.becomes("alpha", proc_sts="RETRY_OVER")
        is_shown(entry, "state_since", BACK)
        is_shown(entry, "window_ends", 10800)      # padmin's own clock is right
