# SPDX-License-Identifier: Apache-2.0
"""Daemons of Debian whose processes are easily taken for one another: nginx's master and workers, sshd's listener and sessions."""
import contextlib
import os
import signal
import subprocess

from daemons import NGINX, answers, end_all, free_port, must_be_ours, nginx_conf, titled
from harness import attempt, check, down, pent_line, same, scenario, up
from kernel import alive, kill, until, wait_end

SSHD = "/usr/sbin/sshd"


# ---- nginx ----

class Nginx:
    """A master with two workers, its files in the world's directory."""
    def __init__(self, world):
        must_be_ours(NGINX)
        self.world = world
        self.port = free_port()
        self.conf = nginx_conf(world, self.port)
        # A dead master's workers keep the port: the script ends them first, as an operator's would.
        self.script = world.script("restart.sh", f"pgrep -c -f 'nginx: worker process' >> {world.path('nginx.runs')}\n"
                                                 f"pkill -KILL -f 'nginx: worker process'\n{self.command()}\nexit 0")

    def __enter__(self):
        self.master = self.start()
        return self

    def __exit__(self, *_):
        end_all(NGINX)

    def command(self):
        return f"{NGINX} -c {self.conf} -e {self.world.path('nginx.log')}"

    def start(self):
        subprocess.run(self.command().split(), env=self.world.environment, stdin=subprocess.DEVNULL, capture_output=True, check=True)
        self.await_workers()
        return self.masters()[0]

    def masters(self):
        return titled(NGINX, "nginx: master process")

    def workers(self):
        return titled(NGINX, "nginx: worker process")

    def await_workers(self, *gone):
        until(lambda: len(self.workers()) == 2 and not set(gone) & set(self.workers()) and answers(self.port), "two workers")

    def watched(self, *options):
        self.world.pfile(":".join([pent_line("nginx", self.script), *options]), pent_line("beta", self.world.restarter("beta")))
        beta = self.world.daemon("beta")
        self.world.start_pcheck()
        for line in (up("nginx", self.master), up("beta", beta)):
            self.world.log.wait(line)

    def lines_until_beta_is_mended(self, place):
        """What pcheck says of nginx until it has found, told and mended a later loss."""
        beta = int(self.world.becomes("beta", proc_sts="AVAIL")["pid"])
        kill(beta)
        self.world.up_pid("beta", place)
        return [text for text in self.world.log.texts(place) if "nginx" in text]


@scenario
def the_master_of_nginx_is_restarted_although_its_workers_survive(world):
    with Nginx(world) as nginx:
        nginx.watched()
        workers = nginx.workers()
        place = world.log.place()
        kill(nginx.master)
        new = world.up_pid("nginx", place)
        same(world.log.texts(place), [*down("nginx", nginx.master), attempt("nginx"), up("nginx", new)], "pcheck's lines")
        same(world.runs("nginx"), ["2"], "workers that lived when the script ran")
        nginx.await_workers(*workers)
        same(nginx.masters(), [new], "masters")


@scenario
def a_worker_of_nginx_may_die(world):
    with Nginx(world) as nginx:
        nginx.watched()
        place = world.log.place()
        victim = nginx.workers()[0]
        kill(victim)
        nginx.await_workers(victim)
        same(nginx.lines_until_beta_is_mended(place), [], "lines about nginx")
        same(nginx.masters(), [nginx.master], "masters")


def upgrade(world, nginx):
    """As nginx's manual says. Returns the new master, when the old one has left."""
    kill(nginx.master, signal.SIGUSR2)
    new = until(lambda: next((pid for pid in nginx.masters() if pid != nginx.master), None), "the new master")
    until(lambda: len(nginx.workers()) == 4, "the new workers")
    kill(nginx.master, signal.SIGQUIT)
    wait_end(nginx.master, "the old master")
    world.becomes("nginx", proc_sts="AVAIL", pid=new)
    return new


def is_upgraded(world, *options):
    with Nginx(world) as nginx:
        nginx.watched(*options)
        place = world.log.place()
        new = upgrade(world, nginx)
        same(nginx.lines_until_beta_is_mended(place), [up("nginx", new)], "lines about nginx")
        same(nginx.masters(), [new], "masters")
        same(world.runs("nginx"), [], "runs of the script")
        world.becomes("nginx", proc_sts="AVAIL", restart_count=0)
        place = world.log.place()
        kill(new)
        world.log.wait(down("nginx", new)[1], place)
        world.up_pid("nginx", place)


@scenario
def a_hot_upgrade_of_nginx_is_no_loss(world):
    is_upgraded(world)


@scenario
def a_hot_upgrade_of_nginx_by_its_pidfile_is_no_loss(world):
    is_upgraded(world, f"pidfile={world.path('nginx.pid')}")


# ---- sshd ----

class Sshd:
    """A listener on loopback with its own configuration and keys."""
    def __init__(self, world):
        must_be_ours(SSHD)
        self.world = world
        self.port = free_port()
        for name in ("host_key", "key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", world.path(name)], check=True, stdin=subprocess.DEVNULL)
        self.conf = world.write("sshd_config", f"""
Port {self.port}
ListenAddress 127.0.0.1
HostKey {world.path('host_key')}
PidFile {world.path('sshd.pid')}
AuthorizedKeysFile {world.path('key.pub')}
StrictModes no
UsePAM no
PermitRootLogin yes
""")
        self.script = world.script("restart.sh", f"echo run >> {world.path('sshd.runs')}\n{SSHD} -f {self.conf}\nexit 0")

    def __enter__(self):
        os.makedirs("/run/sshd", exist_ok=True)
        subprocess.run([SSHD, "-f", self.conf], env=self.world.environment, stdin=subprocess.DEVNULL, capture_output=True, check=True)
        self.listener = self.one_listener()
        return self

    def __exit__(self, *_):
        end_all(SSHD)

    def one_listener(self):
        """When it listens: its title comes then."""
        found = until(lambda: titled(SSHD, "[listener]"), "a listener")
        check(len(found) == 1, f"listeners: {found}")
        return found[0]

    @contextlib.contextmanager
    def session(self):
        """A login that echoes lines; its server processes are marked as ours by their environment."""
        command = ["ssh", "-q", "-i", self.world.path("key"), "-p", str(self.port), "-o", "StrictHostKeyChecking=no",
                   "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "root@127.0.0.1", "exec cat"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self.world.environment) as client:
            try:
                self.echoes(client)
                yield client
            finally:
                client.kill()

    @staticmethod
    def echoes(client):
        client.stdin.write(b"hello\n")
        client.stdin.flush()
        same(client.stdout.readline(), b"hello\n", "what the session answers")


def is_restarted_beside_sessions(world, *options):
    with Sshd(world) as sshd:
        world.pfile(":".join([pent_line("sshd", sshd.script), *options]))
        with sshd.session() as first:
            world.start_pcheck()
            world.log.wait(up("sshd", sshd.listener))
            with sshd.session() as second:
                place = world.log.place()
                kill(sshd.listener)
                new = world.up_pid("sshd", place)
                same(world.log.texts(place), [*down("sshd", sshd.listener), attempt("sshd"), up("sshd", new)], "pcheck's lines")
                same(sshd.one_listener(), new, "the listener")
                for session in (first, second):
                    sshd.echoes(session)
            place = world.log.place()
            kill(new, signal.SIGTERM)       # an orderly end: a session that lives is no replacement
            newest = world.up_pid("sshd", place)
            same(sshd.one_listener(), newest, "the listener after an orderly end")
            sshd.echoes(first)
        check(alive(newest), "the listener went with a session")


@scenario
def the_listener_of_sshd_is_restarted_while_sessions_live(world):
    is_restarted_beside_sessions(world)


@scenario
def the_listener_of_sshd_by_its_title_is_restarted_while_sessions_live(world):
    is_restarted_beside_sessions(world, r"args=\[listener\]")
