#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills pcheck and lets its system calls fail, and looks from outside whether anything was lost or done twice.
usage: run.py --build DIR [--kills N] [--all-syscalls | --every K] [--faults N | --all-faults] [--seed S]

--kills N: SIGKILL at N random moments. --all-syscalls: once at every system call of each of the steps, before and after it; --every K: at
every Kth. --faults N: N cells of the matrix of calls and errors, drawn by the seed; --all-faults: all of it. All runs in namespaces of its
own."""
import argparse
import os
import random
import secrets
import signal
import sys
import time
import traceback

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "scenario")]

import sandbox                                      # noqa: E402
from harness import Scenario, Skip, World           # noqa: E402
from kernel import Failure                          # noqa: E402
from faults import cells_of, run_cells               # noqa: E402
from random_kills import RandomKills                # noqa: E402
from step import kill_at_every_call                  # noqa: E402
from steps import STEPS                             # noqa: E402


def report_of(stage):
    answers = ", ".join(f"{count} {what}" for what, count in sorted(stage.answers.items()))
    tree = stage.tree
    resources = tree and f"; resources: {tree.counts()}, {stage.responses.ids} events"
    return (f"{stage.kills} kills, {sum(stage.runs.values())} scripts, {stage.lost_attempts} attempts that never ran; "
            f"orders: {answers or 'none'}{resources or ''}")


def random_kills(world, options):
    begun = time.monotonic()

    def progress(done, stage):
        if done % 100 == 0:
            print(f"# {time.monotonic() - begun:.0f} s: {report_of(stage)}", flush=True)
    return report_of(RandomKills(world, random.Random(options.seed)).run(options.kills, progress))


def kills_in_step(world, name, options):
    step = STEPS[name](world)
    step.stage.begin()
    met = {when: kill_at_every_call(step, when, options.every, options.first) for when in ("entry", "exit")}
    return f"{met['entry']} calls, every {options.every}.; {report_of(step.stage)}"


def new_world(build, name):
    return World(build, Scenario(name, None))


def faults(build, options):
    cells = []
    for name in options.step or STEPS:
        world = new_world(build, name)
        cells += [cell for cell in cells_of(name, world) if not options.call or cell.call in options.call]
        world.close()
    if options.faults:
        drawn = random.Random(options.seed).sample(range(len(cells)), min(options.faults, len(cells)))
        cells = [cells[place] for place in sorted(drawn)]
    table, failures = run_cells(cells, lambda: new_world(build, "faults"), lambda text: print(text, flush=True))
    print(table.text())
    if failures:
        raise Failure(f"{len(failures)} of {len(cells)} cells")
    return f"{len(cells)} cells"


def run_one(build, name, body):
    world = None
    try:
        world = new_world(build, name)
        print(f"ok {name}: {body(world)}", flush=True)
        return True
    except Skip as why:
        print(f"skip {name}: {why}", flush=True)
        return None
    except Exception as error:      # whatever it is: the other campaigns go on
        why = str(error) if isinstance(error, Failure) else traceback.format_exc()
        excerpt = "".join(f"    {line}\n" for line in world.excerpt().splitlines()) if world else ""
        print(f"FAIL {name}: {why}\n{excerpt}", end="", flush=True)
        return False
    finally:
        if world:
            world.close()


def campaigns(options):
    if options.kills:
        yield "random_kills", lambda world: random_kills(world, options)
    for name in STEPS if options.every else ():
        if not options.step or name in options.step:
            yield f"kills_in_{name}", lambda world, name=name: kills_in_step(world, name, options)


def all_of_it(options):
    """Faults have their own worlds."""
    results = [run_one(options.build, name, body) for name, body in campaigns(options)]
    if options.faults or options.all_faults:
        results.append(run_one(options.build, "faults", lambda world: faults(options.build, options)))
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="meson build directory")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--every", type=int, default=0)
    parser.add_argument("--all-syscalls", action="store_const", const=1, dest="every")
    parser.add_argument("--first", type=int, default=0, help="the first call to be killed at")
    parser.add_argument("--step", action="append", choices=STEPS, help="only this one, for --every and --faults")
    parser.add_argument("--faults", type=int, default=0)
    parser.add_argument("--call", action="append", help="only this one, for the faults")
    parser.add_argument("--all-faults", action="store_true")
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    if options.seed is None:
        options.seed = secrets.randbelow(1 << 32)
        sys.argv += ["--seed", str(options.seed)]       # the same one inside the sandbox
    if os.getuid() != 0:
        sys.exit("run.py: run as root")
    sandbox.enter()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(f"seed {options.seed}", flush=True)
    results = all_of_it(options)
    print(f"{results.count(True)} passed, {results.count(False)} failed" + (f", {results.count(None)} skipped" if None in results else ""))
    sys.exit(1 if False in results or not results else 0)


if __name__ == "__main__":
    main()
