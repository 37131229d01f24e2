# SPDX-License-Identifier: Apache-2.0
"""The installed program goes on in place of the one that runs (spec/pcheck.md, Signals)."""
import os
import re
import shutil
import signal
import subprocess

import kernel
from harness import attempt, check, down, pent_line, same, scenario, up
from kernel import alive, kill, until


def install(world, build_of=None):
    """A copy of pcheck under a name of its own: a new file each time, as a package manager makes it."""
    path = world.path("pcheck")
    shutil.copy(build_of or os.path.join(world.build, "pcheck/pcheck"), path + ".new")
    os.rename(path + ".new", path)
    world.pcheck_program = path
    return path


def executable_of(pid):
    return os.readlink(f"/proc/{pid}/exe")


def in_place(world, entries=1):
    """Orders it; returns the place in the log where it begins."""
    place, pid = world.log.place(), world.pcheck.pid
    world.order("reexec")
    world.log.wait(f"Adopted state of pcheck[{pid}] (entries={entries})", place)
    return place


def stays(world, pid):
    check(world.pcheck.poll() is None and world.pcheck.pid == pid, "pcheck has ended")


def watched_cron(world, name="alpha", *words, **param):
    world.restarter(name)
    first = world.daemon(name)
    world.pfile(pent_line(name, world.path(f"restart_{name}.sh"), *words), **param)
    install(world)
    world.start_pcheck()
    world.log.wait(up(name, first))
    return first


@scenario
def the_installed_program_goes_on_as_the_same_process(world):
    first = watched_cron(world)
    kill(first)
    world.log.wait(attempt("alpha"))
    second = int(world.becomes("alpha", proc_sts="AVAIL", restart_count=1)["pid"])
    program = install(world)
    check(executable_of(world.pcheck.pid).endswith("(deleted)"), "it runs the old file")
    place = in_place(world)
    same(executable_of(world.pcheck.pid), program, "what runs")
    after = world.pent("alpha")
    same((int(after["pid"]), after["restart_count"], after["proc_sts"]), (second, "1", "AVAIL"), "what was taken over")
    kill(second)
    world.log.wait(down("alpha", second)[0], place)
    world.becomes("alpha", proc_sts="AVAIL", restart_count=2)
    same(len(world.runs("alpha")), 2, "runs of the script")
    world.shut_down()


@scenario
def a_signal_does_the_same_and_again(world):
    first = watched_cron(world)
    for _ in range(3):
        install(world)
        place = world.log.place()
        os.kill(world.pcheck.pid, signal.SIGUSR2)
        world.log.wait(f"Adopted state of pcheck[{world.pcheck.pid}] (entries=1)", place)
        same(int(world.becomes("alpha", proc_sts="AVAIL")["pid"]), first, "alpha's process")
    check(not attempt("alpha") in world.log.texts(), "it was restarted")


@scenario
def the_status_of_a_script_that_runs_across_is_known(world):
    go = world.path("go")
    world.script("slow.sh", f"echo run >> {world.path('slow.runs')}\nwhile [ ! -e {go} ]; do sleep 0.05; done\nexit 3")
    world.pfile(pent_line("alpha", world.path("slow.sh"), retries=1), CONFIRM_WAIT=0)
    install(world)
    world.start_pcheck()
    until(lambda: world.runs("slow"), "the script")
    place = in_place(world)
    same(world.pent("alpha")["proc_sts"], "RESTART", "its state")
    world.write("go", "")
    world.log.wait("Restart script failed (alpha) status=3", place)
    same(len(world.runs("slow")), 1, "runs of the script")


@scenario
def the_status_of_a_script_of_a_resource_that_runs_across_is_known(world):
    go = world.path("go")
    slow = world.script("slow.sh", f"echo run >> {world.path('slow.runs')}\nwhile [ ! -e {go} ]; do sleep 0.05; done\nexit 3")
    world.pfile(resources=[world.resource("web", "generic", restore=slow, remove=slow)])
    install(world)
    world.start_pcheck()
    until(lambda: world.runs("slow"), "the script")
    place = in_place(world, entries=0)
    world.write("go", "")
    world.log.wait("Script failed (web): restore status=3", place)
    world.is_in("web", "OSF")
    same(len(world.runs("slow")), 1, "runs of the script")


@scenario
def what_the_program_before_had_started_is_reaped(world):
    world.script("become.sh", f"exec {world.program('alpha')} --foreground")
    world.pfile(pent_line("alpha", world.path("become.sh"), retries=9) + ":check=/bin/true:check_interval=1", CONFIRM_WAIT=0)
    install(world)
    world.start_pcheck()
    pid = int(world.becomes("alpha", proc_sts="AVAIL")["pid"])
    same(kernel.parent_of(pid), world.pcheck.pid, "its parent")
    place = in_place(world)
    same(int(world.becomes("alpha", proc_sts="AVAIL")["pid"]), pid, "the process")
    kill(pid)
    world.log.wait(down("alpha", pid)[1], place)
    until(lambda: not os.path.exists(f"/proc/{pid}"), "the reap")


@scenario
def a_program_that_cannot_go_on_is_never_executed(world):
    first = watched_cron(world)
    pid = world.pcheck.pid
    for body, why in (("exit 9", "its test ended with status=9"), ("echo 'no such library' >&2; exit 127", "no such library")):
        world.script("pcheck.broken", body)
        os.rename(world.path("pcheck.broken"), world.path("pcheck"))
        place = world.log.place()
        check(why in world.refused(1, "reexec"), f"{why} in {world.last_answer}")
        world.log.wait(re.compile(f"^Reexec failed, going on as before: .*{why}"), place)
    os.chmod(install(world), 0o757)
    check("is writable by others" in world.refused(1, "reexec"), world.last_answer)
    os.unlink(world.path("pcheck"))
    check("No such file or directory" in world.refused(1, "reexec"), world.last_answer)
    stays(world, pid)
    place = world.log.place()
    kill(first)
    world.log.wait(down("alpha", first)[0], place)
    world.becomes("alpha", proc_sts="AVAIL", restart_count=1)


@scenario
def a_pfile_with_mistakes_is_no_end_of_the_watch(world):
    first = watched_cron(world)
    install(world)
    good = world.read("pfile")
    world.write("pfile", good + "beta:/bin/true:x:3:continue\n")
    answer = world.refused(1, "reexec")
    check(f"{world.pfile_path}:" in answer and "error" in answer, answer)
    world.write("pfile", good)
    in_place(world)
    same(int(world.becomes("alpha", proc_sts="AVAIL")["pid"]), first, "alpha's process")


@scenario
def scripts_keep_the_limits_that_pcheck_was_started_with(world):
    world.script("limit.sh", f"ulimit -Sn >> {world.path('limits')}\n{world.program('alpha')} > /dev/null")
    world.pfile(pent_line("alpha", world.path("limit.sh"), retries=9), CONFIRM_WAIT=0)
    install(world)
    world.start_pcheck()
    pid = int(world.becomes("alpha", proc_sts="AVAIL")["pid"])
    in_place(world)
    kill(pid)
    limits = until(lambda: len(world.read("limits").split()) == 2 and world.read("limits").split(), "the second run")
    same(limits[1], limits[0], "the limit")


def build_with_longer_layout(world):
    """This tree with a later minor version of the segment, which has one more field; the path of its pcheck."""
    root, tree = os.path.abspath(os.path.join(os.path.dirname(__file__), "../..")), world.path("tree")
    shutil.copytree(root, tree, ignore=shutil.ignore_patterns("build*", ".git"))
    edits = {"common/segment_codec.cpp": [(r"(end_of_fields<EntryRecord>\(1\) == )(\d+)", lambda m: f"{m[1]}{int(m[2]) + 1}")],
             "common/segment_layout.hpp": [(r"layout_minor = (\d+)", lambda m: f"layout_minor = {int(m[1]) + 1}")],
             "common/segment_records.hpp": [(r"(    EntryReason lost_by = .*\n)", r"\1    std::uint64_t later = 7;\n"),
                                            (r"Field\{(\d+), &R::lost_by\}\}",
                                             lambda m: f"Field{{{m[1]}, &R::lost_by}}, Field{{{int(m[1]) + 1}, &R::later}}}}")]}
    for path, changes in edits.items():
        with open(os.path.join(tree, path)) as file:
            text = file.read()
        for pattern, replacement in changes:
            text, count = re.subn(pattern, replacement, text, count=1)
            check(count == 1, f"{pattern} in {path}")
        with open(os.path.join(tree, path), "w") as file:
            file.write(text)
    build = world.path("build")
    for command in (["meson", "setup", "-Doptimization=0", "-Ddebug=false", build, tree], ["ninja", "-C", build, "pcheck/pcheck"]):
        done = subprocess.run(command, capture_output=True, text=True)
        check(done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:])
    return os.path.join(build, "pcheck/pcheck")


@scenario(slow=True)
def an_upgrade_to_a_longer_layout_loses_nothing_and_a_downgrade_is_refused(world):
    later, go = build_with_longer_layout(world), world.path("go")
    world.restarter("beta")
    first = world.daemon("beta")
    world.script("slow.sh", f"echo run >> {world.path('slow.runs')}\nwhile [ ! -e {go} ]; do sleep 0.05; done\n{world.program('alpha')} > /dev/null")
    world.pfile(pent_line("alpha", world.path("slow.sh")), pent_line("beta", world.path("restart_beta.sh")), pent_line("gamma", retries=0),
                pent_line("delta", "/bin/false", retries=0), CONFIRM_WAIT=0)
    install(world)
    world.start_pcheck()
    world.log.wait("(delta) RETRY_OVER:CONTINUE")
    world.order("stop", "gamma", "for", "1h")
    kill(first)
    world.becomes("beta", proc_sts="AVAIL", restart_count=1)
    until(lambda: world.runs("slow"), "the script")
    fields = ("pname", "proc_sts", "pid", "restart_count", "rerun_time", "retry_count", "monitor_sts", "restart_total", "paused_until")
    shown = [[entry.get(field) for field in fields] for entry in world.pents()]
    install(world, later)
    in_place(world, 4)
    same([[entry.get(field) for field in fields] for entry in world.pents()], shown, "what was taken over")
    world.write("go", "")
    world.becomes("alpha", proc_sts="AVAIL", restart_count=1)
    same(len(world.runs("slow")), 1, "runs of the script")
    install(world)
    check("it was made by a newer pcheck" in world.refused(1, "reexec"), world.last_answer)
    same(world.pent("beta")["restart_count"], "1", "the count")
