# SPDX-License-Identifier: Apache-2.0
"""Daemons of Debian: whether they are ours to kill, their ports, and their processes by what they write over their command lines."""
import contextlib
import os
import socket

from harness import Skip
from kernel import BOUND, kill, read_proc, running, until

NGINX = "/usr/sbin/nginx"


def must_be_ours(binary):
    if not os.path.exists(binary):
        raise Skip(f"{binary} is not installed")
    if running(binary):
        raise Skip(f"a {os.path.basename(binary)} of this host runs already and is not ours to kill")


def free_port():
    with contextlib.closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), BOUND):
        return True
    return False


def titled(binary, words):
    """The processes of this program with these words in their title."""
    return [pid for pid in running(binary) if words.encode() in read_proc(pid, "cmdline")]


def end_all(binary):
    """Their titles overwrite the environment by which the world finds what it started."""
    def none_left():
        for pid in running(binary):
            with contextlib.suppress(ProcessLookupError):
                kill(pid)
        return not running(binary)
    until(none_left, f"the end of every {binary}")


def nginx_conf(world, port):
    """Two workers, every file in the world's directory."""
    temporary = "".join(f"{kind}_temp_path {world.path(kind)}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return world.write("nginx.conf", f"""
worker_processes 2;
pid {world.path('nginx.pid')};
error_log {world.path('nginx.log')};
events {{ }}
http {{ access_log off; {temporary} server {{ listen 127.0.0.1:{port}; return 204; }} }}
""")
