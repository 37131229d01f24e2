# SPDX-License-Identifier: Apache-2.0
"""The steps that have to do with entries, and the table of all."""
import json
import os

import resource_steps
from harness import check
from kernel import until
from step import Step
from tracer import Tracer


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
    begins = True

    def trace(self, *options):
        world, stage = self.world, self.stage
        stage.pause("plain", 0.5)
        while not self.script_is_seen():
            until(stage.settled_at_last, "the replacement")
        stage.pause("plain", 0)
        stage.kill_pcheck()
        self.other = stage.lose("dependent")
        tracer = Tracer(world, "--from", "rt_sigprocmask", *options)
        world.start_pcheck(wait=False, tracer=tracer)
        return tracer

    def script_is_seen(self):
        """False: it ended before we looked, on a loaded machine."""
        stage = self.stage
        stage.audit_records()
        begun = stage.runs["plain"]
        self.old = stage.lose("plain")
        until(lambda: stage.script_runs("plain") or stage.runs["plain"] > begun, "the script")
        return "plain" in stage.open_runs

    def complete(self):
        entries = self.stage.settled_at_last()
        return entries and entries["plain"]["pid"] != self.old and entries["dependent"]["pid"] != self.other


class Start(Step):
    """The first one, with nothing left of any before, and the restart of what is not there."""
    ends = begins = True

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
         "end": End, "start": Start, "adoption": Adoption, **resource_steps.STEPS}
for name, kind in STEPS.items():
    kind.name = name
