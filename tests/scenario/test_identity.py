# SPDX-License-Identifier: Apache-2.0
"""Which process: every filter of an entry, told apart from a twin that it must not take (spec/pfile.md, options match to pidfile)."""
import os
import re
import shutil
import signal
import subprocess
import sys

from harness import Skip, check, down, parsed, pent_line, same, scenario, up
from kernel import alive, kill, running, until

NOBODY = 65534
SLEEPER = "import signal\nsignal.pause()\n"


def entry(name, script, *options):
    return ":".join([pent_line(name, script), *options])


def starter(world, command, name="start"):
    """A restart script that starts this in the background; every run leaves a line in `start.runs`."""
    return world.script(f"{name}.sh", f"echo run >> {world.path(name + '.runs')}\nsetsid {command} > /dev/null 2>&1 &\nexit 0")


def python(world, program):
    """A program of python3 by its file; all are called python3."""
    path = world.path(program)
    if not os.path.exists(path):
        world.write(program, SLEEPER)
    return [sys.executable, path]


def watched(world, name):
    return world.becomes(name, proc_sts="AVAIL")["pid"]


def is_restarted(world, name, pid, *strangers):
    """The loss of `pid` is told and mended by the script, whoever else lives."""
    place = world.log.place()
    kill(pid)
    same([line.text for line in (world.log.wait(text, place) for text in down(name, pid))], down(name, pid), "the loss")
    new = world.up_pid(name, place)
    check(new not in (pid, *strangers), f"{new} stood in for {pid}")
    for stranger in strangers:
        check(alive(stranger), f"the twin {stranger} was ended")
    return new


@scenario
def a_label_goes_by_its_arguments_and_its_name_matches_nothing(world):
    namesake = world.daemon("shop")
    shop = world.detached(python(world, "shop.py"))
    world.pfile(entry("shop", starter(world, " ".join(python(world, "shop.py"))), "match=label", r"args=/shop\.py$"))
    world.start_pcheck()
    world.log.wait(up("shop", shop))
    is_restarted(world, "shop", shop, namesake)


@scenario
def two_programs_of_python_are_told_apart_by_their_arguments(world):
    mail, shop = world.detached(python(world, "mail.py")), world.detached(python(world, "shop.py"))
    name = os.path.basename(os.path.realpath(sys.executable))
    world.pfile(entry(name, starter(world, " ".join(python(world, "mail.py")), "mail"), r"args=/mail\.py$"),
                entry(name, starter(world, " ".join(python(world, "shop.py")), "shop"), r"args=/shop\.py$"))
    world.start_pcheck()
    world.log.wait(up(name, mail))
    world.log.wait(up(name, shop))
    is_restarted(world, name, shop, mail)
    same(world.runs("mail"), [], "runs of the twin's script")
    same([entry["pid"] for entry in world.pents()][0], str(mail), "the twin's pid")


@scenario
def a_program_whose_file_was_replaced_is_still_its_executable(world):
    other = os.path.join(world.directory, "other")
    os.mkdir(other)
    twin = world.daemon("other/alpha")
    alpha = world.daemon("alpha")
    shutil.copy(world.path("alpha"), world.path("alpha.new"))
    os.rename(world.path("alpha.new"), world.path("alpha"))
    check(os.readlink(f"/proc/{alpha}/exe").endswith(" (deleted)"), "the old file is still there")
    world.pfile(entry("alpha", world.restarter("alpha"), f"exe={world.path('alpha')}"))
    world.start_pcheck()
    world.log.wait(up("alpha", alpha))
    is_restarted(world, "alpha", alpha, twin)


@scenario
def the_process_of_another_user_does_not_count(world):
    roots = world.daemon("alpha")
    nobodys = until(lambda: started_as(world, "alpha", NOBODY), "nobody's alpha")
    world.pfile(entry("alpha", f"/usr/bin/setpriv --reuid {NOBODY} --clear-groups {world.program('alpha')}", "user=nobody"),
                entry("alpha", "-", "user=0"))
    world.start_pcheck()
    world.log.wait(up("alpha", nobodys))
    world.log.wait(up("alpha", roots))
    is_restarted(world, "alpha", nobodys, roots)


def started_as(world, name, uid):
    """The test daemon as this user; its pid."""
    done = subprocess.run(["setpriv", "--reuid", str(uid), "--clear-groups", world.program(name)], env=world.environment,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    return int(done.stdout)


@scenario
def a_daemon_that_drops_its_rights_without_an_exec_is_found_at_once(world):
    dropper = world.write("dropper.py", f"""
import os, signal, time
time.sleep(0.2)
os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
signal.pause()
""")
    world.pfile(entry("dropper", starter(world, f"{sys.executable} {dropper}"), "match=label", r"args=dropper\.py$", "user=nobody"),
                MONITOR_INTERVAL=3600, CONFIRM_WAIT=0)
    world.start_pcheck()
    world.up_pid("dropper")
    same(len(world.runs("start")), 1, "runs of the script")


def writable_cgroup():
    """A cgroup made for the scenario, in the v2 hierarchy or any of v1; None where none may be made."""
    with open("/proc/self/mounts", encoding="ascii") as mounts:
        for line in mounts:
            _, where, kind, *_ = line.split()
            if kind not in ("cgroup", "cgroup2"):
                continue
            path = os.path.join(where, f"banken-{os.getpid()}")
            try:
                os.mkdir(path)
                return path
            except OSError:
                continue
    return None


@scenario
def the_cgroup_tells_twins_apart(world):
    cgroup = writable_cgroup()
    if cgroup is None:
        raise Skip("no cgroup can be made here")
    outside = inside = None
    try:
        outside, inside = world.daemon("alpha"), world.daemon("alpha")
        with open(os.path.join(cgroup, "cgroup.procs"), "w", encoding="ascii") as procs:
            procs.write(str(inside))
        world.pfile(entry("alpha", "-", f"cgroup=*/{os.path.basename(cgroup)}"))
        world.start_pcheck()
        world.log.wait(up("alpha", inside))
        place = world.log.place()
        kill(inside)
        world.log.wait(down("alpha", inside)[0], place)
        world.becomes("alpha", proc_sts="DOWN")
        check(alive(outside), "the twin outside was ended")
    finally:
        if inside and alive(inside):
            kill(inside)
        os.rmdir(cgroup)


def in_a_container(world, name):
    """The test daemon in a PID namespace of its own; its pid for us."""
    world.detached(["/usr/bin/unshare", "--pid", "--fork", "--kill-child", world.program(name), "--foreground"])
    return world.pid_of(name)


@scenario
def the_process_of_a_container_never_stands_in_for_the_hosts(world):
    if subprocess.run(["unshare", "--pid", "--fork", "true"], capture_output=True, check=False).returncode:
        raise Skip("no PID namespace can be made here")
    contained = in_a_container(world, "alpha")
    world.pfile(entry("alpha", world.restarter("alpha")), entry("alpha", "-", "pidns=any"))
    world.start_pcheck()
    world.log.wait(up("alpha", contained))      # of the second entry
    line = world.log.wait(re.compile(rf"^\(alpha ,pid=(?!{contained}\))\d+\) Up$"))
    host = int(line.text.partition("=")[2].partition(")")[0])
    same(len(world.runs("alpha")), 1, "runs of the script")
    is_restarted(world, "alpha", host, contained)


@scenario
def the_pidfile_names_the_process_among_its_twins(world):
    elder, named = world.daemon("alpha"), world.daemon("alpha")
    world.write("alpha.pid", f"{named}\n")
    body = f"{world.program('alpha')} > {world.path('alpha.pid.new')} && mv {world.path('alpha.pid.new')} {world.path('alpha.pid')}"
    world.pfile(entry("alpha", world.script("restart.sh", body), f"pidfile={world.path('alpha.pid')}"))
    world.start_pcheck()
    world.log.wait(up("alpha", named))
    new = is_restarted(world, "alpha", named, elder)
    same(world.read("alpha.pid"), f"{new}\n", "the pidfile")


@scenario
def a_pidfile_that_moves_to_another_match_takes_the_watch_along(world):
    first, second = world.daemon("alpha"), world.daemon("alpha")
    world.write("alpha.pid", f"{first}\n")
    world.pfile(entry("alpha", "-", f"pidfile={world.path('alpha.pid')}"))
    world.start_pcheck()
    world.log.wait(up("alpha", first))
    world.write("alpha.pid", f"{second}\n")
    world.becomes("alpha", pid=second)
    same([text for text in world.log.texts() if " Down" in text], [], "losses")
    kill(first)
    kill(second)
    world.log.wait(down("alpha", second)[0])


@scenario
def a_stale_or_foreign_pid_is_not_running(world):
    other, twin = world.daemon("other"), world.daemon("alpha")
    world.write("alpha.pid", f"{other}\n")
    restart = world.script("restart.sh", f"echo run >> {world.path('alpha.runs')}\n{world.program('alpha')} > {world.path('alpha.pid')}")
    world.pfile(entry("alpha", restart, f"pidfile={world.path('alpha.pid')}"))
    world.start_pcheck()
    pid = world.up_pid("alpha")
    check(pid not in (other, twin), f"{pid} is foreign")
    same(len(world.runs("alpha")), 1, "runs of the script")
    place = world.log.place()
    world.write("alpha.pid", "garbage\n")
    kill(pid)       # with nothing new in the file the twin stays a twin
    world.log.wait(down("alpha", pid)[0], place)
    check(world.up_pid("alpha", place) not in (pid, twin, other), "the twin stood in")


@scenario
def a_pidfile_that_is_a_fifo_holds_up_nobody(world):
    os.mkfifo(world.path("alpha.pid"))
    alpha, beta = world.daemon("alpha"), world.daemon("beta")
    world.pfile(entry("alpha", "-", f"pidfile={world.path('alpha.pid')}"), entry("beta", world.restarter("beta")))
    world.start_pcheck()
    world.log.wait(up("beta", beta))
    is_restarted(world, "beta", beta, alpha)
    same(world.pent("alpha")["proc_sts"], "DOWN", "the state of alpha")


@scenario
def a_label_may_go_by_its_pidfile_alone(world):
    some = world.detached(python(world, "some.py"))
    world.write("app.pid", f"{some}\n")
    world.pfile(entry("app", "-", "match=label", f"pidfile={world.path('app.pid')}"))
    world.start_pcheck()
    world.log.wait(up("app", some))
    place = world.log.place()
    kill(some, signal.SIGTERM)
    world.log.wait(f"Process [app, pid={some}] Down", place)


def matches(world, name):
    """Of `match NAME` as JSON: pid to its standing, the filters that it fails behind it."""
    found = parsed(world.order("match", name, "--json"))["match"]["processes"]
    return {one["pid"]: " ".join([one["standing"], *(miss["filter"] for miss in one["misses"])]) for one in found}


@scenario
def match_shows_who_is_followed_who_else_matches_and_who_nearly_does(world):
    master = world.daemon("alpha", "--fifo", world.path("orders"))
    world.tell("orders", "worker")
    worker = until(lambda: next((pid for pid in running(world.path("alpha")) if pid != master), None), "the worker")
    nobodys = started_as(world, "alpha", NOBODY)
    world.pfile(entry("alpha", "-", "user=0"), entry("beta", "-", "match=label", f"exe={world.path('alpha')}", "args=--nothing"))
    world.start_pcheck()
    world.log.wait(up("alpha", master))
    same(matches(world, "alpha"), {master: "followed", worker: "child", nobodys: "near miss user"}, "the matches")
    same(matches(world, "beta"), {pid: "near miss args" for pid in (master, worker, nobodys)}, "the matches of a label")
    kill(world.pcheck.pid, signal.SIGSTOP)
    text = world.order("match", "alpha")
    kill(world.pcheck.pid, signal.SIGCONT)
    for line in (f"{master:<8} {world.path('alpha')}", f"below {master}, which matches too", f"user is {NOBODY}"):
        check(line in text, f"{line!r} is missing:\n{text}")
    kill(master)
    world.becomes("alpha", proc_sts="DOWN")
    same(matches(world, "alpha"), {worker: "orphan", nobodys: "near miss user"}, "the matches after the loss")
    world.refused(4, "match", "gamma")
    world.refused(64, "match")
