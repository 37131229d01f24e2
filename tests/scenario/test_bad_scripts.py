# SPDX-License-Identifier: Apache-2.0
"""Scripts of resources that hang, end badly, leave things behind or vanish, and orders that meet (spec/resources.md)."""
import os
import random
import re
import subprocess
import sys

from harness import check, parsed, same, scenario
from kernel import BOUND, alive, kill, until, wait_end
from resources import actions, begin, cmdline, generic
from test_sendevent import responder, send, tree


def hanging(world):
    """Does not follow TERM, and has a child that does not either."""
    return world.script("hang", f"trap '' TERM\nsleep 1000 &\necho \"$$ $!\" >> {world.path('hung')}\nwhile :; do wait; done")


def shown(world):
    """tag → what the resource shows, of hundreds."""
    return {one["tag"]: one for one in parsed(world.order("show", "resource", "--json"))["resource"]}


def state_and_reason(world, tag, state):
    return world.is_in(tag, state)["reason"]


@scenario
def a_script_of_either_kind_that_hangs_is_ended_in_every_action(world):
    hang, bad = hanging(world), world.script("bad", "exit 1")
    limits = {f"{action}_timeout": 1 for action in ("restore", "remove", "quickCheck", "deepCheck", "recover")}
    begin(world, generic(world, "g-restore", restore=hang, **limits), generic(world, "g-remove", remove=hang, **limits),
          generic(world, "g-quick", quickCheck=hang, **limits), generic(world, "g-deep", deepCheck=hang, deep_interval=1, **limits),
          generic(world, "g-recover", quickCheck=bad, recover=hang, **limits),
          generic(world, "g-bad", quickCheck=hang, on_check_timeout="bad", recover=bad, **limits),
          cmdline(world, "c-start", start=hang, TIMEOUT=1), cmdline(world, "c-stop", stop=hang, TIMEOUT=1), SCRIPT_KILL_WAIT=1)
    same(state_and_reason(world, "g-restore", "OSF"), "restore action has failed: timeout=1s", "restore")
    same(state_and_reason(world, "g-recover", "OSF"), "recover action has failed: timeout=1s", "recover")
    same(state_and_reason(world, "g-bad", "OSF"), "recover action has failed: status=1", "a late check that is bad")
    same(state_and_reason(world, "c-start", "Faulted"), "Start has failed: timeout=1s", "Start")
    for tag, action in (("g-quick", "quickCheck"), ("g-deep", "deepCheck")):
        world.log.wait_for_count(f"Check failed ({tag}): {action} timeout=1s", 2)
        same(shown(world)[tag]["state"], "ISP", f"a late {action} is good")
    for tag, order, state, reason in (("g-remove", "remove", "OSF", "remove action"), ("c-stop", "offline", "Faulted", "Stop")):
        world.is_in(tag, "ISP" if tag[0] == "g" else "Online")
        world.order(order, tag)
        same(state_and_reason(world, tag, state), f"{reason} has failed: timeout=1s", order)
    world.order("shutdown")
    world.pcheck_ends(0)
    for pid in map(int, world.read("hung").split()):
        wait_end(pid, "a hung script or its child")


@scenario
def a_check_of_kind_cmdline_that_hangs_leaves_the_state_as_it_was(world):
    os.mkfifo(world.path("gate"))
    look = world.script("check", f"[ ! -e {world.path('hangs')} ] || read line < {world.path('gate')}")
    begin(world, cmdline(world, "db", check=look, check_timeout=1))
    world.is_in("db", "Online")
    world.write("hangs", "")
    for _ in range(2):
        place = world.log.place()
        world.order("check", "db")
        world.log.wait("Check failed (db): check timeout=1s", place)
    shows = world.resources()["db"]
    same((shows["state"], shows["report"], shows["last_check"], shows["fail_count"]), ("Online", "Unknown", "timeout=1s", "0"), "what it shows")
    os.unlink(world.path("hangs"))
    world.order("check", "db")
    until(lambda: world.resources()["db"]["report"] == "Online", "a good check")
    same([text for text in world.log.texts() if text.startswith("Resource")], ["Resource (db) Online: Check says Online"], "lines about its state")


@scenario
def every_exit_code_and_every_signal_is_a_failure_with_its_number(world):
    ends = world.script("ends", "ulimit -c 0\ncase $TAG in status*) exit ${TAG#status} ;; esac\nkill -${TAG#signal} $$")
    path = world.write("ends.definition", f"[generic]\nrestore = {ends}\nremove = /bin/true\n")
    signals = [number for number in range(1, 65) if number not in (17, 18, 19, 20, 21, 22, 23, 28, 32, 33)]    # which end nobody
    tags = [f"status{number}" for number in range(2, 256)] + [f"signal{number}" for number in signals]
    begin(world, *[f"{tag}:generic:{path}" for tag in tags])
    until(lambda: all(one["state"] == "OSF" for one in shown(world).values()), "all failed", 4 * BOUND)
    reasons = {tag: one["reason"] for tag, one in shown(world).items()}
    wanted = {tag: "restore action has failed: " + re.sub(r"(\d+)$", r"=\1", tag) for tag in tags}
    same(reasons, wanted, "the reasons")


@scenario
def what_scripts_leave_behind_holds_up_nothing_and_is_left(world):
    leave = f"sleep 1000 &\necho $! >> {world.path('left')}\n"
    line = generic(world, "web", quick_interval=1)
    for action in ("restore", "quickCheck", "remove"):
        with open(world.path(f"web.{action}")) as file:
            body = file.read().partition("\n")[2]
        world.script(f"web.{action}", leave + body)
    begin(world, line)
    world.is_in("web", "ISP")
    until(lambda: world.resources()["web"]["check_count"] == "1", "a check")
    descriptors = len(os.listdir(f"/proc/{world.pcheck.pid}/fd"))
    until(lambda: int(world.resources()["web"]["check_count"]) > 3, "more checks")
    until(lambda: len(os.listdir(f"/proc/{world.pcheck.pid}/fd")) <= descriptors, "no descriptor more")
    world.order("remove", "web")
    world.is_in("web", "OSU")
    left = [int(line) for line in world.read("left").split()]
    check(len(left) > 5 and all(map(alive, left)), f"some were ended: {[pid for pid in left if not alive(pid)]}")


@scenario
def scripts_that_vanish_are_failures_that_say_so(world):
    tree(world)
    responder(world, "allclass/tell", f"echo \"$EVENT_NAME $EVENT_INSTANCE\" >> {world.path('told')}")
    line = generic(world, "web", quick_interval=1)
    restore = world.read("web.restore").partition("\n")[2]
    world.script("web.restore", f"rm \"$0\"\n{restore}")        # while it runs
    begin(world, line)
    world.is_in("web", "ISP")
    for action in ("recover", "remove", "quickCheck"):
        os.unlink(world.path(f"web.{action}"))
    gone = lambda action: f"cannot execute: {world.path('web.' + action)}: No such file or directory"      # noqa: E731
    world.log.wait(f"Check failed (web): quickCheck {gone('quickCheck')}")
    world.log.wait(f"Script failed (web): recover {gone('recover')}")
    same(state_and_reason(world, "web", "OSF"), f"remove action has failed: {gone('remove')}", "the reason")
    until(lambda: "remove_failed web" in world.read("told"), "the event")
    check(alive(world.pid_of("web")), "its process was ended by nobody's script")
    world.order("restore", "web")
    same(state_and_reason(world, "web", "OSF"), f"restore action has failed: {gone('restore')}", "the reason of the restore")


@scenario
def a_check_that_runs_when_remove_is_ordered_is_ended_and_means_nothing(world):
    os.mkfifo(world.path("gate"))
    hang = world.script("hang", f"echo $$ > {world.path('check')}\nread line < {world.path('gate')}\nexit 1")
    begin(world, generic(world, "web", quickCheck=hang), generic(world, "top", depends="web"))
    world.is_in("top", "ISP")
    pid = int(until(lambda: world.read("check"), "a check"))
    world.order("remove", "web")
    shows = world.is_in("web", "OSU")
    wait_end(pid, "the check")
    same((shows["check_count"], shows["fail_count"], shows["last_check"]), ("0", "0", "-----"), "what came of the check")
    check(not any("Check failed" in text for text in world.log.texts()), "its result is told")
    same(actions(world, "web") + actions(world, "top"), ["restore", "remove"] * 2, "scripts")


@scenario
def a_check_that_runs_beside_stop_is_no_failure_of_the_next_state(world):
    os.mkfifo(world.path("gate"))
    line = cmdline(world, "db")
    ctl = world.read("db.ctl").partition("\n")[2]
    world.script("db.ctl", f"[ $1 != check ] || [ ! -e {world.path('hangs')} ] || read line < {world.path('gate')}\n{ctl}")
    begin(world, line)
    world.is_in("db", "Online")
    world.write("hangs", "")
    world.order("check", "db")
    until(lambda: world.resources()["db"].get("script") == "check", "a Check that hangs")
    world.order("offline", "db")
    until(lambda: any(line.startswith("stop ") for line in world.runs("db")), "Stop beside it")
    os.unlink(world.path("hangs"))
    world.tell("gate", "go on")         # it says Offline, and began while Online was wanted
    same(state_and_reason(world, "db", "Offline"), "Stop has succeeded", "the reason")
    check(not any("failed" in text for text in world.log.texts()), world.log.texts())
    same([line.split()[0] for line in world.runs("db") if not line.startswith("check")], ["start", "stop"], "scripts")


def at_once(world, *orders):
    """As many padmins at a time; returns their exit codes."""
    command = world.padmin_command("-f", world.pfile_path, "-c")
    begun = [subprocess.Popen([*command, *order], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              env=world.environment) for order in orders]
    errors = [one.communicate(timeout=BOUND)[1] for one in begun]
    for order, one, error in zip(orders, begun, errors):
        check(one.returncode == 0 or (one.returncode == 1 and error), f"{order}: exit {one.returncode}: {error}")
    return [one.returncode for one in begun]


# Without a child that would keep the lock for a moment when a check is killed.
NOTE = """#!{python} -IS
import fcntl, os, time
def note(file):
    with open("{directory}/" + file, "a") as out:
        out.write("{name}\\n")
lock = open("{directory}/lock", "w")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    note("overlaps")
note("story")
time.sleep(os.getpid() % 5 / 100)
"""


@scenario
def orders_of_several_padmins_for_one_resource_never_run_two_of_its_scripts(world):
    seed = random.randrange(1 << 30)
    random.seed(seed)
    fields = {"python": sys.executable, "directory": world.directory}
    scripts = {name: world.write(f"note.{name}", NOTE.format(name=name, **fields), 0o755) for name in ("restore", "remove", "quickCheck", "recover")}
    top = world.resource("top", "generic", depends="web", restore="/bin/true", remove="/bin/true")
    begin(world, world.resource("web", "generic", quick_interval=0, **scripts), top)
    world.is_in("top", "ISP")
    for order, script in (("check", "quickCheck"), ("recover", "recover")):
        world.order(order, "web")
        until(lambda: script in world.read("story"), script)    # noqa: B023
    for _ in range(15):
        at_once(world, *[(random.choice(("restore", "remove", "check", "recover", "clear")), random.choice(("web", "web", "top"))) for _ in range(6)])
    until(lambda: not any(one.get("goal") for one in world.resources().values()), f"rest (seed {seed})")
    at_once(world, ("remove", "web"), ("remove", "web"))
    world.is_in("web", "OSU")
    at_once(world, ("restore", "top"), ("restore", "web"))
    for tag in ("web", "top"):
        world.is_in(tag, "ISP")
    same(world.read("overlaps"), "", f"scripts beside another one (seed {seed})")


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz/0123456789.-"


@scenario
def a_tag_of_every_letter_and_one_of_every_length_is_handled_by_all_programs(world):
    state = world.path("state")
    os.mkdir(state, 0o755)
    tree(world)
    world.conf = world.write("banken.conf", world.read("banken.conf") + f"[state]\ndir = {state}\n")
    note = {name: world.script(name, f"echo \"{name} $TAG $2\" >> {world.path('runs')}") for name in ("restore", "remove", "recover")}
    path = world.write("any.definition", "[generic]\ncopy = yes\n" + "".join(f"{key} = {value}\n" for key, value in note.items()))
    tags = [LETTERS, "a", "t" * 255, "a/../b", "7"]
    begin(world, *[f"{tag}:generic:{path}" for tag in tags])
    for tag in tags:
        world.is_in(tag, "ISP")
        same(send(world, least=["-C", "c", "-E", "e", "-m", "m", "-n", tag]).code, 0, "exit of sendevent")
        world.log.wait(f"Resource ({tag}) ISP: recover action has succeeded")
        same(world.run([os.path.join(world.build, "compat/perform_action"), "-t", tag, "-a", "remove"]).code, 0, f"remove of {tag}")
        world.order("show", "resource", tag)
        world.order("explain", tag)
        world.order("show", "trace", tag)
        same([line for line in world.read("runs").splitlines() if line.split()[1] == tag],
             [f"{action} {tag} {tag}" for action in ("restore", "recover", "remove")], "its scripts")
    same(sorted(os.listdir(os.path.join(state, "scripts", f"{world.key:08x}"))), sorted(tag.replace("/", "%2F") for tag in tags), "copies")
    world.shut_down()
    world.start_pcheck()
    for tag in tags:
        world.is_in(tag, "OSU")     # as its dump file says


@scenario
def all_mistakes_of_all_files_are_told_at_once_with_their_places(world):
    defaults = world.write("defaults", "LKCHECKINTERVAL=soon\n")
    one = world.resource("one", "generic", restore="relative", remove="/bin/true", check_failures=0)
    two = world.resource("two", "cmdline", start="/bin/true", TIMEOUT=0, quick_interval=5)
    world.pfile("gone:x:y", resources=[one, two, "-bad:generic:/nowhere", "three:generic:/nowhere"], DEFAULTS_FILE=defaults)
    answer = world.run_pcheck("-t", "-f", world.pfile_path)
    same(answer.code, 78, "exit")
    places = [(f"{world.path('one.definition')}:2:", "absolute"), (f"{world.path('one.definition')}:4:", "check_failures"),
              (f"{world.path('two.definition')}:3:", "TIMEOUT"), (f"{world.path('two.definition')}:4:", "quick_interval"),
              (f"{defaults}:1:", "LKCHECKINTERVAL"), ("pfile:12:1: error: -bad", "is no tag"), ("pfile:13:", "/nowhere")]
    for place, word in places:
        check(any(place in line and word in line for line in answer.err.splitlines()), f"no line with {place} and {word} in\n{answer.err}")
