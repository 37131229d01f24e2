# SPDX-License-Identifier: Apache-2.0
"""The walk of reference/processsaver.md, section 11: real cron, real rsyslogd; outputs and log lines to the byte."""
import re
import time

import cron
from harness import check, same, scenario
from kernel import kill


def pent(pid, restarts=0, state="AVAIL", rerun="-----"):
    return (f"pname           = cron\npid             = {pid}\nretry_count     = 0\nrestart_count   = {restarts}\n"
            f"proc_sts        = {state}\nretry_over_act  = continue\nrerun_time      = {rerun}\npent_id         = 1\n"
            "monitor_sts     = on\n")


def param(world, failed=0):
    return (f"MSG_CHECK_INTERVAL = 5\nMONITOR_INTERVAL   = 10\nMONITOR_TRY_COUNT  = 2\nSHM_DUMP_FILE      = {world.dump}\n"
            f"PFILE              = {world.pfile_path}\nMESSAGE_BOX        = start\nMONITOR_STOP_COUNT = 0\n"
            f"FAIL_PROC_COUNT    = {failed}\nALL_PROC_COUNT     = 1\n")


def lost(pid):
    return [f"warning Process [cron, pid={pid}] Down", f"warning Cause [cron, pid={pid}] killed by signal 9 (KILL)"]


def written(world, program):
    """Priority and text of every line; only the seconds of a delay, which has jitter, are taken out."""
    return [f"{line.priority} " + re.sub(r"delay \d+s", "delay Ns", line.text) for line in world.log.lines(program=program)]


def begin(world):
    pid = cron.start(world)
    world.pfile(f"cron:{cron.restart_script(world)}:86400:3:continue", name="pfile_cron",
                MSG_CHECK_INTERVAL=5, MONITOR_INTERVAL=10, MONITOR_TRY_COUNT=2)
    return pid


def lose(world, pid):
    """Kills cron and returns the pid of the next one, as pcheck tells it."""
    place = world.log.place()
    kill(pid)
    found = world.up_pid("cron", place)
    same(found, cron.pid(), "the pid of the new cron")
    return found


@scenario(rsyslogd=True)
def the_whole_first_steps_walk_with_the_real_cron(world):
    pids = [begin(world)]
    main = world.start_pcheck()
    same(world.up_pid("cron"), pids[0], "the pid in the first Up")

    listed = f"ipckey   = 0x{world.key:08x}\nmypid    = {main}\nmyname   = pcheck\npfile    = {world.pfile_path}\nmessage  = start\n"
    if world.key == 0x1f000501:     # nobody else's pcheck beside ours
        same(world.padmin("-l").out, listed, "padmin -l")
    else:
        check(listed in world.padmin("-l").out, "padmin -l does not list our pcheck")
    world.shows(param(world), "show", "param")
    world.shows(pent(pids[0]), "show", "pent")

    pids.append(lose(world, pids[0]))
    rerun = world.becomes("cron", proc_sts="AVAIL")["rerun_time"]
    same(time.asctime(time.strptime(rerun)), rerun, "the form of rerun_time")
    check(abs(time.mktime(time.strptime(rerun)) - time.time()) < 5, f"rerun_time {rerun} is not now")
    world.shows(pent(pids[1], 1, rerun=rerun), "show", "pent")
    pids.append(lose(world, pids[1]))
    pids.append(lose(world, pids[2]))
    kill(pids[3])
    world.log.wait("(cron) RETRY_OVER:CONTINUE")
    world.shows(pent(pids[3], 3, "RETRY_OVER", rerun), "show", "pent")
    world.shows(param(world, failed=1), "show", "param")

    cron.init_script(world, "start")
    pids.append(cron.pid())
    same(world.order("show", "pent"), pent(pids[3], 3, "RETRY_OVER", rerun), "show pent with a cron started by hand")
    place = world.log.place()
    world.order("reload")
    same(world.up_pid("cron", place), pids[4], "the pid after reload")
    world.shows(pent(pids[4]), "show", "pent")

    world.shut_down()
    check(listed not in world.padmin("-l").out, "padmin -l still lists our pcheck")
    world.log.wait(f"Command execute. [shutdown] pfile={world.pfile_path}")
    compare_lines(world, pids)


def compare_lines(world, pids):
    attempt = ["warning Try to restart (cron)"]
    paced = ["notice Waiting (cron): delay Ns", *attempt]
    lines = written(world, "pcheck")
    done = "notice Reload done: +0 -0 ~0 =1"
    check(done in lines, "no line for the reload")
    lines.remove(done)      # before or after the Up that it leads to: both are right
    same(lines, [
        f"notice Start pcheck pfile={world.pfile_path} ipckey=0x{world.key:08x}",
        f"notice (cron ,pid={pids[0]}) Up",
        *lost(pids[0]), *attempt, f"notice (cron ,pid={pids[1]}) Up",
        *lost(pids[1]), *paced, f"notice (cron ,pid={pids[2]}) Up",
        *lost(pids[2]), *paced, f"notice (cron ,pid={pids[3]}) Up",
        *lost(pids[3]), "err (cron) RETRY_OVER:CONTINUE",
        f"notice (cron ,pid={pids[4]}) Up",
        "notice Shutdown pcheck",
    ], "pcheck's lines")
    same(written(world, "padmin"), [f"notice Command execute. [reload] pfile={world.pfile_path}",
                                    f"notice Command execute. [shutdown] pfile={world.pfile_path}"], "padmin's lines")
    same({line.facility for line in world.log.lines() if line.program in ("pcheck", "padmin")}, {"daemon"}, "the facility of all lines")
    ends = [world.log.find(text).index for text in ("Shutdown pcheck", f"Command execute. [shutdown] pfile={world.pfile_path}")]
    check(ends == sorted(ends), "`Shutdown pcheck` does not precede padmin's line")
