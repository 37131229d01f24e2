# SPDX-License-Identifier: Apache-2.0
"""Descriptors, disk space or processor time are not to be had for a while."""
import os
import re
import resource
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
