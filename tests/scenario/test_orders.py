# SPDX-License-Identifier: Apache-2.0
"""padmin's orders and their answers (spec/padmin.md)."""
import os
import re
import signal
import subprocess

from harness import check, down, leaves, parsed, pent_line, same, scenario, up
from kernel import BOUND, alive, kill, until


def watch(world, names=("alpha", "beta"), **fields):
    """A daemon and an entry for each name; returns the pids."""
    pids = [world.daemon(name) for name in names]
    world.pfile(*(pent_line(name, world.restarter(name), **fields) for name in names))
    world.start_pcheck()
    for name, pid in zip(names, pids):
        world.log.wait(f"({name} ,pid={pid}) Up")
    return pids


def command_execute(world, order, entry=None):
    return f"Command execute. [{order}] pfile={world.pfile_path}" + (f" entry={entry}" if entry else "")


@scenario
def stop_and_start_of_all_pause_every_entry(world):
    watch(world)
    world.order("stop")
    same([entry["monitor_sts"] for entry in world.pents()], ["off", "off"], "monitor_sts after stop")
    param = world.order("show", "param")
    check("MESSAGE_BOX        = stop\nMONITOR_STOP_COUNT = 2\n" in param, param)
    check("message  = stop\n" in world.padmin("-l").out, "padmin -l does not say stop")
    world.order("start")
    same([entry["monitor_sts"] for entry in world.pents()], ["on", "on"], "monitor_sts after start")
    check("MESSAGE_BOX        = start\nMONITOR_STOP_COUNT = 0\n" in world.order("show", "param"), "show param after start")
    for text in ("Monitoring stopped", "Monitoring started", command_execute(world, "stop"), command_execute(world, "start")):
        same(world.log.wait(text).priority, "notice", f"the priority of `{text}`")


@scenario
def a_kill_while_paused_is_neither_told_nor_counted_and_start_takes_a_fresh_look(world):
    alpha, beta = watch(world)
    place = world.log.place()
    world.order("stop", "alpha")
    kill(alpha)
    world.becomes("alpha", proc_sts="DOWN", monitor_sts="off")
    kill(beta)
    world.up("beta", place)
    new = world.daemon("alpha")
    world.order("start", "alpha")
    world.log.wait(f"(alpha ,pid={new}) Up", place)
    entry = world.becomes("alpha", proc_sts="AVAIL", monitor_sts="on", pid=new)
    same(entry["restart_count"], "0", "restart_count")
    same(sorted(text for text in world.log.texts(place) if "alpha" in text),
         [up("alpha", new), "Monitoring started [alpha]", "Monitoring stopped [alpha]"], "the lines about alpha")
    world.log.wait(command_execute(world, "start", "alpha"), place)
    same(world.runs("alpha"), [], "runs of alpha's script")


@scenario
def start_of_an_entry_whose_process_is_gone_restarts_it(world):
    alpha, _ = watch(world)
    place = world.log.place()
    world.order("stop", "1")
    kill(alpha)
    world.becomes("alpha", proc_sts="DOWN")
    world.order("start", "1")
    new = world.up("alpha", place)
    texts = [text for text in world.log.texts(place) if "(alpha" in text]
    same(texts, ["Set pid fail (alpha)", "Try to restart (alpha)", f"(alpha ,pid={new}) Up"], "the lines about alpha")
    world.becomes("alpha", proc_sts="AVAIL", restart_count=1)


@scenario
def the_order_restart_ends_the_process_starts_it_by_its_script_and_is_not_counted(world):
    alpha, beta = watch(world)
    place = world.log.place()
    world.order("restart", "alpha")
    new = world.up_pid("alpha", place)
    check(new != alpha and not alive(alpha), "the old process is still there")
    check(alive(beta), "the other process was ended too")
    entry = world.becomes("alpha", proc_sts="AVAIL", pid=new)
    same([entry[key] for key in ("restart_count", "restart_total", "rerun_time")], ["0", "1", "-----"], "the counters")
    same(len(world.runs("alpha")), 1, "runs of the script")
    check(world.runs("alpha")[0].startswith(f"{alpha} operator"), world.runs("alpha"))


@scenario
def the_order_restart_is_refused_while_the_script_runs(world):
    world.script("slow.sh", "exec /bin/sleep 1000")
    world.pfile(pent_line("alpha", world.path("slow.sh")))
    world.start_pcheck()
    world.becomes("alpha", proc_sts="RESTART")
    check("script" in world.refused(1, "restart", "alpha"), "the reason does not speak of the script")


@scenario
def clear_leaves_retry_over(world):
    alpha, _ = watch(world, retries=0)
    kill(alpha)
    world.becomes("alpha", proc_sts="RETRY_OVER", pid=alpha)
    new = world.daemon("alpha")
    place = world.log.place()
    world.order("clear", "alpha")
    world.log.wait(f"(alpha ,pid={new}) Up", place)
    entry = world.becomes("alpha", proc_sts="AVAIL")
    same((entry["restart_count"], entry["retry_count"]), ("0", "0"), "the counters")
    check("FAIL_PROC_COUNT    = 0\n" in world.order("show", "param"), "FAIL_PROC_COUNT is not 0")


@scenario
def dump_writes_what_show_prints(world):
    watch(world)
    world.order("dump")
    same(world.padmin("--dump", world.dump, "-c", "show", "pent").out, world.order("show", "pent"), "show pent of the dump")
    same(world.padmin("--dump", world.dump, "-c", "show", "param").out, world.order("show", "param"), "show param of the dump")
    same(os.stat(world.dump).st_mode & 0o7077, 0, "the mode of the dump for others")


@scenario
def reload_adds_removes_changes_and_reorders_and_keeps_what_is_the_same(world):
    names = ["alpha", "beta", "gamma", "delta"]
    pids = dict(zip(names, watch(world, names)))
    place = world.log.place()
    kill(pids["beta"])
    pids["beta"] = world.up_pid("beta", place)
    pids["epsilon"] = world.daemon("epsilon")
    before = world.becomes("beta", proc_sts="AVAIL")
    world.pfile(pent_line("delta", world.restarter("delta"), retries=7),
                *(pent_line(name, world.restarter(name)) for name in ("beta", "epsilon", "alpha")))
    place = world.log.place()
    world.order("reload")
    same(world.log.wait("Reload done: +1 -1 ~1 =2", place).priority, "notice", "the priority")
    world.log.wait(f"(epsilon ,pid={pids['epsilon']}) Up", place)
    entries = world.pents()
    same([(entry["pname"], entry["pent_id"], entry["pid"]) for entry in entries],
         [(name, str(number), str(pids[name])) for number, name in enumerate(("delta", "beta", "epsilon", "alpha"), 1)], "name, id and pid")
    for key in ("restart_count", "rerun_time", "proc_sts"):
        same(entries[1][key], before[key], f"beta's {key}")
    check(alive(pids["gamma"]), "the process of the removed entry was ended")
    kill(pids["alpha"])
    world.up("alpha", place)


@scenario
def a_reload_of_a_bad_pfile_changes_nothing_and_prints_every_mistake(world):
    alpha, beta = watch(world)
    world.becomes("beta", proc_sts="AVAIL")
    before = world.order("show", "pent")
    path = world.pfile("alpha:-:x:3:continue", "delta:-:3600:3:never", f"beta:{world.restarter('beta')}:3600:3:continue:nonsense=1",
                       MONITOR_INTERVAL="often")
    place = world.log.place()
    text = world.refused(78, "reload")
    for line in (3, 7, 8, 9):
        check(f"{path}:{line}:" in text, f"line {line} is not named in: {text}")
    line = world.log.wait(re.compile(r"^Reload failed, configuration unchanged: "), place)
    check(line.priority == "err" and f"{path}:3:" in line.text and line.text.endswith("(3 more)"), line)
    same(world.order("show", "pent"), before, "show pent after the failed reload")
    check("newer" in world.order("show", "param", "-v"), "show param -v does not say that the file is newer")
    kill(beta)
    world.up("beta", place)
    check(alive(alpha), "a watched process was ended")


@scenario
def a_reload_cannot_change_the_key_or_the_dump_file(world):
    watch(world)
    good = [pent_line(name, world.restarter(name)) for name in ("alpha", "beta")]
    for change in ({"IPCKEY": f"0x{world.key + 0x100000:08x}"}, {"SHM_DUMP_FILE": world.path("elsewhere")}):
        world.pfile(*good, **change)
        check(world.ask("reload").code in (1, 78), f"reload with {change} was carried out: {world.last_answer}")
    world.pfile(*good)
    world.order("reload")


@scenario
def the_quiet_show_answers_by_its_exit_code(world):
    world.script("slow.sh", "exec /bin/sleep 1000")
    alpha, beta = world.daemon("alpha"), world.daemon("beta")
    world.pfile(pent_line("alpha", world.restarter("alpha")), pent_line("beta", world.restarter("beta"), retries=0),
                pent_line("gamma", world.path("slow.sh")))
    same(world.ask("show", "pent", "alpha", "-q").code, 3, "without pcheck")
    world.start_pcheck()
    kill(beta)
    world.becomes("beta", proc_sts="RETRY_OVER")
    world.becomes("gamma", proc_sts="RESTART")
    for name, code in (("alpha", 0), ("gamma", 1), ("beta", 2), ("nobody", 4)):
        answer = world.ask("show", "pent", name, "-q")
        same((answer.code, answer.out), (code, ""), f"show pent {name} -q")
    check(alive(alpha), "alpha is gone")


@scenario
def orders_for_unknown_entries_are_refused_with_4(world):
    watch(world)
    for order in ("stop", "start", "clear", "restart"):
        check("nobody" in world.refused(4, order, "nobody"), f"{order}: the name is not in the answer")
    world.refused(4, "stop", "3")


@scenario
def json_is_one_document_with_the_same_names(world):
    pids = watch(world)
    document = parsed(world.order("show", "pent", "--json"))
    same(document["schema"], 1, "the schema")
    entries = [leaf for leaf in leaves(document) if "pname" in leaf]
    same([(entry["pname"], entry["pid"], entry["proc_sts"], entry["restart_count"], entry["pent_id"]) for entry in entries],
         [(name, pid, "AVAIL", 0, number + 1) for number, (name, pid) in enumerate(zip(("alpha", "beta"), pids))], "the entries")
    param = [leaf for leaf in leaves(parsed(world.order("show", "param", "--json"))) if "ALL_PROC_COUNT" in leaf]
    same([(leaf["ALL_PROC_COUNT"], leaf["MONITOR_INTERVAL"]) for leaf in param], [(2, 1)], "show param")
    listed = [leaf for leaf in leaves(parsed(world.padmin("-l", "--json").out)) if leaf.get("mypid") == world.pcheck.pid]
    same([leaf["pfile"] for leaf in listed], [world.pfile_path], "the pfile in -l")


@scenario
def a_pcheck_is_found_by_its_key_and_one_word_is_split_at_blanks(world):
    watch(world)
    wanted = world.order("show", "pent", "beta")
    same(world.padmin("-k", f"0x{world.key:08x}", "-c", "show", "pent", "beta").out, wanted, "by the key in hex")
    same(world.padmin("-k", str(world.key), "-c", "show pent beta").out, wanted, "by the key in decimal, the order quoted")
    same(world.order("show", "pent", "2"), wanted, "by its id")
    same(world.padmin("-k", f"0x{world.key + 0x100000:08x}", "-c", "show", "pent").code, 3, "a key without a segment")


@scenario
def orders_at_the_same_time_each_get_their_own_answer(world):
    names = ["alpha", "beta", "gamma", "delta"]
    watch(world, names)
    orders = [("stop", name, 0) for name in names] + [("stop", f"nobody{number}", 4) for number in range(4)]
    started = [subprocess.Popen(world.padmin_command("-f", world.pfile_path, "-c", order, name), env=world.environment, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for order, name, _ in orders]
    for process, (order, name, code) in zip(started, orders):
        text = process.communicate(timeout=BOUND)[1]
        check(process.returncode == code, f"{order} {name}: exit {process.returncode}: {text}")
        check(code == 0 or name in text, f"the answer to {order} {name} is another's: {text}")
    same([entry["monitor_sts"] for entry in world.pents()], ["off"] * 4, "monitor_sts")


@scenario
def a_stopped_pcheck_is_shown_and_its_orders_end_with_75(world):
    watch(world)
    world.becomes("beta", proc_sts="AVAIL")
    wanted = world.order("show", "pent")
    os.kill(world.pcheck.pid, signal.SIGSTOP)
    same(world.order("show", "pent"), wanted, "show pent while pcheck is stopped")
    check("message  = start\n" in world.padmin("-l").out, "padmin -l while pcheck is stopped")
    text = world.refused(75, "stop", "--wait", "1")
    check("stopped" in text, f"the answer does not say that pcheck is stopped: {text}")
    os.kill(world.pcheck.pid, signal.SIGCONT)
    until(lambda: world.ask("start").code == 0, "an answer after SIGCONT")


@scenario
def a_script_less_entry_is_only_reported(world):
    alpha = world.daemon("alpha")
    world.pfile(pent_line("alpha", "-"))
    world.start_pcheck()
    world.log.wait(f"(alpha ,pid={alpha}) Up")
    place = world.log.place()
    kill(alpha)
    entry = world.becomes("alpha", proc_sts="DOWN", waits_for="script")
    same((entry["restart_count"], entry["pid"]), ("0", str(alpha)), "restart_count and pid")
    new = world.daemon("alpha")
    world.log.wait(f"(alpha ,pid={new}) Up", place)
    same(world.log.texts(place), [*down("alpha", alpha), up("alpha", new)], "pcheck's lines")


@scenario
def retries_0_is_retry_over_at_the_first_loss(world):
    alpha, _ = watch(world, retries=0)
    place = world.log.place()
    kill(alpha)
    world.log.wait("(alpha) RETRY_OVER:CONTINUE", place)
    same(world.log.texts(place), [*down("alpha", alpha), "(alpha) RETRY_OVER:CONTINUE"], "pcheck's lines")
    same(world.runs("alpha"), [], "runs of the script")


@scenario
def unlimited_retries_are_never_over(world):
    alpha, _ = watch(world, grace=86400, retries="unlimited")
    for _ in range(5):
        place = world.log.place()
        kill(alpha)
        alpha = world.up_pid("alpha", place)
    world.becomes("alpha", proc_sts="AVAIL", restart_count=5)
