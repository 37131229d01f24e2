# SPDX-License-Identifier: Apache-2.0
"""A world for one scenario: its own directory, key, pfile, banken.conf and log, and hands to start, order and look at pcheck."""
import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass

import kernel
from kernel import BOUND, Failure, alive, until, wait_end
from logs import Rsyslogd, SocketLog

SCENARIOS = []
MARKER = "BANKEN_SCENARIO"
SOON = 5.0      # seconds: for what is about to be there


class Skip(Exception):
    """This machine lacks what the scenario needs."""


def scenario(function=None, *, slow=False, apart=False, rsyslogd=False, sources=None):
    """Registers a scenario. slow: only with --all. apart: only when it is named. rsyslogd: the log is a real one. sources: [detect] causes."""
    def register(body):
        SCENARIOS.append(Scenario(f"{body.__module__.removeprefix('test_')}.{body.__name__}", body, slow, apart, rsyslogd, sources))
        return body
    return register(function) if function else register


@dataclass
class Scenario:
    name: str
    body: object
    slow: bool = False
    apart: bool = False
    rsyslogd: bool = False
    sources: str = None


@dataclass
class Answer:
    code: int
    out: str
    err: str

    def __str__(self):
        return f"exit {self.code}\n{self.out}{self.err}"


def check(truth, why):
    if not truth:
        raise Failure(str(why))


def same(found, wanted, what):
    if found != wanted:
        raise Failure(f"{what}:\n--- wanted\n{shown(wanted)}\n--- found\n{shown(found)}")


def shown(value):
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return value if isinstance(value, str) else repr(value)


def down(name, pid, cause="killed by signal 9 (KILL)"):
    """The two lines of a loss."""
    return [f"Process [{name}, pid={pid}] Down", f"Cause [{name}, pid={pid}] {cause}"]


def attempt(name):
    return f"Try to restart ({name})"


def up(name, pid):
    return f"({name} ,pid={pid}) Up"


def pent_line(name, script="-", grace=3600, retries=3, action="continue"):
    return f"{name}:{script}:{grace}:{retries}:{action}"


class World:
    def __init__(self, build, scenario_):
        if scenario_.rsyslogd and not shutil.which("rsyslogd"):
            raise Skip("rsyslogd is not installed")
        self.build = os.path.abspath(build)
        self.directory = tempfile.mkdtemp(prefix="banken-", dir=os.environ.get("BANKEN_TEST_DIR", "/tmp"))
        os.chmod(self.directory, 0o755)
        self.environment = {**os.environ, MARKER: self.directory, "LC_ALL": "C"}
        for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "BANKEN_CONF"):
            self.environment.pop(name, None)
        used = kernel.keys_in_use()
        self.key = next(key for key in range(0x1f000501, 0x1f001000) if key not in used)
        self.dump = self.path("dump")
        self.log = Rsyslogd(self.directory) if scenario_.rsyslogd else SocketLog(self.path("log.socket"))
        self.log.watched = self.pcheck_has_ended
        self.conf = self.write("banken.conf", self.conf_text(scenario_.sources))
        self.pcheck = None
        self.pcheck_program = os.path.join(self.build, "pcheck/pcheck")
        self.pfile_path = self.path("pfile")
        self.last_answer = None

    def conf_text(self, sources):
        detect = f"[detect]\ncauses = {sources}\n" if sources else ""
        return f"[log]\ntarget = syslog\nsocket = {self.log.path}\n{detect}"

    def close_pcheck(self):
        if self.pcheck and self.pcheck.poll() is None:
            kernel.kill(self.pcheck.pid)
            self.pcheck.wait()

    def close(self):
        try:
            self.close_pcheck()     # first: it starts others
            kernel.end_all_of(self.directory, f"{MARKER}={self.directory}".encode())
            self.log.close()
        finally:
            kernel.remove_segment(self.key)
            kernel.remove_semaphore(self.key)
            if os.path.lexists(self.notify_path()):     # of a pcheck that was killed
                os.unlink(self.notify_path())
            shutil.rmtree(self.directory)

    def notify_path(self):
        """Where this pcheck takes heartbeats."""
        return f"/run/banken/0x{self.key:08x}.notify"

    # ---- files ----

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        with open(path, "wb" if isinstance(text, bytes) else "w") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def read(self, name):
        try:
            with open(self.path(name), errors="backslashreplace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def script(self, name, body, mode=0o755):
        return self.write(name, f"#!/bin/sh\n{body}\n", mode)

    def resource(self, tag, kind, **keys):
        """A definition file; returns its RESOURCE line."""
        lines = [f"[{kind}]"] + [f"{key} = {value}" for key, value in keys.items()]
        return f"{tag}:{kind}:{self.write(tag + '.definition', chr(10).join(lines) + chr(10))}"

    def pfile(self, *pents, name="pfile", resources=(), **param):
        """Short intervals, and a long wait for the process."""
        keys = {"IPCKEY": f"0x{self.key:08x}", "MONITOR_INTERVAL": 1, "MONITOR_TRY_COUNT": 20, "SHM_DUMP_FILE": self.dump, **param}
        text = ["##### PARAM #####"] + [f"{key} {value}" for key, value in keys.items()]
        if resources:
            pents = (*pents, "##### RESOURCE #####", *resources)
        self.pfile_path = self.write(name, "\n".join(text + ["##### PENT #####", *pents]) + "\n")
        return self.pfile_path

    # ---- watched daemons ----

    def program(self, name):
        """A copy of the test daemon under this name."""
        path = self.path(name)
        if not os.path.exists(path):
            shutil.copy(os.path.join(self.build, "tests/scenario/testd"), path)
            os.chmod(path, 0o755)
        return path

    def daemon(self, name, *words, argv0=None):
        """Starts the test daemon under this name, in the background; returns its pid."""
        argv = [argv0 or self.program(name), *words]
        out = subprocess.run(argv, executable=self.program(name), env=self.environment, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=BOUND, check=True)
        return int(out.stdout)

    def restarter(self, name):
        """A restart script for the daemon of this name; every run leaves a line in `runs`."""
        line = f"echo \"$PCHECK_OLD_PID $PCHECK_REASON $PCHECK_CAUSE\" >> {self.path(name + '.runs')}"
        return self.script(f"restart_{name}.sh", f"{line}\n{self.program(name)} > /dev/null\nexit 0")

    def runs(self, name):
        return self.read(f"{name}.runs").splitlines()

    def tell(self, fifo, line):
        with open(self.path(fifo), "w") as pipe:
            pipe.write(line + "\n")

    def detached(self, argv, executable=None):
        return kernel.detached(argv, executable, self.environment)

    def pid_of(self, name):
        """The one living process that runs the copy of this name."""
        found = until(lambda: kernel.running(self.path(name)), f"a process of {name}")
        check(len(found) == 1, f"{name} runs {len(found)} times: {found}")
        return found[0]

    def replaced(self, name, old):
        """Waits for the new daemon of this name, the log aside; not for the process that is about to leave it behind."""
        return until(lambda: [pid for pid in kernel.running(self.path(name)) if pid != old and kernel.session_of(pid) == pid],
                     f"the restart of {name}")[0]

    # ---- pcheck ----

    def pcheck_command(self, *words):
        return [self.pcheck_program, "--conf", self.conf, *words]

    def start_pcheck(self, *words, environment=None, wait=True, tracer=None, through=()):
        """In the foreground of nobody; its output is in pcheck.out. tracer: of tests/campaign, which goes on as pcheck. through: a command that
        executes the one behind it."""
        with open(self.path("pcheck.out"), "ab") as out:
            place = self.log.place()
            command = [*through, *self.pcheck_command("-f", self.pfile_path, *words)]
            self.pcheck = subprocess.Popen(tracer.command("--", *command) if tracer else command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                           env={**self.environment, **(environment or {})}, start_new_session=True,
                                           pass_fds=[tracer.writer] if tracer else ())
        if tracer:
            tracer.started()
        if wait:
            self.log.wait(re.compile("^Start pcheck "), place)
        return self.pcheck.pid

    def run_pcheck(self, *words):
        """A pcheck that is to end by itself: -t, or refused."""
        return self.run(self.pcheck_command(*words))

    def run(self, command):
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="backslashreplace",
                                  env=self.environment, timeout=BOUND)
        except subprocess.TimeoutExpired as error:
            raise Failure(f"waited {BOUND:g} s in vain for the end of {' '.join(command)}") from error
        self.last_answer = Answer(done.returncode, done.stdout, done.stderr)
        return self.last_answer

    def pcheck_has_ended(self):
        if self.pcheck and self.pcheck.poll() is not None:
            return f"pcheck has ended with {self.pcheck.returncode}"
        return None

    def pcheck_ends(self, status):
        wait_end(self.pcheck.pid, "pcheck")
        same(self.pcheck.wait(), status, "pcheck's exit status")

    # ---- padmin ----

    def padmin_command(self, *words):
        return [os.path.join(self.build, "padmin/padmin"), "--conf", self.conf, *words]

    def padmin(self, *words):
        return self.run(self.padmin_command(*words))

    def ask(self, *words):
        """padmin -f PFILE -c WORDS, whatever comes of it."""
        return self.padmin("-f", self.pfile_path, "-c", *words)

    def order(self, *words):
        answer = self.ask(*words)
        check(answer.code == 0, f"padmin -c {' '.join(words)}: {answer}")
        return answer.out

    def shows(self, wanted, *words):
        """Until the order's output is this to the byte: a line may be told a moment before the segment says so."""
        try:
            until(lambda: self.order(*words) == wanted, " ".join(words), SOON)
        except Failure:
            same(self.last_answer.out, wanted, " ".join(words))

    def shut_down(self):
        """By order; returns when the last line has come."""
        place = self.log.place()
        self.order("shutdown")
        self.log.wait("Shutdown pcheck", place)
        self.pcheck_ends(0)

    def refused(self, code, *words):
        answer = self.ask(*words)
        check(answer.code == code, f"padmin -c {' '.join(words)}: exit {code} wanted, {answer}")
        return answer.err

    def pents(self, *which):
        """`show pent -v` as dictionaries in their order."""
        blocks = self.order("show", "pent", *which, "-v").split("\n\n")
        return [dict(re.split(r" *= ?", line, maxsplit=1) for line in block.splitlines()) for block in blocks if block]

    def pent(self, name):
        found = [entry for entry in self.pents() if entry["pname"] == name]
        check(len(found) == 1, f"{len(found)} entries of name {name}")
        return found[0]

    def resources(self):
        """`show resource -v` as dictionaries by their tags."""
        blocks = self.order("show", "resource", "-v").split("\n\n")
        found = [dict(re.split(r" *= ?", line, maxsplit=1) for line in block.splitlines()) for block in blocks if block]
        return {resource["tag"]: resource for resource in found}

    def is_in(self, tag, state, bound=BOUND):
        """Waits until the resource is in this state and nothing of it is under way; returns what it shows."""
        def there():
            resource = self.resources().get(tag, {})
            return resource if resource.get("state") == state and "goal" not in resource else None
        return until(there, f"{tag} in {state}", bound)

    def becomes(self, name, bound=BOUND, **fields):
        """Waits until the entry shows all these values."""
        def there():
            entry = next((entry for entry in self.pents() if entry["pname"] == name), {})
            return entry if all(entry.get(key) == str(value) for key, value in fields.items()) else None
        return until(there, f"{name} with {fields}", bound)

    def up(self, name, after=0):
        """The pid of the next Up of this entry."""
        return self.log.wait(re.compile(rf"^\({re.escape(name)} ,pid=\d+\) Up$"), after).text.partition("=")[2].partition(")")[0]

    def up_pid(self, name, after=0):
        return int(self.up(name, after))

    # ---- after a failure ----

    def excerpt(self):
        parts = ["\n".join(str(line) for line in self.log.lines()[-40:]) or "(no log line)", self.read("pcheck.out")[-2000:].rstrip()]
        if self.last_answer:
            parts.append(f"last answer: {str(self.last_answer)[-3000:]}")
        if self.pcheck and alive(self.pcheck.pid):
            try:
                parts.append(str(self.padmin("-f", self.pfile_path, "-c", "show", "pent", "-v"))[-3000:])
            except (OSError, subprocess.SubprocessError) as error:
                parts.append(str(error))
        return "\n----\n".join(part for part in parts if part)


def leaves(value):
    """Every dictionary inside a JSON document."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from leaves(part)


def parsed(text):
    try:
        return json.loads(text)
    except ValueError as error:
        raise Failure(f"no JSON: {error}\n{text}") from error
