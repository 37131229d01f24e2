# SPDX-License-Identifier: Apache-2.0
"""Events that are sent while pcheck is killed, and the responders that hear of them, which keep a record."""
import os
import re
import subprocess
from collections import Counter

import kernel
from harness import check
from kernel import until

CLASS, EVENT = "filesys", "diskfull"

# `begin ID PID` and `end ID PID` for an event that we sent. What pcheck raises itself leaves `heard EVENT INSTANCE`.
RESPONDER = r"""#!/bin/sh
cd @directory@ || exit 9
if [ "$EVENT_MONITOR" = pcheck ]; then
    echo "heard $EVENT_NAME $EVENT_INSTANCE ${0##*/}" >> records.events
    exit 0
fi
while [ $# -gt 0 ]; do
    case $1 in -i) id=$2 ;; -d) seconds=$2 ;; esac
    shift
done
echo "begin $id $$" >> records.events
sleep "$seconds"
echo "end $id $$" >> records.events
"""


class Responses:
    def __init__(self, world):
        self.world = world
        for directory in (f"{CLASS}/{EVENT}", "resource/recovered", "resource/check_failed"):
            self.add(directory, 1)
        world.conf = world.write("banken.conf", world.read("banken.conf") + f"[events]\ndir = {world.path('events')}\n")
        self.sent = []      # sendevent processes that have not ended
        self.ids = 0

    def add(self, directory, count):
        os.makedirs(self.world.path(f"events/{directory}"), exist_ok=True)
        for number in range(count):
            self.world.write(f"events/{directory}/record{number}", RESPONDER.replace("@directory@", self.world.directory), 0o755)

    def send(self, instance, seconds):
        """Its responder takes so long."""
        self.ids += 1
        command = [os.path.join(self.world.build, "sendevent/sendevent"), "--conf", self.world.conf, "-C", CLASS, "-E", EVENT, "-m", "df",
                   "-n", instance, "-i", str(self.ids), "-d", str(seconds)]
        self.sent.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                          env=self.world.environment))
        return self.sent[-1]

    def collect(self):
        """Accepted, or told that a pcheck was there and is no more."""
        for process in self.sent:
            _, told = process.communicate(timeout=kernel.BOUND)
            accepted = process.returncode == 0 or process.returncode == 69 and re.search("interrupted|ended before|is not running|no answer", told)
            check(accepted, f"sendevent: exit {process.returncode}, {told}")
        self.sent = []

    def records(self):
        return [line.split() for line in self.world.read("records.events").splitlines()]

    def settle(self):
        """Each event was heard once, whatever became of pcheck meanwhile, and its responder came to its end."""
        self.collect()
        wanted = [str(number + 1) for number in range(self.ids)]
        until(lambda: sorted((words[1] for words in self.records() if words[0] == "end"), key=int) == wanted, "the ends of all responders")
        begun = Counter(words[1] for words in self.records() if words[0] == "begin")
        check(sorted(begun.elements(), key=int) == wanted, f"responders of {len(wanted)} events: {begun}")

    def heard(self, event, instance):
        """How often it was told by pcheck itself, to one responder."""
        return self.records().count(["heard", event, instance, "record0"])
