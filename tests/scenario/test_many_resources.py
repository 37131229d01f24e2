# SPDX-License-Identifier: Apache-2.0
"""Resources by the hundred, and many of them hung: the others, the entries and those who ask do not notice."""
import os
import re
import shutil
import statistics
import time

from harness import check, parsed, pent_line, same, scenario, up
from kernel import running, until
from test_load import PATIENCE, medians, rss_anon

COUNT, HUNG, INTERVAL, LOOKS = 500, 50, 10, 5


class Crowd:
    """Half of each kind, checked every 10 seconds, and one of ten by a check that hangs as soon as the FIFO is there."""
    def __init__(self, world):
        self.world = world
        self.program = world.path("action")
        shutil.copy(os.path.join(world.build, "tests/scenario/action"), self.program)
        self.gate = world.path("gate")
        lines = []
        for number in range(COUNT):
            kind, hangs = ("generic", "cmdline")[number % 2], number % 20 < 2
            lines.append(f"{'hung' if hangs else 'well'}{number:03}:{kind}:{self.definition(kind, hangs)}")
        self.lines = lines

    def definition(self, kind, hangs):
        path = self.world.path(f"{kind}{hangs}")
        if not os.path.exists(path):
            checks = f"{self.program} {self.gate}" if hangs else self.program
            keys = {"generic": {"restore": self.program, "remove": self.program, "quickCheck": checks, "quick_interval": INTERVAL},
                    "cmdline": {"start": self.program, "check": checks}}[kind]
            self.world.write(os.path.basename(path), f"[{kind}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items()))
        return path

    def shown(self):
        return parsed(self.world.order("show", "resource", "--json"))["resource"]

    def counts(self, name):
        return [one["check_count"] for one in self.shown() if one["tag"].startswith(name)]

    def all_in_service(self):
        return all(one["state"] in ("ISP", "Online") for one in self.shown())

    def hung(self):
        return len(running(self.program)) >= HUNG

    def release(self):
        os.close(os.open(self.gate, os.O_RDWR))
        os.unlink(self.gate)


def figures(world, what):
    """In milliseconds: from a kill to its Down and Up, an order, a look at all resources, and padmin's mere start, which tells what the machine
    can do now."""
    looks, starts = [], []
    down, back, order = medians(world, LOOKS)
    for _ in range(LOOKS):
        begun = time.monotonic()
        world.order("show", "resource")
        looked = time.monotonic()
        same(world.padmin("-V").code, 0, "padmin -V")
        looks.append(1000 * (looked - begun))
        starts.append(1000 * (time.monotonic() - looked))
    found = {"Down": down, "Up": back, "order": order, "show": statistics.median(looks), "start": statistics.median(starts)}
    memory = rss_anon(world.pcheck.pid)
    print(f"many_resources: {what}: " + ", ".join(f"{name} {one:.1f} ms" for name, one in found.items()) + f", RssAnon {memory} KiB", flush=True)
    return found


@scenario
def among_five_hundred_resources_fifty_that_hang_hold_up_nobody(world):
    crowd = Crowd(world)
    entries = [pent_line("alpha", world.restarter("alpha"), retries="unlimited") + ":delay=0", pent_line("beta")]
    alpha, beta = world.daemon("alpha"), world.daemon("beta")
    world.pfile(*entries)
    world.start_pcheck()
    for name, pid in (("alpha", alpha), ("beta", beta)):
        world.log.wait(up(name, pid))
    alone = figures(world, "no resource")
    world.pfile(*entries, resources=crowd.lines)
    world.order("reload")
    until(crowd.all_in_service, "all in service", PATIENCE)
    crowded = figures(world, f"{COUNT} resources")
    usual = {**alone, "order": crowded["order"], "show": crowded["show"]}       # padmin reads more
    os.mkfifo(crowd.gate)
    until(crowd.hung, "hung checks", PATIENCE)
    before, begun = crowd.counts("well"), time.monotonic()
    among = figures(world, f"{COUNT} resources, {HUNG} hung")
    done = lambda: [now - then for now, then in zip(crowd.counts("well"), before)]     # noqa: E731
    until(lambda: min(done()) >= 3, "three checks of each", PATIENCE)
    took, checks = time.monotonic() - begun, done()
    for kind, counts in (("generic", checks[::2]), ("cmdline", checks[1::2])):
        print(f"many_resources: {min(counts)} to {max(counts)} checks of {len(counts)} {kind} in {took:.1f} s", flush=True)
        check(min(counts) >= took // INTERVAL - 1, f"{min(counts)} checks of a {kind} one in {took:.0f} s")
    check(max(checks[::2]) - min(checks[::2]) <= 1, f"some were checked more often than others: {checks[::2]}")
    check(crowd.hung(), "a hung check has ended")
    world.log.wait_for_count(re.compile(r"^Script still running \(hung\d+ ,pid=\d+\): quickCheck for "), HUNG // 2)
    for name, one in among.items():
        check(one < 10 * (usual[name] + usual["start"]), f"{name}: {one:.1f} ms instead of {usual[name]:.1f} ms")
    hung = crowd.counts("hung")
    crowd.release()
    until(lambda: all(now > then for now, then in zip(crowd.counts("hung"), hung)), "checks of those that have hung", PATIENCE)
    check(crowd.all_in_service(), "a resource has failed")
