# SPDX-License-Identifier: Apache-2.0
"""Descriptors, processes, disk space or processor time are not to be had for a while."""
import os
import re
import resource
import shutil
import signal
import subprocess

import kernel
from harness import Skip, attempt, check, pent_line, same, scenario, up
from kernel import alive, until

NAMES = ("alpha", "beta", "gamma")


def watch(world, **param):
    pids = {name: world.daemon(name) for name in NAMES}
    world.pfile(*(pent_line(name, world.restarter(name), retries="unlimited") + ":delay=0" for name in NAMES), **param)
    world.start_pcheck()
    for name, pid in pids.items():
        world.log.wait(up(name, pid))
    return pids


@scenario
def without_a_free_descriptor_nothing_is_forgotten_and_all_is_repaired_when_there_are_some(world):
    pids = watch(world)
    used = len(os.listdir(f"/proc/{world.pcheck.pid}/fd"))
    before = resource.prlimit(world.pcheck.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(world.pcheck.pid, resource.RLIMIT_NOFILE, (used, before[1]))
    place = world.log.place()
    for pid in pids.values():
        kernel.kill(pid)
    for name in NAMES:
        world.log.wait(attempt(name), place)
    world.log.wait(re.compile("Too many open files"), place)
    resource.prlimit(world.pcheck.pid, resource.RLIMIT_NOFILE, before)
    for name, pid in pids.items():
        new = world.replaced(name, pid)
        world.becomes(name, proc_sts="AVAIL", pid=new)
        same(len(kernel.running(world.path(name))), 1, f"processes of {name}")


NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all", "--"]     # root has no such limit
ENOUGH = 1000
NO_PROCESS = "Restart script failed (alpha) cannot execute: clone3: Resource temporarily unavailable"


def limit_processes(pid, soft):
    """By nobody: root may lack the right to change the limits of others."""
    subprocess.run([*AS_NOBODY, "prlimit", f"--pid={pid}", f"--nproc={soft}:"], check=True)


def pfile_of_nobodys(world, *options, **param):
    world.script("restart.sh", f"{world.program('alpha')} > /dev/null")
    path = world.pfile(":".join([pent_line("alpha", world.path("restart.sh"), retries="unlimited"), *options]), CONFIRM_WAIT=0, **param)
    os.chown(path, NOBODY, NOBODY)
    os.makedirs(world.path("bin"))     # the build may lie where only its owner looks
    world.pcheck_program = shutil.copy(world.pcheck_program, world.path("bin/pcheck"))


@scenario
def where_no_process_can_be_made_each_attempt_is_told_and_counted_until_one_can(world):
    pfile_of_nobodys(world, "delay=1")
    world.start_pcheck(through=AS_NOBODY)
    first = world.up_pid("alpha")
    place = world.log.place()
    limit_processes(world.pcheck.pid, 1)
    kernel.kill(first)
    world.log.wait_for_count(NO_PROCESS, 2, place)
    entry = world.pent("alpha")
    check(int(entry["restart_count"]) >= 3, f"restart_count {entry['restart_count']}: one of before, two that failed")
    limit_processes(world.pcheck.pid, ENOUGH)
    new = world.replaced("alpha", first)
    world.becomes("alpha", proc_sts="AVAIL", pid=new)
    same(len(kernel.running(world.path("alpha"))), 1, "processes of alpha")


@scenario
def without_any_delay_between_them_attempts_that_cannot_begin_hold_up_no_order(world):
    pfile_of_nobodys(world, "delay=0")
    world.start_pcheck(through=AS_NOBODY)
    first = world.up_pid("alpha")
    place = world.log.place()
    limit_processes(world.pcheck.pid, 1)
    kernel.kill(first)
    world.log.wait_for_count(NO_PROCESS, 5, place)
    world.order("stop", "alpha")
    attempts = world.pent("alpha")["restart_total"]
    world.becomes("alpha", proc_sts="DOWN", waits_for="operator", restart_total=attempts)
    world.order("start", "alpha")
    limit_processes(world.pcheck.pid, ENOUGH)
    world.becomes("alpha", proc_sts="AVAIL", pid=world.replaced("alpha", first))


@scenario
def started_where_not_even_a_thread_can_be_made_it_watches_and_works_as_soon_as_one_can(world):
    pfile_of_nobodys(world, "delay=1")
    world.start_pcheck(through=[*AS_NOBODY, "prlimit", "--nproc=1:", "--"])
    world.log.wait(NO_PROCESS)
    check("no helper thread can be started" in world.refused(1, "reload"), world.last_answer)
    limit_processes(world.pcheck.pid, ENOUGH)
    pid = world.up_pid("alpha")
    world.becomes("alpha", proc_sts="AVAIL", pid=pid)
    same(world.pid_of("alpha"), pid, "the process of alpha")
    world.order("reload")


def small_disk(world):
    path = world.path("small")
    os.mkdir(path, 0o755)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755,size=16k", "none", path], capture_output=True)
    if mounted.returncode != 0:
        raise Skip("no tmpfs can be mounted here")
    return path


@scenario
def on_a_full_disk_the_dump_of_before_stays_and_the_end_is_told_with_its_reason(world):
    disk = small_disk(world)
    try:
        dump = os.path.join(disk, "dump")
        watch(world, SHM_DUMP_FILE=dump)
        with open(dump, "w") as file:
            file.write("of before")
        with open(os.path.join(disk, "filling"), "wb") as file:
            file.write(b"x" * 8192)
        told = world.refused(1, "dump")
        check("No space left on device" in told, told)
        with open(dump) as file:
            same(file.read(), "of before", "the dump")
        same(sorted(os.listdir(disk)), ["dump", "filling"], "files on the disk")
        place = world.log.place()
        world.shut_down()
        check(world.log.find(re.compile("^Dump not written: .*No space left on device"), place), "the end does not tell")
        same(sorted(os.listdir(disk)), ["dump", "filling"], "files on the disk")
    finally:
        world.close_pcheck()
        subprocess.run(["umount", disk], check=True)


@scenario
def stopped_and_continued_it_repairs_what_was_lost_meanwhile(world):
    pids = watch(world)
    kernel.kill(world.pcheck.pid, signal.SIGSTOP)
    until(lambda: b") T " in kernel.read_proc(world.pcheck.pid, "stat"), "the stop")
    place = world.log.place()
    for pid in pids.values():
        kernel.kill(pid)
    same(world.log.texts(place), [], "lines of a stopped pcheck")
    kernel.kill(world.pcheck.pid, signal.SIGCONT)
    for name, pid in pids.items():
        new = world.replaced(name, pid)
        world.becomes(name, proc_sts="AVAIL", pid=new, restart_total=1)
        check(alive(new), name)
