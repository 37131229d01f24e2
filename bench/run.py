#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What pcheck costs, beside the least that could do the same work and beside Debian's monit. Prints a table, asserts nothing.
usage: bench/run.py --build DIR [--quick] [--host]      (root; bench/README.md says what is measured and how)"""
import argparse
import mmap
import os
import random
import shutil
import statistics
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../tests/scenario"))

import sandbox                                      # noqa: E402
from harness import Scenario, World                 # noqa: E402
from kernel import kill, until                      # noqa: E402

RECORD = struct.Struct("qq")
SETTLE = 0.05       # seconds between two kills: each is met by an idle program, that has found the replacement before
SWEPT = 22          # two sweeps: what is new to pcheck is read once more by the first
LONG = 300


class Bench:
    """Processes that are nobody's children, each with a script that replaces it; the replacements tell in a file when they began."""

    def __init__(self, build, count):
        self.world = World(build, Scenario("bench", None, False, False, None))
        self.build, self.count = build, count
        self.names = [f"bench{number:04}" for number in range(count)]
        self.program = self.world.path("replacement")
        shutil.copy(os.path.join(build, "bench/replacement"), self.program)
        self.results = self.world.write("results", b"\0" * (RECORD.size * count))
        with open(self.results, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 0)
        self.world.conf = self.world.write("quiet.conf", "[log]\ntarget = stderr\n")
        self.scripts = [[self.program, self.results, str(number), name] for number, name in enumerate(self.names)]
        for script in self.scripts:
            subprocess.run(script, env=self.world.environment, stdin=subprocess.DEVNULL, check=True)
        self.pids = [self.record(number)[1] for number in range(count)]

    def through_sh(self):
        """The same replacements, started by /bin/sh scripts."""
        self.scripts = [[self.world.script(f"{name}.sh", "exec " + " ".join(script))] for name, script in zip(self.names, self.scripts)]
        return self

    def record(self, number):
        return RECORD.unpack_from(self.map, number * RECORD.size)

    def kill(self, number):
        """Seconds from the kill to the replacement's first instruction."""
        RECORD.pack_into(self.map, number * RECORD.size, 0, 0)
        begun = time.monotonic_ns()
        os.kill(self.pids[number], 9)
        until(lambda: self.record(number)[1], f"the replacement of {self.names[number]}", LONG)
        first, self.pids[number] = self.record(number)
        time.sleep(SETTLE)
        return (first - begun) / 1e9

    def start_pcheck(self):
        lines = (f"{name}:{' '.join(script)}:3600:3:continue" for name, script in zip(self.names, self.scripts))
        self.world.pfile(*lines, MONITOR_INTERVAL=10)
        self.world.start_pcheck(wait=False)
        until(lambda: self.world.pcheck_has_ended() or self.all_available(), "pcheck with all entries", LONG)
        if self.world.pcheck_has_ended():
            raise SystemExit(self.world.pcheck_has_ended() + "\n" + self.world.read("pcheck.out")[-2000:])
        return self.world.pcheck.pid

    def all_available(self):
        answer = self.world.ask("show", "pent")
        return answer.code == 0 and answer.out.count("= AVAIL\n") == self.count

    def start_minimal(self):
        process = subprocess.Popen([os.path.join(self.build, "bench/minimal_restarter")], env=self.world.environment, text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process.stdin.write("".join(f"{pid} {' '.join(script)}\n" for pid, script in zip(self.pids, self.scripts)))
        process.stdin.close()
        process.stdout.readline()
        process.stdout.close()
        return process.pid

    def start_monit(self):
        text = "set daemon 1\n" + "".join(f"set {name}file {self.world.path('monit.' + name)}\n" for name in ("log", "pid", "id", "state"))
        for name, script, pid in zip(self.names, self.scripts, self.pids):
            pidfile = self.world.write(f"{name}.pid", f"{pid}\n")
            text += f'check process {name} with pidfile {pidfile}\n  start program = "{" ".join(script)} {pidfile}"\n'
        control = self.world.write("monitrc", text, 0o600)
        return subprocess.Popen(["monit", "-I", "-c", control], env=self.world.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid

    def close(self):
        self.map.close()
        self.world.close()


def end(pid):
    kill(pid)
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:
        pass


def cpu_seconds(pid):
    """All threads, the ended ones too; the kernel's own count in nanoseconds."""
    return time.clock_gettime_ns(~pid << 3 | 2) / 1e9


def cpu_per_cent(pid, seconds):
    before = cpu_seconds(pid)
    time.sleep(seconds)
    return (cpu_seconds(pid) - before) / seconds * 100


def memory_mb(pid):
    with open(f"/proc/{pid}/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return (int(fields["RssAnon"].split()[0]) + int(fields["RssFile"].split()[0])) / 1024


def row(what, *values):
    print(f"{what:<52}" + "".join(f"{value:>16}" for value in values), flush=True)


def ms(seconds):
    return f"{seconds * 1000:.3f} ms"


def median(values):
    return statistics.median(values)


def quantile(part):
    return lambda values: sorted(values)[int(len(values) * part)]


def restart_times(build, entries, rounds, via_sh):
    """Both programs by turns, in the same run. Every entry is killed once by each start of a program."""
    taken = {"pcheck": [], "minimal": []}
    for _ in range(rounds):
        for kind, times in taken.items():
            bench = Bench(build, entries)
            try:
                if via_sh:
                    bench.through_sh()
                pid = bench.start_pcheck() if kind == "pcheck" else bench.start_minimal()
                time.sleep(0.3)
                times += [bench.kill(number) for number in range(entries)]
                if kind == "minimal":
                    end(pid)
            finally:
                bench.close()
    return taken


def print_restarts(build, quick):
    row("kill -9 to the replacement's first instruction", "pcheck", "minimal", "ratio", "limit")
    for entries, rounds in ((1, 5 if quick else 30), (100 if quick else 1000, 1)):
        for via_sh in (False, True):
            taken = restart_times(build, entries, rounds, via_sh)
            for name, pick in (("10 %", quantile(0.1)), ("median", median), ("99 %", quantile(0.99))):
                pcheck, minimal = pick(taken["pcheck"]), pick(taken["minimal"])
                what = f"  {entries} entries, {'/bin/sh script' if via_sh else 'static program'}, {name} of {len(taken['pcheck'])}"
                row(what, ms(pcheck), ms(minimal), f"{pcheck / minimal:.2f}", "1.5" if name == "median" and not via_sh else "")


def print_orders_and_idle(build, quick):
    entries, seconds = (100, 10) if quick else (1000, 60)
    bench = Bench(build, entries)
    try:
        pcheck = bench.start_pcheck()
        row(f"with {entries} entries", "pcheck", "bare", "more", "limit")
        row("  own memory, RssAnon + RssFile", f"{memory_mb(pcheck):.1f} MB", "", "", "12 MB")
        sweep = subprocess.Popen([os.path.join(build, "bench/bare_sweep"), "10"], env=bench.world.environment)
        time.sleep(SWEPT)
        before = cpu_seconds(sweep.pid)
        used = cpu_per_cent(pcheck, seconds)
        bare = (cpu_seconds(sweep.pid) - before) / seconds * 100
        end(sweep.pid)
        row(f"  idle CPU of a core over {seconds} s", f"{used:.3f} %", f"{bare:.3f} %", f"{used - bare:.3f} %", "0.1 %")
        orders, empty = [], []
        for number in range(100 if quick else 500):
            order = ("stop", "start")[number % 2], bench.names[number // 2 % entries]
            orders.append(timed(bench.world.padmin_command("-f", bench.world.pfile_path, "-c", *order)))
            empty.append(timed(bench.world.padmin_command("-V")))
        order, nothing = median(orders), median(empty)
        row("  an order by padmin, median (bare: padmin -V)", ms(order), ms(nothing), ms(order - nothing), "50 ms")
        row("  an order by padmin, 99 %", ms(quantile(0.99)(orders)), "", "", "50 ms")
        row("  own memory after that", f"{memory_mb(pcheck):.1f} MB", "", "", "12 MB")
    finally:
        bench.close()


def timed(command):
    begun = time.monotonic()
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.monotonic() - begun


def print_monit(build, quick):
    if not shutil.which("monit"):
        print("monit is not installed (apt-get install monit): left out")
        return
    row("monit, `set daemon 1`", "restart median", "longest", "memory", "idle CPU")
    for entries in (10, 100 if quick else 1000):
        bench = Bench(build, entries)
        try:
            monit = bench.start_monit()
            time.sleep(3 + entries / 100)
            used = cpu_per_cent(monit, 10 if quick else 30)
            times = []
            for number in range(10):
                time.sleep(1 + random.random())     # at any moment of its cycle, and not while it waits for the one before
                times.append(bench.kill(number))
            row(f"  {entries} entries, static program, {len(times)} kills", ms(median(times)), ms(max(times)), f"{memory_mb(monit):.1f} MB",
                f"{used:.3f} %")
            end(monit)
        finally:
            bench.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="meson build directory, not sanitized")
    parser.add_argument("--quick", action="store_true", help="fewer entries and seconds: to see that it works")
    parser.add_argument("--host", action="store_true", help="no namespaces")
    parser.add_argument("--only", choices=("restarts", "idle", "monit"), help="one part")
    options = parser.parse_args()
    if os.getuid() != 0:
        sys.exit("bench/run.py: run as root")
    if not options.host:
        sandbox.enter()
    os.nice(-20)    # all that is measured alike: other work on the machine shall not be measured with it
    build = os.path.abspath(options.build)
    for part, work in (("restarts", print_restarts), ("idle", print_orders_and_idle), ("monit", print_monit)):
        if options.only in (None, part):
            work(build, options.quick)


if __name__ == "__main__":
    main()
