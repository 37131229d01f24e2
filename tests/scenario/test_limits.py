# SPDX-License-Identifier: Apache-2.0
"""Limits on what a process uses: told, or mended by a restart (spec/pfile.md, cpu, rss, fds, on_limit)."""
import re

from harness import attempt, check, pent_line, same, scenario, up
from kernel import alive, until, wait_end


def start(world, *options):
    """alpha with these options, watched by a pcheck; returns its pid. It obeys the FIFO `orders`."""
    pid = world.daemon("alpha", "--fifo", world.path("orders"))
    world.pfile(":".join([pent_line("alpha", world.restarter("alpha")), *options]))
    world.start_pcheck()
    world.log.wait(up("alpha", pid))
    return pid


def over(pid, what):
    return re.compile(rf"^Over limit \(alpha ,pid={pid}\): {what} ")


def lines(world, pattern):
    return [text for text in world.log.texts() if re.search(pattern, text)]


def is_restarted(world, pid, what):
    place = world.log.wait(over(pid, what)).index
    wait_end(pid, "the process over its limit")
    world.log.wait(attempt("alpha"), place)
    new = world.up_pid("alpha", place)
    check(world.runs("alpha")[-1].startswith(f"{pid} limit"), f"PCHECK_OLD_PID, PCHECK_REASON: {world.runs('alpha')}")
    world.becomes("alpha", proc_sts="AVAIL", pid=new, restart_count=1)


@scenario
def too_much_cpu_is_told_once_and_the_process_goes_on(world):
    pid = start(world, "cpu=20%/1")
    world.tell("orders", "spin")
    world.log.wait(over(pid, "cpu"))
    figure = until(lambda: world.pent("alpha").get("cpu"), "the figure in show pent -v")
    check(float(figure.rstrip("%")) > 20, f"cpu = {figure}")
    world.order("clear", "alpha")
    check(alive(pid), "it was ended")
    same(len(lines(world, "^Over limit")), 1, "lines about the limit")
    same(lines(world, "^Try to restart"), [], "attempts")


@scenario
def too_much_memory_is_mended_by_a_restart(world):
    pid = start(world, "rss=64M/1", "on_limit=restart")
    world.tell("orders", "hold 100")
    is_restarted(world, pid, "rss")


@scenario
def too_many_descriptors_are_mended_by_a_restart(world):
    pid = start(world, "fds=50/1", "on_limit=restart")
    world.tell("orders", "open 100")
    is_restarted(world, pid, "fds")


@scenario
def a_limit_that_was_kept_again_is_told_again(world):
    pid = start(world, "fds=50/1")
    world.tell("orders", "open 100")
    world.log.wait(over(pid, "fds"))
    world.tell("orders", "drop")
    until(lambda: int(world.pent("alpha").get("fds", "100")) < 50, "the figure in show pent -v")
    place = world.log.place()
    world.tell("orders", "open 100")
    world.log.wait(over(pid, "fds"), place)
    same(len(lines(world, "^Over limit")), 2, "lines about the limit")


@scenario
def a_peak_shorter_than_its_time_is_not_told(world):
    pid = start(world, "fds=50/20", "cpu=20%/1")
    world.tell("orders", "open 100")
    until(lambda: int(world.pent("alpha").get("fds", "0")) > 50, "the figure in show pent -v")
    world.tell("orders", "drop")
    world.tell("orders", "spin")
    world.log.wait(over(pid, "cpu"))
    same(lines(world, "fds"), [], "lines about the peak")
