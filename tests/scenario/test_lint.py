# SPDX-License-Identifier: Apache-2.0
"""`pcheck -t` and the loader: what the host says about a pfile (spec/pfile.md, last part)."""
import os
import re
import subprocess

from harness import check, pent_line, same, scenario
from kernel import alive, until
from logs import SocketLog

SOMEBODY = 4711     # no user of this host


def lint(world, status, *wanted, absent=()):
    """pcheck -t ends with this status and says these lines, among others."""
    answer = world.run_pcheck("-t", "-f", world.pfile_path)
    same(answer.code, status, f"the exit status of -t: {answer}")
    for line in wanted:
        check(f"{world.pfile_path}{line}\n" in answer.err, f"`{line}` is not in: {answer}")
    for part in absent:
        check(part not in answer.err, f"`{part}` is in: {answer}")


def with_options(name, script, options, **fields):
    return f"{pent_line(name, script, **fields)}:{options}"


@scenario
def an_unknown_user_is_refused_with_its_place_by_the_test_the_start_and_a_reload(world):
    pid = world.daemon("alpha")
    script = world.restarter("alpha")
    world.pfile(pent_line("alpha", script))
    world.start_pcheck()
    world.log.wait(f"(alpha ,pid={pid}) Up")
    line = with_options("alpha", script, "user=nobody-here:run_as=root")
    other = with_options("beta", script, "run_as=nobody-here-either")
    world.pfile(line, other)
    first = f':7:{line.index("nobody") + 1}: error: alpha, user: there is no user "nobody-here"'
    second = f':8:{other.index("nobody") + 1}: error: beta, run_as: there is no user "nobody-here-either"'
    lint(world, 78, first, second)
    same(world.run_pcheck("-f", world.pfile_path).code, 78, "the exit status of a start")
    error = world.refused(78, "reload")
    check(first in error and second in error, error)
    check(alive(pid), "alpha was ended")
    line = with_options("alpha", script, f"user=root:run_as={SOMEBODY}")
    world.pfile(line)
    lint(world, 78, f':7:{line.index(str(SOMEBODY)) + 1}: error: alpha, run_as: there is no user "{SOMEBODY}"')
    world.pfile(with_options("alpha", script, f"user={SOMEBODY}:run_as=0"))
    lint(world, 0)


@scenario
def a_circle_of_after_is_refused_with_its_chain_and_a_reload_of_it_changes_nothing(world):
    pid = world.daemon("alpha")
    script = world.restarter("alpha")
    world.pfile(pent_line("alpha", script))
    world.start_pcheck()
    world.log.wait(f"(alpha ,pid={pid}) Up")
    world.pfile(*(with_options(name, script, f"after={after}") for name, after in (("alpha", "beta"), ("beta", "alpha"))))
    error = world.refused(78, "reload")
    check("alpha, after: goes in a circle: alpha waits for beta, beta waits for alpha" in error, error)
    same([entry["pname"] for entry in world.pents()], ["alpha"], "the entries")


@scenario
def scripts_are_judged_even_while_the_text_has_mistakes(world):
    missing, open_to_all = world.path("missing.sh"), world.script("open.sh", "exit 0", mode=0o777)
    world.pfile(pent_line("alpha", missing, retries="x"),
                with_options("beta", world.restarter("alpha"), f"check={open_to_all}:stop={missing}/5"))
    column = len(pent_line("beta", world.restarter("alpha"))) + 2
    stop = column + len(f"check={open_to_all}:")
    lint(world, 78, f":7: error: alpha, field 2 (restart script): {missing}: No such file or directory",
         f':8:{column + len("check=")}: error: beta, check: {open_to_all} is writable by others',
         f':8:{stop + len("stop=")}: error: beta, stop: {missing}: No such file or directory')


@scenario
def a_script_that_the_kernel_cannot_execute_is_told_before_the_night(world):
    plain = world.write("plain.sh", "exit 0\n", mode=0o755)
    closed = world.script("closed.sh", "exit 0", mode=0o644)
    reason = f"{plain} does not begin with #!, such as #!/bin/sh: the kernel cannot execute it"
    world.pfile(pent_line("alpha", plain))
    lint(world, 78, f":7: error: alpha, field 2 (restart script): {reason}")
    world.pfile(pent_line("alpha", closed), SCRIPT_CHECK="off")
    lint(world, 78, f":8: error: alpha, field 2 (restart script): {closed} is not an executable file")


@scenario
def a_script_of_somebody_else_names_the_option_that_lets_him(world):
    script = world.restarter("alpha")
    os.chown(script, 65534, -1)     # nobody
    world.pfile(pent_line("alpha", script))
    lint(world, 78, f":7: error: alpha, field 2 (restart script): {script} is owned by nobody; add run_as=nobody")
    world.pfile(with_options("alpha", script, "run_as=nobody"))
    lint(world, 0)


@scenario
def a_dump_file_that_another_live_pcheck_uses_is_told(world):
    world.pfile(pent_line("alpha"), name="other")
    world.start_pcheck()
    other = world.pfile_path
    world.pfile(pent_line("alpha"), name="pfile", IPCKEY=f"0x{world.key + 0x100000:08x}")
    line = f": warning: SHM_DUMP_FILE {world.dump} is in use by the pcheck of {other}"
    lint(world, 0, line)
    own, world.pfile_path = world.pfile_path, other
    lint(world, 0, absent=("in use",))
    world.shut_down()
    world.pfile_path = own
    lint(world, 0, absent=("in use",))


@scenario
def two_entries_on_one_process_are_told(world):
    pid = world.daemon("alpha")
    world.pfile(pent_line("alpha"), with_options("the other", "-", f"match=label:exe={world.path('alpha')}"),
                with_options("alpha", "-", "min=1:user=0"))
    lint(world, 0, f":8: warning: the other: follows the same process as alpha in line 7, pid={pid}", absent=(":9: warning: alpha",))


@scenario
def a_persons_process_that_would_be_watched_is_told_and_a_pidfile_decides_among_two(world):
    program = world.program("alpha")
    person = subprocess.Popen([program, "--foreground"], user=1000, group=1000, extra_groups=[], env=world.environment)
    world.pfile(pent_line("alpha"))
    lint(world, 0, f":7: warning: alpha: pid={person.pid} of uid 1000 would be watched: user= is recommended")
    world.pfile(with_options("alpha", "-", "user=1000"))
    lint(world, 0, absent=("recommended",))
    pid = world.daemon("alpha")
    world.write("alpha.pid", f"{pid}\n")
    world.pfile(with_options("alpha", "-", f"pidfile={world.path('alpha.pid')}"), with_options("alpha", "-", f"user=0:exe={program}"))
    lint(world, 0, f":8: warning: alpha: follows the same process as alpha in line 7, pid={pid}", absent=("recommended",))


@scenario
def a_name_that_only_the_first_15_bytes_match_is_told(world):
    world.detached([world.program("a-very-long-daemon"), "--foreground"])
    world.pfile(pent_line("a-very-long-daemon-2"))
    lint(world, 0, ":7: warning: a-very-long-daemon-2: the running process matches by its first 15 bytes alone (comm)")
    world.pfile(pent_line("a-very-long-daemon"))
    lint(world, 0, absent=("15 bytes",))


@scenario
def without_a_log_daemon_the_test_the_start_and_the_capabilities_say_so(world):
    nowhere = world.path("no-log-daemon")
    world.conf = world.write("no_log.conf", f"[log]\ntarget = syslog\nsocket = {nowhere}\n")
    said = f"no log daemon at {nowhere}: lines wait in memory until there is one"
    pid = world.daemon("alpha")
    world.pfile(pent_line("alpha", world.restarter("alpha")))
    lint(world, 0, f": warning: {said}")
    world.start_pcheck(wait=False)
    shown = lambda: re.sub(" +=", " =", world.ask("show", "capabilities").out)
    until(lambda: f"log = no: {said}\n" in shown(), "the capabilities without a log daemon")
    with open(world.path("pcheck.out"), encoding="utf-8") as out:
        same(out.read(), f"pcheck: warning: {said}\n", "what pcheck has said")
    late = SocketLog(nowhere)
    late.wait(f"(alpha ,pid={pid}) Up")
    until(lambda: f"log = {nowhere}\n" in shown(), "the log daemon in the capabilities")
    late.close()
