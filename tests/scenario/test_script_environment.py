# SPDX-License-Identifier: Apache-2.0
"""What scripts are told, and whose rights they have (spec/pcheck.md, Script environment, Trust)."""
import os
import re

from harness import check, pent_line, same, scenario, up
from kernel import kill, until

NOBODY = 65534


@scenario
def a_script_of_a_group_is_told_the_count_and_the_limit_of_its_group(world):
    pids = {name: world.daemon(name) for name in ("alpha", "beta")}
    facts = "echo $PCHECK_PNAME $PCHECK_REASON $PCHECK_RESTART_COUNT $PCHECK_RETRIES"
    scripts = {name: world.script(f"{name}.sh", f"{facts} >> {world.path('told')}\n{world.program(name)} > /dev/null") for name in pids}
    world.pfile(*(pent_line(name, scripts[name], retries=retries) + ":group=shop" for name, retries in (("alpha", 7), ("beta", 2))))
    world.start_pcheck()
    for name, pid in pids.items():
        world.log.wait(up(name, pid))
    place = world.log.place()
    kill(pids["beta"])
    for name in pids:
        world.up(name, place)
    same(world.read("told").splitlines(), ["alpha group 1 7", "beta group 1 7"], "what the scripts are told")


@scenario
def run_as_runs_a_script_as_its_user_who_may_own_it(world):
    os.chmod(world.directory, 0o755)
    out = world.write("who", "", 0o666)
    script = world.script("theirs.sh", f"echo $(id -u) $(id -g) $HOME $USER >> {out}\nexit 0")
    os.chown(script, NOBODY, NOBODY)
    pids = {name: world.daemon(name) for name in ("alpha", "beta")}
    world.pfile(pent_line("alpha", script, retries=1) + ":run_as=nobody:start_timeout=1", pent_line("beta", script, retries=1))
    world.start_pcheck()
    for name, pid in pids.items():
        world.log.wait(up(name, pid))
    place = world.log.place()
    kill(pids["alpha"])
    until(lambda: world.read("who"), "the script's run")
    same(re.match(r"(\d+) \d+ \S+ (\w+)\n", world.read("who")).groups(), (str(NOBODY), "nobody"), "who it ran as")
    kill(pids["beta"])
    line = world.log.wait(re.compile(r"^Restart script refused \(beta\)"), place).text
    check(re.search(r"owned by .*; add run_as=", line), line)
