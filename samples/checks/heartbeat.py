#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One sign of life for an entry with heartbeat=SECONDS: heartbeat.py [NAME].

From the daemon itself, a process below it or in its cgroup no NAME is needed; from anywhere else it is, and the sender must be root, pcheck's user or
the daemon's. A daemon that is no script sends the same datagram itself. PCHECK_NOTIFY names the socket; pcheck gives it to its scripts, and what they
start has it too. Never blocking: a pcheck that is stopped reads nothing, and no daemon may wait for it."""
import os
import socket
import sys

text = "WATCHDOG=1" + "".join(f"\nBANKEN_ENTRY={name}" for name in sys.argv[1:2])
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
    out.setblocking(False)
    try:
        out.sendto(text.encode(), os.environ["PCHECK_NOTIFY"])
    except OSError:
        pass    # nobody listens, or the socket is full: the next one will do
