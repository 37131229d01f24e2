# SPDX-License-Identifier: Apache-2.0
"""Real applications as resources, and what becomes of them: killed, hung, without their port, on a full disk, in a tree."""
import contextlib
import errno
import os
import re
import signal
import socket

from applications import Nginx, Postgres, Redis
from harness import check, same, scenario
from kernel import kill, until
from resources import begin
from test_sendevent import responder, send, tree


def with_responder(world):
    """Every event that is told leaves a line in `told`."""
    tree(world)
    responder(world, "allclass/tell", f"echo \"$EVENT_CLASS/$EVENT_NAME $EVENT_INSTANCE $EVENT_RECOVERING\" >> {world.path('told')}")


def told(world, *wanted):
    """Waits until these events were told, in whatever order: each has a process of its own."""
    until(lambda: set(wanted) <= set(world.read("told").splitlines()), f"{wanted} in {world.path('told')}")


@contextlib.contextmanager
def port_taken(port):
    """Somebody has it, and does not even listen."""
    with contextlib.closing(socket.socket()) as one:
        one.bind(("127.0.0.1", port))
        yield


def fill(directory):
    """Returns the file that has taken what was left."""
    path = os.path.join(directory, "ballast")
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError as error:
            same(error.errno, errno.ENOSPC, "why it ends")
    return path


# ---- Redis, generic ----

@scenario
def redis_is_restored_checked_recovered_and_removed(world):
    with_responder(world)
    with Redis(world) as redis:
        begin(world, redis.definition())
        world.is_in("redis", "ISP")
        first = redis.serves()
        until(lambda: world.read("order").count("redis deepCheck") > 1, "two deep checks")
        kill(first)
        world.log.wait(re.compile(r"^Check failed \(redis\): (quick|deep)Check status=1$"))
        world.log.wait("Resource (redis) ISP: recover action has succeeded")
        second = redis.serves()
        check(second != first, "it was not started anew")
        told(world, "resource/check_failed redis 1", "resource/recovered redis 0")
        world.order("remove", "redis")
        world.is_in("redis", "OSU")
        same(redis.pids(), [], "processes after remove")
        world.order("restore", "redis")
        shown = world.is_in("redis", "ISP")
        same((shown["reason"], shown["recover_count"]), ("restore action has succeeded", "1"), "what it shows")
        same(redis.actions(), ["restore", "recover", "remove", "restore"], "scripts")


@scenario
def redis_that_was_started_by_somebody_else_is_taken_over_as_it_is(world):
    with Redis(world) as redis:
        line = redis.definition()
        same(world.run(["redis-server", redis.conf]).code, 0, "its start")
        pid = until(redis.pids, "its process")[0]
        begin(world, line)
        world.is_in("redis", "ISP")
        same(redis.serves(), pid, "its process")
        kill(world.pcheck.pid)
        world.pcheck.wait()
        world.start_pcheck()
        world.is_in("redis", "ISP")
        same(redis.serves(), pid, "its process after a kill of pcheck")
        same(redis.actions(), ["restore"], "scripts")


def hung_redis_is_recovered(world, outcome, limit, **keys):
    with Redis(world) as redis:
        begin(world, redis.definition(limit, deep_interval=0, **keys))
        world.is_in("redis", "ISP")
        hung = redis.serves()
        kill(hung, signal.SIGSTOP)
        world.log.wait(f"Check failed (redis): quickCheck {outcome}")
        world.log.wait("Resource (redis) ISP: recover action has succeeded")
        check(redis.serves() != hung, "the hung process was left")
        same(redis.actions(), ["restore", "recover"], "scripts")


@scenario
def redis_that_hangs_is_recovered_by_the_limit_of_its_client(world):
    hung_redis_is_recovered(world, "status=1", limit=2)


@scenario
def redis_that_hangs_is_recovered_by_the_limit_of_its_check(world):
    hung_redis_is_recovered(world, "timeout=2s", limit=1000, quickCheck_timeout=2, on_check_timeout="bad")


@scenario
def redis_without_its_port_has_failed_until_the_port_is_free(world):
    with_responder(world)
    with Redis(world) as redis:
        with port_taken(redis.port):
            begin(world, redis.definition())
            world.log.wait("Script failed (redis): restore status=1")
            same(world.is_in("redis", "OSF")["reason"], "restore action has failed: status=1", "the reason")
            told(world, "resource/state redis 0")
            same(redis.pids(), [], "processes")
            world.order("restore", "redis")
            world.log.wait_for_count("Script failed (redis): restore status=1", 2)
            world.is_in("redis", "OSF")
        world.order("restore", "redis")
        world.is_in("redis", "ISP")
        redis.serves()
        same(redis.actions(), ["restore"] * 3, "scripts: nothing is tried again unasked")


# ---- PostgreSQL, generic ----

def postgres_comes_back(world, number, outcome, **keys):
    """With what was written before: its postmaster gets this signal."""
    with Postgres(world) as postgres:
        begin(world, postgres.definition(**keys))
        world.is_in("pg", "ISP")
        postgres.query("create table kept (v int); insert into kept values (7)")
        old, processes = postgres.postmaster(), set(postgres.pids())
        kill(old, number)
        world.log.wait(re.compile(rf"^Check failed \(pg\): (quick|deep)Check {outcome}$"))
        world.log.wait("Resource (pg) ISP: recover action has succeeded")
        check(postgres.postmaster() != old and not processes & set(postgres.pids()), "a process of before lives")
        same(postgres.query("select v from kept"), "7\n", "what was written")
        world.order("remove", "pg")
        world.is_in("pg", "OSU")
        same(postgres.pids(), [], "processes after remove")
        same(postgres.actions(), ["restore", "recover", "remove"], "scripts")


@scenario
def postgresql_whose_postmaster_was_killed_is_recovered_with_its_data(world):
    postgres_comes_back(world, signal.SIGKILL, "status=1")


@scenario
def postgresql_whose_postmaster_hangs_is_recovered_with_its_data(world):
    postgres_comes_back(world, signal.SIGSTOP, "timeout=3s", quickCheck_timeout=3, deep_interval=0, on_check_timeout="bad")


# ---- Redis above a file system above an address ----

def address(world):
    """What a virtual address does, without one."""
    tell = lambda action: f"echo 'vip {action}' >> {world.path('order')}"      # noqa: E731
    up = world.path("vip.up")
    return world.resource("vip", "generic", quick_interval=1, restore=world.script("vip.restore", f"{tell('restore')}\ntouch {up}"),
                          remove=world.script("vip.remove", f"{tell('remove')}\nrm -f {up}"),
                          quickCheck=world.script("vip.quickCheck", f"test -e {up}"))


def file_system(world, directory):
    """8 MiB. A umount fails while anybody has a file open there."""
    tell = lambda action: f"echo 'data {action}' >> {world.path('order')}"     # noqa: E731
    mounted = f"mountpoint -q {directory}"
    mount = f"mount -t tmpfs -o size=8m,mode=0755 data {directory}"
    return world.resource("data", "generic", depends="vip", quick_interval=1,
                          restore=world.script("data.restore", f"{tell('restore')}\n{mounted} || {mount}"),
                          remove=world.script("data.remove", f"{tell('remove')}\n{mounted} || exit 0\numount {directory}"),
                          quickCheck=world.script("data.quickCheck", mounted))


@contextlib.contextmanager
def redis_in_a_tree(world, **keys):
    with Redis(world) as redis:
        redis.mounted = redis.directory
        begin(world, redis.definition(depends="data", **keys), file_system(world, redis.directory), address(world))
        for tag in ("redis", "data", "vip"):
            world.is_in(tag, "ISP")
        redis.serves()
        yield redis


def steps(world):
    """Of all resources in their order, but the checks."""
    return [line for line in world.read("order").splitlines() if "heck" not in line]


RESTORED = ["vip restore", "data restore", "redis restore"]
REMOVED = ["redis remove", "data remove", "vip remove"]


@scenario
def a_tree_of_real_resources_comes_from_below_and_goes_from_above(world):
    with redis_in_a_tree(world) as redis:
        same(steps(world), RESTORED, "the restores")
        world.order("remove", "vip")
        for tag in ("redis", "data", "vip"):
            world.is_in(tag, "OSU")
        same(steps(world), RESTORED + REMOVED, "the removes")
        check(not os.path.ismount(redis.directory) and not redis.pids(), "something is left")
        world.order("restore", "redis")
        world.is_in("redis", "ISP")
        same(steps(world), RESTORED + REMOVED + RESTORED, "the restores by order")
        world.order("shutdown", "remove")
        world.pcheck_ends(0)
        same(steps(world), (RESTORED + REMOVED) * 2, "the removes at the end")


@scenario
def what_stands_on_a_file_system_that_has_gone_is_stopped_before_it(world):
    with redis_in_a_tree(world, limit=2, quick_interval=0, deep_interval=0) as redis:
        kill(redis.serves(), signal.SIGSTOP)    # and it does not follow the order to end
        same(world.run(["umount", "-l", redis.directory]).code, 0, "umount")
        world.log.wait("Check failed (data): quickCheck status=32")
        same(world.is_in("data", "OSF")["reason"], "quickCheck has failed: status=32", "the reason of what failed")
        same(world.is_in("redis", "OSU")["reason"], "remove action has succeeded, data has failed", "the reason of what stands on it")
        world.is_in("vip", "ISP")
        same([step for step in steps(world) if "remove" in step], ["redis remove", "data remove"], "the removes")
        same(redis.pids(), [], "processes")
        world.order("restore", "redis")
        world.is_in("redis", "ISP")
        redis.serves()


@scenario
def redis_on_a_full_disk_fails_with_its_reason_and_what_is_below_stays(world):
    with_responder(world)
    with redis_in_a_tree(world) as redis:
        ballast = fill(redis.directory)
        world.log.wait("Check failed (redis): deepCheck status=1")
        world.log.wait("Script failed (redis): recover status=1")
        same(world.is_in("redis", "OSF")["reason"], "recover action has failed: status=1", "the reason")
        for tag in ("data", "vip"):
            world.is_in(tag, "ISP")
        told(world, "resource/check_failed redis 1", "resource/recovery_failed redis 0", "resource/state redis 0")
        same(redis.actions(), ["restore", "recover", "remove"], "scripts")
        same(redis.pids(), [], "processes")
        os.unlink(ballast)
        world.order("restore", "redis")
        world.is_in("redis", "ISP")
        redis.serves()


@scenario
def an_event_from_outside_recovers_redis_and_is_told_with_what_was_typed(world):
    tree(world)
    responder(world, "filesys/diskfull/look", f"echo \"$*\" >> {world.path('typed')}")
    with redis_in_a_tree(world, quick_interval=0, deep_interval=0) as redis:
        first = redis.serves()
        place = world.log.place()
        least = ["-C", "filesys", "-E", "diskfull", "-m", "df", "-n", "redis"]
        same(send(world, "-w", "-x", "96% full", least=least).code, 0, "exit of sendevent")
        world.log.wait("Resource (redis) ISP: recover action has succeeded", place)
        check(redis.serves() != first, "it is the same process")
        same(world.read("typed"), " ".join([*least, "-w", "-x", "96% full", "-A"]) + "\n", "the arguments of the responder")
        same(redis.actions(), ["restore", "recover"], "scripts")
        lines = [text for text in world.log.texts(place) if "(redis)" in text]
        same(lines, [f"Resource (redis) ISP: {what}" for what in ("event filesys/diskfull", "recover action has succeeded")], "lines")


# ---- nginx, cmdline ----

def online(world, nginx, **keys):
    begin(world, nginx.definition(**keys))
    world.is_in("nginx", "Online")


def recovers_nginx(world, nginx, old):
    world.order("check", "nginx")       # it would come by itself within 10 s
    world.log.wait(re.compile(r"^Check failed \(nginx\): check status=\d+$"))
    world.log.wait("Resource (nginx) Wait: Start is running, to recover")
    world.log.wait_for_count("Resource (nginx) Online: Start has succeeded", 2)
    world.is_in("nginx", "Online")
    check(not set(old) & set(nginx.pids()), "a process of before lives")
    same(nginx.actions(), ["start", "start"], "scripts")


@scenario
def nginx_that_was_killed_is_started_once_more(world):
    with Nginx(world) as nginx:
        online(world, nginx)
        old = nginx.pids()
        nginx.signal_all(signal.SIGKILL)
        recovers_nginx(world, nginx, old)


@scenario
def nginx_that_hangs_is_started_once_more_by_the_limit_of_its_checks_client(world):
    with Nginx(world) as nginx:
        online(world, nginx, limit=2)
        old = nginx.pids()
        nginx.signal_all(signal.SIGSTOP)
        recovers_nginx(world, nginx, old)


@scenario
def nginx_without_its_port_is_faulted_until_it_is_cleared(world):
    with Nginx(world) as nginx:
        online(world, nginx)
        world.order("offline", "nginx")
        world.is_in("nginx", "Offline")
        same(nginx.pids(), [], "processes after Stop")
        with port_taken(nginx.port):
            world.order("online", "nginx")
            world.log.wait("Script failed (nginx): start status=1")
            same(world.is_in("nginx", "Faulted")["reason"], "Start has failed: status=1", "the reason")
            check("clear it first" in world.refused(1, "online", "nginx"), world.last_answer)
        world.order("clear", "nginx")
        world.is_in("nginx", "Offline")
        world.order("online", "nginx")
        world.is_in("nginx", "Online")
        same(nginx.actions(), ["start", "stop", "start", "stop", "start"], "scripts")
