# SPDX-License-Identifier: Apache-2.0
"""What pcheck does in one piece, from a cause that we give to an outcome that is seen from outside. It is killed at every call of it."""
import kernel
from kernel import until
from stage import Sort, Stage
from tracer import Tracer


class Step:
    """Begins with a pcheck that runs and has nothing to do. `ends`: the counts begin anew in it; `ends_well`: so does pcheck. `begins`: pcheck is started in it."""
    ends = ends_well = begins = False

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

    def look(self):
        """What has to hold when one that ends was killed."""

    def go_on(self):
        """The next pcheck runs: it does what the one that was killed had accepted, before anybody helps."""


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
        step.go_on()
        stage.settle()
    except kernel.Failure as error:
        last = "\n".join(" ".join(record) for record in stage.records()[-16:])
        raise kernel.Failure(f"killed at call {number} ({when}, number {met[1]}): {error}\nlast records:\n{last}") from error
