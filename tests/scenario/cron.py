# SPDX-License-Identifier: Apache-2.0
"""Debian's cron as an operator meets it: started, stopped and restarted by its init script."""
import os
import subprocess

from harness import Skip
from kernel import BOUND, running, until

BINARY, INIT = "/usr/sbin/cron", "/etc/init.d/cron"


def init_script(world, verb):
    subprocess.run([INIT, verb], env=world.environment, timeout=BOUND, check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def start(world):
    """Returns cron's pid."""
    if not os.path.exists(INIT):
        raise Skip("Debian's cron is not installed")
    if running(BINARY):
        raise Skip("a cron of this host runs already and is not ours to kill")
    init_script(world, "start")
    return pid()


def pid():
    return until(lambda: running(BINARY), "a running cron")[0]


def restart_script(world):
    """As ProcessSaver's manual recommends: stop what is left, start, exit 0."""
    return world.script("restart_cron.sh", f"echo run >> {world.path('cron.runs')}\n{INIT} stop\n{INIT} start\nexit 0")
