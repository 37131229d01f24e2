# SPDX-License-Identifier: Apache-2.0
"""The tracer as the campaigns use it: the calls of a pcheck listed, one of them its last, or one of them failing."""
import os
import re
import select
import subprocess

import kernel
from harness import Skip
from kernel import Failure

HEADERS = ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h")


def call_names():
    """Number: name, as the kernel's header has them."""
    for path in HEADERS:
        if os.path.exists(path):
            with open(path) as file:
                return {int(number): name for name, number in re.findall(r"#define __NR_(\w+) (\d+)", file.read())}
    raise Skip("no asm/unistd_64.h")


class Tracer:
    """options: of tests/campaign/tracer.cpp, calls by their names."""

    def __init__(self, world, *options):
        self.path = os.path.join(world.build, "tests/campaign/tracer")
        if not os.path.exists(self.path):
            raise Skip("the tracer is not built for this processor")
        self.reader, self.writer = os.pipe()
        numbers = {name: number for number, name in call_names().items()}
        self.options = [str(numbers.get(option, option)) for option in options]
        self.rest = b""
        self.lines = []
        self.pid = None
        self.process = None

    def command(self, *words):
        return [self.path, "--report", str(self.writer), *self.options, *words]

    def attach(self, pid):
        self.process = subprocess.Popen(self.command("--attach", str(pid)), stdin=subprocess.DEVNULL, pass_fds=[self.writer])
        self.started()

    def started(self):
        os.close(self.writer)
        self.writer = -1
        self.pid = int(self.next_line().split()[1])
        line = self.next_line()
        if line != "tracing":
            raise Failure(f"the tracer says {line}")

    def next_line(self, bound=kernel.BOUND):
        """None at the tracer's end and after `bound` seconds."""
        while b"\n" not in self.rest:
            if not select.select([self.reader], [], [], bound)[0]:
                return None
            piece = os.read(self.reader, 4096)
            if not piece:
                return None
            self.rest += piece
        line, _, self.rest = self.rest.partition(b"\n")
        self.lines.append(line.decode())
        return self.lines[-1]

    def hit(self):
        """Whether the chosen call has been met by now: its index and number, or None."""
        while self.next_line(0):
            pass
        found = [line.split() for line in self.lines if line.startswith("hit ")]
        return (int(found[0][1]), int(found[0][2])) if found else None

    def detach(self):
        """The program goes on as if nobody had ever looked."""
        if self.pid and kernel.alive(self.pid):
            try:
                kernel.kill(self.pid)
            except ProcessLookupError:
                pass
        if self.process:
            self.process.wait()
        for fd in (self.reader, self.writer):
            if fd >= 0:
                os.close(fd)
        self.reader = self.writer = -1
