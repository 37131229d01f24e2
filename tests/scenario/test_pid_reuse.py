# SPDX-License-Identifier: Apache-2.0
"""The pid of a process that has ended is given to another one of the same user at once. What nobody's processes may reach so is in
test_attacks."""
import signal

import kernel
from harness import Skip, attempt, check, down, pent_line, same, scenario, up
from kernel import alive


def reuse(world, pid, name):
    """The process with this pid is gone; one of this name has it now."""
    try:
        kernel.with_pid(pid, [world.program(name), "--foreground"], world.environment)
    except PermissionError as error:
        raise Skip(f"no pid can be chosen here: {error}") from error


def reused_unseen(world, pid, name, number=signal.SIGKILL):
    """pcheck stands still until the pid has its new owner. Returns from where on its lines tell of it."""
    kernel.kill(world.pcheck.pid, signal.SIGSTOP)
    kernel.until(lambda: b") T " in kernel.read_proc(world.pcheck.pid, "stat"), "the stop")
    kernel.kill(pid, number)
    reuse(world, pid, name)
    place = world.log.place()
    kernel.kill(world.pcheck.pid, signal.SIGCONT)
    return place


def killed_and_reused(world, pid, name):
    kernel.kill(world.pcheck.pid)
    world.pcheck.wait()
    kernel.kill(pid)
    reuse(world, pid, name)
    place = world.log.place()
    world.start_pcheck()
    return place


def watch(world, script=None, **param):
    pid = world.daemon("alpha")
    world.pfile(pent_line("alpha", script or world.restarter("alpha")) + ":delay=0", **param)
    world.start_pcheck()
    world.log.wait(up("alpha", pid))
    return pid


def is_restarted_beside(world, pid, place):
    """The stranger is neither followed nor signalled, whatever is ordered."""
    world.log.wait(down("alpha", pid)[0], place)
    world.log.wait(attempt("alpha"), place)
    new = world.replaced("alpha", pid)
    world.becomes("alpha", proc_sts="AVAIL", pid=new, restart_count=1)
    world.order("restart", "alpha")
    newer = world.replaced("alpha", new)
    world.becomes("alpha", proc_sts="AVAIL", pid=newer)
    check(alive(pid), "the stranger was ended")


@scenario
def another_program_that_gets_the_pid_at_once_is_not_taken_for_the_process(world):
    pid = watch(world)
    is_restarted_beside(world, pid, reused_unseen(world, pid, "stranger"))


@scenario
def another_program_that_gets_the_pid_while_pcheck_is_dead_is_not_adopted(world):
    pid = watch(world)
    is_restarted_beside(world, pid, killed_and_reused(world, pid, "stranger"))


@scenario
def the_same_program_with_the_same_pid_is_told_as_a_loss_and_as_found_again(world):
    pid = watch(world, script="-")
    first = kernel.start_of(pid)
    place = reused_unseen(world, pid, "alpha")
    check(kernel.start_of(pid) != first, "they were born in the same tick")
    lost = [world.log.wait(line, place).index for line in down("alpha", pid)]
    world.log.wait(up("alpha", pid), lost[-1])
    kernel.kill(pid)        # it is the new one that is followed
    world.log.wait(down("alpha", pid)[0], lost[-1])


@scenario
def the_same_program_with_the_same_pid_that_somebody_brought_back_is_no_attempt(world):
    pid = watch(world)
    place = reused_unseen(world, pid, "alpha", signal.SIGTERM)
    lost = world.log.wait(down("alpha", pid)[0], place).index
    world.log.wait(up("alpha", pid), lost)
    same(world.runs("alpha"), [], "runs of the script")
    world.becomes("alpha", proc_sts="AVAIL", pid=pid, restart_count=0)


@scenario
def the_same_program_with_the_same_pid_after_a_kill_of_pcheck_is_told_as_found_again(world):
    pid = watch(world)
    place = killed_and_reused(world, pid, "alpha")
    lost = world.log.wait(down("alpha", pid)[0], place).index
    world.log.wait(up("alpha", pid), lost)
    same(world.runs("alpha"), [], "runs of the script")
    world.becomes("alpha", proc_sts="AVAIL", pid=pid, restart_count=0)


@scenario
def the_pid_of_a_script_that_ended_while_pcheck_was_dead_is_not_waited_for_nor_signalled(world):
    hang = world.script("hang.sh", f"echo $$ > {world.path('script')}\nexec /bin/sleep 1000")
    pid = watch(world, hang, SCRIPT_TIMEOUT=3, SCRIPT_KILL_WAIT=0, MONITOR_TRY_COUNT=1)
    place = world.log.place()
    kernel.kill(pid)
    script = int(kernel.until(lambda: world.read("script"), "the script"))
    world.becomes("alpha", proc_sts="RESTART")
    killed_and_reused(world, script, "stranger")
    world.log.wait("Set pid fail (alpha)", place)       # its script is taken for ended at once
    world.log.wait("Restart script failed (alpha) timeout=3s", place)
    check(alive(script), "the stranger was ended by the limit of the script")
