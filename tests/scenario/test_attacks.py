# SPDX-License-Identifier: Apache-2.0
"""What a user without any right may try against a pcheck of root. SECURITY.md has the table of these; every attack is made as nobody."""
import ctypes
import os
import re
import socket
import subprocess

import sandbox
from harness import Skip, attempt, check, down, parsed, pent_line, same, scenario, up
from kernel import Failure, IPC_CREAT, IPC_EXCL, alive, as_key, kill, libc, make_segment, make_semaphore, read_segment, \
    segment_exists, semaphore_exists, start_of, until
from nobody import NOBODY, as_nobody, copy_for_nobody, directory_of_nobodys, intruder, python, run_as_nobody

SHM_RDONLY = 0o10000


def watch(world, *options, name="alpha", **param):
    """This entry, whose process is root's and runs; its pid."""
    pid = world.daemon(name)
    world.pfile(":".join([pent_line(name, world.restarter(name)), *options]), **param)
    world.start_pcheck()
    world.log.wait(up(name, pid))
    return pid


def is_restarted(world, pid, intruders=(), name="alpha"):
    """The loss is told and mended by the script; none of these took its place, or was touched. Returns the new pid."""
    place = world.log.place()
    if alive(pid):
        kill(pid)
    world.log.wait(down(name, pid)[0], place)
    world.log.wait(attempt(name), place)
    new = world.up_pid(name, place)
    check(new not in (pid, *intruders), f"{new} stood in for {pid}")
    for other in intruders:
        check(alive(other), f"{other} was ended")
    return new


# ---- processes that are not what they seem ----

RENAMED = "import ctypes, signal\nctypes.CDLL(None).prctl(15, b'alpha')\nsignal.pause()\n"


@scenario
def a_process_of_nobodys_by_that_name_takes_the_place_of_none_of_roots(world):
    alpha = watch(world)
    program = world.path("alpha")
    intruders = [intruder(world, ["alpha", "--foreground"], program),      # the same program
                 intruder(world, [program, "1000"], "/bin/sleep"),         # its argv[0], as setproctitle writes it
                 intruder(world, ["-alpha", "1000"], "/bin/sleep"),
                 intruder(world, python(RENAMED))]                         # its comm
    is_restarted(world, alpha, [one.pid for one in intruders])


@scenario
def a_command_line_that_says_what_an_entry_asks_for_is_not_believed_of_another_user(world):
    title = "/opt/server --port 80"
    server = world.daemon("server", argv0=title)
    restart = world.script("restart.sh", f"{world.path('server')} --argv0 '{title}' > /dev/null\nexit 0")
    world.pfile(pent_line("server", restart) + r":match=label:args=^/opt/server --port 80( |$):user=root")
    impostor = intruder(world, [title, "1000"], "/bin/sleep")
    world.start_pcheck()
    world.log.wait(up("server", server))
    is_restarted(world, server, [impostor.pid], "server")


@scenario
def a_command_line_of_a_mebibyte_and_more_holds_up_nobody(world):
    filler = ["x" * 100000] * 15
    alpha = watch(world, r"args=alpha( |$)")
    hoarders = [intruder(world, [*python("import signal; signal.pause()"), *filler, world.path("alpha")]) for _ in range(3)]
    is_restarted(world, alpha, [one.pid for one in hoarders])
    longest = max(len(line) for line in world.order("match", "alpha").splitlines())
    check(longest < 400, f"a line of {longest} bytes for the terminal")


def blocking_processes(world, count):
    """Processes of nobody's whose command lines nobody can read: whoever tries waits. A process whose mmap lock is held, say by a file system
    of its own making, can do that; here a FIFO lies over the file."""
    if os.environ.get(sandbox.STAGE) != "entered":
        raise Skip("no mounts of our own here")
    fifo = world.path("never")
    if not os.path.exists(fifo):
        os.mkfifo(fifo)
    processes = [intruder(world, ["blocking", "1000"], "/bin/sleep") for _ in range(count)]
    for one in processes:
        if subprocess.run(["mount", "--bind", fifo, f"/proc/{one.pid}/cmdline"], capture_output=True, check=False).returncode:
            raise Skip("nothing can be mounted below /proc here")
    return processes


@scenario
def command_lines_that_block_their_readers_hold_up_neither_losses_nor_orders(world):
    processes = blocking_processes(world, 3)
    alpha = watch(world)
    alpha = is_restarted(world, alpha)
    processes += blocking_processes(world, 3)   # more than there are helpers
    is_restarted(world, alpha)
    world.order("stop", "alpha")
    same(world.pent("alpha")["monitor_sts"], "off", "monitor_sts after the order")
    check(all(alive(one.pid) for one in processes), "one was ended")


@scenario
def command_lines_that_block_their_readers_hold_up_no_look_of_padmins(world):
    alpha = watch(world)
    blocking_processes(world, 3)
    text = world.order("match", "alpha")
    check(f"{alpha:<8} {world.path('alpha')}" in text, f"alpha is missing: {text}")
    check("3 command lines could not be read in time and are judged as empty" in text, f"nothing is said of them: {text}")


@scenario
def a_flood_of_short_processes_hides_no_loss(world):
    storm = intruder(world, ["/bin/sh", "-c", "while :; do (exec -a alpha /bin/true) & /bin/true & wait; done"], "/bin/bash")
    alpha = watch(world)
    for _ in range(3):
        alpha = is_restarted(world, alpha, [storm.pid])


def with_pid(world, pid):
    """The watched program, run by nobody, with this pid: as one gets it who forks until the pids have come round."""
    for _ in range(50):
        try:
            with open("/proc/sys/kernel/ns_last_pid", "w", encoding="ascii") as last:
                last.write(str(pid - 1))
        except OSError as error:
            raise Skip(f"ns_last_pid cannot be set: {error}") from error
        one = intruder(world, ["alpha", "--foreground"], world.path("alpha"))
        if one.pid == pid:
            return one
        one.kill()
        one.wait()
    raise Failure(f"pid {pid} cannot be had")


def pid_is_reused(world, alpha):
    kill(alpha)
    until(lambda: not os.path.exists(f"/proc/{alpha}"), f"the reap of {alpha}")
    return with_pid(world, alpha)


@scenario
def a_process_that_gets_the_pid_of_a_dead_one_is_neither_followed_nor_signalled(world):
    alpha = watch(world)
    kill(world.pcheck.pid, 19)      # STOP: the pid is used again before pcheck looks
    impostor = pid_is_reused(world, alpha)
    place = world.log.place()
    kill(world.pcheck.pid, 18)
    world.log.wait(down("alpha", alpha)[0], place)
    new = world.up_pid("alpha", place)
    check(new != alpha, "the impostor is followed")
    world.order("restart", "alpha")
    check(world.up_pid("alpha", world.log.wait(attempt("alpha"), world.log.find(up("alpha", new)).index).index) != alpha, "followed")
    check(alive(impostor.pid), "the impostor was ended")


@scenario
def a_pid_that_was_reused_while_pcheck_was_dead_is_not_taken_over(world):
    alpha = watch(world)
    kill(world.pcheck.pid)
    world.pcheck.wait()
    impostor = pid_is_reused(world, alpha)
    place = world.log.place()
    world.start_pcheck()
    world.log.wait(re.compile(rf"^Process \[alpha, pid={alpha}\] Down"), place)
    check(world.up_pid("alpha", place) != alpha, "the impostor is followed")
    check(alive(impostor.pid), "the impostor was ended")


# ---- files ----

SWAPPING = """
import os, sys
good, evil, link = sys.argv[1:4]
while True:
    for target in (good, evil):
        try:
            os.symlink(target, link + ".new")
            os.rename(link + ".new", link)
        except OSError:
            pass
"""


@scenario
def a_script_behind_a_link_that_nobody_swaps_is_never_run(world):
    theirs = directory_of_nobodys(world)
    marker, link = os.path.join(theirs, "ran"), os.path.join(theirs, "link")
    evil = world.script("theirs/evil.sh", f"id -u >> {marker}")
    os.chown(evil, NOBODY, NOBODY)
    world.daemon("beta")
    good = world.restarter("alpha")
    os.symlink(good, link)
    os.lchown(link, NOBODY, NOBODY)
    intruder(world, python(SWAPPING, good, evil, link))
    pid = world.daemon("alpha")
    world.pfile(pent_line("alpha", link, retries=20) + ":delay=0")
    world.start_pcheck()
    world.log.wait(up("alpha", pid))
    kill(pid)
    world.log.wait("(alpha) RETRY_OVER:CONTINUE")
    refused = [text for text in world.log.texts() if text.startswith("Restart script refused (alpha)")]
    check(len(refused) >= 20, f"{len(refused)} refusals of 20 attempts")
    same((os.path.exists(marker), world.runs("alpha")), (False, []), "whether his script ran, and runs of the good one")


@scenario
def a_script_in_a_sticky_directory_cannot_be_replaced(world):
    os.mkdir(world.path("tmp"))
    os.chmod(world.path("tmp"), 0o1777)
    alpha = world.daemon("alpha")
    script = world.script("tmp/restart.sh", f"echo good >> {world.path('alpha.runs')}\n{world.program('alpha')} > /dev/null")
    world.pfile(pent_line("alpha", script))
    world.start_pcheck()
    world.log.wait(up("alpha", alpha))
    for attack in (lambda: os.unlink(script), lambda: os.rename(script, script + ".old"), lambda: os.chmod(script, 0o777),
                   lambda: open(script, "a", encoding="ascii").close(),
                   lambda: os.rename(os.path.dirname(script), world.path("elsewhere"))):
        told = as_nobody(attack)
        check(told.startswith("PermissionError"), f"nobody was told: {told}")
    is_restarted(world, alpha)
    same(world.runs("alpha"), ["good"], "the script's runs")


@scenario
def a_link_at_the_dump_file_is_replaced_and_what_it_points_at_stays(world):
    theirs = directory_of_nobodys(world)
    victim = world.write("victim", "precious\n")
    dump = os.path.join(theirs, "dump")
    same(as_nobody(lambda: os.symlink(victim, dump)), "None", "nobody's link")
    watch(world, SHM_DUMP_FILE=dump)
    world.order("dump")
    check(not os.path.islink(dump), "the link is still there")
    same(parsed(world.padmin("--dump", dump, "-c", "show", "pent", "--json").out)["pent"][0]["pname"], "alpha", "the entry in the dump")
    same(world.read("victim"), "precious\n", "the file behind the link")


@scenario
def hostile_pidfiles_name_nobody_and_hold_up_nobody(world):
    theirs = directory_of_nobodys(world)
    pidfile = os.path.join(theirs, "alpha.pid")
    secret = world.write("secret", f"{os.getpid()}\n", 0o600)
    foreign = world.daemon("foreign")
    world.daemon("alpha")
    beta = world.daemon("beta")

    def huge():
        with open(pidfile, "w", encoding="utf-8") as file:
            file.write(f"{foreign}\n")
            file.truncate(1 << 40)
    attacks = [lambda: os.mkfifo(pidfile), lambda: os.symlink("/dev/zero", pidfile), lambda: os.symlink(secret, pidfile), huge,
               lambda: os.symlink("alpha.pid", pidfile), lambda: os.mkdir(pidfile),
               lambda: print(f"{foreign}\n", file=open(pidfile, "w", encoding="utf-8"))]
    twins = [world.daemon("witness"), world.daemon("witness")]

    def is_judged():
        """All pidfiles are read in the order of the entries: once two changes behind the attack were seen, the attack was too."""
        for twin in twins:
            world.write("witness.pid", f"{twin}\n")
            world.becomes("witness", pid=twin)
    world.write("witness.pid", f"{twins[1]}\n")
    world.pfile(f"{pent_line('alpha')}:pidfile={pidfile}", pent_line("beta", world.restarter("beta"), retries=100) + ":delay=0",
                f"{pent_line('witness')}:pidfile={world.path('witness.pid')}", MONITOR_INTERVAL=1)
    world.start_pcheck()
    world.log.wait(up("beta", beta))
    world.log.wait(up("witness", twins[1]))
    for attack in attacks:
        same(as_nobody(attack), "None", "nobody's attack")
        is_judged()
        beta = is_restarted(world, beta, [foreign], "beta")
        same(world.pent("alpha")["pid"], "-----", "the process of alpha")
        as_nobody(lambda: os.rmdir(pidfile) if os.path.isdir(pidfile) and not os.path.islink(pidfile) else os.unlink(pidfile))


# ---- the shared segment ----

def flip_owner(world, header_pid, header_start):
    """The dump of a pcheck, changed to name this process as its owner."""
    with open(world.dump, "rb") as file:
        words = memoryview(bytearray(file.read())).cast("Q")
    record = words[8]       # the table of the header, and in it the sequence, then the first copy
    check(words[record + 2] == world.pcheck.pid, "the dump names another owner")
    words[record + 2], words[record + 3] = header_pid, header_start
    return words.tobytes()


def forge(key, content):
    """A segment of nobody's with this content, and a semaphore that says its owner lives."""
    segment = libc.shmget(as_key(key), ctypes.c_size_t(len(content) + 4096), IPC_CREAT | IPC_EXCL | 0o644)
    libc.shmat.restype = ctypes.c_void_p
    ctypes.memmove(libc.shmat(segment, None, 0), content, len(content))
    semaphore = libc.semget(as_key(key), 2, IPC_CREAT | IPC_EXCL | 0o644)
    return [libc.semctl(semaphore, number, 16, ctypes.c_int(value)) for number, value in ((0, 1), (1, 0x4b42))]     # SETVAL


@scenario
def a_segment_at_our_key_that_is_nobodys_is_left_alone_and_told(world):
    content = b"BANKEN01" + bytes(range(200))
    world.pfile(pent_line("alpha"))
    as_nobody(lambda: make_segment(world.key, content))
    identity = libc.shmget(as_key(world.key), ctypes.c_size_t(0), 0)
    answer = world.run_pcheck("-f", world.pfile_path)
    same(answer.code, 69, f"the exit status: {answer}")
    check(f"uid={NOBODY}" in answer.err or f"uid {NOBODY}" in answer.err, f"it is not told whose it is: {answer.err}")
    same(read_segment(identity, len(content)), content, "nobody's segment")
    same(world.ask("show", "pent").code, 69, "padmin's exit status")


@scenario
def a_semaphore_at_our_key_that_is_nobodys_is_left_alone_and_told(world):
    world.pfile(pent_line("alpha"))
    as_nobody(lambda: make_semaphore(world.key))
    answer = world.run_pcheck("-f", world.pfile_path)
    same(answer.code, 69, f"the exit status: {answer}")
    check(f"uid {NOBODY}" in answer.err, f"it is not told whose it is: {answer.err}")
    check(semaphore_exists(world.key) and not segment_exists(world.key), "the semaphore was touched, or a segment was left")


@scenario
def a_forged_segment_turns_padmin_of_root_against_nobody(world):
    victim = world.daemon("victim")
    watch(world)
    world.order("dump")
    forged = flip_owner(world, victim, start_of(victim))
    world.order("shutdown")
    world.pcheck_ends(0)
    os.chown(world.pfile_path, NOBODY, NOBODY)      # a pfile of his own, which the segment names
    same(as_nobody(lambda: forge(world.key, forged)), "[0, 0]", "nobody's forgery")
    for words in (("-k", f"0x{world.key:08x}"), ("-f", world.pfile_path)):
        answer = world.padmin(*words, "-c", "shutdown")
        same(answer.code, 69, f"padmin's exit status: {answer}")
        check(f"the segment was made by uid {NOBODY}" in answer.err, answer.err)
    check(alive(victim), "the victim was signalled")


@scenario
def the_group_that_may_read_the_segment_can_neither_write_it_nor_give_orders(world):
    watch(world, STATE_GROUP="nogroup")
    padmin = copy_for_nobody(world, "padmin/padmin")
    identity = libc.shmget(as_key(world.key), ctypes.c_size_t(0), 0)

    def attach(flags):
        libc.shmat.restype = ctypes.c_void_p
        return libc.shmat(identity, None, flags) != ctypes.c_void_p(-1).value or os.strerror(ctypes.get_errno())
    same(as_nobody(lambda: attach(SHM_RDONLY)), "True", "reading it")
    same(as_nobody(lambda: attach(0)), "Permission denied", "writing it")
    show, told = run_as_nobody(world, padmin, "--conf", world.conf, "-f", world.pfile_path, "-c", "show", "pent")
    check(show == 0 and "pname           = alpha" in told, f"exit {show}: {told}")
    orders_are_refused(world, padmin)


def orders_are_refused(world, padmin):
    for words in (("stop",), ("restart", "alpha"), ("shutdown",)):
        code, told = run_as_nobody(world, padmin, "--conf", world.conf, "-f", world.pfile_path, "-c", *words)
        same(code, 77, f"padmin -c {words[0]} as nobody: {told}")
    same(world.pent("alpha")["monitor_sts"], "on", "monitor_sts")


@scenario
def another_user_may_neither_look_nor_give_orders_nor_wake_pcheck(world):
    watch(world)
    padmin = copy_for_nobody(world, "padmin/padmin")
    code, told = run_as_nobody(world, padmin, "--conf", world.conf, "-f", world.pfile_path, "-c", "show", "pent")
    same(code, 77, f"padmin -c show pent as nobody: {told}")
    check("not permitted to read IPCKEY 0x" in told, told)
    orders_are_refused(world, padmin)
    for number in (10, 15, 1, 9):
        check(as_nobody(lambda number=number: os.kill(world.pcheck.pid, number)).startswith("PermissionError"), f"signal {number} came")


# ---- words that nobody should believe, or see as they are ----

def flood(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.setblocking(False)
        sent = 0
        for _ in range(20000):
            try:
                out.sendto(b"WATCHDOG=1\nBANKEN_ENTRY=alpha", path)
                sent += 1
            except BlockingIOError:
                pass
    return sent


@scenario
def a_flood_of_forged_heartbeats_gives_no_life_and_holds_up_nobody(world):
    alpha = watch(world, "heartbeat=3600", "stop=KILL/60")
    told = as_nobody(lambda: flood(world.notify_path()))
    check(int(told) > 0, f"no datagram was sent: {told}")
    is_restarted(world, alpha)
    world.log.wait(re.compile(rf"^1 heartbeat ignored, the last from pid \d+ of uid {NOBODY}$"))
    same(len([text for text in world.log.texts() if "ignored" in text]), 1, "lines about the flood")


def look_around(world, name):
    """Lines of a script that keep what it was given: its descriptors, and its environment."""
    new = world.path(f"{name}.new")
    return f"ls /proc/$$/fd > {new}\nenv >> {new}\nmv {new} {world.path(name)}\n"


def was_given(world, name):
    """Descriptors but those above 9, where the shell keeps its own, and names of variables."""
    lines = world.read(name).splitlines()
    return [line for line in lines if line.isdigit() and int(line) < 10], [line.partition("=")[0] for line in lines if not line.isdigit()]


@scenario
def no_descriptor_and_no_variable_of_pchecks_own_reaches_a_script(world):
    secret = world.write("secret", "", 0o600)
    command = world.pcheck_command
    world.pcheck_command = lambda *words: ["/bin/sh", "-c", f"exec 3<{secret} 7>{secret} 9<{secret}; exec \"$@\"", "sh", *command(*words)]
    own = {"NOTIFY_SOCKET": "", "LISTEN_FDS": "1", "LISTEN_PID": "1", "LISTEN_FDNAMES": "x", "WATCHDOG_USEC": "", "WATCHDOG_PID": "1",
           "INVOCATION_ID": "x", "JOURNAL_STREAM": "8:9", "LD_BIND_NOW": "1"}
    alpha = world.daemon("alpha")
    restart = world.script("restart.sh", f"{look_around(world, 'restart')}{world.program('alpha')} > /dev/null")
    check_ = world.script("check.sh", look_around(world, "check"))
    world.pfile(f"{pent_line('alpha', restart)}:check={check_}:check_interval=1")
    world.start_pcheck(environment=own)
    world.log.wait(up("alpha", alpha))
    same(sum(os.path.realpath(f"/proc/{world.pcheck.pid}/fd/{number}") == secret for number in (3, 7, 9)), 3, "pcheck's own descriptors")
    until(lambda: world.read("check"), "the check")
    is_restarted(world, alpha)
    for name in ("restart", "check"):
        descriptors, variables = was_given(world, name)
        same(descriptors, ["0", "1", "2"], f"descriptors of the {name} script")
        check("PCHECK_PNAME" in variables, f"the {name} script was told nothing: {variables}")
        same([variable for variable in variables if variable in own], [], f"variables of the {name} script that are meant for pcheck")


HOSTILE = "evil\x1b[2J\x1b]0;title\x07\nProcess [alpha, pid=1] Down\x7f\u009b31m\r\x08"


def is_harmless(text):
    found = next((char for char in text if char != "\n" and (ord(char) < 32 or 127 <= ord(char) < 160)), None)
    check(found is None, f"a control character goes to the terminal: {found!r} in {text!r}")


@scenario
def a_pcheck_of_nobodys_own_cannot_steer_the_terminal_of_root(world):
    theirs = directory_of_nobodys(world)
    world.daemon("alpha")
    program = copy_for_nobody(world, "pcheck/pcheck")
    path = world.pfile(pent_line("alpha"), name="theirs/p\x1b[2J\u009b", SHM_DUMP_FILE=os.path.join(theirs, "dump"))
    other = world.write("theirs/other", world.read("theirs/p\x1b[2J\u009b"))
    for file in (path, other):
        os.chown(file, NOBODY, NOBODY)
    intruder(world, [program, "--conf", world.conf, "-f", path])
    world.log.wait(re.compile("^Start pcheck "))
    key = ["-k", f"0x{world.key:08x}", "-c"]
    for code, words in ((0, ["-l"]), (0, ["-l", "--json"]), (0, [*key, "show", "all"]), (0, [*key, "explain", "alpha"]), (0, [*key, "stop"]),
                        (69, ["-f", other, "-c", "show", "pent"])):
        answer = world.padmin(*words)
        same(answer.code, code, f"padmin {' '.join(words)}: {answer}")
        is_harmless(answer.out + answer.err)
    for line in world.log.lines():
        is_harmless(line.text)


@scenario
def control_characters_in_names_reach_neither_log_nor_terminal_nor_json(world):
    program = world.program(HOSTILE)
    pids = [intruder(world, [HOSTILE, "--foreground"], program).pid, intruder(world, [HOSTILE + "\udc80\udcff", "1000"], "/bin/sleep").pid]
    beta = world.daemon("beta")
    world.pfile(pent_line("label") + ":match=label:args=^evil", pent_line("beta", world.restarter("beta")),
                pent_line("near") + ":match=label:args=^evil:user=root")
    world.start_pcheck()
    world.log.wait(up("beta", beta))
    check(world.up_pid("label") in pids, "another process is followed")
    for words in (("show", "all"), ("show", "trace"), ("explain", "label"), ("match", "label"), ("match", "near")):
        is_harmless(world.order(*words))
        text = world.order(*words, "--json")
        is_harmless(text)
        parsed(text)
    is_restarted(world, beta, pids, "beta")
    for line in world.log.lines():
        is_harmless(line.text)
        check("\n" not in line.text, f"a forged line in the log: {line.text!r}")
    same([text for text in world.log.texts() if text.endswith("Down") and "beta" not in text], [], "losses that nobody had")
