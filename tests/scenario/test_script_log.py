# SPDX-License-Identifier: Apache-2.0
"""What scripts log themselves: lk_err and the functions of generic-functions.sh (spec/resources.md)."""
import os
import re
import shutil
import socket

import compat
import sandbox
from harness import Skip, check, same, scenario
from kernel import kill
from logs import pour

SHELLS = [name for name in ("sh", "bash", "ksh") if shutil.which(name)]

SPEAKER = """set -eu
. generic-functions.sh
IFS=: TAG=web/a level=mine file=mine
log LK_INFO 7 "resource $TAG is not ISP"
log old style
log LK_ERROR 12 monkeys
logmsg LK_NOTIFY "no number"
logmsg "no * level"
plogmsg LK_EMERG 3 "told twice"
pl printed
pt printed too
logcmd LK_INFO 9 sh -c 'echo out; echo err >&2; exit 3' || echo "status $?"
logcmd LK_INFO 9 true
PATH=/nowhere
log LK_INFO 8 "with a PATH of its own"
echo "$level $file"
"""
SPOKEN = [("info", "INFO::NAME:web/a:000007:resource web/a is not ISP"), ("err", "ERROR::NAME:web/a:000000:old style"),
          ("err", "ERROR::NAME:web/a:000012:monkeys"), ("notice", "NOTIFY::NAME:web/a:000000:no number"),
          ("info", "INFO::NAME:web/a:000000:no * level"), ("err", "EMERG::NAME:web/a:000003:told twice"), ("err", "ERROR::NAME:web/a:000000:printed"),
          ("err", "ERROR::NAME:web/a:000000:printed too"), ("info", "INFO::NAME:web/a:000009:out"), ("info", "INFO::NAME:web/a:000009:err"),
          ("info", "INFO::NAME:web/a:000008:with a PATH of its own")]


@scenario
def the_functions_log_from_sh_bash_and_ksh_what_their_arguments_say(world):
    world.environment["LKROOT"] = compat.root(world)
    check("ksh" in SHELLS or len(SHELLS) == 2, f"only {SHELLS}")
    for shell in SHELLS:
        answer = world.run([shell, world.write(f"speaker.{shell}", SPEAKER)])
        same((answer.code, answer.err), (0, ""), f"the end of {shell}")
        same(answer.out.splitlines(), ["told twice", "printed", "printed too", "status 3", "mine mine"], f"what {shell} prints")
        name = f"speaker.{shell}"
        world.log.wait(SPOKEN[-1][1].replace("NAME", name))
        same([(line.priority, line.text) for line in world.log.lines(program=name)], [(level, text.replace("NAME", name)) for level, text in SPOKEN],
             f"the log of {shell}")


@scenario
def lk_err_takes_its_level_from_the_option_or_the_first_word_and_loses_no_unknown_option(world):
    compat.root(world)
    world.environment["HV_NODENAME"] = "db"
    for words, priority, text in ((["-p", "ctl", "-n", "5", "-l", "WARN", "slow", "disk"], "warning", "WARN:cmdline:ctl:db:000005:slow disk"),
                                  (["LK_INFO", "said"], "info", "INFO:cmdline:script:db:000000:said"),
                                  (["-t", "other", "said"], "err", "ERROR:cmdline:script:other:000000:said"),
                                  (["-c", "7", "-x", "what is this"], "err", "ERROR:cmdline:script:db:000000:-c 7 -x what is this"),
                                  (["--", "-n", "5"], "err", "ERROR:cmdline:script:db:000000:-n 5"),
                                  (["-l", "INFO", "forged\n(web ,pid=1) Up\x1b"], "info", r"INFO:cmdline:script:db:000000:(web ,pid=1) Up\x1b")):
        same(world.run(["lk_err", *words]).code, 0, f"exit of lk_err {words}")
        same(world.log.wait(text).priority, priority, f"the priority of {text}")
    same(world.log.find(re.compile("forged$")).program, "script", "who says it")
    same(world.run(["sh", "-c", "printf 'one\\n\\ntwo' | lk_err -l NOTIFY -p 'a b:'"]).code, 0, "exit with lines on standard input")
    for text in ("NOTIFY:cmdline:a b::db:000000:one", "NOTIFY:cmdline:a b::db:000000:two"):
        same(world.log.wait(text).program, "a_b_", "the name of the program")
    for words in (["-l", "FOO", "x"], ["-n", "many", "x"]):
        same(world.run(["lk_err", *words]).code, 64, f"exit of lk_err {words}")


@scenario
def without_a_log_daemon_or_with_a_bad_banken_conf_lk_err_tells_its_line_on_stderr_or_logs_it(world):
    compat.root(world)
    said = "INFO::script::000000:said"
    nowhere = world.write("nowhere.conf", f"[log]\ntarget = syslog\nsocket = {world.path('nowhere')}\n")
    answer = world.run(["lk_err", "--conf", nowhere, "LK_INFO", "said"])
    same((answer.code, answer.err), (0, said + "\n"), "without a log daemon")
    bad = world.write("bad.conf", "[log]\ntarget = nowhere\n")
    answer = world.run(["lk_err", "--conf", bad, "LK_INFO", "said"])
    same(answer.code, 0, "exit with a bad banken.conf")
    check("bad.conf:2:" in answer.err, f"its mistake is not told: {answer.err}")


@scenario
def in_the_journal_a_line_of_a_script_has_the_fields_of_all_lines(world):
    if os.environ.get(sandbox.STAGE) != "entered":
        raise Skip("needs a /run of its own: it makes the journal's socket")
    compat.root(world)
    world.environment.update(TAG="web", PCHECK_PFILE="/etc/banken/pfile_web")
    place = "/run/systemd/journal/socket"
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(place)
        try:
            conf = world.write("journal.conf", "[log]\ntarget = journal\n")
            same(world.run(["lk_err", "--conf", conf, "-p", "quickCheck", "-n", "7", "LK_NOTIFY", "said"]).code, 0, "exit of lk_err")
            journal.setblocking(False)
            fields = dict(line.split("=", 1) for line in journal.recv(10000).decode().splitlines())
        finally:
            os.unlink(place)
    wanted = {"MESSAGE": "NOTIFY:gen:quickCheck:web:000007:said", "PRIORITY": "5", "SYSLOG_IDENTIFIER": "quickCheck", "BANKEN_EVENT": "script_line",
              "BANKEN_PFILE": "/etc/banken/pfile_web", "BANKEN_ENTRY": "web"}
    same({name: fields.get(name) for name in wanted}, wanted, "fields")


@scenario
def a_script_that_logs_is_not_held_up_by_a_log_daemon_that_reads_nothing(world):
    compat.root(world)
    program = world.program("web")
    restore = world.script("restore", f". generic-functions.sh\nlog LK_INFO 1 begins\nlogcmd LK_INFO 2 seq 1000\n{program} > /dev/null\nlog LK_INFO 3 ends")
    world.pfile(resources=[world.resource("web", "generic", restore=restore, remove="/bin/true", initial="none")], SCRIPT_OUTPUT=world.path("output"))
    world.start_pcheck()
    world.is_in("web", "OSU")
    world.log.stop_reading()
    check(pour(world.log.path, 1000) > 0, "the log's socket is not full")
    world.order("restore", "web")
    world.is_in("web", "ISP")
    told = world.read("output").splitlines()
    same((len(told), told[0], told[-1]), (1002, "INFO:gen:restore:web:000001:begins", "INFO:gen:restore:web:000003:ends"), "what is told instead")
    world.log.go_on_reading()
    world.log.wait("Resource (web) ISP: restore action has succeeded")
    kill(world.pid_of("web"))
