# SPDX-License-Identifier: Apache-2.0
"""Every call that pcheck makes in a step fails once. It goes on, and the outcome is the right one; or it ends with a documented exit status
and a line, where it is about to start or is out of memory."""
import errno
import os
from collections import Counter

import kernel
from harness import check
from kernel import Failure, until
from steps import STEPS
from tracer import call_names

# What the kernel may say.
ERRORS = {
    "openat": "EMFILE EACCES EIO ENOMEM", "open": "EMFILE EACCES EIO ENOMEM", "openat2": "EMFILE", "read": "EINTR EIO", "pread64": "EINTR EIO",
    "write": "EINTR ENOSPC EIO", "writev": "EINTR ENOSPC EIO", "close": "EINTR EIO", "epoll_create1": "EMFILE", "epoll_ctl": "ENOMEM ENOSPC",
    "epoll_wait": "EINTR", "epoll_pwait2": "EINTR", "epoll_pwait": "EINTR", "eventfd2": "EMFILE ENOMEM", "timerfd_create": "EMFILE",
    "signalfd4": "EMFILE", "socket": "EMFILE ENOMEM EACCES", "socketpair": "EMFILE ENOMEM", "connect": "EACCES EAGAIN EINTR",
    "bind": "EACCES", "sendto": "EAGAIN ENOBUFS EINTR", "sendmsg": "EAGAIN ENOBUFS EINTR", "recvfrom": "EINTR EAGAIN",
    "recvmsg": "EINTR EAGAIN", "setsockopt": "ENOMEM", "clone": "EAGAIN ENOMEM", "clone3": "EAGAIN ENOMEM",
    "pidfd_open": "EMFILE ENOMEM", "pidfd_send_signal": "EPERM", "waitid": "EINTR", "wait4": "EINTR", "dup3": "EMFILE EINTR",
    "fcntl": "EMFILE", "mmap": "ENOMEM", "mprotect": "ENOMEM", "shmget": "ENOMEM ENOSPC EACCES", "shmat": "ENOMEM EACCES", "shmctl": "EACCES",
    "semget": "ENOSPC EACCES", "semop": "ENOSPC EACCES", "semtimedop": "ENOSPC EACCES", "semctl": "EACCES", "fstat": "EIO", "stat": "EIO EACCES",
    "newfstatat": "EIO EACCES", "statx": "EIO", "readlink": "EACCES EIO", "readlinkat": "EMFILE EIO", "getdents64": "EIO",
    "fsync": "EIO ENOSPC EINTR", "rename": "ENOSPC EACCES", "fchmod": "EIO", "chmod": "EACCES", "ioctl": "EIO", "unlink": "EACCES EIO",
    "mkdir": "ENOSPC EACCES", "poll": "EINTR", "ppoll": "EINTR", "access": "EIO", "faccessat": "EIO", "faccessat2": "EIO",
    "inotify_init1": "EMFILE",
}
# A call of neither list is a finding.
NOT_ASKED = {
    **dict.fromkeys("getpid gettid getuid geteuid getgid getegid getpriority getrandom sched_yield exit exit_group".split(), "cannot fail so"),
    **dict.fromkeys("brk madvise munmap shmdt futex rseq set_robust_list".split(), "the C library's own, or memory that is given back"),
    **dict.fromkeys("rt_sigaction rt_sigprocmask rt_sigreturn close_range lseek timerfd_settime prlimit64 kill".split(),
                    "fails by wrong arguments only"),
}
NEVER_FAIL = ("anon_inode:[event", "anon_inode:[timerfd", "anon_inode:[signalfd")     # to be read and written; nor does the tracer count them
DOCUMENTED = (64, 66, 69, 70, 71, 78)
MEMORY = ("mmap", "mprotect")
MOST = 5        # occurrences of a call that are tried, from the first to the last


class Cell:
    def __init__(self, step, call, error, nth, files):
        self.step, self.call, self.error, self.nth, self.occurrences, self.file = step, call, error, nth, len(files), files[nth]

    def __str__(self):
        return f"{self.step}: {self.call} {self.nth} of {self.occurrences} ({self.file}): {self.error}"


def calls_in(name, world):
    """Of one undisturbed course: call name: the files of its occurrences in their order."""
    step = STEPS[name](world)
    step.stage.begin()
    path = world.path("calls")
    tracer = step.trace("--list", path)
    until(lambda: step.complete(), f"the end of {name}")
    tracer.detach()
    names, calls = call_names(), {}
    with open(path) as file:
        for line in file:
            _, number, _, target = line.rstrip("\n").split(" ", 3)
            if not target.startswith(NEVER_FAIL) or names.get(int(number)) not in ("read", "write"):
                calls.setdefault(names.get(int(number), "?"), []).append(target)
    return calls


def cells_of(name, world):
    found = []
    for call, files in sorted(calls_in(name, world).items()):
        check((call in ERRORS) != (call in NOT_ASKED), f"{name} calls {call}: which errors?")
        tried = sorted({round(at * (len(files) - 1) / max(1, MOST - 1)) for at in range(MOST)})
        found += [Cell(name, call, error, nth, files) for error in ERRORS.get(call, "").split() for nth in tried]
    return found


def try_cell(step, cell):
    """`goes on`, `ends N: LINE`, or `not met` where the course was another one this time."""
    stage, world = step.stage, step.world
    open(world.path("pcheck.out"), "w").close()
    tracer = step.trace("--fail", cell.call, cell.nth, getattr(errno, cell.error))
    stage.faults += 1
    try:
        until(lambda: world.pcheck.poll() is not None or step.complete(), "the outcome", 40)
        met = tracer.hit()
    except Failure as error:
        raise Failure(f"{error}; hit {tracer.hit()}\n{stage.state_or_nothing()}") from error
    finally:
        tracer.detach()
    code = world.pcheck.poll()
    outcome = "goes on"
    if code is not None and not (step.ends_well and code == 0):
        line = world.read("pcheck.out").strip().splitlines()[-1:] or [""]
        may_end = step.begins or cell.call in MEMORY
        check(may_end and code in DOCUMENTED and line[0], f"pcheck ended with {code}: {line[0]}")
        outcome = f"ends {code}: {line[0]}"
    if code is not None:
        stage.collect_orders(all_of_them=True)
        world.start_pcheck()
    stage.settle()
    if not step.ends:
        stage.look()
    return outcome if met else "not met"


class Table:
    def __init__(self):
        self.rows = {}

    def add(self, cell, outcome):
        key = (cell.step, cell.call, cell.error, cell.occurrences)
        self.rows.setdefault(key, Counter())[outcome] += 1

    def text(self):
        lines = [f"{'step':20}{'call':18}{'errno':9}{'calls':>6}  outcome"]
        for (step, call, error, count), outcomes in sorted(self.rows.items()):
            what = "; ".join(f"{outcome} ({times})" for outcome, times in outcomes.items())
            lines.append(f"{step:20}{call:18}{error:9}{count:6}  {what}")
        return "\n".join(lines)


def run_cells(cells, new_world, say):
    """new_world: () -> World, which the caller need not close. Returns the table and what failed."""
    table, failures = Table(), []
    step, world = None, None
    for cell in cells:
        try:
            if step is None or step.name != cell.step:
                if world:
                    world.close()
                world = new_world()
                step = STEPS[cell.step](world)
                step.stage.begin()
            table.add(cell, try_cell(step, cell))
        except Failure as error:
            table.add(cell, "FAIL")
            failures.append(f"{cell}: {error}\n{world.excerpt()[:6000]}")
            say(f"# {failures[-1]}")
            step = None
    if world:
        world.close()
    return table, failures
