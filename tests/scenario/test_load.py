# SPDX-License-Identifier: Apache-2.0
"""Many at once, and for long (spec/pcheck.md, Scale and cost)."""
import contextlib
import os
import random
import re
import signal
import statistics
import time

from harness import check, pent_line, same, scenario
from kernel import kill, pids, until

PATIENCE = 300.0    # seconds, for what a thousand of something take on a loaded machine


def many(world, count, *options, **param):
    """So many entries with a daemon each; their one script tells when it begins and ends. Returns name → pid."""
    names = [f"d{number:04}" for number in range(count)]
    daemon, log = world.program("daemon"), world.path("scripts")
    world.script("restart.sh", f'echo "+ $PCHECK_PNAME" >> {log}\n{world.directory}/$PCHECK_PNAME > /dev/null\necho "- $PCHECK_PNAME" >> {log}')
    for name in names:
        os.link(daemon, world.path(name))
    world.pfile(*[":".join([pent_line(name, world.path("restart.sh"), retries=10000), *options]) for name in names],
                "checked:-:3600:3:continue:check=" + world.script("check.sh", f"cat /proc/uptime >> {world.path('checks')}") + ":check_interval=1",
                **param)
    world.daemon("checked")
    return {name: world.daemon(name) for name in names}


def storm(world):
    """2000 processes a second that nobody watches."""
    pid = world.daemon("stormy", "--fifo", world.path("stormy.fifo"))
    world.tell("stormy.fifo", "storm 2000")
    return pid


def last_pid():
    with open("/proc/loadavg") as load:
        return int(load.read().split()[-1])


def available(world):
    """From the sums of the status: a thousand entries need not be printed."""
    shown = world.pents()
    return sum(entry["proc_sts"] == "AVAIL" for entry in shown)


def most_at_once(lines):
    running = most = 0
    for line in lines:
        running += 1 if line.startswith("+") else -1
        most = max(most, running)
    return most


def ups(world, place):
    return sum(line.endswith(" Up") for line in world.log.texts(place))


@scenario
def a_thousand_killed_at_once_are_each_restarted_once_in_a_fork_storm(world):
    parallel = 20
    pids = many(world, 1000, SCRIPT_PARALLEL=parallel, MONITOR_INTERVAL=10)
    world.start_pcheck()
    until(lambda: ups(world, 0) == len(pids) + 1, "all of them", PATIENCE)
    storming, first_pid = storm(world), last_pid()
    place = world.log.place()
    checks = len(world.read("checks").splitlines())
    for pid in pids.values():
        os.kill(pid, signal.SIGKILL)
    world.order("stop", "checked")
    answered = ups(world, place)
    world.order("start", "checked")
    until(lambda: len(world.read("checks").splitlines()) > checks, "a health check", PATIENCE)
    checked = ups(world, place)
    print(f"load: {answered} of {len(pids)} were up when an order was answered, {checked} when a health check had run", flush=True)
    check(answered < len(pids) / 10, "the order waited for restarts")
    check(checked < len(pids), "the health check came after the last restart")
    until(lambda: ups(world, place) >= len(pids), "all of them again", PATIENCE)
    kill(storming)
    check(last_pid() - first_pid > 5 * len(pids), "there was no storm")
    lines = until(lambda: world.read("scripts").count("-") == len(pids) and world.read("scripts").splitlines(), "the ends of the scripts", PATIENCE)
    same(sorted(line[2:] for line in lines if line.startswith("+")), sorted(pids), "who was restarted")
    check(1 < most_at_once(lines) <= parallel, f"{most_at_once(lines)} scripts at once")
    same({entry["restart_count"] for entry in world.pents() if entry["pname"] != "checked"}, {"1"}, "the counts")
    check(not any("Ambiguous" in line or "Set pid fail" in line for line in world.log.texts()), "a daemon ran twice, or was not found")


def rss_anon(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"RssAnon:\s+(\d+)", status.read())[1])


def disturb(world, names, turn):
    """Deaths all the time; orders, reloads and looks between them."""
    name = random.choice(names)
    entry = world.pents(name)[0]
    if entry["proc_sts"] == "AVAIL":
        with contextlib.suppress(ProcessLookupError):   # a restart by order may have ended it already
            kill(int(entry["pid"]))
    if turn % 5 == 0:
        world.order("stop", random.choice(names))
        world.order("start")
    if turn % 3 == 0:
        world.ask("restart", random.choice(names))
        world.order("show", "trace")
    if turn % 7 == 0:
        world.order("reload")
        world.order("clear", name)      # answered in a later turn: what the reload has needed has been given back


@scenario(apart=True)
def a_soak_leaves_no_memory_and_no_descriptor_behind(world):
    length = float(os.environ.get("BANKEN_SOAK", "300"))    # seconds, a sixth of them to warm up
    seed = random.randrange(1 << 30)
    random.seed(seed)
    print(f"soak: seed {seed}, {length:g} s", flush=True)
    pids = many(world, 1000, "delay=0")
    names = list(pids)
    pid = world.start_pcheck()
    begun, samples, turn = time.monotonic(), [], 0
    settled = lambda: available(world) == len(names) + 1     # noqa: E731
    until(settled, "all of them", PATIENCE)
    for victim in pids.values():    # what is remembered of a first loss, every entry remembers from here on
        os.kill(victim, signal.SIGKILL)
    until(lambda: ups(world, 0) >= 2 * len(names) + 1, "all of them again", PATIENCE)
    descriptors = None
    while time.monotonic() < begun + length:
        disturb(world, names, turn := turn + 1)
        if turn % 7 == 0:     # after a reload, which gives back what was needed once: comparable moments
            samples.append((time.monotonic() - begun, rss_anon(pid)))
        if descriptors is None and time.monotonic() > begun + length / 6:
            until(settled, "all of them", PATIENCE)
            descriptors = len(os.listdir(f"/proc/{pid}/fd"))
    until(settled, "all of them", PATIENCE)
    warm = [size for when, size in samples if when > length / 6]
    half = len(warm) // 2
    first, last = statistics.median(warm[:half]), statistics.median(warm[half:])
    print(f"soak: {turn} turns, {len(warm)} samples, RssAnon {first:.0f} to {last:.0f} KiB", flush=True)
    check(last < first * 1.01, f"RssAnon grew from {first:.0f} to {last:.0f} KiB")
    until(lambda: len(os.listdir(f"/proc/{pid}/fd")) <= descriptors, "the descriptors that were open before")


def crowd(world, count):
    """So many processes that nobody watches; returns how to end them."""
    pid = world.daemon("crowd", "--fifo", world.path("crowd.fifo"))
    before = len(pids())
    world.tell("crowd.fifo", f"crowd {count}")
    until(lambda: len(pids()) >= before + count, "the crowd", PATIENCE)
    return lambda: os.killpg(pid, signal.SIGKILL)


def medians(world, times):
    """In milliseconds: from a kill to its Down, from there to the Up; and for an order."""
    downs, ups_, orders = [], [], []
    for _ in range(times):
        place = world.log.place()
        pid = int(world.pent("alpha")["pid"])
        begun = time.monotonic()
        kill(pid)
        lost = world.log.wait(f"Process [alpha, pid={pid}] Down", place)
        back = world.log.wait(re.compile(r"^\(alpha ,pid=\d+\) Up$"), lost.index)
        ordered = time.monotonic()
        world.order("stop", "beta")
        orders.append(time.monotonic() - ordered)
        downs.append(lost.when - begun)
        ups_.append(back.when - lost.when)
    return [1000 * statistics.median(one) for one in (downs, ups_, orders)]


def watch_in_a_crowd(world, count, times):
    """Told, not judged: times are the machine's. An entry that lacks its process makes every sweep a whole one."""
    alpha, beta = world.daemon("alpha"), world.daemon("beta")
    world.pfile(pent_line("alpha", world.restarter("alpha"), retries="unlimited") + ":delay=0", pent_line("beta"), pent_line("lacking"))
    world.start_pcheck()
    for name, pid in (("alpha", alpha), ("beta", beta)):
        world.log.wait(f"({name} ,pid={pid}) Up")
    alone = medians(world, times)
    end = crowd(world, count)
    try:
        among = medians(world, times)
    finally:
        end()
    for what, before, after in zip(("Down after a crash", "Up after that", "an order"), alone, among):
        print(f"crowd: {what}: {before:.1f} ms alone, {after:.1f} ms among {count}, ratio {after / before:.1f}", flush=True)
    same(len(world.runs("alpha")), 2 * times, "runs of the script")
    check(not any("Set pid fail (alpha)" in line for line in world.log.texts()), "alpha was not found")


@scenario
def among_three_thousand_processes_crashes_are_acted_on_and_orders_answered(world):
    watch_in_a_crowd(world, 3000, 5)


@scenario(apart=True)
def among_thirty_thousand_processes_crashes_are_acted_on_and_orders_answered(world):
    watch_in_a_crowd(world, int(os.environ.get("BANKEN_CROWD", "30000")), 15)     # the host's pid_max is above that
