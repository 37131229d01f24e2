# SPDX-License-Identifier: Apache-2.0
"""A user without any right, for those who play what he may try."""
import os
import shutil
import subprocess

from kernel import BOUND

NOBODY = 65534
OWN = {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def as_nobody(work):
    """Runs this in a child that has given up root for good; what it returned, or raised, as text."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            told = work()
        except BaseException as error:      # nothing may go on as the runner's twin
            told = f"{type(error).__name__}: {error}"
        os.write(writer, str(told).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    return told


def intruder(world, argv, executable=None, **options):
    """A process of nobody's; its pid. Its program runs when this returns, and ends with the scenario."""
    null = subprocess.DEVNULL
    options = {**OWN, "stdout": null, **options}
    return subprocess.Popen(argv, executable=executable, env=world.environment, stdin=null, stderr=null, start_new_session=True, **options)


def python(program, *words):
    return ["/usr/bin/python3", "-c", program, *words]      # ours may lie where nobody may look


def run_as_nobody(world, *command):
    done = subprocess.run(command, **OWN, env=world.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="backslashreplace", timeout=BOUND, check=False)
    return done.returncode, done.stdout + done.stderr


def directory_of_nobodys(world, name="theirs"):
    path = world.path(name)
    os.mkdir(path)
    os.chown(path, NOBODY, NOBODY)
    return path


def copy_for_nobody(world, program):
    """Where nobody may execute it."""
    path = world.path(os.path.basename(program))
    if not os.path.exists(path):
        shutil.copy(os.path.join(world.build, program), path)
        os.chmod(path, 0o755)
    return path
