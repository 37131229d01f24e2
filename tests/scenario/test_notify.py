# SPDX-License-Identifier: Apache-2.0
"""What pcheck tells a service manager (sd_notify)."""
import os
import signal
import socket

from harness import check, pent_line, same, scenario
from kernel import BOUND, Failure


class Manager:
    """The service manager's end: datagrams as lists of assignments."""

    def __init__(self, world):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.path = world.path("notify.socket")
        self.socket.bind(self.path)
        self.socket.settimeout(BOUND)
        self.seen = []

    def wait(self, start):
        """The next assignment that begins so."""
        while True:
            try:
                told = self.socket.recv(65536).decode().splitlines()
            except TimeoutError as error:
                raise Failure(f"no {start} came; told was {self.seen}") from error
            self.seen += told
            found = [word for word in told if word.startswith(start)]
            if found:
                return found[0]


def begin(world, **environment):
    manager = Manager(world)
    alpha = world.daemon("alpha")
    world.pfile(pent_line("alpha", world.restarter("alpha")))
    world.start_pcheck(environment={"NOTIFY_SOCKET": manager.path, **environment})
    return manager, alpha


@scenario
def ready_comes_after_the_first_sweep_and_stopping_at_the_end(world):
    manager, alpha = begin(world)
    manager.wait("READY=1")
    entry = world.pent("alpha")
    same((entry["proc_sts"], entry["pid"]), ("AVAIL", str(alpha)), "the entry when READY=1 has come")
    if not any(word.startswith("STATUS=") for word in manager.seen):
        manager.wait("STATUS=")
    world.order("shutdown")
    manager.wait("STOPPING=1")


@scenario
def a_reload_is_told_as_reloading_and_ready(world):
    manager, _ = begin(world)
    manager.wait("READY=1")
    world.order("reload")
    manager.wait("RELOADING=1")
    check(any(word.startswith("MONOTONIC_USEC=") for word in manager.seen), f"RELOADING without MONOTONIC_USEC: {manager.seen}")
    manager.wait("READY=1")


@scenario
def the_watchdog_is_fed_by_the_main_loop_and_no_longer_when_it_is_stopped(world):
    manager, _ = begin(world, WATCHDOG_USEC="400000")
    for _ in range(4):
        manager.wait("WATCHDOG=1")
    os.kill(world.pcheck.pid, signal.SIGSTOP)
    manager.socket.settimeout(1.2)
    try:
        while True:
            manager.socket.recv(65536)      # what was sent before the stop
            check(len(manager.seen) < 1000, "the watchdog is fed by a stopped pcheck")
            manager.seen.append("late")
    except TimeoutError:
        pass
    manager.socket.settimeout(BOUND)
    os.kill(world.pcheck.pid, signal.SIGCONT)
    manager.wait("WATCHDOG=1")


@scenario
def a_service_manager_that_does_not_read_holds_up_nothing(world):
    manager, alpha = begin(world, WATCHDOG_USEC="20000")
    world.log.wait(f"(alpha ,pid={alpha}) Up")
    for _ in range(3):      # by now the socket, 10 datagrams deep, is full
        place = world.log.place()
        world.order("restart", "alpha")
        world.up("alpha", place)
    manager.wait("READY=1")
