# SPDX-License-Identifier: Apache-2.0
"""What a user without any right may try against the resources of a pcheck of root, and against the events that it tells. SECURITY.md has the table."""
import os
import re
import shutil

import kernel
from harness import check, pent_line, same, scenario, up
from kernel import alive, kill, until
from nobody import NOBODY, as_nobody, copy_for_nobody, directory_of_nobodys, intruder, run_as_nobody
from test_resources import generic

SENT = ["-C", "filesys", "-E", "diskfull", "-m", "df", "-n", "web"]


def begin(world, *lines, **param):
    world.pfile(resources=lines, **param)
    world.start_pcheck()


def in_service(world, **keys):
    begin(world, generic(world, "web", **keys))
    return world.is_in("web", "ISP")


def with_state(world):
    """A state directory of root's; its path."""
    path = world.path("state")
    os.mkdir(path, 0o755)
    world.conf = world.write("banken.conf", world.conf_text(None) + f"[state]\ndir = {path}\n")
    return path


def with_events(world, *directories):
    world.conf = world.write("banken.conf", world.conf_text(None) + f"[events]\ndir = {world.path('events')}\n")
    for directory in directories:
        os.makedirs(world.path(f"events/{directory}"))


def is_refused(world, why):
    answer = world.run_pcheck("-f", world.pfile_path)
    same(answer.code, 78, f"pcheck's exit status: {answer}")
    check(why in answer.err, f"{why} is not told: {answer.err}")


# ---- files ----

@scenario
def a_definition_that_nobody_could_have_written_is_refused_and_a_reload_keeps_the_old_one(world):
    line = generic(world, "web")
    begin(world, line)
    world.is_in("web", "ISP")
    theirs = directory_of_nobodys(world)
    trap = world.script("trap", f"touch {world.path('ran')}")
    as_nobody(lambda: open(os.path.join(theirs, "definition"), "w", encoding="ascii").write(f"[generic]\nrestore = {trap}\nremove = {trap}\n"))
    link = world.path("link")
    os.symlink(os.path.join(theirs, "definition"), link)
    for path, why in ((os.path.join(theirs, "definition"), "theirs is owned by uid 65534"), (link, "theirs is owned by uid 65534")):
        world.pfile(resources=[f"web:generic:{path}"])
        told = world.refused(78, "reload")
        check(why in told, told)
    same(world.resources()["web"]["state"], "ISP", "the resource of before")
    world.order("remove", "web")
    world.is_in("web", "OSU")
    check(not os.path.exists(world.path("ran")), "nobody's definition was used")


@scenario
def a_defaults_file_that_nobody_could_have_written_is_refused(world):
    theirs = directory_of_nobodys(world)
    defaults = os.path.join(theirs, "defaults")
    as_nobody(lambda: open(defaults, "w", encoding="ascii").write("LKCHECKINTERVAL=1\n"))
    world.pfile(resources=[generic(world, "web")], DEFAULTS_FILE=defaults)
    is_refused(world, "theirs is owned by uid 65534")


@scenario
def a_script_of_a_resource_that_nobody_could_swap_is_never_run(world):
    theirs = directory_of_nobodys(world)
    marker = world.path("ran")
    as_nobody(lambda: os.symlink(world.path("web.recover"), os.path.join(theirs, "recover")))
    in_service(world, recover=os.path.join(theirs, "recover"))
    trap = world.write("theirs/trap", f"#!/bin/sh\ntouch {marker}\n", 0o755)
    as_nobody(lambda: os.rename(trap, os.path.join(theirs, "recover")))
    kill(world.pid_of("web"))
    world.log.wait(re.compile(r"^Script failed \(web\): recover cannot execute: .*theirs is owned by uid 65534"))
    world.is_in("web", "OSF")
    check(not os.path.exists(marker), "nobody's script ran as root")


@scenario
def copies_of_scripts_lie_where_nobody_can_write_whatever_the_tag_says(world):
    state = with_state(world)
    tags = ["a/../../../b", "c/d", "e..f"]
    begin(world, *(generic(world, tag, copy="yes") for tag in ["web"]),
          *(f"{tag}:generic:{world.path('web.definition')}" for tag in tags))
    world.is_in("web", "ISP")
    copies = os.path.join(state, "scripts", f"{world.key:08x}")
    same(sorted(os.listdir(copies)), ["a%2F..%2F..%2F..%2Fb", "c%2Fd", "e..f", "web"], "directories of copies")
    same(sorted(os.listdir(state)), ["scripts"], "the state directory")
    copy = os.path.join(copies, "web", "recover")
    for attack in (lambda: os.unlink(copy), lambda: os.rename(copy, copy + ".old"), lambda: open(copy, "a", encoding="ascii").close(),
                   lambda: os.rename(copies, world.path("elsewhere")), lambda: os.mkdir(os.path.join(state, "scripts", "0"))):
        told = as_nobody(attack)
        check(told.startswith("PermissionError"), f"nobody was told: {told}")


@scenario
def a_state_directory_that_nobody_could_write_holds_no_copies(world):
    state = with_state(world)
    os.chown(state, NOBODY, NOBODY)
    world.pfile(resources=[generic(world, "web", copy="yes")])
    is_refused(world, f"{state} is owned by uid 65534")
    same(os.listdir(state), [], "what lies there")


@scenario
def a_dump_of_nobodys_decides_about_no_resource(world):
    theirs = directory_of_nobodys(world)
    dump = os.path.join(theirs, "dump")
    in_service(world)
    world.order("remove", "web")
    world.is_in("web", "OSU")
    world.shut_down()
    shutil.copy(world.dump, dump)       # says, truly once, that web is to stay out
    os.chown(dump, NOBODY, NOBODY)

    def instead(work):
        def attack():
            os.unlink(dump)
            work()
        return attack
    attacks = [lambda: None, instead(lambda: os.mkfifo(dump)), instead(lambda: os.symlink("/dev/zero", dump)),
               instead(lambda: os.symlink("dump", dump)), instead(lambda: os.symlink(world.dump, dump))]
    for attack in attacks:
        same(as_nobody(attack), "None", "nobody's attack")
        world.pfile(resources=[generic(world, "web")], SHM_DUMP_FILE=dump)
        place = world.log.place()
        world.start_pcheck("--fresh")
        world.log.wait(re.compile(r"^initial=last: .*theirs is owned by uid 65534"), place)
        world.is_in("web", "ISP")
        world.close_pcheck()
        if os.path.lexists(dump):
            os.unlink(dump)
        same(as_nobody(lambda: os.symlink("nowhere", dump)), "None", "nobody's link")


# ---- orders, and what scripts are told ----

@scenario
def nobody_orders_no_resource_whatever_key_he_names(world):
    in_service(world)
    commands = [copy_for_nobody(world, f"compat/{name}") for name in ("ins_list", "perform_action")]
    for environment in ({}, {"BANKEN_IPCKEY": f"0x{world.key:08x}", "LKROOT": "/"}):
        world.environment = {**world.environment, **environment}
        code, told = run_as_nobody(world, commands[0], "-t", "web")
        same((code, told.count("ISP")), (4, 0), f"ins_list as nobody: {told}")
        code, told = run_as_nobody(world, commands[1], "-t", "web", "-a", "remove")
        same(code, 4, f"perform_action as nobody: {told}")
    same([line.split()[0].rpartition(".")[2] for line in world.runs("web") if "quickCheck" not in line], ["restore"], "scripts of web")


def pcheck_of_nobodys(world, name, tag, **param):
    """A pcheck that nobody runs, with a resource of this tag that is out of service; its process."""
    key = next(key for key in range(0x1f001000, 0x1f002000) if key not in kernel.keys_in_use())
    theirs = directory_of_nobodys(world, name)
    program = copy_for_nobody(world, "pcheck/pcheck")
    script = world.script(f"{name}/script", "exit 0")
    definition = world.write(f"{name}/definition", f"[generic]\nrestore = {script}\nremove = {script}\nrecover = {script}\n")
    keys = {"IPCKEY": f"0x{key:08x}", "SHM_DUMP_FILE": os.path.join(theirs, "dump"), **param}
    head = "\n".join(f"{word} {value}" for word, value in keys.items())
    pfile = world.write(f"{name}/pfile", f"##### PARAM #####\n{head}\n##### PENT #####\n##### RESOURCE #####\n{tag}:generic:{definition}\n")
    for path in (script, definition, pfile):
        os.chown(path, NOBODY, NOBODY)
    conf = world.write(f"{name}/banken.conf", "[log]\ntarget = stderr\n")
    process = intruder(world, [program, "--conf", conf, "-f", pfile])
    until(lambda: os.path.exists(os.path.join(theirs, "dump")), "nobody's pcheck")
    return process, key


@scenario
def a_pcheck_of_nobodys_is_not_believed_about_roots_resource(world):
    in_service(world)
    process, key = pcheck_of_nobodys(world, "theirs", "web")
    try:
        ins_list, perform = (os.path.join(world.build, "compat", name) for name in ("ins_list", "perform_action"))
        same([line.split("|")[3] for line in world.run([ins_list, "-f|"]).out.splitlines()], ["web"], "the resources that there are")
        same(world.run([perform, "-t", "web", "-a", "remove"]).code, 0, "remove")
        same(world.resources()["web"]["state"], "OSU", "root's resource")
        world.environment = {**world.environment, "BANKEN_IPCKEY": f"0x{key:08x}"}
        for command in ([ins_list, "-t", "web"], [perform, "-t", "web", "-a", "remove"]):
            same(world.run(command).code, 4, f"{os.path.basename(command[0])} with the key of nobody's pcheck: {world.last_answer}")
    finally:
        end_of(process, key)


def end_of(process, key):
    kill(process.pid)
    process.wait()
    kernel.remove_segment(key)
    kernel.remove_semaphore(key)


@scenario
def pchecks_of_nobodys_that_never_answer_hold_up_no_event_of_roots_for_long(world):
    with_events(world, "filesys/diskfull")
    world.script("events/filesys/diskfull/look", f"echo $EVENT_RECOVERING >> {world.path('heard')}")
    in_service(world)
    theirs = [pcheck_of_nobodys(world, f"theirs{number}", "web", MSG_CHECK_INTERVAL=3600) for number in range(2)]
    try:
        for process, _ in theirs:
            kill(process.pid, 19)
        answer = world.run([os.path.join(world.build, "sendevent/sendevent"), "--conf", world.conf, *SENT, "-w"])
        same(answer.code, 69, f"sendevent: {answer}")
        until(lambda: world.resources()["web"]["recover_count"] == "1", "the recovery of web")
        same(world.read("heard"), "1\n", "what the responder was told")
    finally:
        for one in theirs:
            end_of(*one)


# ---- events and responders ----

@scenario
def an_event_of_nobodys_recovers_nothing_and_his_responders_are_his_own(world):
    theirs = directory_of_nobodys(world)
    with_events(world, "filesys/diskfull")
    heard = os.path.join(theirs, "heard")
    world.script("events/filesys/diskfull/look", f"echo $(id -u) $EVENT_RECOVERING \"$EVENT_TEXT\" >> {heard}")
    in_service(world)
    first = world.pid_of("web")
    sendevent = copy_for_nobody(world, "sendevent/sendevent")
    for tree in (world.path("events"), os.path.join(theirs, "events")):
        code, told = run_as_nobody(world, sendevent, "--conf", world.conf, *SENT, "-w", "-x", f"$(touch {theirs}/shell) `id` \"'; \n")
        same(code, 0, f"sendevent as nobody: {told}")
        conf = world.write("theirs.conf", f"[events]\ndir = {tree}\n")
        code, told = run_as_nobody(world, sendevent, "--conf", conf, *SENT, "-w")
        same(code, 0, f"sendevent as nobody: {told}")
    check(all(line.split()[:2] == [str(NOBODY), "0"] for line in world.read("theirs/heard").splitlines() if line[:1].isdigit()),
          f"who has heard what: {world.read('theirs/heard')}")
    check(alive(first) and not os.path.exists(os.path.join(theirs, "shell")), "something of root's was begun")
    same(world.resources()["web"]["recover_count"], "0", "recover_count")


@scenario
def a_responder_that_nobody_put_there_or_could_swap_is_not_run_by_pcheck(world):
    with_events(world, "resource", "allclass", "genclass/state")
    theirs = directory_of_nobodys(world)
    trap = f"echo $0 >> {world.path('ran')}"
    as_nobody(lambda: os.symlink(world.path("good"), os.path.join(theirs, "link")))
    world.script("good", trap)
    os.symlink(os.path.join(theirs, "link"), world.path("events/genclass/state/link"))
    os.chmod(world.path("events/allclass"), 0o777)
    same(as_nobody(lambda: shutil.copy(world.path("good"), world.path("events/allclass/mine"))), world.path("events/allclass/mine"), "his responder")
    told = as_nobody(lambda: os.mkdir(world.path("events/resource/state")))
    check(told.startswith("PermissionError"), f"nobody was told: {told}")
    in_service(world)
    world.log.wait(re.compile(r"^Event responder refused: .*events/allclass is writable by others"))
    world.log.wait(re.compile(r"^Event responder refused: .*theirs is owned by uid 65534"))
    place = world.log.place()
    world.order("remove", "web")
    world.is_in("web", "OSU")
    world.order("dump")
    same([text for text in world.log.texts(place) if "refused" in text], [], "what is told again")
    check(not os.path.exists(world.path("ran")), f"ran: {world.read('ran')}")


@scenario
def a_process_of_nobodys_that_dies_again_and_again_starts_no_more_responders_than_there_may_be(world):
    with_events(world, "pcheck/down")
    os.mkfifo(world.path("never"))
    world.script("events/pcheck/down/hangs", f"echo $$ >> {world.path('hanging')}\nread line < {world.path('never')}")
    theirs = world.program("theirs")
    restart = world.script("restart.sh", f"setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups {theirs} > /dev/null")
    alpha = world.daemon("alpha")
    world.pfile(pent_line("theirs", restart, retries="unlimited") + ":delay=0:user=nobody", pent_line("alpha", world.restarter("alpha")),
                CONFIRM_WAIT=0)
    world.start_pcheck()
    world.log.wait(up("alpha", alpha))
    pid = world.up_pid("theirs")
    for _ in range(40):
        same(as_nobody(lambda pid=pid: kill(pid)), "None", "his own death")
        pid = world.replaced("theirs", pid)
        world.becomes("theirs", pid=pid)
    place = world.log.place()
    kill(alpha)
    world.up("alpha", place)
    until(lambda: len(world.read("hanging").splitlines()) == 32, "32 responders")
    world.becomes("alpha", proc_sts="AVAIL")
    same(len(world.read("hanging").splitlines()), 32, "responders at a time")
