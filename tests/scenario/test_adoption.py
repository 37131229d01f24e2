# SPDX-License-Identifier: Apache-2.0
"""pcheck is killed, and the next one goes on where it was (spec/shared-memory.md, Life)."""
import os

from harness import attempt, check, down, pent_line, same, scenario, up
from kernel import alive, kill, until


def killed_and_started(world, between=lambda: None):
    """SIGKILL to pcheck, what happens meanwhile, and another pcheck; the place in the log where that one begins."""
    old, entries = world.pcheck.pid, len(world.pents())
    kill(old)
    world.pcheck.wait()
    between()
    place = world.log.place()
    world.start_pcheck()
    world.log.wait(f"Adopted state of pcheck[{old}] (entries={entries})", place)
    return place


def one(world, name="alpha"):
    return world.pent(name)


@scenario
def counters_windows_and_processes_are_taken_over(world):
    world.restarter("alpha")
    first = world.daemon("alpha")
    world.pfile(pent_line("alpha", world.path("restart_alpha.sh")))
    world.start_pcheck()
    world.log.wait(up("alpha", first))
    place = world.log.place()
    kill(first)
    world.log.wait(attempt("alpha"), place)
    until(lambda: one(world)["proc_sts"] == "AVAIL", "the replacement")
    before = one(world)
    place = killed_and_started(world)
    after = one(world)
    for field in ("pid", "restart_count", "rerun_time", "retry_count", "proc_sts", "restart_total"):
        same(after[field], before[field], field)
    same(len(world.runs("alpha")), 1, "runs of the script")
    kill(int(after["pid"]))
    world.log.wait(down("alpha", after["pid"])[0], place)
    until(lambda: one(world)["restart_count"] == "2", "the second restart")


@scenario
def a_loss_while_nobody_watched_is_acted_on_at_once(world):
    world.restarter("alpha")
    first = world.daemon("alpha")
    world.pfile(pent_line("alpha", world.path("restart_alpha.sh")))
    world.start_pcheck()
    world.log.wait(up("alpha", first))
    place = killed_and_started(world, lambda: kill(first))
    world.log.wait(f"Process [alpha, pid={first}] Down", place)
    world.log.wait(attempt("alpha"), place)
    until(lambda: one(world)["proc_sts"] == "AVAIL", "the replacement")
    same(len(world.runs("alpha")), 1, "runs of the script")


@scenario
def a_script_that_runs_on_is_waited_for(world):
    go = world.path("go")
    world.script("slow.sh", f"echo $$ >> {world.path('slow.runs')}\nwhile [ ! -e {go} ]; do sleep 0.05; done\n{world.program('alpha')} > /dev/null")
    world.pfile(pent_line("alpha", world.path("slow.sh")), CONFIRM_WAIT=0)
    world.start_pcheck()
    script = int(until(lambda: world.read("slow.runs"), "the script"))
    place = killed_and_started(world)
    same(one(world)["proc_sts"], "RESTART", "its state")
    check(alive(script), "the script was ended")
    world.write("go", "")
    until(lambda: one(world)["proc_sts"] == "AVAIL", "the process that the script has started")
    same(len(world.runs("slow")), 1, "runs of the script")
    check(not attempt("alpha") in world.log.texts(place), "it was begun again")


@scenario
def pauses_and_retry_over_are_kept(world):
    first = world.daemon("alpha")
    world.pfile(pent_line("alpha", "/bin/false"), pent_line("beta", "/bin/false", retries=0), CONFIRM_WAIT=0)
    world.start_pcheck()
    world.log.wait("(beta) RETRY_OVER:CONTINUE")
    world.order("stop", "alpha", "for", "1h")
    place = killed_and_started(world)
    same(one(world)["monitor_sts"], "off", "the pause")
    check(one(world)["paused_until"], "the end of the pause")
    same(one(world, "beta")["proc_sts"], "RETRY_OVER", "the given up entry")
    check(alive(first), "alpha")
    check(not any("RETRY_OVER" in line for line in world.log.texts(place)), "it was told again")


@scenario
def fresh_discards_what_was_left(world):
    first = world.daemon("alpha")
    world.pfile(pent_line("alpha"))
    world.start_pcheck()
    world.log.wait(up("alpha", first))
    world.order("stop", "alpha")
    kill(world.pcheck.pid)
    world.pcheck.wait()
    place = world.log.place()
    world.start_pcheck("--fresh")
    world.log.wait(up("alpha", first), place)
    same(one(world)["monitor_sts"], "on", "the pause")


@scenario
def an_edited_pfile_is_met_by_what_was_left(world):
    first = world.daemon("alpha")
    world.pfile(pent_line("alpha", "/bin/false"), pent_line("beta", "/bin/false", retries=0), CONFIRM_WAIT=0)
    world.start_pcheck()
    world.log.wait("(beta) RETRY_OVER:CONTINUE")
    world.log.wait(up("alpha", first))
    pid = world.daemon("gamma")
    place = killed_and_started(world, lambda: world.pfile(pent_line("gamma"), pent_line("alpha", "/bin/true")))
    world.log.wait(up("gamma", pid), place)
    same([(entry["pname"], entry["proc_sts"]) for entry in world.pents()], [("gamma", "AVAIL"), ("alpha", "AVAIL")], "the entries")
    same(int(one(world)["pid"]), first, "alpha's process")


@scenario
def the_state_of_another_pfile_is_told(world):
    first = world.daemon("alpha")
    world.pfile(pent_line("alpha"), pent_line("beta"))
    world.start_pcheck()
    world.log.wait(up("alpha", first))
    left = world.pfile_path
    place = killed_and_started(world, lambda: world.pfile(pent_line("alpha"), name="other"))
    world.log.wait(f"that pcheck watched another pfile, {left}: what only it names is not watched any more", place)
    same(int(one(world)["pid"]), first, "alpha's process")


@scenario
def a_dry_run_leaves_the_state_of_a_real_one_alone(world):
    first = world.daemon("alpha")
    world.pfile(pent_line("alpha"))
    world.start_pcheck()
    world.log.wait(up("alpha", first))
    world.order("stop", "alpha")
    kill(world.pcheck.pid)
    world.pcheck.wait()
    answer = world.run_pcheck("-f", world.pfile_path, "--dry-run")
    same(answer.code, 69, "the exit status")
    check("a dry run needs an IPCKEY" in answer.err, answer)
    world.start_pcheck()
    same(one(world)["monitor_sts"], "off", "the pause")


@scenario
def killed_again_and_again_it_loses_nothing(world):
    world.restarter("alpha")
    pid = world.daemon("alpha")
    world.pfile(pent_line("alpha", world.path("restart_alpha.sh"), retries=1000), SCRIPT_PARALLEL=1)
    world.start_pcheck()
    world.log.wait(up("alpha", pid))
    for turn in range(1, 9):
        place = killed_and_started(world, lambda: kill(pid) if turn % 2 else None)
        if turn % 2:
            world.log.wait(attempt("alpha"), place)
        until(lambda: one(world)["proc_sts"] == "AVAIL", "alpha")
        pid = int(one(world)["pid"])
        check(os.path.exists(f"/proc/{pid}"), "alpha runs")
    same(one(world)["restart_total"], "4", "restarts")
    same(len(world.runs("alpha")), 4, "runs of the script")


@scenario
def the_script_of_a_removed_entry_keeps_its_name_across_a_kill_of_pcheck(world):
    go = world.path("go")
    hang = world.script("hang.sh", f"echo $$ >> {world.path('runs')}\nwhile [ ! -e {go} ]; do sleep 0.05; done")
    first, beta = world.daemon("alpha"), world.daemon("beta")
    others = [pent_line("beta")]
    world.pfile(pent_line("alpha", hang), *others, CONFIRM_WAIT=0)
    world.start_pcheck()
    world.log.wait(up("alpha", first))
    kill(first)
    until(lambda: world.read("runs"), "the script")
    world.pfile(*others, CONFIRM_WAIT=0)
    place = world.log.place()
    world.order("reload")
    script = world.read("runs").strip()
    world.log.wait(f"Left running: script of (alpha) pid={script}", place)
    same([entry["pname"] for entry in world.pents()], ["beta"], "the entries")

    place = killed_and_started(world)
    world.log.wait(f"Left running: script of (alpha) pid={script}", place)
    same([entry["pname"] for entry in world.pents()], ["beta"], "the entries")
    world.pfile(pent_line("alpha", hang), *others, CONFIRM_WAIT=0)
    world.order("reload")
    world.becomes("alpha", proc_sts="DOWN", waits_for="slot")

    killed_and_started(world)      # beside the new entry of its name
    world.becomes("alpha", proc_sts="DOWN", waits_for="slot")
    same(world.read("runs").split(), [script], "runs of the script")
    world.write("go", "")
    until(lambda: len(world.read("runs").split()) > 1, "the script of the new entry")
    check(alive(beta), "beta was ended")
