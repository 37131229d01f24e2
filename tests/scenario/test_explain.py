# SPDX-License-Identifier: Apache-2.0
"""explain and wait, and the shows that are ours: what is foretold must come, in the order in which it was foretold (spec/padmin.md)."""
import os
import signal
import subprocess
import time

from harness import check, parsed, pent_line, same, scenario
from kernel import BOUND, kill, until


def explained(world, name):
    return parsed(world.order("explain", name, "--json"))["explain"]


def foretold(world, name, action):
    """The forecast of an entry, once this is its next action."""
    def there():
        one = explained(world, name)
        return one if one["next_action"] == action else None
    return until(there, f"next_action {action} of {name}")


@scenario
def what_is_foretold_comes_in_that_order_and_not_before_its_time(world):
    """Three entries with delays of 2, 4 and 6 s fail at once: their next attempts come in the order of their next_time."""
    fail = world.script("fail.sh", "exit 3")
    delays = {"alpha": 6, "beta": 2, "gamma": 4}
    world.pfile(*(pent_line(name, fail, retries=2) + f":delay={delay}" for name, delay in delays.items()), CONFIRM_WAIT=0)
    world.start_pcheck()
    forecasts = {name: foretold(world, name, "attempt") for name in delays}
    for name, forecast in forecasts.items():
        same((forecast["state"], forecast["wait"], forecast["attempts_left"]), ("DOWN", "delay", 1), f"{name}'s state, wait, attempts_left")
        same([row["attempt"] for row in forecast["timetable"]], [2], f"{name}'s timetable")
        same(forecast["last_failure"], "status=3", f"{name}'s last failure")
    order = sorted(forecasts, key=lambda name: forecasts[name]["next_time_epoch"])
    same(order, ["beta", "gamma", "alpha"], "the order that was foretold")
    for name in order:
        world.log.wait(f"({name}) RETRY_OVER:CONTINUE")
        check(time.time() >= forecasts[name]["next_time_epoch"], f"{name} came before its time")
    told = [text for text in world.log.texts() if text.endswith("RETRY_OVER:CONTINUE")]
    same(told, [f"({name}) RETRY_OVER:CONTINUE" for name in order], "the order in which it came")


@scenario
def every_wait_is_told_with_its_next_action(world):
    hang = world.script("hang.sh", "exec /bin/sleep 1000")
    alpha = world.daemon("alpha")
    world.pfile(pent_line("alpha", world.restarter("alpha")), pent_line("beta", hang) + ":script_timeout=900",
                pent_line("gamma", hang) + ":after=beta", pent_line("delta"),
                pent_line("epsilon", world.script("nothing.sh", "exit 0")) + ":start_timeout=800", pent_line("zeta", hang, retries=0))
    world.start_pcheck()
    for name, state, action, timed in (("alpha", "AVAIL", "none", False), ("beta", "RESTART", "script_limit", True),
                                       ("gamma", "DOWN", "dependency", False), ("delta", "DOWN", "process_seen", False),
                                       ("epsilon", "START", "start_deadline", True), ("zeta", "RETRY_OVER", "reminder", True)):
        forecast = foretold(world, name, action)
        same(forecast["state"], state, f"{name}'s state")
        check((forecast["next_in"] is not None and forecast["next_in"] > 0) == timed, f"{name}'s next_in is {forecast['next_in']}")
        text = world.order("explain", name)
        check(text.startswith(f"state   {name} (pent_id ") and f" is {state}" in text and "\nwhy " in text and "\nnext " in text, text)
    same(explained(world, "gamma")["held_up_by"], ["beta"], "held_up_by")
    world.order("stop", "alpha", "for", "30m")
    forecast = foretold(world, "alpha", "resume")
    check(1700 < forecast["next_in"] <= 1800, f"next_in of a pause of 30m is {forecast['next_in']}")
    check("paused_until" in world.pent("alpha"), "show pent -v does not say until when alpha is paused")
    kill(alpha)


@scenario
def a_script_that_trust_refuses_and_what_a_failed_one_wrote_are_told(world):
    out = world.path("scripts.out")
    world.script("fail.sh", "echo 'cannot open \"/nowhere\"'; exit 3")
    refused = world.script("open.sh", "exit 0", mode=0o757)
    world.pfile(pent_line("alpha", world.path("fail.sh"), retries=1), pent_line("beta", refused, retries=1), SCRIPT_OUTPUT=out, CONFIRM_WAIT=0)
    world.start_pcheck()
    world.log.wait("(alpha) RETRY_OVER:CONTINUE")
    text = world.order("explain", "alpha")
    for part in ("its last attempt failed at", "status=3", 'cannot open "/nowhere"', f"-c clear alpha"):
        check(part in text, f"{part} is not in:\n{text}")
    text = world.order("explain", "beta")
    check(f"its script would not be run now: {refused} is writable by others" in text, text)
    os.chmod(refused, 0o755)
    check("would not be run" not in world.order("explain", "beta"), "a mended script is still told as refused")


@scenario
def one_that_runs_again_by_hand_is_told_and_how_to_take_it_back(world):
    alpha = world.daemon("alpha")
    world.pfile(pent_line("alpha", world.restarter("alpha"), retries=0))
    world.start_pcheck()
    world.up("alpha")
    kill(alpha)
    world.log.wait("(alpha) RETRY_OVER:CONTINUE")
    new = world.daemon("alpha")
    world.becomes("alpha", seen=new)
    text = world.order("explain", "alpha")
    check(f"process {new} runs again" in text and "-c clear alpha  counters to 0, and the process is watched again" in text, text)
    world.order("clear", "alpha")
    world.order("wait", "alpha", "AVAIL")


@scenario
def wait_returns_when_the_state_is_there_and_when_pcheck_ends(world):
    world.script("nothing.sh", "exit 0")
    world.pfile(pent_line("alpha", world.path("nothing.sh")) + ":start_timeout=800")
    same(world.ask("wait", "alpha", "AVAIL").code, 3, "wait without pcheck")
    world.start_pcheck()
    world.order("wait", "alpha", "start")
    text = world.refused(75, "wait", "alpha", "AVAIL", "--wait", "0")
    check("alpha is START, not AVAIL" in text, text)
    world.refused(4, "wait", "nobody", "AVAIL")
    check('no entry "alhpa", did you mean alpha?' in world.refused(4, "explain", "alhpa"), "the entry that is meant is not named")
    check('no entry "nobody": show pent lists them' in world.refused(4, "explain", "nobody"), "it is not said where the entries are listed")
    check('no entry "alhpa", did you mean alpha?' in world.refused(4, "clear", "alhpa"), "the entry that an order means is not named")
    lost = world.padmin("-f", world.path("nowhere"), "-c", "show", "pent")
    check(lost.code == 66 and "-k KEY needs no pfile, and padmin -l lists the keys" in lost.err, lost)
    check("RETRY_OVER" in world.refused(64, "wait", "alpha", "GIVEN_UP"), "the states are not listed")
    command = world.padmin_command("-f", world.pfile_path, "-c", "wait", "alpha")
    waits = [subprocess.Popen([*command, state, "--wait", "600"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, env=world.environment, text=True) for state in ("AVAIL", "RETRY_OVER")]
    world.daemon("alpha")
    same(waits[0].wait(BOUND), 0, "the exit status of wait AVAIL")
    world.shut_down()
    text = waits[1].communicate(timeout=BOUND)[1]
    same(waits[1].returncode, 3, f"the exit status of wait after the end of pcheck ({text})")


@scenario
def reload_t_shows_the_difference_and_changes_nothing(world):
    world.daemon("alpha")
    world.pfile(pent_line("alpha", world.restarter("alpha")))
    world.start_pcheck()
    world.up("alpha")
    before = world.order("show", "pent", "-v")
    world.pfile(pent_line("alpha", world.restarter("alpha"), retries=7), pent_line("beta", "-"))
    place = world.log.place()
    text = world.order("reload", "-t")
    check("retries 3 -> 7" in text and text.endswith("1 added, 0 removed, 1 changed, 0 unchanged\n"), text)
    same(world.order("show", "pent", "-v"), before, "show pent -v after reload -t")
    world.pfile("alpha:-:x:3:continue")
    check(f"{world.pfile_path}:7:" in world.refused(78, "reload", "-t"), "the mistake has no place")
    same(world.log.texts(place), [], "what reload -t has logged")


@scenario
def reload_t_names_what_a_reload_would_clear(world):
    lines = pent_line("alpha", "/bin/true", retries=0), pent_line("beta", "-")
    world.pfile(*lines)
    world.start_pcheck()
    world.log.wait("(alpha) RETRY_OVER:CONTINUE")
    check(world.order("reload", "-t").startswith("would clear: alpha\n"), "what would be cleared is not named")
    world.pfile(lines[1])
    check("would clear" not in world.order("reload", "-t"), "a removed entry would be cleared")


@scenario
def what_a_killed_pcheck_has_left_is_shown(world):
    pid = world.daemon("alpha")
    world.pfile(pent_line("alpha", world.restarter("alpha")))
    world.start_pcheck()
    world.up("alpha")
    kill(world.pcheck.pid)
    world.pcheck.wait()
    for words, part in ((("explain", "alpha"), "pcheck was killed"), (("show", "pent"), f"pid             = {pid}")):
        answer = world.ask(*words)
        same(answer.code, 3, f"the exit status of {words}")
        check(part in answer.out and "was killed" in answer.err, f"{words}: {answer.out}{answer.err}")
    same(world.ask("show", "pent", "-q").code, 3, "the exit status of show pent -q")
    world.start_pcheck()
    check("was killed" not in world.order("explain", "alpha"), "a running pcheck is told as killed")


@scenario
def what_is_odd_about_a_process_is_told(world):
    pid = world.daemon("alpha")
    with open(world.path("alpha.pid"), "w", encoding="ascii") as file:
        file.write(f"{pid}\n")
    world.pfile(pent_line("alpha", world.restarter("alpha")) + f":pidfile={world.path('alpha.pid')}:hung=300")
    world.start_pcheck("--dry-run")
    world.up("alpha")
    check("\nprocess" not in world.order("explain", "alpha"), "something is odd about a process that runs")
    os.kill(pid, signal.SIGSTOP)
    with open(world.path("alpha.pid"), "w", encoding="ascii") as file:
        file.write("1\n")
    until(lambda: "is in state T" in world.order("explain", "alpha"), "state T")
    text = world.order("explain", "alpha")
    for part in (f"alpha.pid names process 1 now: process {pid} is followed on", "it counts as stalled once it has stood so for 5 min (hung)", "with --dry-run"):
        check(part in text, f"{part} is not in:\n{text}")
    check("--dry-run" in world.order("show", "param", "-v"), "show param -v does not tell the dry run")
    check(f"process {pid} is followed on" in world.order("match", "alpha"), "match does not tell whom the pidfile names")
    kill(pid)


@scenario
def the_shows_for_people_are_there_as_json_too(world):
    alpha = world.daemon("alpha")
    world.pfile(pent_line("alpha", world.restarter("alpha")) + ":group=shop", pent_line("beta", "-"))
    world.start_pcheck()
    world.up("alpha")
    kill(alpha)
    world.becomes("alpha", restart_total=1, proc_sts="AVAIL")
    groups = parsed(world.order("show", "group", "--json"))["group"]
    same([(group["group"], group["restart_count"], group["members"][0]["pname"]) for group in groups], [("shop", 1, "alpha")], "the groups")
    check("member          = alpha (pent_id 1) AVAIL" in world.order("show", "group"), world.last_answer)
    same(world.refused(4, "show", "group", "nobody").strip(), "padmin: no such group: nobody", "the reason")
    events = [record["event"] for record in parsed(world.order("show", "trace", "alpha", "--json", "-n", "1000"))["trace"]]
    check("died" in events and "RESTART" in events, f"the trace of alpha has only {events}")
    same(len(world.order("show", "trace", "-n", "3").splitlines()), 3, "lines of show trace -n 3")
    capabilities = parsed(world.order("show", "capabilities", "--json"))["capabilities"]
    same((capabilities["detect"], capabilities["cause_stat"]), ("pidfd", "yes"), "two of the capabilities")
    everything = parsed(world.order("show", "all", "--json"))
    same(sorted(everything), ["capabilities", "group", "param", "pent", "resource", "schema"], "what show all has")
    check("MONITOR_INTERVAL" in world.order("show", "all") and "cause_pidfd" in world.last_answer.out, world.last_answer)


@scenario
def an_order_with_an_option_that_it_does_not_know_is_not_carried_out(world):
    world.daemon("alpha")
    world.pfile(pent_line("alpha", world.restarter("alpha")))
    world.start_pcheck()
    world.up("alpha")
    check('-v does not go with "stop"' in world.refused(64, "stop -v"), world.last_answer)
    check("did you mean stop alpha for 30m?" in world.refused(64, "stop", "alpha", "30m"), world.last_answer)
    same(world.pent("alpha")["monitor_sts"], "on", "monitor_sts")


@scenario
def an_order_waits_for_no_log_daemon_that_is_not_there(world):
    world.daemon("alpha")
    world.pfile(pent_line("alpha", world.restarter("alpha")))
    world.start_pcheck()
    world.up("alpha")
    world.write("banken.conf", f"[log]\ntarget = syslog\nsocket = {world.path('nobody.socket')}\n")
    answer = world.ask("stop")
    same((answer.code, answer.err), (0, "padmin: done, but not logged: there is no log daemon\n"), "the answer")


@scenario
def whom_a_pidfile_names_is_told_and_why_that_does_not_count(world):
    other, pidfile = world.daemon("other"), world.path("alpha.pid")
    world.pfile(pent_line("alpha") + f":pidfile={pidfile}", pent_line("other"), CONFIRM_WAIT=0)
    world.start_pcheck()
    world.becomes("alpha", waits_for="script")
    check(f"process {pidfile} cannot be read: No such file or directory\n" in world.order("explain", "alpha"), "a pidfile that is missing")
    world.write("alpha.pid", f"{other}\n")
    text = world.order("explain", "alpha")
    check(f"process {pidfile} names process {other}, which does not count: it is not called alpha (" in text, text)
    text = world.order("match", "alpha")
    check(f"pidfile {pidfile}, which names process {other}\n" in text and "near miss" in text and "it is not called alpha\n" in text, text)
    kill(other)
    check(f", which names process {other}, which does not run\n" in world.order("match", "alpha"), "a process that has ended")


@scenario
def a_process_that_ends_while_pcheck_is_stopped_is_not_said_to_run(world):
    alpha = world.daemon("alpha")
    world.pfile(pent_line("alpha", world.restarter("alpha")))
    pcheck = world.start_pcheck()
    world.up("alpha")
    os.kill(pcheck, signal.SIGSTOP)
    until(lambda: any(f"mypid    = {pcheck}\n" in block and "owner    = stopped" in block for block in world.padmin("-l", "-v").out.split("\n\n")),
          "owner = stopped")
    kill(alpha)
    text = until(lambda: (lambda one: one if "it is gone now" in one else None)(world.order("explain", "alpha")), "the end of alpha")
    for part in (f"process {alpha} ran when pcheck last looked", "pcheck has not noticed: it is stopped", f"kill -CONT {pcheck}"):
        check(part in text, f"{part} is not in:\n{text}")
    check(f"process {alpha}, which is followed, is gone" in world.order("match", "alpha"), "match does not tell that it is gone")
    os.kill(pcheck, signal.SIGCONT)
    world.log.wait(f"Process [alpha, pid={alpha}] Down")
    until(lambda: "restarted at" in world.order("explain", "alpha"), "why it was restarted")


@scenario
def a_dump_is_explained_after_the_end(world):
    alpha = world.daemon("alpha")
    world.pfile(pent_line("alpha", world.restarter("alpha"), retries=0, action="exit"))
    world.start_pcheck()
    world.up("alpha")
    kill(alpha)
    world.pcheck_ends(1)
    refused = world.refused(3, "explain", "alpha")
    check(f"padmin --dump {world.dump} -c explain alpha shows how it ended" in refused, refused)
    text = world.padmin("--dump", world.dump, "-c", "explain", "alpha").out
    check("is RETRY_OVER since" in text and "pcheck has ended: retry-over exit (alpha)" in text, text)
