# SPDX-License-Identifier: Apache-2.0
"""When a restart is tried, and when no more: the options of pacing in pfile(5), with real processes."""
import os
import re

from harness import attempt, check, down, pent_line, same, scenario, up
from kernel import alive, kill, until

JITTER = 0.1        # of a delay, to both sides
NOBODY = 65534


def with_options(name, script, options, **fields):
    return f"{pent_line(name, script, **fields)}:{options}"


def watch(world, options, script=None, **fields):
    """alpha, which runs, with these options; returns its pid."""
    param = {key: value for key, value in fields.items() if key.isupper()}
    pent = {key: value for key, value in fields.items() if not key.isupper()}
    pid = world.daemon("alpha")
    world.pfile(with_options("alpha", script or world.restarter("alpha"), options, **pent), **param)
    world.start_pcheck()
    if "monitor=off" not in options:
        world.log.wait(up("alpha", pid))
    return pid


def lose(world, pid):
    """Kills it; returns the new pid when it is up."""
    place = world.log.place()
    kill(pid)
    return world.up_pid("alpha", place)


def attempts(world, count, after=0):
    return world.log.wait_for_count(attempt("alpha"), count, after)


def gaps(lines):
    return [later.when - earlier.when for earlier, later in zip(lines, lines[1:])]


def check_gaps(found, wanted):
    for gap, delay in zip(found, wanted):
        check(gap > delay * (1 - JITTER) - 0.05, f"{gap:.2f} s between two attempts, {delay} s wanted; all: {found}")


# ---- delay ----

@scenario
def attempts_lie_delay_apart_and_the_delay_doubles_up_to_its_maximum(world):
    pid = watch(world, "delay=1-3", world.script("fail.sh", "exit 1"), retries=4)
    kill(pid)
    begun = attempts(world, 4)
    over = world.log.wait("(alpha) RETRY_OVER:CONTINUE")
    check(begun[0].when - world.log.find(down("alpha", pid)[0]).when < 0.5, "the first attempt was delayed")
    check_gaps(gaps(begun), [1, 2, 3])
    check(gaps(begun)[0] < 2 * (1 - JITTER), f"the first delay had doubled already: {gaps(begun)}")
    check(over.when - begun[-1].when < 0.5, "what is used up was waited for")
    waiting = [line.index for line in world.log.lines() if line.text.startswith("Waiting (alpha): delay ")]
    for earlier, later in zip(begun[1:], begun[2:]):
        same(len([index for index in waiting if earlier.index < index < later.index]), 1, "Waiting lines between two attempts")


@scenario
def a_process_that_is_lost_again_within_delay_waits_and_one_that_ran_longer_does_not(world):
    second = lose(world, watch(world, "delay=2", retries=9))
    begun = attempts(world, 1)[0]
    place = world.log.place()
    third = lose(world, second)
    again = world.log.find(attempt("alpha"), place)
    check_gaps([again.when - begun.when], [2])
    hang = world.script("hang.sh", "exec /bin/sleep 1000")      # a clock without sleeping: beta's script is given 3 s
    beta = world.daemon("beta")
    world.pfile(with_options("alpha", world.restarter("alpha"), "delay=2", retries=9),
                with_options("beta", hang, "script_timeout=3", retries=1))
    world.order("reload")
    world.log.wait(up("beta", beta))
    kill(beta)
    place = world.log.wait("Restart script failed (beta) timeout=3s").index
    kill(third)
    ended, begun = world.log.wait(down("alpha", third)[0], place), world.log.wait(attempt("alpha"), place)
    check(begun.when - ended.when < 0.5, f"the restart waited {begun.when - ended.when:.2f} s")


@scenario
def without_delay_unlimited_restarts_follow_each_other_and_never_end(world):
    pid = watch(world, "delay=0", retries="unlimited", grace=1000)
    for number in range(1, 6):
        pid = lose(world, pid)
        world.becomes("alpha", proc_sts="AVAIL", restart_count=number)
    check("RETRY_OVER" not in "\n".join(world.log.texts()), "unlimited retries were used up")
    check(gaps(attempts(world, 5))[-1] < 1, "the fifth was delayed")


# ---- the window ----

@scenario
def after_a_stable_time_the_count_is_cleared_early(world):
    pid = watch(world, "stable=1:delay=0", retries=1)
    for _ in range(3):      # one is allowed in the window
        pid = lose(world, pid)
        world.becomes("alpha", restart_count=0, rerun_time="-----")
    check("RETRY_OVER" not in "\n".join(world.log.texts()), "a cleared count was used up")
    same(len(attempts(world, 3)), 3, "attempts")


@scenario
def on_hold_the_window_is_waited_for_and_then_the_process_is_restarted(world):
    pid = watch(world, "delay=0", retries=1, grace=3, action="hold")
    second = lose(world, pid)
    place = world.log.place()
    kill(second)
    world.log.wait("(alpha) RETRY_OVER:HOLD", place)
    entry = world.becomes("alpha", proc_sts="HOLD", retry_over_act="hold")
    same(entry["pid"], str(second), "the pid that is shown")
    same(world.ask("show", "pent", "alpha", "-q").code, 2, "the quiet exit code")
    ended = world.log.wait("Hold ended (alpha)", place)
    begun = attempts(world, 1)[0]
    check(ended.when - begun.when > 3 - 0.1, f"the hold ended {ended.when - begun.when:.2f} s after the window had begun")
    world.up_pid("alpha", ended.index)
    same(world.log.texts(ended.index)[:3], ["Hold ended (alpha)", "Set pid fail (alpha)", attempt("alpha")], "the lines after the hold")
    world.becomes("alpha", proc_sts="AVAIL", restart_count=1)


@scenario
def on_hold_a_process_that_somebody_else_starts_is_watched_again(world):
    pid = watch(world, "delay=0", retries=1, grace=1000, action="hold")
    second = lose(world, pid)
    place = world.log.place()
    kill(second)
    world.log.wait("(alpha) RETRY_OVER:HOLD", place)
    third = world.daemon("alpha")
    world.log.wait(up("alpha", third), place)
    world.becomes("alpha", proc_sts="AVAIL", restart_count=1)   # the window is kept
    place = world.log.place()
    kill(third)
    world.log.wait("(alpha) RETRY_OVER:HOLD", place)


@scenario
def what_an_operator_orders_is_neither_counted_nor_refused_by_a_limit(world):
    pid = watch(world, "delay=100:stop=KILL", retries=1)
    for number in range(1, 4):
        place = world.log.place()
        world.order("restart", "alpha")
        pid = world.up_pid("alpha", place)
        world.becomes("alpha", proc_sts="AVAIL", restart_count=0, restart_total=number)
    lose(world, pid)
    world.becomes("alpha", proc_sts="AVAIL", restart_count=1, restart_total=4)


# ---- scripts ----

@scenario
def start_timeout_says_when_a_process_that_did_not_appear_is_given_up(world):
    pid = watch(world, "start_timeout=1:delay=0", world.script("nothing.sh", "exit 0"), retries=1)     # else 20 s
    kill(pid)
    begun = attempts(world, 1)[0]
    failed = world.log.wait("Set pid fail (alpha)")
    check(0.9 < failed.when - begun.when < 5, f"given up after {failed.when - begun.when:.2f} s")
    world.log.wait("(alpha) RETRY_OVER:CONTINUE")


@scenario
def script_timeout_of_an_entry_goes_before_that_of_the_file(world):
    hang = world.script("hang.sh", "exec /bin/sleep 1000")
    pid = watch(world, "script_timeout=1", hang, retries=1, SCRIPT_TIMEOUT=1000, SCRIPT_KILL_WAIT=0)
    kill(pid)
    world.log.wait("Restart script failed (alpha) timeout=1s")
    world.log.wait("(alpha) RETRY_OVER:CONTINUE")
    pid = world.daemon("alpha")
    world.pfile(with_options("alpha", hang, "script_timeout=0"), SCRIPT_TIMEOUT=1)
    world.order("reload")
    place = world.log.place()
    world.becomes("alpha", proc_sts="AVAIL", pid=pid)
    kill(pid)
    world.log.wait(attempt("alpha"), place)
    other = world.script("other.sh", "exec /bin/sleep 1000")
    beta = world.daemon("beta")     # a clock without sleeping
    world.pfile(with_options("alpha", hang, "script_timeout=0"), pent_line("beta", other, retries=1), SCRIPT_TIMEOUT=1)
    world.order("reload")
    world.log.wait(up("beta", beta))
    kill(beta)
    world.log.wait("Restart script failed (beta) timeout=1s")
    world.becomes("alpha", proc_sts="RESTART")


@scenario
def success_exit_names_the_exit_codes_that_are_good_and_0_is_none_of_them_then(world):
    body = f"{world.program('alpha')} > /dev/null\nexit $(cat {world.path('code')})"
    world.write("code", "3")
    pid = watch(world, "success_exit=3,7:delay=0", world.script("restart.sh", body), retries=5)
    second = lose(world, pid)
    world.write("code", "7")
    third = lose(world, second)
    check("Restart script failed" not in "\n".join(world.log.texts()), "3 or 7 was taken for a failure")
    world.write("code", "0")
    place = world.log.place()
    kill(third)
    world.log.wait("Restart script failed (alpha) status=0", place)
    world.up_pid("alpha", place)    # the process wins all the same


@scenario
def run_as_runs_the_scripts_as_that_user_with_his_groups_and_home(world):
    world.write("who", "")
    os.chown(world.path("who"), NOBODY, -1)
    who = f"echo $(id -u) $(id -g) $(id -G) $HOME > {world.path('who')}"
    script = world.script("restart.sh", f"{who}\n{world.program('alpha')} > /dev/null\nexit 0")
    os.chown(script, NOBODY, -1)      # it may belong to him
    pid = watch(world, "run_as=nobody:delay=0:start_timeout=1", script, SCRIPT_ENV="clean")
    place = world.log.place()
    kill(pid)
    new = world.log.wait(attempt("alpha"), place)
    who = until(lambda: world.read("who").split(), "what the script says of itself")
    same(who[:3], [str(NOBODY)] * 3, "uid, gid and groups")
    same(who[3:], ["/nonexistent"], "HOME")
    # The daemon runs as nobody now, and without user= nobody else's process stands in for root's.
    world.log.wait("Set pid fail (alpha)", new.index)


# ---- confirm ----

@scenario
def with_always_a_crash_too_waits_for_whoever_restarts_it(world):
    pid = watch(world, "confirm=30/always")
    place = world.log.place()
    kill(pid)
    world.log.wait(down("alpha", pid)[1], place)
    world.becomes("alpha", proc_sts="DOWN", waits_for="confirm")
    new = world.daemon("alpha")
    world.log.wait(up("alpha", new), place)
    same(world.runs("alpha"), [], "runs of the restart script")
    world.becomes("alpha", restart_count=0)


@scenario
def a_confirm_of_an_entry_goes_before_that_of_the_file_and_counts_for_orderly_ends_only(world):
    pid = watch(world, "confirm=0:delay=0", CONFIRM_WAIT=1)
    place = world.log.place()
    kill(pid, 15)
    ended, begun = world.log.wait(down("alpha", pid)[0], place), world.log.wait(attempt("alpha"), place)
    check(begun.when - ended.when < 0.5, "with confirm=0 somebody was waited for")
    pid = world.up_pid("alpha", place)
    world.pfile(with_options("alpha", world.restarter("alpha"), "confirm=2:delay=0"), CONFIRM_WAIT=0)
    world.order("reload")
    place = world.log.place()
    kill(pid, 15)
    ended, begun = world.log.wait(down("alpha", pid)[0], place), world.log.wait(attempt("alpha"), place)
    check(begun.when - ended.when > 1.9, f"confirm=2 took {begun.when - ended.when:.2f} s")
    pid = world.up_pid("alpha", place)
    place = world.log.place()
    kill(pid)
    ended, begun = world.log.wait(down("alpha", pid)[0], place), world.log.wait(attempt("alpha"), place)
    check(begun.when - ended.when < 0.5, "a crash was confirmed")


# ---- paused, reminded ----

@scenario
def monitor_off_starts_paused_until_it_is_started_by_order(world):
    pid = watch(world, "monitor=off")
    world.becomes("alpha", proc_sts="AVAIL", monitor_sts="off", pid=pid)
    place = world.log.place()
    kill(pid)
    world.becomes("alpha", proc_sts="DOWN", waits_for="operator")
    same([text for text in world.log.texts() if "alpha" in text], [], "lines of a paused entry")
    world.order("start", "alpha")
    world.up_pid("alpha", place)
    same(len(world.runs("alpha")), 1, "runs of the restart script")


@scenario
def what_is_given_up_and_what_is_paused_is_reminded_of_at_every_interval(world):
    alpha, beta = world.daemon("alpha"), world.daemon("beta")
    world.pfile(pent_line("alpha", world.restarter("alpha"), retries=0), with_options("beta", "-", "monitor=on"), REMIND_INTERVAL=1)
    world.start_pcheck()
    world.log.wait(up("beta", beta))
    world.order("stop", "beta")
    kill(alpha)
    over = world.log.wait("(alpha) RETRY_OVER:CONTINUE")
    for what in (r"\(alpha\) given up since ", r"\(beta\) paused since "):
        reminders = world.log.wait_for_count(re.compile(f"^Reminder: {what}"), 2, over.index)
        check(reminders[1].when - reminders[0].when > 0.9, "reminders came too often")
        same(reminders[0].priority, "warning", "the priority")
    place = world.log.place()
    again = world.daemon("alpha")
    world.log.wait(re.compile(rf"^Reminder: \(alpha\) running again as pid={again}, not watched until"), place)
    check(alive(again), "it was ended")


@scenario
def with_remind_interval_0_nobody_is_reminded(world):
    alpha, beta = world.daemon("alpha"), world.daemon("beta")
    hang = world.script("hang.sh", "exec /bin/sleep 1000")
    world.pfile(pent_line("alpha", world.restarter("alpha"), retries=0), with_options("beta", hang, "script_timeout=2", retries=1),
                REMIND_INTERVAL=0)
    world.start_pcheck()
    world.log.wait(up("beta", beta))
    kill(alpha)
    world.log.wait("(alpha) RETRY_OVER:CONTINUE")
    kill(beta)
    world.log.wait("Restart script failed (beta) timeout=2s")     # a clock without sleeping
    check("Reminder" not in "\n".join(world.log.texts()), "a reminder came")
