# SPDX-License-Identifier: Apache-2.0
"""Applications of Debian as resources, with scripts as an operator writes them: each client has a time limit, a start waits until the
application answers, a stop until it is gone, and both bear a second run."""
import glob
import os
import shutil
import subprocess

import kernel
from daemons import NGINX, end_all, free_port, must_be_ours, nginx_conf
from harness import MARKER, same
from kernel import running


class Application:
    """What one leaves behind: `program` ends with the scenario, whatever becomes of it."""
    def __init__(self, world, tag, program):
        must_be_ours(program)
        self.world, self.tag = world, tag
        self.program = os.path.realpath(program)
        self.port = free_port()
        self.mounted = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.world.close_pcheck()       # first: it would start it again
        kernel.end_all_of(self.world.directory, f"{MARKER}={self.world.directory}".encode())
        end_all(self.program)
        if self.mounted and os.path.ismount(self.mounted):
            subprocess.run(["umount", self.mounted], check=True)

    def pids(self):
        return running(self.program)

    def script(self, action, body):
        """It leaves its name in `order`, for all resources."""
        return self.world.script(f"{self.tag}.{action}", f"echo '{self.tag} {action}' >> {self.world.path('order')}\n{body}")

    def actions(self):
        """What was run of it, but the checks."""
        lines = [line.split() for line in self.world.read("order").splitlines()]
        return [action for tag, action in lines if tag == self.tag and "heck" not in action]

    def signal_all(self, number):
        for pid in self.pids():
            os.kill(pid, number)


class Redis(Application):
    """generic. It writes each change into a file, so that a full disk is met."""
    def __init__(self, world):
        super().__init__(world, "redis", "/usr/bin/redis-server")
        self.directory = world.path("data")
        os.makedirs(self.directory, exist_ok=True)
        self.conf = world.write("redis.conf", f"""
daemonize yes
bind 127.0.0.1
port {self.port}
dir {self.directory}
pidfile {world.path('redis.pid')}
logfile {world.path('redis.log')}
save ""
appendonly yes
""")

    def definition(self, limit=10, **keys):
        """limit: of redis-cli, in seconds."""
        client = f"timeout {limit} redis-cli -e -h 127.0.0.1 -p {self.port}"
        common = self.world.script("redis.lib", f"""
client() {{ {client} "$@" 2>&1; }}
answers() {{ [ "$(client ping)" = PONG ]; }}
lives() {{ pgrep -f '^redis-server .*(redis.conf|:{self.port})' > /dev/null; }}
end_it() {{ pkill -KILL -f '^redis-server .*(redis.conf|:{self.port})'; while lives; do sleep 0.05; done; }}
start() {{
    redis-server {self.conf} || return 1
    while lives; do answers && return 0; sleep 0.05; done
    return 1
}}
# More than the last page of the file has room for, and again: the first write is answered before it is known that it has failed.
writes() {{
    value=$(head -c 8192 /dev/zero | tr '\\0' x)
    for turn in 1 2; do
        [ "$(client set banken "$value")" = OK ] || return 1
        [ "$(client get banken)" = "$value" ] || return 1
    done
    [ "$(client del banken)" = 1 ]
}}""")
        scripts = {"restore": "answers || start", "remove": "client shutdown nosave > /dev/null\nend_it\nexit 0", "quickCheck": "answers",
                   "deepCheck": "writes", "recover": "end_it\nstart && writes"}
        scripts = {action: self.script(action, f". {common}\n{body}") for action, body in scripts.items()}
        return self.world.resource("redis", "generic", **{"quick_interval": 1, "deep_interval": 2, **scripts, **keys})

    def client(self, *words):
        return self.world.run(["redis-cli", "-e", "-h", "127.0.0.1", "-p", str(self.port), *words])

    def pid(self):
        found = self.pids()
        same(len(found), 1, "processes of redis")
        return found[0]

    def serves(self):
        same(self.client("ping").out, "PONG\n", "its answer")
        return self.pid()


class Postgres(Application):
    """generic, as a user of its own. What a killed postmaster leaves must be gone before another one can begin."""
    def __init__(self, world):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))
        super().__init__(world, "pg", found[-1] if found else "/usr/lib/postgresql/bin/postgres")
        self.directory = world.path("pg")
        os.mkdir(self.directory, 0o700)
        shutil.chown(self.directory, "postgres", "postgres")
        self.pg_ctl = f"runuser -u postgres -- {os.path.dirname(self.program)}/pg_ctl -D {self.directory} -s -w -t 60"
        done = world.run([*self.pg_ctl.split(), "-o", "-A trust --no-sync --locale=C", "initdb"])
        same(done.code, 0, f"initdb: {done}")

    def definition(self, limit=20, **keys):
        """limit: of psql, in seconds."""
        options = f"-p {self.port} -k {self.directory} -c listen_addresses= -c fsync=off"
        common = self.world.script("pg.lib", f"""
query() {{ timeout {limit} psql -h {self.directory} -p {self.port} -U postgres -Atqc "$1" postgres 2>&1; }}
answers() {{ [ "$(query 'select 1')" = 1 ]; }}
start() {{ {self.pg_ctl} -l {self.directory}/log -o '{options}' start > /dev/null; }}
lives() {{ pgrep -u postgres -x postgres > /dev/null; }}
end_it() {{ pkill -KILL -u postgres -x postgres; while lives; do sleep 0.05; done; }}""")
        deep = "[ \"$(query 'create temp table t (v int); insert into t values (42); select v from t')\" = 42 ]"
        scripts = {"restore": "answers || start", "remove": f"{self.pg_ctl} -m fast stop > /dev/null 2>&1\nend_it\nexit 0",
                   "quickCheck": "answers", "deepCheck": deep, "recover": f"end_it\nstart && {deep}"}
        scripts = {action: self.script(action, f". {common}\n{body}") for action, body in scripts.items()}
        return self.world.resource("pg", "generic", **{"quick_interval": 1, "deep_interval": 2, **scripts, **keys})

    def query(self, text):
        return self.world.run(["psql", "-h", self.directory, "-p", str(self.port), "-U", "postgres", "-Atqc", text, "postgres"]).out

    def postmaster(self):
        return int(self.world.read("pg/postmaster.pid").split()[0])


class Nginx(Application):
    """cmdline: one script for Start, Stop and Check."""
    def __init__(self, world):
        super().__init__(world, "nginx", NGINX)
        self.conf = nginx_conf(world, self.port)

    def definition(self, limit=10, **keys):
        """limit: of the Check's client, in seconds. A dead or hung master's workers keep the port: Start ends them first."""
        nginx = f"{NGINX} -c {self.conf} -e {self.world.path('nginx.log')}"
        ctl = self.world.write("nginx.ctl", f"""#!/bin/bash
echo "nginx $1" >> {self.world.path('order')}
end_all() {{ pkill -KILL -f '^nginx: '; while pgrep -f '^nginx: ' > /dev/null; do sleep 0.05; done; }}
case $1 in
start) end_all; {nginx} ;;
stop) {nginx} -s stop; end_all; exit 0 ;;
check)
    exec 3<>/dev/tcp/127.0.0.1/{self.port} || exit 1
    printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3
    read -r -t {limit} answer <&3 && [[ $answer = *' 204 '* ]]
    ;;
esac
""", 0o755)
        return self.world.resource("nginx", "cmdline", **{"start": f"{ctl} start", "stop": f"{ctl} stop", "check": f"{ctl} check", **keys})
