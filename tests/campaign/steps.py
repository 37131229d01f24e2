# SPDX-License-Identifier: Apache-2.0
"""What pcheck does in one piece, from a cause that we give to an outcome that is seen from outside. It is killed at every call of it."""
import json
import os
import re

import kernel
from harness import check
from kernel import until
from stage import Sort, Stage
from tracer import Tracer


class Step:
    """Begins with a pcheck that runs and has nothing to do. `ends`: the counts begin anew in it; `ends_well`: so does pcheck."""
    ends = ends_well = False

    def __init__(self, world):
        self.world = world
        check_script, stop_script = world.path("check.sh"), world.path("stop.sh")
        self.stage = Stage(world, [
            Sort("plain", "delay=0", "stop=TERM/2"), Sort("dependent", "delay=0", "after=plain"),
            Sort("stopped", "delay=0", f"check={check_script}", "check_interval=1", "check_failures=1", f"stop={stop_script}/20")], tree=False)
        self.old = None

    def trigger(self):
        raise NotImplementedError

    def complete(self):
        """Of the untouched course, seen from outside."""
        raise NotImplementedError

    def trace(self, *options):
        """pcheck under the tracer, and the cause given."""
        tracer = Tracer(self.world, *options)
        tracer.attach(self.world.pcheck.pid)
        self.trigger()
        return tracer

    def replaced(self, name):
        """Its old process is gone, its new one is told as there."""
        entry = self.stage.show()[name]
        return entry["proc_sts"] == "AVAIL" and entry["pid"] != self.old and entry["pid"] in self.stage.living(name)


class Restart(Step):
    def trigger(self):
        self.old = self.stage.lose("plain")

    def complete(self):
        return self.replaced("plain")


class StopAndRestart(Step):
    def trigger(self):
        self.old = self.stage.living("stopped")[0]
        self.stage.make_ill("stopped")

    def complete(self):
        return self.replaced("stopped")


class RestartByOrder(Step):
    def trigger(self):
        self.old = self.stage.living("plain")[0]
        self.stage.order("restart", "plain")

    def complete(self):
        return self.replaced("plain") and self.stage.orders_are_answered()


class Reload(Step):
    """With another order of the entries, so that every record changes its place, and a loss meanwhile."""
    turn = 0

    def trigger(self):
        self.turn += 1
        lines = list(self.stage.lines())
        self.stage.write_pfile(lines[self.turn % 3:] + lines[:self.turn % 3])
        self.stage.order("reload")
        self.old = self.stage.lose("dependent")

    def complete(self):
        return self.replaced("dependent") and self.stage.orders_are_answered()


class Dump(Step):
    def trigger(self):
        self.stage.order("dump")

    def complete(self):
        return self.stage.orders_are_answered()


class End(Step):
    """What the dump file holds is whole, whenever pcheck was killed."""
    ends = ends_well = True

    def trigger(self):
        self.stage.order("shutdown")
        self.stage.counts_begin_anew()

    def complete(self):
        return self.world.pcheck.poll() is not None

    def look(self):
        if os.path.exists(self.world.dump):
            answer = self.world.run(self.world.padmin_command("--dump", self.world.dump, "-c", "show", "pent", "--json"))
            check(answer.code == 0 and len(json.loads(answer.out)["pent"]) == 3, f"the dump is not whole: {answer}")


class Adoption(Step):
    """The one that was killed had a script running, a loss not yet seen, an order not yet answered."""

    def trace(self, *options):
        world, stage = self.world, self.stage
        stage.pause("plain", 0.2)
        self.old = stage.lose("plain")
        until(lambda: stage.script_runs("plain"), "the script")
        stage.pause("plain", 0)
        stage.kill_pcheck()
        self.other = stage.lose("dependent")
        tracer = Tracer(world, "--from", "rt_sigprocmask", *options)
        world.start_pcheck(wait=False, tracer=tracer)
        return tracer

    def complete(self):
        entries = self.stage.settled_at_last()
        return entries and entries["plain"]["pid"] != self.old and entries["dependent"]["pid"] != self.other


class Start(Step):
    """The first one, with nothing left of any before, and the restart of what is not there."""
    ends = True

    def trace(self, *options):
        world, stage = self.world, self.stage
        stage.order("shutdown")
        world.pcheck_ends(0)
        stage.collect_orders(all_of_them=True)
        stage.counts_begin_anew()
        self.old = stage.lose("plain")
        tracer = Tracer(world, "--from", "rt_sigprocmask", *options)
        world.start_pcheck(wait=False, tracer=tracer)
        return tracer

    def complete(self):
        return self.stage.settled_at_last()

    def look(self):
        """Whatever is there of a segment, the next pcheck has to make do with it."""


STEPS = {"restart": Restart, "stop_and_restart": StopAndRestart, "restart_by_order": RestartByOrder, "reload": Reload, "dump": Dump,
         "end": End, "start": Start, "adoption": Adoption}
for name, kind in STEPS.items():
    kind.name = name


def kill_at_every_call(step, when, every=1, first=0):
    """`when`: entry, exit. Returns how many calls the step has, once it was complete before its Nth call. One that returns only after the
    step is passed over."""
    stage, world = step.stage, step.world
    number = first
    while True:
        calls = world.path("calls")
        open(calls, "w").close()
        tracer = step.trace("--list", calls, f"--kill-{when}", number)
        try:
            until(lambda: world.pcheck.poll() is not None or step.complete(), f"the end of the step, or of pcheck at call {number}")
            met, entered = tracer.hit(), world.read("calls").count("\n")
        finally:
            tracer.detach()
        if met and world.pcheck.poll() is None:
            kernel.wait_end(world.pcheck.pid, "pcheck, which was killed")
        if met:
            after_kill(step, number, when, met)
        else:
            if world.pcheck.poll() is not None:
                world.start_pcheck()
            stage.settle()
        if not met and number >= entered:
            return entered
        number += every


def after_kill(step, number, when, met):
    stage, world = step.stage, step.world
    try:
        stage.pcheck_is_dead()
        if step.ends:
            stage.collect_orders(all_of_them=True)      # else the next pcheck would take the order
            step.look()
        elif kernel.segment_exists(world.key):
            stage.look()
        world.start_pcheck()
        stage.settle()
    except kernel.Failure as error:
        last = "\n".join(" ".join(record) for record in stage.records()[-16:])
        raise kernel.Failure(f"killed at call {number} ({when}, number {met[1]}): {error}\nlast records:\n{last}") from error
