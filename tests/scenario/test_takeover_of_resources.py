# SPDX-License-Identifier: Apache-2.0
"""Resources whose pcheck was killed while a script of theirs ran (spec/state-table.md, row "adopted")."""
import os
import re
import signal
import sys

from harness import check, same, scenario
from kernel import alive, kill, until
from resources import begin, generic
from test_old_kernels import without


def gated(world, name, status, tell="$$"):
    """A script that leaves a line in NAME.runs and ends when there is a file `gate`."""
    return world.script(name, f"echo {tell} >> {world.path(name + '.runs')}\nwhile [ ! -e {world.path('gate')} ]; do sleep 0.05; done\nexit {status}")


def watches(pcheck, pid):
    """Whether it has a pidfd of this process."""
    for fd in os.listdir(f"/proc/{pcheck}/fdinfo"):
        try:
            with open(f"/proc/{pcheck}/fdinfo/{fd}", encoding="ascii") as info:
                if f"Pid:\t{pid}\n" in info.readlines():
                    return True
        except OSError:
            pass
    return False


def taken_over(world, name, through=()):
    """Killed and started while a script of this name runs, until its end is waited for; the script's pid."""
    until(lambda: world.runs(name), "the script")
    world.close_pcheck()
    pcheck = world.start_pcheck(through=through)
    world.log.wait(re.compile("^Adopted state "))
    pid = int(world.runs(name)[0])
    until(lambda: watches(pcheck, pid), "its being watched")
    return pcheck, pid


def ends_unseen(world, name):
    """On a kernel that tells no status by pidfd (before 6.15) the script ends, and its parent, the init of the host, is faster than pcheck."""
    pcheck, pid = taken_over(world, name, without("ENOTTY", "ioctl"))
    kill(pcheck, signal.SIGSTOP)
    world.write("gate", "")
    until(lambda: not os.path.exists(f"/proc/{pid}"), "its being reaped")
    kill(pcheck, signal.SIGCONT)


@scenario
def a_remove_whose_status_nobody_tells_is_run_again(world):
    begin(world, generic(world, "web", remove=gated(world, "slow", 1), quick_interval=0))
    world.is_in("web", "ISP")
    world.order("remove", "web")
    ends_unseen(world, "slow")
    world.is_in("web", "OSF")
    same(len(world.runs("slow")), 2, "runs of remove")
    check(world.pid_of("web"), "its daemon has gone")


@scenario
def a_check_whose_status_nobody_tells_is_no_online(world):
    """Else the next one, which says Offline, would be a failure, and AUTORECOVER answer it with Start."""
    start, stop = world.script("start", f"echo run >> {world.path('start.runs')}\nexit 1"), world.script("stop", "exit 0")
    begin(world, world.resource("db", "cmdline", start=start, stop=stop, initial="none", check=gated(world, "looks", 1)))
    ends_unseen(world, "looks")
    world.is_in("db", "Offline")
    same(world.runs("start"), [], "runs of Start")


@scenario
def a_script_that_fails_has_failed_also_where_pcheck_was_given_ignored_child_ends(world):
    ignored = [sys.executable, "-c", "import os, signal, sys\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nos.execvp(sys.argv[1], sys.argv[1:])"]
    world.pfile(resources=[generic(world, "web", restore=world.script("fails", "exit 1"))])
    world.start_pcheck(through=[*ignored, *without("ENOTTY", "ioctl")])
    world.is_in("web", "OSF")


@scenario
def a_check_that_the_new_pfile_does_not_want_is_killed(world):
    hangs = world.script("hangs", f"echo $$ >> {world.path('hangs.runs')}\nexec sleep 1000")
    keys = {"start": world.script("start", "exit 0"), "stop": world.script("stop", "exit 0"), "initial": "none", "check": hangs}
    begin(world, world.resource("db", "cmdline", **keys))
    until(lambda: world.runs("hangs"), "its Check")
    world.close_pcheck()
    world.pfile(resources=[world.resource("db", "cmdline", **keys, NULLDETECTOR="Yes")])
    world.start_pcheck()
    pid = int(world.runs("hangs")[0])
    until(lambda: not alive(pid), "the end of its Check")
