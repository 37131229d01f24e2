# SPDX-License-Identifier: Apache-2.0
"""What the scenarios need of the kernel and python3's standard library lacks: processes by pidfd, System V objects, one polling loop."""
import ctypes
import errno
import os
import select
import signal
import time

BOUND = 30.0        # seconds: longer than any correct wait on a loaded machine; a scenario fails by it, never passes by it

libc = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """The programs do not do what the specification says."""


def until(condition, what, bound=BOUND):
    """The only polling loop: for what no event tells. Returns the condition's first true value."""
    deadline = time.monotonic() + bound
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"waited {bound:g} s in vain: {what}")
        time.sleep(0.002)


def wait_end(pid, what, bound=BOUND):
    """Until process `pid`, a child or a stranger, has ended."""
    try:
        ref = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        poll = select.poll()
        poll.register(ref, select.POLLIN)
        if not poll.poll(bound * 1000):
            raise Failure(f"waited {bound:g} s in vain for the end of {what} (pid {pid})")
    finally:
        os.close(ref)


def kill(pid, number=signal.SIGKILL):
    """By pidfd, and waits for the end when the signal is SIGKILL."""
    ref = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(ref, number)
        if number == signal.SIGKILL:
            poll = select.poll()
            poll.register(ref, select.POLLIN)
            poll.poll(BOUND * 1000)
    finally:
        os.close(ref)


def alive(pid):
    """Neither gone nor a zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return stat.read().rpartition(b") ")[2][:1] not in b"ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def read_proc(pid, name):
    """Empty for a process that is gone or a kernel thread."""
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""


def session_of(pid):
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


def parent_of(pid):
    stat = read_proc(pid, "stat")
    return int(stat.rpartition(b")")[2].split()[1]) if stat else None


def running(executable):
    """The living processes that run this file, oldest first."""
    found = []
    for pid in pids():
        try:
            if os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)") == executable and alive(pid):
                found.append(pid)
        except OSError:
            continue
    return sorted(found, key=start_of)


def start_of(pid):
    """Start time in ticks; 0 for a process that is gone."""
    return int((read_proc(pid, "stat").rpartition(b") ")[2].split()[19:20] or [0])[0])


def detached(argv, executable=None, environment=None, directory="/"):
    """Starts a process that is nobody's child but init's, in its own session; returns its pid."""
    reader, writer = os.pipe()
    middle = os.fork()
    if middle == 0:
        try:
            os.setsid()
            child = os.fork()
            if child == 0:
                null = os.open("/dev/null", os.O_RDWR)
                for number in (0, 1, 2):
                    os.dup2(null, number)
                os.chdir(directory)
                os.execve(executable or argv[0], argv, environment if environment is not None else os.environ)
            os.write(writer, str(child).encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(middle, 0)
    with os.fdopen(reader) as pipe:
        pid = int(pipe.read())
    wanted = os.path.realpath(executable or argv[0])
    until(lambda: not alive(pid) or executed(pid, wanted, argv), f"exec of {argv[0]}")
    return pid


def executed(pid, wanted, argv):
    """A script's executable is its interpreter: there the command line tells."""
    try:
        return os.readlink(f"/proc/{pid}/exe") == wanted or os.fsencode(argv[-1]) in read_proc(pid, "cmdline").split(b"\0")[1:]
    except OSError:
        return False


def end_all_of(directory, marker):
    """SIGKILL by pidfd to every process whose environment holds `marker`, or whose program lies in the directory (a script with a clean
    environment has started it), until two looks find none: one look misses a child whose parent ended meanwhile."""
    def none_left():
        return not end_each_of(directory, marker) and not end_each_of(directory, marker)
    until(none_left, "the end of all that the scenario started")


def belongs_to(pid, directory, marker):
    try:
        return marker in read_proc(pid, "environ") or os.readlink(f"/proc/{pid}/exe").startswith(directory + "/")
    except OSError:
        return False


def end_each_of(directory, marker):
    """Returns those that it has found; the second look is for a reused pid."""
    found = [pid for pid in pids() if belongs_to(pid, directory, marker) and pid != os.getpid() and alive(pid)]
    for pid in found:
        try:
            ref = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            if belongs_to(pid, directory, marker):
                signal.pidfd_send_signal(ref, signal.SIGKILL)
        except ProcessLookupError:
            pass
        finally:
            os.close(ref)
    return found


IPC_CREAT, IPC_EXCL, IPC_RMID = 0o1000, 0o2000, 0


def keys_in_use():
    used = set()
    for table in ("shm", "sem"):
        with open(f"/proc/sysvipc/{table}") as file:
            next(file)
            used.update(int(line.split()[0]) & 0xffffffff for line in file)
    return used


def as_key(key):
    return ctypes.c_int(key)


def make_segment(key, content):
    """A foreign segment; returns its id."""
    identity = libc.shmget(as_key(key), ctypes.c_size_t(4096), IPC_CREAT | IPC_EXCL | 0o600)
    if identity < 0:
        raise OSError(ctypes.get_errno(), "shmget")
    with_segment(identity, lambda address: ctypes.memmove(address, content, len(content)))
    return identity


def read_segment(identity, size):
    return with_segment(identity, lambda address: ctypes.string_at(address, size))


def with_segment(identity, work):
    libc.shmat.restype = ctypes.c_void_p
    address = libc.shmat(identity, None, 0)
    if address == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "shmat")
    try:
        return work(address)
    finally:
        libc.shmdt(ctypes.c_void_p(address))


def make_semaphore(key):
    identity = libc.semget(as_key(key), 1, IPC_CREAT | IPC_EXCL | 0o600)
    if identity < 0:
        raise OSError(ctypes.get_errno(), "semget")
    return identity


def segment_exists(key):
    return libc.shmget(as_key(key), ctypes.c_size_t(0), 0) >= 0


def semaphore_exists(key):
    return libc.semget(as_key(key), 0, 0) >= 0


def remove_segment(key):
    segment = libc.shmget(as_key(key), ctypes.c_size_t(0), 0)
    if segment >= 0:
        libc.shmctl(segment, IPC_RMID, None)


def remove_semaphore(key):
    semaphore = libc.semget(as_key(key), 0, 0)
    if semaphore >= 0:
        libc.semctl(semaphore, 0, IPC_RMID)


def with_pid(pid, argv, environment):
    """Starts a process that is nobody's child but init's, in its own session, with this pid, as soon as that is free."""
    middle = os.fork()
    if middle == 0:
        try:
            born = clone_with_pid(pid)
            if born == 0:
                os.setsid()
                null = os.open("/dev/null", os.O_RDWR)
                for number in (0, 1, 2):
                    os.dup2(null, number)
                os.execve(argv[0], argv, environment)
        except OSError as error:
            os._exit(error.errno)
        finally:
            os._exit(0)
    error = os.waitstatus_to_exitcode(os.waitpid(middle, 0)[1])
    if error:
        raise OSError(error, os.strerror(error))
    until(lambda: executed(pid, os.path.realpath(argv[0]), argv), f"exec of {argv[0]} as {pid}")


def clone_with_pid(pid, bound=BOUND):
    """fork(2) with clone3's set_tid. By PyDLL: the child holds the interpreter's lock, as we do."""
    set_tid = (ctypes.c_int * 1)(pid)
    arguments = (ctypes.c_uint64 * 10)(0, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, ctypes.addressof(set_tid), 1)
    call = ctypes.PyDLL(None, use_errno=True).syscall
    deadline = time.monotonic() + bound
    while (born := call(435, arguments, ctypes.sizeof(arguments))) < 0:
        if ctypes.get_errno() != errno.EEXIST or time.monotonic() > deadline:
            raise OSError(ctypes.get_errno(), "clone3")
    return born
