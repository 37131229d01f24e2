# SPDX-License-Identifier: Apache-2.0
"""System calls that the kernel, or an old seccomp filter of a container, answers with ENOSYS or EPERM for good."""
import os
import sys

import kernel
from harness import check, down, pent_line, same, scenario, up


def without(error, *calls):
    return [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "deny.py"), error, ",".join(calls)]


def restarts_alpha(world, pid):
    place = world.log.place()
    kernel.kill(pid)
    world.log.wait(down("alpha", pid)[0], place)
    new = world.replaced("alpha", pid)
    world.log.wait(up("alpha", new), place)
    return new


@scenario
def without_clone3_and_close_range_all_goes_on_as_ever(world):
    pid = world.daemon("alpha")
    world.pfile(pent_line("alpha", world.restarter("alpha")) + ":delay=0")
    world.start_pcheck(through=without("ENOSYS", "clone3", "close_range"))
    world.log.wait(up("alpha", pid))
    check("clone            = fork: Function not implemented\n" in world.order("show", "capabilities"), world.last_answer)
    pid = restarts_alpha(world, pid)
    world.order("reload")
    world.order("restart", "alpha")
    pid = world.replaced("alpha", pid)
    world.becomes("alpha", proc_sts="AVAIL", pid=pid)
    world.order("dump")
    world.shut_down()


def is_refused_without(world, error, call, told):
    """At the start, with the call and what would help; nothing is left behind."""
    world.pfile(pent_line("alpha", world.restarter("alpha")))
    answer = world.run([*without(error, call), *world.pcheck_command("-f", world.pfile_path)])
    line = f"{told}: needed is Linux 5.4 or later, and no seccomp filter that refuses this call"
    same((answer.code, answer.err), (71, f"pcheck: {line}\n"), "its end")
    world.log.wait(line)
    check(not kernel.segment_exists(world.key) and not kernel.semaphore_exists(world.key), "it has left a segment")


@scenario
def without_pidfd_open_it_does_not_start_and_says_what_is_needed(world):
    is_refused_without(world, "ENOSYS", "pidfd_open", "pidfd_open: Function not implemented")
    is_refused_without(world, "EPERM", "pidfd_open", "pidfd_open: Operation not permitted")


@scenario
def without_pidfd_send_signal_it_does_not_start_and_says_what_is_needed(world):
    is_refused_without(world, "ENOSYS", "pidfd_send_signal", "pidfd_send_signal: Function not implemented")


@scenario
def where_a_filter_refuses_clone3_so_that_no_thread_can_be_made_it_does_not_start(world):
    is_refused_without(world, "EPERM", "clone3", "clone3 (for a thread): Operation not permitted")
