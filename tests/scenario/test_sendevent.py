# SPDX-License-Identifier: Apache-2.0
"""sendevent: recovery, and the responders that it starts (spec/events.md)."""
import os
import re
import signal
import subprocess

from harness import check, pent_line, same, scenario, up
from kernel import alive, kill, until, wait_end

LEAST = ["-C", "filesys", "-E", "diskfull", "-m", "df", "-n", "alpha"]


def tree(world, timeout=None):
    """An empty tree of responders; returns its path."""
    limit = f"timeout = {timeout}\n" if timeout else ""
    world.conf = world.write("banken.conf", world.conf_text(None) + f"[events]\ndir = {world.path('events')}\n{limit}")
    for directory in ("filesys/diskfull", "genclass/diskfull", "allclass"):
        os.makedirs(world.path(f"events/{directory}"))
    return world.path("events")


def responder(world, name, body, mode=0o755):
    return world.script(f"events/{name}", body, mode)


def send(world, *words, least=LEAST):
    return world.run([os.path.join(world.build, "sendevent/sendevent"), "--conf", world.conf, *least, *words])


def sent(world, *words, code=0):
    answer = send(world, *words)
    check(answer.code == code, f"exit {code} wanted, {answer}")
    return answer


def start(world):
    """alpha, which handles filesys/diskfull; returns its pid."""
    pid = world.daemon("alpha")
    world.pfile(pent_line("alpha", world.restarter("alpha")) + ":events=filesys/diskfull", MSG_CHECK_INTERVAL=1)
    world.start_pcheck()
    world.log.wait(up("alpha", pid))
    return pid


@scenario
def responders_run_in_their_order_with_what_was_typed_and_the_facts(world):
    tree(world)
    tell = f"echo \"${{0##*/events/}}\" >> {world.path('order')}"
    for name in ("allclass/a", "genclass/diskfull/z", "filesys/diskfull/b", "filesys/diskfull/B", "filesys/diskfull/x~",
                 "filesys/diskfull/.hidden", "filesys/diskfull/x.rpmsave"):
        responder(world, name, tell)
    responder(world, "filesys/diskfull/not_executable", tell, 0o644)
    sent(world, "-w", "-O", world.path("list"))
    wanted = ["filesys/diskfull/B", "filesys/diskfull/b", "genclass/diskfull/z", "allclass/a"]
    same(sorted(world.read("order").splitlines()), sorted(wanted), "who has run")
    same(world.read("list").splitlines(), [world.path(f"events/{name}") for name in wanted], "-O")
    same(sent(world, "-z").out.splitlines(), [f"run {world.path(f'events/{name}')}" for name in wanted], "-z")
    same(len(world.read("order").splitlines()), 4, "runs after -z")


@scenario
def a_responder_gets_arguments_facts_and_a_plain_world(world):
    tree(world)
    args = f"for word; do printf '[%s]' \"$word\"; done > {world.path('args')}"
    facts = f"env | grep ^EVENT_ | sort > {world.path('facts')}"
    place = f"echo \"$(pwd) $(umask) $(ps -o sid= -p $$ | tr -d ' ') $$\" > {world.path('place')}; ls /proc/$$/fd | tr '\\n' ' ' > {world.path('fds')}"
    responder(world, "allclass/look", f"{args}; {facts}; {place}")
    text = "96% \x1b[31m full\t\"$(id)\" -w"
    sent(world, "-w", "-s", "err", "-x", text, "-T", "1169094883", "-S", "")
    typed = [*LEAST, "-w", "-s", "err", "-x", text, "-T", "1169094883", "-S", ""]
    same(world.read("args"), "".join(f"[{word}]" for word in typed), "the arguments")
    same(world.read("facts").splitlines(), ["EVENT_CLASS=filesys", "EVENT_INSTANCE=alpha", "EVENT_MONITOR=df", "EVENT_NAME=diskfull",
                                            "EVENT_RECOVERING=0", "EVENT_SEVERITY=err", f"EVENT_TEXT={text}", "EVENT_TIME=1169094883"], "the facts")
    directory, mask, session, pid = world.read("place").split()
    same([directory, mask], ["/", "0022"], "directory and umask")
    same(session, pid, "the session")
    check(set(world.read("fds").split()) <= {"0", "1", "2", "3", "10", "255"}, f"descriptors: {world.read('fds')}")


@scenario
def an_event_that_is_handled_starts_the_recovery_and_tells_responders_so(world):
    tree(world)
    responder(world, "filesys/diskfull/look", f"for last; do :; done; echo \"$last $EVENT_RECOVERING\" >> {world.path('last')}")
    pid = start(world)
    sent(world, "-z")
    same(world.last_answer.out.splitlines()[0], f"recover alpha pfile={world.pfile_path}", "-z")
    sent(world, "-w", "-o")
    check(alive(pid), "-o has recovered")
    place = world.log.place()
    sent(world, "-w")
    wait_end(pid, "the stalled process")
    new = world.up_pid("alpha", place)
    same(world.log.texts(place)[0], f"Stalled (alpha ,pid={pid}): event filesys/diskfull", "the first line")
    world.order("stop", "alpha")
    sent(world, "-w")       # handled, but nothing is begun: paused
    check(alive(new), "a paused entry was recovered")
    same(world.read("last").splitlines(), ["-o 0", "-A 1", "-w 0"], "the last words and EVENT_RECOVERING")


@scenario
def responders_that_never_end_hold_up_nobody_and_what_they_leave_is_left(world):
    tree(world)
    os.mkfifo(world.path("never"))
    for number in range(5):
        responder(world, f"allclass/{number}", f"echo $$ >> {world.path('pids')}\nread line < {world.path('never')}")
    sent(world)         # its stdout and stderr are pipes to us: they have been closed
    pids = until(lambda: (found := [int(line) for line in world.read("pids").splitlines()]) and len(found) == 5 and found, "five responders")
    check(all(alive(pid) for pid in pids), "they have ended")
    keeper = until(lambda: int(open(f"/proc/{pids[0]}/stat").read().rpartition(")")[2].split()[1]), "their keeper")
    check(os.readlink(f"/proc/{keeper}/cwd") == "/" and os.readlink(f"/proc/{keeper}/fd/2") == "/dev/null", "the keeper's world")
    for pid in pids:
        kill(pid)
    wait_end(keeper, "the keeper")


@scenario
def a_responder_that_takes_too_long_is_ended_with_its_group(world):
    tree(world, timeout=1)
    os.mkfifo(world.path("never"))
    child = f"(echo $(exec sh -c 'echo $PPID') >> {world.path('pids')}; read line < {world.path('never')}) &"
    responder(world, "allclass/slow", f"echo $$ >> {world.path('pids')}\n{child}\nread line < {world.path('never')}")
    answer = sent(world, "-w", code=1)
    same(answer.err, f"sendevent: {world.path('events/allclass/slow')}: timeout=1s\n", "what is told")
    for pid in map(int, world.read("pids").split()):
        wait_end(pid, "the responder and its child")


@scenario
def a_waiting_sendevent_tells_what_failed_and_passes_on_what_was_printed(world):
    tree(world)
    responder(world, "filesys/diskfull/bad", "echo from bad; echo to stderr >&2; exit 3")
    responder(world, "allclass/good", "exit 0")
    answer = sent(world, "-w", code=1)
    same(answer.out, "from bad\n", "stdout")
    same(sorted(answer.err.splitlines()), sorted(["to stderr", f"sendevent: {world.path('events/filesys/diskfull/bad')}: status=3"]), "stderr")
    os.unlink(world.path("events/filesys/diskfull/bad"))
    sent(world, "-w")
    same(sent(world).out, "", "stdout without -w")


@scenario
def what_others_could_have_written_is_not_run(world):
    tree(world)
    responder(world, "allclass/loose", f"echo ran > {world.path('ran')}", 0o777)
    answer = sent(world, "-w")
    same(answer.err, f"sendevent: refused: {world.path('events/allclass/loose')} is writable by others\n", "what is told")
    os.chmod(world.path("events/allclass/loose"), 0o755)
    os.chmod(world.path("events/allclass"), 0o777)
    check(f"{world.path('events/allclass')} is writable by others" in sent(world, "-w").err, world.last_answer)
    same(world.read("ran"), "", "the file of a refused responder")


@scenario
def words_that_lead_elsewhere_are_usage_errors_and_long_ones_arrive(world):
    tree(world)
    responder(world, "allclass/look", f"printf %s \"$EVENT_TEXT\" | wc -c >> {world.path('sizes')}; for last; do :; done; printf %s \"$last\" | wc -c >> {world.path('sizes')}")
    for least in (["-C", "../allclass", "-E", "e"], ["-C", "c", "-E", "../../allclass"], ["-C", "..", "-E", ".."], ["-C", "c", "-E", "a/b"]):
        check(send(world, "-m", "m", "-n", "n", least=least).code == 64, world.last_answer)
    same(world.read("sizes"), "", "what was run")
    sent(world, "-w", "-x", "y" * 100_000)
    same(world.read("sizes").split(), ["100000", "100000"], "bytes of EVENT_TEXT and of the last argument")
    check(send(world, "-w", least=[*LEAST[:6], "-n", "i" * 5000]).code == 0, world.last_answer)     # longer than an order may be


@scenario
def nobody_registered_is_accepted_and_wrong_files_are_not(world):
    sent(world)
    tree(world)
    sent(world, "-w")
    sent(world, "-O", world.path("no/such/directory"), code=71)
    world.write("banken.conf", "[events]\ndir = relative\n")
    sent(world, code=78)
    world.conf = world.path("missing.conf")
    sent(world, code=66)


@scenario
def a_pcheck_that_does_not_answer_is_told_and_responders_run_all_the_same(world):
    tree(world)
    responder(world, "filesys/diskfull/look", f"echo \"$EVENT_RECOVERING\" >> {world.path('ran')}")
    pid = start(world)
    kill(world.pcheck.pid, signal.SIGSTOP)
    try:
        answer = sent(world, "-w", code=69)
    finally:
        kill(world.pcheck.pid, signal.SIGCONT)
    check(re.search(rf"sendevent: {re.escape(world.pfile_path)}: no answer within 11 s: pcheck \(pid=\d+\) is stopped", answer.err), answer)
    same(world.read("ran"), "0\n", "what the responder was told")
    world.order("show", "pent")
    check(alive(pid), "the order was carried out later")


@scenario
def thousands_of_events_are_each_answered_or_refused_with_words_and_an_entry_is_restarted_meanwhile(world):
    tree(world)
    alpha, beta = world.daemon("alpha"), world.daemon("beta")
    world.pfile(pent_line("alpha", world.restarter("alpha"), retries="unlimited") + ":delay=0:events=filesys/diskfull",
                pent_line("beta", world.restarter("beta"), retries="unlimited") + ":delay=0", MSG_CHECK_INTERVAL=1)
    world.start_pcheck()
    for name, pid in (("alpha", alpha), ("beta", beta)):
        world.log.wait(up(name, pid))
    senders = [world.script(f"sender{number}", f"""i=0
while [ $i -lt 250 ]; do
    if error=$({os.path.join(world.build, "sendevent/sendevent")} --conf {world.conf} {" ".join(LEAST)} 2>&1); then echo done; else echo "$? $error"; fi
    i=$((i + 1))
done > {world.path(f"answers{number}")}""") for number in range(8)]
    place = world.log.place()
    running = [subprocess.Popen([sender], env=world.environment) for sender in senders]
    kill(beta)
    world.up("beta", place)
    check(all(sender.poll() is None for sender in running), "the events were over before beta was back")
    for sender in running:
        same(sender.wait(), 0, "a sender's exit status")
    answers = [line for number in range(8) for line in world.read(f"answers{number}").splitlines()]
    same(len(answers), 2000, "answers")
    wrong = [answer for answer in answers if not re.fullmatch(r"done|[1-9]\d* .+", answer)]
    check(not wrong, f"{len(wrong)} without words: {wrong[:5]}")
    check("done" in answers and world.runs("alpha"), "no event was acted on")
    world.becomes("alpha", proc_sts="AVAIL")
