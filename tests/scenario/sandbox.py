# SPDX-License-Identifier: Apache-2.0
"""Namespaces of our own, so that nothing of the host is met or left behind: processes, mounts, System V objects."""
import os
import subprocess
import sys

STAGE = "BANKEN_SANDBOX"
UNSHARE = ["unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc", "--"]


def enter():
    """Starts the calling program again inside. Where a container forbids namespaces it goes on beside everything else."""
    stage = os.environ.get(STAGE)
    if stage is None and subprocess.run([*UNSHARE, "true"], capture_output=True).returncode == 0:
        os.environ[STAGE] = "new"
        os.execvp(UNSHARE[0], [*UNSHARE, sys.executable, *sys.argv])
    if stage == "new":
        os.environ[STAGE] = "entered"
        be_init()
        hide_the_host()


def be_init():
    """The first process of the namespace reaps orphans and nothing else; its child returns and does the work."""
    worker = os.fork()
    if worker == 0:
        return
    while True:
        pid, status = os.wait()
        if pid == worker:
            os._exit(os.waitstatus_to_exitcode(status) & 0xff)


def hide_the_host():
    """An empty /run, where the scenarios' directories vanish with us, and no job for the cron that they start."""
    for mount in (["-t", "tmpfs", "-o", "mode=0755", "run", "/run"], ["-t", "tmpfs", "-o", "mode=0755", "none", "/etc/cron.d"],
                  ["-t", "tmpfs", "-o", "mode=0755", "none", "/var/spool/cron"], ["--bind", "/dev/null", "/etc/crontab"]):
        if os.path.exists(mount[-1]):
            subprocess.run(["mount", *mount], check=True)
    os.environ.setdefault("BANKEN_TEST_DIR", "/run")
