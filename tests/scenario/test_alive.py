# SPDX-License-Identifier: Apache-2.0
"""Processes that run but do not do their work: health checks, heartbeats, hung, and how they are stopped (spec/pfile.md, Alive)."""
import os
import re
import signal
import socket
import subprocess

from harness import attempt, check, down, pent_line, same, scenario, up
from kernel import alive, kill, running, until, wait_end

NOBODY = 65534
SAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../samples/checks/heartbeat.py")


def entry(world, *options, name="alpha", script=None, retries=3):
    return ":".join([pent_line(name, script or world.restarter(name), retries=retries), *options])


def stalled(pid, why, name="alpha"):
    return f"Stalled ({name} ,pid={pid}): {why}"


def start(world, *options, daemon=(), **param):
    """alpha with these options, watched by a pcheck; returns its pid. It obeys the FIFO `orders`."""
    pid = world.daemon("alpha", "--fifo", world.path("orders"), *daemon)
    world.pfile(entry(world, *options), **param)
    world.start_pcheck()
    world.log.wait(up("alpha", pid))
    return pid


def is_stopped_and_restarted(world, pid, why):
    """Told as stalled, ended without a word of it, then restarted; returns the new pid."""
    place = world.log.wait(stalled(pid, why)).index
    wait_end(pid, "the stalled process")
    new = world.up_pid("alpha", place)
    lines = [text for text in world.log.texts(place) if "alpha" in text]
    same(lines[:3], [stalled(pid, why), attempt("alpha"), up("alpha", new)], "pcheck's lines")
    check(world.runs("alpha")[-1].startswith(f"{pid} stall"), f"PCHECK_OLD_PID, PCHECK_REASON: {world.runs('alpha')}")
    return new


def send(path, text, user=0):
    """From a process of this user that is nobody's child but ours; returns its pid."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
                out.sendto(text.encode(), path)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    return child


def beats(world):
    return len(world.read("count"))


@scenario
def a_process_whose_check_fails_is_stopped_and_restarted(world):
    facts = "$PCHECK_PNAME $PCHECK_OLD_PID reason=$PCHECK_REASON $PCHECK_NOTIFY"
    sick = world.path("sick")
    health = world.script("health.sh", f"echo {facts} >> {world.path('health.runs')}\n[ ! -e {sick} ]")
    pid = world.daemon("alpha")
    mend = world.script("mend.sh", f"rm {sick}\nexec {world.restarter('alpha')}")
    world.pfile(entry(world, f"check={health}", "check_interval=1", "check_failures=2", script=mend))
    world.start_pcheck()
    world.log.wait(up("alpha", pid))
    until(lambda: len(world.runs("health")) >= 2, "two checks")
    same(world.runs("health")[0], f"alpha {pid} reason= {world.notify_path()}", "what a check is told")
    check(alive(pid), "a healthy process was ended")
    world.write("sick", "")
    new = is_stopped_and_restarted(world, pid, "2 health checks failed")
    count = len(world.runs("health"))
    until(lambda: len(world.runs("health")) >= count + 2, "checks of the new process")
    world.becomes("alpha", proc_sts="AVAIL", pid=new, restart_count=1)


@scenario
def a_check_that_cannot_be_run_is_told_and_leaves_the_process_alone(world):
    script = world.script("check.sh", "exit 0")
    alpha = world.daemon("alpha")
    world.pfile(f"{pent_line('alpha', world.restarter('alpha'))}:check={script}:check_interval=1:check_failures=1")
    world.start_pcheck()
    world.becomes("alpha", proc_sts="AVAIL", health="good")
    os.chmod(script, 0o777)
    world.log.wait(f"Health check refused (alpha): {script} is writable by others")
    until(lambda: world.pent("alpha")["health"].startswith("the check could not be run ("), "what show tells")
    os.chmod(script, 0o755)
    world.becomes("alpha", proc_sts="AVAIL", pid=alpha, health="good")


@scenario
def a_check_that_hangs_is_ended_counts_as_bad_and_never_piles_up(world):
    os.mkfifo(world.path("never"))
    hang = world.script("hang.sh", f"echo $$ >> {world.path('hang.runs')}\nread line < {world.path('never')}")
    pid = start(world, f"check={hang}", "check_interval=1", "check_timeout=1", "check_failures=2")
    is_stopped_and_restarted(world, pid, "2 health checks failed")
    pids = [int(run) for run in world.runs("hang")]
    check(len([one for one in pids if alive(one)]) <= 1, f"checks that live: {[one for one in pids if alive(one)]} of {pids}")


@scenario
def a_check_neither_counts_as_the_process_nor_hides_its_death(world):
    os.mkfifo(world.path("never"))
    twin = f"{world.program('alpha')} --foreground --fifo {world.path('twin')}"
    look = world.script("look.sh", f"{twin} &\nread line < {world.path('never')}")
    pid = start(world, f"check={look}", "check_interval=1", "check_timeout=60")
    until(lambda: len(running(world.path("alpha"))) == 2, "the twin that the check has started")
    place = world.log.place()
    kill(pid)
    world.log.wait(attempt("alpha"), place)
    new = world.up_pid("alpha", place)
    same(world.log.texts(place)[:4], [*down("alpha", pid), attempt("alpha"), up("alpha", new)], "pcheck's lines")


@scenario
def a_heartbeat_by_file_keeps_a_process_and_its_absence_stops_it(world):
    path = world.path("beat")
    pid = start(world, f"heartbeat=2,{path}", "stop=TERM/20")
    world.tell("orders", f"beat {path} {world.path('count')}")
    until(lambda: beats(world) >= 45, "heartbeats of more than four seconds")
    same([text for text in world.log.texts() if text.startswith("Stalled")], [], "lines about a process that beats")
    world.tell("orders", "mute")
    is_stopped_and_restarted(world, pid, "no heartbeat for 2s")


@scenario
def a_heartbeat_by_message_keeps_a_process_and_its_absence_stops_it(world):
    pid = start(world, "heartbeat=2")
    world.tell("orders", f"beat {world.notify_path()} {world.path('count')}")
    until(lambda: beats(world) >= 45, "heartbeats of more than four seconds")
    same([text for text in world.log.texts() if text.startswith("Stalled")], [], "lines about a process that beats")
    world.tell("orders", "mute")
    is_stopped_and_restarted(world, pid, "no heartbeat for 2s")


@scenario
def forged_heartbeats_keep_nothing_and_are_told_once(world):
    pid = start(world, "heartbeat=2")
    path = world.notify_path()
    same(oct(os.stat(path).st_mode & 0o7777), "0o622", "the socket's mode")
    forger = send(path, "WATCHDOG=1", NOBODY)

    def forge():
        send(path, "WATCHDOG=1", NOBODY)
        send(path, "WATCHDOG=1\nBANKEN_ENTRY=alpha", NOBODY)
        send(path, "WATCHDOG=1")        # root's, but neither the process nor does it name the entry
        return any(text.startswith("Stalled") for text in world.log.texts())
    until(forge, "the stall")
    is_stopped_and_restarted(world, pid, "no heartbeat for 2s")
    told = [text for text in world.log.texts() if "ignored" in text]
    same(told, [f"1 heartbeat ignored, the last from pid {forger} of uid {NOBODY}"], "lines about forged heartbeats")


@scenario
def root_beats_for_an_entry_that_it_names(world):
    pid = start(world, "heartbeat=2")
    beta = world.daemon("beta")
    world.pfile(entry(world, "heartbeat=2"), entry(world, "heartbeat=2", name="beta"))
    world.order("reload")
    world.log.wait(up("beta", beta))

    def beat():
        subprocess.run([SAMPLE, "alpha"], env={**os.environ, "PCHECK_NOTIFY": world.notify_path()}, check=True)
        return any(text.startswith(stalled(beta, "no", "beta")) for text in world.log.texts())
    until(beat, "the stall of the other entry")
    check(alive(pid), "the entry that was named was stopped")
    same([text for text in world.log.texts() if text.startswith("Stalled (alpha")], [], "lines about the entry that was named")


@scenario
def what_is_in_the_sockets_place_stays_and_refuses_only_who_needs_it(world):
    os.makedirs("/run/banken", mode=0o755, exist_ok=True)
    with open(world.notify_path(), "w") as file:
        file.write("precious")
    pid = world.daemon("alpha")
    world.pfile(entry(world, "heartbeat=60"))
    world.start_pcheck(wait=False)
    world.pcheck_ends(71)
    says = f"{world.notify_path()}: is there already, and no socket of ours"
    check(says in world.read("pcheck.out"), world.read("pcheck.out"))

    world.pfile(entry(world))
    world.start_pcheck()
    world.log.wait(up("alpha", pid))
    world.pfile(entry(world, "heartbeat=60"))
    check(says in world.refused(78, "reload"), world.last_answer)
    with open(world.notify_path()) as file:
        same(file.read(), "precious", "the file")
    os.unlink(world.notify_path())
    world.order("reload")
    check(os.path.exists(world.notify_path()), "there is no socket")
    world.shut_down()
    check(not os.path.exists(world.notify_path()), "the socket was left behind")


@scenario
def a_stopped_process_is_hung_and_its_stop_signal_reaches_it(world):
    pid = start(world, "hung=1", "stop=TERM/20")
    kill(pid, signal.SIGSTOP)
    is_stopped_and_restarted(world, pid, "in state T for 1s")


@scenario
def a_process_that_ignores_its_stop_is_killed_after_its_seconds(world):
    pid = start(world, "hung=1", "stop=TERM/1", daemon=["--ignore-term"])
    kill(pid, signal.SIGSTOP)
    is_stopped_and_restarted(world, pid, "in state T for 1s")


@scenario
def a_stop_without_seconds_never_kills_and_says_so(world):
    pid = start(world, "hung=1", "stop=TERM/0", daemon=["--ignore-term"], REMIND_INTERVAL=1)
    kill(pid, signal.SIGSTOP)
    world.log.wait(stalled(pid, "in state T for 1s"))
    world.log.wait(re.compile(r"^Reminder: \(alpha\) not ended since "))
    world.becomes("alpha", proc_sts="STALL", pid=pid)
    check(alive(pid), "it was killed")
    place = world.log.place()
    kill(pid)
    new = world.up_pid("alpha", place)
    world.becomes("alpha", proc_sts="AVAIL", pid=new)


@scenario
def a_stop_script_stops_a_process_before_its_restart(world):
    facts = "$PCHECK_OLD_PID $PCHECK_REASON"
    stop = world.script("stop.sh", f"echo {facts} >> {world.path('stop.runs')}\nkill -KILL $PCHECK_OLD_PID")
    pid = start(world, f"stop={stop}/20")
    place = world.log.place()
    world.order("restart", "alpha")
    new = world.up_pid("alpha", place)
    same(world.runs("stop"), [f"{pid} operator"], "the stop script's runs")
    check(world.runs("alpha")[-1].startswith(f"{pid} operator"), f"the restart script's runs: {world.runs('alpha')}")
    check(new != pid and not alive(pid), "it was not stopped")


@scenario
def a_stop_script_that_fails_leaves_the_end_to_signals(world):
    stop = world.script("stop.sh", "exit 3")
    pid = start(world, f"stop={stop}/20")
    place = world.log.place()
    world.order("restart", "alpha")
    check(world.up_pid("alpha", place) != pid, "it was not stopped")
    check(not alive(pid), "two of them run")


@scenario
def a_process_whose_first_thread_has_left_is_alive(world):
    pid = world.daemon("alpha", "--fifo", world.path("orders"))
    beta = world.daemon("beta")
    world.pfile(entry(world, "hung=1"), entry(world, name="beta", retries=9), DETECT="poll")
    world.start_pcheck()
    world.log.wait(up("alpha", pid))
    world.log.wait(up("beta", beta))
    world.tell("orders", "leave")
    until(lambda: re.search(rb"\) Z ", open(f"/proc/{pid}/stat", "rb").read()), "the first thread's end")
    for _ in range(3):      # each loss of beta is found by a sweep, which has looked at alpha too
        place = world.log.place()
        kill(world.pid_of("beta"))
        world.up("beta", place)
    same([text for text in world.log.texts() if "alpha" in text], [up("alpha", pid)], "lines about alpha")
    place = world.log.place()
    world.tell("orders", "exit 3")
    world.log.wait(down("alpha", pid)[0], place)
    world.up("alpha", place)
