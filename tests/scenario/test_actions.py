# SPDX-License-Identifier: Apache-2.0
"""How pcheck begins and ends: actions of retry-over, signals, exit codes, keys that are taken."""
import os
import signal

import kernel
from harness import check, down, pent_line, same, scenario
from kernel import alive, kill


def watch(world, **fields):
    """alpha under test, and beta beside it; returns both pids."""
    pids = world.daemon("alpha"), world.daemon("beta")
    world.pfile(pent_line("alpha", world.restarter("alpha"), **fields), pent_line("beta", world.restarter("beta")))
    world.start_pcheck()
    for name, pid in zip(("alpha", "beta"), pids):
        world.log.wait(f"({name} ,pid={pid}) Up")
    return pids


def block(name, number, pid, state, action="continue"):
    return (f"pname           = {name}\npid             = {pid}\nretry_count     = 0\nrestart_count   = 0\nproc_sts        = {state}\n"
            f"retry_over_act  = {action}\nrerun_time      = -----\npent_id         = {number}\nmonitor_sts     = on\n")


def nothing_is_left_of_pcheck(world):
    check(not kernel.segment_exists(world.key), "the segment is still there")
    check(not kernel.semaphore_exists(world.key), "the semaphore is still there")
    same(world.ask("show", "pent").code, 3, "padmin's exit code without pcheck")


def the_dump_tells(world, wanted):
    answer = world.padmin("--dump", world.dump, "-c", "show", "pent")
    same((answer.code, answer.out), (0, wanted), "show pent of the dump")


@scenario
def the_action_exit_ends_pcheck_with_1_and_leaves_a_dump_that_padmin_reads(world):
    alpha, beta = watch(world, retries=0, action="exit")
    place = world.log.place()
    kill(alpha)
    world.pcheck_ends(1)
    same(world.log.wait("(alpha) RETRY_OVER:EXIT", place).priority, "err", "the priority of RETRY_OVER")
    same(world.log.texts(place), [*down("alpha", alpha), "(alpha) RETRY_OVER:EXIT"], "pcheck's lines")
    the_dump_tells(world, block("alpha", 1, alpha, "RETRY_OVER", "exit") + "\n" + block("beta", 2, beta, "AVAIL"))
    check(alive(beta), "pcheck has ended a watched process")
    nothing_is_left_of_pcheck(world)


@scenario
def the_action_shutdown_ends_pcheck_with_0_and_leaves_a_dump(world):
    alpha, beta = watch(world, retries=0, action="SHUTDOWN")
    place = world.log.place()
    kill(alpha)
    world.pcheck_ends(0)
    world.log.wait("Shutdown pcheck", place)
    same(world.log.texts(place)[2:], ["(alpha) RETRY_OVER:SHUTDOWN", "Shutdown pcheck"], "pcheck's lines")
    the_dump_tells(world, block("alpha", 1, alpha, "RETRY_OVER", "shutdown") + "\n" + block("beta", 2, beta, "AVAIL"))
    nothing_is_left_of_pcheck(world)


def ends_by_signal(world, number):
    alpha, beta = watch(world)
    os.kill(world.pcheck.pid, number)
    world.pcheck_ends(0)
    world.log.wait("Shutdown pcheck")
    the_dump_tells(world, block("alpha", 1, alpha, "AVAIL") + "\n" + block("beta", 2, beta, "AVAIL"))
    check(alive(alpha) and alive(beta), "pcheck has ended a watched process")
    nothing_is_left_of_pcheck(world)


@scenario
def the_signal_term_ends_pcheck_with_0(world):
    ends_by_signal(world, signal.SIGTERM)


@scenario
def the_signal_int_ends_pcheck_with_0(world):
    ends_by_signal(world, signal.SIGINT)


@scenario
def the_signal_hup_is_a_reload(world):
    watch(world)
    world.pfile(pent_line("beta", world.restarter("beta")))
    os.kill(world.pcheck.pid, signal.SIGHUP)
    world.log.wait("Reload done: +0 -1 ~0 =1")
    same([entry["pname"] for entry in world.pents()], ["beta"], "the entries after the reload")


@scenario
def the_order_shutdown_is_answered_when_the_dump_is_in_place_and_the_segment_gone(world):
    alpha, beta = watch(world)
    world.order("shutdown")
    check(not kernel.segment_exists(world.key), "the segment is still there when the order is answered")
    the_dump_tells(world, block("alpha", 1, alpha, "AVAIL") + "\n" + block("beta", 2, beta, "AVAIL"))
    world.pcheck_ends(0)
    nothing_is_left_of_pcheck(world)


@scenario
def a_second_pcheck_on_a_live_key_is_refused_with_the_owner_named(world):
    watch(world)
    owner, first = world.pcheck.pid, world.pfile_path
    world.pfile(pent_line("gamma"), name="other")
    answer = world.run_pcheck("-f", world.path("other"))
    same(answer.code, 69, "the second pcheck's exit status")
    for part in ("already running", f"pid={owner}", f"pfile={first}"):
        check(part in answer.err, f"`{part}` is not in: {answer.err}")
    world.pfile_path = first
    same([entry["proc_sts"] for entry in world.pents()], ["AVAIL", "AVAIL"], "the first pcheck's entries")


@scenario
def a_foreign_segment_is_left_untouched(world):
    content = bytes(range(256)) * 16
    identity = kernel.make_segment(world.key, content)
    world.pfile(pent_line("alpha"))
    for words in ((), ("--fresh",)):
        answer = world.run_pcheck("-f", world.pfile_path, *words)
        same(answer.code, 69, f"pcheck's exit status {words}")
        check(f"0x{world.key:08x}" in answer.err, f"the key is not named in: {answer.err}")
        same(kernel.read_segment(identity, len(content)), content, "the foreign segment")
    same(world.ask("show", "pent").code, 69, "padmin's exit code")


@scenario
def a_foreign_semaphore_is_left_untouched(world):
    kernel.make_semaphore(world.key)
    world.pfile(pent_line("alpha"))
    same(world.run_pcheck("-f", world.pfile_path).code, 69, "pcheck's exit status")
    check(kernel.semaphore_exists(world.key), "the foreign semaphore is gone")


@scenario
def a_script_that_runs_at_the_end_is_left_alone_and_named(world):
    told = world.path("slow.pid")
    world.script("slow.sh", f"echo $$ > {told}.new\nmv {told}.new {told}\nexec /bin/sleep 1000")
    world.pfile(pent_line("alpha", world.path("slow.sh")))
    world.start_pcheck()
    script = int(kernel.until(lambda: world.read("slow.pid"), "the script's run"))
    world.order("shutdown")
    world.pcheck_ends(0)
    world.log.wait(f"Left running: script of (alpha) pid={script}")
    check(alive(script), "the script was ended")


def tested(world, status, *pents, parts=(), **param):
    path = world.pfile(*pents, **param)
    answer = world.run_pcheck("-t", "-f", path)
    same(answer.code, status, f"the exit status of -t: {answer}")
    for part in parts:
        check(part in answer.out + answer.err, f"`{part}` is not in: {answer}")


@scenario
def the_test_mode_tells_good_missing_and_bad_pfiles_apart(world):
    script = world.restarter("alpha")
    tested(world, 0, pent_line("alpha", script), SCRIPT_TIMEOUT=60)
    tested(world, 0, pent_line("alpha", script), parts=["warning", "SCRIPT_TIMEOUT"])
    same(world.run_pcheck("-t", "-f", world.path("nowhere")).code, 66, "the exit status for a missing pfile")
    same(world.run_pcheck("-t", "-f", world.directory).code, 66, "the exit status for a directory")
    tested(world, 78, pent_line("alpha", world.path("nowhere.sh")), parts=["nowhere.sh"])
    tested(world, 78, f"alpha:{script}:3600:x:continue",
           parts=[f"{world.path('pfile')}:7:", 'error: alpha, field 4 (retry count): "x" is not a number, 0..10000, or unlimited expected'])
    tested(world, 78, pent_line("alpha", script), MONITOR_INTERVALL=5, parts=["did you mean MONITOR_INTERVAL?"])
    tested(world, 78, pent_line("alpha", script), STATE_GROUP="nobodys",
           parts=[f"{world.path('pfile')}:6:13: error: STATE_GROUP: there is no group \"nobodys\""])
    check(not kernel.segment_exists(world.key), "-t has made a segment")


@scenario
def the_test_mode_warns_of_a_long_name_that_only_its_first_15_bytes_match(world):
    world.daemon("averylongdaemonx")
    script = world.restarter("averylongdaemonx")
    tested(world, 0, pent_line("averylongdaemony", script), parts=["averylongdaemony: the running process matches by its first 15 bytes"])
    answer = world.run_pcheck("-t", "-f", world.pfile(pent_line("averylongdaemonx", script)))
    check("15 bytes" not in answer.err, f"a whole match was warned of: {answer}")


@scenario
def a_bad_pfile_starts_nothing_and_names_every_mistake(world):
    world.pfile(f"alpha:{world.restarter('alpha')}:0:3:continue", "beta:relative/path:3600:3:continue", "gamma:-:3600:3:panic",
                MSG_CHECK_INTERVAL="soon")
    answer = world.run_pcheck("-f", world.pfile_path)
    same(answer.code, 78, "pcheck's exit status")
    for line in (6, 8, 9, 10):
        check(f"{world.pfile_path}:{line}:" in answer.err, f"line {line} is not named in: {answer.err}")
    same(world.runs("alpha"), [], "runs of the script")


@scenario
def wrong_usage_is_64_and_a_named_conf_that_is_missing_is_66(world):
    world.pfile(pent_line("alpha"))
    same(world.run_pcheck("--no-such-option").code, 64, "the exit status of a wrong option")
    same(world.run_pcheck().code, 64, "the exit status without -f")
    same(world.padmin().code, 64, "padmin's exit status without anything")
    same(world.ask("show", "nothing").code, 64, "padmin's exit status for an unknown order")
    world.conf = world.path("no.conf")
    same(world.run_pcheck("-f", world.pfile_path).code, 66, "the exit status with a missing banken.conf")
    world.conf = world.write("bad.conf", "[log]\ntargett = syslog\n")
    same(world.run_pcheck("-f", world.pfile_path).code, 78, "the exit status with a bad banken.conf")


@scenario
def the_environment_names_banken_conf_for_both_programs(world):
    pfile = world.pfile(pent_line("alpha"))
    world.environment["BANKEN_CONF"] = world.path("no.conf")
    for words in (["pcheck/pcheck", "-f", pfile], ["padmin/padmin", "-f", pfile, "-c", "stop"]):
        same(world.run([os.path.join(world.build, words[0]), *words[1:]]).code, 66, f"the exit status of {words[0]}")
        check(world.path("no.conf") in world.last_answer.err, world.last_answer)


@scenario
def configuration_that_others_may_write_is_refused(world):
    world.pfile(pent_line("alpha"))
    os.chmod(world.pfile_path, 0o666)
    same(world.run_pcheck("-f", world.pfile_path).code, 78, "the exit status with a pfile that is writable by others")
    os.chmod(world.pfile_path, 0o644)
    os.chmod(world.conf, 0o646)
    same(world.run_pcheck("-f", world.pfile_path).code, 78, "the exit status with a banken.conf that is writable by others")
