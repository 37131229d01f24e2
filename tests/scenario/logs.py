# SPDX-License-Identifier: Apache-2.0
"""Where the programs' lines arrive: a socket of the harness, or a real rsyslogd. Both are waited on in the same words."""
import os
import re
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass

from kernel import BOUND, Failure, kill, until

PRIORITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
DAEMON = 3


@dataclass
class Line:
    index: int
    when: float         # monotonic arrival, seconds
    facility: str
    priority: str
    program: str
    pid: int
    text: str

    def __str__(self):
        return f"{self.priority:7} {self.program}[{self.pid}]: {self.text}"


def fits(line, wanted):
    return wanted.search(line.text) is not None if isinstance(wanted, re.Pattern) else line.text == wanted


class Log:
    """Lines in order of arrival. A place in the log is the number of lines before it."""

    def __init__(self):
        self.kept = []
        self.grown = threading.Condition()
        self.watched = None     # a process whose end makes waiting vain: () -> str or None

    def add(self, facility, priority, program, pid, text):
        with self.grown:
            self.kept.append(Line(len(self.kept), time.monotonic(), facility, priority, program, pid, text))
            self.grown.notify_all()

    def lines(self, after=0, program=None):
        with self.grown:
            return [line for line in self.kept[after:] if program is None or line.program == program]

    def texts(self, after=0, program="pcheck"):
        return [line.text for line in self.lines(after, program)]

    def place(self):
        with self.grown:
            return len(self.kept)

    def find(self, wanted, after=0):
        return next((line for line in self.lines(after) if fits(line, wanted)), None)

    def wait(self, wanted, after=0, bound=BOUND):
        """The first line at or after place `after` that is `wanted`: an exact text or a compiled pattern."""
        shown = wanted.pattern if isinstance(wanted, re.Pattern) else wanted
        deadline = time.monotonic() + bound
        looked = after
        with self.grown:
            while True:
                for line in self.kept[looked:]:
                    if fits(line, wanted):
                        return line
                looked = max(looked, len(self.kept))
                ended = self.watched and self.watched()
                grown = self.grown.wait(1 if ended else 0.1)    # shorter than the bound only to see an end of the watched process
                if ended and not grown:     # its last lines may have been on their way
                    raise Failure(f"no line `{shown}`, and {ended}")
                if time.monotonic() > deadline:
                    raise Failure(f"waited {bound:g} s in vain for the line `{shown}`")

    def wait_for_count(self, wanted, count, after=0, bound=BOUND):
        """`count` lines that are `wanted`."""
        found = []
        while len(found) < count:
            found.append(self.wait(wanted, found[-1].index + 1 if found else after, bound))
        return found


RFC3164 = re.compile(r"<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d ([^\s\[]+)\[(\d+)\]: (.*)", re.DOTALL)


class SocketLog(Log):
    """A datagram socket as /dev/log. What is no RFC 3164 line as syslog(3) writes it is kept as program `?`."""

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.reading = threading.Event()
        self.reading.set()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        os.chmod(path, 0o666)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            data = self.socket.recv(65536)
            if data == b"end":
                return
            self.reading.wait()
            text = data.decode("utf-8", "backslashreplace").rstrip("\0\n")
            match = RFC3164.fullmatch(text)
            if match:
                number = int(match[1])
                facility = "daemon" if number >> 3 == DAEMON else str(number >> 3)
                self.add(facility, PRIORITIES[number & 7], match[2], int(match[3]), match[4])
            else:
                self.add("?", "?", "?", 0, text)

    def stop_reading(self):
        self.reading.clear()

    def go_on_reading(self):
        self.reading.set()

    def close(self):
        self.reading.set()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.connect(self.path)
            last.send(b"end")
        self.thread.join(BOUND)
        self.socket.close()


RSYSLOG = """\
global(workDirectory="{directory}")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{socket}" RateLimit.Interval="0")
template(name="plain" type="string" string="%syslogfacility-text% %syslogseverity-text% %timereported% %syslogtag%%msg%\\n")
*.* action(type="omfile" file="{file}" template="plain")
"""
WRITTEN = re.compile(r"(\w+) (\w+) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d ([^\s\[]+)\[(\d+)\]: (.*)")


class Rsyslogd(Log):
    """A real rsyslogd with a socket and a file of its own."""

    def __init__(self, directory):
        super().__init__()
        self.path = os.path.join(directory, "rsyslog.socket")
        self.file = os.path.join(directory, "messages")
        conf = os.path.join(directory, "rsyslog.conf")
        with open(conf, "w") as text:
            text.write(RSYSLOG.format(directory=directory, socket=self.path, file=self.file))
        self.process = subprocess.Popen(
            ["rsyslogd", "-n", "-f", conf, "-i", os.path.join(directory, "rsyslog.pid")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(os.path.join(directory, "rsyslog.stderr"), "w"))
        until(lambda: os.path.exists(self.path) or self.process.poll() is not None, "rsyslogd's socket")
        self.following = True
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        rest = ""
        until(lambda: os.path.exists(self.file) or not self.following, "rsyslogd's file", bound=3600)
        if not self.following:
            return
        with open(self.file, errors="backslashreplace") as file:
            while self.following:
                piece = file.read()
                if not piece:
                    time.sleep(0.002)   # a file tells nobody that it has grown, inotify aside, which python3 lacks
                    continue
                *whole, rest = (rest + piece).split("\n")
                for text in whole:
                    match = WRITTEN.fullmatch(text)
                    if match:
                        self.add(match[1], match[2], match[3], int(match[4]), match[5])

    def stop(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def close(self):
        self.following = False
        self.thread.join(BOUND)
        kill(self.process.pid)
        self.process.wait()


def pour(path, count):
    """Sends lines into the socket without waiting; most find it full."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.connect(path)
        out.setblocking(False)
        refused = 0
        for number in range(count):
            try:
                out.send(b"<30>Jan  1 00:00:00 flood[1]: line %d" % number)
            except BlockingIOError:
                refused += 1
        return refused
