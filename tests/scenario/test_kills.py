# SPDX-License-Identifier: Apache-2.0
"""A short course of the campaigns: pcheck is killed at random moments and at system calls, and system calls fail. The long one is
tests/campaign/run.py."""
import os
import random
import secrets
import sys

from harness import Scenario, World, check, scenario

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "campaign"))

from faults import cells_of, run_cells      # noqa: E402
from random_kills import RandomKills        # noqa: E402
from step import kill_at_every_call     # noqa: E402
from steps import STEPS                 # noqa: E402


def drawn(what):
    seed = secrets.randbelow(1 << 32)
    print(f"# {what}: seed {seed}", flush=True)
    return random.Random(seed)


def killed_at_calls(world, name, every, first=0):
    step = STEPS[name](world)
    step.stage.begin()
    kill_at_every_call(step, "entry", every, first)
    kill_at_every_call(step, "exit", every, first + every // 2)
    check(step.stage.kills > 0, f"no call of {name} was met")


def another(world):
    return World(world.build, Scenario("faults", None))


def fails_harmlessly(world, cells):
    _, failures = run_cells(cells, lambda: another(world), print)
    check(not failures, "\n".join(failures))


@scenario
def killed_forty_times_at_random_moments_it_loses_nothing_and_does_nothing_twice(world):
    RandomKills(world, drawn("random kills")).run(40)


@scenario
def killed_at_any_call_of_a_restart_it_loses_nothing_and_does_nothing_twice(world):
    killed_at_calls(world, "restart", 13)


@scenario
def killed_at_any_call_of_a_removal_and_restoration_it_does_all_that_was_ordered(world):
    killed_at_calls(world, "remove_and_restore", 61, drawn("kills in a removal").randrange(61))


@scenario
def killed_while_it_adopts_a_script_of_a_resource_it_begins_it_no_second_time(world):
    killed_at_calls(world, "adoption_of_script", 311, drawn("kills in the adoption of a script").randrange(311))


@scenario
def killed_at_any_call_of_its_start_it_starts_again(world):
    killed_at_calls(world, "start", 61, drawn("kills in the start").randrange(61))


@scenario
def killed_while_it_adopts_it_is_adopted(world):
    killed_at_calls(world, "adoption", 61, drawn("kills in the adoption").randrange(61))


@scenario
def a_call_that_fails_once_spoils_no_restart(world):
    cells = cells_of("restart", world)
    sample = drawn("failing calls").sample(cells, 15)
    release = [cell for cell in cells if cell.call == "sendto" and cell.nth == 0]   # tells a script that it may go on
    fails_harmlessly(world, sample + release)


@scenario
def a_call_that_fails_once_spoils_no_recovery_of_a_resource(world):
    sample = drawn("failing calls").sample(cells_of("recovery", world), 10)
    fails_harmlessly(world, sample)


@scenario
def a_call_that_fails_once_spoils_nothing_else_either(world):
    draw, sample = drawn("failing calls"), []
    for name in STEPS:
        stepped = another(world)
        try:
            sample += draw.sample(cells_of(name, stepped), 1)
        finally:
            stepped.close()
    fails_harmlessly(world, sample)
