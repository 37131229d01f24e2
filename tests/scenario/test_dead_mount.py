# SPDX-License-Identifier: Apache-2.0
"""A file system that answers nobody any more, under what pcheck and its scripts need of it: the rest goes on, and all of it when it answers."""
import contextlib
import os
import re
import signal
import subprocess
import sys

import kernel
from harness import SOON, Skip, attempt, check, down, pent_line, same, scenario, up
from kernel import alive, kill, until
from resources import keeps_copies


class Mount:
    def __init__(self, world):
        self.world, self.path, self.backing, self.marker = world, world.path("mount"), world.path("backing"), world.path("hung")

    def open(self):
        os.mkdir(self.path, 0o755)
        os.mkdir(self.backing, 0o755)
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "dead_mount.py")
        self.responder = subprocess.Popen([sys.executable, program, self.path, self.backing, self.marker], env=self.world.environment,
                                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.responder.stdout.readline() != "mounted\n":
            raise Skip(f"no FUSE here: {self.responder.communicate()[1].strip()}")

    def script(self, name, body):
        self.world.script(f"backing/{name}", body)
        return os.path.join(self.path, name)

    def hang(self, still=""):
        self.world.write("hung", still)

    def is_held(self):
        fds = f"/proc/{self.world.pcheck.pid}/fd"
        for fd in os.listdir(fds):
            with contextlib.suppress(FileNotFoundError):
                if os.readlink(os.path.join(fds, fd)).startswith(self.path):
                    return True
        return False

    def answer(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.marker)

    def unmount(self):
        """By force: whoever waits gets an error."""
        subprocess.run(["umount", "--force", "--lazy", self.path], check=False, stderr=subprocess.DEVNULL)

    def close(self):
        self.answer()
        self.world.close_pcheck()
        self.unmount()
        self.responder.kill()
        self.responder.wait()


@contextlib.contextmanager
def dead_mount(world):
    if not os.path.exists("/dev/fuse"):
        raise Skip("no /dev/fuse")
    mount = Mount(world)
    mount.open()
    try:
        yield mount
    finally:
        mount.close()


def is_stuck(pid):
    """Waits in the kernel and cannot be killed."""
    return b") D " in kernel.read_proc(pid, "stat")


def goes_on_with(world, name, pid):
    """This entry is restarted and orders are answered, whatever hangs. Returns its new pid."""
    place = world.log.place()
    kill(pid)
    world.log.wait(down(name, pid)[0], place)
    world.log.wait(attempt(name), place)
    new = world.replaced(name, pid)
    world.becomes(name, bound=SOON, proc_sts="AVAIL", pid=new)
    world.order("stop", name)
    world.order("start", name)
    return new


@scenario
def scripts_on_a_dead_mount_hold_up_nobody_and_run_when_it_answers(world):
    count = 12      # more than there are threads that start scripts
    with dead_mount(world) as mount:
        names = [f"hung{number:02}" for number in range(count)]
        pids = {name: world.daemon(name) for name in names}
        script = mount.script("restart.sh", f"{world.directory}/$PCHECK_PNAME > /dev/null")
        beta = world.daemon("beta")
        world.pfile(*(pent_line(name, script) for name in names), pent_line("beta", world.restarter("beta")) + ":delay=0",
                    SCRIPT_PARALLEL=64)
        world.start_pcheck()
        world.log.wait_for_count(re.compile(" Up$"), count + 1)
        world.order("reload")       # the scripts have been looked at
        mount.hang()
        place = world.log.place()
        for pid in pids.values():
            kill(pid)
        world.log.wait_for_count(re.compile(r"^Try to restart \(hung\d\d\)$"), count, place)
        beta = goes_on_with(world, "beta", beta)
        world.order("reload")
        beta = goes_on_with(world, "beta", beta)
        same({world.pent(name)["proc_sts"] for name in names}, {"RESTART"}, "the states of the hung")
        mount.answer()
        world.log.wait_for_count(re.compile(r"^\(hung\d\d ,pid=\d+\) Up$"), count, place)
        goes_on_with(world, "beta", beta)


@scenario
def a_script_on_a_dead_mount_that_cannot_be_ended_is_told_and_its_entry_is_restarted_after_clear(world):
    with dead_mount(world) as mount:
        alpha, beta = world.daemon("alpha"), world.daemon("beta")
        script = mount.script("restart.sh", f"{world.program('alpha')} > /dev/null")
        world.pfile(pent_line("alpha", script), pent_line("beta", world.restarter("beta")) + ":delay=0", SCRIPT_TIMEOUT=1, SCRIPT_KILL_WAIT=0)
        world.start_pcheck()
        for name, pid in (("alpha", alpha), ("beta", beta)):
            world.log.wait(up(name, pid))
        mount.hang()
        kill(alpha)
        world.log.wait(re.compile(r"^Cannot be ended \(alpha ,pid=\d+\)$"))
        world.log.wait("(alpha) RETRY_OVER:CONTINUE")
        beta = goes_on_with(world, "beta", beta)
        mount.answer()
        world.order("clear", "alpha")
        world.becomes("alpha", proc_sts="AVAIL")
        same(len(kernel.running(world.path("alpha"))), 1, "processes of alpha")


def asks(world, what, name):
    """It tells what it can, and ends when its thread does."""
    with open(world.path(f"{what}.out"), "w") as out:
        return subprocess.Popen(world.padmin_command("-f", world.pfile_path, "-c", what, name), stdin=subprocess.DEVNULL, stdout=out)


@scenario
def pidfiles_on_a_dead_mount_hold_up_nobody(world):
    with dead_mount(world) as mount:
        count = 6
        names = [f"hung{number:02}" for number in range(count)]
        pids = {name: world.daemon(name) for name in names}
        for name, pid in pids.items():
            world.write(f"backing/{name}.pid", f"{pid}\n")
        lines = [f"{pent_line(name, world.restarter(name))}:delay=0:pidfile={mount.path}/{name}.pid" for name in names]
        beta = world.daemon("beta")
        world.pfile(*lines, pent_line("beta", world.restarter("beta"), retries="unlimited") + ":delay=0")
        world.start_pcheck()
        for name, pid in [*pids.items(), ("beta", beta)]:
            world.log.wait(up(name, pid))
        mount.hang()
        for _ in range(3):
            beta = goes_on_with(world, "beta", beta)
        world.log.wait(re.compile(rf"^pidfile {mount.path}/hung\d\d.pid does not answer: what it named last counts, for all that hang$"))
        asked = {what: asks(world, what, names[1]) for what in ("explain", "match")}
        until(lambda: "could not be looked at within 2 s" in world.read("explain.out"), "the answer of explain", SOON)
        until(lambda: "no answer within 2 s" in world.read("match.out"), "the answer of match", SOON)
        lost = names[0]
        place = world.log.place()
        kill(pids[lost])
        world.log.wait(down(lost, pids[lost])[0], place)
        new = world.replaced(lost, pids[lost])
        beta = goes_on_with(world, "beta", beta)
        world.write(f"backing/{lost}.pid", f"{new}\n")
        mount.answer()
        world.log.wait(up(lost, new), place)
        for name in names[1:]:
            world.becomes(name, proc_sts="AVAIL", pid=pids[name])
        same({what: padmin.wait() for what, padmin in asked.items()}, {"explain": 0, "match": 0}, "exit statuses")


def goes_on_beside_the_read(world, mount, beta, what):
    until(lambda: mount.is_held() and waits_for_fuse(world.pcheck.pid), f"the read of the {what} to hang")
    for _ in range(3):
        beta = goes_on_with(world, "beta", beta)
    check(mount.is_held(), f"the {what} was read")
    mount.answer()


@scenario
def a_file_that_is_open_on_a_dead_mount_holds_up_no_script(world):
    """A child that had a copy of it would wait when it closes that."""
    with dead_mount(world) as mount:
        alpha, beta = world.daemon("alpha"), world.daemon("beta")
        world.write("backing/alpha.pid", f"{alpha}\n")
        world.pfile(f"{pent_line('alpha', world.restarter('alpha'))}:delay=0:pidfile={mount.path}/alpha.pid",
                    pent_line("beta", world.restarter("beta"), retries="unlimited") + ":delay=0")
        world.start_pcheck()
        for name, pid in (("alpha", alpha), ("beta", beta)):
            world.log.wait(up(name, pid))
        mount.hang("open")
        goes_on_beside_the_read(world, mount, beta, "pidfile")
        world.becomes("alpha", proc_sts="AVAIL", pid=alpha)


@scenario
def a_script_that_is_being_examined_on_a_dead_mount_holds_up_no_other(world):
    with dead_mount(world) as mount:
        alpha, beta = world.daemon("alpha"), world.daemon("beta")
        world.pfile(pent_line("alpha", mount.script("restart.sh", "exit 0")),
                    pent_line("beta", world.restarter("beta"), retries="unlimited") + ":delay=0")
        world.start_pcheck()
        for name, pid in (("alpha", alpha), ("beta", beta)):
            world.log.wait(up(name, pid))
        until(lambda: not mount.is_held(), "the end of the first look at the script")
        mount.hang("open")
        world.order("reload")
        goes_on_beside_the_read(world, mount, beta, "script")


@scenario
def a_dump_on_a_dead_mount_holds_up_neither_restarts_nor_the_end(world):
    with dead_mount(world) as mount:
        beta = world.daemon("beta")
        world.pfile(pent_line("beta", world.restarter("beta")) + ":delay=0", SHM_DUMP_FILE=f"{mount.path}/dump")
        world.start_pcheck()
        world.log.wait(up("beta", beta))
        mount.hang()
        orders = [subprocess.Popen(world.padmin_command("-f", world.pfile_path, "-c", "dump"), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
        refused = until(lambda: next((one for one in orders if one.poll() is not None), None), "the refusal of the second", SOON)
        check("another dump is being written" in refused.communicate()[1] and refused.returncode == 1, f"exit {refused.returncode}")
        dumping = next(one for one in orders if one is not refused)
        beta = goes_on_with(world, "beta", beta)
        world.order("reload")
        place = world.log.place()
        world.order("shutdown")
        told = world.log.wait("Shutdown pcheck", place).index
        world.log.wait("Dump not written: it takes more than 2 s", place)
        check(alive(beta), "beta was ended")
        mount.unmount()
        world.pcheck_ends(0)
        check("ended before it answered" in dumping.communicate()[1], "the end of the dump's order")


def waits_for_fuse(pid):
    return any(b"request_wait_answer" in kernel.read_proc(pid, f"task/{thread}/wchan") for thread in os.listdir(f"/proc/{pid}/task"))


@scenario
def an_update_whose_scripts_lie_on_a_dead_mount_is_answered_when_pcheck_ends(world):
    with dead_mount(world) as mount:
        keeps_copies(world)
        scripts = {name: mount.script(name, "exit 0") for name in ("restore", "remove")}
        world.pfile(resources=[world.resource("web", "generic", copy="yes", **scripts)])
        world.start_pcheck()
        world.is_in("web", "ISP")
        mount.hang()
        update = subprocess.Popen(world.padmin_command("-f", world.pfile_path, "-c", "update", "web"), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        until(lambda: "order update" in world.order("show", "trace", "web"), "the order to begin")
        world.order("shutdown")
        told = update.communicate()[1]
        same((update.returncode, "interrupted: pcheck was ended before all were copied" in told), (1, True), told)
        mount.answer()
        world.pcheck_ends(0)


@scenario
def a_killed_pcheck_whose_thread_waits_for_a_dead_mount_is_named_and_adopted_when_it_has_gone(world):
    with dead_mount(world) as mount:
        alpha = world.daemon("alpha")
        world.write("backing/alpha.pid", f"{alpha}\n")
        world.pfile(f"{pent_line('alpha', world.restarter('alpha'))}:delay=0:pidfile={mount.path}/alpha.pid")
        old = world.start_pcheck()
        world.log.wait(up("alpha", alpha))
        mount.hang()
        world.log.wait(re.compile("^pidfile .* does not answer"))
        os.kill(old, signal.SIGKILL)
        until(lambda: b") Z " in kernel.read_proc(old, "stat"), "the end of its first thread")
        answer = world.run_pcheck("-f", world.pfile_path)
        same((answer.code, answer.err), (71, f"pcheck: the pcheck of before (pid={old}, pfile={world.pfile_path}) was killed and has not ended yet: "
                                             "a thread of it waits, for a dead mount perhaps; start again when it has gone\n"), "the next one")
        same(world.pent("alpha")["proc_sts"], "AVAIL", "what was shown last")
        mount.answer()
        kernel.wait_end(old, "the killed pcheck")
        world.pcheck.wait()
        place = world.log.place()
        world.start_pcheck()
        world.log.wait(f"Adopted state of pcheck[{old}] (entries=1)", place)
        kill(alpha)
        world.log.wait(attempt("alpha"), place)
