# SPDX-License-Identifier: Apache-2.0
"""What pcheck does in one piece with resources and events; as steps.py has it for entries."""
from harness import check
from kernel import until
from stage import Sort, Stage
from step import Step
from tree import BOTTOM, IN, OUT, TOP
from tracer import Tracer


class ResourceStep(Step):
    def __init__(self, world):
        self.world = world
        self.stage = Stage(world, [Sort("plain", "delay=0")])
        self.tree = self.stage.tree
        self.old = None

    def replaced(self, tag):
        return self.stage.living(tag) not in ([], [self.old])

    def all_is_well(self):
        """Where a call failed an operator may have to help."""
        return self.tree.settled() if self.stage.faults else self.tree.are(IN)


class Recovery(ResourceStep):
    """After a bad check of the resource on top."""
    tag = TOP

    def trigger(self):
        self.old = self.tree.lose(self.tag)
        self.stage.order("check", self.tag)

    def complete(self):
        return self.all_is_well() and self.replaced(self.tag) and self.stage.orders_are_answered()


class RecoveryByStart(Recovery):
    """The same of the one below."""
    tag = BOTTOM


class RemoveAndRestore(ResourceStep):
    """The whole tree, by two orders. `removing`: the first of them, until all is out."""
    removing = None

    def trigger(self):
        self.removing = self.stage.order("remove", BOTTOM)

    def complete(self):
        if not self.removing:
            return self.all_is_well() and self.stage.orders_are_answered()
        shown = self.tree.show()
        if self.removing.poll() is not None and (self.tree.are(OUT, shown) or self.stage.faults and self.tree.is_out(shown)):
            self.removing = None
            if not self.stage.faults:
                self.stage.order("restore", TOP)
        return False

    def go_on(self):
        removing, self.removing = self.removing, None
        self.stage.collect_orders(all_of_them=True)
        if removing and removing.returncode == 0:
            self.tree.become(OUT)


class Event(ResourceStep):
    """By sendevent, which starts a recovery and responders; those of what pcheck tells of it are started while others run."""

    def __init__(self, world):
        super().__init__(world)
        self.stage.responses.add("resource/recovered", 3)
        self.stage.responses.add("resource/state", 3)

    def trigger(self):
        self.old = self.stage.living(TOP)[0]
        self.heard = self.stage.responses.heard("recovered", TOP)
        self.sending = self.stage.responses.send(TOP, 0)

    def complete(self):
        ended = self.sending.poll() is not None
        heard = self.stage.responses.heard("recovered", TOP) > self.heard
        return ended and (heard or self.stage.faults) and self.all_is_well() and self.replaced(TOP)


class AdoptionOfScript(ResourceStep):
    """The one that was killed had a restore running. Both resources change their places in the pfile meanwhile."""
    begins = True

    def trace(self, *options):
        world, stage, tree = self.world, self.stage, self.tree
        tree.slow(TOP, "restore", 0.3)
        while not self.restore_is_seen():
            pass
        tree.be_well()
        stage.kill_pcheck()
        tree.upside_down = not tree.upside_down
        stage.write_pfile()
        tracer = Tracer(world, "--from", "rt_sigprocmask", *options)
        world.start_pcheck(wait=False, tracer=tracer)
        return tracer

    def restore_is_seen(self):
        """False: its script ended before we looked, on a loaded machine."""
        check(self.stage.order("remove", TOP).wait() == 0, "remove was not accepted")
        self.tree.become({**IN, TOP: OUT[TOP]})
        check(self.stage.order("restore", TOP).wait() == 0, "restore was not accepted")
        return until(lambda: "runs" if not self.tree.no_script_runs() else self.tree.seen(IN) and "ended", "the script") == "runs"

    def complete(self):
        return self.tree.seen(IN) or self.stage.faults and self.stage.settled_at_last()


STEPS = {"recovery": Recovery, "recovery_by_start": RecoveryByStart, "remove_and_restore": RemoveAndRestore, "event": Event,
         "adoption_of_script": AdoptionOfScript}
