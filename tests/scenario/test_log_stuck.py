# SPDX-License-Identifier: Apache-2.0
"""Logging never stops monitoring (spec/messages.md)."""
import os
import re
import statistics
import time

from harness import attempt, check, down, pent_line, same, scenario
from kernel import alive, kill, until
from logs import SocketLog, pour

ROUNDS = 5
FARM = 400      # entries whose scripts fail at once: what fills the queue


def time_restarts(world, names):
    """Seconds from kill to the new process, which is looked for in /proc: the log may be stuck."""
    taken = []
    for name in names:
        old = world.pid_of(name)
        begun = time.monotonic()
        kill(old)
        world.replaced(name, old)
        taken.append(time.monotonic() - begun)
    return statistics.median(taken)


@scenario(rsyslogd=True)
def with_rsyslogd_stopped_restarts_go_on_and_lost_lines_are_counted_and_told(world):
    before, during = ([f"{kind}{number}" for number in range(ROUNDS)] for kind in ("before", "during"))
    for name in before + during:
        world.daemon(name)
    entries = [pent_line(name, world.restarter(name)) for name in before + during]
    with open(world.conf, "a") as conf:
        conf.write("burst = 0\n")
    world.pfile(*entries)
    world.start_pcheck()
    world.log.wait_for_count(re.compile(r" Up$"), 2 * ROUNDS)
    quick = time_restarts(world, before)

    world.log.stop()
    check(pour(world.log.path, 20000) > 19000, "rsyslogd's socket is not full")
    stuck = time_restarts(world, during)
    check(stuck < 3 * quick + 0.1, f"a restart took {stuck * 1000:.1f} ms with a stuck log, {quick * 1000:.1f} ms before")

    fail = world.script("fail.sh", "exit 1")
    world.pfile(*entries, *(pent_line(f"farm{number}", fail, grace=86400, retries="unlimited") for number in range(FARM)))
    padmin_conf = world.conf
    # padmin's own lines shall not wait
    world.conf = world.write("elsewhere.conf", f"[log]\ntarget = syslog\nsocket = {world.path('nowhere')}\n")
    world.order("reload")
    attempts = until(lambda: attempted(world) * 2 > 20000 and attempted(world), "20 000 lines of failed restarts", bound=240)
    same([world.pent(name)["proc_sts"] for name in during], ["AVAIL"] * ROUNDS, "the entries restarted meanwhile")
    world.conf = padmin_conf
    world.log.go_on()
    lost = world.log.wait(re.compile(r"^Log queue full, \d+ lines lost$"))
    same(lost.priority, "warning", "the priority of the line that counts")
    check(int(lost.text.split()[3]) > 20000 - 8192 - 2000, f"too few lines are told as lost after {attempts} attempts: {lost.text}")
    for name in during:     # Down and Up are dropped last: none is lost
        world.log.wait(re.compile(rf"^Process \[{name}, pid=\d+\] Down$"))
        world.up(name, world.log.find(re.compile(rf"^Process \[{name}, pid=\d+\] Down$")).index)


def attempted(world):
    return sum(int(entry["restart_count"]) for entry in world.pents() if entry["pname"].startswith("farm"))


@scenario
def with_a_full_log_socket_restarts_go_on_and_no_line_is_lost(world):
    names = [f"daemon{number}" for number in range(20)]
    pids = {name: world.daemon(name) for name in names}
    world.pfile(*(pent_line(name, world.restarter(name)) for name in names))
    world.start_pcheck()
    world.log.wait_for_count(re.compile(r" Up$"), len(names))
    place = world.log.place()
    world.log.stop_reading()
    pour(world.log.path, 1000)
    new = {}
    for name in names:
        kill(pids[name])
        new[name] = world.replaced(name, pids[name])
    world.log.go_on_reading()
    for name in names:
        last = world.log.wait(f"({name} ,pid={new[name]}) Up", place)
        lines = [text for text in world.log.texts(place) if re.search(rf"[\[(]{name}[ ,)]", text)]
        same(lines, [*down(name, pids[name]), attempt(name), last.text], f"the lines about {name}")


@scenario
def without_a_log_socket_pcheck_starts_and_restarts_and_its_lines_arrive_when_there_is_one(world):
    alpha, beta = world.daemon("alpha"), world.daemon("beta")
    missing = world.path("later.socket")
    world.conf = world.write("later.conf", f"[log]\ntarget = syslog\nsocket = {missing}\n")
    world.pfile(pent_line("alpha", world.restarter("alpha")), pent_line("beta", world.restarter("beta")))
    world.start_pcheck(wait=False)
    until(lambda: world.ask("show", "pent", "beta", "-q").code == 0, "pcheck without a log")
    kill(alpha)
    new = world.replaced("alpha", alpha)
    world.becomes("alpha", proc_sts="AVAIL", pid=new)
    late = SocketLog(missing)
    try:
        kill(beta)
        late.wait(re.compile(rf"^Process \[beta, pid={beta}\] Down$"))
        texts = late.texts()
        for text in (f"(alpha ,pid={alpha}) Up", f"Process [alpha, pid={alpha}] Down", "Try to restart (alpha)", f"(alpha ,pid={new}) Up"):
            check(text in texts, f"lost: {text}\n" + "\n".join(texts))
    finally:
        world.order("shutdown")
        late.close()


@scenario
def a_log_socket_that_is_made_anew_is_found_again(world):
    alpha = world.daemon("alpha")
    path = world.path("other.socket")
    first = SocketLog(path)
    world.conf = world.write("other.conf", f"[log]\ntarget = syslog\nsocket = {path}\n")
    world.pfile(pent_line("alpha", world.restarter("alpha")))
    world.start_pcheck(wait=False)
    first.wait(f"(alpha ,pid={alpha}) Up")
    first.close()
    os.unlink(path)
    second = SocketLog(path)        # as a restarted log daemon does
    try:
        kill(alpha)
        second.wait(f"Process [alpha, pid={alpha}] Down")
        new = second.wait(re.compile(r"^\(alpha ,pid=\d+\) Up$"))
        check(alive(int(re.search(r"pid=(\d+)", new.text)[1])), "the new process")
    finally:
        world.order("shutdown")
        second.close()
