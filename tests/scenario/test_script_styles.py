# SPDX-License-Identifier: Apache-2.0
"""Scripts written in the style of the products that they come from run unchanged, and so do our templates with their settings edited
(spec/resources.md; reference/lifekeeper.md 1; reference/primecluster.md 1)."""
import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess

import compat
import sandbox
from harness import Skip, check, same, scenario
from kernel import alive, kill, running, until, wait_end

LK = "/opt/LifeKeeper"

# What LifeKeeper's own guide shows: the state asked for first, the state in field 7, log with a level and a number, one test for restore and check.
LK_SCRIPT = r"""#!/bin/{shell}
while getopts t:i: option; do
    case $option in
    t) TAG=$OPTARG ;;
    i) ID=$OPTARG ;;
    esac
done
. {lk}/subsys/actions/prfuncs
echo "${{0##*.}} $TAG $ID $INFO" >> {runs}
running() {{ pgrep -x -f {program} > /dev/null; }}
"""
LK_BODIES = {
    "restore": """if running; then
    logmsg "already running"
    exit 0
fi
logcmd LK_INFO 9 {program}
running || {{ log LK_ERROR 5 "not started"; exit 1; }}""",
    "remove": "pkill -x -f {program}\nwhile running; do sleep 0.05; done\nplogmsg \"stopped $TAG\"\nexit 0",
    "quickCheck": """STAT=$({lk}/bin/ins_list -t $TAG | cut -f7 -d$'\\001')
if [ "$STAT" != "ISP" ]; then
    log LK_INFO 7 "resource $TAG is not ISP status"
    exit 0
fi
if [ -e {gate} ]; then sleep 1000; fi
running && exit 0
{lk}/bin/lk_err -p quickCheck "$TAG is gone"
exit 1""",
    "recover": "{lk}/bin/perform_action -t helper -a restore || exit 1\n{program} > /dev/null\nrunning",
}


@contextlib.contextmanager
def moved(world):
    """As banken(7) has it: /opt/LifeKeeper is a link to our directory. Gives the name of a shell that knows $'\\001'."""
    if os.environ.get(sandbox.STAGE) != "entered":
        raise Skip("needs namespaces of its own: it makes /opt/LifeKeeper")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "none", "/opt"], check=True)
    try:
        os.symlink(compat.root(world), LK)
        yield "ksh" if shutil.which("ksh") else "bash"
    finally:
        world.close_pcheck()
        subprocess.run(["umount", "--lazy", "/opt"], check=True)


def lifekeeper(world, tag, shell, **keys):
    scripts = {}
    for name, body in LK_BODIES.items():
        text = (LK_SCRIPT + body).format(shell=shell, lk=LK, program=world.program(tag), runs=world.path(f"{tag}.runs"), gate=world.path("gate"))
        scripts[name] = world.write(f"{tag}.{name}", text + "\n", 0o755)
    return world.resource(tag, "generic", **{**scripts, **keys})


@scenario
def lifekeeper_scripts_run_unchanged_through_order_failure_and_stop(world):
    with moved(world) as shell:
        defaults = world.write("LifeKeeper", "LKCHECKINTERVAL=1\nGENAPP_web_app_RECOVER_TIMEOUT=60\n")
        helper = world.resource("helper", "generic", restore="/bin/true", remove="/bin/true", initial="none")
        world.pfile(resources=[lifekeeper(world, "web-app", shell, id="w1", info="port=80"), helper], DEFAULTS_FILE=defaults,
                    SCRIPT_OUTPUT=world.path("output"))
        world.start_pcheck()
        world.is_in("web-app", "ISP")
        same(world.runs("web-app")[0], "restore web-app w1 port=80", "what restore was told")
        world.log.wait(re.compile(r"^INFO:gen:web-app.restore:web-app:000009:\d+$"))     # the pid that the daemon prints
        same(world.resources()["helper"]["state"], "OSU", "the helper")
        kill(world.pid_of("web-app"))
        world.log.wait("ERROR:gen:quickCheck:web-app:000000:web-app is gone")
        world.log.wait("Resource (web-app) ISP: recover action has succeeded")
        same(world.is_in("helper", "ISP")["reason"], "restore action has succeeded", "what recover has ordered")
        pid = world.pid_of("web-app")
        place = world.log.place()
        world.shut_down()       # lkstop -f
        world.start_pcheck()    # lkstart
        world.log.wait("INFO:gen:web-app.restore:web-app:000000:already running", place)
        world.is_in("web-app", "ISP")
        same(world.pid_of("web-app"), pid, "the process that was left")
        done = world.run([f"{LK}/bin/perform_action", "-t", "web-app", "-a", "remove"])
        same((done.code, world.resources()["web-app"]["state"]), (0, "OSU"), "perform_action")
        check(world.read("output").endswith("stopped web-app\n"), "plogmsg does not print")
        same(running(world.path("web-app")), [], "what is left")


@scenario
def lifekeeper_time_limits_of_etc_default_count_a_hung_check_as_good_and_a_hung_restore_as_failed(world):
    with moved(world) as shell:
        defaults = world.write("LifeKeeper", "LKCHECKINTERVAL=2\nGENAPP_web_app_QUICKCHECK_TIMEOUT=1\nexport old_TIMEOUT=1\nGENAPP_slow_RESTORE_TIMEOUT=1\n")
        slow = world.resource("slow", "generic", restore=world.script("slow.restore", "sleep 1000"), remove="/bin/true")
        world.pfile(resources=[lifekeeper(world, "web-app", shell), lifekeeper(world, "old", shell), slow], DEFAULTS_FILE=defaults, SCRIPT_OUTPUT="null",
                    SCRIPT_KILL_WAIT=1)
        world.start_pcheck()
        world.log.wait("Script failed (slow): restore timeout=1s")
        world.is_in("slow", "OSF")
        for tag in ("web-app", "old"):
            world.is_in(tag, "ISP")
        world.write("gate", "")
        for tag in ("web-app", "old"):
            world.log.wait(f"Check failed ({tag}): quickCheck timeout=1s")
            world.is_in(tag, "ISP")
        check("recover" not in " ".join(world.runs("web-app") + world.runs("old")), "a hung check was recovered from")


# One file for Start, Stop and Check, as PRIMECLUSTER's manual has it, with the dispatch of hot standby; `role` is what the program does.
CTL = """echo "$1 ${HV_LAST_DET_REPORT-}:${HV_INTENDED_STATE-} ${HV_OFFLINE_REASON-}" >> RUNS
running() { pgrep -x -f PROGRAM > /dev/null; }
case "$1" in
start)
    case "$HV_LAST_DET_REPORT:$HV_INTENDED_STATE" in
    Offline:Standby) echo waiting > ROLE; PROGRAM > /dev/null ;;
    Offline:Online) echo working > ROLE; PROGRAM > /dev/null ;;
    Standby:Online) echo working > ROLE ;;
    *) exit 1 ;;
    esac
    exit 0 ;;
stop)
    case "$HV_LAST_DET_REPORT:$HV_INTENDED_STATE" in
    Online:Offline|Standby:Offline|Offline:Offline|Faulted:Offline)
        pkill -x -f PROGRAM
        while running; do sleep 0.05; done
        exit 0 ;;
    esac
    exit 1 ;;
check)
    running || exit 1
    [ "$(cat ROLE)" = working ] && exit 0
    exit 4 ;;
esac
"""


@scenario
def a_primecluster_script_for_start_stop_and_check_runs_unchanged_with_hot_standby(world):
    text = CTL.replace("RUNS", world.path("db.runs")).replace("ROLE", world.path("role")).replace("PROGRAM", world.program("db"))
    ctl = world.script("ctl", text)
    world.pfile(resources=[world.resource("db", "cmdline", start=f"{ctl} start", stop=f"{ctl} stop", check=f"{ctl} check", initial="none",
                                          ALLEXITCODES="Yes", STANDBYCAPABLE="Yes", AUTORECOVER="Yes")])
    world.start_pcheck()
    world.is_in("db", "Offline")
    world.order("standby", "db")
    world.is_in("db", "Standby")
    pid = world.pid_of("db")
    world.order("offline", "db")
    world.is_in("db", "Offline")
    wait_end(pid, "the one that waited")
    world.order("standby", "db")
    world.is_in("db", "Standby")
    pid = world.pid_of("db")
    world.order("online", "db")
    world.is_in("db", "Online")
    same(world.pid_of("db"), pid, "the process that took over")
    kill(pid)
    place = world.log.place()
    world.order("check", "db")
    world.log.wait("Resource (db) Online: Start has succeeded", place)
    world.order("offline", "db")
    world.is_in("db", "Offline")
    told = [line for line in world.runs("db") if not line.startswith("check")]
    same(told, ["start Offline:Standby ", "stop Standby:Offline STOP", "start Offline:Standby ", "start Standby:Online ", "start Offline:Online ",
                "stop Online:Offline STOP"], "Start and Stop")


@scenario
def what_primecluster_has_left_running_is_taken_over_without_start_below_a_bundle(world):
    tell = f"echo \"$1 $HV_APPLICATION $HV_NODENAME\" >> {world.path('db.runs')}"
    ctl = world.script("ctl", f"{tell}\ncase $1 in\ncheck) pgrep -x -f {world.program('db')} > /dev/null ;;\nstop) pkill -x -f {world.program('db')} ;;\nesac")
    db = world.resource("db", "cmdline", start=f"{ctl} start", stop=f"{ctl} stop", check=f"{ctl} check")
    shop = world.resource("shop", "cmdline", NULLDETECTOR="Yes", start="/bin/true", stop="/bin/true", depends="db")
    pid = world.daemon("db")
    world.pfile(resources=[shop, db])
    world.start_pcheck()
    for tag in ("db", "shop"):
        world.is_in(tag, "Online")
    world.shut_down()       # the way back
    check(alive(pid), "the application was stopped")
    same(set(world.runs("db")), {"check shop db"}, "what ran")
    world.start_pcheck()
    for tag in ("db", "shop"):
        world.is_in(tag, "Online")
    world.order("offline", "db")
    for tag in ("shop", "db"):
        world.is_in(tag, "Offline")
    wait_end(pid, "the application")


# ---- the templates ----

def template(world, tag, kind, settings, **keys):
    """samples/resources copied as its first lines say, with these settings and keys; returns the RESOURCE line."""
    place = world.path(f"{tag}.d")
    source = os.path.join(compat.SAMPLES, "resources")
    shutil.copytree(os.path.join(source, kind), place)
    with open(os.path.join(source, "application")) as file:
        text = file.read()
    for name, value in settings.items():
        text, count = re.subn(rf"(?m)^{name}=.*$", lambda _, name=name, value=value: f"{name}={shlex.quote(str(value))}", text, count=1)
        same(count, 1, f"lines that set {name}")
    world.write(f"{tag}.d/application", text)
    with open(os.path.join(place, "definition")) as file:
        definition = re.sub(r"/etc/banken/\w+/", place + "/", file.read())
    for key, value in keys.items():
        definition = re.sub(rf"(?m)^{key} = .*\n", "", definition) + f"{key} = {value}\n"
    return f"{tag}:{kind}:{world.write(f'{tag}.d/definition', definition)}"


def by_hand(world, tag, script, *words):
    return world.run([os.path.join(world.path(f"{tag}.d"), script), *words]).code


def web(world, **settings):
    """A web server of python3 that stays in the foreground, and what the template is to know of it."""
    port = compat.closed_port()
    python = os.path.realpath("/usr/bin/python3")
    checks = os.path.realpath(os.path.join(compat.SAMPLES, "checks"))
    return {"executable": python, "pidfile": world.path("web.pid"), "foreground": "yes", "output": world.path("web.log"), "stop_wait": 1,
            "start_command": f"{python} -m http.server -b 127.0.0.1 -d {world.path('web.d')} {port}",
            "quick_command": f"{checks}/check_tcp.sh 127.0.0.1 {port} 5", "deep_command": f"{checks}/check_http.sh http://127.0.0.1:{port}/definition 1",
            **settings}


def pid_in(world, name):
    return int(world.read(name) or 0)


@scenario
def the_generic_template_works_with_its_settings_edited(world):
    line = template(world, "web", "generic", web(world), quick_interval=1, deep_interval=2)
    for script, code in (("quickCheck", 1), ("remove", 0), ("restore", 0), ("restore", 0), ("quickCheck", 0), ("deepCheck", 0), ("recover", 0)):
        same(by_hand(world, "web", script), code, f"{script} by hand")
    pid = pid_in(world, "web.pid")
    world.pfile(resources=[line], SCRIPT_OUTPUT=world.path("output"))
    world.start_pcheck()
    world.is_in("web", "ISP")
    same(pid_in(world, "web.pid"), pid, "the process that ran already")
    kill(pid)
    world.log.wait("Resource (web) ISP: recover action has succeeded")
    hung = pid_in(world, "web.pid")
    check(hung != pid, "the same process")
    place = world.log.place()
    kill(hung, signal.SIGSTOP)      # it still takes connections, and TERM does not end it
    world.log.wait("Check failed (web): deepCheck status=1", place)
    world.log.wait("Resource (web) ISP: recover action has succeeded", place)
    wait_end(hung, "the hung server")
    world.order("remove", "web")
    world.is_in("web", "OSU")
    check(not os.path.exists(world.path("web.pid")), "the pidfile is left")
    check(f"process {hung} is killed" in world.read("output"), "what it did is not told")


@scenario
def the_generic_template_leaves_nothing_half_started(world):
    settings = web(world, start_wait=1, quick_command="false", deep_command="")
    world.pfile(resources=[template(world, "web", "generic", settings, initial="none")], SCRIPT_OUTPUT=world.path("output"))
    world.start_pcheck()
    world.order("restore", "web")
    world.is_in("web", "OSF")
    check("reports 2 after 1 s, 0 is wanted" in world.read("output"), "why is not told")
    check(not os.path.exists(world.path("web.pid")), "something is left")
    world.write("web.pid", f"{os.getpid()}\n")      # of a stranger who has the number now
    for script, code in (("quickCheck", 1), ("remove", 0)):
        same(by_hand(world, "web", script), code, f"{script} with a stranger's pid")


@scenario
def the_cmdline_template_works_with_its_settings_edited(world):
    pidfile, broken = world.path("db.pid"), world.path("broken")
    settings = {"executable": world.program("db"), "pidfile": pidfile, "start_command": f"rm -f {broken}; {world.program('db')} > {pidfile}",
                "quick_command": f"[ ! -e {broken} ]"}
    line = template(world, "db", "cmdline", settings)
    for word, code in (("check", 1), ("stop", 0), ("start", 0), ("start", 0), ("check", 0), ("stop", 0), ("explode", 64)):
        same(by_hand(world, "db", "ctl", word), code, f"ctl {word} by hand")
    world.pfile(resources=[line])
    world.start_pcheck()
    world.is_in("db", "Online")
    pid = world.pid_of("db")
    place = world.log.place()
    world.write("broken", "")
    world.order("check", "db")
    world.log.wait("Check failed (db): check status=2", place)
    world.log.wait("Resource (db) Online: Start has succeeded", place)
    check(world.pid_of("db") != pid, "the broken one still runs")
    world.order("offline", "db")
    world.is_in("db", "Offline")
    same(running(world.path("db")), [], "what is left")


@scenario
def the_cmdline_template_stands_by_and_takes_over(world):
    role, sleep = world.path("working"), os.path.realpath(shutil.which("sleep"))
    settings = {"executable": sleep, "pidfile": world.path("db.pid"), "foreground": "yes", "start_command": f"sh -c 'touch {role}; exec {sleep} 3600'",
                "standby_command": f"sh -c 'rm -f {role}; exec {sleep} 3600'", "takeover_command": f"touch {role}", "active_command": f"[ -e {role} ]"}
    world.pfile(resources=[template(world, "db", "cmdline", settings, STANDBYCAPABLE="Yes", initial="none")])
    world.start_pcheck()
    world.is_in("db", "Offline")
    world.order("standby", "db")
    world.is_in("db", "Standby")
    pid = pid_in(world, "db.pid")
    world.order("online", "db")
    world.is_in("db", "Online")
    same(pid_in(world, "db.pid"), pid, "the process that took over")
    place = world.log.place()
    kill(pid)
    world.order("check", "db")
    world.log.wait("Resource (db) Online: Start has succeeded", place)
    pid = until(lambda: pid_in(world, "db.pid"), "the new one")
    world.order("offline", "db")
    world.is_in("db", "Offline")
    wait_end(pid, "the application")
