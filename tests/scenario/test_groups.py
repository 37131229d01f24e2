# SPDX-License-Identifier: Apache-2.0
"""Together and in order: the options group and after, with real processes (spec/pcheck.md, Groups)."""
import os
import re

from harness import attempt, check, down, pent_line, same, scenario, up
from kernel import alive, kill, running

NAMES = ("alpha", "beta", "gamma")


def with_options(name, script, options, **fields):
    return f"{pent_line(name, script, **fields)}:{options}"


def replacer(world, name):
    """A restart script that ends what is there first: in a group it meets processes that live. Like its kind it waits between stop and
    start: who is started within the very tick of 10 ms in which the death is noticed may pass for a survivor."""
    body = [f"echo {name} >> {world.path('runs')}", "kill -9 $PCHECK_OLD_PID 2>/dev/null", "sleep 0.05",
            f"{world.program(name)} > /dev/null", "exit 0"]
    return world.script(f"replace_{name}.sh", "\n".join(body))


def watch(world, *pents, names=NAMES, **param):
    pids = {name: world.daemon(name) for name in names}
    world.pfile(*pents, **param)
    world.start_pcheck()
    for name, pid in pids.items():
        world.log.wait(up(name, pid))
    return pids


def watch_group(world, options="group=g:delay=0", **fields):
    return watch(world, *(with_options(name, replacer(world, name), options, **fields) for name in NAMES))


def story(world, after):
    """What was tried and what came up, in its order."""
    told = (re.fullmatch(r"(Try to restart) \((\w+)\)|\((\w+) ,pid=\d+\) (Up)", text) for text in world.log.texts(after))
    return [f"{match[2] or match[3]} {'Up' if match[4] else 'tried'}" for match in told if match]


def recovers(world, names=NAMES):
    return [f"{name} {what}" for name in names for what in ("tried", "Up")]


# ---- group ----

@scenario
def a_group_recovers_together_and_in_the_order_of_the_file(world):
    pids = watch_group(world)
    place = world.log.place()
    kill(pids["beta"])
    world.up("gamma", place)
    same(story(world, place), recovers(world), "what was done")
    same(world.read("runs").split(), list(NAMES), "the scripts")
    for name in NAMES:
        world.becomes(name, proc_sts="AVAIL", group="g")
        check(not alive(pids[name]), f"the old {name} lives")
        same(len(running(world.path(name))), 1, f"processes of {name}")


@scenario
def a_script_of_several_members_is_run_once_in_an_attempt(world):
    body = "\n".join(f"pkill -9 -f {world.path(name)}; sleep 0.05; {world.program(name)} > /dev/null" for name in NAMES)
    script = world.script("restart_all.sh", f"echo run >> {world.path('runs')}\n{body}\nexit 0")
    pids = watch(world, *(with_options(name, script, "group=g:delay=0") for name in NAMES))
    place = world.log.place()
    kill(pids["alpha"])
    for name in NAMES:
        world.becomes(name, proc_sts="AVAIL", pid=world.up_pid(name, place))
    same(world.read("runs"), "run\n", "runs of the script")


@scenario
def a_group_is_given_up_as_a_whole_and_taken_up_as_a_whole(world):
    pids = watch_group(world, retries=1)
    place = world.log.place()
    kill(pids["gamma"])
    world.up("gamma", place)
    for name in NAMES:
        world.becomes(name, proc_sts="AVAIL")
    beta = int(world.pent("beta")["pid"])
    place = world.log.place()
    kill(beta)
    for name in NAMES:
        world.log.wait(f"({name}) RETRY_OVER:CONTINUE", place)
        world.becomes(name, proc_sts="RETRY_OVER")
    same(len(world.log.texts(place)), len(down("beta", beta)) + len(NAMES), "lines of the second loss")
    place = world.log.place()
    world.order("clear", "gamma")
    world.up("alpha", place)
    world.up("beta", place)
    for name in NAMES:
        world.becomes(name, proc_sts="AVAIL")


@scenario
def a_paused_member_is_passed_over(world):
    pids = watch_group(world)
    world.order("stop", "beta")
    place = world.log.place()
    kill(pids["gamma"])
    world.up("gamma", place)
    same(story(world, place), recovers(world, ("alpha", "gamma")), "what was done")
    check(alive(pids["beta"]), "the paused one was replaced")


@scenario
def a_failed_attempt_of_a_member_is_one_of_the_group(world):
    fails = world.script("fail.sh", "exit 1")
    pids = watch(world, with_options("alpha", replacer(world, "alpha"), "group=g:delay=0", retries=2),
                 with_options("beta", fails, "group=g:delay=0", retries=2), names=NAMES[:2])
    place = world.log.place()
    kill(pids["beta"])
    world.log.wait("(beta) RETRY_OVER:CONTINUE", place)
    same(len([what for what in story(world, place) if what == "beta tried"]), 2, "attempts of beta")
    world.becomes("alpha", proc_sts="RETRY_OVER")


# ---- after ----

def watch_two(world, db_script=None, **db):
    """web waits for db."""
    return watch(world, pent_line("db", db_script or world.restarter("db"), **db),
                 with_options("web", world.restarter("web"), "after=db:delay=0"), names=("db", "web"))


@scenario
def a_restart_waits_for_what_was_given_up_uncounted_and_goes_on_when_it_is_there_again(world):
    pids = watch_two(world, retries=0)
    kill(pids["db"])
    world.log.wait("(db) RETRY_OVER:CONTINUE")
    check(alive(pids["web"]), "who waits for it was touched")
    place = world.log.place()
    kill(pids["web"])
    world.log.wait("Waiting (web): dependency db is RETRY_OVER", place)
    world.becomes("web", proc_sts="DOWN", waits_for="dependency db", restart_count=0)
    world.daemon("db")
    world.order("clear", "db")
    begun = world.log.wait(attempt("web"), place)
    check(world.log.wait(re.compile(r"^\(db ,pid=\d+\) Up$"), place).index < begun.index, "it did not wait")
    world.up("web", place)
    world.becomes("web", proc_sts="AVAIL", restart_count=1)
    same(len([text for text in world.log.texts(place) if text.startswith("Waiting")]), 1, "Waiting lines")


@scenario
def a_restart_waits_for_one_that_is_being_restarted(world):
    os.mkfifo(world.path("gate"))
    script = world.script("slow.sh", f"read line < {world.path('gate')}\n{world.program('db')} > /dev/null\nexit 0")
    pids = watch_two(world, script)
    place = world.log.place()
    kill(pids["db"])
    world.log.wait(attempt("db"), place)
    kill(pids["web"])
    world.log.wait("Waiting (web): dependency db is RESTART", place)
    world.tell("gate", "go")
    world.up("web", place)
    same(story(world, place), recovers(world, ("db", "web")), "what was done")


@scenario
def a_paused_dependency_counts_by_its_state(world):
    pids = watch_two(world)
    world.order("stop", "db")
    place = world.log.place()
    kill(pids["web"])
    web = world.up_pid("web", place)
    kill(pids["db"])
    world.becomes("db", proc_sts="DOWN", waits_for="operator")
    kill(web)
    world.log.wait("Waiting (web): dependency db is DOWN", place)
    world.order("start", "db")
    world.up("db", place)
    world.becomes("web", proc_sts="AVAIL", restart_count=2)


@scenario
def what_is_all_absent_at_the_start_comes_up_in_order(world):
    world.pfile(with_options("web", world.restarter("web"), "after=app:delay=0"),
                with_options("app", world.restarter("app"), "after=db:delay=0"), pent_line("db", world.restarter("db")), CONFIRM_WAIT=0)
    world.start_pcheck()
    world.up("web")
    same(story(world, 0), recovers(world, ("db", "app", "web")), "what was done")


@scenario
def a_group_waits_for_what_any_of_its_members_waits_for(world):
    pids = watch(world, pent_line("db", world.restarter("db"), retries=0),
                 with_options("alpha", replacer(world, "alpha"), "group=g:delay=0"),
                 with_options("beta", replacer(world, "beta"), "group=g:delay=0:after=db,alpha"), names=("db", "alpha", "beta"))
    kill(pids["db"])
    world.log.wait("(db) RETRY_OVER:CONTINUE")
    place = world.log.place()
    kill(pids["alpha"])
    world.log.wait("Waiting (alpha): dependency db is RETRY_OVER", place)
    world.daemon("db")
    world.order("clear", "db")
    world.up("beta", place)
    same(story(world, place), ["db Up", *recovers(world, ("alpha", "beta"))], "what was done")
