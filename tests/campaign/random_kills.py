# SPDX-License-Identifier: Apache-2.0
"""SIGKILL to pcheck at random moments, again and again, while processes die, scripts run and orders arrive."""
import os
import time

from kernel import Failure
from stage import Stage

SETTLE_EVERY = 10       # kills


class RandomKills:
    def __init__(self, world, random):
        self.stage = Stage(world)
        self.world, self.random = world, random
        self.names = [sort.name for sort in self.stage.sorts]
        self.ill = [sort.name for sort in self.stage.sorts if sort.ill_possible]
        self.reordered = False
        self.story = []

    def run(self, kills, progress=lambda done, stage: None):
        self.stage.begin()
        try:
            for turn in range(1, kills + 1):
                self.turn()
                if turn % SETTLE_EVERY == 0 or turn == kills:
                    self.settle()
                    progress(turn, self.stage)
        except (Failure, AssertionError) as error:
            story = "\n".join(self.story[-60:])
            raise Failure(f"after {self.stage.kills} kills: {error}\n{story}") from error
        return self.stage

    def note(self, what):
        self.story.append(f"{time.monotonic():.3f} {what}")

    def turn(self):
        for _ in range(self.random.choice((0, 1, 1, 2, 3))):
            self.disturb()
        self.wait()
        self.note(f"kill pcheck {self.world.pcheck.pid}")
        self.stage.kill_pcheck()
        self.stage.collect_orders()
        if self.world.read("records") and self.random.random() < 0.5:
            self.stage.look()
        if self.random.random() < 0.3:
            self.lose()
        if self.random.random() < 0.1:
            self.edit_pfile()
        self.world.start_pcheck(wait=False)
        self.note(f"pcheck {self.world.pcheck.pid}")

    def wait(self):
        """From nothing, so that the start and the adoption are met, to long enough for a script and what follows it."""
        time.sleep(self.random.choice((0, 0.005, 0.02, 0.05, 0.1, 0.3)) * self.random.random() * 2)

    def disturb(self):
        self.random.choice((self.lose, self.lose, self.lose, self.lose, self.order, self.order, self.make_ill, self.make_slow))()
        if self.random.random() < 0.5:
            time.sleep(self.random.random() * 0.01)

    def lose(self):
        name = self.random.choice(self.names)
        self.note(f"lose {name} {self.stage.lose(name, self.random.randrange(2))}")

    def make_ill(self):
        name = self.random.choice(self.ill)
        self.note(f"ill {name}")
        self.stage.make_ill(name)

    def make_slow(self):
        self.stage.pause(self.random.choice(self.names), self.random.choice((0.05, 0.2, 0.6)))

    def order(self):
        name = self.random.choice(self.names)
        words = self.random.choice((("restart", name), ("restart", name), ("stop", name), ("start", name), ("clear", "held"), ("dump",),
                                    ("reload",), ("stop", name, "for", "1s"), ("start",)))
        if words[0] == "reload":
            self.edit_pfile()
        self.note(f"order {' '.join(words)}")
        self.stage.order(*words)

    def edit_pfile(self):
        """The same entries in another order, as an editor would leave them: the file is replaced."""
        lines = list(self.stage.lines())
        self.random.shuffle(lines)
        path = self.world.pfile_path
        self.stage.write_pfile(lines, name="pfile.new")
        self.world.pfile_path = path
        os.rename(self.world.path("pfile.new"), path)
        self.note("pfile edited")

    def settle(self):
        for name in self.names:
            self.stage.pause(name, 0)
        self.note("settle")
        self.stage.settle()
