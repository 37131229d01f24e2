# SPDX-License-Identifier: Apache-2.0
"""Scripts that hang hold up nobody but their own entry (SCRIPT_PARALLEL), and time limits end them with all they started."""
import re

from harness import check, pent_line, same, scenario
from kernel import alive, kill, until

RULE = 5.0      # seconds for which a hung script counts against SCRIPT_PARALLEL
PARALLEL, HUNG, OTHERS = 16, 20, 50


def names(kind, count):
    return [f"{kind}{number:02}" for number in range(count)]


def lose_all(world, which, pids):
    """Kills them all; returns when their Down and Try to restart came, after the last kill: (first, last) of each."""
    place = world.log.place()
    for name in which:
        kill(pids[name])
    killed = world.log.wait_for_count(re.compile(rf"^Process \[({'|'.join(which)}), pid=\d+\] Down$"), len(which), place)
    begun = world.log.wait_for_count(re.compile(rf"^Try to restart \(({'|'.join(which)})\)$"), len(which), place)
    return killed, begun


@scenario
def twenty_hung_scripts_delay_fifty_others_by_the_rule_of_5_s_and_their_detection_not_at_all(world):
    hang = world.script("hang.sh", "exec /bin/sleep 1000")
    hung, calm, others = names("hung", HUNG), names("calm", OTHERS), names("other", OTHERS)
    pids = {name: world.daemon(name) for name in hung + calm + others}
    world.pfile(*(pent_line(name, hang) for name in hung), *(pent_line(name, world.restarter(name)) for name in calm + others))
    world.start_pcheck()
    world.log.wait_for_count(re.compile(r" Up$"), len(pids))

    downs, begun = lose_all(world, calm, pids)
    calm_detection, calm_begun = downs[-1].when - downs[0].when, begun[-1].when - downs[0].when
    world.log.wait_for_count(re.compile(r"^\(calm\d\d ,pid=\d+\) Up$"), OTHERS, begun[0].index)

    place = world.log.place()
    for name in hung:
        kill(pids[name])
    full = world.log.wait_for_count(re.compile(r"^Try to restart \(hung\d\d\)$"), PARALLEL, place)[-1]
    downs, begun = lose_all(world, others, pids)
    world.log.wait_for_count(re.compile(r"^\(other\d\d ,pid=\d+\) Up$"), OTHERS, full.index)

    check(downs[-1].index < begun[0].index, "a Down waited for a free slot")
    detection = downs[-1].when - downs[0].when
    check(detection < 3 * calm_detection + 0.5, f"detection took {detection:.3f} s, {calm_detection:.3f} s without hung scripts")
    delay = begun[-1].when - full.when
    check(delay < RULE * 1.1 + 3 * calm_begun + 0.5,
          f"the last began {delay:.2f} s after the slots were full, {calm_begun:.2f} s without hung scripts")
    check(begun[0].when - full.when > RULE * 0.5, "the limit of SCRIPT_PARALLEL was not kept")
    same(len([text for text in world.log.texts(place) if text.startswith("Try to restart (hung")]), HUNG, "attempts of the hung entries")


def restart_with_limit(world, body):
    """alpha with a script of this body and a limit of 1 s, lost once; beta beside it. Returns the line that tells the script's end."""
    world.script("limited.sh", body)
    alpha, beta = world.daemon("alpha"), world.daemon("beta")
    world.pfile(pent_line("alpha", world.path("limited.sh"), retries=1), pent_line("beta", world.restarter("beta")),
                SCRIPT_TIMEOUT=1, SCRIPT_KILL_WAIT=1)
    world.start_pcheck()
    world.log.wait(f"(beta ,pid={beta}) Up")
    kill(alpha)
    world.log.wait("Try to restart (alpha)")
    place = world.log.place()
    kill(beta)
    beta_up = world.log.wait(re.compile(r"^\(beta ,pid=\d+\) Up$"), place)
    line = world.log.wait("Restart script failed (alpha) timeout=1s")
    same(line.priority, "err", "the priority")
    check(beta_up.index < line.index, "the other entry waited for the script's end")
    world.log.wait("(alpha) RETRY_OVER:CONTINUE")
    return line


@scenario
def a_script_over_its_limit_is_asked_by_term(world):
    restart_with_limit(world, f"trap 'echo term > {world.path('asked')}; exit 1' TERM\nwhile :; do /bin/sleep 0.1; done")
    same(world.read("asked"), "term\n", "what the script wrote on SIGTERM")


@scenario
def a_script_that_ignores_term_is_killed_with_its_whole_process_group(world):
    line = restart_with_limit(world, f"trap '' TERM\n/bin/sleep 1000 &\necho $! > {world.path('child')}\nwhile :; do /bin/sleep 0.1; done")
    attempt = world.log.find("Try to restart (alpha)")
    check(line.when - attempt.when > 1.8, "the script was killed before SCRIPT_TIMEOUT and SCRIPT_KILL_WAIT had passed")
    child = int(world.read("child"))
    until(lambda: not alive(child), "the end of the script's child")


@scenario
def a_daemon_that_made_its_own_session_survives_the_time_limit_of_its_script(world):
    world.program("bystander")
    restart_with_limit(world, f"{world.path('bystander')} > {world.path('bystander.pid')}\nexec /bin/sleep 1000")
    check(alive(int(world.read("bystander.pid"))), "the daemon was ended with the script")


def becomes_the_daemon(world, limit, interval):
    world.program("alpha")
    become = pent_line("alpha", world.script("become.sh", f"exec {world.path('alpha')} --foreground"), retries=1)
    param = {"CONFIRM_WAIT": 0, "MONITOR_INTERVAL": interval, "SCRIPT_TIMEOUT": limit, "SCRIPT_KILL_WAIT": 0}
    world.pfile(become, **param)
    world.start_pcheck()
    pid = world.up_pid("alpha")
    same(pid, world.pid_of("alpha"), "the process followed")
    attempt = world.log.find("Try to restart (alpha)")
    beta = world.daemon("beta")     # a clock without sleeping: an entry whose own limit passes after alpha's would have
    hang = world.script("hang.sh", "exec /bin/sleep 1000")
    world.pfile(become, pent_line("beta", hang, retries=1), **param)
    world.order("reload")
    world.log.wait(f"(beta ,pid={beta}) Up")
    kill(beta)
    failed = world.log.wait(f"Restart script failed (beta) timeout={limit}s")
    check(failed.when - attempt.when > limit, "the clock is wrong")
    check(alive(pid) and world.pent("alpha")["proc_sts"] == "AVAIL", "the daemon was ended by the limit of the script that it had been")


@scenario
def a_script_that_becomes_the_daemon_is_not_killed_by_its_limit(world):
    becomes_the_daemon(world, limit=3, interval=1)


@scenario
def a_script_that_becomes_the_daemon_is_not_killed_by_a_limit_shorter_than_the_sweep(world):
    becomes_the_daemon(world, limit=1, interval=10)
