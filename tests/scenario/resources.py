# SPDX-License-Identifier: Apache-2.0
"""Resources whose application is the test daemon, and what their scripts have left."""
import os


def generic(world, tag, **keys):
    """Its daemon is started, stopped and looked for by scripts, each of which leaves a line in TAG.runs."""
    program = world.program(tag)
    tell = f'echo "$0" "$@" >> {world.path(tag + ".runs")}'
    find = f"pgrep -x -f {program} > /dev/null"
    scripts = {
        "restore": world.script(f"{tag}.restore", f"{tell}\n{find} && exit 0\n{program} > /dev/null"),
        "remove": world.script(f"{tag}.remove", f"{tell}\npkill -x -f {program}\nwhile {find}; do sleep 0.05; done\nexit 0"),
        "quickCheck": world.script(f"{tag}.quickCheck", f"{tell}\n{find}"),
        "recover": world.script(f"{tag}.recover", f"{tell}\n{program} > /dev/null"),
    }
    return world.resource(tag, "generic", **{"quick_interval": 1, **scripts, **keys})


def cmdline(world, tag, **keys):
    """Start, Stop and Check in one script, which leaves what it was told in TAG.runs."""
    program = world.program(tag)
    told = '"$1 $HV_APPLICATION $HV_NODENAME ${HV_SCRIPT_TYPE--} ${HV_LAST_DET_REPORT--} ${HV_INTENDED_STATE--} ${HV_OFFLINE_REASON--} ${HV_AUTORECOVER--}"'
    body = f"""echo {told} >> {world.path(tag + ".runs")}
case $1 in
start) {program} > /dev/null ;;
stop) pkill -x -f {program}; while pgrep -x -f {program} > /dev/null; do sleep 0.05; done; exit 0 ;;
check) pgrep -x -f {program} > /dev/null ;;
esac"""
    ctl = world.script(f"{tag}.ctl", body)
    return world.resource(tag, "cmdline", **{"start": f"{ctl} start", "stop": f"{ctl} stop", "check": f"{ctl} check", **keys})


def actions(world, tag):
    """The scripts that ran, but the checks: \"restore\"."""
    names = [line.split()[0].rpartition(".")[2] for line in world.runs(tag)]
    return [name for name in names if name != "quickCheck"]


def begin(world, *lines, **param):
    world.pfile(resources=lines, **param)
    world.start_pcheck()


def keeps_copies(world):
    state = world.path("state")
    os.mkdir(state, 0o755)
    world.conf = world.write("banken.conf", world.conf_text(None) + f"[state]\ndir = {state}\n")
