# SPDX-License-Identifier: Apache-2.0
"""--simulate: a month in a moment, and the same lines as a real day has."""
import os
import re

import kernel
from harness import check, pent_line, same, scenario


def lines_of(text):
    """The simulated lines without their times and pids."""
    return [without_pids(re.sub(r"^day \d+ \d\d:\d\d:\d\d ", "", line)) for line in text.splitlines()]


def without_pids(line):
    return re.sub(r"pid=\d+", "pid=N", line)


def simulate(world, text, *words):
    return world.run_pcheck("--simulate", world.write("scenario", text), "-f", world.pfile_path, *words)


@scenario
def a_month_is_played(world):
    world.pfile(pent_line("crond", "/bin/true", 3600), pent_line("nginx", "/bin/true", 3600) + ":check=/bin/true:check_interval=600:heartbeat=600")
    answer = simulate(world, "every 2h kill nginx\nat 1d script crond fails\nat 2d kill crond\nat 3d order reload\nrun 30d\n")
    check(answer.code == 0, answer)
    check(answer.out.count("Try to restart (nginx)") == 360, answer.out[-2000:])
    check("(crond) RETRY_OVER:CONTINUE" in answer.out and "Reload done: +0 -0 ~0 =2" in answer.out, answer.out[-2000:])
    check(not kernel.keys_in_use() & {world.key}, "a segment was made")


@scenario
def mistakes_are_told_with_their_places(world):
    world.pfile(pent_line("crond", "/bin/true"))
    answer = simulate(world, "at 1h kill crnd\nrun\n")
    check(answer.code == 78 and answer.out == "", answer)
    check(f"{world.path('scenario')}:1:12: error: no entry \"crnd\", did you mean crond?" in answer.err, answer)
    check(f"{world.path('scenario')}:2:4: error: " in answer.err, answer)
    same(world.run_pcheck("--simulate", world.path("none"), "-f", world.pfile_path).code, 66, "exit status without a scenario")
    same(simulate(world, "run 1d\n", "-t").code, 64, "exit status with -t")


@scenario
def the_daemon_logs_the_same(world):
    """A crash, an orderly end, a script that fails until there are no retries left, and clear."""
    trouble = world.path("trouble")
    world.program("alpha")
    script = world.script("start.sh", f"[ -e {trouble} ] && exit 1\n{world.program('alpha')} > /dev/null\nexit 0")
    world.pfile(pent_line("alpha", script, 3600, 3) + ":delay=0")
    first = world.daemon("alpha")
    begun = world.log.place()
    world.start_pcheck()
    pid = world.up_pid("alpha", begun)
    same(pid, first, "the process that is watched")
    place = world.log.place()
    kernel.kill(pid)
    pid = world.up_pid("alpha", place)
    place = world.log.place()
    kernel.kill(pid, 15)
    pid = world.up_pid("alpha", place)
    world.write("trouble", "")
    kernel.kill(pid)
    world.log.wait("(alpha) RETRY_OVER:CONTINUE", place)
    place = world.log.place()
    world.order("restart", "alpha")
    world.log.wait("(alpha) RETRY_OVER:CONTINUE", place)
    world.shut_down()
    real = [without_pids(line.text) for line in world.log.lines()]
    simulated = simulate(world, "at 1m kill alpha\nat 2m end alpha\nat 3m script alpha fails\nat 3m kill alpha\n"
                                "at 4m order restart alpha\nat 5m order shutdown\nrun 6m\n")
    check(simulated.code == 0, simulated)
    wanted = [line for line in lines_of(simulated.out) if not line.startswith("pcheck ends")]
    found = [line for line in real if not line.startswith(("Start pcheck", "Command execute"))]
    same(found, wanted, "the real log")


@scenario
def the_example_of_the_manual_is_what_the_program_prints(world):
    manual = os.path.join(os.path.dirname(__file__), "../../man/pcheck.8")
    with open(manual, encoding="utf-8") as text:
        example = text.read().split("$ cat scenario\n")[1].split(".Ed\n")[0]
    scenario_text, printed = example.split("$ pcheck --simulate scenario -f pfile_cron\n")
    world.pfile("crond:/etc/restart:86400:3:continue", MONITOR_INTERVAL=10)
    same(simulate(world, scenario_text).out, printed, "what is printed")
