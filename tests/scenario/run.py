#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the scenarios: whole programs, real daemons. usage: run.py --build DIR [--all] [--host] [--list] [NAME...]

NAME is a part of a scenario's name. Where the kernel lets us, all runs in namespaces of its own (processes, mounts, System V objects), so
that nothing of the host is met or left behind; --host, and a container that forbids it, runs them beside everything else."""
import argparse
import importlib
import os
import signal
import sys
import time
import traceback

sys.dont_write_bytecode = True      # the tree may belong to somebody else
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import sandbox                                  # noqa: E402
from harness import SCENARIOS, Skip, World      # noqa: E402
from kernel import Failure                      # noqa: E402


def place_of(error):
    """The innermost line of a test file."""
    frames = [(os.path.basename(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    return next((f"{file}:{line}" for file, line in reversed(frames) if file.startswith("test_")), "?")


def chosen(options):
    if options.names:
        return [one for one in SCENARIOS if any(name in one.name for name in options.names)]
    return [one for one in SCENARIOS if (options.all or not one.slow) and not one.apart]


def not_built(build):
    return [name for name in ("pcheck/pcheck", "padmin/padmin", "sendevent/sendevent", "compat/ins_list", "compat/lk_err",
                              "compat/perform_action", "tests/scenario/action", "tests/scenario/testd") if not os.path.exists(os.path.join(build, name))]


def run_one(build, one):
    """One line, and True, False or None for a skip."""
    begun = time.monotonic()
    world = None
    try:
        world = World(build, one)
        one.body(world)
    except Skip as why:
        print(f"skip {one.name}: {why}", flush=True)
        return None
    except Exception as error:      # any mistake of a scenario is its failure, never the end of the run
        why = str(error) if isinstance(error, Failure) else traceback.format_exc()
        excerpt = "".join(f"    {line}\n" for line in world.excerpt().splitlines()) if world else ""
        print(f"FAIL {one.name}: at {place_of(error)}: {why}\n{excerpt}", end="", flush=True)
        return False
    finally:
        if world:
            world.close()
    print(f"ok {one.name} ({time.monotonic() - begun:.1f} s)", flush=True)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="meson build directory")
    parser.add_argument("--all", action="store_true", help="the slow ones too")
    parser.add_argument("--host", action="store_true", help="no namespaces")
    parser.add_argument("--list", action="store_true", help="only print the names")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    if not options.list and not_built(options.build):
        sys.exit(f"run.py: not built in {options.build}: {', '.join(not_built(options.build))}")
    if os.getuid() != 0 and not options.list:
        sys.exit("run.py: the scenarios watch and end daemons of root: run as root")
    if not options.host and not options.list:
        sandbox.enter()
    for file in sorted(os.listdir(HERE)):
        if file.startswith("test_") and file.endswith(".py"):
            importlib.import_module(file.removesuffix(".py"))
    if options.list:
        print("\n".join(one.name for one in chosen(options)))
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))      # so that the running scenario leaves nothing behind
    results = [run_one(options.build, one) for one in chosen(options)]
    skipped = f", {results.count(None)} skipped" if None in results else ""
    print(f"{results.count(True)} passed, {results.count(False)} failed{skipped}")
    sys.exit(1 if False in results or not results else 0)


if __name__ == "__main__":
    main()
