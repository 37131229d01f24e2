# SPDX-License-Identifier: Apache-2.0
"""Events for resources and of them: their story, many at once, and more than anybody takes (spec/events.md)."""
import os
import re
import shutil
import subprocess

from harness import check, same, scenario
from kernel import BOUND, until
from resources import actions, begin, generic
from test_load import PATIENCE, rss_anon
from test_sendevent import responder, send, tree

LEAST = ["-C", "filesys", "-E", "diskfull", "-m", "df", "-n", "web"]


def story(world, tag):
    """What the log and the trace have of its states, each in its order, without times and without what only one of them tells."""
    log = [text.partition(f"({tag}) ")[2].replace(": ", " ", 1) for text in world.log.texts() if text.startswith(f"Resource ({tag})")]
    trace = [line for line in traced(world, tag) if line.split()[0] in ("ISP", "ISU", "OSF")]
    return [line for line in log if "event" not in line], [line for line in trace if "ISP recover action is" not in line]


def traced(world, tag):
    return [line.partition(f" {tag} ")[2] for line in world.order("show", "trace", tag).splitlines()]


@scenario
def the_log_and_the_trace_tell_the_story_of_an_event_in_its_order(world):
    broken = world.path("broken")
    recover = world.script("recover", f"echo \"$0\" >> {world.path('web.runs')}\ntest ! -e {broken}")
    begin(world, generic(world, "web", quick_interval=0, recover=recover))
    world.is_in("web", "ISP")
    for outcome in ("ISP: recover action has succeeded", "OSF: recover action has failed: status=1"):
        place = world.log.place()
        same(send(world, least=LEAST).code, 0, "exit of sendevent")
        world.log.wait(f"Resource (web) {outcome}", place)
        same(world.log.texts(place)[0], "Resource (web) ISP: event filesys/diskfull", "the first line")
        world.write("broken", "")
    log, trace = story(world, "web")
    same(log, ["ISP restore action has succeeded", "ISP recover action has succeeded", "ISU remove action is running",
               "OSF recover action has failed: status=1"], "the log")
    same(trace, log, "the trace")
    told = [line for line in traced(world, "web") if line.split()[0] in ("order", "begins", "ended")]
    same(told, ["begins restore", "ended restore status=0", "order event filesys/diskfull", "begins recover", "ended recover status=0",
                "order event filesys/diskfull", "begins recover", "ended recover status=1", "begins remove", "ended remove status=0"],
         "what led to it")
    same(send(world, "-w", least=LEAST).code, 0, "exit of sendevent for what is out of service")
    same([os.path.basename(line.split()[0]) for line in world.runs("web")], ["web.restore", "recover", "recover", "web.remove"], "scripts")


@scenario
def of_many_events_for_a_resource_each_is_told_and_those_that_recover_it_are_marked(world):
    tree(world)
    responder(world, "filesys/diskfull/tell", f"echo \"$*\" >> {world.path('told')}")
    begin(world, generic(world, "web", quick_interval=0))
    world.is_in("web", "ISP")
    program = os.path.join(world.build, "sendevent/sendevent")
    for _ in range(5):
        flood = [subprocess.Popen([program, "--conf", world.conf, *LEAST], env=world.environment, stdin=subprocess.DEVNULL) for _ in range(20)]
        same([one.wait(BOUND) for one in flood], [0] * 20, "exits of sendevent")
    told = until(lambda: (lines := world.read("told").splitlines()) and len(lines) >= 100 and lines, "a hundred responders")
    typed = " ".join(LEAST)
    check(set(told) <= {typed, f"{typed} -A"}, f"other arguments: {set(told)}")
    begun = told.count(f"{typed} -A")
    until(lambda: world.is_in("web", "ISP")["recover_count"] == str(begun), f"{begun} recoveries that have ended")
    same(actions(world, "web").count("recover"), begun, "scripts")
    check(begun > 0, "nothing was recovered")


def noisy(world, count):
    """So many resources that tell two events a second each."""
    action = world.path("action")
    shutil.copy(os.path.join(world.build, "tests/scenario/action"), action)
    keys = {"restore": action, "remove": action, "recover": action, "quickCheck": "/bin/false", "quick_interval": 1}
    path = world.write("noisy.definition", "[generic]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items()))
    return [f"r{number:03}:generic:{path}" for number in range(count)]


def raised(world):
    """Each of these lines was told as an event, too; of one resource they are too few to be suppressed."""
    return sum(text.startswith(("Start pcheck", "Resource (", "Check failed (")) for text in world.log.texts())


FULL = re.compile(r"^Event queue full, (\d+) lost$")


def lost(world):
    return sum(int(line[1]) for line in map(FULL.match, world.log.texts()) if line)


def told(world):
    return len(world.read("told").splitlines())


@scenario(slow=True)
def ten_thousand_events_that_nobody_takes_are_bounded_and_counted(world):
    tree(world)
    os.mkfifo(world.path("never"))
    wait = f"[ -e {world.path('released')} ] || read line < {world.path('never')}"
    responder(world, "allclass/tell", f"echo \"$EVENT_NAME\" >> {world.path('begun')}\n{wait}\necho \"$EVENT_NAME\" >> {world.path('told')}")
    begin(world, *noisy(world, 1000))
    world.log.wait(FULL, bound=PATIENCE)
    memory = rss_anon(world.pcheck.pid)
    until(lambda: raised(world) > 10000, "ten thousand events", PATIENCE)
    check(rss_anon(world.pcheck.pid) < 1.1 * memory, f"RssAnon grew from {memory} to {rss_anon(world.pcheck.pid)} KiB")
    same(len(world.read("begun").splitlines()), 32, "responders at a time")
    world.order("stop")
    world.write("released", "")
    gate = os.open(world.path("never"), os.O_RDWR)
    os.write(gate, b"go on\n" * 32)
    until(lambda: told(world) + lost(world) == raised(world), "the events that were kept", PATIENCE)
    os.close(gate)
    print(f"resource_events: {raised(world)} events, {lost(world)} lost, RssAnon {memory} KiB", flush=True)
    check(lost(world) > 4096, "nothing was to be lost")
