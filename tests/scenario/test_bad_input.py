# SPDX-License-Identifier: Apache-2.0
"""Scripts, names and files as hostile or broken as they come: each gets a clear line, and the others are watched as before."""
import os
import random
import re
import stat
import time

from harness import check, pent_line, same, scenario, up
from kernel import alive, kill, remove_segment, remove_semaphore, running, until


def watch_beside(world, script, **param):
    """alpha with this script and one retry, beta beside it with a good one; both running. Returns their pids."""
    alpha, beta = world.daemon("alpha"), world.daemon("beta")
    world.pfile(pent_line("alpha", script, retries=1), pent_line("beta", world.restarter("beta")), **param)
    world.start_pcheck()
    for name, pid in (("alpha", alpha), ("beta", beta)):
        world.log.wait(f"({name} ,pid={pid}) Up")
    return alpha, beta


def beta_is_restarted(world, beta):
    place = world.log.place()
    kill(beta)
    return world.up_pid("beta", place)


def refused_script(world, path, reason):
    """Refused at load and before the run, in the same words; the attempt counts; beta is restarted as ever."""
    alpha, beta = watch_beside(world, path)
    line = rf"^Restart script refused \(alpha\): .*{re.escape(path)}.*{reason}"
    first = world.log.wait(re.compile(line))
    same(first.priority, "err", "the priority")
    place = world.log.place()
    kill(alpha)
    world.log.wait("Try to restart (alpha)", place)
    world.log.wait(re.compile(line), place)
    world.log.wait("(alpha) RETRY_OVER:CONTINUE", place)
    beta_is_restarted(world, beta)


@scenario
def scripts_run_without_an_output_file_whose_directory_has_gone(world):
    os.mkdir(world.path("out"))
    alpha = world.daemon("alpha")
    world.pfile(pent_line("alpha", world.restarter("alpha")) + ":delay=0", SCRIPT_OUTPUT=world.path("out/log"))
    world.start_pcheck()
    world.log.wait(up("alpha", alpha))
    os.rename(world.path("out"), world.path("gone"))
    for _ in range(2):
        kill(alpha)
        alpha = world.replaced("alpha", alpha)
        world.becomes("alpha", proc_sts="AVAIL", pid=alpha)
    lost = f"SCRIPT_OUTPUT: what scripts print is lost: {world.path('out')}: No such file or directory"
    same(world.log.texts().count(lost), 1, "lines about it")


@scenario
def a_script_that_is_missing_is_refused(world):
    refused_script(world, world.path("nowhere.sh"), "(missing|No such file)")


@scenario
def a_script_that_is_not_executable_is_refused(world):
    refused_script(world, world.script("plain.sh", "exit 0", 0o644), "not executable")


@scenario
def a_script_that_others_may_write_is_refused(world):
    refused_script(world, world.script("open.sh", "exit 0", 0o757), "writable by others")


@scenario
def a_script_in_a_directory_that_others_may_write_is_refused(world):
    os.mkdir(world.path("open"))
    os.chmod(world.path("open"), 0o777)
    alpha, beta = watch_beside(world, world.script("open/good.sh", "exit 0"))
    world.log.wait(re.compile(rf"^Restart script refused \(alpha\): {re.escape(world.path('open'))} is writable by others"))
    beta_is_restarted(world, beta)
    check(alive(alpha), "alpha was ended")


@scenario
def a_script_that_is_a_directory_is_refused(world):
    os.mkdir(world.path("directory"))
    refused_script(world, world.path("directory"), "")


@scenario
def a_script_that_is_a_loop_of_links_is_refused(world):
    os.symlink("loop2", world.path("loop1"))
    os.symlink("loop1", world.path("loop2"))
    alpha, beta = watch_beside(world, world.path("loop1"))
    world.log.wait(re.compile(r"^Restart script refused \(alpha\): .*loop"))
    beta_is_restarted(world, beta)
    check(alive(alpha), "alpha was ended")


@scenario
def a_script_whose_interpreter_is_missing_cannot_be_run(world):
    alpha, beta = watch_beside(world, world.write("odd.sh", "#!/no/such/interpreter\n", 0o755))
    kill(alpha)
    world.log.wait(re.compile(r"^Restart script (refused|failed) \(alpha\)"))
    world.log.wait("(alpha) RETRY_OVER:CONTINUE")
    beta_is_restarted(world, beta)


@scenario
def a_script_made_untrusted_while_pcheck_runs_is_refused_before_its_run(world):
    script = world.restarter("alpha")
    alpha, beta = watch_beside(world, script)
    os.chmod(script, 0o777)
    kill(alpha)
    world.log.wait(f"Restart script refused (alpha): {script} is writable by others")
    same(world.runs("alpha"), [], "runs of the script")
    beta_is_restarted(world, beta)


@scenario
def a_script_that_fails_is_told_with_its_status_and_a_signal_with_its_number(world):
    again = world.path("again")
    alpha, beta = watch_beside(world, world.script("fail.sh", f"if test -e {again}; then kill -9 $$; fi\n> {again}\nexit 3"))
    world.pfile(pent_line("alpha", world.path("fail.sh"), retries=2), pent_line("beta", world.restarter("beta")))
    world.order("reload")
    kill(alpha)
    world.log.wait("Restart script failed (alpha) status=3")
    world.log.wait("Restart script failed (alpha) signal=9")
    world.log.wait("(alpha) RETRY_OVER:CONTINUE")
    same(world.pent("alpha")["retry_count"], "2", "retry_count in retry-over")
    beta_is_restarted(world, beta)


@scenario
def a_script_that_ends_well_without_starting_anything_is_set_pid_fail(world):
    alpha, beta = watch_beside(world, world.script("idle.sh", "exit 0"), MONITOR_TRY_COUNT=1)
    kill(alpha)
    world.log.wait("Set pid fail (alpha)")
    world.log.wait("(alpha) RETRY_OVER:CONTINUE")
    beta_is_restarted(world, beta)


@scenario
def a_script_that_hangs_holds_up_nobody(world):
    alpha, beta = watch_beside(world, world.script("hang.sh", "exec /bin/sleep 1000"))
    kill(alpha)
    world.becomes("alpha", proc_sts="RESTART")
    beta_is_restarted(world, beta)
    world.becomes("alpha", proc_sts="RESTART")


@scenario
def a_script_that_floods_its_output_holds_up_nobody(world):
    program = world.program("alpha")
    flood = world.script("flood.sh", f"head -c 67108864 /dev/zero\nhead -c 67108864 /dev/zero >&2\n{program}\nexit 0")
    alpha, beta = watch_beside(world, flood, SCRIPT_OUTPUT=world.path("output"))
    kill(alpha)
    beta_is_restarted(world, beta)
    world.up("alpha", world.log.find("Try to restart (alpha)").index)
    same(stat.S_IMODE(os.stat(world.path("output")).st_mode), 0o640, "the mode of SCRIPT_OUTPUT")
    check(os.path.getsize(world.path("output")) >= 2 * 67108864, "the script's output is not whole")


@scenario
def a_script_that_starts_its_daemon_in_its_own_session_without_closing_anything_is_over_when_it_ends(world):
    program = world.program("alpha")
    alpha, beta = watch_beside(world, world.script("careless.sh", f"setsid {program} --foreground &\nexit 0"))
    kill(alpha)
    new = world.up_pid("alpha", world.log.wait("Try to restart (alpha)").index)
    same(world.pid_of("alpha"), new, "the process followed")
    beta_is_restarted(world, beta)
    world.order("shutdown")
    world.pcheck_ends(0)
    check(alive(new), "the daemon died with pcheck")


@scenario
def a_script_that_moves_to_another_process_group_is_still_awaited_and_limited(world):
    body = "if test -z \"$MOVED\"; then MOVED=1 exec setsid -w \"$0\"; fi\nexec /bin/sleep 1000"
    alpha, beta = watch_beside(world, world.script("moved.sh", body), SCRIPT_TIMEOUT=1, SCRIPT_KILL_WAIT=1)
    kill(alpha)
    world.log.wait("Restart script failed (alpha) timeout=1s")
    beta_is_restarted(world, beta)


@scenario
def a_script_gets_a_plain_environment_and_no_descriptor_but_three(world):
    new = world.path("seen.new")
    body = (f"{{ pwd; umask; ls /proc/self/fd | wc -l; env; readlink /proc/$$/fd/0; }} > {new}\nmv {new} {world.path('seen')}\n"
            f"{world.program('alpha')} > /dev/null\nexit 0")
    alpha = world.daemon("alpha")
    world.pfile(pent_line("alpha", world.script("look.sh", body)))
    world.start_pcheck(environment={"LD_PRELOAD_X": "kept?", "LISTEN_FDS": "0", "INVOCATION_ID": "x", "JOURNAL_STREAM": "x"})
    world.log.wait(f"(alpha ,pid={alpha}) Up")
    kill(alpha)
    world.up("alpha", world.log.wait("Try to restart (alpha)").index)
    seen = world.read("seen").splitlines()
    same(seen[:3], ["/", "0022", "4"], "directory, umask and the number of descriptors of `ls`")
    same(seen[-1], "/dev/null", "stdin")
    for wanted in ("PCHECK_PNAME=alpha", "PCHECK_PENT_ID=1", f"PCHECK_OLD_PID={alpha}", "PCHECK_REASON=down",
                   "PCHECK_CAUSE=killed by signal 9 (KILL)", "PCHECK_RESTART_COUNT=1", "PCHECK_RETRIES=3",
                   f"PCHECK_PFILE={world.pfile_path}", f"BANKEN_IPCKEY=0x{world.key:08x}"):
        check(wanted in seen, f"not in the environment: {wanted}\n" + "\n".join(seen))
    for name in ("LD_", "LISTEN_", "INVOCATION_ID", "JOURNAL_STREAM", "NOTIFY_SOCKET", "WATCHDOG_"):
        check(not any(line.startswith(name) for line in seen), f"{name} is in the script's environment")


ODD_NAMES = ("with space", "(paren)", "a)b (c", "co\\:lon", "a_name_far_longer_than_fifteen_bytes", "umlaut-ä", "-dash", "per%cent",
             "[brackets]")


@scenario
def names_with_blanks_colons_parentheses_and_many_bytes_are_watched(world):
    pids = {}
    for name in ODD_NAMES:
        program = name.replace("\\:", ":")
        if " " in program:      # a name with a blank is compared with the command line: argv[0] is the name
            pids[name] = world.daemon(program, argv0=program)
        else:
            pids[name] = world.daemon(program)
    scripts = {}
    for number, name in enumerate(ODD_NAMES):
        program = name.replace("\\:", ":")
        words = f"--argv0 '{program}' " if " " in program else ""
        scripts[name] = world.script(f"restart{number}.sh", f"'{world.path(program)}' {words}> /dev/null\nexit 0")
    world.pfile(*(pent_line(name, scripts[name]) for name in ODD_NAMES))
    world.start_pcheck()
    for name, pid in pids.items():
        world.log.wait(f"({name.replace(chr(92) + ':', ':')} ,pid={pid}) Up")
    for name, pid in pids.items():
        program = name.replace("\\:", ":")
        place = world.log.place()
        kill(pid)
        world.log.wait(f"Process [{program}, pid={pid}] Down", place)
        same(world.up_pid(program, place), world.pid_of(program), f"the new pid of {program}")
    same([entry["pname"] for entry in world.pents()], [name.replace("\\:", ":") for name in ODD_NAMES], "the names in show pent")


@scenario
def processes_with_newlines_and_forged_stat_lines_in_their_names_disturb_nobody(world):
    for number, name in enumerate(("new\nline", ") S 1 (", "(beta)", "a\tb", "x) Z 1 1 1", "\x1b[31mred", "beta \n")):
        world.program(name)
        world.detached([f"beta\nbeta{number}", "--foreground", "\n\nbeta\n"], executable=world.path(name))
    alpha, beta = watch_beside(world, world.restarter("alpha"))
    beta_is_restarted(world, beta)
    kill(alpha)
    world.up("alpha", world.log.wait(f"Process [alpha, pid={alpha}] Down").index)
    for line in world.log.lines():
        check(line.text.isprintable(), f"a control character in the log: {line.text!r}")


@scenario
def a_name_with_control_characters_in_the_pfile_is_an_error(world):
    world.pfile(pent_line("al\x07pha"))
    same(world.run_pcheck("-f", world.pfile_path).code, 78, "the exit status")
    check("\x07" not in world.last_answer.err, "the control character went to the terminal")


@scenario
def a_daemon_whose_executable_was_replaced_is_still_matched(world):
    old = world.path("alpha")
    alpha = world.daemon("alpha", argv0="something_else")
    os.unlink(old)
    world.program("alpha")
    world.pfile(pent_line("alpha", world.restarter("alpha")))
    world.start_pcheck()
    world.log.wait(f"(alpha ,pid={alpha}) Up")
    kill(alpha)
    world.up("alpha", world.log.wait("Try to restart (alpha)").index)


@scenario
def a_storm_of_short_lived_processes_hides_no_loss_and_makes_none(world):
    names = [f"daemon{number}" for number in range(10)]
    pids = {name: world.daemon(name) for name in names}
    world.pfile(*(pent_line(name, world.restarter(name)) for name in names), DETECT="poll")
    storm = world.detached(["/bin/sh", "-c", "while :; do /bin/true & /bin/true & wait; done", "storm"])
    world.start_pcheck()
    world.log.wait_for_count(re.compile(r" Up$"), len(names))
    for name in names[::2]:
        place = world.log.place()
        kill(pids[name])
        world.log.wait(f"Process [{name}, pid={pids[name]}] Down", place)
        world.up(name, place)
    downs = [line.text for line in world.log.lines() if line.text.endswith(" Down")]
    same(downs, [f"Process [{name}, pid={pids[name]}] Down" for name in names[::2]], "the losses that were told")
    kill(storm)


def bad_pfile(world, path, status, *parts):
    for words in (("-t", "-f", path), ("-f", path)):
        begun = time.monotonic()
        answer = world.run_pcheck(*words)
        same(answer.code, status, f"the exit status of pcheck {' '.join(words)}: {str(answer)[:500]}")
        for part in (path, *parts):
            check(part in answer.out + answer.err, f"`{part}` is not in: {str(answer)[:500]}")
        check(time.monotonic() - begun < 20, f"pcheck {words[0]} took {time.monotonic() - begun:.1f} s")


@scenario
def a_pfile_that_is_missing_a_directory_or_a_fifo_is_66(world):
    os.mkdir(world.path("directory"))
    os.mkfifo(world.path("fifo"))
    for name in ("missing", "directory", "fifo"):
        bad_pfile(world, world.path(name), 66)
        world.pfile_path = world.path(name)
        same(world.ask("show", "pent").code, 66, f"padmin's exit code for {name}")


@scenario
def a_pfile_with_nul_bytes_is_78(world):
    good = world.pfile(pent_line("alpha"))
    with open(good, "rb") as file:
        text = file.read()
    bad_pfile(world, world.write("nul", text.replace(b"alpha", b"al\0pha")), 78, ":7:3: error:")


@scenario
def a_pfile_of_16_mib_of_noise_is_78(world):
    bad_pfile(world, world.write("noise", random.Random(1).randbytes(16 << 20)), 78)


@scenario
def a_pfile_of_16_mib_without_a_line_end_is_78(world):
    bad_pfile(world, world.write("long", b"x" * (16 << 20)), 78, ":1:")


@scenario
def a_pfile_of_16_mib_of_wrong_pent_lines_is_78_and_reload_of_it_disturbs_nobody(world):
    line = b"alpha:relative:x:y:z\n"
    text = line * ((16 << 20) // len(line))
    alpha, beta = watch_beside(world, world.restarter("alpha"))
    world.write("pfile", b"IPCKEY 0x%08x\nSHM_DUMP_FILE %s\n" % (world.key, world.dump.encode()) + text[:(16 << 20) - 4096])
    world.refused(78, "reload")
    beta_is_restarted(world, beta)
    check(alive(alpha), "alpha was ended")


@scenario
def a_reload_of_a_missing_file_or_a_fifo_changes_nothing_and_holds_up_nobody(world):
    alpha, beta = watch_beside(world, world.restarter("alpha"))
    path = world.pfile_path
    os.rename(path, path + ".old")
    os.mkfifo(path)
    answer = world.padmin("-k", f"0x{world.key:08x}", "-c", "reload")
    check(answer.code in (66, 78), f"reload of a FIFO: {answer}")
    world.log.wait(re.compile(r"^Reload failed, configuration unchanged: "))
    os.unlink(path)
    answer = world.padmin("-k", f"0x{world.key:08x}", "-c", "reload")
    check(answer.code in (66, 78), f"reload of a missing file: {answer}")
    os.rename(path + ".old", path)
    beta_is_restarted(world, beta)
    check(running(world.path("alpha")) == [alpha], "alpha was touched")


def repairs_its_segment(world, removes):
    alpha, beta = world.daemon("alpha"), world.daemon("beta")
    world.pfile(pent_line("alpha", world.restarter("alpha")), pent_line("beta", world.restarter("beta")), MSG_CHECK_INTERVAL=1)
    world.start_pcheck()
    world.log.wait(f"(beta ,pid={beta}) Up")
    for remove in removes:
        remove(world.key)
    world.log.wait("Segment was removed, recreating")
    until(lambda: world.ask("show", "pent", "beta", "-q").code == 0, "the segment made anew")
    beta_is_restarted(world, beta)
    world.order("stop", "alpha")
    same(world.run_pcheck("-f", world.pfile_path).code, 69, "a second pcheck's exit status")
    check(alive(alpha), "alpha was ended")


@scenario
def a_removed_segment_is_made_anew(world):
    repairs_its_segment(world, [remove_segment])


@scenario
def a_removed_segment_and_semaphore_are_made_anew(world):
    repairs_its_segment(world, [remove_segment, remove_semaphore])
