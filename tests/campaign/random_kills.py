# SPDX-License-Identifier: Apache-2.0
"""SIGKILL to pcheck at random moments, again and again, while processes die, scripts run and orders arrive."""
import os
import time

from kernel import Failure, until
from stage import Stage
from tree import BOTTOM, EVERY_ACTION, IN, OUT, TOP

SETTLE_EVERY = 10       # kills


class RandomKills:
    def __init__(self, world, random):
        self.stage = Stage(world)
        self.world, self.random, self.tree = world, random, self.stage.tree
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
        if self.random.random() < 0.2:
            self.edit_pfile()
        self.world.start_pcheck(wait=False)
        self.note(f"pcheck {self.world.pcheck.pid}")

    def wait(self):
        """From nothing, so that the start and the adoption are met, to long enough for a script and what follows it."""
        time.sleep(self.random.choice((0, 0.005, 0.02, 0.05, 0.1, 0.3)) * self.random.random() * 2)

    def disturb(self):
        entries = (self.lose, self.lose, self.lose, self.lose, self.order, self.order, self.make_ill, self.make_slow)
        resources = (self.lose_application, self.lose_application, self.order_resource, self.order_resource, self.order_resource,
                     self.slow_script, self.fail_script, self.send_event, self.reload)
        self.random.choice(entries + resources)()
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
                                    ("stop", name, "for", "1s"), ("start",)))
        self.order_words(*words)

    def reload(self):
        self.edit_pfile()
        self.order_words("reload")

    def lose_application(self):
        tag = self.random.choice((TOP, BOTTOM))
        self.note(f"lose {tag} {self.tree.lose(tag)}")
        if self.random.random() < 0.7:
            self.order_words("check", tag)      # else it is noticed at the next interval

    def order_resource(self):
        tag = self.random.choice((TOP, BOTTOM))
        self.order_words(*self.random.choice((("restore", tag), ("restore", tag), ("remove", tag), ("recover", tag), ("check", tag),
                                              ("clear", tag), ("stop", tag), ("start", tag), ("stop", tag, "for", "1s"))))

    def order_words(self, *words):
        self.note(f"order {' '.join(words)}")
        return self.stage.order(*words)

    def slow_script(self):
        for one in self.random.sample(EVERY_ACTION, 3):
            self.tree.slow(*one, self.random.choice((0.05, 0.2, 0.6)))

    def fail_script(self):
        tag, action = self.random.choice(EVERY_ACTION)
        self.note(f"fail {tag} {action}")
        self.tree.fail(tag, action)

    def send_event(self):
        name = self.random.choice((TOP, BOTTOM, "checked"))
        self.note(f"event for {name}")
        self.stage.responses.send(name, self.random.choice((0, 0.05, 0.3)))

    def edit_pfile(self):
        """The same entries in another order, as an editor would leave them: the file is replaced."""
        lines = list(self.stage.lines())
        self.random.shuffle(lines)
        path = self.world.pfile_path
        self.tree.upside_down, self.tree.with_spare = self.random.random() < 0.5, self.random.random() < 0.5
        self.stage.write_pfile(lines, name="pfile.new")
        self.world.pfile_path = path
        os.rename(self.world.path("pfile.new"), path)
        self.note("pfile edited")

    def settle(self):
        for name in self.names:
            self.stage.pause(name, 0)
        self.tree.be_well()
        self.note("settle")
        self.stage.settle()
        self.keep_goals()

    def keep_goals(self):
        """An order that was answered is carried out, however often pcheck is killed after it, and nobody repeats it."""
        tag = self.random.choice((TOP, BOTTOM))
        for words, states in ((("remove", tag), {**IN, TOP: OUT[TOP], tag: OUT[tag]}), (("restore", TOP), IN)):
            for one in EVERY_ACTION:
                self.tree.slow(*one, self.random.choice((0, 0, 0.1, 0.4)))
            accepted = f"a pcheck that accepts {' '.join(words)}"       # the last one may be about to start
            until(lambda words=words: self.order_words(*words).wait() == 0, accepted)
            for _ in range(self.random.choice((1, 1, 2, 3))):
                self.wait()
                self.note(f"kill pcheck {self.world.pcheck.pid}")
                self.stage.kill_pcheck()
                self.world.start_pcheck(wait=False)
            self.tree.be_well()
            self.note(f"wait for {states}")
            self.tree.become(states)
        self.stage.settle()
